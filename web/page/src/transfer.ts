/** Pasting and dropping: only text can be sent, and not more than the field can hold. */

import { insert, showHint } from "./composer.js";
import { byId, hasFiles } from "./dom.js";
import { MAX_DRAFT } from "./visit-store.js";

const ONLY_TEXT = "Only text can be sent here, no pictures or other files.";
const FEWER = "Some marks of that text were left out.";
const CUT = "Only the beginning of that text is here.";
const MAX_LINES = 1_000;
/** Above it, Chromium takes longer to paste lines than to set them. */
const FEW_LINES = 200;

/** More marks, or characters that take no space, than any writing puts in a row: each key in such a field would take seconds. */
const STACK = /([\p{M}\p{Cf}]{50})[\p{M}\p{Cf}]+/gu;

const field = byId("message", HTMLTextAreaElement);
const room = byId("room", HTMLElement);

/** Insert a text if the browser would not, or take seconds to do so. Chromium needs a minute for 100,000 lines. */
function take(event: Event, data: DataTransfer | null, isInserted: boolean): void {
  const copied = data?.getData("text/plain").replace(/\r\n?/g, "\n") ?? "";
  const whole = copied.replace(/[\u2028\u2029]/g, "\n");
  const text = whole.replace(STACK, "$1");
  const lines = text.slice(0, MAX_DRAFT).split("\n", MAX_LINES);
  if (!text && data?.files.length) {
    event.preventDefault();
    showHint(ONLY_TEXT);
    return;
  }
  const kept = lines.join("\n");
  if (!text || (isInserted && kept === copied && lines.length <= FEW_LINES)) return;
  event.preventDefault();
  insert(kept);
  if (kept !== text) showHint(CUT);
  else if (text !== whole) showHint(FEWER);
}

const isField = (target: EventTarget | null) => target instanceof HTMLInputElement || target === field;

field.addEventListener("paste", (event) => take(event, event.clipboardData, true));
document.addEventListener("dragover", (event) => {
  if (!room.hidden && !isField(event.target)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (hasFiles(event)) showHint(ONLY_TEXT);
  else if (!room.hidden && (event.target === field || !isField(event.target))) {
    take(event, event.dataTransfer, event.target === field);
  }
});
