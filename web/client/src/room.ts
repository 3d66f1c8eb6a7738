/** A visit to one room: connects the WebSocket, history, outbox, presence and commands, and publishes snapshots. */

import { endsSending, isFinal, reasonOf } from "./close-reason.js";
import { CLOSED, Commands } from "./commands.js";
import { Connection, type ConnectionStatus } from "./connection.js";
import { ApiError, ChatError, rejected, toChatError } from "./errors.js";
import {
  type CrowdFrame,
  type ErrorFrame,
  HELLO,
  type ItemsFrame,
  type PresenceFrame,
  parseFrame,
  type RenameFrame,
  type ReportedFrame,
  type RoomInfo,
  type StoredItem,
  serialize,
  type TokensFrame,
  type WelcomeFrame,
} from "./frames.js";
import { History } from "./history.js";
import { checkName } from "./identity.js";
import { listOf } from "./lists.js";
import { endOf, knownRole, Mutes, withKnownRole, withRole } from "./marks.js";
import { saveMessages, takeMessages } from "./message-cache.js";
import { MessageList } from "./message-list.js";
import { Outbox } from "./outbox.js";
import { OutboxStore } from "./outbox-store.js";
import { watchPlatform } from "./platform.js";
import { Presence } from "./presence.js";
import { between } from "./random.js";
import { ReadPosition } from "./read-position.js";
import { type Credentials, queryString, type RestApi } from "./rest.js";
import { RoomStore } from "./room-store.js";
import type { Kept, OwnStorage } from "./storage.js";
import { Timeline } from "./timeline.js";
import type { TokenSource } from "./token-source.js";
import type {
  Ban,
  CloseReason,
  Member,
  Message,
  PendingMessage,
  PresentMember,
  RoomChanges,
  RoomEvents,
  RoomNotice,
  RoomSnapshot,
  RoomState,
  RoomTokens,
  SendOptions,
  Signal,
  StoredReport,
  WebSocketConstructor,
} from "./types.js";
import { TYPING, Typing } from "./typing.js";

/** The server announces joins and leaves in rooms up to this size only (PRESENCE_LIMIT). */
const MAX_LISTED_MEMBERS = 100;
/** The index of the connections that receive messages is eventually consistent: it may not contain a new one yet. */
const INDEX_LAG_MS = 2_000;
/** In a large room, the longest random delay after that. */
const LATE_READ_MS = 3_000;
const WELCOME_TIMEOUT_MS = 5_000;
/** The number of times that new tokens are requested, if no response arrives. */
const RENEWAL_ATTEMPTS = 3;

export interface RoomOptions {
  readonly roomId: string;
  readonly name: string;
  /** The ids of the members to ignore. */
  readonly ignored: readonly string[];
  readonly credentials: Credentials;
  readonly rest: RestApi;
  readonly tokens: TokenSource | undefined;
  readonly WebSocket: WebSocketConstructor;
  /** Absent while it is not known who the user is: then `useStorage` follows. */
  readonly kept: Kept | undefined;
  findWebSocketUrl(): Promise<string>;
}

