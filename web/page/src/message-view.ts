/** The elements of one message, and its grouping with the previous message. */

import type { Message } from "chalice-chat-client";
import { DATE_LANGUAGE, formatMoment, timeOf } from "./dates.js";
import { make, setText } from "./dom.js";
import { fill } from "./formatting.js";
import { continues, type Placement, startsDay } from "./grouping.js";
import { personName } from "./person.js";
import { quoteOf } from "./quote-view.js";
import { counted, isEmoji } from "./text.js";

const DAY: Intl.DateTimeFormatOptions = { dateStyle: "full" };
const MOMENT: Intl.DateTimeFormatOptions = { dateStyle: "full", timeStyle: "medium" };

/** Less than half a line that is cut off is only what a font adds. */
const FOLDED_FROM_PX = 10;

/** Return the name of a member, "" if it is not known. */
type NameOf = (memberId: string) => string;

const placements = new WeakMap<Element, Placement>();

/** The ignored messages, by entry: their sender. */
const ignored = new WeakMap<Element, string>();

export function messageEntry(message: Message, nameOf: NameOf): HTMLLIElement {
  const { sender, sentAt, sequence, isOwn } = message;
  const entry = make("li", isOwn ? "message own" : "message");
  const head = make("p", "head");
  head.append(personName(sender));
  entry.dataset.sequence = String(sequence);
  entry.append(head);
  placements.set(entry, { sender, moment: new Date(sentAt) });
  showContent(entry, message, nameOf);
  return entry;
}

/** Show the text of a message in its entry, below what it answers. One that was shown whole is again. */
export function showContent(entry: Element, message: Message, nameOf: NameOf): void {
  const { sequence, sentAt, editedAt } = message;
  const aside = make("span", "aside");
  aside.append(timeOf(new Date(sentAt)));
  titleOf(aside.firstElementChild, sentAt);
  if (editedAt) {
    const edited = make("span", "edited", "(edited)");
    titleOf(edited, editedAt);
    aside.append(" ", edited);
  }
  if (message.isMention) aside.prepend(make("span", "mark", "@you"), " ");
  entry.classList.toggle("mentioned", message.isMention);
  const line = lineOf(message.message, aside, message.mentions.map(nameOf));
  line.firstElementChild?.setAttribute("id", bodyIdOf(sequence));
  if (entry.querySelector(".whole")) line.firstElementChild?.classList.add("whole");
  for (const former of entry.querySelectorAll(".quote, .line, .fold")) former.remove();
  entry.querySelector(".head")?.after(...[quoteOf(message), line].filter((part) => part !== null));
}

function titleOf(element: Element | null, time: string): void {
  element?.setAttribute("title", formatMoment(new Date(time), MOMENT));
}

/** Build the entry of a message of somebody whom the visitor ignores. `arrangeMessages` shows one line for several in a row. */
export function ignoredEntry({ sender, sequence }: Message, unignore: (memberId: string) => void): HTMLLIElement {
  const entry = make("li", "notice ignored");
  const button = make("button", "plain unignore", "Ignore no longer");
  button.type = "button";
  button.addEventListener("click", () => unignore(sender.id));
  entry.dataset.sequence = String(sequence);
  entry.setAttribute("aria-live", "off"); // nobody wants to hear of each
  entry.append(make("span"), " ", button);
  ignored.set(entry, sender.id);
  return entry;
}

/** Return the id of the element with the text of a message. */
export function bodyIdOf(sequence: number): string {
  return `message-${sequence}`;
}

/** Build the line of a message: its text, with an element beside it (its time or its delivery state), and `@Name` marked. */
export function lineOf(message: string, aside: HTMLElement, names: readonly string[] = []): HTMLElement {
  const body = make("p", isEmoji(message) ? "body emoji" : "body");
  const line = make("div", "line");
  body.dir = "auto";
  line.append(fill(body, message, names), aside);
  return line;
}

/**
 * Show the date above the first message of each day, hide the name in messages that continue a group, and count the ignored
 * ones.
 */
export function arrangeMessages(entries: readonly HTMLElement[]): void {
  countIgnored(entries);
  let previous: Placement | null = null;
  let isInterrupted = false;
  for (const entry of entries) {
    const placement = placements.get(entry);
    if (placement) {
      entry.classList.toggle("continued", !isInterrupted && continues(placement, previous));
      showDay(entry, startsDay(placement, previous) ? placement.moment : null);
      previous = placement;
    }
    isInterrupted = !placement;
  }
}

/** The messages whose height is known. */
let measured = new WeakSet<Element>();

/** Let messages that the style sheet cuts off be shown whole. Call `changed` when one was. */
export function foldTall(log: Element, changed: () => void): void {
  for (const body of log.querySelectorAll<HTMLElement>(".body")) {
    if (measured.has(body)) continue;
    measured.add(body);
    const isFolded = body.parentElement?.nextElementSibling?.classList.contains("fold");
    if (isFolded) continue;
    const wasWhole = body.classList.contains("whole");
    body.classList.remove("whole");
    if (body.scrollHeight <= body.clientHeight + FOLDED_FROM_PX) continue;
    const button = make("button", "plain fold");
    const show = (isWhole: boolean) => {
      body.classList.toggle("whole", isWhole);
      button.setAttribute("aria-expanded", String(isWhole));
      setText(button, isWhole ? "Show less" : "Show all");
    };
    button.type = "button";
    button.addEventListener("click", () => {
      const isWhole = !body.classList.contains("whole");
      show(isWhole);
      if (!isWhole) button.scrollIntoView({ block: "nearest" });
      changed();
    });
    show(wasWhole);
    body.classList.add("folded");
    body.parentElement?.after(button);
  }
}

/** Measure all messages again: their width has changed. */
export function forgetHeights(): void {
  measured = new WeakSet();
}

/** Show the first of several ignored messages of one person in a row, with their number. */
function countIgnored(entries: readonly HTMLElement[]): void {
  let first: HTMLElement | undefined;
  let count = 0;
  for (const entry of entries) {
    const sender = ignored.get(entry);
    const continuesRow = sender !== undefined && first !== undefined && ignored.get(first) === sender;
    count = continuesRow ? count + 1 : 1;
    if (!continuesRow) first = sender === undefined ? undefined : entry;
    if (sender === undefined) continue;
    entry.hidden = continuesRow;
    const text = first?.firstElementChild;
    if (text) setText(text, `${counted(count, "message")} of somebody you ignore.`);
  }
}

function showDay(entry: Element, moment: Date | null): void {
  const shown = entry.querySelector(".day");
  if (!moment) shown?.remove();
  if (!moment || shown) return;
  const day = make("p", "day", formatMoment(moment, DAY));
  day.lang = DATE_LANGUAGE;
  entry.prepend(day);
}
