/**
 * The field in which a message is written: it grows, keeps a draft per room, and counts the last characters. It also edits a
 * message, and answers one.
 */

import { type ChatError, hasGlyph, type Message, type SendOptions } from "chalice-chat-client";
import { momentOf } from "./dates.js";
import { byId, isComposing, make, setText, showText } from "./dom.js";
import { goToEnd, scrollByPages } from "./log-view.js";
import { mentionsIn, takesKey } from "./mention-view.js";
import { quotedLine } from "./quote-view.js";
import { cleanMessage, counted, lengthOf, sentence } from "./text.js";
import {
  loadAnswered,
  loadDraft,
  loadEnterSends,
  MAX_DRAFT,
  saveAnswered,
  saveDraft,
  saveEnterSends,
  watchDraft,
} from "./visit-store.js";

const MAX_LENGTH = 4_000;
/** The server's limit. */
const MAX_MENTIONS = 10;
const COUNTED_FROM = 200;
const MANY_LINES = 40;
const PAGE = 0.9;

const form = byId("compose", HTMLFormElement);
const field = byId("message", HTMLTextAreaElement);
const sendButton = byId("send", HTMLButtonElement);
const note = byId("compose-note", HTMLElement);
const context = byId("context", HTMLElement);
const contextText = byId("context-text", HTMLElement);
const contextCancel = byId("context-cancel", HTMLButtonElement);
const enterSends = byId("enter-sends", HTMLInputElement);
/** A touch keyboard has no Shift+Enter, so there Enter breaks the line unless the visitor has chosen otherwise. */
const touchKeyboard = matchMedia("(pointer: coarse) and (hover: none)");

export interface ComposerHandlers {
  send(text: string, options: SendOptions): void;
  edit(sequence: number, text: string): Promise<void>;
  /** The visitor has added to a message. */
  typing(): void;
  /** Return the last message of the visitor that can be edited. */
  lastOwn(): Message | undefined;
  /** Return a message that is loaded. */
  find(sequence: number): Message | undefined;
}

/** After these errors, the edit cannot succeed later, either. */
const FINAL = ["forbidden", "invalid_message", "closed"];

let roomId = "";
let handlers: ComposerHandlers | null = null;
/** The draft that is stored, as far as this tab knows. */
let stored = "";
let stopWatching = () => {};
/** The message that is answered, or edited: then with the text that was in the field before. */
let target: { readonly message: Message; draft?: string; readonly isGone?: boolean } | null = null;
/** The sequence of the message that was answered when the room was left, until it is loaded again. */
let answered = 0;
let isSaving = false;
let mutedUntil: string | undefined;
/** A note about an action that failed. It is shown until the visitor goes on. */
let hint = "";

/** Start writing to a room, with the draft of the last visit. */
export function enter(newRoomId: string, newHandlers: ComposerHandlers): void {
  roomId = newRoomId;
  handlers = newHandlers;
  target = null;
  answered = loadAnswered(roomId);
  isSaving = false;
  mutedUntil = undefined;
  hint = "";
  field.value = stored = loadDraft(roomId) ?? "";
  stopWatching();
  stopWatching = watchDraft(roomId, takeDraft);
  update();
  field.focus();
}

/** Stop writing: nothing can be sent any more. The text stays in its field, and in its draft, with that of an edit. */
export function close(): void {
  handlers = null;
  stopWatching();
  field.value = isSaving ? (target?.draft ?? "") : draft(); // what is being saved has been sent
  target = null;
  isSaving = false;
  keep();
}

/** Show what is answered as it is now, after the messages have changed. */
export function showMessages(messages: readonly Message[]): void {
  if (target?.draft !== undefined) return;
  const sequence = target?.message.sequence ?? answered;
  const message = messages.find((one) => one.sequence === sequence);
  if (message) target = { message };
  else if (target) target = { ...target, isGone: true };
  showContext();
}

/** Show until when the visitor may not write. What they have written stays in the field. */
export function showMuted(until: string | undefined): void {
  mutedUntil = until;
  update();
}

