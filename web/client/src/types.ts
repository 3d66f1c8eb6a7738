/** The public types. Every object is a snapshot: it never changes, a new one replaces it. */

import type { ChatError } from "./errors.js";

/** A person in a room. Connections with the same key are the same member. */
export interface Member {
  readonly id: string;
  readonly name: string;
  /** Whether a webhook speaks, instead of a person. */
  readonly bot?: boolean;
}

/** A message that the server has stored. */
export interface Message {
  /** Its place in the room's order. Sequences rise, and may have gaps. */
  readonly sequence: number;
  readonly message: string;
  readonly sender: Member;
  /** An ISO 8601 time, as in `2026-11-23T10:00:00.000Z`. */
  readonly sentAt: string;
  /** The id that the sender's client gave to it. */
  readonly clientId?: string | undefined;
  /** Whether this client has sent it. */
  readonly isOwn: boolean;
}

/** A message of this client that the server has not confirmed yet. */
export interface PendingMessage {
  readonly clientId: string;
  readonly message: string;
  /**
   * `sending`: it waits for its confirmation. `queued`: it waits for the messages before it. `offline`: it waits for the
   * connection. `held`: the rate limit holds it back for some seconds. `failed`: it is sent again only by `retry`.
   */
  readonly status: "sending" | "queued" | "offline" | "held" | "failed";
  /** The reason of `failed`. */
  readonly error?: ChatError | undefined;
}

/**
 * Why a room is closed. `gone`: it does not exist any more. `private`: its token is missing or wrong. `locked`: its owner
 * lets nobody new in. `banned`: its owner has removed this member. `closed`: its owner has closed it. `unauthorized`: the
 * user has to sign in, or to sign in again. `replaced`: the member has too many connections, such as tabs, and this was the
 * oldest. `blocked`: the operator of the chat does not admit this network.
 */
export type CloseReason =
  | "gone"
  | "private"
  | "locked"
  | "banned"
  | "closed"
  | "unauthorized"
  | "replaced"
  | "blocked"
  | "left";

/** `lost`: the connection is tried again, later and later. `closed`: it is not tried again. */
export type RoomState =
  | { readonly status: "connecting" | "open" | "lost" }
  | {
      readonly status: "closed";
      readonly reason: CloseReason;
      /**
       * Whether joining again cannot help. With `private`, another token can; with `locked`, a later attempt; with
       * `unauthorized`, another access token; with `replaced`, when another tab was closed; with `blocked`, a later attempt.
       */
      readonly isFinal: boolean;
      /** The sentence of the server, if it has rejected a request. */
      readonly message?: string | undefined;
    };

/** A room, as the list shows it. */
export interface RoomSummary {
  readonly roomId: string;
  readonly name: string;
  readonly memberCount: number;
  readonly createdAt: string;
}

/** A page of the room list. `cursor` is null on the last page. */
export interface RoomPage {
  readonly rooms: readonly RoomSummary[];
  readonly cursor: string | null;
}

/** A room that was created. Keep its tokens: they cannot be read again. */
export interface CreatedRoom {
  readonly roomId: string;
  /** Makes who joins with it the owner. Keep it out of invite links. */
  readonly ownerToken: string;
  /** Without it, nobody can join a private room. Public rooms have none. */
  readonly joinToken?: string | undefined;
}

/** The new tokens of a room: those that were requested. The former ones no longer work. */
export interface RoomTokens {
  readonly joinToken?: string;
  readonly ownerToken?: string;
}

/** A webhook of a room. */
export interface Hook {
  readonly hookId: string;
  /** The name under which its messages appear. */
  readonly name: string;
  readonly createdAt: string;
}

/** Something that another member, or the owner, has done. */
export interface RoomNotice {
  /**
   * `join`: the member's first connection. `leave`: the last one has left, and none has come back within 10 seconds.
   * `rename`: the member has a new name. `updated`: the owner has renamed or locked the room. `removed`: the owner has
   * removed a member.
   */
  readonly type: "join" | "leave" | "rename" | "updated" | "removed";
  /** The member who has done it. */
  readonly member: Member;
  /** The event as a sentence. */
  readonly message: string;
}

/** Everything about a room at one moment. */
export interface RoomSnapshot {
  readonly state: RoomState;
  /** Null until the server has responded. */
  readonly name: string | null;
  readonly isPrivate: boolean;
  /** Whether nobody new can join. */
  readonly isLocked: boolean;
  /** Whether this client may rename, lock and close the room, remove members, and delete any message. */
  readonly isOwner: boolean;
  /** This client as a member; null until the connection is open. */
  readonly you: Member | null;
  /** The messages that have been read, in order of their sequences, without gaps except while one is being filled. */
  readonly messages: readonly Message[];
  readonly pending: readonly PendingMessage[];
  /** Each once, in order of joining. Empty in rooms that are too large for announcements of joins and leaves. */
  readonly members: readonly Member[];
  /** The number of connections. Null until the server has responded. */
  readonly memberCount: number | null;
  /** Whether the newest messages have been read. `failed` is tried again. */
  readonly history: "loading" | "ready" | "failed";
  /** Whether there are messages before the first one. After `failed`, `loadOlder` tries again. */
  readonly older: "none" | "more" | "loading" | "failed";
}

/** The events of a room and what their listeners receive. */
export interface RoomEvents {
  /** The state has changed. */
  state: RoomState;
  /** `messages` has changed. */
  messages: readonly Message[];
  /** A message has arrived that was not part of the history read at first: live, or missed while disconnected. */
  message: Message;
  /** `pending` has changed. */
  pending: readonly PendingMessage[];
  /** `members` or `memberCount` has changed. */
  members: readonly Member[];
  /** Another member has joined, left or taken a new name, or the owner has changed something. */
  notice: RoomNotice;
  /** The room has new tokens, by `renewTokens`. Reconnects use them; whoever stores tokens has to replace them. */
  tokens: RoomTokens;
  /** Messages after this sequence were missed and are no longer stored. */
  expired: { readonly after: number };
  /** A request or a frame failed. What can be repeated is repeated. */
  error: ChatError;
}

/** The part of the Web Storage API that is used, as of `sessionStorage`. */
export interface ChatStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** The part of a WebSocket that is used. */
export interface WebSocketLike {
  readonly readyState: number;
  onopen: ((event: never) => void) | null;
  onmessage: ((event: never) => void) | null;
  onclose: ((event: never) => void) | null;
  onerror: ((event: never) => void) | null;
  send(data: string): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (url: string) => WebSocketLike;
