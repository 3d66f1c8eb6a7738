/** The outbox of each room in a storage, so that it survives a reload. */

import type { SavedMessage } from "./outbox.js";
import type { ChatStorage } from "./types.js";

const PREFIX = "chalice-chat.outbox.";

export function loadOutbox(storage: ChatStorage | undefined, roomId: string): readonly SavedMessage[] {
  try {
    const saved = JSON.parse(storage?.getItem(PREFIX + roomId) ?? "[]") as readonly SavedMessage[];
    return saved.filter(({ clientId, message }) => clientId && message);
  } catch {
    return []; // disabled, or not written by this library
  }
}

export function saveOutbox(storage: ChatStorage | undefined, roomId: string, messages: readonly SavedMessage[]): void {
  try {
    if (messages.length) storage?.setItem(PREFIX + roomId, JSON.stringify(messages));
    else storage?.removeItem(PREFIX + roomId);
  } catch {
    // Full or disabled: unsent messages last as long as the room object.
  }
}

/** Return the session's storage where the platform has one and allows it. */
export function sessionStorageOf(platform: { sessionStorage?: ChatStorage }): ChatStorage | undefined {
  try {
    return platform.sessionStorage;
  } catch {
    return undefined; // a browser that blocks storage throws
  }
}
