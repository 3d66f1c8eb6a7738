/** Names after an `@` in a text. */

import { type Member, splitLinks } from "chalice-chat-client";

const WORD = /[\p{L}\p{N}_]/u;
/** Scripts that write words without spaces, or particles directly after a word: there, a marker may touch a letter. */
export const UNSPACED = String.raw`\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}`;
/** The code that markup.ts shows: blocks, and between as many backticks. Within a word, a backtick is an apostrophe. */
const CODE = new RegExp(
  [
    String.raw`(?<!\x60)(\x60{3,})(?!\x60)[^\x60\n]*\n[^]*?\1\x60*[ \t]*$`,
    String.raw`^[ \t]*\x60{3,}[\w+#.-]*[ \t]*$[^]*`, // not closed yet
    String.raw`(?:(?<![\x60\p{L}\p{N}\p{M}])|(?<=[${UNSPACED}]))(\x60+)(?!\x60)[^\n]*?(?<!\x60)\2(?!\x60)`,
  ].join("|"),
  "gmu",
);

/** Return a text with spaces in place of its code and links: `@property` and the `@name` of an address are nobody. */
export function proseOf(text: string): string {
  const blank = (part: string) => " ".repeat(part.length);
  const pieces = splitLinks(text.replace(CODE, blank));
  return pieces.map((piece) => (piece.href ? blank(piece.text) : piece.text)).join("");
}

/** Test whether the character at an index is at the start of a text, or after a space or punctuation. */
export function beginsWord(text: string, index: number): boolean {
  return !WORD.test(charBefore(text, index));
}

/**
 * Return the members of whose names a part begins with what somebody has written, without case and diacritics. A name that is
 * written already comes first: Enter must not take "Bo Lee" for `@Bo`.
 */
export function namesLike(written: string, members: readonly Member[]): Member[] {
  const wanted = fold(written);
  if (/^\s|\n/.test(written)) return [];
  const isLike = ({ name }: Member) => {
    const folded = fold(name);
    // What is complete needs no completion.
    if (`${folded} `.length <= wanted.length) return false;
    return folded.startsWith(wanted) || folded.split(/[^\p{L}\p{N}_]+/u).some((part) => part.startsWith(wanted));
  };
  const isWritten = ({ name }: Member) => Number(fold(name) === wanted);
  return members.filter(isLike).sort((one, other) => isWritten(other) - isWritten(one));
}

/** Return the ids of the members whose `@Name` is in a text. Of several members of one name, the first is meant. */
export function findMentions(text: string, members: readonly Member[]): string[] {
  const byName = new Map<string, string>();
  for (const { name, id } of members) if (!byName.has(name)) byName.set(name, id);
  const found = splitMentions(text, [...byName.keys()]).flatMap(({ name }) => byName.get(name ?? "") ?? []);
  return [...new Set(found)];
}

export interface Part {
  readonly text: string;
  /** The name that is mentioned. Absent between mentions. */
  readonly name?: string;
}

/**
 * Split a text into `@Name`, for each of the names, and what is between. Of `@Ann` and `@Ann Lee`, the longer one counts. Upper
 * and lower case differ only between two names.
 */
export function splitMentions(text: string, names: readonly string[]): Part[] {
  const longest = [...names].filter(Boolean).sort((one, other) => other.length - one.length);
  const parts: Part[] = [];
  let end = 0;
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    if (at < end || !beginsWord(text, at)) continue;
    const written = (name: string) => text.slice(at + 1, at + 1 + name.length);
    const isLike = (name: string) => written(name).toLowerCase() === name.toLowerCase();
    const [first, ...others] = longest.filter((one) => isLike(one) && endsAt(text, at + 1 + one.length));
    if (first === undefined) continue;
    const name = others.find((one) => written(first) === one) ?? first;
    if (at > end) parts.push({ text: text.slice(end, at) });
    end = at + 1 + name.length;
    parts.push({ text: text.slice(at, end), name });
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}

// In scripts without spaces, the next word follows at once: "@田中さん".
function endsAt(text: string, index: number): boolean {
  const next = String.fromCodePoint(text.codePointAt(index) ?? 0);
  return !WORD.test(next) || !/[\p{Script=Latin}\p{N}_]/u.test(next);
}

function charBefore(text: string, index: number): string {
  return [...text.slice(Math.max(0, index - 2), index)].at(-1) ?? "";
}

function fold(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}
