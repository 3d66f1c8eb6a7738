/** The notice in a room that the visitor has opened again: its link is new. */

import { copyOnClick } from "./copy.js";
import { byId, setText } from "./dom.js";
import { type RoomAddress, urlOf } from "./route.js";

const notice = byId("new-room", HTMLElement);
const link = byId("new-link", HTMLInputElement);
const copyButton = byId("copy-new-link", HTMLButtonElement);
const copied = byId("new-link-copied", HTMLElement);
const doneButton = byId("new-room-done", HTMLButtonElement);
const messageBox = byId("message", HTMLTextAreaElement);

/** The room that was opened again, until its notice is closed or the visitor goes elsewhere. */
let opened: RoomAddress | null = null;

/** The visitor has opened a room again, and is about to enter it. */
export function announce(room: RoomAddress): void {
  opened = room;
}

/** Show the notice, if the visitor has opened this room again. */
export function enter(roomId: string): void {
  if (opened?.roomId !== roomId) opened = null;
  show();
}

/** The room has another address. */
export function move(room: RoomAddress): void {
  if (opened) opened = room;
  show();
}

export function leave(): void {
  notice.hidden = true;
}

function show(): void {
  notice.hidden = opened === null;
  link.value = opened ? urlOf(opened) : "";
  setText(copied, "");
}

copyOnClick(copyButton, link, copied);
doneButton.addEventListener("click", () => {
  opened = null;
  show();
  messageBox.focus();
});
