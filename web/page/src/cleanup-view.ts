/** The dialogue in which several messages are chosen and deleted. It shows those that were there when it was opened. */

import type { ChatError, Message, RoomSnapshot } from "chalice-chat-client";
import { timeOf } from "./dates.js";
import { chooseTabStop, followArrowKeys } from "./deletion.js";
import { byId, make, setText, showText } from "./dom.js";
import { personName } from "./person.js";
import { counted, sentence } from "./text.js";

/** If the server limits the rate and does not say for how long. */
const WAIT_SECONDS = 1;
const BOXES = "input";

const dialog = byId("cleanup", HTMLDialogElement);
const senders = byId("cleanup-sender", HTMLSelectElement);
const all = byId("cleanup-all", HTMLInputElement);
const list = byId("cleanup-list", HTMLUListElement);
const olderNote = byId("cleanup-older", HTMLElement);
const note = byId("cleanup-note", HTMLElement);
const error = byId("cleanup-error", HTMLElement);
const doneButton = byId("cleanup-done", HTMLButtonElement);
const deleteButton = byId("cleanup-delete", HTMLButtonElement);

export interface CleanupHandlers {
  snapshot(): RoomSnapshot;
  deleteMessage(sequence: number): Promise<void>;
}

interface Choice {
  readonly message: Message;
  readonly entry: HTMLLIElement;
  readonly box: HTMLInputElement;
}

let handlers: CleanupHandlers | null = null;
let choices: readonly Choice[] = [];
/** Stops the deletion: while it waits for the rate limit, at once. Null if nothing is being deleted. */
let deletion: AbortController | null = null;

export function enter(newHandlers: CleanupHandlers): void {
  handlers = newHandlers;
}

export function leave(): void {
  handlers = null;
  dialog.close();
  clear();
}

/** Offer the messages of the room, the newest first. */
export function open(): void {
  if (!handlers || dialog.open) return;
  const { messages, older } = handlers.snapshot();
  choices = [...messages].reverse().map(makeChoice);
  showText(error, "");
  setText(note, choices.length ? "" : "There are no messages.");
  setText(doneButton, "Cancel");
  olderNote.hidden = older === "none";
  showSenders();
  showChoices();
  dialog.showModal();
}

/** Remove the messages that are deleted meanwhile, by whomever. */
export function showMessages({ messages }: RoomSnapshot): void {
  if (!dialog.open) return;
  const present = new Set(messages.map(({ sequence }) => sequence));
  const hadFocus = list.contains(document.activeElement);
  for (const { message, entry } of choices) if (!present.has(message.sequence)) entry.remove();
  choices = choices.filter(({ message }) => present.has(message.sequence));
  chooseTabStop(list, BOXES);
  if (hadFocus && !list.contains(document.activeElement)) list.focus();
  count();
}

function makeChoice(message: Message): Choice {
  const entry = make("li");
  const label = make("label");
  const box = make("input");
  const text = make("span", "text");
  const time = timeOf(new Date(message.sentAt));
  const said = make("bdi", "", message.message);
  box.type = "checkbox";
  text.append(personName(message.sender), " ", said);
  label.append(box, text, time);
  entry.append(label);
  return { message, entry, box };
}

function showSenders(): void {
  const counts = new Map<string, { name: string; count: number }>();
  for (const { message } of choices) {
    const { id, name } = message.sender;
    const known = counts.get(id);
    counts.set(id, { name: known?.name ?? name, count: (known?.count ?? 0) + 1 });
  }
  const option = (value: string, text: string) => Object.assign(make("option", "", text), { value });
  senders.replaceChildren(
    option("", "everyone"),
    ...[...counts].map(([id, { name, count }]) => option(id, `${name} (${count.toLocaleString("en")})`)),
  );
}

/** Show the messages of the chosen sender. What is not shown is not chosen. */
function showChoices(): void {
  for (const { box } of choices) box.checked = false;
  list.replaceChildren(...shown().map(({ entry }) => entry));
  list.scrollTop = 0;
  chooseTabStop(list, BOXES);
  count();
}

function shown(): readonly Choice[] {
  return choices.filter(({ message }) => !senders.value || message.sender.id === senders.value);
}

function chosen(): readonly Choice[] {
  return choices.filter(({ box }) => box.checked);
}

function count(): void {
  const number = chosen().length;
  all.checked = number > 0 && number === shown().length;
  all.disabled = senders.disabled = deletion !== null || choices.length === 0;
  if (deletion) return;
  deleteButton.disabled = number === 0;
  setText(deleteButton, number ? `Delete ${counted(number, "message")}` : "Delete");
}

/** Delete what is chosen, one after the other: the protocol deletes one message with each frame. */
async function deleteChosen(visit: CleanupHandlers): Promise<void> {
  deletion = new AbortController();
  const { signal } = deletion;
  const sequences = chosen().map(({ message }) => message.sequence);
  let deleted = 0;
  showText(error, "");
  setText(note, `Deleting ${counted(sequences.length, "message")}…`);
  setText(doneButton, "Stop");
  doneButton.focus();
  deleteButton.disabled = true;
  for (const { box } of choices) box.disabled = true;
  count();
  try {
    for (const sequence of sequences) {
      await deleteOne(visit, sequence, signal);
      deleted += 1;
      if (!signal.aborted) setText(deleteButton, `${deleted} of ${sequences.length}`);
    }
  } catch (reason) {
    if (!signal.aborted) showText(error, sentence((reason as ChatError).message));
  }
  if (signal.aborted) return;
  clear();
  setText(note, `${counted(deleted, "message")} deleted.`);
  setText(doneButton, "Done");
}

/** Delete a message, when the rate limit allows it. Resolves if somebody has deleted it before. */
async function deleteOne(visit: CleanupHandlers, sequence: number, signal: AbortSignal): Promise<void> {
  while (visit.snapshot().messages.some((message) => message.sequence === sequence)) {
    signal.throwIfAborted();
    try {
      await visit.deleteMessage(sequence);
      return;
    } catch (reason) {
      const { code, retryAfter } = reason as ChatError;
      if (code !== "rate_limited") throw reason;
      await pause((retryAfter ?? WAIT_SECONDS) * 1_000, signal);
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function clear(): void {
  deletion?.abort();
  deletion = null;
  for (const { box } of choices) box.disabled = false;
  count();
}

followArrowKeys(list, BOXES);
senders.addEventListener("change", showChoices);
all.addEventListener("change", () => {
  for (const { box } of shown()) box.checked = all.checked;
  count();
});
list.addEventListener("change", count);
deleteButton.addEventListener("click", () => {
  if (handlers && !deletion) void deleteChosen(handlers);
});
doneButton.addEventListener("click", () => dialog.close());
// Also by Escape: what is not deleted yet stays.
dialog.addEventListener("close", () => {
  if (!dialog.open) clear();
});
