import { hasGlyph } from "chalice-chat-client";

export const MAX_LENGTH = 4_000;

/** Return whether the server accepts a text as that of a message. */
export function isSendable(text: string): boolean {
  return hasGlyph(text) && surplusOf(text) <= 0;
}

/**
 * Return by how many characters a text is too long. As the server counts: an emoji is one character. `maxLength` would count two,
 * and cut what is pasted without a word.
 */
export function surplusOf(text: string): number {
  return [...text].length - MAX_LENGTH;
}
