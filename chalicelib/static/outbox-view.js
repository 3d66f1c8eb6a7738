/** The end of the log: messages that are being sent, and messages that failed. */

import { arrange, byId, make } from "./elements.js";
import { keepPlace } from "./log-view.js";
import { lineOf } from "./message-view.js";
import { sentence } from "./text.js";

const FATES = {
  sending: "Sending…",
  offline: "Waiting for connection",
  held: "A lot at once: sent in a moment",
};

const list = byId("outbox");
const messageBox = byId("message");

let handlers = null;

export function enter(newHandlers) {
  handlers = newHandlers;
}

export function showOutbox(entries, state) {
  const first = entries.find(({ failure }) => !failure);
  keepPlace(() => arrange(list, entries.map((entry) => entryFor(entry, entry === first ? FATES[state] : ""))));
}

// Rebuild an entry only when its state has changed, so that screen readers announce an alert once.
function entryFor(pending, fateOfWaiting) {
  const { failure } = pending;
  const fate = failure ? `Not sent. ${sentence(failure)}` : fateOfWaiting;
  const known = [...list.children].find(({ dataset }) => dataset.clientId === pending.clientId);
  return known?.dataset.fate === fate ? known : newEntry(pending, fate);
}

function newEntry({ clientId, message, failure }, fate) {
  const entry = make("li", `message own ${failure ? "failed" : "pending"}`);
  const told = make("span", "fate", fate);
  entry.dataset.clientId = clientId;
  entry.dataset.fate = fate;
  entry.append(lineOf(message, told));
  if (failure) {
    told.setAttribute("role", "alert");
    entry.append(choices(clientId));
  }
  return entry;
}

function choices(clientId) {
  const choice = make("div", "choices");
  choice.append(
    button("Try again", () => handlers.retry(clientId)),
    button("Discard", () => handlers.discard(clientId)),
  );
  return choice;
}

function button(label, act) {
  const made = make("button", "", label);
  made.type = "button";
  made.addEventListener("click", () => {
    act();
    messageBox.focus();
  });
  return made;
}
