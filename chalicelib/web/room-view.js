/** One room on the page: its elements and nothing else. */

import { setText, showError } from "./text.js";

const MOST_ENTRIES = 500;
const NEAR_BOTTOM_PX = 48;
const COPY_NOTE_MS = 4_000;
const OPENING = "Opening the room…";
const STATES = {
  connecting: "Connecting…",
  open: "Connected",
  lost: "Connection lost. Trying again…",
  over: "Disconnected",
};

const view = document.getElementById("room-view");
const heading = document.getElementById("room-heading");
const copyNote = document.getElementById("copy-note");
const linkToCopy = document.getElementById("link-to-copy");
const roomLink = document.getElementById("room-link");
const people = document.getElementById("people");
const memberCount = document.getElementById("member-count");
const memberList = document.getElementById("members");
const log = document.getElementById("log");
const logNote = document.getElementById("log-note");
const entries = document.getElementById("messages");
const compose = document.getElementById("compose");
const messageBox = document.getElementById("message");
const messageError = document.getElementById("message-error");
const sendButton = document.getElementById("send");
const connectionState = document.getElementById("connection-state");
const tryNowButton = document.getElementById("try-now");
const roomGone = document.getElementById("room-gone");
const wideScreen = matchMedia("(min-width: 48rem)");

let handlers = null;
let isAtBottom = true;
let copyNoteTimer = null;

export function enter(newHandlers) {
  handlers = newHandlers;
  view.hidden = false;
  isAtBottom = true;
  setText(heading, OPENING);
  messageBox.focus();
}

export function leave() {
  view.hidden = true;
  handlers = null;
  compose.reset();
  entries.replaceChildren();
  memberList.replaceChildren();
  setText(memberCount, "Who is here");
  document.title = "Chalice Chat";
  logNote.hidden = false;
  roomGone.hidden = true;
  linkToCopy.hidden = true;
  sayCopied("");
  showMessageError("");
}

export function showName(name) {
  setText(heading, name);
  document.title = `${name} · Chalice Chat`;
}

export function showState(state) {
  setText(connectionState, STATES[state]);
  connectionState.dataset.state = state;
  sendButton.disabled = state !== "open";
  tryNowButton.hidden = state !== "lost";
  if (state === "over") showGone();
}

export function showMembers(members) {
  setText(memberCount, `${members.size} here`);
  memberList.replaceChildren(...[...members.values()].sort(byAlphabet).map(memberEntry));
}

export function addMessage({ message, sender, sentAt }, isOwn) {
  const entry = document.createElement("li");
  const head = document.createElement("p");
  const body = document.createElement("p");
  const name = document.createElement("bdi");
  entry.className = isOwn ? "message own" : "message";
  head.className = "head";
  body.className = "body";
  body.dir = "auto";
  name.textContent = sender.name;
  body.textContent = message;
  head.append(name, " ", timeOf(sentAt));
  entry.append(head, body);
  addEntry(entry);
}

export function addNotice(sentence) {
  const entry = document.createElement("li");
  entry.className = "notice";
  entry.dir = "auto";
  entry.textContent = sentence;
  addEntry(entry);
}

export function showMessageError(sentence) {
  showError(messageError, sentence);
}

/** Put text back into the message box, unless something else has been typed there by now. */
export function giveBack(text) {
  if (messageBox.value) return false;
  messageBox.value = text;
  return true;
}

function showGone() {
  roomGone.hidden = false;
  showMembers(new Map());
  if (heading.textContent === OPENING) setText(heading, "Room not found");
}

function byAlphabet(name, other) {
  return name.localeCompare(other);
}

function memberEntry(name) {
  const entry = document.createElement("li");
  entry.dir = "auto";
  entry.textContent = name;
  return entry;
}

function timeOf(sentAt) {
  const time = document.createElement("time");
  const moment = new Date(sentAt);
  if (Number.isNaN(moment.getTime())) return time;
  time.dateTime = moment.toISOString();
  time.title = moment.toLocaleString();
  time.textContent = moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return time;
}

function addEntry(entry) {
  logNote.hidden = true;
  entries.append(entry);
  if (entries.children.length > MOST_ENTRIES) entries.firstElementChild.remove();
  stayAtBottom();
}

function stayAtBottom() {
  if (isAtBottom) log.scrollTop = log.scrollHeight;
}

function notePlace() {
  isAtBottom = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_BOTTOM_PX;
}

function sendTyped(event) {
  event.preventDefault();
  if (!handlers.say(messageBox.value)) return;
  messageBox.value = "";
  messageBox.focus();
  showMessageError("");
  isAtBottom = true;
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    sayCopied("Link copied");
  } catch {
    // No clipboard without https or permission: offer the link itself, and put it away the next time.
    linkToCopy.hidden = !linkToCopy.hidden;
    roomLink.value = location.href;
    roomLink.select();
  }
}

function sayCopied(note) {
  clearTimeout(copyNoteTimer);
  setText(copyNote, note);
  if (note) copyNoteTimer = setTimeout(sayCopied, COPY_NOTE_MS, "");
}

function unfoldPeopleIfWide() {
  people.open = wideScreen.matches;
}

compose.addEventListener("submit", sendTyped);
tryNowButton.addEventListener("click", () => handlers.tryNow());
document.getElementById("copy-link").addEventListener("click", copyLink);
log.addEventListener("scroll", notePlace);
// The keyboard of a phone makes the log smaller without scrolling it.
new ResizeObserver(stayAtBottom).observe(log);
wideScreen.addEventListener("change", unfoldPeopleIfWide);
unfoldPeopleIfWide();
