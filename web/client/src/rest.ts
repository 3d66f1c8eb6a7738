/** REST client. */

import { ApiError, ChatError } from "./errors.js";
import { readItem, type StoredItem, withoutNulls } from "./frames.js";
import type { TokenSource } from "./token-source.js";
import type { Ban, CreatedRoom, Hook, Member, RoomPage, StoredReport, VisitedRoom } from "./types.js";
import { isUrl, withoutQuery } from "./url.js";

const TIMEOUT_MS = 20_000;

/** A page of the history, ascending. `complete` is false if messages of the range are no longer stored. */
export interface MessagePage {
  readonly messages: readonly StoredItem[];
  readonly lastSequence: number;
  readonly complete: boolean;
  /** The page ends early, because reading it took too long: continue with `after` this sequence. */
  readonly nextAfter?: number;
  /** The same, of a page without `after`: continue with `before` this sequence. */
  readonly nextBefore?: number;
}

/** A part of the history: the oldest messages after `after`, those before `before`, or the newest. */
export interface MessageRange {
  readonly limit: number;
  readonly after?: number;
  readonly before?: number;
}

interface WireRoom {
  readonly room_id: string;
  readonly name: string;
  readonly member_count: number;
  readonly created_at: string;
}

/** The secrets that a client shows to enter a room. */
export interface Credentials {
  readonly token?: string | null | undefined;
  readonly key?: string | undefined;
  readonly owner?: string | null | undefined;
}

/** The last sequence of a room, and the last one that the member has read, if the server knows it. */
export interface RoomPosition {
  readonly roomId: string;
  readonly lastSequence: number;
  readonly readSequence?: number;
}

export interface ListedMember extends Member {
  /** Their number, if there are several. */
  readonly connections?: number;
}

/** The lists of a room, by the ends of their paths, which are also their names in the responses. */
interface RoomLists {
  readonly members: ListedMember;
  readonly bans: Ban;
  readonly reports: StoredReport;
}

interface RestRequest {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly body?: object;
}

export class RestApi {
  readonly #url: string;
  readonly #fetch: typeof fetch;
  readonly #tokens: TokenSource | undefined;
  /** Whether the server has responded as a chat does. Before that, the address may be the wrong one. */
  #isKnown = false;

  constructor(url: string | URL, fetchFunction: typeof fetch, tokens?: TokenSource) {
    this.#url = checkUrl(url);
    this.#fetch = fetchFunction;
    this.#tokens = tokens;
  }

  async createRoom(roomName: string, isPrivate: boolean, keepDays: number | undefined): Promise<CreatedRoom> {
    const body = { roomName, private: isPrivate, keepDays };
    const { roomId, ownerToken, joinToken } = await this.#call<CreatedRoom>("rooms", { method: "POST", body });
    return { roomId, ownerToken, joinToken };
  }

  async listRooms(limit: number, cursor: string | null): Promise<RoomPage> {
    const query = queryString({ limit, cursor });
    const page = await this.#read<{ rooms: readonly WireRoom[]; nextCursor?: string }>(`rooms${query}`, "rooms");
    return {
      rooms: page.rooms.map(({ room_id, name, member_count, created_at }) => ({
        roomId: room_id,
        name,
        memberCount: member_count,
        createdAt: created_at,
      })),
      cursor: page.nextCursor ?? null,
    };
  }

