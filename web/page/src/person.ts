/** The name of a person: in a colour of their own, and with marks that nobody can imitate in a name. */

import type { PresentMember } from "chalice-chat-client";
import { make } from "./dom.js";

/** How many colours the style sheet defines: `--person-1` and so on. */
const COLOURS = 8;

/** The colours of the people in sight. */
let chosen: ReadonlyMap<string, number> = new Map();

/** Build the element of a person's name, with marks. */
export function personName(member: PresentMember): HTMLElement {
  const name = make("bdi", "", member.name);
  name.dataset.person = member.id;
  paint(name);
  const marks = marksOf(member);
  if (marks.length === 0) return name;
  const marked = make("span");
  marked.append(name, ...marks.flatMap((mark) => [" ", mark]));
  return marked;
}

/** Give each of the people in sight a colour, also where they are shown already. */
export function showColours(ids: Iterable<string>): void {
  const before = chosen;
  chosen = chooseColours(ids);
  const isSame = chosen.size === before.size && [...chosen].every(([id, colour]) => before.get(id) === colour);
  if (isSame) return;
  for (const name of document.querySelectorAll<HTMLElement>("[data-person]")) paint(name);
}

/**
 * Choose a colour, 1 to 8, for each id. Two share one only if there are more than eight ids.
 *
 * Only the ids count, so everyone who sees the same people sees the same colours. Each id first tries the colour that follows
 * from it alone; the others are for those who did not get theirs. So few colours change when somebody comes.
 */
export function chooseColours(ids: Iterable<string>): ReadonlyMap<string, number> {
  const colours = new Map<string, number>();
  const taken = new Set<number>();
  let waiting = [...new Set(ids)].sort();
  for (let step = 0; step < COLOURS && taken.size < COLOURS; step += 1) {
    waiting = waiting.filter((id) => {
      const colour = 1 + ((hashOf(id) + step) % COLOURS);
      if (taken.has(colour)) return true;
      taken.add(colour);
      colours.set(id, colour);
      return false;
    });
  }
  for (const id of waiting) colours.set(id, 1 + (hashOf(id) % COLOURS));
  return colours;
}

function paint(name: HTMLElement): void {
  const id = name.dataset.person ?? "";
  name.style.color = `var(--person-${chosen.get(id) ?? 1 + (hashOf(id) % COLOURS)})`;
}

function hashOf(id: string): number {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return hash;
}

function marksOf({ role, verified, bot, mutedUntil }: PresentMember): HTMLElement[] {
  const marks: HTMLElement[] = [];
  if (role) marks.push(make("span", "mark", role));
  if (verified) marks.push(signedIn());
  if (bot) marks.push(make("span", "mark", "bot"));
  if (mutedUntil) marks.push(make("span", "mark", "muted"));
  return marks;
}

function signedIn(): HTMLElement {
  const mark = make("span", "mark", "✓");
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", "signed in");
  mark.title = "Signed in: the name is that of the account";
  return mark;
}
