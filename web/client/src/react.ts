"use client";

/** React hooks. */

import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { ChatClient, JoinOptions } from "./client.js";
import { ChatError, rejected, toChatError } from "./errors.js";
import { checkName } from "./identity.js";
import type { Room } from "./room.js";
import { NO_ROOMS, type RoomListSnapshot } from "./room-list.js";
import { NOT_JOINED } from "./room-store.js";
import type { Member, Message, RoomNotice, RoomSnapshot, SendOptions, VisitedRoom } from "./types.js";

/** A rename waits for the next keystroke: the server announces each one in the room, and counts them against a limit. */
const RENAME_DELAY_MS = 400;

/** The result of `useRooms`. Its functions stay the same between renderings. */
export interface UseRooms extends RoomListSnapshot {
  loadMore(): Promise<void>;
  refresh(): Promise<void>;
}

/** The functions may be new ones in each rendering: the latest one is called. */
export interface UseRoomOptions extends JoinOptions {
  /** Called with each message that has just arrived, or was missed while the connection was lost. */
  readonly onMessage?: ((message: Message) => void) | undefined;
  /** Called, after `onMessage`, with each such message that mentions this client. */
  readonly onMention?: ((message: Message) => void) | undefined;
  /** Called when another member has done something, such as joining. */
  readonly onNotice?: ((notice: RoomNotice) => void) | undefined;
  /** Called when a request or a frame has failed. What can be repeated is repeated. */
  readonly onError?: ((error: ChatError) => void) | undefined;
}

/** The result of `useRoom`. Its functions stay the same between renderings, and are those of `Room`, but for `reconnect`. */
export interface UseRoom extends RoomSnapshot {
  /** The room, for its events, the actions of the owner and of moderators, and to ignore members. Null on a server, and until the component is mounted. */
  readonly room: Room | null;
  /** Why the option `name` is not in use: the server would reject it. The former name stays. Null if the name is valid. */
  readonly nameError: ChatError | null;
  send(text: string, options?: SendOptions): Promise<Message>;
  retry(clientId: string): Promise<Message>;
  discard(clientId: string): void;
  /** Change the text of one's own message. */
  edit(sequence: number, text: string): Promise<void>;
  /** Add a reaction to a message, or remove one's own. */
  react(sequence: number, reaction: string, options?: { readonly remove?: boolean | undefined }): Promise<void>;
  loadQuote(sequence: number): Promise<void>;
  markRead(sequence?: number): void;
  /** Delete a message: one's own, or as the owner any. */
  deleteMessage(sequence: number): Promise<void>;
  loadOlder(options?: { readonly limit?: number | undefined }): Promise<void>;
  /** Connect now, if the connection is lost. A room that was left, or is closed, but not for good (`isFinal`), is joined again. */
  reconnect(): void;
}

/** Return the list of public rooms. It refreshes itself while the component is mounted and the page is visible. */
export function useRooms(client: ChatClient): UseRooms {
  const list = useMemo(() => client.watchRooms(), [client]);
  useEffect(() => {
    list.start();
    return () => list.stop();
  }, [list]);
  const snapshot = useSyncExternalStore(list.subscribe, list.getSnapshot, getNoRooms);
  const actions = useMemo(() => ({ loadMore: () => list.loadMore(), refresh: () => list.refresh() }), [list]);
  return { ...snapshot, ...actions };
}

/**
 * Join a room while the component is mounted. All components with the same client, room and tokens share one connection.
 * With null instead of a room id, no room is joined.
 *
 * Another room or token leaves this room and joins the other one. A new `name` renames this client, 400 milliseconds after
 * the last change. Without a name, a component keeps the name that another one has given. A name that is not valid does
 * not change anything, and shows as `nameError`.
 */
