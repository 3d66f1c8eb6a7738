/** The newest messages of a room in a storage, so that a page shows them at once after a reload. */

import type { StoredItem } from "./frames.js";
import { listOf } from "./lists.js";
import type { OwnStorage } from "./storage.js";

const KIND = "messages";
const MAX_MESSAGES = 50;
const MAX_AGE_MS = 60 * 60_000;

export interface CachedMessages {
  readonly messages: readonly StoredItem[];
  /** Nothing up to this sequence is missing after the first of the messages. */
  readonly position: number;
  /** The member ids of this client. */
  readonly ownIds: readonly string[];
}

/** Return the messages that were saved less than an hour ago. They are removed, because they are for one reload. */
export function takeMessages(storage: OwnStorage, roomId: string): CachedMessages | undefined {
  const saved = storage.read<CachedMessages & { savedAt: number }>(KIND, roomId);
  if (saved === undefined) return undefined;
  storage.write(KIND, roomId, undefined);
  const { savedAt, messages, ownIds } = saved;
  const isUsable = Date.now() - savedAt < MAX_AGE_MS && Array.isArray(ownIds);
  return isUsable && listOf(messages).length ? saved : undefined;
}

export function saveMessages(storage: OwnStorage, roomId: string, cached: CachedMessages): void {
  const messages = cached.messages.slice(-MAX_MESSAGES);
  if (messages.length) storage.write(KIND, roomId, { ...cached, messages, savedAt: Date.now() });
}
