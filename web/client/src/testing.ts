/** A chat in memory, for the tests of applications: the client of this library, without a network and without a server. */

import { ChatClient, type ChatClientOptions, type JoinOptions } from "./client.js";
import type { ErrorCode } from "./errors.js";
import type { Room } from "./room.js";
import { hasGlyph } from "./text.js";
import type {
  Ban,
  ChatStorage,
  CloseReason,
  Hook,
  Member,
  SendOptions,
  StoredReport,
  WebSocketConstructor,
  WebSocketLike,
} from "./types.js";

/** Somebody else in a room: a name, or a whole member with a role or other marks. */
export type Somebody = string | Member;

export interface FakeRoomOptions {
  /** By default, the room has its id as its name. */
  readonly name?: string | undefined;
  /** Whether joining takes the `joinToken`. Then the room is not listed, either. */
  readonly private?: boolean | undefined;
  /** Whether the room is a large one: then each message arrives in a frame that may contain several. */
  readonly batch?: boolean | undefined;
}

type Data = Readonly<Record<string, unknown>>;
interface Batch {
  readonly sequences: Set<number>;
  readonly joined: Map<string, Member>;
  readonly left: Map<string, Member>;
}

type Result = readonly [status: number, body: unknown];

interface Item extends Data {
  readonly type: string;
  readonly sequence: number;
  readonly message: string;
  readonly sender: Member;
  readonly sentAt: string;
}

const MAX_LENGTH = 4_000;
const MAX_ROOM_NAME_LENGTH = 80;
const BAN_MS = 60 * 60_000;
const OWNER: Member = { id: "owner", name: "Owner", role: "owner" };
const OWNER_ACTIONS = ["updateRoom", "unbanMember", "setRole", "closeRoom"];
const MODERATOR_ACTIONS = ["removeMember", "muteMember"];
const REFUSALS: Partial<Record<CloseReason, Result>> = {
  gone: [404, { Code: "NotFoundError", Message: "room not found: it does not exist or has expired" }],
  private: [403, { Code: "ForbiddenError", Message: "the room is private" }],
  locked: [403, { Code: "RoomLockedError", Message: "the room is locked" }],
  banned: [403, { Code: "MemberBannedError", Message: "you were removed from this room" }],
  blocked: [403, { Code: "SourceBannedError", Message: "your network is not admitted" }],
  unauthorized: [401, { Code: "UnauthorizedError", Message: "sign in" }],
};
const FORBIDDEN = [403, { Code: "ForbiddenError", Message: "only the owner may do this" }] as const;
const NOT_FOUND: Result = [404, { Code: "NotFoundError", Message: "not found" }];

/**
 * A client whose chat is in memory. Hand it to what you test as the `ChatClient`. Each room id is that of a room; `room` returns
 * what the test controls it with.
 */
export class FakeChatClient extends ChatClient {
  readonly #chat: FakeChat;

  constructor(options: Pick<ChatClientOptions, "getToken" | "key" | "user"> = {}) {
    const chat = new FakeChat();
    const key = "key-of-a-fake-chat-client";
    super({
      key,
      ...options,
      url: "https://chat.test",
      webSocketUrl: "wss://chat.test",
      fetch: chat.fetch,
      WebSocket: chat.WebSocket,
      storage: memoryStorage(),
    });
    this.#chat = chat;
  }

  /** Return the control of a room. The options are those of a room that does not exist yet. */
  room(roomId: string, options: FakeRoomOptions = {}): FakeRoom {
    return this.#chat.room(roomId, options);
  }

  override join(roomId: string, options?: JoinOptions): Room {
    const room = super.join(roomId, options);
    this.#chat.visits.push(room);
    return room;
  }

