/** "Your rooms" in the lobby: those that were visited in this browser, with their links. */

import type { ChatClient } from "chalice-chat-client";
import { ask, cancelQuestion } from "./ask.js";
import { copyText } from "./copy.js";
import { isToday, timeOf } from "./dates.js";
import { arrange, byId, make, setText } from "./dom.js";
import { focusHeading } from "./lobby-view.js";
import { addressOf, urlOf } from "./route.js";
import {
  forgetVisited,
  loadOwner,
  loadRead,
  loadVisited,
  saveRead,
  saveRoomName,
  type VisitedRoom,
  watchVisited,
} from "./store.js";

/** The number of rooms that are shown at first. */
const FEW = 5;
const COPIED_MS = 4_000;
const DATE: Intl.DateTimeFormatOptions = { dateStyle: "medium" };

const section = byId("your-rooms", HTMLElement);
const list = byId("visited", HTMLUListElement);
const moreButton = byId("show-visited", HTMLButtonElement);
const note = byId("visited-note", HTMLElement);

let isHere = false;
/** The ids of the rooms with something that the visitor has not read. */
let unread: ReadonlySet<string> = new Set();
let stopWatching = () => {};
let showsAll = false;

export function enter(client: ChatClient): void {
  isHere = true;
  show();
  const rooms = loadVisited()
    .filter(({ token, isOver, isPrivate }) => !isOver && (token || !isPrivate))
    .map(({ roomId, token }) => ({
      roomId,
      token,
      owner: loadOwner(roomId),
      readSequence: loadRead(roomId) ?? 0,
    }));
  if (rooms.length === 0) return;
  stopWatching = client.watchUnread(rooms, (found, readSequences) => {
    unread = found;
    // Some may have been forgotten meanwhile.
    for (const { roomId } of loadVisited()) {
      const sequence = readSequences.get(roomId);
      if (sequence) saveRead(roomId, sequence);
    }
    show();
  });
}

function show(): void {
  const visited = loadVisited();
  const few = showsAll ? visited : visited.slice(0, FEW);
  section.hidden = visited.length === 0;
  moreButton.hidden = few.length === visited.length;
  setText(moreButton, `Show all ${visited.length}`);
  arrange(list, few.map(entryOf));
}

/** Show nothing: a room may be left for one whose name is to be seen by nobody. */
export function leave(): void {
  isHere = false;
  stopWatching();
  unread = new Set();
  cancelQuestion();
  setText(note, "");
  list.replaceChildren();
}

// Rebuild an entry only when it has changed, so that its buttons keep the focus.
function entryOf(room: VisitedRoom): Element {
  const owner = room.isOver ? undefined : loadOwner(room.roomId);
  const shown = JSON.stringify([room, owner, unread.has(room.roomId)]);
  const known = [...list.children].find((entry) => (entry as HTMLElement).dataset.shown === shown);
  return known ?? newEntry(room, owner, shown);
}

function newEntry(room: VisitedRoom, owner: string | undefined, shown: string): Element {
  const { roomId, name, token, isPrivate, isOver } = room;
  const entry = make("li");
  const link = make("a");
  const shownName = make("span", "name", name);
  const marks = [isOver && "no longer exists", isPrivate && "private", owner && "you own it"];
  const details = make(
    "span",
    "count",
    marks
      .map((mark) => mark && `${mark} · `)
      .filter(Boolean)
      .join(""),
  );
  const actions = make("p", "actions");
  entry.dataset.shown = shown;
  shownName.dir = "auto";
  link.href = addressOf({ roomId, token });
  link.addEventListener("click", () => saveRoomName(roomId, name));
  details.append(...visitOf(room));
  link.append(shownName, ...(unread.has(roomId) ? [" ", make("span", "news", "new")] : []), " ", details);
  if (!isOver && (token || !isPrivate)) actions.append(copyButton("Copy invite link", name, urlOf({ roomId, token })));
  if (owner) actions.append(copyButton("Copy owner's link", name, urlOf({ roomId, token, owner })));
  actions.append(button("Forget", name, () => forget(room, owner !== undefined)));
  entry.append(link, actions);
  return entry;
}

function visitOf({ visitedAt }: VisitedRoom): (Node | string)[] {
  const moment = new Date(visitedAt);
  return isToday(moment) ? ["last visit at ", timeOf(moment)] : ["last visit on ", timeOf(moment, DATE)];
}

/** Make a button. What `object` names is read by screen readers only: it is in sight. */
function button(label: string, object: string, act: (made: HTMLButtonElement) => unknown): HTMLButtonElement {
  const made = make("button", "plain");
  made.type = "button";
  made.append(make("span", "", label), make("span", "unseen", ` ${object}`));
  made.addEventListener("click", () => void act(made));
  return made;
}

function copyButton(label: string, name: string, address: string): HTMLButtonElement {
  return button(label, `of ${name}`, async (made) => {
    setText(note, ""); // a second copy is announced, too
    if (!(await copyText(address))) {
      showAddress(made, address);
      return;
    }
    setText(note, "Copied.");
    if (made.firstElementChild) setText(made.firstElementChild, "Copied");
    setTimeout(() => made.firstElementChild && setText(made.firstElementChild, label), COPIED_MS);
  });
}

/** Show an address that could not be copied in place of its button. */
function showAddress(place: HTMLElement, address: string): void {
  const field = make("input");
  field.readOnly = true;
  field.value = address;
  field.setAttribute("aria-label", "Copy this address");
  place.replaceWith(field);
  field.focus();
  field.select();
}

async function forget({ roomId, name }: VisitedRoom, isOwner: boolean): Promise<void> {
  const question = ["Forget ", make("bdi", "", name), "? You can no longer manage it without its owner's link."];
  if (isOwner && !(await ask(question, "Forget"))) return;
  const index = loadVisited().findIndex((room) => room.roomId === roomId);
  forgetVisited(roomId);
  show();
  const next = list.children[index] ?? list.lastElementChild;
  if (next) next.querySelector("a")?.focus();
  else focusHeading();
}

moreButton.addEventListener("click", () => {
  showsAll = true;
  show();
  list.children[FEW]?.querySelector("a")?.focus();
});
watchVisited(() => {
  if (isHere) show();
});
