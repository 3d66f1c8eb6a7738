/** Conversations as text: what is copied, and what is saved. */

import type { Message } from "chalice-chat-client";
import { formatMoment } from "./dates.js";
import { typedText } from "./formatting.js";
import { quotedLine } from "./quote-view.js";
import { counted } from "./text.js";

/** Return a message as a line that says who has written it, and when. `text` is what of it is wanted. */
export function transcriptLine({ sender, sentAt, message }: Message, text = message): string {
  return `[${dateOf(sentAt)}] ${sender.name}: ${text}`;
}

/** Return what of the log is selected as text, or null if the browser copies that as it is: a part of one message, or nothing of any. */
export function selectedText(log: Element, messageOf: (entry: HTMLElement) => Message | undefined): string | null {
  const selection = document.getSelection();
  if (!selection?.rangeCount) return null;
  const range = selection.getRangeAt(0);
  const start = bodyAround(range.startContainer);
  if (start && start === bodyAround(range.endContainer)) return typedText(range, start);
  const lines: string[] = [];
  for (const entry of log.querySelectorAll<HTMLElement>(":scope > ol > li:not([hidden])")) {
    if (!range.intersectsNode(entry)) continue;
    const body = entry.querySelector(".body");
    const message = messageOf(entry);
    if (!body) lines.push([...entry.childNodes].map(textWithoutButtons).join("").trim());
    else if (message && range.intersectsNode(body)) lines.push(transcriptLine(message, partIn(body, range)));
  }
  return lines.join("\n") || null; // of a name, a time or a date
}

/** Return a conversation as a text file. */
export function transcript(room: string, messages: readonly Message[], isComplete: boolean): string {
  const shown = messages.filter(({ isIgnored }) => !isIgnored);
  const missing = messages.length - shown.length;
  return [
    room,
    `Saved on ${dateOf(new Date())}: ${counted(shown.length, "message")}.`,
    isComplete ? "These are all that the chat still keeps." : "Earlier messages are not in this file.",
    ...(missing ? [`Left out: ${counted(missing, "message")} of people whom you ignore.`] : []),
    "",
    ...shown.map(entryOf),
    "",
  ].join("\n");
}

/** Return a message with the one that it answers, and its reactions. */
function entryOf(message: Message): string {
  const { replyTo, quote, editedAt, reactions } = message;
  const quoted = quote
    ? `${quote.isIgnored ? "" : `${quote.sender.name}: `}${quotedLine(quote)}`
    : "a message that is not in this file";
  return [
    ...(replyTo === undefined ? [] : [`> ${quote === null ? "a deleted message" : quoted}`]),
    `${transcriptLine(message)}${editedAt ? " (edited)" : ""}`,
    ...(reactions.length ? [`  ${reactions.map(({ reaction, count }) => `${reaction} ${count}`).join(", ")}`] : []),
  ].join("\n");
}

function dateOf(time: string | Date): string {
  return formatMoment(new Date(time));
}

function bodyAround(node: Node): Element | null {
  return (node instanceof Element ? node : node.parentElement)?.closest(".body") ?? null;
}

function partIn(body: Element, range: Range): string {
  const part = range.cloneRange();
  if (!body.contains(range.startContainer)) part.setStart(body, 0);
  if (!body.contains(range.endContainer)) part.setEnd(body, body.childNodes.length);
  return typedText(part, body) ?? part.toString();
}

function textWithoutButtons(node: Node): string {
  return node.nodeName === "BUTTON" ? "" : (node.textContent ?? "");
}
