/** The list of rooms on the page: its elements and nothing else. */

import { addressOf } from "./route.js";
import { setText, showError } from "./text.js";

const view = document.getElementById("rooms-view");
const heading = document.getElementById("rooms-heading");
const createForm = document.getElementById("create-room");
const createError = document.getElementById("create-error");
const roomName = document.getElementById("room-name");
const joinForm = document.getElementById("join-by-link");
const joinError = document.getElementById("join-error");
const invitation = document.getElementById("invitation");
const list = document.getElementById("room-list");
const listError = document.getElementById("list-error");
const listNote = document.getElementById("list-note");
const moreButton = document.getElementById("show-more");

export function show({ cameBack }) {
  view.hidden = false;
  if (cameBack) heading.focus();
}

export function hide() {
  view.hidden = true;
  list.replaceChildren();
  moreButton.hidden = true;
  showError(listError, "");
  showCreateError("");
  setText(listNote, "Looking for rooms…");
  listNote.hidden = false;
}

export function onCreate(create) {
  let isCreating = false;
  createForm.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isCreating) return;
    isCreating = true;
    showCreateError("");
    await create(roomName.value);
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
  arrange(rooms.map(entryFor));
}

export function countShown() {
  return list.children.length;
}

export function focusRoom(index) {
  list.children[index]?.querySelector("a").focus();
}

// Entries are kept and moved as little as possible: a refresh must not take the focus from a link.
function arrange(entries) {
  const wanted = new Set(entries);
  for (const entry of [...list.children]) {
    if (!wanted.has(entry)) entry.remove();
  }
  entries.forEach((entry, index) => {
    if (list.children[index] !== entry) list.insertBefore(entry, list.children[index] ?? null);
  });
}

function entryFor(room) {
  const entry = [...list.children].find((item) => item.dataset.roomId === room.room_id) ?? newEntry(room);
  setText(entry.querySelector(".count"), `${room.member_count} here`);
  return entry;
}

function newEntry(room) {
  const entry = document.createElement("li");
  const link = document.createElement("a");
  const name = document.createElement("span");
  const count = document.createElement("span");
  entry.dataset.roomId = room.room_id;
  link.href = addressOf(room.room_id);
  name.className = "name";
  name.dir = "auto";
  name.textContent = room.name;
  count.className = "count";
  link.append(name, " ", count);
  entry.append(link);
  return entry;
}
