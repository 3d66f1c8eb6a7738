/** JSON frames of the WebSocket protocol: serialize what the client sends, parse what it receives. */

import type { ErrorCode } from "./errors.js";
import { listOf } from "./lists.js";
import type { ListedMember } from "./rest.js";
import type { Member, Report, RoomTokens, Signal } from "./types.js";

/** A room as `welcome` and events describe it. */
export interface RoomInfo {
  readonly name: string;
  readonly private?: boolean;
  readonly locked?: boolean;
  readonly keepDays?: number;
  readonly slowSeconds?: number;
}

/**
 * A message or an event with a sequence, as frames and the history contain it. Of the further types, this version knows
 * `edited`, `deleted`, `updated`, `removed`, `muted` and `role`; a newer server may have more.
 */
export interface StoredItem {
  readonly type: string;
  readonly sequence: number;
  readonly message: string;
  readonly sender: Member;
  readonly sentAt: string;
  /** The id that the sender's client gave to the message. Of `deleted`: that of the deleted message. */
  readonly clientId?: string | undefined;
  /** Of a message: when it was edited last. */
  readonly editedAt?: string | undefined;
  readonly replyTo?: number;
  readonly mentions?: readonly string[];
  /** Of a message in the history. Absent if there are none. */
  readonly reactions?: readonly ReactionCount[] | undefined;
  /** Of a message in the history to which there are or were reactions. */
  readonly reactionsVersion?: number | undefined;
  /** Of `edited` and `deleted`: the sequence of the message. */
  readonly target?: number;
  /** Of `edited`: the new text. Absent if the message no longer exists. */
  readonly text?: string;
  /** Of `updated`: the room as it is now. */
  readonly room?: RoomInfo;
  /** Of `removed`, `muted` and `role`: the member to whom it was done. */
  readonly member?: Member;
  /** Of `removed`: whether the earlier messages of the member are deleted, too. */
  readonly messagesDeleted?: boolean;
  /** Of `muted`: the time until which the member may not send. */
  readonly until?: string | null;
  /** Of `role`: `moderator` or `member`. */
  readonly role?: string;
}

export interface ReactionCount {
  readonly reaction: string;
  readonly count: number;
  /** The ids of some of the members. */
  readonly members: readonly string[];
}

export interface WelcomeFrame {
  readonly type: "welcome";
  readonly member: Member;
  readonly room: RoomInfo;
  readonly memberCount: number;
  readonly lastSequence: number;
  readonly readSequence?: number;
  readonly owner?: boolean;
  /** Whether the room is large: several messages may come in one frame, and many clients do the same at the same time. */
  readonly batch?: boolean;
}

export interface PresenceFrame {
  readonly type: "join" | "leave";
  readonly message: string;
  readonly sender: Member;
  readonly memberCount: number;
}

/** Many joins and leaves. */
export interface CrowdFrame {
  readonly type: "crowd";
  /** With all their connections, which are not added to those that are known. */
  readonly joined: readonly ListedMember[];
  /** They have no connection any more. */
  readonly left: readonly Member[];
  readonly memberCount: number;
}

export interface RenameFrame {
  readonly type: "rename";
  readonly message: string;
  readonly sender: Member;
  readonly formerName?: string;
}

export interface ClosedFrame {
  readonly type: "closed";
  readonly message: string;
  readonly sender: Member;
}

export interface ReportedFrame extends Report {
  readonly type: "reported";
  readonly message: string;
}

/** The new tokens of the room, for the owner who has requested them. */
export interface TokensFrame extends RoomTokens {
  readonly type: "tokens";
}

/** All reactions to a message. Frames of a lower version arrive late. */
export interface ReactionsFrame {
  readonly type: "reactions";
  readonly target: number;
  readonly reactions: readonly ReactionCount[];
  readonly version: number;
}

export interface SignalFrame {
  readonly type: "signal";
  readonly signal: Signal;
}

export interface ErrorFrame {
  readonly type: "error";
  readonly code: ErrorCode;
  readonly message: string;
  readonly action?: string;
  readonly clientId?: string;
  readonly retryAfter?: number;
}

export interface ItemsFrame {
  readonly type: "items";
  readonly items: readonly StoredItem[];
  /** Whether the frame is that of a large room. */
  readonly isBatch: boolean;
}

