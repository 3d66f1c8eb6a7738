/** Storage of the page in the browser. If it is full or disabled, values last until the page is closed. */

import type { CreatedRoom, RoomListSnapshot } from "chalice-chat-client";

const NAME = "chalice-chat.name";
const ENTER = "chalice-chat.enter";
const NOTIFIES = "chalice-chat.notifies";
const DRAFT = "chalice-chat.draft.";
/** Stored in place of an empty draft: it differs from a draft that was forgotten. */
const EMPTY = "\n";
/** The longest draft that is kept, and the longest text that the field takes: several times what can be sent. */
export const MAX_DRAFT = 20_000;
/** After the key of the draft. */
const ANSWERED = ".answered";
const READ = "chalice-chat.read.";
const ROOM_NAME = "chalice-chat.room-name.";
const ROOM_LIST = "chalice-chat.room-list";
const VISITED = "chalice-chat.visited";
/** The longest list of visited rooms. */
const MAX_VISITED = 30;
const WAITING = "chalice-chat.waiting";
const OWNER = "chalice-chat.owner.";
const RENEWAL = `${OWNER}renewal.`;
const OFFERED = `${OWNER}offered.`;
const IGNORED = "chalice-chat.ignored.";
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

/** Whether the Enter key sends, as the visitor has chosen. Null without a choice. */
export function loadEnterSends(): boolean | null {
  const choice = read(() => localStorage, ENTER);
  return choice === null ? null : choice === "sends";
}

export const saveEnterSends = (sends: boolean) => write(() => localStorage, ENTER, sends ? "sends" : "breaks");

/** Whether the visitor wants to be notified of mentions. */
export const loadNotifies = () => read(() => localStorage, NOTIFIES) !== null;
export const saveNotifies = (notifies: boolean) => write(() => localStorage, NOTIFIES, notifies ? "mentions" : "");

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
  saveAnswered(roomId, 0);
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

/** Return what was written to a room and not sent, null if that is not known. It is kept as long as the visit is remembered. */
export function loadDraft(roomId: string): string | null {
  const text = read(() => localStorage, DRAFT + roomId);
  return text === EMPTY ? "" : text;
}

/** Save a draft. An empty one is stored, too, so that other tabs tell what was sent or deleted from what was forgotten. */
export const saveDraft = (roomId: string, text: string) =>
  write(() => localStorage, DRAFT + roomId, text.slice(0, MAX_DRAFT) || EMPTY);

/** Call a function when another tab has saved a draft of a room, or what that answers. Returns the function that ends that. */
export const watchDraft = (roomId: string, listener: () => void) => watch(DRAFT + roomId, listener);

/** Return the sequence of the message that the draft of a room answers, or 0. */
export const loadAnswered = (roomId: string) => Number(read(() => localStorage, DRAFT + roomId + ANSWERED));
export const saveAnswered = (roomId: string, sequence: number) =>
  write(() => localStorage, DRAFT + roomId + ANSWERED, sequence ? `${sequence}` : "");

/** Return the sequence up to which the messages of a room were read in this browser, or null. */
export function loadRead(roomId: string): number | null {
  const saved = read(() => localStorage, READ + roomId);
  return saved === null ? null : Number(saved) || 0;
}

/** Save what was read, unless another tab has read on further. */
export function saveRead(roomId: string, sequence: number): void {
  if (sequence > (loadRead(roomId) ?? -1)) write(() => localStorage, READ + roomId, `${sequence}`);
}

/** Call a function when the visitor has read on in another tab. Returns the function that ends that. */
export const watchRead = (roomId: string, listener: (sequence: string) => void) => watch(READ + roomId, listener);

export const loadRoomName = (roomId: string) => read(() => sessionStorage, ROOM_NAME + roomId);
export const saveRoomName = (roomId: string, name: string) => write(() => sessionStorage, ROOM_NAME + roomId, name);

/** Return the owner's token of a room that was created here, or whose owner's link has given the rights here. */
export const loadOwner = (roomId: string) => read(() => localStorage, OWNER + roomId) ?? undefined;
export const saveOwner = (roomId: string, token: string) => write(() => localStorage, OWNER + roomId, token);