  /** Lose the network: rooms become `lost`, requests fail with `network`. */
  lose(): void {
    this.#chat.isLost = true;
    for (const room of this.#chat.rooms.values()) room.cut();
  }

  /** Have a network again, and let the rooms connect now. */
  reconnect(): void {
    this.#chat.isLost = false;
    this.#chat.retry();
  }
}

/** The server's side of a room, and the other members. Frames arrive at once; the client sends its own in microtasks. */
export class FakeRoom {
  readonly roomId: string;
  /** Hand it to `join` or `useRoom` as `owner`, to test as the owner. */
  ownerToken: string;
  /** Of a private room. */
  joinToken: string | undefined;
  /** The texts of the messages that the client has sent, in order, repetitions included. */
  readonly sent: string[] = [];
  /** All that the client has requested through its connections, such as `{ action: "rename", data: { name: "Bo" } }`. */
  readonly requests: { readonly action: string; readonly data: Data }[] = [];
  /** @internal The connections that are open. */
  readonly sockets = new Set<FakeSocket>();
  /** @internal */
  readonly createdAt = new Date().toISOString();
  readonly #chat: FakeChat;
  readonly #others = new Map<string, Member>();
  readonly #refusals: [action: string, error: Data][] = [];
  #items: Item[] = [];
  /** The members who have each reaction, by the sequence of the message. */
  readonly #reactions = new Map<number, Map<string, Set<string>>>();
  #reactionsVersion = 0;
  readonly #bans = new Map<string, Ban>();
  /** The newest first. */
  readonly #reports: StoredReport[] = [];
  #hooks: Hook[] = [];
  #hookCount = 0;
  #sequence = 0;
  #readSequence: number | undefined;
  #closed: Result | undefined;
  readonly #isLarge: boolean;
  /** The frames that `together` collects. */
  #batch: Batch | undefined;
  #settings: { name: string; private: boolean; locked: boolean; keepDays: number; slowSeconds: number };

  /** @internal */
  constructor(
    chat: FakeChat,
    roomId: string,
    { name = roomId, private: isPrivate = false, batch = false }: FakeRoomOptions,
  ) {
    this.#chat = chat;
    this.roomId = roomId;
    this.#isLarge = batch;
    this.ownerToken = `owner-of-${roomId}`;
    this.joinToken = isPrivate ? `join-${roomId}` : undefined;
    this.#settings = { name, private: isPrivate, locked: false, keepDays: 0, slowSeconds: 0 };
  }

  /**
   * Deliver what a function does as large rooms do: its messages and events in one frame, and all its joins and leaves in
   * another one.
   */
  together(action: () => void): void {
    const batch: Batch = { sequences: new Set(), joined: new Map(), left: new Map() };
    this.#batch = batch;
    try {
      action();
    } finally {
      this.#batch = undefined;
    }
    const joined = [...batch.joined.values()];
    const left = [...batch.left.values()];
    const messages = this.#items.filter(({ sequence }) => batch.sequences.has(sequence)); // as they are now
    if (messages.length) this.#send({ messages });
    if (joined.length || left.length) this.#send({ presence: { joined, left, memberCount: this.#count } });
  }

  /** Receive a message of somebody else. It is in the history if the client has not joined yet. Returns its sequence. */
  receive(text: string, from: Somebody = "Bo", options: SendOptions = {}): number {
    return this.#store("message", memberOf(from), { message: text, ...options });
  }

  /** Let the author edit a message. */
  edit(sequence: number, text: string): void {
    const edited = this.#items.find((item) => item.sequence === sequence && item.type === "message");
    if (!edited) return;
    this.#store("edited", edited.sender, { target: sequence, text });
    const editedAt = this.#items.at(-1)?.sentAt;
    this.#items = this.#items.map((item) => (item === edited ? { ...item, message: text, editedAt } : item));
  }

