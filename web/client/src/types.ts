/** The public types. Every object is a snapshot: it never changes, a new one replaces it. */

import type { ChatError } from "./errors.js";

/** A member who is in charge of a room. Moderators may mute and remove plain members, and delete their messages. */
export type Role = "owner" | "moderator";

/** A person in a room. Connections with the same key are the same member. */
export interface Member {
  readonly id: string;
  readonly name: string;
  /** Whether a webhook speaks, instead of a person. */
  readonly bot?: boolean;
  /** Absent for plain members. */
  readonly role?: Role;
  /** Whether the member has signed in, so that the name is not of their own choice. */
  readonly verified?: boolean;
}

/** A member who is in the room now. */
export interface PresentMember extends Member {
  /** An ISO 8601 time until which the member may not send. Absent if that is not so, or not known. */
  readonly mutedUntil?: string;
}

/** A message as a reply quotes it. */
export interface Quote {
  readonly sequence: number;
  readonly message: string;
  readonly sender: Member;
  readonly isOwn: boolean;
  readonly isIgnored: boolean;
}

/** A reaction to a message. */
export interface Reaction {
  /** One character as readers see it, or a name such as `:tada:`. */
  readonly reaction: string;
  /** The number of members who have it. */
  readonly count: number;
  /** The ids of at most 20 of them. */
  readonly members: readonly string[];
  /** Whether this client has it. */
  readonly isOwn: boolean;
}

/** A message that the server has stored. */
export interface Message {
  /** Its place in the room's order. Sequences rise, and may have gaps. */
  readonly sequence: number;
  readonly message: string;
  /** As it was when the message was sent: the name, the role and the other marks. */
  readonly sender: Member;
  /** An ISO 8601 time, as in `2026-11-23T10:00:00.000Z`. */
  readonly sentAt: string;
  /** The id that the sender's client gave to it. */
  readonly clientId?: string | undefined;
  /** An ISO 8601 time: when its sender has edited it last. Absent if never. */
  readonly editedAt?: string | undefined;
  /** The sequence of the earlier message that it answers. */
  readonly replyTo?: number | undefined;
  /** The message that it answers. Null if that was deleted or has expired; absent until `loadQuote` has read it. */
  readonly quote?: Quote | null | undefined;
  /** The ids of the members for whom it is meant. */
  readonly mentions: readonly string[];
  /** Whether this client is one of them. */
  readonly isMention: boolean;
  readonly reactions: readonly Reaction[];
  /** Whether this client has sent it. */
  readonly isOwn: boolean;
  /** Whether this client ignores the sender: show only that there is a message. */
  readonly isIgnored: boolean;
}

/** Options of a message that is sent. */
export interface SendOptions {
  /** The sequence of the earlier message that it answers. */
  readonly replyTo?: number | undefined;
  /** The ids of at most 10 members for whom it is meant. */
  readonly mentions?: readonly string[] | undefined;
}

/** Something that another member has signalled. It is not stored. */
export interface Signal {
  /** 1 to 32 characters. The name `typing` is that of `Room.typing`. */
  readonly name: string;
  /** Any JSON of at most 1 KB. */
  readonly data?: unknown;
  readonly sender: Member;
}

