/** A chat server inside the test: REST by `fetch`, WebSockets by `WebSocket`, with faults that a test switches on. */

import { mock } from "node:test";
import type { WebSocketLike } from "../src/types.js";

const EPOCH = Date.parse("2026-11-23T10:00:00Z");

export interface Stored {
  readonly sequence: number;
  readonly type: string;
  readonly message: string;
  readonly sender: { readonly id: string; readonly name: string; readonly role?: string; readonly verified?: boolean };
  readonly sentAt: string;
  readonly clientId?: string | undefined;
  readonly target?: number;
  readonly text?: string;
  readonly editedAt?: string;
  readonly replyTo?: number;
  readonly mentions?: readonly string[];
  readonly reactions?: readonly { readonly reaction: string; readonly count: number; readonly members: string[] }[];
  readonly reactionsVersion?: number;
  readonly room?: unknown;
  readonly member?: unknown;
  readonly messagesDeleted?: boolean;
  readonly until?: string | null;
  readonly role?: string;
}

/** The response of a REST request: a status and a body, or "unreachable". */
type Result = readonly [status: number, body: unknown] | "unreachable";

export class FakeServer {
  /** The stored messages of the room. */
  readonly stored: Stored[] = [];
  /** The paths of the REST requests, with their queries. */
  readonly requests: string[] = [];
  readonly sockets: FakeSocket[] = [];
  /** The names of the members by id, and the number of connections of those who have connected here. */
  readonly members = new Map<string, string>();
  readonly connections = new Map<string, number>();
  readonly #ids = new Map<string, string>();
  /** The first sequence that is still stored. */
  firstStored = 1;
  /** The number of sequences that one reading of the history passes: it may end early. */
  readsAtMost = Number.POSITIVE_INFINITY;
  /** The last sequence that was taken, but not used. */
  #burned = 0;
  ownerToken = "owner-token";
  /** It may request another one. */
  readonly formerOwnerToken = "owner-token";
  isPrivate = false;
  readSequence: number | undefined;
  /** Whether the room is a large one. */
  isLarge = false;
  memberCount: number | null = null;
  /** The Authorization headers of the REST requests, null where there is none. */
  readonly authorizations: (string | null)[] = [];
  /** Return a response to replace the usual one. */
  respond: (path: string, authorization: string | null) => Result | undefined = () => undefined;
  /** Handle a frame instead of the usual handling: return true. */
  onFrame: (socket: FakeSocket, frame: { action: string; data?: Record<string, string> }) => boolean = () => false;
  /** Whether handshakes fail. */
  rejectsHandshakes = false;
  /** Whether a handshake waits until the test calls `socket.accept()`. */
  holdsHandshakes = false;

  readonly fetch = async (url: RequestInfo | URL, options: RequestInit = {}): Promise<Response> => {
    const { pathname, search, searchParams } = new URL(String(url));
    const path = decodeURIComponent(pathname.replace(/^\/dev/, ""));
    this.requests.push(`${options.method ?? "GET"} ${path}${search}`);
    const authorization = new Headers(options.headers).get("Authorization");
    this.authorizations.push(authorization);
    const result = this.respond(path, authorization) ?? this.#respond(path, searchParams);
    await Promise.resolve();
    if (result === "unreachable") throw new TypeError("fetch failed");
    return new Response(JSON.stringify(result[1]), { status: result[0] });
  };

  readonly WebSocket = bindSocket(this);

  /** The newest connection. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("expected a connection; there is none");
    return socket;
  }

  /** Store a message as another member's, without delivering it. */
  store(message: string, sender: Stored["sender"] = { id: "m-other", name: "Other" }, clientId?: string): Stored {
    const known = this.stored.find((one) => clientId !== undefined && one.clientId === clientId);
    if (known) return known;
    const sequence = this.#lastSequence + 1;
    const sentAt = new Date(EPOCH + sequence * 1_000).toISOString();
    const stored: Stored = { type: "message", sequence, message, sender, sentAt, clientId };
    this.stored.push(stored);
    return stored;
  }

