/** DOM helpers. */

import { cutText } from "chalice-chat-client";

/** Return the element with an id of index.html. Throws an Error if there is none of this class. */
export function byId<Type extends Element>(id: string, type: abstract new () => Type): Type {
  const element = document.getElementById(id);
  if (element instanceof type) return element;
  throw new Error(`expected an element ${type.name} with the id ${id}`);
}

export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  className = "",
  text = "",
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/**
 * Limit the lengths of the page's fields to their `maxlength`, as the server counts: an emoji of one code point is one, and
 * no grapheme is cut. Browsers count UTF-16 units, and Firefox cuts between any two of them.
 */
export function limitLengths(): void {
  for (const field of document.querySelectorAll<HTMLInputElement>("input[maxlength]")) {
    const { maxLength } = field;
    field.removeAttribute("maxlength");
    const limit = () => {
      const cut = cutText(field.value, maxLength);
      if (cut !== field.value) field.value = cut;
    };
    // An input method replaces its text by itself: it is cut when that is complete.
    field.addEventListener("input", (event) => (event as InputEvent).isComposing || limit());
    field.addEventListener("compositionend", limit);
  }
}

/** Set the text of an element only if it differs, so that live regions do not announce it twice. */
export function setText(element: Element, ...parts: (Node | string)[]): void {
  const text = parts.map((part) => (typeof part === "string" ? part : part.textContent)).join("");
  if (element.textContent !== text) element.replaceChildren(...parts);
}

/** Show a text in an element, or hide the element if there is none. */
export function showText(element: HTMLElement, ...parts: (Node | string)[]): void {
  element.hidden = !parts.some(Boolean);
  setText(element, ...parts);
}

/** Make `entries` the children of `list`. Moves as few as possible, so that a focused link or button keeps the focus. */
export function arrange(list: Element, entries: readonly Element[]): void {
  const wanted = new Set(entries);
  for (const entry of [...list.children]) {
    if (!wanted.has(entry)) entry.remove();
  }
  entries.forEach((entry, index) => {
    if (list.children[index] !== entry) list.insertBefore(entry, list.children[index] ?? null);
  });
}

/**
 * Test whether a key belongs to an input method: while it composes a character, Enter confirms that character. Safari ends
 * the composition before it reports that Enter, and gives it the code 229 (WebKit bug 165004).
 */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}

/** Test whether the focus is in a field: it is not to be taken from there after a slow response. */
export function isInField(): boolean {
  return document.activeElement?.matches("input, textarea") === true;
}

/** Test whether what is dragged or dropped contains files. */
export function hasFiles({ dataTransfer }: DragEvent): boolean {
  return dataTransfer?.types.includes("Files") === true;
}
