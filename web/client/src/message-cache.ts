/** The newest messages of a room in a storage, so that a page shows them at once after a reload. */

import type { StoredMessage } from "./frames.js";
import type { ChatStorage } from "./types.js";

const PREFIX = "chalice-chat.messages.";
const MAX_MESSAGES = 50;
const MAX_AGE_MS = 60 * 60_000;

export interface CachedMessages {
  readonly messages: readonly StoredMessage[];
  /** Nothing up to this sequence is missing after the first of the messages. */
  readonly position: number;
  /** The member ids of this client. */
  readonly ownIds: readonly string[];
}

/** Return the messages that were saved less than an hour ago. They are removed, because they are for one reload. */
export function takeMessages(storage: ChatStorage | undefined, roomId: string): CachedMessages | undefined {
  try {
    const saved = storage?.getItem(PREFIX + roomId);
    if (!saved) return undefined;
    storage?.removeItem(PREFIX + roomId);
    const { savedAt, ...cached } = JSON.parse(saved) as CachedMessages & { savedAt: number };
    return Date.now() - savedAt < MAX_AGE_MS && cached.messages.length ? cached : undefined;
  } catch {
    return undefined; // disabled, or not written by this library
  }
}

export function saveMessages(storage: ChatStorage | undefined, roomId: string, cached: CachedMessages): void {
  const messages = cached.messages.slice(-MAX_MESSAGES);
  try {
    if (messages.length)
      storage?.setItem(PREFIX + roomId, JSON.stringify({ ...cached, messages, savedAt: Date.now() }));
  } catch {
    // Full or disabled: the messages are read again.
  }
}