/** The owner's token of a link, until the server has said whether it gives the rights: the tab may be reloaded before. */
export const loadOffered = (roomId: string) => read(() => sessionStorage, OFFERED + roomId) ?? undefined;
export const saveOffered = (roomId: string, token = "") => write(() => sessionStorage, OFFERED + roomId, token);

/**
 * Whether a new owner's token was requested, and none has arrived yet: the response may have been lost, and with it the
 * rights of the former token.
 */
export const loadRenewal = (roomId: string) => read(() => localStorage, RENEWAL + roomId) !== null;
export const saveRenewal = (roomId: string, isRequested: boolean) =>
  write(() => localStorage, RENEWAL + roomId, isRequested ? "requested" : "");

/** Return the ids of the members whom the visitor ignores in a room. */
export function loadIgnored(roomId: string): readonly string[] {
  const ids = readJson<unknown>(IGNORED + roomId, () => localStorage);
  return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
}

export const saveIgnored = (roomId: string, ids: readonly string[]) =>
  write(() => localStorage, IGNORED + roomId, ids.length ? JSON.stringify(ids) : "");

/** Call a function when another tab has changed whom the visitor ignores in a room. Returns the function that ends that. */
export const watchIgnored = (roomId: string, listener: () => void) => watch(IGNORED + roomId, listener);

/**
 * Call a function when another tab has saved a value, "" if it has removed it, also under a key that begins with this one.
 * Returns the function that ends that.
 */
function watch(watched: string, listener: (value: string) => void): () => void {
  const onStorage = ({ key, newValue }: StorageEvent) => {
    if (key?.startsWith(watched)) listener(newValue ?? "");
  };
  window.addEventListener("storage", onStorage);
  return () => window.removeEventListener("storage", onStorage);
}

/** Return the room list as it was shown last in this tab, or null. */
export const loadRoomList = () => readJson<RoomListSnapshot>(ROOM_LIST);

export function saveRoomList({ rooms, hasMore }: RoomListSnapshot): void {
  write(() => sessionStorage, ROOM_LIST, JSON.stringify({ rooms, hasMore, isLoaded: false, error: null }));
}

export const loadWaiting = () => readJson<Readonly<Record<string, Waiting>>>(WAITING) ?? {};

export const loadSession = () => readJson<Session>(SESSION);
export const saveSession = (session: Session) => write(() => sessionStorage, SESSION, JSON.stringify(session));

export const loadAttempt = () => readJson<Attempt>(ATTEMPT);
export const saveAttempt = (attempt: Attempt | null) =>
  write(() => sessionStorage, ATTEMPT, attempt ? JSON.stringify(attempt) : "");

/** Forget who has signed in, and what only they may use: drafts, unsent messages, their rooms and the tokens of these. */
export function forgetVisitor(): void {
  kept.clear();
  forget(() => sessionStorage, "chalice-chat.");
  forget(() => localStorage, OWNER);
  for (const prefix of [IGNORED, VISITED, RENEWED, DRAFT, READ]) forget(() => localStorage, prefix);
}

function forget(storage: () => Storage, prefix: string): void {
  try {
    for (const key of Object.keys(storage())) {
      if (key.startsWith(prefix)) storage().removeItem(key);
    }
  } catch {
    // A browser that blocks storage remembers nothing.
  }
}

/** Remember how many messages of a room wait to be sent. */
export function saveWaiting(roomId: string, waiting: Waiting): void {
  const { [roomId]: _, ...others } = loadWaiting();
  const all = waiting.count ? { ...others, [roomId]: waiting } : others;
  write(() => sessionStorage, WAITING, Object.keys(all).length ? JSON.stringify(all) : "");
}

/** The values that could not be written. */
const kept = new Map<string, string>();

// Browsers that block storage throw where it is accessed.
function read(storage: () => Storage, key: string): string | null {
  try {
    return kept.get(key) ?? storage().getItem(key);
  } catch {
    return null;
  }
}

function readJson<Value>(key: string, storage = () => sessionStorage): Value | null {
  try {
    return JSON.parse(read(storage, key) ?? "null");
  } catch {
    return null; // written by something else
  }
}

function write(storage: () => Storage, key: string, value: string): void {
  try {
    if (value) storage().setItem(key, value);
    else storage().removeItem(key);
    kept.delete(key);
  } catch {
    kept.set(key, value);
    console.warn("the browser's storage is full or disabled");
  }
}