/** A message of this client that the server has not confirmed yet. */
export interface PendingMessage extends SendOptions {
  readonly clientId: string;
  readonly message: string;
  /** An ISO 8601 time: when `send` was called. */
  readonly createdAt: string;
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
 * lets nobody new in. `banned`: its owner or a moderator has removed this member. `closed`: its owner has closed it. `unauthorized`: the
 * user has to sign in, or to sign in again. `replaced`: the member has too many connections, such as tabs, and this was the
 * oldest. `blocked`: the operator of the chat does not admit this network. `wrong_url`: no chat responds at the `url` of the
 * client. `left`: this client has left it, or another user has taken over the client.
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
  | "wrong_url"
  | "left";

/**
 * `connecting`: no connection has been open yet, or it is just being replaced. `lost`: it was open, and is tried again, later
 * and later. `closed`: it is not tried again.
 */
export type RoomState =
  | { readonly status: "open" }
  | {
      readonly status: "connecting" | "lost";
      /** The number of the attempt that is under way or comes next: 1, and one more after each that has failed. */
      readonly attempt: number;
      /** When the next attempt begins, as an ISO 8601 time. Absent while one is under way. */
      readonly retryAt?: string;
    }
  | {
      readonly status: "closed";
      readonly reason: CloseReason;
      /**
       * Whether joining again cannot help. With `private`, another token can; with `locked`, a later attempt; with
       * `unauthorized`, another access token; with `replaced`, when another tab was closed; with `blocked` and `wrong_url`, a later attempt.
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

/** A room that somebody has visited, and what they have read of it. */
export interface VisitedRoom {
  readonly roomId: string;
  /** The `joinToken` of a private room. */
  readonly token?: string | null | undefined;
  /** The `ownerToken` of the room, for its owner. */
  readonly owner?: string | null | undefined;
  /** The `readSequence` of the last visit on this device. The server knows that of other devices. */
  readonly readSequence: number;
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

/** Changes of a room by its owner. Properties that are left out stay as they are. */
export interface RoomChanges {
  readonly name?: string | undefined;
  readonly locked?: boolean | undefined;
  /** The number of days for which the room outlives its members, 0 to 30. */
  readonly keepDays?: number | undefined;
  /** The seconds that plain members wait between two messages, 0 to 120. */
  readonly slowSeconds?: number | undefined;
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

/** Somebody who was removed from a room, and may not come back before a time. */
export interface Ban {
  /** The member id. */
  readonly id: string;
  readonly name: string;
  /** An ISO 8601 time. */
  readonly until: string;
}

/** A message that a member has reported to the owner and the moderators. */
export interface Report {
  /** The sequence of the message. */
  readonly target: number;
  readonly reason?: string;
  /** The member who has reported it. */
  readonly sender: Member;
}

/** A report that the server has stored. */
export interface StoredReport extends Report {
  /** An ISO 8601 time. */
  readonly sentAt: string;
}

/** Something that another member, the owner or a moderator has done. */
export interface RoomNotice {
  /**
   * `join`: the member's first connection. `leave`: the last one has left, and none has come back within 10 seconds.
   * `rename`: the member has a new name. `updated`: the owner has renamed, locked or otherwise changed the room. `removed`,
   * `muted`, `role`: the owner or a moderator has removed a member, muted one or ended that, or changed the role of one.
   */
  readonly type: "join" | "leave" | "rename" | "updated" | "removed" | "muted" | "role";
  /** The member who has done it. */
  readonly member: Member;
  /** The event as a sentence. Names in it may be of another script: to isolate them, build a sentence from the other parts. */
  readonly message: string;
  /** Of `removed`, `muted` and `role`: the member to whom it was done. */
  readonly subject?: Member | undefined;
  /** Of `rename`. */
  readonly formerName?: string | undefined;
  /** Of `removed`: whether the messages of the member are deleted, too. */
  readonly messagesDeleted?: boolean | undefined;
  /** Of `muted`: an ISO 8601 time. Absent if the member may send again. */
  readonly until?: string | undefined;
  /** Of `role`: the new one. Absent if the member is a plain one now. */
  readonly role?: Role | undefined;
}

/** Everything about a room at one moment. */
export interface RoomSnapshot {
  readonly state: RoomState;
  /** Null until the server has responded. */
  readonly name: string | null;
  readonly isPrivate: boolean;
  /** Whether nobody new can join. */
  readonly isLocked: boolean;
  /** The number of days for which the room outlives its members, 0 if it does not. */
  readonly keepDays: number;
  /** The seconds that plain members have to wait between two messages, 0 if they have not. */
  readonly slowSeconds: number;
  /** Whether this client may rename, lock and close the room, choose moderators, remove members, and delete any message. */
  readonly isOwner: boolean;
  /** This client as a member; null until the connection is open. With the role `moderator`, it may do what moderators may. */
  readonly you: PresentMember | null;
  /** The ids of the members that this client ignores. */
  readonly ignored: readonly string[];
  /** The messages that have been loaded, in order of their sequences, without gaps except while one is being filled. */
  readonly messages: readonly Message[];
  /**
   * The last sequence that this member has read, on any device: messages above it are new. Null until it is known, and if
   * there is none. Other clients of the member learn it when they connect, and with the next heartbeat.
   */
  readonly readSequence: number | null;
  /** The others who are typing, in the order in which they began, without ignored members. Empty in rooms of more than 25 connections. */
  readonly typing: readonly Member[];
  readonly pending: readonly PendingMessage[];
  /** Each once, in order of joining. Empty in rooms that are too large for announcements of joins and leaves. */
  readonly members: readonly PresentMember[];
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
  /** Such a message is meant for this client: its sender has mentioned it. */
  mention: Message;
  /** Another member has sent a signal. */
  signal: Signal;
  /** `typing` has changed. */
  typing: readonly Member[];
  /** `pending` has changed. */
  pending: readonly PendingMessage[];
  /** `members` or `memberCount` has changed. */
  members: readonly PresentMember[];
  /** Another member has joined, left or taken a new name, or the owner or a moderator has changed something. */
  notice: RoomNotice;
  /** A member has reported a message. Only the owner and moderators learn that. */
  reported: Report;
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
