/** The elements of one message, and its grouping with the previous message. */

import type { Message } from "chalice-chat-client";
import { make } from "./dom.js";
import { continues, type Placement, startsDay } from "./grouping.js";
import { splitLinks } from "./links.js";
import { personName } from "./person.js";
import { isEmoji } from "./text.js";

const placements = new WeakMap<Element, Placement>();

export function messageEntry({ message, sender, sentAt, sequence, isOwn }: Message): HTMLLIElement {
  const moment = new Date(sentAt);
  const entry = make("li", isOwn ? "message own" : "message");
  const head = make("p", "head");
  head.append(personName(sender));
  entry.dataset.sequence = String(sequence);
  const line = lineOf(message, timeOf(moment));
  line.firstElementChild?.setAttribute("id", bodyIdOf(sequence));
  entry.append(head, line);
  placements.set(entry, { senderId: sender.id, senderName: sender.name, moment });
  return entry;
}

/** Return the id of the element with the text of a message. */
export function bodyIdOf(sequence: number): string {
  return `message-${sequence}`;
}

/** Build the line of a message: its text, with an element beside it (its time or its delivery state). */
export function lineOf(message: string, aside: HTMLElement): HTMLElement {
  const body = make("p", isEmoji(message) ? "body emoji" : "body");
  const line = make("div", "line");
  body.dir = "auto";
  body.append(...splitLinks(message).map(({ text, href }) => (href ? linkTo(href, text) : text)));
  line.append(body, aside);
  return line;
}

/** Show the date above the first message of each day, and hide the name in messages that continue a group. */
export function arrangeMessages(entries: readonly Element[]): void {
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

function showDay(entry: Element, moment: Date | null): void {
  const shown = entry.querySelector(".day");
  if (!moment) shown?.remove();
  else if (!shown) entry.prepend(make("p", "day", moment.toLocaleDateString([], { dateStyle: "full" })));
}

function timeOf(moment: Date): HTMLElement {
  const time = make("time", "", moment.toLocaleTimeString([], { timeStyle: "short" }));
  time.dateTime = moment.toISOString();
  time.title = moment.toLocaleString([], { dateStyle: "full", timeStyle: "medium" });
  return time;
}

function linkTo(href: string, text: string): HTMLElement {
  const link = make("a", "", text);
  link.href = href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  return link;
}
