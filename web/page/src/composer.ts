/** The field in which a message is written: it grows, keeps a draft per room, and counts the last characters. */

import { hasGlyph } from "chalice-chat-client";
import { momentOf } from "./dates.js";
import { byId, isComposing, showText } from "./dom.js";
import { goToEnd, scrollByPages } from "./log-view.js";
import { loadDraft, loadEnterSends, saveDraft, saveEnterSends } from "./store.js";
import { cleanMessage, counted, lengthOf } from "./text.js";

const MAX_LENGTH = 4_000;
const COUNTED_FROM = 200;
const MANY_LINES = 40;
const PAGE = 0.9;

const form = byId("compose", HTMLFormElement);
const field = byId("message", HTMLTextAreaElement);
const sendButton = byId("send", HTMLButtonElement);
const note = byId("compose-note", HTMLElement);
const enterSends = byId("enter-sends", HTMLInputElement);
/** A touch keyboard has no Shift+Enter, so there Enter breaks the line unless the visitor has chosen otherwise. */
const touchKeyboard = matchMedia("(pointer: coarse) and (hover: none)");

let roomId = "";
let send: ((text: string) => void) | null = null;
let mutedUntil: string | undefined;
/** A note about an action that failed. It is shown until the visitor goes on. */
let hint = "";

/** Start writing to a room, with the draft of the last visit. */
export function enter(newRoomId: string, newSend: (text: string) => void): void {
  roomId = newRoomId;
  send = newSend;
  mutedUntil = undefined;
  hint = "";
  field.value = loadDraft(roomId);
  update();
  field.focus();
}

/** Stop writing: nothing can be sent any more. The text stays in its field, and in its draft. */
export function close(): void {
  send = null;
  update();
}

/** Show until when the visitor may not write. What they have written stays in the field. */
export function showMuted(until: string | undefined): void {
  mutedUntil = until;
  update();
}

/** Return the text in the field. */
export function draft(): string {
  return field.value;
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
  saveDraft(roomId, field.value);
  update();
}

function update(): void {
  const left = MAX_LENGTH - lengthOf(cleanMessage(field.value));
  const isTooLong = left < 0;
  showText(note, ...noteOn(left));
  note.classList.toggle("too-long", isTooLong);
  field.setAttribute("aria-invalid", String(isTooLong));
  sendButton.disabled = isTooLong || send === null || mutedUntil !== undefined;
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
  if (send && mutedUntil)
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
  if (!send || mutedUntil || !hasGlyph(text) || lengthOf(text) > MAX_LENGTH) return;
  send(text);
  field.value = "";
  keep();
  goToEnd();
  field.focus();
}

function onKey(event: KeyboardEvent): void {
  if (isComposing(event)) return;
  if (event.key === "Enter" && sendsWith(event)) submit(event);
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
form.addEventListener("submit", submit);
field.addEventListener("keydown", onKey);
field.addEventListener("input", keep);
