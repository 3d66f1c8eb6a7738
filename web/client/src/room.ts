/** A visit to one room: connects the WebSocket, history, outbox and presence, and publishes snapshots. */

import { Connection } from "./connection.js";
import { Emitter } from "./emitter.js";
import { ApiError, ChatError } from "./errors.js";
import {
  type ErrorFrame,
  HELLO,
  PING,
  type PresenceFrame,
  parseFrame,
  type StoredMessage,
  sendMessage,
  type WelcomeFrame,
} from "./frames.js";
import { History } from "./history.js";
import { saveMessages, takeMessages } from "./message-cache.js";
import { Outbox } from "./outbox.js";
import { loadOutbox, saveOutbox } from "./outbox-store.js";
import { watchPlatform } from "./platform.js";
import { Presence } from "./presence.js";
import { queryString, type RestApi } from "./rest.js";
import { Timeline } from "./timeline.js";
import type {
  ChatStorage,
  CloseReason,
  Member,
  Message,
  PendingMessage,
  RoomEvents,
  RoomSnapshot,
  RoomState,
  WebSocketConstructor,
} from "./types.js";

/** The server announces joins and leaves in rooms up to this size only (PRESENCE_LIMIT). */
const MAX_LISTED_MEMBERS = 100;
const MAX_NAME_LENGTH = 40;
/** The index of the connections that receive messages is eventually consistent: it may not contain a new one yet. */
const INDEX_LAG_MS = 2_000;
const WELCOME_TIMEOUT_MS = 5_000;
const REASONS: Readonly<Record<number, CloseReason>> = { 403: "private", 404: "gone" };

export interface RoomOptions {
  readonly roomId: string;
  readonly name: string;
  readonly token: string | undefined;
  readonly rest: RestApi;
  readonly WebSocket: WebSocketConstructor;
  readonly storage: ChatStorage | undefined;
  findWebSocketUrl(): Promise<string>;
}

/** The snapshot of a room before anything is known about it. */
export const NOT_JOINED: RoomSnapshot = {
  state: { status: "connecting" },
  name: null,
  isPrivate: false,
  you: null,
  messages: [],
  pending: [],
  members: [],
  memberCount: null,
  history: "loading",
  older: "none",
};

/** A room that was joined, created by `ChatClient.join`. It stays connected until `leave`, or until the room has ended. */
export class Room {
  readonly roomId: string;
  readonly #options: RoomOptions;
  readonly #events = new Emitter<RoomEvents & { snapshot: RoomSnapshot }>();
  readonly #timeline = new Timeline();
  readonly #connection: Connection;
  readonly #history: History;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #stopListening: () => void;
  /** The member ids of this client. Each connection has its own. */
  readonly #ownIds = new Set<string>();
  #published = new Map<number, Message>();
  #snapshot: RoomSnapshot;
  #name: string;
  #lateHello: ReturnType<typeof setTimeout> | undefined;
  #welcomeTimeout: ReturnType<typeof setTimeout> | undefined;
  #refusedWith: CloseReason = "gone";

