/** The view of a room: DOM elements only. */

import { byId, make } from "./elements.js";
import * as log from "./log-view.js";
import * as outbox from "./outbox-view.js";
import { setText } from "./text.js";
import { enterTitle, leaveTitle } from "./title.js";

export { addMessages, addNotice, prependMessages, showOlderState, showTrouble } from "./log-view.js";
export { showOutbox } from "./outbox-view.js";

const COPIED = "Invite link copied";
const COPIED_MS = 4_000;
const STATES = {
  connecting: "Connecting…",
  open: "Connected",
  lost: "Connection lost. Trying again…",
  over: "Disconnected",
};
const ENDINGS = {
  private: { name: "Private room", text: "This room is private: you need its invite link." },
  gone: { name: "Room not found", text: "This room no longer exists. Rooms close soon after the last person has left." },
};

const view = byId("room-view");
const heading = byId("room-heading");
const copyButton = byId("copy-link");
const copyNote = byId("copy-note");
const linkToCopy = byId("link-to-copy");
const roomLink = byId("room-link");
const people = byId("people");
const memberCount = byId("member-count");
const memberList = byId("members");
const compose = byId("compose");
const messageBox = byId("message");
const sendButton = byId("send");
const connectionState = byId("connection-state");
const tryNowButton = byId("try-now");
const ending = byId("ending");
const endingText = byId("ending-text");
const wideScreen = matchMedia("(min-width: 48rem)");
const OPENING = heading.textContent;
const COPY = copyButton.textContent;
const WHO = memberCount.textContent;

let handlers = null;
let copyNoteTimer = null;

export function enter(newHandlers) {
  handlers = newHandlers;
  setText(heading, OPENING);
  log.enter(newHandlers);
  outbox.enter(newHandlers);
  messageBox.focus();
}

export function leave() {
  handlers = null;
  compose.reset();
  log.leave();
  memberList.replaceChildren();
  setText(memberCount, WHO);
  leaveTitle();
  ending.hidden = true;
  view.classList.remove("closed");
  linkToCopy.hidden = true;
  sayCopied("");
}

export function showName(name) {
  setText(heading, name);
  enterTitle(name);
}

export function showState(state) {
  setText(connectionState, STATES[state]);
  connectionState.dataset.state = state;
  view.dataset.state = state;
  sendButton.disabled = state === "over";
  tryNowButton.hidden = state !== "lost";
}

/** Show why the visit ended or could not begin: `reason` is "private" or "gone". */
export function showEnding(reason) {
  const { name, text } = ENDINGS[reason];
  ending.hidden = false;
  setText(endingText, text);
  showMembers(new Map());
  if (heading.textContent === OPENING) setText(heading, name);
  view.classList.toggle("closed", reason === "private" || log.isEmpty());
}

export function showMembers(members) {
  setText(memberCount, `${members.size} here`);
  memberList.replaceChildren(...[...members.values()].sort(byAlphabet).map(memberEntry));
}

function byAlphabet(name, other) {
  return name.localeCompare(other);
}

function memberEntry(name) {
  const entry = make("li");
  entry.append(make("bdi", "", name));
  return entry;
}

function sendTyped(event) {
  event.preventDefault();
  if (!handlers.say(messageBox.value)) return;
  log.goToBottom();
  messageBox.value = "";
  messageBox.focus();
}

async function copyLink() {
  try {
    await navigator.clipboard.writeText(location.href);
    sayCopied(COPIED);
  } catch {
    // The clipboard needs HTTPS and permission. Without it, show the link as text; the next click hides it.
    linkToCopy.hidden = !linkToCopy.hidden;
    roomLink.value = location.href;
    roomLink.select();
  }
}

function sayCopied(note) {
  clearTimeout(copyNoteTimer);
  setText(copyNote, note);
  setText(copyButton, note || COPY);
  if (note) copyNoteTimer = setTimeout(sayCopied, COPIED_MS, "");
}

function unfoldPeopleIfWide() {
  people.open = wideScreen.matches;
}

compose.addEventListener("submit", sendTyped);
tryNowButton.addEventListener("click", () => handlers.tryNow());
copyButton.addEventListener("click", copyLink);
wideScreen.addEventListener("change", unfoldPeopleIfWide);
unfoldPeopleIfWide();