  /** Let somebody react to a message, or remove the reaction. */
  react(
    sequence: number,
    reaction: string,
    who: Somebody = "Bo",
    { remove = false }: { remove?: boolean | undefined } = {},
  ): void {
    const all = this.#reactions.get(sequence) ?? new Map<string, Set<string>>();
    const members = all.get(reaction) ?? new Set();
    this.#reactions.set(sequence, all.set(reaction, members));
    if (remove) members.delete(memberOf(who).id);
    else members.add(memberOf(who).id);
    if (members.size === 0) all.delete(reaction);
    this.#reactionsVersion += 1;
    const { reactions, reactionsVersion } = this.#reactionsTo(sequence);
    this.#send({ reactions: { target: sequence, reactions, version: reactionsVersion } });
  }

  /** Let somebody type, or send another signal. */
  signal(name = "typing", data?: unknown, from: Somebody = "Bo"): void {
    this.#send({ signal: { name, data, sender: memberOf(from) } });
  }

  /** Let somebody report a message. The client learns it as the owner or a moderator. */
  report(sequence: number, reason?: string, who: Somebody = "Bo"): void {
    const sender = memberOf(who);
    const report = { target: sequence, ...(reason && { reason }), sender };
    this.#reports.unshift({ ...report, sentAt: new Date().toISOString() });
    const message = `${sender.name} reported a message`;
    for (const socket of this.sockets)
      if (socket.member.role) socket.receive({ message: { type: "reported", ...report, message } });
  }

  /** Let somebody join. */
  join(who: Somebody): void {
    const sender = memberOf(who);
    this.#others.set(sender.id, sender);
    this.#announce("join", sender, `${sender.name} joined`);
  }

  /** Let somebody leave. The client tells it after ten seconds: somebody who reloads a page comes back. */
  leave(who: Somebody): void {
    const sender = memberOf(who);
    this.#others.delete(sender.id);
    this.#announce("leave", sender, `${sender.name} left`);
  }

  /** Let somebody take another name. */
  rename(who: Somebody, name: string): void {
    this.#rename(memberOf(who), name);
  }

  /** Make the client a moderator, or a plain member again. */
  setRole(role: "moderator" | "member"): void {
    const { role: _, ...you } = [...this.sockets][0]?.member ?? memberOf("you");
    for (const socket of this.sockets) socket.member = role === "moderator" ? { ...you, role } : you;
    this.#store("role", OWNER, { member: you, role });
  }

  /** Let the owner, or somebody else, delete a message. */
  delete(sequence: number, by: Somebody = OWNER): void {
    const clientId = this.#items.find((item) => item.sequence === sequence)?.clientId;
    this.#items = this.#items.filter((item) => item.sequence !== sequence);
    this.#store("deleted", memberOf(by), { target: sequence, clientId });
  }

  /** Refuse the next request of this action, such as `sendMessage`, with an error. */
  refuse(
    action: string,
    code: ErrorCode,
    { message = code, retryAfter }: { message?: string | undefined; retryAfter?: number | undefined } = {},
  ): void {
    this.#refusals.push([action, { code, message, retryAfter }]);
  }

  /** Close the room for the client, for a reason that its `state` then has. */
  close(reason: Exclude<CloseReason, "left"> = "closed"): void {
    this.#closed = REFUSALS[reason] ?? REFUSALS.gone;
    if (reason === "closed")
      this.#send({ message: { type: "closed", message: "Owner closed the room", sender: OWNER } });
    else if (reason === "replaced") this.#send({ error: { code: "replaced", message: "too many connections" } });
    else {
      this.cut();
      this.#chat.retry();
    }
  }

  /** @internal Return why a client with these credentials is not admitted, if it is not. */
  refusal(query: URLSearchParams): Result | undefined {
    const isAdmitted = !this.joinToken || query.get("token") === this.joinToken || this.isOwner(query);
    return this.#closed ?? (isAdmitted ? undefined : REFUSALS.private);
  }

  /** @internal */
  isOwner(query: URLSearchParams): boolean {
    return query.get("owner") === this.ownerToken;
  }

  /** @internal */
  cut(): void {
    for (const socket of [...this.sockets]) socket.cut();
  }