export function useRoom(client: ChatClient, roomId: string | null, options: UseRoomOptions = {}): UseRoom {
  const { token, owner } = options;
  const { name, nameError } = useValidName(options.name);
  const [joined, setJoined] = useState<SharedRoom | null>(null);
  const [attempt, setAttempt] = useState(0);
  const current = useRef<SharedRoom | null>(null);
  const former = useRef<SharedRoom | null>(null);
  const latest = useRef({ ...options, name });
  useEffect(() => {
    latest.current = { ...options, name };
  });
  // `attempt` is among the dependencies, because another attempt joins again.
  useEffect(() => {
    if (roomId === null) return;
    const stops = [
      client.onIdentity(() => {
        setJoined(null);
        setAttempt((before) => before + 1);
      }),
    ];
    let isOver = false;
    const join = () => {
      if (isOver) return;
      const { name, ignored } = latest.current;
      const shared = acquire(client, roomId, { name, token, owner, ignored }, former.current);
      current.current = former.current = shared;
      setJoined(shared);
      stops.push(
        shared.room.on("message", (message) => latest.current.onMessage?.(message)),
        shared.room.on("mention", (message) => latest.current.onMention?.(message)),
        shared.room.on("notice", (notice) => latest.current.onNotice?.(notice)),
        shared.room.on("error", (error) => latest.current.onError?.(error)),
        () => shared.release(),
      );
    };
    // Whatever the joining throws, such as an error of an address, nobody else would see it.
    const report = (error: unknown) => latest.current.onError?.(toChatError(error));
    // A new component, as by `key={user}`, may be that of somebody else: find out before what belongs to the former user is
    // shown. Without a response, the room is joined all the same, and finds out itself.
    if (client.mayHaveChanged && !former.current) client.identify().then(join, join).catch(report);
    else join();
    return () => {
      isOver = true;
      current.current = null;
      for (const stop of stops) stop();
    };
  }, [client, roomId, token, owner, attempt]);
  useEffect(() => {
    if (name !== undefined) current.current?.rename(name);
  }, [name]);
  // Until the effects have run, `joined` may be the room of the previous rendering.
  const isCurrent = joined?.client === client && roomId !== null && joined.keys.has(keyOf(roomId, options));
  const room = isCurrent ? joined.room : null;
  const snapshot = useSyncExternalStore(
    room?.subscribe ?? subscribeToNothing,
    room?.getSnapshot ?? getNotJoined,
    getNotJoined,
  );
  const actions = useMemo(
    () => ({
      send: (text: string, options?: SendOptions) => current.current?.room.send(text, options) ?? notJoined(),
      edit: (sequence: number, text: string) => current.current?.room.edit(sequence, text) ?? notJoined(),
      react: (sequence: number, reaction: string, options?: { readonly remove?: boolean | undefined }) =>
        current.current?.room.react(sequence, reaction, options) ?? notJoined(),
      loadQuote: async (sequence: number) => current.current?.room.loadQuote(sequence),
      markRead: (sequence?: number) => current.current?.room.markRead(sequence),
      retry: (clientId: string) => current.current?.room.retry(clientId) ?? notJoined(),
      discard: (clientId: string) => current.current?.room.discard(clientId),
      deleteMessage: (sequence: number) => current.current?.room.deleteMessage(sequence) ?? notJoined(),
      loadOlder: async (range?: { readonly limit?: number | undefined }) => current.current?.room.loadOlder(range),
      reconnect: () => {
        const state = current.current?.room.state;
        const canJoin = state?.status === "closed" && (!state.isFinal || state.reason === "left");
        if (canJoin) setAttempt((before) => before + 1);
        else current.current?.room.reconnect();
      },
    }),
    [],
  );
  return { ...snapshot, room, nameError, ...actions };
}

/**
 * Return who else is typing in the `room` of `useRoom`, and a function to call with each keystroke, which tells the others.
 * A component with this hook, and without `useRoom`, is rendered again only when somebody begins or stops.
 */
export function useTyping(room: Room | null): { readonly members: readonly Member[]; readonly type: () => void } {
  const getTyping = () => room?.getSnapshot().typing ?? NOT_JOINED.typing;
  const members = useSyncExternalStore(room?.subscribe ?? subscribeToNothing, getTyping, getTyping);
  const type = useCallback(() => room?.typing(), [room]);
  return { members, type };
}

/**
 * Return the ids of those rooms in which something is newer than their `readSequence`. They are read when the component is
 * mounted, when somebody looks at the page again, when another user has taken over the client, and every minute: one request
 * for 50 rooms.
 */
export function useUnread(client: ChatClient, rooms: readonly VisitedRoom[]): ReadonlySet<string> {
  const [unread, setUnread] = useState<ReadonlySet<string>>(new Set());
  const asked = JSON.stringify(rooms); // the caller may build a new list in each rendering
  useEffect(() => client.watchUnread(JSON.parse(asked) as readonly VisitedRoom[], setUnread), [client, asked]);
  return unread;
}

