/** The end of the log: messages that are being sent, and messages that failed. */

import type { PendingMessage } from "chalice-chat-client";
import { arrange, byId, make } from "./dom.js";
import { keepPlace } from "./log-view.js";
import { lineOf } from "./message-view.js";
import { sentence } from "./text.js";

const STATES = {
  sending: "Sending…",
  queued: "",
  offline: "Waiting for connection",
  held: "A lot at once: sent in a moment",
};

const list = byId("pending", HTMLOListElement);
const messageBox = byId("message", HTMLTextAreaElement);

export interface PendingHandlers {
  retry(clientId: string): void;
  discard(clientId: string): void;
}

export function showPending(pending: readonly PendingMessage[], handlers: PendingHandlers): void {
  keepPlace(() =>
    arrange(
      list,
      pending.map((message) => entryOf(message, handlers)),
    ),
  );
}

// Rebuild an entry only when its state has changed, so that screen readers announce an alert once.
function entryOf(pending: PendingMessage, handlers: PendingHandlers): Element {
  const { clientId, status, error } = pending;
  const state = status === "failed" ? `Not sent. ${sentence(error?.message ?? "")}` : STATES[status];
  const known = [...list.children].find((entry) => (entry as HTMLElement).dataset.clientId === clientId);
  return (known as HTMLElement | undefined)?.dataset.state === state && known
    ? known
    : newEntry(pending, state, handlers);
}

function newEntry({ clientId, message, status }: PendingMessage, state: string, handlers: PendingHandlers): Element {
  const hasFailed = status === "failed";
  const entry = make("li", `message own ${hasFailed ? "failed" : "pending"}`);
  const told = make("span", "fate", state);
  entry.dataset.clientId = clientId;
  entry.dataset.state = state;
  entry.append(lineOf(message, told));
  if (hasFailed) {
    told.setAttribute("role", "alert");
    const choices = make("div", "choices");
    choices.append(
      button("Try again", () => handlers.retry(clientId)),
      button("Discard", () => handlers.discard(clientId)),
    );
    entry.append(choices);
  }
  return entry;
}

function button(label: string, act: () => void): HTMLButtonElement {
  const made = make("button", "", label);
  made.type = "button";
  made.addEventListener("click", () => {
    act();
    messageBox.focus();
  });
  return made;
}
