/** Sentences between the messages, about what people do. Several who come or go in a row are one sentence. */

import type { Member, Report, RoomNotice } from "chalice-chat-client";
import { momentOf } from "./dates.js";
import { make } from "./dom.js";

type Part = Node | string;

const VERBS: Readonly<Partial<Record<RoomNotice["type"], string>>> = { join: "joined", leave: "left" };
const MAX_NAMES = 3;

interface Group {
  readonly type: RoomNotice["type"];
  readonly entry: HTMLLIElement;
  readonly members: Map<string, Member>;
}

let last: Group | null = null;

/**
 * Return the entry of a notice. It is `previous`, if that one is about the same, and now tells of both. `selfId` is the
 * member id of the visitor.
 */
export function noticeEntry(notice: RoomNotice, previous: Element | null, selfId: string | undefined): HTMLLIElement {
  const { type, member } = notice;
  const verb = VERBS[type];
  if (!verb) return entryOf(sentenceOf(notice, selfId));
  const isSame = last !== null && last.type === type && last.entry === previous;
  const group: Group = isSame && last ? last : { type, entry: entryOf([]), members: new Map() };
  last = group;
  group.members.set(member.id, member);
  group.entry.replaceChildren(...enumeration([...group.members.values()], verb));
  return group.entry;
}

/** Return the entry of a sentence that stands alone. */
export function plainNotice(text: string): HTMLLIElement {
  return entryOf([text]);
}

/** Return the entry of a report, with a button that shows the message. The author is absent if the message is not there. */
export function reportEntry({ sender, reason }: Report, author: Member | undefined, show: () => void): HTMLLIElement {
  const entry = entryOf([isolated(sender.name), " reported a message"]);
  if (author) entry.append(" of ", isolated(author.name));
  if (reason) entry.append(": “", isolated(reason), "”");
  const button = make("button", "plain", "Show the message");
  button.type = "button";
  button.addEventListener("click", show);
  entry.append(" ", button);
  return entry;
}

function entryOf(parts: readonly Part[]): HTMLLIElement {
  const entry = make("li", "notice");
  entry.dir = "auto";
  entry.append(...parts);
  return entry;
}

/** Return a text that has no effect on the order of those around it, whatever its script and its control characters. */
function isolated(text: string): HTMLElement {
  return make("bdi", "", text);
}

function sentenceOf(notice: RoomNotice, selfId: string | undefined): Part[] {
  const { type, member, subject, message } = notice;
  const doer = isolated(member.name);
  const other = subject && (subject.id === selfId ? "you" : isolated(subject.name));
  if (type === "rename" && notice.formerName !== undefined) return [isolated(notice.formerName), " is now ", doer];
  if (type === "removed" && other) {
    return [doer, " removed ", other, notice.messagesDeleted ? " and deleted their messages" : ""];
  }
  if (type === "muted" && other) {
    return notice.until
      ? [doer, " muted ", other, " until ", momentOf(notice.until)]
      : [doer, " let ", other, " write again"];
  }
  if (type === "role" && other) {
    return [doer, " made ", other, notice.role === "moderator" ? " a moderator" : " a plain member again"];
  }
  // A sentence of the server begins with the name of who has done it.
  return message.startsWith(member.name) ? [doer, isolated(message.slice(member.name.length))] : [isolated(message)];
}

/** Build a sentence such as "Anna, Bert and 8 others joined". */
function enumeration(members: readonly Member[], verb: string): Part[] {
  const named = members.slice(0, members.length > MAX_NAMES ? MAX_NAMES - 1 : MAX_NAMES);
  const others = members.length - named.length;
  const parts: Part[] = [];
  named.forEach(({ name }, index) => {
    const isLast = index === named.length - 1 && others === 0;
    if (index > 0) parts.push(isLast ? " and " : ", ");
    parts.push(isolated(name));
  });
  if (others) parts.push(` and ${others.toLocaleString("en")} others`);
  return [...parts, ` ${verb}`];
}
