/** The log of a room: history, which is not read out, what is said now, and the place where one reads. */

import { byId, make } from "./elements.js";
import { setText } from "./text.js";

const MOST_ENTRIES = 500;
const NEAR_BOTTOM_PX = 48;
const LOADING = "Loading messages…";
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

let handlers = null;
let isAtBottom = true;
let isLoaded = false;

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
}

/** Add messages in their places: each comes before the one with the sequence `next`, or at the end. */
export function addMessages(messages) {
  keepPlace(() => {
    for (const message of messages) place(messageEntry(message), message.next);
  });
}

export function prependMessages(messages) {
  keepPlace(() => history.prepend(...messages.map(messageEntry)));
}

export function addNotice(text, next) {
  const entry = make("li", "notice", text);
  entry.dir = "auto";
  keepPlace(() => place(entry, next));
}

/** Of older messages there are "more" or "none", they are being read ("reading"), or could not be ("trouble"). */
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
  stayAtBottom();
}

/** Change entries of the log without moving what is being read; at the bottom, the newest is what is read. */
export function keepPlace(change) {
  const anchor = isAtBottom ? null : firstInSight();
  const top = anchor?.getBoundingClientRect().top;
  change();
  if (anchor) log.scrollTop += anchor.getBoundingClientRect().top - top;
  if (isAtBottom) dropOldest();
  stayAtBottom();
  showNote();
}

export function isEmpty() {
  return log.querySelector("li") === null;
}

export function messageEntry({ message, sender, sentAt, sequence, isOwn }) {
  const head = make("p", "head");
  head.append(make("bdi", "", sender.name), " ", timeOf(sentAt));
  const entry = make("li", isOwn ? "message own" : "message");
  entry.dataset.sequence = sequence;
  entry.append(head, bodyOf(message));
  return entry;
}

export function bodyOf(message) {
  const body = make("p", "body", message);
  body.dir = "auto";
  return body;
}

function place(entry, next) {
  if (next === undefined) live.append(entry);
  else log.querySelector(`[data-sequence="${next}"]`).before(entry);
}

// Only entries of these two lists hold still: one that is being sent goes as soon as it is confirmed.
function firstInSight() {
  const { top } = log.getBoundingClientRect();
  return [...history.children, ...live.children].find((entry) => entry.getBoundingClientRect().bottom > top);
}

function dropOldest() {
  while (history.children.length + live.children.length > MOST_ENTRIES) {
    const entry = history.firstElementChild ?? live.firstElementChild;
    entry.remove();
    if (entry.dataset.sequence) handlers.forget(Number(entry.dataset.sequence));
    if (older.hidden) older.dataset.state = "more";
    older.hidden = false;
  }
}

function showNote() {
  note.hidden = isLoaded && !isEmpty();
}

function timeOf(sentAt) {
  const time = make("time");
  const moment = new Date(sentAt);
  if (Number.isNaN(moment.getTime())) return time;
  time.dateTime = moment.toISOString();
  time.title = moment.toLocaleString();
  time.textContent = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return time;
}

function stayAtBottom() {
  if (isAtBottom) log.scrollTop = log.scrollHeight;
}

function notePlace() {
  isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
  readOlderNearTop();
}

// After trouble it is for the button to try again, or scrolling about would ask and ask.
function readOlderNearTop() {
  if (older.hidden || older.dataset.state !== "more") return;
  if (log.scrollTop < log.clientHeight) handlers.readOlder();
}

log.addEventListener("scroll", notePlace);
olderButton.addEventListener("click", () => handlers.readOlder());
// The keyboard of a phone makes the log smaller without scrolling it.
new ResizeObserver(stayAtBottom).observe(log);
