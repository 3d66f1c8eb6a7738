/** The end of the log: messages that are being sent, and messages that failed. */

import type { ChatError, PendingMessage, RoomSnapshot } from "chalice-chat-client";
import { arrange, byId, make } from "./dom.js";
import { keepPlace, mentionedName } from "./log-view.js";
import { lineOf } from "./message-view.js";
import { quoteOf } from "./quote-view.js";
import { counted, sentence } from "./text.js";

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

type Shown = Pick<RoomSnapshot, "pending" | "slowSeconds" | "messages">;

/** Show the messages that are not stored. `slowSeconds` is what members have to wait between two messages. */
export function showPending({ pending, slowSeconds, messages }: Shown, handlers: PendingHandlers): void {
  const entry = (message: PendingMessage) => {
    const made = entryOf(message, slowSeconds, handlers);
    const { replyTo } = message;
    const quote = quoteOf({ replyTo, quote: messages.find(({ sequence }) => sequence === replyTo) });
    if (quote && !made.querySelector(".quote")) made.prepend(quote);
    return made;
  };
  keepPlace(() => arrange(list, pending.map(entry)));
}

// Rebuild an entry only when its state has changed, so that screen readers announce an alert once.
function entryOf(pending: PendingMessage, slowSeconds: number, handlers: PendingHandlers): Element {
  const { clientId, status, error } = pending;
  const state = status === "failed" ? `Not sent. ${explain(error)}` : waitingState(status, slowSeconds);
  const known = [...list.children].find((entry) => (entry as HTMLElement).dataset.clientId === clientId);
  return (known as HTMLElement | undefined)?.dataset.state === state && known
    ? known
    : newEntry(pending, state, handlers);
}

function waitingState(status: keyof typeof STATES, slowSeconds: number): string {
  return status === "held" && slowSeconds
    ? `Slow mode: a message every ${counted(slowSeconds, "second")}. Sent in a moment`
    : STATES[status];
}

function explain(error: ChatError | undefined): string {
  // The server's sentence has a number of seconds. The composer says until when.
  return error?.code === "muted" ? "You are muted." : sentence(error?.message ?? "");
}

function newEntry(
  { clientId, message, mentions, status }: PendingMessage,
  state: string,
  handlers: PendingHandlers,
): Element {
  const hasFailed = status === "failed";
  const entry = make("li", `message own ${hasFailed ? "failed" : "pending"}`);
  const told = make("span", "fate", state);
  entry.dataset.clientId = clientId;
  entry.dataset.state = state;
  entry.append(lineOf(message, told, mentions?.map(mentionedName)));
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
