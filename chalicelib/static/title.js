/** The title of the tab: the room's name, and the count of messages that arrived while the tab was hidden. */

const SITE = "Chalice Chat";

let room = "";
let unread = 0;

export function enterTitle(roomName) {
  room = roomName;
  show();
}

export function leaveTitle() {
  room = "";
  unread = 0;
  show();
}

export function countUnread(messages) {
  if (document.hidden) unread += messages;
  show();
}

function show() {
  document.title = `${unread ? `(${unread}) ` : ""}${room ? `${room} · ` : ""}${SITE}`;
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unread = 0;
  show();
});
