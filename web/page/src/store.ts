/** Values that the page keeps in the browser: the name, the rooms that were visited, and who has signed in. */

import type { CreatedRoom, RoomListSnapshot } from "chalice-chat-client";
import { forget, read, readJson, watch, write } from "./storage.js";

const NAME = "chalice-chat.name";
export const DRAFT = "chalice-chat.draft.";
/** After the key of the draft. */
export const ANSWERED = ".answered";
export const READ = "chalice-chat.read.";
const ROOM_NAME = "chalice-chat.room-name.";
const ROOM_LIST = "chalice-chat.room-list";
const VISITED = "chalice-chat.visited";
/** The longest list of visited rooms. */
const MAX_VISITED = 30;
export const WAITING = "chalice-chat.waiting";
/** The prefix of the client library's unsent messages of users. */
const UNSENT = "chalice-chat.outbox.user-";
export const OWNER = "chalice-chat.owner.";
export const IGNORED = "chalice-chat.ignored.";
const SESSION = "chalice-chat.session";
/** The prefix of the sessions that a tab has renewed for the others. */
export const RENEWED = "chalice-chat.renewed.";
const ATTEMPT = "chalice-chat.sign-in";

/** How to sign in, as the server tells it. */
export interface SignIn {
  readonly issuer: string;
  readonly clientId: string;
  readonly required: boolean;
}

/** A visitor who has signed in. */
export interface Session {
  readonly idToken: string;
  readonly refreshToken?: string | undefined;
  readonly subject: string;
  readonly name: string;
  /** The time, as of `Date.now()`, at which to get another token. */
  readonly renewAt: number;
  /** The time at which the token expires. */
  readonly expiresAt?: number;
}

/** A sign-in that waits for the visitor to come back from the provider. */
export interface Attempt {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  /** The hash of the room, or of the list. */
  readonly hash: string;
}

/** A room with messages that were not sent before the visitor left it. */
export interface Waiting {
  readonly address: string;
  readonly name: string;
  readonly count: number;
}

/** A room that was visited in this browser. */
export interface VisitedRoom {
  readonly roomId: string;
  readonly name: string;
  /** The join token of a private room. */
  readonly token?: string | undefined;
  readonly isPrivate: boolean;
  /** Whether a later visit has found that the room no longer exists. */
  readonly isOver: boolean;
  /** The time of the last visit, as of `Date.now()`. */
  readonly visitedAt: number;
}

export const loadName = () => read(() => localStorage, NAME) ?? "";
export const saveName = (name: string) => write(() => localStorage, NAME, name);

/** Call a function when another tab has saved a name. */
export function watchName(listener: (name: string) => void): void {
  watch(NAME, listener);
}

/** Return the rooms that were visited in this browser, the newest visit first. */
export function loadVisited(): readonly VisitedRoom[] {
  const visited = readJson<readonly VisitedRoom[]>(VISITED, () => localStorage);
  return Array.isArray(visited) ? visited.filter((room) => typeof room?.roomId === "string" && room.name) : [];
}

/** Remember a visit. The room comes first, and the oldest of too many is forgotten. */
export function saveVisited(room: VisitedRoom): void {
  const known = loadVisited().find(({ roomId }) => roomId === room.roomId);
  // An owner's link may have opened the room without its token.
  const visited = [{ ...room, token: room.token ?? known?.token }, ...otherVisited(room.roomId)];
  writeVisited(visited.slice(0, MAX_VISITED));
  for (const { roomId } of visited.slice(MAX_VISITED)) forgetReading(roomId);
}

/** Remember a room that was created here. */
export function saveCreated({ roomId, ownerToken, joinToken }: CreatedRoom, name: string): void {
  saveOwner(roomId, ownerToken);
  saveRoomName(roomId, name);
  const isPrivate = joinToken !== undefined;
  saveVisited({ roomId, name, token: joinToken, isPrivate, isOver: false, visitedAt: Date.now() });
}

/** Remember that a visited room is over. */
export function endVisited(roomId: string): void {
  const end = (room: VisitedRoom) => (room.roomId === roomId ? { ...room, isOver: true } : room);
  writeVisited(loadVisited().map(end));
}

/** Forget a visited room, and that it belongs to the visitor. */
export function forgetVisited(roomId: string): void {
  writeVisited(otherVisited(roomId));
  write(() => localStorage, OWNER + roomId, "");
  forgetReading(roomId);
}

function forgetReading(roomId: string): void {
  write(() => localStorage, DRAFT + roomId, "");
  write(() => localStorage, DRAFT + roomId + ANSWERED, "");
  write(() => localStorage, READ + roomId, "");
}

/** Call a function when another tab has visited a room. */
export function watchVisited(listener: () => void): void {
  watch(VISITED, listener);
}

function otherVisited(roomId: string): readonly VisitedRoom[] {
  return loadVisited().filter((room) => room.roomId !== roomId);
}

function writeVisited(visited: readonly VisitedRoom[]): void {
  write(() => localStorage, VISITED, visited.length ? JSON.stringify(visited) : "");
}

/** Return the sequence up to which the messages of a room were read in this browser, or null. */
export function loadRead(roomId: string): number | null {
  const saved = read(() => localStorage, READ + roomId);
  return saved === null ? null : Number(saved) || 0;
}

/** Save what was read, unless another tab has read on further. */
export function saveRead(roomId: string, sequence: number): void {
  if (sequence > (loadRead(roomId) ?? -1)) write(() => localStorage, READ + roomId, `${sequence}`);
}

export const loadRoomName = (roomId: string) => read(() => sessionStorage, ROOM_NAME + roomId);
export const saveRoomName = (roomId: string, name: string) => write(() => sessionStorage, ROOM_NAME + roomId, name);

/** Return the owner's token of a room that was created here, or whose owner's link has given the rights here. */
export const loadOwner = (roomId: string) => read(() => localStorage, OWNER + roomId) ?? undefined;
export const saveOwner = (roomId: string, token: string) => write(() => localStorage, OWNER + roomId, token);

/** Return the room list as it was shown last in this tab, or null. */
export const loadRoomList = () => readJson<RoomListSnapshot>(ROOM_LIST);

export function saveRoomList({ rooms, hasMore }: RoomListSnapshot): void {
  write(() => sessionStorage, ROOM_LIST, JSON.stringify({ rooms, hasMore, isLoaded: false, error: null }));
}

export const loadWaiting = () => readJson<Readonly<Record<string, Waiting>>>(WAITING, () => localStorage) ?? {};

export const loadSession = () => readJson<Session>(SESSION);
export const saveSession = (session: Session) => write(() => sessionStorage, SESSION, JSON.stringify(session));

export const loadAttempt = () => readJson<Attempt>(ATTEMPT);
export const saveAttempt = (attempt: Attempt | null) =>
  write(() => sessionStorage, ATTEMPT, attempt ? JSON.stringify(attempt) : "");

/** Forget who has signed in, and what only they may use: drafts, unsent messages, their rooms and the tokens of these. */
export function forgetVisitor(): void {
  forget(() => sessionStorage, "chalice-chat.");
  forget(() => localStorage, OWNER);
  for (const prefix of [IGNORED, VISITED, RENEWED, DRAFT, READ, WAITING, UNSENT]) forget(() => localStorage, prefix);
}
