/** The title of the tab: the room's name, and the count of messages that arrived while the tab was hidden. */

const SITE = "Chalice Chat";

let room = "";
let unread = 0;

export function showTitle(roomName: string): void {
  room = roomName;
  show();
}

export function clearTitle(): void {
  unread = 0;
  showTitle("");
}

export function countUnread(): void {
  if (document.hidden) unread += 1;
  show();
}

function show(): void {
  document.title = `${unread ? `(${unread}) ` : ""}${room ? `${room} · ` : ""}${SITE}`;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  show();
});
