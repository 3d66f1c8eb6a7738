/** Texts: whether something of them is visible, and where they can be cut. */

// The last ones are blank without a property that says so. Unassigned characters count as visible: an emoji may be newer.
const VISIBLE = /[^\p{Cc}\p{Cs}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\u{13441}\u{13442}\u{16fe4}\u{1d159}]/u;

/** Test whether a text has a visible glyph. The server rejects names and messages without one. */
export function hasGlyph(text: string): boolean {
  return VISIBLE.test(text);
}

/**
 * Return the longest start of a text that has at most `length` characters, as the server counts them, and ends with a whole
 * grapheme: an emoji of several characters is kept or left out.
 */
export function cutText(text: string, length: number): string {
  let left = length;
  let start = "";
  for (const grapheme of graphemesOf(text)) {
    left -= [...grapheme].length;
    if (left < 0) break;
    start += grapheme;
  }
  return start;
}

function* graphemesOf(text: string): Iterable<string> {
  // Firefox has it since version 125 of April 2024.
  if (!Intl.Segmenter) yield* text;
  else for (const { segment } of new Intl.Segmenter().segment(text)) yield segment;
}