/** Return what was written and not sent. */
export function draft(): string {
  const edited = target?.draft !== undefined && field.value === target.message.message ? "" : field.value;
  return joined(target?.draft, edited);
}

function joined(...texts: (string | undefined)[]): string {
  return texts.filter(Boolean).join("\n");
}

/** Answer a message. */
export function reply(message: Message): void {
  if (target?.draft !== undefined) endContext();
  answer(message);
  update();
  field.focus();
}

/** Answer a message, or none, also after the visitor has been elsewhere. */
function answer(message?: Message): void {
  target = message ? { message } : null;
  answered = message?.sequence ?? 0;
  saveAnswered(roomId, answered);
}

/** Edit a message of the visitor. What is in the field comes back afterwards. */
export function edit(message: Message): void {
  endContext();
  target = { message, draft: field.value };
  field.value = message.message;
  keep();
  field.focus();
}

/** Answer, or edit, no longer. An edit is dropped. */
function endContext(): void {
  if (target?.draft === undefined) answer();
  else {
    field.value = target.draft;
    target = null;
    takeAnswered();
  }
  isSaving = false;
  keep();
}

/** Insert a text where the cursor is. */
export function insert(text: string): void {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
  keep();
  field.focus();
}

/** Say what was not done, until the visitor goes on. */
export function showHint(text: string): void {
  hint = text;
  update();
}

function keep(): void {
  hint = "";
  const text = draft();
  if (text !== stored) saveDraft(roomId, text);
  stored = text;
  update();
}

/**
 * Take over the draft that another tab has saved: all tabs of a room show the same one. So no tab overwrites what was typed in
 * another one, and what was sent from there is not sent again. An edit goes on, and what it has displaced is replaced.
 */
function takeDraft(): void {
  const text = loadDraft(roomId);
  if (!handlers || text === null) return;
  const isNew = text !== stored.slice(0, MAX_DRAFT);
  if (isNew) stored = text;
  if (target?.draft === undefined) {
    takeAnswered();
    if (isNew) field.value = text;
  } else if (isNew) target.draft = text; // the same target: it may be being saved
  update();
}

/** Answer what another tab answers. A message that is gone stays. */
function takeAnswered(): void {
  answered = loadAnswered(roomId);
  if (target?.message.sequence === answered) return;
  const message = handlers?.find(answered);
  target = message ? { message } : null;
}

function showContext(): void {
  context.hidden = target === null;
  if (!target) {
    setText(contextText, ""); // it describes the field, also while it is hidden
    return;
  }
  const { message } = target;
  if (target.draft !== undefined) setText(contextText, "Editing a message");
  else if (target.isGone) setText(contextText, "Answering a message that is no longer there");
  else
    setText(
      contextText,
      "Answering ",
      make("bdi", "name", message.isIgnored ? "" : message.sender.name),
      ": ",
      make("bdi", "", quotedLine(message)),
    );
}

function update(): void {
  showContext();
  field.readOnly = isSaving;
  const left = MAX_LENGTH - lengthOf(cleanMessage(field.value));
  const isTooLong = left < 0;
  showText(note, ...noteOn(left));
  note.classList.toggle("too-long", isTooLong);
  field.setAttribute("aria-invalid", String(isTooLong));
  setText(sendButton, target?.draft === undefined ? "Send" : "Save");
  sendButton.disabled = isTooLong || isSaving || handlers === null || mutedUntil !== undefined;
  fit();
}

/** Make the field as high as its text. */
function fit(): void {
  // The log must not take the space while the field is measured: it would scroll away from its end.
  form.style.minHeight = `${form.offsetHeight}px`;
  // The style sheet has a maximum. To measure many lines takes Chromium longer than to set them.
  field.style.height = field.value.split("\n", MANY_LINES).length < MANY_LINES ? "auto" : "100rem";
  if (field.style.height === "auto")
    field.style.height = `${field.scrollHeight + field.offsetHeight - field.clientHeight}px`;
  form.style.minHeight = "";
}

