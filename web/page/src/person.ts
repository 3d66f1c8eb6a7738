/** The name of a person, in the colour of this name. */

import { make } from "./dom.js";

/** How many colours the style sheet defines: `--person-1` and so on. */
const COLOURS = 8;

/** Build the element of a person's name. */
export function personName(name: string): HTMLElement {
  const element = make("bdi", "", name);
  element.style.color = `var(--person-${colourOf(name)})`;
  return element;
}

/** Return the number of a person's colour, 1 to 8. A name keeps its colour in every room and after every reconnect. */
export function colourOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) % 65_521;
  return 1 + (hash % COLOURS);
}
