/** The reactions below a message: a button for each, which adds or removes the visitor's own. */

import type { Message, Reaction } from "chalice-chat-client";
import { arrange, make, setText } from "./dom.js";
import { counted } from "./text.js";

const MAX_NAMES = 10;

export interface ReactionHandlers {
  react(sequence: number, reaction: string, remove: boolean): void;
  /** Return the name of a member, undefined if it is not known. */
  nameOf(memberId: string): string | undefined;
}

/** Show the reactions of a message in its entry. Buttons that stay keep the focus, and those that go pass it on. */
export function showReactions(entry: Element, message: Message, handlers: ReactionHandlers): void {
  const before = [...entry.querySelectorAll(".chip")];
  const focused = before.indexOf(document.activeElement as Element);
  arrangeChips(entry, message, handlers);
  if (focused < 0 || before[focused]?.isConnected) return;
  const chips = entry.querySelectorAll<HTMLElement>(".chip");
  (chips[Math.min(focused, chips.length - 1)] ?? entry.querySelector<HTMLElement>(".act"))?.focus();
}

function arrangeChips(entry: Element, { sequence, reactions }: Message, handlers: ReactionHandlers): void {
  const list = entry.querySelector(".reactions");
  if (reactions.length === 0) {
    list?.remove();
    return;
  }
  const shown = list ?? make("div", "reactions");
  shown.setAttribute("aria-live", "off"); // nobody wants to hear of each
  const known = new Map([...shown.children].map((chip) => [(chip as HTMLElement).dataset.reaction, chip]));
  const chips = reactions.map((reaction) => {
    const chip = (known.get(reaction.reaction) ?? makeChip(sequence, reaction.reaction, handlers)) as HTMLElement;
    describe(chip, reaction, handlers);
    return chip;
  });
  arrange(shown, chips);
  if (!list) entry.append(shown);
}

/** Return who has a reaction, as a sentence part: "You, Aki and 3 others". */
export function namesOf({ members, count, isOwn }: Reaction, nameOf: (id: string) => string | undefined): string {
  const others = members.map(nameOf).filter((name) => name !== undefined && name !== "");
  const names = [...(isOwn ? ["You"] : []), ...others].slice(0, MAX_NAMES);
  const unknown = count - names.length;
  const all = unknown > 0 ? [...names, counted(unknown, names.length ? "other" : "person")] : names;
  return all.length > 1 ? `${all.slice(0, -1).join(", ")} and ${all.at(-1)}` : (all[0] ?? "");
}

function makeChip(sequence: number, reaction: string, { react }: ReactionHandlers): HTMLButtonElement {
  const chip = make("button", "chip");
  chip.type = "button";
  chip.tabIndex = -1;
  chip.dataset.reaction = reaction;
  chip.append(make("bdi", "", reaction), " ", make("span"));
  chip.addEventListener("click", () => react(sequence, reaction, chip.matches("[aria-pressed=true]")));
  return chip;
}

function describe(chip: HTMLElement, reaction: Reaction, { nameOf }: ReactionHandlers): void {
  const names = namesOf(reaction, nameOf);
  const count = reaction.count.toLocaleString("en");
  if (chip.lastElementChild) setText(chip.lastElementChild, count);
  chip.title = names;
  chip.setAttribute("aria-label", `${reaction.reaction} ${count}: ${names}`);
  chip.setAttribute("aria-pressed", String(reaction.isOwn));
}