/** A room that was joined, created by `ChatClient.join`. It stays connected until `leave`, or until the room has ended. */
export class Room {
  readonly roomId: string;
  readonly #options: RoomOptions;
  readonly #store: RoomStore;
  readonly #messages: MessageList;
  readonly #timeline = new Timeline();
  readonly #find = (sequence: number) => this.#timeline.find(sequence);
  readonly #commands = new Commands((text) => this.#connection.send(text));
  readonly #connection: Connection;
  readonly #history: History;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #mutes = new Mutes(() => this.#publishMarks());
  readonly #readPosition = new ReadPosition(
    (sequence) => this.#connection.send(serialize("markRead", { sequence })),
    (readSequence) => this.#store.publish({ readSequence }),
  );
  readonly #typing = new Typing(
    () => this.#connection.send(serialize("signal", { name: TYPING, clientId: TYPING })),
    (typing) => this.#store.publish({ typing }),
  );
  #credentials: Credentials;
  readonly #stopListening: () => void;
  #storage: OwnStorage | undefined;
  #saved: OutboxStore | undefined;
  #name: string;
  /** Whether this connection has received a welcome. */
  #isGreeted = false;
  /** The sequence of the newest event that has changed the room. */
  #updatedAt = 0;
  /** The connections that were open, and that of the page before a reload if its messages are loaded. */
  #connections = 0;
  /** The sequence of the newest event about the role of each member. */
  readonly #rolesAt = new Map<string, number>();
  /** Whether the room is large, as the last welcome says. */
  #isLarge = false;
  #lateCheck: ReturnType<typeof setTimeout> | undefined;
  #welcomeTimeout: ReturnType<typeof setTimeout> | undefined;
  /** Whether this connection has an access token. Its name is that of the token. */
  #isUser = false;
  /** Settles when the response to the last request for new tokens has arrived. */
  #renewal: Promise<unknown> = Promise.resolve();

  /** @internal */
  constructor(options: RoomOptions) {
    const { roomId, rest } = options;
    this.roomId = roomId;
    this.#options = options;
    this.#credentials = options.credentials;
    this.#name = options.name;
    this.#messages = new MessageList(options.ignored);
    this.#outbox = new Outbox({
      send: (frame) => this.#connection.send(frame),
      save: (messages) => this.#saved?.save(messages),
      onChange: (pending) => this.#store.publish({ pending }),
    });
    this.#store = new RoomStore({
      isPrivate: Boolean(options.credentials.token),
      ignored: this.#messages.ignoredIds,
    });
    this.#history = new History(this.#timeline, {
      read: (range) => this.#read((credentials) => rest.getMessages(roomId, credentials, range)),
      onHistory: (items) => this.#confirm(items),
      onMissed: (items) => this.#receive(items),
      onChanged: () => this.#publishMessages(),
      onExpired: (after) => this.#store.emit("expired", { after }),
      onOlder: (older) => this.#publishMessages({ history: "ready", older }),
      onCaughtUp: () => this.#outbox.caughtUp(),
      onError: (error) => this.#onHistoryError(error),
    });
    this.#presence = new Presence({
      read: () => this.#read((credentials) => rest.getList(roomId, "members", credentials)),
      onMembers: (members) => this.#store.publish({ members: members.map((member) => this.#mutes.mark(member)) }),
      onChange: (type, member) => {
        this.#notify({ type, member, message: `${member.name} ${type === "join" ? "joined" : "left"}` });
      },
      onError: (error) => this.#onFailure(error),
    });
    this.#connection = new Connection({
      WebSocket: options.WebSocket,
      findUrl: () => this.#findUrl(),
      findObstacle: () => this.#findObstacle(),
      onStatus: (status) => this.#onStatus(status),
      onEnd: (obstacle) => this.#onFailure(obstacle),
      onText: (text) => this.#onText(text),
      onError: (error) => this.#report(error),
      // Its response has the last sequence, because a lost frame leaves no visible gap until the next one arrives.
      beat: () => this.#connection.send(HELLO),
    });
    if (options.kept) this.useStorage(options.kept);
    this.#stopListening = watchPlatform({
      wake: () => this.#storage && takeMessages(this.#storage, roomId), // the page was not reloaded
      hide: () => this.#save(),
    });
    this.#connection.open();
    this.#history.catchUp();
  }

  /** @internal Show what this user has left here: unsent messages, and those that were shown before a reload. */
  useStorage({ page, outbox }: Kept): void {
    this.#storage = page;
    this.#saved = new OutboxStore(outbox, this.roomId, (messages) => {
      this.#outbox.restore(messages);
      this.#confirm(this.#timeline.messages); // some may have arrived here already
    });
    this.#outbox.restore(this.#saved.load());
    this.#saved.adopt();
    this.#restore(page);
  }

  get state(): RoomState {
    return this.#store.snapshot.state;
  }

  get messages(): readonly Message[] {
    return this.#store.snapshot.messages;
  }

  get pending(): readonly PendingMessage[] {
    return this.#store.snapshot.pending;
  }

  get members(): readonly PresentMember[] {
    return this.#store.snapshot.members;
  }

  /** Add a listener for an event, and return the function that removes it. */
  on<Type extends keyof RoomEvents>(type: Type, listener: (value: RoomEvents[Type]) => void): () => void {
    return this.#store.on(type, listener);
  }

  /** Call a function after each change of the snapshot. Returns the function that ends that. Needs no `this`. */
  readonly subscribe = (listener: () => void): (() => void) => this.#store.on("snapshot", listener);

  /** Return everything about the room at this moment. The same object until something changes. Needs no `this`. */
  readonly getSnapshot = (): RoomSnapshot => this.#store.snapshot;

  /**
   * Send a message. It waits in `pending` while there is no connection, and in the storage after a reload. With
   * `replyTo`, it answers an earlier message; `mentions` are the ids of at most 10 members for whom it is meant.
   *
   * Resolves to the stored message. Rejects with a ChatError if the server rejects it (`invalid_message`), or does not
   * confirm it after six attempts (`unconfirmed`), or if this client is muted (`muted`, with `retryAfter`): then it stays in
   * `pending` until `retry` or `discard`. Rejects with `deleted` if the message was deleted before it was confirmed, and
   * with `closed` if the room is closed, also by `leave`.
   */
  send(text: string, { replyTo, mentions }: SendOptions = {}): Promise<Message> {
    if (this.state.status === "closed") return rejected(CLOSED);
    this.#typing.finish();
    return this.#outbox.add(normalizeLines(text), { replyTo, mentions: mentions?.length ? mentions : undefined });
  }

  /** Send a failed message again. Settles as `send` does. */
  retry(clientId: string): Promise<Message> {
    return this.#outbox.retry(clientId);
  }

  /** Forget a pending message. If it was sent already, it may still arrive. */
  discard(clientId: string): void {
    this.#outbox.discard(clientId);
  }

  /** Read the messages before the first one: 50, or `limit`. While some are read, wait for those. See `older` in the snapshot. */
  loadOlder({ limit }: { readonly limit?: number | undefined } = {}): Promise<void> {
    return this.#history.readOlder(limit);
  }

  /**
   * Change the name of this client, in all its connections. If the server rejects the name, the client keeps the former
   * one, and emits `error`. An empty name makes this connection alone a guest. Throws a ChatError if the name is invalid.
   */
  rename(name: string): void {
    checkName(name);
    if (name === this.#name || this.state.status === "closed") return;
    this.#name = name;
    // The server names guests when they connect.
    if (!name) this.#connection.open();
    else this.#connection.send(serialize("rename", { name }));
  }

  /**
   * Read the message that others answer, if it is not loaded. It is the `quote` of those then. Each is a request: read what
   * somebody looks at. Errors are events.
   */
  loadQuote(sequence: number): Promise<void> {
    return this.#history.find(sequence);
  }

  /**
   * Change the text of a message of this client, in the first 15 minutes. Resolves when it is changed. Rejects with a
   * ChatError, as `deleteMessage` does.
   */
  edit(sequence: number, text: string): Promise<void> {
    const message = normalizeLines(text);
    return this.#commands.run("editMessage", { sequence, message }, "edited", (event) => {
      return event.target === sequence && event.text === message;
    });
  }

  /**
   * Add a reaction to a message, or with `remove` take this client's own back: one character as readers see it, or a name
   * such as `:tada:`. Resolves when it is stored, also if it changes nothing. Rejects with a ChatError, as `deleteMessage`
   * does, and with `too_large` if the message has 1,000 reactions.
   */
  react(sequence: number, reaction: string, { remove = false }: { remove?: boolean | undefined } = {}): Promise<void> {
    const wasOwn = this.#messages.noteOwnReaction(sequence, reaction, !remove);
    const data = { sequence, reaction, remove: remove || undefined };
    const reacting = this.#commands.run("react", data, "reactions", ({ target, reactions }) => {
      if (target !== sequence) return false;
      const { members, count = 0 } = listOf(reactions).find((one) => one.reaction === reaction) ?? {};
      const listed = listOf(members);
      const isThere = listed.some((id) => this.#messages.isOwn(id));
      return isThere !== remove || count > listed.length;
    });
    reacting.catch(() => this.#messages.noteOwnReaction(sequence, reaction, wasOwn));
    return reacting;
  }

  /**
   * Note that the member has read the messages, up to a sequence or to the last one that has arrived. It is sent at most
   * every ten seconds, and never goes back.
   */
  markRead(sequence = this.#timeline.position ?? 0): void {
    // Nobody has read what has not arrived: a position above it would hide what arrives.
    if (this.state.status !== "closed") this.#readPosition.mark(Math.min(sequence, this.#timeline.last));
  }

  /**
   * Send a signal to the others in the room. It is not stored, and is lost without a connection. `data` is any JSON of at
   * most 1 KB. At most 10 in 10 seconds. In rooms of more than 25 connections, the server refuses it with `too_large`.
   */
  signal(name: string, data?: unknown): void {
    this.#connection.send(serialize("signal", { name, data }));
  }

  /** Tell the others that this client is typing. Call it with each keystroke: a signal is sent every 8 seconds. */
  typing(): void {
    this.#typing.type();
  }

  /**
   * Delete a message of this client, as a moderator one of a plain member, or as the owner any message. Resolves when it is
   * deleted. Rejects with a ChatError, as do the following actions: `forbidden`, `invalid_message`, `offline`, `closed`,
   * `unconfirmed`, `rate_limited` or `internal`.
   */
  deleteMessage(sequence: number): Promise<void> {
    return this.#commands.run("deleteMessage", { sequence }, "deleted", ({ target }) => target === sequence);
  }

  /**
   * As the owner, change the room. What is left out stays as it is. `keepDays`, 0 to 30, is the number of days for which the
   * room outlives its members. With `slowSeconds`, 0 to 120, plain members wait so long between two messages.
   */
  update(changes: RoomChanges): Promise<void> {
    const { name, ...others } = changes;
    // The server removes the spaces around a name.
    const wanted = Object.entries({ ...others, name: name?.trim() });
    return this.#commands.run("updateRoom", { roomName: name, ...others }, "updated", ({ room }) => {
      if (!room?.name) return false;
      const now: Record<string, unknown> = { keepDays: 0, slowSeconds: 0, ...room, name: room.name.trim() };
      return wanted.every(([key, value]) => value === undefined || value === now[key]);
    });
  }

  /**
   * As the owner or a moderator, remove a member, or up to 25 of them, and keep them out for an hour. With `deleteMessages`,
   * their messages are deleted, too. Moderators can remove plain members only.
   */
  removeMember(
    memberIds: string | readonly string[],
    { deleteMessages = false }: { deleteMessages?: boolean | undefined } = {},
  ): Promise<void> {
    const missing = new Set([memberIds].flat());
    const target = typeof memberIds === "string" ? { memberId: memberIds } : { memberIds };
    const data = { ...target, deleteMessages: deleteMessages || undefined };
    return this.#commands.run("removeMember", data, "removed", ({ member }) => {
      if (member) missing.delete(member.id);
      return missing.size === 0;
    });
  }

  /** As the owner, let somebody back in who was removed, also if the room is locked. Resolves after five seconds. */
  unbanMember(memberId: string): Promise<void> {
    return this.#commands.runSilently("unbanMember", { memberId });
  }

  /** As the owner, make a member with a key a moderator, or a plain member again. */
  setRole(memberId: string, role: "moderator" | "member"): Promise<void> {
    return this.#commands.run("setRole", { memberId, role }, "role", (event) => {
      return event.member?.id === memberId && event.role === role;
    });
  }

  /** As the owner or a moderator, keep a member from sending for up to a day. With 0 seconds, the member may send again. */
  muteMember(memberId: string, seconds: number): Promise<void> {
    return this.#commands.run("muteMember", { memberId, seconds }, "muted", ({ member }) => member?.id === memberId);
  }

  /**
   * Report a message to the owner and the moderators. At most five in a minute. Resolves after five seconds, because the
   * server responds only to those who receive reports themselves, and with errors.
   */
  reportMessage(sequence: number, reason?: string): Promise<void> {
    return this.#commands.runSilently("reportMessage", { sequence, reason }, ({ type, target, sender }) => {
      return type === "reported" && target === sequence && !!sender && this.#messages.isOwn(sender.id);
    });
  }

  /** As the owner, read who was removed and may not come back yet. Rejects with a ChatError. */
  bans(): Promise<readonly Ban[]> {
    return this.#read((credentials) => this.#options.rest.getList(this.roomId, "bans", credentials));
  }

  /** As the owner or a moderator, read which messages were reported. Rejects with a ChatError. */
  reports(): Promise<readonly StoredReport[]> {
    return this.#read((credentials) => this.#options.rest.getList(this.roomId, "reports", credentials));
  }

  /**
   * Ignore a member: this client's messages of that member are marked with `isIgnored`, and there are no notices about what
   * the member does. Nobody else learns it. Keep `ignored` of the snapshot, and pass it when you join again.
   */
  ignore(memberId: string): void {
    this.#typing.end(memberId);
    this.#setIgnored(memberId, true);
  }

  /** Ignore a member no longer. */
  unignore(memberId: string): void {
    this.#setIgnored(memberId, false);
  }

  /**
   * As the owner, replace the join token of a private room, the owner's token, or both. The former ones stop working: with
   * the join token, the invite links of everyone; with the owner's token, the owner's rights of other connections, and the
   * webhooks that were created with it.
   *
   * Resolves to the new tokens, which the event `tokens` has, too. If no response arrives, they are requested again, three
   * times in all.
   */
  renewTokens(tokens: { join?: boolean | undefined; owner?: boolean | undefined }): Promise<RoomTokens> {
    const renewal = this.#renewTokens(tokens);
    this.#renewal = renewal.catch(() => {});
    return renewal;
  }

  async #renewTokens({ join, owner }: Parameters<Room["renewTokens"]>[0]): Promise<RoomTokens> {
    return {
      ...(owner && { ownerToken: await this.#renewToken("ownerToken", { newOwnerToken: true }) }),
      ...(join && { joinToken: await this.#renewToken("joinToken", { newJoinToken: true }) }),
    };
  }

  /** As the owner, close the room for everyone. */
  close(): Promise<void> {
    return this.#commands.run("closeRoom", {}, "closed");
  }

  /** Connect now, if the connection is lost and waits before its next attempt. A closed room has to be joined again. */
  reconnect(): void {
    this.#connection.retryNow();
  }

  /** Leave the room, and end the connection. Pending messages stay in the storage. */
  leave(): void {
    if (this.state.status === "closed") return;
    this.#readPosition.flush();
    this.#end("left");
  }

  async #findUrl(): Promise<string> {
    const { roomId, tokens } = this.#options;
    const url = await this.#options.findWebSocketUrl();
    const token = await tokens?.get();
    this.#isUser = Boolean(token);
    return url + queryString({ roomId, name: this.#name, ...this.#credentials, access_token: token, batch: 1 });
  }

  #onStatus(state: ConnectionStatus): void {
    this.#stopGreeting();
    this.#store.publish({ state });
    if (this.state !== state) return; // a listener has left the room
    if (state.status === "open") this.#onOpen();
    else this.#onLost();
  }

  #onLost(): void {
    this.#typing.clear();
    this.#outbox.close();
    this.#presence.pause();
  }

  #onOpen(): void {
    this.#isGreeted = this.#isLarge = false;
    this.#connections += 1;
    this.#connection.send(HELLO);
    this.#lateCheck = setTimeout(() => this.#onListed(), INDEX_LAG_MS);
    this.#welcomeTimeout = setTimeout(() => this.#history.catchUp(), WELCOME_TIMEOUT_MS);
    this.#typing.finish();
    this.#saved?.adopt();
    this.#outbox.open();
  }

  /** From now on, this connection receives everything. In a large room, do not read at the same time as everybody else. */
  #onListed(): void {
    if (this.#isLarge) this.#lateCheck = setTimeout(() => this.#catchUp(), between(0, LATE_READ_MS));
    else this.#catchUp();
  }

  /** Read what this connection may have missed, and in rooms that show who is there, how many are. */
  #catchUp(): void {
    if (this.#isLarge) this.#history.catchUp();
    else this.#connection.send(HELLO);
    if (this.#connections > 1) void this.#history.refresh();
  }

  #stopGreeting(): void {
    clearTimeout(this.#lateCheck);
    clearTimeout(this.#welcomeTimeout);
  }

  #onText(text: string): void {
    const frame = parseFrame(text);
    if (!frame) return;
    this.#commands.confirm(frame);
    switch (frame.type) {
      case "items":
        this.#onItems(frame);
        break;
      case "welcome":
        this.#onWelcome(frame);
        break;
      case "tokens":
        this.#onTokens(frame);
        break;
      case "reactions":
        if (this.#timeline.react(frame)) this.#publishMessages();
        break;
      case "signal":
        this.#onSignal(frame.signal);
        break;
      case "error":
        this.#onErrorFrame(frame);
        break;
      case "closed":
        this.#end("closed");
        break;
      case "rename":
        this.#onRename(frame);
        break;
      case "reported":
        this.#onReported(frame);
        break;
      case "join":
      case "leave":
        this.#onPresence(frame);
        break;
      case "crowd":
        this.#onCrowd(frame);
    }
  }

  #onItems({ items, isBatch }: ItemsFrame): void {
    this.#receive(items, isBatch);
    if (items.some(({ type, member }) => type === "removed" && member && this.#messages.isOwn(member.id))) {
      this.#end("banned");
    } else if (this.#timeline.hasGap) {
      this.#history.fillGap(isBatch || this.#isLarge);
    }
  }

  #onWelcome({ member, room, memberCount, lastSequence, owner, readSequence, batch = false }: WelcomeFrame): void {
    const isNew = this.#messages.addOwnId(member.id);
    const isFirst = !this.#isGreeted;
    this.#isGreeted = true;
    this.#isLarge = batch;
    clearTimeout(this.#welcomeTimeout);
    const isOvertaken = lastSequence < this.#updatedAt; // by an event that has changed the room since
    this.#readPosition.synchronize(readSequence); // before a listener marks more than that
    this.#store.publish({
      you: this.#mutes.mark(withKnownRole(member)),
      isOwner: owner ?? false,
      memberCount,
      ...(!isOvertaken && stateOf(room)),
      ...(isNew && { messages: this.#published() }),
    });
    if (this.#name && member.name !== this.#name) {
      // It was changed while the connection opened, or later in another tab.
      if (isFirst && !this.#isUser) this.#connection.send(serialize("rename", { name: this.#name }));
      else this.#name = member.name;
    }
    // In a large room, later ones: the newest messages are stored, and arrive with the next frame.
    this.#history.reach(lastSequence, batch && !isFirst);
    if (memberCount > MAX_LISTED_MEMBERS) this.#presence.clear();
    else if (isFirst) this.#presence.refresh(memberCount);
    else this.#presence.expect(memberCount);
  }

  #onPresence(frame: PresenceFrame): void {
    this.#store.publish({ memberCount: frame.memberCount });
    if (frame.type === "leave") this.#typing.end(frame.sender.id);
    this.#presence.note(frame);
  }

  #onCrowd(frame: CrowdFrame): void {
    const { memberCount } = frame;
    // This connection is there, whatever the list that the server has read says.
    const left = frame.left.filter(({ id }) => id !== this.#store.snapshot.you?.id);
    this.#store.publish({ memberCount });
    for (const { id } of left) this.#typing.end(id);
    if (memberCount > MAX_LISTED_MEMBERS) this.#presence.clear();
    else this.#presence.noteCrowd({ ...frame, left });
  }

  #onRename({ type, sender, message, formerName }: RenameFrame): void {
    this.#presence.change(sender.id, () => sender);
    this.#typing.end(sender.id); // the next signal has the new name
    if (this.#messages.isOwn(sender.id)) {
      this.#name = sender.name;
      this.#store.publish({ you: this.#mutes.mark(withKnownRole(sender)) });
    } else {
      this.#notify({ type, member: sender, message, formerName });
    }
  }

  #onSignal({ name, data, sender }: Signal): void {
    if (this.#messages.isIgnored(sender.id)) return;
    const member = withKnownRole(sender);
    if (name !== TYPING) this.#store.emit("signal", { name, data, sender: member });
    else if (!this.#messages.isOwn(sender.id)) this.#typing.note(member);
  }

  #onReported({ type: _, message: __, sender, ...report }: ReportedFrame): void {
    if (this.#messages.isOwn(sender.id)) return;
    this.#store.emit("reported", { ...report, sender: withKnownRole(sender) });
  }

  #onTokens({ type: _, ...tokens }: TokensFrame): void {
    const { token, owner } = this.#credentials;
    this.#credentials = { ...this.#credentials, token: tokens.joinToken ?? token, owner: tokens.ownerToken ?? owner };
    this.#store.emit("tokens", tokens);
    // A connection that was opened with the former token, after the response was lost, becomes that of the owner.
    if (tokens.ownerToken && !this.#store.snapshot.isOwner) this.#connection.send(HELLO);
  }

  async #renewToken(name: keyof RoomTokens, data: Record<string, unknown>): Promise<string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const event = await this.#commands.request("updateRoom", data, "tokens", ({ [name]: token }) => !!token);
        return event[name] ?? "";
      } catch (error) {
        const isLost = error instanceof ChatError && error.code === "unconfirmed";
        if (!isLost || attempt === RENEWAL_ATTEMPTS) throw error;
        await this.#connected();
      }
    }
  }

  /** Wait until the connection is open, or the visit has ended. */
  #connected(): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (this.state.status !== "open" && this.state.status !== "closed") return;
        stop();
        resolve();
      };
      const stop = this.on("state", check);
      check();
    });
  }

  #notify({ member, ...notice }: RoomNotice): void {
    // Nobody needs to read what they have done themselves, nor that somebody whom they ignore comes or goes.
    const isNoise = ["join", "leave", "rename"].includes(notice.type) && this.#messages.isIgnored(member.id);
    if (isNoise || this.#messages.isOwn(member.id)) return;
    this.#store.emit("notice", { member: withKnownRole(member), ...notice });
  }

  #onErrorFrame(frame: ErrorFrame): void {
    const { code, message, action, clientId, retryAfter } = frame;
    const { isOwner, you } = this.#store.snapshot;
    this.#commands.reject(frame);
    if (code === "unauthorized") {
      // The access token has expired. The next connection has a new one, and what was not confirmed is sent again.
      this.#connection.renew();
      return;
    }
    if (code === "replaced") {
      // A new connection would close the oldest of the others, which would connect again, and so on.
      this.#end(code, message);
      return;
    }
    if (code === "muted" && you && retryAfter) this.#mutes.noteRefusal(you.id, retryAfter);
    if (code === "too_large" && clientId === TYPING) this.#typing.refuse();
    this.#outbox.reject(frame);
    // The former name is still in use, and the caller may try the new one again.
    if (action === "rename") this.#name = you?.name ?? this.#name;
    if (code === "not_in_room") this.#connection.renew();
    else if (action === "hello") this.#history.catchUp();
    // Another connection may have renewed the owner's token, or the event about another role was lost.
    if (code === "forbidden" && (isOwner || you?.role)) this.#connection.send(HELLO);
    if (clientId === undefined) this.#report(new ChatError(code, message));
  }

  #receive(items: readonly StoredItem[], isBatch?: boolean): void {
    let added: readonly StoredItem[] = [];
    this.#store.together(() => {
      this.#confirm(items);
      added = this.#timeline.add(items, isBatch);
      for (const item of items) this.#commands.confirm(item);
      if (added.length) this.#publishMessages();
      for (const item of added) this.#apply(item);
    });
    for (const item of added) this.#announce(item);
  }

  /** Change the room as an item says that was not part of the history read at first. */
  #apply(item: StoredItem): void {
    const { type, sequence, room, member, sender } = item;
    if (type === "message") this.#typing.end(sender.id);
    if (member) this.#typing.end(member.id); // who was removed or muted does not go on
    if (type === "updated" && room?.name && sequence > this.#updatedAt) {
      this.#updatedAt = sequence;
      this.#store.publish(stateOf(room));
    }
    if (type === "removed" && member) this.#presence.remove(member.id);
    if (type === "role") this.#onRole(item);
  }

  #announce(item: StoredItem): void {
    const { type, sequence, sender, message, member, messagesDeleted } = item;
    const shown = this.#messages.get(sequence);
    if (shown) this.#store.emit("message", shown);
    if (shown?.isMention && !shown.isOwn && !shown.isIgnored) this.#store.emit("mention", shown);
    if (type === "updated") this.#notify({ type, member: sender, message });
    if (type === "removed" || type === "muted" || type === "role") {
      const subject = member && withKnownRole(member);
      const role = knownRole(item.role);
      this.#notify({ type, member: sender, message, subject, messagesDeleted, until: endOf(item), role });
    }
  }

  #onRole({ member, role, sequence }: StoredItem): void {
    if (!member || sequence < (this.#rolesAt.get(member.id) ?? 0)) return; // an older event, which arrives late
    this.#rolesAt.set(member.id, sequence);
    const apply = (before: Member) => withRole(before, knownRole(role));
    this.#presence.change(member.id, apply);
    const { you } = this.#store.snapshot;
    if (you?.id === member.id) this.#store.publish({ you: this.#mutes.mark(apply(you)) });
  }

  /** Publish the members again: somebody was muted, or may send again. */
  #publishMarks(): void {
    const { you } = this.#store.snapshot;
    if (you) {
      const { mutedUntil: _, ...member } = you;
      this.#store.publish({ you: this.#mutes.mark(member) });
    }
    this.#presence.refreshMarks();
  }

  #setIgnored(memberId: string, isIgnored: boolean): void {
    this.#messages.setIgnored(memberId, isIgnored);
    this.#publishMessages({ ignored: this.#messages.ignoredIds });
  }

  // A message of ours that arrives, live or in the history, is stored.
  #confirm(items: readonly StoredItem[]): void {
    for (const item of items) {
      const { type, sequence, member, clientId, sender } = item;
      if (type === "muted" && member) this.#mutes.note(member.id, sequence, endOf(item));
      if (type === "deleted") this.#outbox.forget(clientId);
      if (type === "message" && this.#outbox.confirm(this.#messages.messageOf(item, this.#find))) {
        this.#messages.addOwnId(sender.id);
      }
    }
  }

  #published(): readonly Message[] {
    const { messages } = this.#timeline;
    return this.#messages.publish(messages, this.#timeline.takeFirstChanged(), this.#find);
  }

  #publishMessages(others: Partial<RoomSnapshot> = {}): void {
    this.#store.publish({ ...others, messages: this.#published() });
  }

  #onHistoryError(error: unknown): void {
    if (!reasonOf(error) && this.#store.snapshot.history === "loading") this.#store.publish({ history: "failed" });
    this.#onFailure(error);
  }

  /** End the visit if the room may not be read or joined: neither is possible then. Otherwise report the error. */
  #onFailure(error: unknown): void {
    const reason = reasonOf(error);
    if (reason) this.#end(reason, toChatError(error).message);
    // A wrong address is not a state of the room, but a mistake of the application.
    if (!reason || reason === "wrong_url") this.#report(error);
  }

  /** Return why the room cannot be joined. A failed request is no reason, unless it was rejected or not found. */
  async #findObstacle(): Promise<unknown> {
    const credentials = this.#credentials;
    try {
      await this.#options.rest.getRoom(this.roomId, credentials);
      return undefined;
    } catch (error) {
      const { owner, ...others } = credentials;
      if (isForbidden(error) && credentials !== this.#credentials) return this.#findObstacle();
      if (isForbidden(error) && owner) {
        // The owner's token may be the wrong one: try to enter as a member.
        this.#credentials = others;
        this.#report(error);
        return this.#findObstacle();
      }
      return reasonOf(error) ? error : undefined;
    }
  }

  /**
   * Send a request to read. A rejected one is repeated if the credentials have changed, or else without the owner's token:
   * that of an owner who waits for a new one still joins the room, but gives no other right.
   */
  async #read<Result>(
    request: (credentials: Credentials) => Promise<Result>,
    credentials = this.#credentials,
  ): Promise<Result> {
    const latest = this.#credentials;
    try {
      return await request(credentials);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      await this.#renewal;
      if (latest !== this.#credentials) return this.#read(request);
      const { owner, ...others } = credentials;
      if (!owner) throw error;
      return this.#read(request, others);
    }
  }

  // The page is about to be reloaded: keep what the next one can show before its first response.
  #save(): void {
    this.#readPosition.flush();
    const { position, messages } = this.#timeline;
    if (position === null || !this.#storage) return;
    const known = messages.filter(({ sequence }) => sequence <= position);
    saveMessages(this.#storage, this.roomId, { messages: known, position, ownIds: this.#messages.ownIds });
  }

  #restore(storage: OwnStorage): void {
    const cached = takeMessages(storage, this.roomId);
    if (!cached || this.#timeline.position !== null) return;
    for (const id of cached.ownIds) this.#messages.addOwnId(id);
    this.#timeline.restore(cached.messages, cached.position);
    this.#connections += 1;
    this.#publishMessages({ history: "ready", older: this.#timeline.hasOlder ? "more" : "none" });
  }

  #end(reason: CloseReason, message?: string): void {
    if (this.state.status === "closed") return;
    this.#connection.close();
    this.#stopListening();
    this.#stopGreeting();
    this.#history.stop();
    this.#presence.stop();
    this.#mutes.stop();
    this.#typing.clear();
    this.#readPosition.stop();
    this.#store.publish({ state: { status: "closed", reason, isFinal: isFinal(reason), ...(message && { message }) } });
    // The frame about the closing may be lost. A room that does not exist any more is closed.
    if (reason === "gone") this.#commands.confirm({ type: "closed" });
    this.#commands.stop();
    const isKept = !endsSending(reason);
    let sentence = reason === "banned" ? "You were removed from this room." : "This room no longer exists.";
    if (isKept) sentence = "The room is closed. The message was not sent, and is kept.";
    this.#outbox.end(new ChatError("closed", sentence), isKept);
    this.#saved?.end();
  }

  #report(error: unknown): void {
    this.#store.emit("error", toChatError(error));
  }
}

function normalizeLines(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

function stateOf(room: RoomInfo): Partial<RoomSnapshot> {
  const { name, private: isPrivate = false, locked = false, keepDays = 0, slowSeconds = 0 } = room;
  return { name, isPrivate, isLocked: locked, keepDays, slowSeconds };
}

function isForbidden(error: unknown): error is ApiError {
  return error instanceof ApiError && error.reason === "ForbiddenError";
}
