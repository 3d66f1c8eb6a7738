/** Formatting of messages. markup-view.ts, which does it, is loaded when a message first contains what may format it. */

import { type Piece, splitLinks } from "chalice-chat-client";
import { byId, make } from "./dom.js";
import { splitMentions } from "./mentions.js";

/** A text without any of these is not formatted. */
const MARKER = /[`*_]|^ {0,3}(?:>|- |\d{1,3}\. )/m;

const log = byId("log", HTMLElement);

/** The texts of the messages that may be formatted once it is loaded, and whom they mention, by their bodies. */
const unformatted = new WeakMap<Element, { readonly text: string; readonly names: readonly string[] }>();
let view: typeof import("./markup-view.js") | null = null;
let isLoading = false;
let changeLog = (change: () => void) => change();

/** Let `change` do what changes messages that are shown already. */
export function onLateFormatting(change: typeof changeLog): void {
  changeLog = change;
}

/** Show the text of a message in its body, and mark `@Name` in it. Return the body, or the formatted one in its place. */
export function fill(body: HTMLElement, text: string, names: readonly string[] = []): HTMLElement {
  body.append(...splitLinks(text).map(nodeOf));
  const isMarked = MARKER.test(text);
  const shown = (isMarked && view?.formattedBody(body, text)) || body;
  if (isMarked && !view) {
    unformatted.set(body, { text, names });
    void load();
  }
  markNames(shown, names);
  return shown;
}

function markNames(body: Element, names: readonly string[]): void {
  if (names.length === 0) return;
  for (const node of [...body.childNodes]) {
    if (node instanceof Element && !node.matches("a, code, pre, [hidden]")) markNames(node, names);
    if (node.nodeType !== Node.TEXT_NODE || !node.textContent?.includes("@")) continue;
    const parts = splitMentions(node.textContent, names);
    node.replaceWith(...parts.map(({ text, name }) => (name ? make("bdi", "at", text) : text)));
  }
}

/** Return the selected text of a body as it was typed, or null if the browser copies it as well. */
export function typedText(range: Range, body: Element): string | null {
  return view && body.tagName === "DIV" ? view.typedText(range, body) : null;
}

async function load(): Promise<void> {
  if (isLoading) return;
  isLoading = true;
  try {
    view = await import("./markup-view.js");
    changeLog(formatShown);
  } catch (error) {
    // Without connection, or after a deployment. The messages stay as they were typed, and the next one tries again.
    console.warn(`formatting: ${(error as Error).message}`);
  } finally {
    isLoading = false;
  }
}

function formatShown(): void {
  for (const body of log.querySelectorAll<HTMLElement>("p.body")) {
    const { text, names = [] } = unformatted.get(body) ?? {};
    const formatted = text === undefined ? null : view?.formattedBody(body, text);
    if (!formatted) continue;
    markNames(formatted, names);
    const line = body.parentElement;
    line?.setAttribute("aria-live", "off"); // it has been announced
    if (line?.nextElementSibling?.classList.contains("fold")) line.nextElementSibling.remove(); // it is measured again
    formatted.classList.remove("folded", "whole");
    body.replaceWith(formatted);
  }
}

/** Return a link or a text between links. */
export function nodeOf({ text, href, host }: Piece): Node | string {
  if (!href) return text;
  const link = make("a", "", text);
  link.href = href;
  link.dir = "ltr"; // among text of the other direction, the parts of an address would change places
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  if (host) link.append(" ", make("span", "host", `(${host})`));
  return link;
}