  async getPositions(key: string, visited: readonly VisitedRoom[]): Promise<readonly RoomPosition[]> {
    const rooms = visited.map(({ roomId, token, owner }) => ({
      roomId,
      token: token ?? undefined,
      owner: owner ?? undefined,
    }));
    const request: RestRequest = { method: "POST", body: { key, rooms } };
    return (await this.#call<{ rooms: readonly RoomPosition[] }>("rooms/unread", request)).rooms;
  }

  /** Read the room, and so find out whether it can be joined. */
  getRoom(roomId: string, credentials: Credentials): Promise<{ readonly name: string }> {
    return this.#call(pathOf(roomId) + queryString(credentials));
  }

  /** Read a list of a room. */
  async getList<Name extends keyof RoomLists>(
    roomId: string,
    name: Name,
    credentials: Credentials,
  ): Promise<readonly RoomLists[Name][]> {
    const path = `${pathOf(roomId)}/${name}${queryString(credentials)}`;
    return (await this.#call<Record<Name, readonly RoomLists[Name][]>>(path))[name];
  }

  async getMessages(roomId: string, credentials: Credentials, range: MessageRange): Promise<MessagePage> {
    const path = `${pathOf(roomId)}/messages${queryString({ ...range, ...credentials })}`;
    const page = await this.#read<MessagePage>(path, "messages");
    return { ...page, messages: page.messages.map(readItem) };
  }

  createHook(roomId: string, owner: string, name: string): Promise<{ hookId: string; url: string }> {
    return this.#callAsOwner(`${pathOf(roomId)}/hooks`, owner, { method: "POST", body: { name } });
  }

  async listHooks(roomId: string, owner: string): Promise<readonly Hook[]> {
    return (await this.#callAsOwner<{ hooks: readonly Hook[] }>(`${pathOf(roomId)}/hooks`, owner)).hooks;
  }

  async deleteHook(roomId: string, owner: string, hookId: string): Promise<void> {
    await this.#callAsOwner(`${pathOf(roomId)}/hooks/${encodeURIComponent(hookId)}`, owner, { method: "DELETE" });
  }

  async getWebSocketUrl(): Promise<string> {
    return (await this.#read<{ webSocketUrl: string }>("config", "webSocketUrl")).webSocketUrl;
  }

  /** Send a request with the owner's token: beside an access token in the query, otherwise as the bearer token. */
  #callAsOwner<Result>(path: string, owner: string, request?: RestRequest): Promise<Result> {
    return this.#tokens ? this.#call(path + queryString({ owner }), request) : this.#send(path, request, owner);
  }

  /** Send a request with the access token of the user. If the server rejects it, ask for another one, and repeat it once. */
  async #call<Result>(path: string, request?: RestRequest): Promise<Result> {
    const tokens = this.#tokens;
    try {
      return await this.#send<Result>(path, request, await tokens?.get());
    } catch (error) {
      if (!tokens || !(error instanceof ApiError && error.status === 401)) throw error;
      return this.#send(path, request, await tokens.get());
    }
  }

  /** Read an object that has a property, or else is none of a chat. */
  async #read<Result extends object>(path: string, property: keyof Result): Promise<Result> {
    const result = await this.#call<Result>(path);
    if (result?.[property] === undefined) throw this.#wrongUrl();
    this.#isKnown = true;
    return result;
  }

  #wrongUrl(): ChatError {
    return new ChatError("wrong_url", `No chat responds at ${this.#url}: expected its REST address, with the stage.`);
  }

  async #send<Result>(
    path: string,
    { method = "GET", body }: RestRequest = {},
    token?: string | null,
  ): Promise<Result> {
    const fetchFunction = this.#fetch; // called without `this`, as browsers demand
    const options: RequestInit = {
      method,
      body: body ? JSON.stringify(body) : null,
      headers: {
        ...(body && { "Content-Type": "application/json" }),
        ...(token && { Authorization: `Bearer ${token}` }),
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    let response: Response;
    try {
      response = await fetchFunction(`${this.#url}/${path}`, options);
      if (response.status === 204) return null as Result;
      if (response.ok) return withoutNulls(await response.text()) as Result;
    } catch (cause) {
      if (!this.#isKnown && (cause as Error).name === "SyntaxError") throw this.#wrongUrl();
      throw new ChatError("network", "The server could not be reached.", { cause });
    }
    const error = await errorOf(response);
    if (error.reason) this.#isKnown = true;
    // API Gateway responds with 403 to a path that it does not know, other servers with 404 or 405.
    if (!this.#isKnown && [403, 404, 405].includes(error.status)) throw this.#wrongUrl();
    throw error;
  }
}

// An id from a link may be anything. With these, the path would be another one, or none: no room has them, nor the id "-".
const UNUSABLE_ID = /^\.{0,2}$|\//;

function pathOf(roomId: string): string {
  return `rooms/${UNUSABLE_ID.test(roomId) ? "-" : encodeURIComponent(roomId)}`;
}

/** Return the address without what follows its path. Throws a ChatError if no request can be sent to it. */
function checkUrl(url: string | URL): string {
  const text = withoutQuery(url);
  // A path is relative to the page. On a server, there is none, and no request either.
  if (!/^\/(?!\/)/.test(text) && !(/^https?:/i.test(text) && isUrl(text))) {
    throw new ChatError("invalid_url", `expected the REST address of the chat, https://…, not ${text || "nothing"}`);
  }
  return text.replace(/\/+$/, "");
}

/** Return a query string of the values that are there. */
export function queryString(query: object): string {
  const entries = Object.entries(query).filter(([, value]) => (value ?? "") !== "");
  return entries.length ? `?${new URLSearchParams(entries)}` : "";
}

async function errorOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => null); // a proxy may respond with a page of its own
  const { Code, Message } = (body ?? {}) as { Code?: unknown; Message?: unknown };
  const isExplained = response.status < 500 && typeof Message === "string";
  const sentence = isExplained ? Message : "The server could not do that just now. Please try again.";
  return new ApiError(response.status, typeof Code === "string" ? Code : "", sentence);
}