  /** @internal Respond to a request to read. */
  respond(part: string | undefined, query: URLSearchParams): Result {
    const refusal = this.refusal(query);
    if (refusal) return refusal;
    switch (part) {
      case undefined:
        return [200, this.summary];
      case "members":
        return [200, { members: this.#members() }];
      case "messages":
        return [200, this.#page(query)];
      case "bans":
        return this.isOwner(query) ? [200, { bans: [...this.#bans.values()] }] : FORBIDDEN;
      case "reports": {
        const mayRead = this.isOwner(query) || [...this.sockets].some(({ member }) => member.role);
        return mayRead ? [200, { reports: this.#reports }] : FORBIDDEN;
      }
      default:
        return NOT_FOUND;
    }
  }

  /** @internal Respond to a request of the owner about webhooks. */
  respondToOwner(method: string, hookId: string | undefined, body: unknown): Result {
    if (method === "DELETE") this.#hooks = this.#hooks.filter((hook) => hook.hookId !== hookId);
    if (method === "DELETE") return [204, null];
    if (method === "GET") return [200, { hooks: this.#hooks }];
    this.#hookCount += 1;
    const id = `hook-${this.#hookCount}`;
    this.#hooks.push({ hookId: id, name: JSON.parse(String(body)).name, createdAt: new Date().toISOString() });
    return [201, { hookId: id, url: `https://chat.test/hooks/${id}` }];
  }

  /** @internal */
  get position(): Data {
    return { roomId: this.roomId, lastSequence: this.#sequence, readSequence: this.#readSequence };
  }

  /** @internal The room as the list has it. */
  get summary(): Data {
    return {
      room_id: this.roomId,
      name: this.#settings.name,
      member_count: this.#count,
      created_at: this.createdAt,
    };
  }

  /** @internal */
  get isListed(): boolean {
    return !this.joinToken && !this.#closed && this.#count > 0;
  }

  /** @internal Handle a frame of the client. */
  handle(socket: FakeSocket, { action, data = {} }: { action: string; data?: Data }): void {
    const { clientId } = data;
    if (action === "sendMessage") this.sent.push(String(data.message));
    if (action !== "hello" && action !== "ping") this.requests.push({ action, data });
    const index = this.#refusals.findIndex(([refused]) => refused === action);
    const [refusal] = index < 0 ? [] : this.#refusals.splice(index, 1);
    const error = refusal?.[1] ?? this.#objection(socket, action, data);
    if (error) socket.receive({ error: { ...error, action, clientId } });
    else this.#carryOut(socket, action, data);
  }

  /** Return the error of an action that the client may not do, as the server has it. */
  #objection({ member, isOwner }: FakeSocket, action: string, data: Data): Data | undefined {
    const { sequence, message } = data;
    if ((OWNER_ACTIONS.includes(action) && !isOwner) || (MODERATOR_ACTIONS.includes(action) && !member.role)) {
      return { code: "forbidden", message: FORBIDDEN[1].Message };
    }
    if (action === "sendMessage" || action === "editMessage") {
      const { length } = [...String(message)];
      if (!hasGlyph(String(message))) return invalid("message must not be blank");
      if (length > MAX_LENGTH)
        return invalid(`message must have at most 4,000 characters, not ${length.toLocaleString("en")}`);
    }
    if (action === "updateRoom") return this.#objectionToUpdate(data);
    if (!["editMessage", "react", "deleteMessage", "reportMessage"].includes(action)) return undefined;
    const subject = this.#items.find((item) => item.sequence === sequence && item.type === "message");
    if (!subject) {
      const wasDeleted = action === "deleteMessage" && Number(sequence) <= this.#sequence;
      return wasDeleted ? undefined : invalid("sequence must be that of a message in this room");
    }
    if (action === "react" || action === "reportMessage" || subject.sender.id === member.id) return undefined;
    if (action === "editMessage") return { code: "forbidden", message: "only its author can edit a message" };
    if (isOwner || (member.role && !subject.sender.role)) return undefined;
    return { code: "forbidden", message: "only its author, the owner and the moderators may delete a message" };
  }

  #objectionToUpdate({ newJoinToken, roomName, clientId: _, ...others }: Data): Data | undefined {
    if (newJoinToken && !this.joinToken) {
      return invalid("newJoinToken must be absent: this room is public, and has no joinToken");
    }
    if (roomName !== undefined) return invalidName(String(roomName));
    if (newJoinToken || Object.keys(others).length) return undefined;
    return invalid("expected roomName, locked, keepDays, slowSeconds, newJoinToken or newOwnerToken");
  }

  #carryOut(socket: FakeSocket, action: string, data: Data): void {
    const { member } = socket;
    switch (action) {
      case "ping":
        socket.receive({ pong: true });
        break;
      case "hello":
        socket.receive({
          welcome: {
            member,
            room: this.#info,
            memberCount: this.#count,
            lastSequence: this.#sequence,
            readSequence: this.#readSequence,
            owner: socket.isOwner,
            ...(this.#isLarge && { batch: true }),
          },
        });
        break;
      case "sendMessage":
        this.#echo(member, data);
        break;
      case "rename":
        this.#rename(member, String(data.name));
        break;
      case "editMessage":
        this.edit(Number(data.sequence), String(data.message));
        break;
      case "react":
        this.react(Number(data.sequence), String(data.reaction), member, { remove: data.remove === true });
        break;
      case "markRead":
        this.#readSequence = Number(data.sequence);
        break;
      case "deleteMessage":
        this.delete(Number(data.sequence), member);
        break;
      case "updateRoom":
        this.#update(socket, data);
        break;
      case "setRole":
        this.#store("role", member, { member: this.#find(data.memberId), role: data.role });
        break;
      case "muteMember": {
        const until = new Date(Date.now() + Number(data.seconds) * 1_000).toISOString();
        this.#store("muted", member, { member: this.#find(data.memberId), until });
        break;
      }
      case "removeMember":
        for (const id of [data.memberIds ?? data.memberId].flat()) this.#remove(member, String(id), data);
        break;
      case "unbanMember":
        this.#bans.delete(String(data.memberId));
        break;
      case "reportMessage":
        this.report(Number(data.sequence), data.reason === undefined ? undefined : String(data.reason), member);
        break;
      case "closeRoom":
        this.close();
    }
  }

  /** Deliver a message of the client to itself, under the same clientId once. */
  #echo(sender: Member, { clientId, ...data }: Data): void {
    const known = this.#items.find((item) => item.clientId === clientId);
    if (known) this.#deliver(known);
    else this.#store("message", sender, { ...data, clientId });
  }

  #rename(sender: Member, name: string): void {
    const renamed = { ...sender, name };
    for (const socket of this.sockets) if (socket.member.id === sender.id) socket.member = renamed;
    if (this.#others.has(sender.id)) this.#others.set(sender.id, renamed);
    const message = `${sender.name} is now ${name}`;
    this.#send({ message: { type: "rename", message, sender: renamed, formerName: sender.name } });
  }

  #update(socket: FakeSocket, { roomName, newJoinToken, newOwnerToken, clientId: _, ...changes }: Data): void {
    if (newOwnerToken) this.ownerToken += "-new";
    if (newJoinToken) this.joinToken = `${this.joinToken}-new`;
    if (newOwnerToken || newJoinToken) {
      const { ownerToken, joinToken } = this;
      socket.receive({ tokens: { ...(newOwnerToken ? { ownerToken } : {}), ...(newJoinToken ? { joinToken } : {}) } });
      return;
    }
    this.#settings = { ...this.#settings, ...changes, ...(roomName !== undefined && { name: String(roomName) }) };
    this.#store("updated", socket.member, { room: this.#info });
  }

  #remove(sender: Member, id: string, { deleteMessages }: Data): void {
    const member = this.#find(id);
    this.#others.delete(id);
    this.#bans.set(id, { id, name: member.name, until: new Date(Date.now() + BAN_MS).toISOString() });
    if (deleteMessages) this.#items = this.#items.filter((item) => item.sender.id !== id);
    this.#store("removed", sender, { member, ...(deleteMessages === true && { messagesDeleted: true }) });
  }

  #store(type: string, sender: Member, details: Data): number {
    this.#sequence += 1;
    const sentAt = new Date().toISOString();
    const item: Item = {
      message: `${sender.name}: ${type}`,
      ...details,
      type,
      sender,
      sequence: this.#sequence,
      sentAt,
    };
    this.#items.push(item);
    this.#deliver(item);
    return this.#sequence;
  }

  #deliver(item: Item): void {
    if (this.#batch) this.#batch.sequences.add(item.sequence);
    else this.#send(this.#isLarge ? { messages: [item] } : { message: item });
  }

  #announce(type: "join" | "leave", sender: Member, message: string): void {
    if (this.#batch) {
      const { joined, left } = this.#batch;
      const [to, from] = type === "join" ? [joined, left] : [left, joined];
      to.set(sender.id, sender);
      from.delete(sender.id);
    } else this.#send({ message: { type, sender, message, memberCount: this.#count } });
  }

  #send(frame: Data): void {
    for (const socket of [...this.sockets]) socket.receive(frame);
  }

  #page(query: URLSearchParams): Data {
    const limit = Number(query.get("limit"));
    const before = Number(query.get("before") ?? Number.POSITIVE_INFINITY);
    const after = query.get("after");
    const items = this.#items.filter(({ sequence }) => sequence > Number(after) && sequence < before);
    const messages = after === null ? items.slice(-limit) : items.slice(0, limit);
    return {
      messages: messages.map((item) => ({ ...item, ...this.#reactionsTo(item.sequence) })),
      lastSequence: this.#sequence,
      complete: true,
    };
  }

  #reactionsTo(sequence: number): Data {
    const all = this.#reactions.get(sequence);
    if (!all) return {};
    const reactions = [...all].map(([reaction, ids]) => ({ reaction, count: ids.size, members: [...ids] }));
    return { reactions, reactionsVersion: this.#reactionsVersion };
  }

  #find(memberId: unknown): Member {
    return this.#members().find(({ id }) => id === memberId) ?? { id: String(memberId), name: String(memberId) };
  }

  #members(): Member[] {
    return [...this.#own().values(), ...this.#others.values()];
  }

  /** Return the members that the connections of the client are, by id. */
  #own(): Map<string, Member> {
    return new Map([...this.sockets].map(({ member }) => [member.id, member]));
  }

  get #count(): number {
    return this.sockets.size + this.#others.size;
  }

  get #info(): Data {
    return { room_id: this.roomId, ...this.#settings };
  }
}

/** The rooms of a client, its requests and its connections. */
class FakeChat {
  readonly rooms = new Map<string, FakeRoom>();
  /** The rooms that the client has joined. */
  readonly visits: Room[] = [];
  isLost = false;
  readonly WebSocket = connect(this);

  room(roomId: string, options: FakeRoomOptions = {}): FakeRoom {
    const room = this.rooms.get(roomId) ?? new FakeRoom(this, roomId, options);
    this.rooms.set(roomId, room);
    return room;
  }

  /** Let the client connect now, instead of later. */
  retry(): void {
    for (const visit of this.visits) visit.reconnect();
  }

  readonly fetch = async (input: string | URL | Request, request: RequestInit = {}): Promise<Response> => {
    await null; // as a network does, respond later
    if (this.isLost) throw new TypeError("fetch failed");
    const [status, value] = this.#respond(new URL(String(input)), request);
    // Not a `Response`: environments of tests such as jsdom may have none.
    return { status, ok: status < 300, text: async () => JSON.stringify(value), json: async () => value } as Response;
  };

  #respond({ pathname, searchParams }: URL, { method = "GET", body, headers }: RequestInit): Result {
    const [, roomId, part, id] = pathname.split("/").filter(Boolean).map(decodeURIComponent);
    if (roomId === "unread") return this.#unread(JSON.parse(String(body)).rooms);
    if (roomId !== undefined && part === "hooks") {
      const { Authorization: bearer = "" } = headers as Record<string, string>; // as this library sends them
      const owner = searchParams.get("owner") ?? bearer.replace("Bearer ", "");
      const room = this.room(roomId);
      return room.isOwner(new URLSearchParams({ owner })) ? room.respondToOwner(method, id, body) : FORBIDDEN;
    }
    if (roomId !== undefined) return this.room(roomId).respond(part, searchParams);
    if (method === "POST") return this.#create(JSON.parse(String(body)));
    const listed = [...this.rooms.values()].filter(({ isListed }) => isListed).reverse();
    return [200, { rooms: listed.map(({ summary }) => summary), nextCursor: null }];
  }

  #unread(asked: readonly { roomId: string; token?: string; owner?: string }[]): Result {
    const rooms = asked.flatMap(({ roomId, token = "", owner = "" }) => {
      const room = this.rooms.get(roomId);
      if (!room || room.refusal(new URLSearchParams({ token, owner }))) return [];
      return room.position;
    });
    return [200, { rooms }];
  }