/** Return the latest valid name, undefined if there was none, and why the present one is not valid. */
function useValidName(name: string | undefined): { name: string | undefined; nameError: ChatError | null } {
  const [valid, setValid] = useState<string>();
  const isEmpty = name === undefined || (name === "" && valid === undefined); // somebody without a name is a guest
  const nameError = useMemo(() => (isEmpty ? null : findNameError(name)), [isEmpty, name]);
  const latest = isEmpty || nameError ? valid : name.trim(); // as the server does
  if (latest !== valid) setValid(latest);
  return { name: latest, nameError };
}

function findNameError(name: string): ChatError | null {
  try {
    checkName(name.trim() || " ");
    return null;
  } catch (error) {
    return error as ChatError;
  }
}

/** A room and the components that use it. */
class SharedRoom {
  readonly client: ChatClient;
  /** The sharing keys for its current and former tokens. */
  readonly keys = new Set<string>();
  readonly room: Room;
  #users = 0;
  #name: string | undefined;
  #renaming: ReturnType<typeof setTimeout> | undefined;

  constructor(client: ChatClient, roomId: string, options: JoinOptions) {
    this.client = client;
    this.room = client.join(roomId, options);
    this.#name = options.name;
    this.#share(options);
    let { token, owner } = options;
    this.room.on("tokens", ({ joinToken = token, ownerToken = owner }) => {
      [token, owner] = [joinToken, ownerToken];
      this.#share({ token, owner }); // a component that takes the new tokens keeps the connection
    });
    this.room.on("state", ({ status }) => {
      if (status === "closed") clearTimeout(this.#renaming);
    });
  }

  get isUsed(): boolean {
    return this.#users > 0;
  }

  acquire(): void {
    this.#users += 1;
  }

  #rename(name: string): void {
    const rename = () => this.room.rename(name);
    // Another name may be that of another user. Then the room is left by the time that this is known.
    if (this.client.mayHaveChanged) this.client.identify().then(rename, rename);
    else rename();
  }

  #share(tokens: JoinOptions): void {
    const key = keyOf(this.room.roomId, tokens);
    this.keys.add(key);
    roomsOf(this.client).set(key, this);
  }

  release(): void {
    this.#users -= 1;
    // StrictMode mounts each component twice, and a navigation mounts the next page after this one: leave only if
    // nobody uses the room a moment later.
    setTimeout(() => {
      if (this.#users > 0) return;
      this.room.leave();
      const rooms = roomsOf(this.client);
      for (const key of this.keys) if (rooms.get(key) === this) rooms.delete(key);
    }, 0);
  }

  rename(name: string): void {
    if (name === this.#name) return;
    this.#name = name;
    clearTimeout(this.#renaming);
    // The address of a connection has the name: the room need not learn another one.
    if (this.room.state.status !== "open") this.room.rename(name);
    else this.#renaming = setTimeout(() => this.#rename(name), RENAME_DELAY_MS);
  }
}

const sharedRooms = new WeakMap<ChatClient, Map<string, SharedRoom>>();

function roomsOf(client: ChatClient): Map<string, SharedRoom> {
  const rooms = sharedRooms.get(client) ?? new Map<string, SharedRoom>();
  sharedRooms.set(client, rooms);
  return rooms;
}

function keyOf(roomId: string, { token, owner }: JoinOptions): string {
  return JSON.stringify([roomId, token, owner]);
}

/** Return a room to use, and take over the one that nobody uses any more, unless another user may have joined it. */
function acquire(client: ChatClient, roomId: string, options: JoinOptions, former: SharedRoom | null): SharedRoom {
  let shared = roomsOf(client).get(keyOf(roomId, options));
  const isOurs = shared?.isUsed || shared === former || !client.mayHaveChanged;
  if (!shared || !isOurs || shared.room.state.status === "closed") shared = new SharedRoom(client, roomId, options);
  if (options.name !== undefined) shared.rename(options.name);
  shared.acquire();
  return shared;
}

function subscribeToNothing(): () => void {
  return () => {};
}

function getNotJoined(): RoomSnapshot {
  return NOT_JOINED;
}

function getNoRooms(): RoomListSnapshot {
  return NO_ROOMS;
}

function notJoined(): Promise<never> {
  return rejected(new ChatError("closed", "The room is not joined: the component is not mounted."));
}