function noteOn(left: number): (Node | string)[] {
  if (handlers && mutedUntil)
    return ["You are muted until ", momentOf(mutedUntil), ". Your name stays, and what you write here is kept."];
  if (left < 0) {
    const tooMany = `${counted(-left, "character")} too many: a message has at most ${MAX_LENGTH.toLocaleString("en")}.`;
    return [hint ? `${hint} ${tooMany}` : tooMany];
  }
  if (hint) return [hint];
  return left <= COUNTED_FROM ? [`${counted(left, "character")} left`] : [];
}

function submit(event: Event): void {
  event.preventDefault();
  const text = cleanMessage(field.value);
  if (target?.draft !== undefined && !hasGlyph(text)) {
    showHint("An edit cannot be empty. To remove the message, delete it.");
    return;
  }
  if (!handlers || isSaving || mutedUntil || !hasGlyph(text) || lengthOf(text) > MAX_LENGTH) return;
  if (target?.draft !== undefined) {
    void save(target.message, text);
    return;
  }
  handlers.send(text, optionsOf(text, target?.message));
  answer();
  field.value = "";
  keep();
  goToEnd();
  field.focus();
}

/** An answer is also meant for its author, unless that is a program or the visitor. */
function optionsOf(text: string, message: Message | undefined): SendOptions {
  const author = !message || message.isOwn || message.sender.bot ? [] : [message.sender.id];
  const mentions = [...new Set([...author, ...mentionsIn(text)])].slice(0, MAX_MENTIONS);
  return { replyTo: message?.sequence, mentions };
}

/** Save an edit. Until the server has confirmed it, the text stays in the field. */
async function save(message: Message, text: string): Promise<void> {
  const editing = target;
  const visit = handlers;
  field.focus(); // not afterwards: by then, the visitor may be elsewhere
  if (text === message.message) {
    endContext();
    return;
  }
  isSaving = true;
  update();
  try {
    await visit?.edit(message.sequence, text);
    if (target === editing) endContext();
  } catch (error) {
    if (visit !== handlers) return;
    const { code, message: reason } = error as ChatError;
    const isOver = target !== editing; // the visitor edits or writes something else
    if (!isOver) isSaving = false;
    if (isOver || FINAL.includes(code)) {
      // It can only be sent as a message of its own.
      if (!isOver) endContext();
      if (target?.draft === undefined) field.value = joined(field.value, text);
      else target.draft = joined(target.draft, text);
      keep();
    }
    showHint(`The edit was not saved. ${sentence(reason)}`);
  }
}

function onKey(event: KeyboardEvent): void {
  if (isComposing(event) || takesKey(event)) return;
  if (event.key === "Enter" && sendsWith(event)) submit(event);
  if (event.key === "Escape" && target && !isSaving) endContext();
  const last = event.key === "ArrowUp" && field.value === "" && !target ? handlers?.lastOwn() : undefined;
  if (last) {
    event.preventDefault();
    edit(last);
  }
  const isOneLine = field.scrollHeight <= field.clientHeight + 1;
  if ((event.key === "PageUp" || event.key === "PageDown") && isOneLine) {
    event.preventDefault();
    scrollByPages(event.key === "PageUp" ? -PAGE : PAGE);
  }
}

function sendsWith({ shiftKey, ctrlKey, metaKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || (enterSends.checked && !shiftKey);
}

function showEnter(): void {
  enterSends.checked = loadEnterSends() ?? !touchKeyboard.matches;
  field.enterKeyHint = enterSends.checked ? "send" : "enter";
}

// A turned phone or a larger text breaks the lines elsewhere.
new ResizeObserver(() => requestAnimationFrame(fit)).observe(field);
showEnter();
touchKeyboard.addEventListener("change", showEnter);
enterSends.addEventListener("change", () => {
  saveEnterSends(enterSends.checked);
  showEnter();
});
// A tab that the browser has frozen learns nothing.
document.addEventListener("visibilitychange", () => document.hidden || takeDraft());
contextCancel.addEventListener("click", () => {
  endContext();
  field.focus();
});
form.addEventListener("submit", submit);
field.addEventListener("keydown", onKey);
field.addEventListener("input", (event) => {
  keep();
  if ((event as InputEvent).inputType?.startsWith("insert") && target?.draft === undefined && hasGlyph(field.value))
    handlers?.typing();
});