  /** @internal */
  constructor(options: RoomOptions) {
    const { roomId, token, rest, storage } = options;
    this.roomId = roomId;
    this.#options = options;
    this.#name = options.name;
    this.#outbox = new Outbox({
      saved: loadOutbox(storage, roomId),
      send: (message, clientId) => this.#connection.send(sendMessage(message, clientId)),
      save: (messages) => saveOutbox(storage, roomId, messages),
      onChange: (pending) => this.#publish({ pending }),
    });
    this.#snapshot = { ...NOT_JOINED, isPrivate: Boolean(token), pending: this.#outbox.pending };
    this.#history = new History(this.#timeline, {
      read: (range) => rest.getMessages(roomId, token, range),
      onHistory: (messages) => this.#confirm(messages),
      onMissed: (messages) => this.#receive(messages),
      onExpired: (after) => this.#events.emit("expired", { after }),
      onOlder: (older) => this.#publish({ history: "ready", older, messages: this.#messages() }),
      onCaughtUp: () => this.#outbox.caughtUp(),
      onError: (error) => this.#onHistoryError(error),
    });
    this.#presence = new Presence({
      read: () => rest.getMembers(roomId, token),
      onMembers: (members) => this.#publish({ members }),
      onError: (error) => this.#report(error),
    });
    this.#connection = new Connection({
      WebSocket: options.WebSocket,
      findUrl: () => this.#findUrl(),
      isWorthRetrying: () => this.#canBeJoined(),
      onStatus: (status) => this.#onStatus(status),
      onText: (text) => this.#onText(text),
      onError: (error) => this.#report(error),
      ping: () => {
        this.#connection.send(PING);
        // A lost frame leaves no visible gap until the next one arrives.
        this.#history.catchUp();
      },
    });
    this.#restore();
    this.#stopListening = watchPlatform({
      wake: () => takeMessages(storage, roomId), // the page was not reloaded
      hide: () => this.#save(),
    });
    this.#connection.open();
    this.#history.catchUp();
  }

  get state(): RoomState {
    return this.#snapshot.state;
  }

  get messages(): readonly Message[] {
    return this.#snapshot.messages;
  }

  get pending(): readonly PendingMessage[] {
    return this.#snapshot.pending;
  }

  get members(): readonly Member[] {
    return this.#snapshot.members;
  }

  /** Add a listener for an event, and return the function that removes it. */
  on<Type extends keyof RoomEvents>(type: Type, listener: (value: RoomEvents[Type]) => void): () => void {
    return this.#events.on(type, listener as (value: (RoomEvents & { snapshot: RoomSnapshot })[Type]) => void);
  }

  /** Call a function after each change of the snapshot. Returns the function that ends that. Needs no `this`. */
  readonly subscribe = (listener: () => void): (() => void) => this.#events.on("snapshot", listener);

  /** Return everything about the room at this moment. The same object until something changes. Needs no `this`. */
  readonly getSnapshot = (): RoomSnapshot => this.#snapshot;

  /**
   * Send a message. It waits in `pending` while there is no connection, and survives a reload in the storage.
   *
   * Resolves to the stored message. Rejects with a ChatError if the server refuses it (`invalid_message`), or does not
   * confirm it after six attempts (`unconfirmed`): then it stays in `pending` until `retry` or `discard`.
   */
  send(text: string): Promise<Message> {
    return this.#outbox.add(text.replace(/\r\n?/g, "\n"));
  }

  /** Send a failed message again. Settles as `send` does. */
  retry(clientId: string): Promise<Message> {
    return this.#outbox.retry(clientId);
  }

  /** Forget a pending message. If it was sent already, it may still arrive. */
  discard(clientId: string): void {
    this.#outbox.discard(clientId);
  }

  /** Read the page of messages before the first one. See `older` in the snapshot. */
  loadOlder(): Promise<void> {
    return this.#history.readOlder();
  }

  /**
   * Change the name of this client. It reconnects under the new name. An empty name makes it a guest. Throws a ChatError if
   * the name is too long.
   */
  rename(name: string): void {
    checkName(name);
    if (name === this.#name || this.state.status === "closed") return;
    this.#name = name;
    this.#connection.open();
  }

  /** Connect now, if the connection is lost and waits before its next attempt. */
  reconnect(): void {
    this.#connection.retryNow();
  }

  /** Leave the room, and end the connection. Pending messages stay in the storage. */
  leave(): void {
    if (this.state.status === "closed") return;
    this.#connection.close();
    this.#close("left");
  }

  async #findUrl(): Promise<string> {
    const { roomId, token } = this.#options;
    return (await this.#options.findWebSocketUrl()) + queryString({ roomId, name: this.#name, token });
  }

  #onStatus(status: "connecting" | "open" | "lost" | "closed"): void {
    clearTimeout(this.#lateHello);
    clearTimeout(this.#welcomeTimeout);
    if (status === "closed") {
      this.#close(this.#refusedWith);
      return;
    }
    this.#publish({ state: { status } });
    if (this.state.status !== status) return; // a listener has left the room
    if (status === "open") this.#onOpen();
    else this.#outbox.close();
  }

  #onOpen(): void {
    this.#connection.send(HELLO);
    this.#lateHello = setTimeout(() => this.#connection.send(HELLO), INDEX_LAG_MS);
    this.#welcomeTimeout = setTimeout(() => this.#history.catchUp(), WELCOME_TIMEOUT_MS);
    this.#outbox.open();
  }

  #onText(text: string): void {
    const frame = parseFrame(text);
    if (frame?.type === "message") {
      this.#receive([frame]);
      if (this.#timeline.hasGap) this.#history.fillGap();
    } else if (frame?.type === "welcome") {
      this.#onWelcome(frame);
    } else if (frame?.type === "error") {
      this.#onErrorFrame(frame);
    } else if (frame) {
      this.#onPresence(frame);
    }
  }

  #onWelcome({ member, room, memberCount, lastSequence }: WelcomeFrame): void {
    const isFirst = !this.#ownIds.has(member.id);
    clearTimeout(this.#welcomeTimeout);
    this.#ownIds.add(member.id);
    this.#publish({
      you: member,
      name: room.name,
      isPrivate: room.private,
      memberCount,
      ...(isFirst && { messages: this.#messages() }),
    });
    this.#history.reach(lastSequence);
    if (memberCount > MAX_LISTED_MEMBERS) this.#presence.clear();
    else if (isFirst) void this.#presence.refresh().then(() => this.#presence.expect(memberCount));
    else this.#presence.expect(memberCount);
  }

  #onPresence(frame: PresenceFrame): void {
    this.#publish({ memberCount: frame.memberCount });
    this.#presence.note(frame);
    // The leave of an earlier connection of this client is not news.
    if (this.#ownIds.has(frame.sender.id)) return;
    this.#events.emit("presence", { type: frame.type, member: frame.sender, message: frame.message });
  }

  #onErrorFrame(frame: ErrorFrame): void {
    this.#outbox.refuse(frame);
    if (frame.code === "not_in_room") this.#connection.renew();
    else if (frame.action === "hello") this.#history.catchUp();
    if (frame.clientId === undefined) this.#report(new ChatError(frame.code, frame.message));
  }

  #receive(messages: readonly StoredMessage[]): void {
    this.#confirm(messages);
    const added = this.#timeline.add(messages);
    if (added.length === 0) return;
    this.#publish({ messages: this.#messages() });
    for (const { sequence } of added) this.#events.emit("message", this.#published.get(sequence) as Message);
  }

  // A message of ours that arrives, live or in the history, is stored.
  #confirm(messages: readonly StoredMessage[]): void {
    for (const message of messages) {
      if (this.#outbox.confirm(published(message, true))) this.#ownIds.add(message.sender.id);
    }
  }

  // A message keeps its object while it does not change, so that views need not render it again.
  #messages(): readonly Message[] {
    const before = this.#published;
    this.#published = new Map();
    return this.#timeline.messages.map((stored) => {
      const isOwn = this.#ownIds.has(stored.sender.id);
      const known = before.get(stored.sequence);
      const message = known?.isOwn === isOwn ? known : published(stored, isOwn);
      this.#published.set(stored.sequence, message);
      return message;
    });
  }

  #onHistoryError(error: unknown): void {
    const reason = reasonOf(error);
    if (reason) {
      this.#connection.close();
      this.#close(reason);
      return;
    }
    if (this.#snapshot.history === "loading") this.#publish({ history: "failed" });
    this.#report(error);
  }

  /** Return whether the room can be joined. A failed request counts as yes, unless it was refused or not found. */
  async #canBeJoined(): Promise<boolean> {
    try {
      await this.#options.rest.getRoom(this.roomId, this.#options.token);
      return true;
    } catch (error) {
      const reason = reasonOf(error);
      if (reason) this.#refusedWith = reason;
      return reason === undefined;
    }
  }

  // The page is about to be reloaded: keep what the next one can show before its first answer.
  #save(): void {
    const { position, messages } = this.#timeline;
    if (position === null) return;
    const known = messages.filter(({ sequence }) => sequence <= position);
    saveMessages(this.#options.storage, this.roomId, { messages: known, position, ownIds: [...this.#ownIds] });
  }

  #restore(): void {
    const cached = takeMessages(this.#options.storage, this.roomId);
    if (!cached) return;
    for (const id of cached.ownIds) this.#ownIds.add(id);
    this.#timeline.restore(cached.messages, cached.position);
    this.#publish({
      history: "ready",
      older: this.#timeline.hasOlder ? "more" : "none",
      messages: this.#messages(),
    });
  }

  #close(reason: CloseReason): void {
    this.#stopListening();
    clearTimeout(this.#lateHello);
    clearTimeout(this.#welcomeTimeout);
    this.#history.stop();
    this.#presence.stop();
    this.#publish({ state: { status: "closed", reason, isFinal: reason !== "private" } });
    // Messages for a private room can still be sent with the right token, and those of a room that was left later.
    if (reason === "gone") this.#outbox.end(new ChatError("closed", "This room no longer exists."));
    else this.#outbox.close();
  }

  #report(error: unknown): void {
    const isKnown = error instanceof ChatError;
    this.#events.emit("error", isKnown ? error : new ChatError("network", String(error), { cause: error }));
  }

  #publish(change: Partial<RoomSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    if (change.state) this.#events.emit("state", change.state);
    if (change.messages) this.#events.emit("messages", change.messages);
    if (change.pending) this.#events.emit("pending", change.pending);
    if (change.members || "memberCount" in change) this.#events.emit("members", this.#snapshot.members);
    this.#events.emit("snapshot", this.#snapshot);
  }
}

function published({ sequence, message, sender, sentAt, clientId }: StoredMessage, isOwn: boolean): Message {
  return { sequence, message, sender, sentAt, clientId, isOwn };
}

/** Throw a ChatError if the server would refuse a name for its length: the handshake would not tell why. */
export function checkName(name: string): void {
  const { length } = [...name];
  if (length > MAX_NAME_LENGTH) {
    throw new ChatError("invalid_name", `expected a name of at most ${MAX_NAME_LENGTH} characters, not ${length}`);
  }
}

function reasonOf(error: unknown): CloseReason | undefined {
  return error instanceof ApiError ? REASONS[error.status] : undefined;
}
