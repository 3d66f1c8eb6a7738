/** The entry to the chat: lists, creates and joins rooms. */

import { Emitter } from "./emitter.js";
import { ChatError } from "./errors.js";
import { checkKey, checkName, forgetKey, identityOf, loadKey, subjectOf } from "./identity.js";
import { isHidden, watchPlatform } from "./platform.js";
import { RestApi } from "./rest.js";
import { Room } from "./room.js";
import { RoomList } from "./room-list.js";
import { browserStorage, type Kept, keptOf } from "./storage.js";
import { type GetToken, TokenSource } from "./token-source.js";
import type { ChatStorage, CreatedRoom, Hook, RoomPage, VisitedRoom, WebSocketConstructor } from "./types.js";
import { isUrl, withoutQuery } from "./url.js";

/** The server's limit for one request. */
const MAX_UNREAD = 50;
const UNREAD_INTERVAL_MS = 60_000;

export interface ChatClientOptions {
  /** The REST address, as `make deploy` and `make run` print it. */
  readonly url: string | URL;
  /** The address of the WebSocket API. By default, it is asked from the REST API before the first connection. */
  readonly webSocketUrl?: string | URL | undefined;
  /** By default, the platform's. Node.js 20 has none: hand in that of the package `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** By default, the platform's. */
  readonly fetch?: typeof fetch | undefined;
  /**
   * The secret that makes this client the same member in each connection: 22 to 64 letters, digits, - and _. By default,
   * one is generated, and kept in `localStorage` where there is one.
   */
  readonly key?: string | undefined;
  /**
   * Return the access token of the user, or null for a guest. It is called before each connection and each request, never
   * twice at once, and once more after a response that the token is not valid. If it fails, the client tries again later.
   */
  readonly getToken?: GetToken | undefined;
  /**
   * Return who the tokens of `getToken` are for, or null for a guest: any text that differs between users. With it, what a user
   * has not sent is shown and kept also while no token can be fetched. By default, the `sub` of the token tells.
   */
  readonly user?: (() => string | null) | undefined;
  /**
   * Keeps unsent messages, for each user apart. By default the browser's: whoever opens the room again takes over what was not
   * sent in a tab that is closed. A browser without Web Locks, as on a page without HTTPS, keeps them during a reload only.
   * Tabs must not share a storage of your own.
   */
  readonly storage?: ChatStorage | undefined;
}

export interface JoinOptions {
  /** The display name, of 1 to 40 characters, on one line. Without it, it is `guest-` and the first four characters of the member id. */
  readonly name?: string | undefined;
  /** The `joinToken` of a private room. */
  readonly token?: string | null | undefined;
  /** The `ownerToken` of the room, to be its owner. */
  readonly owner?: string | null | undefined;
  /** The ids of the members to ignore from the start, as the snapshot of an earlier visit has them in `ignored`. */
  readonly ignored?: readonly string[] | undefined;
}

/** A chat server. Creating a client sends no request, so it is safe during server rendering. */
export class ChatClient {
  readonly #options: ChatClientOptions;
  readonly #tokens: TokenSource | undefined;
  readonly #rest: RestApi;
  readonly #rooms = new Set<Room>();
  readonly #events = new Emitter<{ identity: string }>();
  #webSocketUrl: Promise<string> | undefined;
  #key: string | undefined;
  #identity: string | null = null;
  /** The identity that the listeners know. */
  #announced: string | null = null;
  #kept: Kept | undefined;

  /** Throws a ChatError if an address is invalid. */
  constructor(options: ChatClientOptions) {
    this.#options = options;
    this.#tokens = options.getToken && new TokenSource(options.getToken, (token) => this.#identify(token));
    this.#rest = new RestApi(options.url, (...request) => (options.fetch ?? fetch)(...request), this.#tokens);
    this.#key = options.key;
    if (options.webSocketUrl) this.#webSocketUrl = Promise.resolve(checkWebSocketUrl(options.webSocketUrl));
  }

  /**
   * The identity of the user, or of the guest with a key: a hash, which contains no secret. Null until the first room is
   * joined, with `getToken` until the first token has arrived, and after `signOut`.
   */
  get identity(): string | null {
    return this.#identity;
  }