  /** Store an event, without delivering it. */
  storeEvent(
    type: string,
    details: Partial<Stored>,
    sender: Stored["sender"] = { id: "m-owner", name: "Owner" },
  ): Stored {
    const event = { ...this.store(`${sender.name} ${type}`, sender), type, ...details };
    this.stored[this.stored.length - 1] = event;
    return event;
  }

  /** Edit a stored message, without delivering the event. Returns the event. */
  edit(target: number, text: string): Stored {
    const index = this.stored.findIndex(({ sequence }) => sequence === target);
    const before = this.stored[index] as Stored;
    const event = this.storeEvent("edited", { target, text }, before.sender);
    this.stored[index] = { ...before, message: text, editedAt: event.sentAt };
    return event;
  }

  /** React to a stored message, without delivering the frame. Returns its content. */
  react(target: number, reaction: string, ...members: string[]): unknown {
    const index = this.stored.findIndex(({ sequence }) => sequence === target);
    const before = this.stored[index] as Stored;
    const version = (before.reactionsVersion ?? 0) + 1;
    const changed = { reaction, count: members.length, members: members.slice(0, 20) };
    const known = before.reactions ?? [];
    const isKnown = known.some((one) => one.reaction === reaction);
    const all = isKnown ? known.map((one) => (one.reaction === reaction ? changed : one)) : [...known, changed];
    const reactions = all.filter(({ count }) => count > 0);
    this.stored[index] = { ...before, reactions, reactionsVersion: version };
    return { reactions: { target, reactions, version } };
  }

  /** Take sequences without using them. */
  burn(count: number): void {
    this.#burned = this.#lastSequence + count;
  }

  get #lastSequence(): number {
    return Math.max(this.#burned, this.stored.at(-1)?.sequence ?? 0);
  }

  /** Deliver a stored message to every open connection. */
  deliver(stored: Stored): void {
    for (const socket of this.sockets) socket.receive({ message: stored });
  }

  /** Deliver stored messages to every open connection, in one frame. */
  deliverTogether(messages: readonly unknown[]): void {
    for (const socket of this.sockets) socket.receive({ messages });
  }

  count(): number {
    return [...this.members.keys()].reduce((sum, id) => sum + (this.connections.get(id) ?? 1), 0);
  }

  /** Return the member id of a key: m1, m2 and so on. */
  idOf(key: string | null): string {
    const id = this.#ids.get(key ?? "") ?? `m${this.#ids.size + 1}`;
    this.#ids.set(key ?? id, id);
    return id;
  }

  enter({ id, name }: FakeSocket["member"]): void {
    this.members.set(id, name);
    this.connections.set(id, (this.connections.get(id) ?? 0) + 1);
  }

  exit({ id }: FakeSocket["member"]): void {
    const connections = (this.connections.get(id) ?? 1) - 1;
    this.connections.set(id, connections);
    if (connections === 0) this.members.delete(id);
  }

  handle(socket: FakeSocket, text: string): void {
    const frame = JSON.parse(text);
    socket.frames.push(frame);
    if (this.onFrame(socket, frame)) return;
    if (frame.action === "ping") socket.receive({ pong: true });
    if (frame.action === "hello") this.welcome(socket);
    if (frame.action === "rename") this.#rename(socket, frame.data.name);
    if (frame.action === "updateRoom") this.#renewTokens(socket, frame.data);
    if (frame.action === "markRead") this.readSequence = frame.data.sequence;
    if (frame.action === "editMessage") this.deliver(this.edit(frame.data.sequence, frame.data.message));
    if (frame.action === "sendMessage") {
      const { message, clientId, ...options } = frame.data;
      const index = this.stored.indexOf(this.store(message, socket.member, clientId));
      this.stored[index] = { ...(this.stored[index] as Stored), ...options };
      this.deliver(this.stored[index] as Stored);
    }
  }

  welcome(socket: FakeSocket): void {
    socket.receive({
      welcome: {
        member: socket.member,
        room: { room_id: "r1", name: "Tea", private: this.isPrivate, locked: false },
        memberCount: this.memberCount ?? this.count(),
        lastSequence: this.#lastSequence,
        owner: socket.owner === this.ownerToken,
        ...(this.readSequence !== undefined && { readSequence: this.readSequence }),
        ...(this.isLarge && { batch: true }),
      },
    });
  }

