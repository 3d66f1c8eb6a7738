/** The view of the room list: DOM elements only. */

import { arrange, byId, make } from "./elements.js";
import { addressOf } from "./route.js";
import { setText, showError } from "./text.js";

const heading = byId("rooms-heading");
const createForm = byId("create-room");
const createError = byId("create-error");
const roomName = byId("room-name");
const roomPrivate = byId("room-private");
const joinForm = byId("join-by-link");
const joinError = byId("join-error");
const invitation = byId("invitation");
const list = byId("room-list");
const listError = byId("list-error");
const listNote = byId("list-note");
const moreButton = byId("show-more");
const LOOKING = listNote.textContent;

export function focusHeading() {
  heading.focus();
}

export function leave() {
  list.replaceChildren();
  moreButton.hidden = true;
  showError(listError, "");
  showCreateError("");
  setText(listNote, LOOKING);
  listNote.hidden = false;
}

export function onCreate(create) {
  let isCreating = false;
  createForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isCreating) return;
    isCreating = true;
    showCreateError("");
    await create(roomName.value, roomPrivate.checked);
    isCreating = false;
  });
}

export function onJoin(join) {
  joinForm.addEventListener("submit", (event) => {
    event.preventDefault();
    showJoinError("");
    join(invitation.value);
  });
}

export function onShowMore(showMore) {
  moreButton.addEventListener("click", showMore);
}

export function clearForms() {
  createForm.reset();
  joinForm.reset();
  showJoinError("");
}

export function showCreateError(sentence) {
  showError(createError, sentence);
}

export function showJoinError(sentence) {
  showError(joinError, sentence);
}

export function showListError(sentence) {
  showError(listError, sentence);
  listNote.hidden = true;
}

export function showList(rooms, hasMore) {
  showError(listError, "");
  listNote.hidden = rooms.length > 0;
  setText(listNote, "No rooms yet. Create the first one.");
  moreButton.hidden = !hasMore;
  arrange(list, rooms.map(entryFor));
}

export function countShown() {
  return list.children.length;
}

export function focusRoom(index) {
  list.children[index]?.querySelector("a").focus();
}

function entryFor(room) {
  const entry = [...list.children].find((item) => item.dataset.roomId === room.room_id) ?? newEntry(room);
  setText(entry.querySelector(".count"), `${room.member_count} here`);
  return entry;
}

function newEntry(room) {
  const entry = make("li");
  const link = make("a");
  const name = make("span", "name", room.name);
  entry.dataset.roomId = room.room_id;
  link.href = addressOf({ roomId: room.room_id, token: null });
  name.dir = "auto";
  link.append(name, " ", make("span", "count"));
  entry.append(link);
  return entry;
}
