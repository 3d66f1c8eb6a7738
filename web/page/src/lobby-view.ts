/** The view of the room list: DOM elements only. */

import { ApiError, type RoomListSnapshot, type RoomSummary } from "chalice-chat-client";
import { arrange, byId, make, setText, showText } from "./dom.js";
import { addressOf, roomInLink, urlOf } from "./route.js";

const lobby = byId("lobby", HTMLElement);
const signInFirst = byId("sign-in-first", HTMLElement);
const heading = byId("lobby-heading", HTMLElement);
const createForm = byId("create-room", HTMLFormElement);
const createError = byId("create-error", HTMLElement);
const roomName = byId("room-name", HTMLInputElement);
const roomPrivate = byId("room-private", HTMLInputElement);
const roomKeep = byId("room-keep", HTMLSelectElement);
const joinForm = byId("join-by-link", HTMLFormElement);
const joinError = byId("join-error", HTMLElement);
const invitation = byId("invitation", HTMLInputElement);
const list = byId("room-list", HTMLUListElement);
const listError = byId("list-error", HTMLElement);
const listNote = byId("list-note", HTMLElement);
const moreButton = byId("show-more", HTMLButtonElement);

export interface LobbyHandlers {
  create(roomName: string, options: { isPrivate: boolean; keepDays: number | undefined }): Promise<void>;
  join(link: string): void;
  showMore(): Promise<void>;
  /** Called when the visitor follows the link of a room in the list. */
  open(room: RoomSummary): void;
}

let handlers: LobbyHandlers | null = null;

export function listen(newHandlers: LobbyHandlers): void {
  const { create, join, showMore } = newHandlers;
  handlers = newHandlers;
  let isCreating = false;
  createForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isCreating) return;
    isCreating = true;
    showCreateError("");
    await create(roomName.value, { isPrivate: roomPrivate.checked, keepDays: Number(roomKeep.value) || undefined });
    isCreating = false;
  });
  joinForm.addEventListener("submit", (event) => {
    event.preventDefault();
    showJoinError("");
    join(invitation.value);
  });
  // A field of one line would drop the line breaks, and with them where the link ends.
  invitation.addEventListener("paste", (event) => {
    const room = roomInLink(event.clipboardData?.getData("text/plain") ?? "");
    if (!room) return;
    event.preventDefault();
    invitation.value = urlOf(room);
  });
  moreButton.addEventListener("click", showMore);
}

/** Focus the heading, for a visitor who comes back from a room, or whose focus has nowhere else to go. */
export function focusHeading(): void {
  heading.focus({ preventScroll: true });
}

export function clearForms(): void {
  createForm.reset();
  joinForm.reset();
  clearErrors();
}

export function clearErrors(): void {
  showCreateError("");
  showJoinError("");
}

export function showCreateError(text: string): void {
  showText(createError, text);
}

export function showJoinError(text: string): void {
  showText(joinError, text);
}

export function showList({ rooms, hasMore, isLoaded, error }: RoomListSnapshot): void {
  if (isLoaded || error) showSignIn(error instanceof ApiError && error.status === 401);
  showText(listError, error ? "The rooms could not be loaded. Trying again…" : "");
  listNote.hidden = error !== null || rooms.length > 0;
  if (isLoaded) setText(listNote, "No rooms yet. Create the first one.");
  moreButton.hidden = !hasMore;
  arrange(list, rooms.map(entryFor));
}

/** Show that the visitor has to sign in before anything else, or what there is. */
export function showSignIn(isNeeded: boolean): void {
  signInFirst.hidden = !isNeeded;
  lobby.classList.toggle("signed-out", isNeeded);
}

export function countShown(): number {
  return list.children.length;
}

/** Focus a room, unless the visitor has gone on to something else while it was loaded. */
export function focusRoom(index: number): void {
  if (document.activeElement !== document.body && document.activeElement !== moreButton) return;
  list.children[index]?.querySelector("a")?.focus();
}

function entryFor(room: RoomSummary): Element {
  const known = [...list.children].find((item) => (item as HTMLElement).dataset.roomId === room.roomId);
  const entry = known ?? newEntry(room);
  const count = entry.querySelector(".count");
  if (count) setText(count, `${room.memberCount} here`);
  return entry;
}

function newEntry(room: RoomSummary): Element {
  const { roomId, name } = room;
  const entry = make("li");
  const link = make("a");
  const shownName = make("span", "name", name);
  entry.dataset.roomId = roomId;
  link.href = addressOf({ roomId });
  link.addEventListener("click", () => handlers?.open(room));
  shownName.dir = "auto";
  link.append(shownName, " ", make("span", "count"));
  entry.append(link);
  return entry;
}