  /** Renew the tokens, for the owner only: join-1 and owner-1, the next time join-2 and owner-2. */
  #renewTokens(socket: FakeSocket, { newJoinToken, newOwnerToken, clientId }: Record<string, unknown>): void {
    if (socket.owner !== this.ownerToken && socket.owner !== this.formerOwnerToken) {
      socket.receive({ error: { code: "forbidden", message: "no", action: "updateRoom", clientId } });
      return;
    }
    const number = socket.frames.filter(({ action }) => action === "updateRoom").length;
    if (newOwnerToken) this.ownerToken = socket.owner = `owner-${number}`;
    const tokens = {
      ...(newJoinToken ? { joinToken: `join-${number}` } : {}),
      ...(newOwnerToken ? { ownerToken: this.ownerToken } : {}),
    };
    socket.receive({ tokens });
  }

  #rename(socket: FakeSocket, name: string): void {
    const formerName = socket.member.name;
    for (const one of this.sockets) if (one.member.id === socket.member.id) one.member = { ...one.member, name };
    this.members.set(socket.member.id, name);
    const message = `${formerName} is now ${name}`;
    for (const one of this.sockets)
      one.receive({ message: { type: "rename", message, sender: socket.member, formerName } });
  }

  #respond(requested: string, query: URLSearchParams): Result {
    const path = requested.replace(/^\/rooms\/-?r\d+/, "/rooms/r1"); // r2, r3 and so on have the same messages
    if (path === "/config") return [200, { webSocketUrl: "wss://ws.test/dev" }];
    if (path === "/rooms/r1") return [200, { room_id: "r1", name: "Tea", member_count: this.members.size }];
    if (path === "/rooms/r1/members") {
      const listed = [...this.members].map(([id, name]) => ({ id, name, connections: this.connections.get(id) ?? 1 }));
      return [200, { members: listed.map((one) => (one.connections > 1 ? one : { id: one.id, name: one.name })) }];
    }
    if (path === "/rooms/r1/messages") return [200, this.#page(query)];
    return [404, { Code: "NotFoundError", Message: "room not found" }];
  }

  #page(query: URLSearchParams): unknown {
    const limit = Number(query.get("limit"));
    const after = query.get("after");
    const lastSequence = this.#lastSequence;
    const before = Number(query.get("before") ?? lastSequence + 1);
    const kept = this.stored.filter(({ sequence }) => sequence >= this.firstStored && sequence < before);
    if (after === null) {
      const start = Math.max(1, before - this.readsAtMost);
      const messages = kept.filter(({ sequence }) => sequence >= start).slice(-limit);
      const isEarly = messages.length < limit && start > 1;
      return { messages, lastSequence, complete: true, ...(isEarly && { nextBefore: start }) };
    }
    const end = Number(after) + this.readsAtMost;
    const messages = kept.filter(({ sequence }) => sequence > Number(after) && sequence <= end).slice(0, limit);
    const isEarly = messages.length < limit && end < lastSequence;
    const complete = Number(after) + 1 >= this.firstStored;
    return { messages, complete, ...(isEarly ? { lastSequence: end, nextAfter: end } : { lastSequence }) };
  }
}

export class FakeSocket implements WebSocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  /** The frames that the client has sent. */
  readonly frames: { action: string; data?: Record<string, string> }[] = [];
  member: { readonly id: string; readonly name: string };
  readonly url: URL;
  /** The owner's token whose rights this connection has. */
  owner: string | null;
  readonly #server: FakeServer;

  constructor(server: FakeServer, url: string) {
    this.#server = server;
    this.url = new URL(url);
    server.sockets.push(this);
    this.owner = this.url.searchParams.get("owner");
    const id = server.idOf(this.url.searchParams.get("key"));
    this.member = { id, name: this.url.searchParams.get("name") ?? `guest-${id}` };
    if (!server.holdsHandshakes) queueMicrotask(() => (server.rejectsHandshakes ? this.cut(1006) : this.accept()));
  }

  accept(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    this.#server.enter(this.member);
    this.onopen?.({} as never);
  }

  send(text: string): void {
    if (this.readyState !== 1) throw new Error("expected an open connection");
    queueMicrotask(() => this.#server.handle(this, text));
  }

  receive(frame: unknown): void {
    const data = typeof frame === "string" ? frame : JSON.stringify(frame);
    if (this.readyState === 1) this.onmessage?.({ data } as never);
  }

  /** End the connection from the server's side, or by the network. */
  cut(code = 1006): void {
    if (this.readyState === 3) return;
    this.#end();
    this.onerror?.({} as never);
    this.onclose?.({ code } as never);
  }

  close(): void {
    if (this.readyState !== 3) this.#end();
  }

  #end(): void {
    if (this.readyState === 1) this.#server.exit(this.member);
    this.readyState = 3;
  }
}

