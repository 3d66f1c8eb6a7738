/** REST client. */

import { ApiError, ChatError } from "./errors.js";
import type { StoredItem } from "./frames.js";
import type { TokenSource } from "./token-source.js";
import type { Ban, CreatedRoom, Hook, Member, RoomPage, StoredReport, VisitedRoom } from "./types.js";

const TIMEOUT_MS = 20_000;
const JSON_HEADERS = { "Content-Type": "application/json" };

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
  readonly token?: string | undefined;
  readonly key?: string | undefined;
  readonly owner?: string | undefined;
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

type Query = Record<string, string | number | null | undefined>;

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
    const { roomId, ownerToken, joinToken } = await this.#call<CreatedRoom>("rooms", {
      method: "POST",
      headers: JSON_HEADERS,
      body: JSON.stringify({ roomName, private: isPrivate, keepDays }),
    });
    return { roomId, ownerToken, joinToken };
  }

  async listRooms(limit: number, cursor: string | null): Promise<RoomPage> {
    const query = queryString({ limit, cursor });
    const page = await this.#read<{ rooms: readonly WireRoom[]; nextCursor: string | null }>(`rooms${query}`, "rooms");
    return {
      rooms: page.rooms.map(({ room_id, name, member_count, created_at }) => ({
        roomId: room_id,
        name,
        memberCount: member_count,
        createdAt: created_at,
      })),
      cursor: page.nextCursor,
    };
  }

  async getPositions(key: string, rooms: readonly VisitedRoom[]): Promise<readonly RoomPosition[]> {
    const asked = rooms.map(({ roomId, token, owner }) => ({
      roomId,
      token: token ?? undefined,
      owner: owner ?? undefined,
    }));
    const { rooms: found } = await this.#call<{ rooms: readonly RoomPosition[] }>("rooms/unread", {
      method: "POST",
      headers: JSON_HEADERS,
      body: JSON.stringify({ key, rooms: asked }),
    });
    return found;
  }

  async getMembers(roomId: string, credentials: Credentials): Promise<readonly ListedMember[]> {
    return (await this.#room<{ members: readonly ListedMember[] }>(roomId, "/members", { ...credentials })).members;
  }

  getMessages(roomId: string, credentials: Credentials, range: MessageRange): Promise<MessagePage> {
    const query = queryString({ ...range, ...credentials });
    return this.#read(`rooms/${encodeURIComponent(roomId)}/messages${query}`, "messages");
  }

  async getBans(roomId: string, credentials: Credentials): Promise<readonly Ban[]> {
    return (await this.#room<{ bans: readonly Ban[] }>(roomId, "/bans", { ...credentials })).bans;
  }

  async getReports(roomId: string, credentials: Credentials): Promise<readonly StoredReport[]> {
    return (await this.#room<{ reports: readonly StoredReport[] }>(roomId, "/reports", { ...credentials })).reports;
  }

  /** Read the room, and so find out whether it can be joined. */
  getRoom(roomId: string, credentials: Credentials): Promise<{ readonly name: string }> {
    return this.#room(roomId, "", { ...credentials });
  }

  createHook(roomId: string, owner: string, name: string): Promise<{ hookId: string; url: string }> {
    return this.#asOwner(roomId, "/hooks", owner, {
      method: "POST",
      headers: JSON_HEADERS,
      body: JSON.stringify({ name }),
    });
  }

  async listHooks(roomId: string, owner: string): Promise<readonly Hook[]> {
    return (await this.#asOwner<{ hooks: readonly Hook[] }>(roomId, "/hooks", owner)).hooks;
  }

  async deleteHook(roomId: string, owner: string, hookId: string): Promise<void> {
    await this.#asOwner<null>(roomId, `/hooks/${encodeURIComponent(hookId)}`, owner, { method: "DELETE" });
  }

  async getWebSocketUrl(): Promise<string> {
    return (await this.#read<{ webSocketUrl: string }>("config", "webSocketUrl")).webSocketUrl;
  }

  #room<Result>(roomId: string, part: string, query: Query): Promise<Result> {
    return this.#call(`rooms/${encodeURIComponent(roomId)}${part}${queryString(query)}`);
  }

  /** Send a request with the owner's token: beside an access token in the query, otherwise as the bearer token. */
  #asOwner<Result>(roomId: string, part: string, owner: string, options: RequestInit = {}): Promise<Result> {
    const path = `rooms/${encodeURIComponent(roomId)}${part}`;
    return this.#tokens
      ? this.#call(`${path}${queryString({ owner })}`, options)
      : this.#request(path, withToken(options, owner));
  }

  /** Send a request with the access token of the user. If the server rejects it, ask for another one, and repeat it once. */
  async #call<Result>(path: string, options: RequestInit = {}): Promise<Result> {
    const tokens = this.#tokens;
    if (!tokens) return this.#request(path, options);
    try {
      return await this.#request(path, withToken(options, await tokens.get()));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      return this.#request(path, withToken(options, await tokens.get()));
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

  async #request<Result>(path: string, options: RequestInit): Promise<Result> {
    const fetchFunction = this.#fetch; // called without `this`, as browsers demand
    let response: Response;
    try {
      response = await fetchFunction(`${this.#url}/${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
      if (response.status === 204) return null as Result;
      if (response.ok) return (await response.json()) as Result;
    } catch (cause) {
      if (!this.#isKnown && (cause as Error).name === "SyntaxError") throw this.#wrongUrl();
      throw new ChatError("network", "The server could not be reached.", { cause });
    }
    const { reason, sentence } = await explanationOf(response);
    if (reason) this.#isKnown = true;
    // API Gateway responds with 403 to a path that it does not know, other servers with 404 or 405.
    if (!this.#isKnown && [403, 404, 405].includes(response.status)) throw this.#wrongUrl();
    throw new ApiError(response.status, reason, sentence);
  }
}

/** Return the address without what follows its path. Throws a ChatError if no request can be sent to it. */
function checkUrl(url: string | URL): string {
  const text = String(url).replace(/[?#].*/s, "");
  // A path is relative to the page. On a server, there is none, and no request either.
  if (!/^\/(?!\/)/.test(text) && !(/^https?:/i.test(text) && URL.canParse(text))) {
    throw new ChatError("invalid_url", `expected the REST address of the chat, https://…, not ${text || "nothing"}`);
  }
  return text.replace(/\/+$/, "");
}

export function queryString(query: Query): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return entries.length ? `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}` : "";
}

function withToken(options: RequestInit, token: string | null): RequestInit {
  return token
    ? { ...options, headers: { ...(options.headers as Record<string, string>), Authorization: `Bearer ${token}` } }
    : options;
}

async function explanationOf(response: Response): Promise<{ reason: string; sentence: string }> {
  const body: unknown = await response.json().catch(() => null); // a proxy may respond with a page of its own
  const { Code, Message } = (body ?? {}) as { Code?: unknown; Message?: unknown };
  const isExplained = response.status < 500 && typeof Message === "string";
  return {
    reason: typeof Code === "string" ? Code : "",
    sentence: isExplained ? Message : "The server could not do that just now. Please try again.",
  };
}
