/** The name of a person, in the colour of this name. */

import type { Member } from "chalice-chat-client";
import { make } from "./dom.js";

/** How many colours the style sheet defines: `--person-1` and so on. */
const COLOURS = 8;

/** Build the element of a person's name, or of a bot's with a mark. */
export function personName({ name, bot }: Member): HTMLElement {
  const element = make("bdi", "", name);
  element.style.color = `var(--person-${colourOf(name)})`;
  if (!bot) return element;
  const marked = make("span");
  marked.append(element, " ", make("span", "mark", "bot"));
  return marked;
}

/** Return the number of a person's colour, 1 to 8. A name keeps its colour in every room and after every reconnect. */
export function colourOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return 1 + (hash % COLOURS);
}