function bindSocket(server: FakeServer) {
  return class extends FakeSocket {
    constructor(url: string) {
      super(server, url);
    }
  };
}

/** The browser around the client: its events, its clock, which a test moves on, and whether it has a network. */
export class FakeBrowser {
  readonly #events = new EventTarget();
  readonly #locks = new FakeLocks();

  install(): void {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: EPOCH });
    mock.method(Math, "random", () => 0.5);
    const target = globalThis as unknown as Record<string, unknown>;
    target.addEventListener = this.#events.addEventListener.bind(this.#events);
    target.removeEventListener = this.#events.removeEventListener.bind(this.#events);
    target.document = { hidden: false };
    this.#setOnline(true);
  }

  uninstall(): void {
    const target = globalThis as unknown as Record<string, unknown>;
    for (const name of ["addEventListener", "removeEventListener", "document", "navigator"]) delete target[name];
    mock.timers.reset();
    mock.restoreAll();
  }

  goOffline(): void {
    this.#setOnline(false);
    this.#events.dispatchEvent(new Event("offline"));
  }

  goOnline(): void {
    this.#setOnline(true);
    this.#events.dispatchEvent(new Event("online"));
  }

  /** Close the other tabs: nothing holds a lock any more. */
  closeOthers(): void {
    this.#locks.releaseAll();
  }

  /** Close or reload the page. */
  hide(): void {
    this.#events.dispatchEvent(new Event("pagehide"));
  }

  setHidden(isHidden: boolean): void {
    (globalThis as unknown as { document: { hidden: boolean } }).document.hidden = isHidden;
    this.#events.dispatchEvent(new Event("visibilitychange"));
  }

  #setOnline(onLine: boolean): void {
    Object.defineProperty(globalThis, "navigator", { value: { onLine, locks: this.#locks }, configurable: true });
  }
}

/** The locks of a browser. Each is held until the work under it has ended, or its tab is closed. */
class FakeLocks {
  readonly #ends = new Map<string, Promise<unknown>>();
  readonly #releases = new Set<() => void>();

  async request(name: string, work: () => unknown): Promise<unknown> {
    if (name.startsWith("-")) throw new DOMException("expected a name without a leading hyphen", "NotSupportedError");
    const released = new Promise<void>((resolve) => this.#releases.add(resolve));
    const end = Promise.resolve(this.#ends.get(name)).then(() => Promise.race([work(), released]));
    this.#ends.set(name, end);
    return end;
  }

  releaseAll(): void {
    for (const release of this.#releases) release();
    this.#releases.clear();
  }
}

/** A storage whose properties are its values, as those of a browser. */
export class BrowserStorage {
  getItem(key: string): string | null {
    return Object.hasOwn(this, key) ? String(Reflect.get(this, key)) : null;
  }

  setItem(key: string, value: string): void {
    Reflect.set(this, key, value);
  }

  removeItem(key: string): void {
    Reflect.deleteProperty(this, key);
  }
}

/** A storage in memory, with the first content given. */
export class MemoryStorage {
  readonly items: Map<string, string>;

  constructor(items: Record<string, string> = {}) {
    this.items = new Map(Object.entries(items));
  }

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }
}

/** Let everything happen that waits for no timer: some of it takes several turns of the event loop. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
}

/** Let time pass, in steps of a tenth of a second. Needs mocked timers. */
export async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 100) {
    mock.timers.tick(Math.min(100, milliseconds - passed));
    await settle();
  }
}
