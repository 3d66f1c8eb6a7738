/** Storage of the page in the browser. If it is full or disabled, values last until the page is closed. */

import type { RoomListSnapshot } from "chalice-chat-client";

const NAME = "chalice-chat.name";
const DRAFT = "chalice-chat.draft.";
const ROOM_NAME = "chalice-chat.room-name.";
const ROOM_LIST = "chalice-chat.room-list";
const WAITING = "chalice-chat.waiting";
const OWNER = "chalice-chat.owner.";
const RENEWAL = `${OWNER}renewal.`;
const IGNORED = "chalice-chat.ignored.";
const SESSION = "chalice-chat.session";
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

export const loadName = () => read(() => localStorage, NAME) ?? "";
export const saveName = (name: string) => write(() => localStorage, NAME, name);

/** Call a function when another tab has saved a name. */
export function watchName(listener: (name: string) => void): void {
  window.addEventListener("storage", ({ key, newValue }) => {
    if (key === NAME) listener(newValue ?? "");
  });
}

export const loadDraft = (roomId: string) => read(() => sessionStorage, DRAFT + roomId) ?? "";
export const saveDraft = (roomId: string, text: string) => write(() => sessionStorage, DRAFT + roomId, text);

export const loadRoomName = (roomId: string) => read(() => sessionStorage, ROOM_NAME + roomId);
export const saveRoomName = (roomId: string, name: string) => write(() => sessionStorage, ROOM_NAME + roomId, name);

/** Return the owner's token of a room that was created here, or whose owner's link has given the rights here. */
export const loadOwner = (roomId: string) => read(() => localStorage, OWNER + roomId) ?? undefined;
export const saveOwner = (roomId: string, token: string) => write(() => localStorage, OWNER + roomId, token);

/**
 * Whether a new owner's token was requested, and none has arrived yet: the response may have been lost, and with it the
 * rights of the former token.
 */
export const loadRenewal = (roomId: string) => read(() => localStorage, RENEWAL + roomId) !== null;
export const saveRenewal = (roomId: string, isRequested: boolean) =>
  write(() => localStorage, RENEWAL + roomId, isRequested ? "requested" : "");

/** Return the ids of the members whom the visitor ignores in a room. */
export const loadIgnored = (roomId: string) => parse<string[]>(read(() => localStorage, IGNORED + roomId)) ?? [];
export const saveIgnored = (roomId: string, ids: readonly string[]) =>
  write(() => localStorage, IGNORED + roomId, ids.length ? JSON.stringify(ids) : "");

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

/** Forget who has signed in, and what only they may use: drafts, unsent messages, the owner's tokens of their rooms. */
export function forgetVisitor(): void {
  kept.clear();
  forget(() => sessionStorage, "chalice-chat.");
  forget(() => localStorage, OWNER);
  forget(() => localStorage, IGNORED);
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

function readJson<Value>(key: string): Value | null {
  return parse<Value>(read(() => sessionStorage, key));
}

function parse<Value>(text: string | null): Value | null {
  try {
    return JSON.parse(text ?? "null");
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