  /** @internal Whether somebody else may have signed in since `identity` was noted. */
  get mayHaveChanged(): boolean {
    return (this.#tokens !== undefined || this.#options.user !== undefined) && this.#identity !== null;
  }

  /** Ask `user`, or else `getToken`, who the user is now. Resolves to the identity. Rejects with a ChatError. */
  async identify(): Promise<string> {
    const token = this.#options.user ? null : await this.#tokens?.get();
    return this.#identify(token ?? null);
  }

  /**
   * Call a function when this client has become another user or guest than it was before. The rooms of the former one are
   * closed by then (`left`). Returns the function that ends that.
   */
  onIdentity(listener: (identity: string) => void): () => void {
    return this.#events.on("identity", listener);
  }

  /**
   * Leave all rooms, and forget what is stored for this user or guest: unsent messages, messages to show after a reload, and
   * the generated key. It does not sign out of your application: `getToken` has to return null, or the token of another user.
   */
  async signOut(): Promise<void> {
    this.#leaveRooms();
    if (this.#identity === null) await this.identify().catch(() => {}); // nobody is known, so nothing of theirs either
    this.#leaveRooms();
    this.#kept?.page.forget();
    this.#kept?.outbox.forget();
    this.#kept = undefined;
    this.#identity = null;
    if (this.#options.key === undefined) forgetKey(browserStorage("localStorage"));
    this.#key = this.#options.key;
  }

  /** Read a page of the public rooms, newest first. `limit` is 1 to 100. Rejects with a ChatError. */
  listRooms({
    limit = 20,
    cursor = null,
  }: {
    limit?: number | undefined;
    cursor?: string | null | undefined;
  } = {}): Promise<RoomPage> {
    return this.#rest.listRooms(limit, cursor);
  }

  /** Return a list of the public rooms that refreshes itself between `start` and `stop`. */
  watchRooms(): RoomList {
    return new RoomList(this.#rest);
  }

  /**
   * Return the ids of those rooms in which something is newer than their `readSequence`, and than what the member has read on
   * another device. One request for 50 rooms. Rooms that do not exist any more, or may not be read, are not among them.
   * Rejects with a ChatError.
   */
  async findUnread(rooms: readonly VisitedRoom[]): Promise<ReadonlySet<string>> {
    return (await this.#readPositions(rooms))[0];
  }

  /**
   * Call a function with the result of `findUnread` now, whenever somebody looks at the page again, when another user has
   * taken over this client, and every minute while the page is visible. It also gets the read positions by the ids of the
   * rooms, with what was read on another device: keep them as `readSequence`. After a failed request, the next one follows a
   * minute later. Returns the function that ends that.
   */
  watchUnread(
    rooms: readonly VisitedRoom[],
    listener: (unread: ReadonlySet<string>, readSequences: ReadonlyMap<string, number>) => void,
  ): () => void {
    if (rooms.length === 0) {
      listener(new Set(), new Map());
      return () => {};
    }
    // A response that arrives after a later one, or at the end, is no news, and may be about the former user.
    let latest = 0;
    const read = async () => {
      if (isHidden()) return;
      const reading = ++latest;
      const found = await this.#readPositions(rooms).catch(() => null);
      if (found && reading === latest) listener(...found);
    };
    const timer = setInterval(() => void read(), UNREAD_INTERVAL_MS);
    const stops = [watchPlatform({ wake: () => void read() }), this.onIdentity(() => void read())];
    void read();
    return () => {
      latest = 0;
      clearInterval(timer);
      for (const stop of stops) stop();
    };
  }

  /**
   * Create a room. A name has 1 to 80 characters. A private room is not listed. With `keepDays`, 1 to 30, the room stays
   * listed while nobody is in it. Rejects with a ChatError.
   */
  createRoom(
    roomName: string,
    options: { private?: boolean | undefined; keepDays?: number | undefined } = {},
  ): Promise<CreatedRoom> {
    return this.#rest.createRoom(roomName, options.private ?? false, options.keepDays);
  }

  /**
   * Create a webhook, as the owner of a room: whoever posts `{"text"}` to its `url` sends a message under this name. The
   * `url` cannot be read again. Rejects with a ChatError.
   */
  createHook(roomId: string, ownerToken: string, name: string): Promise<{ hookId: string; url: string }> {
    return this.#rest.createHook(roomId, ownerToken, name);
  }

  /** List the webhooks of a room, as its owner. Rejects with a ChatError. */
  listHooks(roomId: string, ownerToken: string): Promise<readonly Hook[]> {
    return this.#rest.listHooks(roomId, ownerToken);
  }

  /** End a webhook, as the owner of its room. Rejects with a ChatError. */
  deleteHook(roomId: string, ownerToken: string, hookId: string): Promise<void> {
    return this.#rest.deleteHook(roomId, ownerToken, hookId);
  }

  /**
   * Join a room. It connects at once and stays connected, also through network failures, until `leave`.
   *
   * Throws a ChatError if the name or the key is invalid, or there is no WebSocket.
   */
  join(roomId: string, { name = "", token, owner, ignored = [] }: JoinOptions = {}): Room {
    checkName(name);
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) {
      throw new ChatError("no_websocket", "expected the option WebSocket: this platform has none of its own");
    }
    const key = this.#findKey();
    if (!this.#tokens || this.#options.user) this.#identify(null);
    const room = new Room({
      roomId,
      name,
      ignored,
      credentials: { token, key, owner },
      rest: this.#rest,
      tokens: this.#tokens,
      WebSocket,
      kept: this.#kept,
      findWebSocketUrl: () => this.#findWebSocketUrl(),
    });
    this.#rooms.add(room);
    room.on("state", ({ status }) => status === "closed" && this.#rooms.delete(room));
    return room;
  }

  /** Note who the user is. Another one takes over: the rooms and the stored messages of the former one are not theirs. */
  #identify(token: string | null): string {
    const { user } = this.#options;
    const subject = user ? user() : token && subjectOf(token);
    const identity = subject === null ? identityOf("guest", this.#findKey()) : identityOf("user", subject);
    if (identity === this.#identity) return identity;
    if (this.#identity !== null) this.#leaveRooms();
    this.#identity = identity;
    this.#kept = keptOf(identity, this.#options.storage);
    for (const room of this.#rooms) room.useStorage(this.#kept);
    const former = this.#announced;
    this.#announced = identity;
    if (former !== null && former !== identity) this.#events.emit("identity", identity);
    return identity;
  }

  #leaveRooms(): void {
    for (const room of [...this.#rooms]) room.leave();
  }

  /** Return the ids of the rooms that have news, and the read positions by the ids of the rooms. */
  async #readPositions(rooms: readonly VisitedRoom[]): Promise<[ReadonlySet<string>, ReadonlyMap<string, number>]> {
    const key = this.#findKey();
    const unread = new Set<string>();
    const read = new Map(rooms.map(({ roomId, readSequence }) => [roomId, readSequence]));
    for (let start = 0; start < rooms.length; start += MAX_UNREAD) {
      const found = await this.#rest.getPositions(key, rooms.slice(start, start + MAX_UNREAD));
      for (const { roomId, lastSequence, readSequence = 0 } of found) {
        const position = Math.max(readSequence, read.get(roomId) ?? 0);
        read.set(roomId, position);
        if (lastSequence > position) unread.add(roomId);
      }
    }
    return [unread, read];
  }

  // Not in the constructor: on a server, it would be the same for all visitors.
  #findKey(): string {
    this.#key ??= loadKey(browserStorage("localStorage"));
    checkKey(this.#key);
    return this.#key;
  }

  #findWebSocketUrl(): Promise<string> {
    this.#webSocketUrl ??= this.#rest.getWebSocketUrl().catch((error: unknown) => {
      this.#webSocketUrl = undefined; // the next attempt asks again
      throw error;
    });
    return this.#webSocketUrl;
  }
}

/** Return the address of a WebSocket API. Throws a ChatError if it is none. */
function checkWebSocketUrl(url: string | URL): string {
  const text = withoutQuery(url);
  if (/^wss?:/i.test(text) && isUrl(text)) return text;
  throw new ChatError("invalid_url", `expected the address of the WebSocket API, wss://…, not ${url}`);
}
