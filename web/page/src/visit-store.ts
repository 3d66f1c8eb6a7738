/** Values that the visits to rooms keep in the browser: drafts, tokens of links, ignored members, and choices of the visitor. */

import { read, readJson, watch, write } from "./storage.js";
import { ANSWERED, DRAFT, IGNORED, loadWaiting, OWNER, READ, WAITING, type Waiting } from "./store.js";

const ENTER = "chalice-chat.enter";
const NOTIFIES = "chalice-chat.notifies";
/** Stored in place of an empty draft: it differs from a draft that was forgotten. */
const EMPTY = "\n";
/** The longest draft that is kept, and the longest text that the field takes: several times what can be sent. */
export const MAX_DRAFT = 20_000;
const RENEWAL = `${OWNER}renewal.`;
const OFFERED = `${OWNER}offered.`;

/** Whether the Enter key sends, as the visitor has chosen. Null without a choice. */
export function loadEnterSends(): boolean | null {
  const choice = read(() => localStorage, ENTER);
  return choice === null ? null : choice === "sends";
}

export const saveEnterSends = (sends: boolean) => write(() => localStorage, ENTER, sends ? "sends" : "breaks");

/** Whether the visitor wants to be notified of mentions. */
export const loadNotifies = () => read(() => localStorage, NOTIFIES) !== null;
export const saveNotifies = (notifies: boolean) => write(() => localStorage, NOTIFIES, notifies ? "mentions" : "");

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

/** Call a function when the visitor has read on in another tab. Returns the function that ends that. */
export const watchRead = (roomId: string, listener: (sequence: string) => void) => watch(READ + roomId, listener);

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

/** Remember how many messages of a room wait to be sent. */
export function saveWaiting(roomId: string, waiting: Waiting): void {
  const { [roomId]: _, ...others } = loadWaiting();
  const all = waiting.count ? { ...others, [roomId]: waiting } : others;
  write(() => localStorage, WAITING, Object.keys(all).length ? JSON.stringify(all) : "");
}
