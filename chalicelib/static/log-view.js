/** The message log of a room: history (not announced by screen readers), live messages, and the scroll position. */

import { byId, make } from "./elements.js";
import { arrangeMessages, messageEntry } from "./message-view.js";
import { setText } from "./text.js";

const MOST_ENTRIES = 500;
const NEAR_BOTTOM_PX = 48;
const TROUBLE = "Messages could not be loaded. Trying again…";
const NOTHING = "Nothing said yet. What you write reaches everyone who is here.";
const OLDER_NOTES = { reading: "Loading…", trouble: "Earlier messages could not be loaded.", more: "", none: "" };

const log = byId("log");
const note = byId("log-note");
const older = byId("older");
const olderButton = byId("show-older");
const olderNote = byId("older-note");
const history = byId("history");
const live = byId("messages");
const newButton = byId("show-new");
const LOADING = note.textContent;

let handlers = null;
let isAtBottom = true;
let isLoaded = false;
let newBelow = 0;

export function enter(newHandlers) {
  handlers = newHandlers;
  isAtBottom = true;
  isLoaded = false;
  setText(note, LOADING);
  showNote();
}

export function leave() {
  handlers = null;
  older.hidden = true;
  history.replaceChildren();
  live.replaceChildren();
  countNewBelow(0);
}

/** Insert each message before the one with the sequence `next`, or at the end. */
export function addMessages(messages) {
  keepPlace(() => {
    for (const message of messages) place(messageEntry(message), message.next);
  });
  if (!isAtBottom) countNewBelow(newBelow + messages.length);
}

export function prependMessages(messages) {
  keepPlace(() => history.prepend(...messages.map(messageEntry)));
}

export function addNotice(text, next) {
  const entry = make("li", "notice", text);
  entry.dir = "auto";
  keepPlace(() => place(entry, next));
}

/** Show whether there are older messages: "more", "none", "reading" (loading) or "trouble" (loading failed). */
export function showOlderState(state) {
  const hadFocus = document.activeElement === olderButton;
  isLoaded = true;
  setText(note, NOTHING);
  keepPlace(() => {
    older.hidden = state === "none";
    older.dataset.state = state;
    setText(olderNote, OLDER_NOTES[state]);
  });
  if (older.hidden && hadFocus) log.focus();
  readOlderNearTop();
}

export function showTrouble() {
  if (!isLoaded) setText(note, TROUBLE);
}

export function goToBottom() {
  isAtBottom = true;
  countNewBelow(0);
  stayAtBottom();
}

/** Change the log without moving the visible entries. At the bottom, keep the newest entry visible. */
export function keepPlace(change) {
  const anchor = isAtBottom ? null : firstInSight();
  // Use the lower edge: the change may add or remove a day or a name above the entry.
  const bottom = anchor?.getBoundingClientRect().bottom;
  change();
  if (isAtBottom) dropOldest();
  arrangeMessages(entries());
  if (anchor) log.scrollTop += anchor.getBoundingClientRect().bottom - bottom;
  stayAtBottom();
  showNote();
}

export function isEmpty() {
  return log.querySelector("li") === null;
}

function place(entry, next) {
  if (next === undefined) live.append(entry);
  else log.querySelector(`[data-sequence="${next}"]`).before(entry);
}

// The outbox is left out: its entries disappear when they are confirmed, so they cannot be an anchor.
function entries() {
  return [...history.children, ...live.children];
}

function firstInSight() {
  const { top } = log.getBoundingClientRect();
  return entries().find((entry) => entry.getBoundingClientRect().bottom > top);
}

function dropOldest() {
  for (const entry of entries().slice(0, -MOST_ENTRIES)) {
    entry.remove();
    if (entry.dataset.sequence) handlers.forget(Number(entry.dataset.sequence));
    if (older.hidden) older.dataset.state = "more";
    older.hidden = false;
  }
}

function showNote() {
  note.hidden = isLoaded && !isEmpty();
}

function countNewBelow(count) {
  newBelow = count;
  newButton.hidden = count === 0;
  setText(newButton, count === 1 ? "1 new message" : `${count} new messages`);
}

// The button disappears, so move the focus to the log.
function goToNew() {
  goToBottom();
  log.focus();
}

function stayAtBottom() {
  if (isAtBottom) log.scrollTop = log.scrollHeight;
}

function notePlace() {
  isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
  if (isAtBottom) countNewBelow(0);
  readOlderNearTop();
}

// After a failure only the button retries; otherwise each scroll event would send a request.
function readOlderNearTop() {
  if (older.hidden || older.dataset.state !== "more") return;
  if (log.scrollTop < log.clientHeight) handlers.readOlder();
}

log.addEventListener("scroll", notePlace);
olderButton.addEventListener("click", () => handlers.readOlder());
newButton.addEventListener("click", goToNew);
// A phone's on-screen keyboard makes the log smaller without a scroll event.
new ResizeObserver(stayAtBottom).observe(log);
