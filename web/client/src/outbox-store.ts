/** The outbox of each room in a storage, so that it survives a reload. */

import { listOf } from "./lists.js";
import type { SavedMessage } from "./outbox.js";
import type { OwnStorage } from "./storage.js";

const KIND = "outbox";

export function loadOutbox(storage: OwnStorage, roomId: string): readonly SavedMessage[] {
  type Saved = readonly SavedMessage[];
  const saved = storage.read<Saved>(KIND, roomId) ?? storage.adopt<Saved>(KIND, roomId);
  return listOf(saved).filter((entry) => entry?.clientId && entry?.message);
}

export function saveOutbox(storage: OwnStorage, roomId: string, messages: readonly SavedMessage[]): void {
  storage.write(KIND, roomId, messages.length ? messages : undefined);
}
