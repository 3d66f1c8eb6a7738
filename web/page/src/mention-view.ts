/**
 * Completion of names after an `@` in the field of the composer, and the ids of those who are mentioned. The field keeps the
 * focus; it has no role `combobox`, which HTML does not allow for a field of several lines.
 */

import type { Member } from "chalice-chat-client";
import { arrange, byId, make } from "./dom.js";
import { beginsWord, findMentions, namesLike, proseOf } from "./mentions.js";

const SHOWN = 6;

const field = byId("message", HTMLTextAreaElement);
const list = byId("names", HTMLUListElement);

let people: () => readonly Member[] = () => [];
/** The members that were chosen since the last message: two people may have one name. */
let chosen: readonly Member[] = [];
let offered: readonly Member[] = [];
let active = 0;
/** The index of the `@` in the field. */
let start = 0;

/** Offer these people, the likeliest first. */
export function enter(newPeople: () => readonly Member[]): void {
  people = newPeople;
  chosen = [];
  close();
}

/** Return the ids of those whom a text mentions by their names. The completion of the next text begins. */
export function mentionsIn(text: string): string[] {
  const found = findMentions(proseOf(text), [...chosen, ...people()]);
  chosen = [];
  return found;
}

/** These keys move the cursor away from the name. */
const AWAY = ["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"];

/** Handle a key while names are offered. Returns whether it is done. */
export function takesKey(event: KeyboardEvent): boolean {
  if (AWAY.includes(event.key)) close();
  if (list.hidden || event.ctrlKey || event.metaKey || event.altKey) return false;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const member = offered[active];
  if (step) activate((active + step + offered.length) % offered.length);
  else if (event.key === "Escape") close();
  else if (member && !event.shiftKey && (event.key === "Enter" || event.key === "Tab")) take(member);
  else return false;
  event.preventDefault();
  return true;
}

/** Offer the names that begin with what is written between an `@` and the cursor. */
function offer(): void {
  const cursor = field.selectionStart;
  start = proseOf(field.value.slice(0, cursor)).lastIndexOf("@");
  const isName = field.selectionEnd === cursor && start >= 0 && start < cursor && beginsWord(field.value, start);
  offered = isName ? namesLike(field.value.slice(start + 1, cursor), people()).slice(0, SHOWN) : [];
  if (offered.length === 0) {
    close();
    return;
  }
  arrange(list, offered.map(option));
  list.hidden = false;
  activate(0);
}

function option(member: Member, index: number): HTMLLIElement {
  const made = make("li");
  made.id = `name-${index}`;
  made.setAttribute("role", "option");
  made.append(make("bdi", "", member.name));
  // The field keeps the focus, and a phone its keyboard.
  made.addEventListener("pointerdown", (event) => event.preventDefault());
  made.addEventListener("click", () => take(member));
  return made;
}

function activate(index: number): void {
  active = index;
  [...list.children].forEach((made, position) => {
    made.setAttribute("aria-selected", String(position === index));
  });
  field.setAttribute("aria-activedescendant", `name-${index}`);
}

function take(member: Member): void {
  chosen = [...chosen, member];
  const end = field.selectionStart;
  const space = /^\s/.test(field.value.slice(end)) ? "" : " ";
  field.setRangeText(`@${member.name}${space}`, start, end, "end");
  close();
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
}

function close(): void {
  offered = [];
  list.hidden = true;
  field.removeAttribute("aria-activedescendant");
}

// Keyboards of phones compose every word.
field.addEventListener("input", offer);
field.addEventListener("compositionend", offer);
field.addEventListener("click", offer);
field.addEventListener("blur", close);
