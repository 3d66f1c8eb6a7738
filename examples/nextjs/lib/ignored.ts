/** The ids of the members whom the visitor ignores in a room. */

import { readItem, writeItem } from "./storage";

export function readIgnored(roomId: string): string[] {
  return readItem(keyOf(roomId))?.split(" ").filter(Boolean) ?? [];
}

export function saveIgnored(roomId: string, memberIds: readonly string[]): void {
  writeItem(keyOf(roomId), memberIds.join(" "));
}

function keyOf(roomId: string): string {
  return `chalice-chat.ignored.${roomId}`;
}
