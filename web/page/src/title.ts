/** The title of the tab: the room's name, and the counts of messages, and of mentions, that arrived while the tab was hidden. */

const SITE = "Chalice Chat";

let room = "";
let unread = 0;
let mentions = 0;

export function showTitle(roomName: string): void {
  room = roomName;
  show();
}

export function clearTitle(): void {
  unread = mentions = 0;
  showTitle("");
}

export function countUnread(isMention: boolean): void {
  if (document.hidden) unread += 1;
  if (document.hidden && isMention) mentions += 1;
  show();
}

function show(): void {
  const count = mentions ? `${unread} @${mentions}` : unread;
  document.title = `${unread ? `(${count}) ` : ""}${room ? `${room} · ` : ""}${SITE}`;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = mentions = 0;
  show();
});