  #create({ roomName, private: isPrivate }: { roomName: string; private: boolean }): Result {
    const refusal = invalidName(roomName);
    if (refusal) return [400, { Code: "BadRequestError", Message: refusal.message }];
    const room = this.room(`room-${this.rooms.size + 1}`, { name: roomName, private: isPrivate });
    const { roomId, ownerToken, joinToken } = room;
    return [201, { message: "created", roomId, ownerToken, joinToken }];
  }
}

class FakeSocket implements WebSocketLike {
  readyState = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: never) => void) | null = null;
  onclose: ((event: never) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  member: Member;
  readonly #query: URLSearchParams;
  readonly #room: FakeRoom;

  constructor(chat: FakeChat, url: string) {
    this.#query = new URL(url).searchParams;
    this.#room = chat.room(this.#query.get("roomId") ?? "");
    this.member = { id: "you", name: this.#query.get("name") ?? "guest-you" };
    queueMicrotask(() => (chat.isLost || this.#room.refusal(this.#query) ? this.cut() : this.#open()));
  }

  get isOwner(): boolean {
    return this.member.role === "owner";
  }

  send(text: string): void {
    queueMicrotask(() => this.readyState === 1 && this.#room.handle(this, JSON.parse(text)));
  }

  receive(frame: Data): void {
    if (this.readyState === 1) this.onmessage?.({ data: JSON.stringify(frame) } as never);
  }

  /** End the connection as a failing network does. */
  cut(): void {
    if (this.readyState === 3) return;
    this.close();
    this.onclose?.({ code: 1006 } as never);
  }

  close(): void {
    this.readyState = 3;
    this.#room.sockets.delete(this);
  }

  #open(): void {
    if (this.readyState !== 0) return;
    this.readyState = 1;
    if (this.#room.isOwner(this.#query)) this.member = { ...this.member, role: "owner" };
    this.#room.sockets.add(this);
    this.onopen?.({} as never);
  }
}

function connect(chat: FakeChat): WebSocketConstructor {
  return class extends FakeSocket {
    constructor(url: string) {
      super(chat, url);
    }
  };
}

function invalid(message: string): Data {
  return { code: "invalid_message", message };
}

/** Return the error of a name that no room can have. */
function invalidName(roomName: string): Data | undefined {
  const { length } = [...roomName];
  if (!hasGlyph(roomName)) return invalid("roomName must not be blank");
  if (length <= MAX_ROOM_NAME_LENGTH) return undefined;
  return invalid(`roomName must have at most ${MAX_ROOM_NAME_LENGTH} characters, not ${length}`);
}

function memberOf(who: Somebody): Member {
  return typeof who === "string" ? { id: `member-${who}`, name: who } : who;
}

function memoryStorage(): ChatStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}
