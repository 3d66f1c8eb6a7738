/** The message that another one answers, above its text. */

import { cutText, type Message, type PendingMessage, type Quote } from "chalice-chat-client";
import { make } from "./dom.js";

const MAX_LENGTH = 120;
const FENCE = /^\s*(?:`{3,}[\w+#.-]*\s*)?$/;

export interface QuoteHandlers {
  /** Scroll to a message. */
  showMessage(sequence: number): void;
  /** Read a message that is not loaded. */
  loadQuote(sequence: number): void;
  /** Whether quoted messages are read as soon as they are in sight: in large rooms, everybody would do that at once. */
  isSmall(): boolean;
}

let handlers: QuoteHandlers | null = null;

export function enter(newHandlers: QuoteHandlers | null): void {
  handlers = newHandlers;
}

/** Return the first line of a quoted message as text. That of a code block is the first one of the code. */
export function quotedLine({ message, isIgnored }: Quote): string {
  if (isIgnored) return "A message of somebody you ignore";
  const lines = message.trim().split("\n");
  const line = lines.find((one) => !FENCE.test(one)) ?? lines[0] ?? "";
  const cut = cutText(line, MAX_LENGTH);
  return cut === message.trim() ? line : `${cut}…`;
}

/** Return the element of the quote, null if a message answers none. */
export function quoteOf({ replyTo, quote }: Pick<Message, "replyTo" | "quote"> | PendingQuote): HTMLElement | null {
  if (replyTo === undefined) return null;
  if (quote === null) return make("p", "quote", "A deleted message");
  const button = make("button", "quote");
  button.type = "button";
  button.tabIndex = -1;
  if (quote === undefined) {
    button.textContent = "Show the quoted message";
    button.addEventListener("click", () => handlers?.loadQuote(replyTo));
    button.dataset.unread = String(replyTo);
    sight.observe(button);
    return button;
  }
  button.title = "Go to this message";
  const name = make("bdi", "name", quote.isIgnored ? "" : quote.sender.name);
  const text = make("bdi", "", quotedLine(quote));
  button.append(name, " ", text);
  button.addEventListener("click", () => handlers?.showMessage(replyTo));
  return button;
}

type PendingQuote = Pick<PendingMessage, "replyTo"> & { readonly quote: Quote | null | undefined };

const sight = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting || document.hidden || !handlers?.isSmall()) continue;
    sight.unobserve(target);
    handlers.loadQuote(Number((target as HTMLElement).dataset.unread));
  }
});
