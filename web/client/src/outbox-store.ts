/** The outbox of each room in a storage, so that it survives a reload. */

import type { SavedMessage } from "./outbox.js";
import { readValue, writeValue } from "./storage.js";
import type { ChatStorage } from "./types.js";

const PREFIX = "chalice-chat.outbox.";

export function loadOutbox(storage: ChatStorage | undefined, roomId: string): readonly SavedMessage[] {
  const saved = readValue<readonly SavedMessage[]>(storage, PREFIX + roomId);
  return Array.isArray(saved) ? saved.filter((entry) => entry?.clientId && entry?.message) : [];
}

export function saveOutbox(storage: ChatStorage | undefined, roomId: string, messages: readonly SavedMessage[]): void {
  writeValue(storage, PREFIX + roomId, messages.length ? messages : undefined);
}
