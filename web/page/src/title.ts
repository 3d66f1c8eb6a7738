/** The title of the tab: the room's name, and the counts of messages, and of mentions, that arrived while the tab was hidden. */

import type { Message } from "chalice-chat-client";

const SITE = "Chalice Chat";

let room = "";
/** The sequences of the messages that arrived while the tab was hidden. */
const arrived = new Set<number>();
let unread: readonly Message[] = [];

export function showTitle(roomName: string): void {
  room = roomName;
  show();
}

export function clearTitle(): void {
  arrived.clear();
  unread = [];
  showTitle("");
}

/** Note that a message has arrived. */
export function noteArrival({ sequence }: Message): void {
  if (document.hidden) arrived.add(sequence);
}

/** Count what has arrived, and was neither deleted nor read elsewhere, up to a sequence. Returns these messages. */
export function countUnread(messages: readonly Message[], readUpTo: number): readonly Message[] {
  const isUnread = ({ sequence, isIgnored }: Message) => arrived.has(sequence) && sequence > readUpTo && !isIgnored;
  unread = arrived.size ? messages.filter(isUnread) : [];
  show();
  return unread;
}

function show(): void {
  const mentions = unread.filter(({ isMention }) => isMention).length;
  const count = mentions ? `${unread.length} @${mentions}` : unread.length;
  document.title = `${count ? `(${count}) ` : ""}${room ? `${room} · ` : ""}${SITE}`;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  arrived.clear();
  unread = [];
  show();
});
