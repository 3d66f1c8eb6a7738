/** Sentences between the messages, about people who come and go. Several in a row are one sentence. */

import type { Member, RoomNotice } from "chalice-chat-client";
import { make } from "./dom.js";

const VERBS: Readonly<Partial<Record<RoomNotice["type"], string>>> = { join: "joined", leave: "left" };
const MAX_NAMES = 3;

interface Group {
  readonly type: RoomNotice["type"];
  readonly entry: HTMLLIElement;
  readonly members: Map<string, Member>;
}

let last: Group | null = null;

/** Return the entry of a notice. It is `previous`, if that one is about the same, and now tells of both. */
export function noticeEntry({ type, member, message }: RoomNotice, previous: Element | null): HTMLLIElement {
  const verb = VERBS[type];
  if (!verb) return plainNotice(message);
  const isSame = last !== null && last.type === type && last.entry === previous;
  const group: Group = isSame && last ? last : { type, entry: plainNotice(""), members: new Map() };
  last = group;
  group.members.set(member.id, member);
  group.entry.replaceChildren(...sentenceOf([...group.members.values()], verb));
  return group.entry;
}

/** Return the entry of a sentence that stands alone. */
export function plainNotice(text: string): HTMLLIElement {
  const entry = make("li", "notice", text);
  entry.dir = "auto";
  return entry;
}

/** Build a sentence such as "Anna, Bert and 8 others joined". Names are isolated, whatever their script. */
function sentenceOf(members: readonly Member[], verb: string): (Node | string)[] {
  const named = members.slice(0, members.length > MAX_NAMES ? MAX_NAMES - 1 : MAX_NAMES);
  const others = members.length - named.length;
  const parts: (Node | string)[] = [];
  named.forEach(({ name }, index) => {
    const isLast = index === named.length - 1 && others === 0;
    if (index > 0) parts.push(isLast ? " and " : ", ");
    parts.push(make("bdi", "", name));
  });
  if (others) parts.push(` and ${others.toLocaleString("en")} others`);
  return [...parts, ` ${verb}`];
}