export type Frame =
  | ItemsFrame
  | PresenceFrame
  | CrowdFrame
  | RenameFrame
  | ClosedFrame
  | ReportedFrame
  | WelcomeFrame
  | TokensFrame
  | ReactionsFrame
  | SignalFrame
  | ErrorFrame;

export const HELLO = serialize("hello");

/** Serialize a frame. */
export function serialize(action: string, data?: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ action, data });
}

/** Return an item of the history. One that is not readable becomes an event of no known type: its sequence is not missing. */
export function readItem(item: StoredItem): StoredItem {
  return isItem(item) ? item : { ...(item as StoredItem), type: "" };
}

/** Parse JSON without what is null in it: a server may send that instead of leaving a field out. */
export function withoutNulls(text: string): unknown {
  // What is undefined leaves a hole in an array, and flat() closes it.
  return JSON.parse(text, (_, value: unknown) => (Array.isArray(value) ? value.flat(0) : (value ?? undefined)));
}

/** Parse a frame. Returns null for a pong, and for what a newer server may send and this version does not know. */
export function parseFrame(text: string): Frame | null {
  const { message, messages, presence, error, welcome, tokens, reactions, signal } = parse(text);
  if (isObject(error)) return isText(error.message) ? ({ ...error, type: "error" } as ErrorFrame) : null;
  if (isObject(welcome)) return isWelcome(welcome) ? ({ ...welcome, type: "welcome" } as WelcomeFrame) : null;
  if (isObject(tokens)) return isTokens(tokens) ? { ...tokens, type: "tokens" } : null;
  if (isObject(reactions)) return isReactions(reactions) ? { ...reactions, type: "reactions" } : null;
  if (isObject(signal)) {
    // The application's own data: there, null is a value.
    return isSignal(signal) ? { type: "signal", signal: { ...signal, data: JSON.parse(text).signal.data } } : null;
  }
  if (isObject(presence)) return crowdOf(presence);
  if (Array.isArray(messages)) return { type: "items", items: messages.filter(isItem), isBatch: true };
  if (isItem(message)) return { type: "items", items: [message], isBatch: false };
  if (!isObject(message) || !isText(message.message) || !isMember(message.sender)) return null;
  if (message.type === "reported" && !Number.isSafeInteger(message.target)) return null;
  const isKnown = ["join", "leave", "rename", "closed", "reported"].includes(String(message.type));
  return isKnown ? (message as unknown as Frame) : null;
}

function crowdOf({ joined, left, memberCount }: Record<string, unknown>): CrowdFrame | null {
  if (!Number.isSafeInteger(memberCount)) return null;
  return { type: "crowd", joined: membersIn(joined), left: membersIn(left), memberCount: memberCount as number };
}

function membersIn(value: unknown): readonly Member[] {
  return listOf(value as Member[]).filter(isMember);
}

function isItem(value: unknown): value is StoredItem {
  if (!isObject(value) || !isText(value.type) || !isText(value.message) || !isMember(value.sender)) return false;
  return Number.isSafeInteger(value.sequence) && Date.parse(String(value.sentAt)) > 0;
}

function isWelcome({ member, room, lastSequence }: Record<string, unknown>): boolean {
  return isMember(member) && isObject(room) && isText(room.name) && Number.isSafeInteger(lastSequence);
}

function isTokens(value: Record<string, unknown>): value is RoomTokens & Record<string, unknown> {
  const { joinToken = "", ownerToken = "" } = value;
  return isText(joinToken) && isText(ownerToken);
}

function isReactions(value: Record<string, unknown>): value is Record<string, unknown> & Omit<ReactionsFrame, "type"> {
  const { target, version, reactions } = value;
  return Number.isSafeInteger(target) && Number.isSafeInteger(version) && Array.isArray(reactions);
}

function isSignal(value: Record<string, unknown>): value is Record<string, unknown> & Signal {
  return isText(value.name) && isMember(value.sender);
}

function isMember(value: unknown): value is Member {
  return isObject(value) && isText(value.id) && isText(value.name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function parse(text: string): Record<string, unknown> {
  try {
    const value = withoutNulls(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
