/**
 * Parser of what developers type to format: `code`, fenced blocks, *bold* and **bold**, _italic_, > quotes and lists.
 *
 * The result contains every character of the text: those that format are parts "mark", which are not shown. Markers apply within
 * their line, and never within links or code. Markers without a partner are text. The time is linear.
 *
 * Of the libraries, snarkdown 2.0 and slimdown-js 1.1 build HTML, and markdown-it 15 and micromark 4 are too large. All of them
 * format __init__ or 2*3*4, or do not format a word within Chinese text.
 */

import { type Piece, splitLinks } from "chalice-chat-client";
import { UNSPACED } from "./mentions.js";

export type Part = string | Piece | Formatted;

export interface Formatted {
  readonly tag: "strong" | "em" | "code" | "pre" | "blockquote" | "ul" | "ol" | "li" | "mark";
  readonly parts: readonly Part[];
  /** The typed number of an item of a list. */
  readonly number?: number;
  /** The text of a code block. */
  readonly code?: string;
}

interface Line {
  /** The part before the text, which does not belong to it: the line feed, and the markers of the blocks that contain the line. */
  readonly lead: string;
  readonly text: string;
}

interface Block {
  readonly element: Formatted;
  /** The index of the first line after it. */
  readonly end: number;
  /** The text before it in its first line. */
  readonly before?: string;
}

/** Deeper blocks are text: browsers limit the depth of elements. */
const MAX_DEPTH = 5;

const QUOTE = /^ {0,3}>(?: |$|(?=\p{L}|> ))/u;
const ITEM = /^( {0,3})(?:([*-])|(0|[1-9]\d{0,2})\.) +(?=\S)/;
const RULE = /^[ *-]+$/;
/** Added lines and headers of a patch: its removed lines are not items of a list. */
const PATCH = /^(?:\+(?!\d)|@@ )/;
const OPENING_FENCE = /(?<!`)`{3,}(?!`)(?=[^`]*$)/;
const CLOSING_FENCE = /(?<!`)(`{3,})\s*$/;
const LANGUAGE = /^[\w+#.-]*\s*$/;

const NOT_ASCII = String.raw`(?![\0-\x7f])`;
/** The characters that may stand before the opening marker, after it, and after the closing one. */
const BEFORE = new RegExp(String.raw`^$|[\s"'(*,[_{|\p{Cf}\ufe0f${UNSPACED}]|${NOT_ASCII}[\p{P}\p{S}]`, "u");
const FIRST = new RegExp(String.raw`[\p{L}\p{N}!"#$&'(*+<@[_\x60{-]|${NOT_ASCII}[\p{Ps}\p{Pi}\p{Pf}\p{S}¡¿…]`, "u");
const AFTER = new RegExp(String.raw`^$|[^\p{L}\p{N}\p{M}]|[${UNSPACED}]`, "u");
const WORD = /[\p{L}\p{N}]/u;
const STYLES: Readonly<Record<string, "strong" | "em">> = { "*": "strong", "**": "strong", "***": "strong", _: "em" };

/** Return the parts of a text, or null if nothing in it is formatted. */
export function parse(text: string): readonly Part[] | null {
  const lines = text.split("\n").map((line, index) => ({ lead: index ? "\n" : "", text: line }));
  const parts = blocksOf(lines, 0);
  return parts.some((part) => typeof part === "object" && "tag" in part && part.tag !== "mark") ? parts : null;
}

function blocksOf(lines: readonly Line[], depth: number, isItem = false): Part[] {
  const parts: Part[] = [];
  const parseInner: ParseInner = (inner, isItem) => blocksOf(inner, depth + 1, isItem);
  const fenceAt = fenceFinder(lines);
  const hasPatch = lines.some(({ text }) => PATCH.test(text));
  let isAfterText = false;

  const addText = (lead: string, text: string) => {
    // The line feed after a block is not shown, nor are empty lines there.
    if (isAfterText) parts.push("\n");
    parts.push(...marks(isAfterText ? lead.slice(1) : lead), ...inlineParts(text));
    isAfterText ||= text.trim() !== "";
  };

  for (let index = 0; index < lines.length; ) {
    const { lead, text } = lines[index] as Line;
    // The first line of an item has no more markers: "- - -" is no list within a list.
    const mayNest = depth < MAX_DEPTH && !(isItem && index === 0);
    const nested = () => quoteAt(lines, index, parseInner) ?? listAt(lines, index, parseInner, hasPatch);
    const block = (mayNest ? nested() : null) ?? fenceAt(index);
    if (block?.before) addText(lead, block.before);
    if (block) {
      parts.push(block.element);
      isAfterText = false;
    } else {
      addText(lead, text);
    }
    index = block?.end ?? index + 1;
  }
  return parts;
}

type ParseInner = (lines: readonly Line[], isItem?: boolean) => Part[];

/** Return a function that returns the code block that starts in a line, if one does. Call it from the first line to the last. */
function fenceFinder(lines: readonly Line[]): (start: number) => Block | null {
  /** Fences of this length, and longer ones, are not closed in the remaining lines. */
  let unclosed = Number.POSITIVE_INFINITY;

  const findClosing = (start: number, length: number): number => {
    if (length >= unclosed) return -1;
    for (let index = start + 1; index < lines.length; index += 1) {
      if ((CLOSING_FENCE.exec(lines[index]?.text ?? "")?.[1]?.length ?? 0) >= length) return index;
    }
    unclosed = length;
    return -1;
  };

  return (start) => {
    const { lead, text } = lines[start] as Line;
    const opening = OPENING_FENCE.exec(text);
    if (!opening) return null;
    const [fence] = opening;
    const before = text.slice(0, opening.index);
    const after = text.slice(opening.index + fence.length);
    const span = codeSpans(text).find(({ end }) => end === opening.index + fence.length);
    if (span) {
      // Closed in its line: a block if nothing else is there.
      if (`${text.slice(0, span.start)}${after}`.trim()) return null;
      const content = { lead: "", text: text.slice(span.start + fence.length, opening.index) };
      return { element: codeBlock(lead + text.slice(0, span.start) + fence, [content], fence + after), end: start + 1 };
    }
    const closing = findClosing(start, fence.length);
    // A fence that is not closed: the message may be a part of a longer text.
    if (closing < 0 && (before.trim() || !LANGUAGE.test(after))) return null;
    let content = [{ lead: "", text: after }, ...lines.slice(start + 1, closing < 0 ? lines.length : closing)];
    const last = lines[closing] ?? { lead: "", text: "" };
    const end = CLOSING_FENCE.exec(last.text)?.index ?? 0;
    const isAlone = !last.text.slice(0, end).trim();
    if (!isAlone) content.push({ lead: last.lead, text: last.text.slice(0, end) });
    const close = isAlone ? last.lead + last.text : last.text.slice(end);
    if (isBlank(content)) return null;
    let open = before.trim() ? fence : lead + before + fence;
    // Behind a code that ends within a line, a word at its start is a part of it.
    if (isAlone ? LANGUAGE.test(after) && !isBlank(content.slice(1)) : !after.trim()) {
      const [, first, ...rest] = content as [Line, Line, ...Line[]];
      open += after + first.lead;
      content = [{ ...first, lead: "" }, ...rest];
    }
    const element = codeBlock(open, content, close);
    return { element, end: closing < 0 ? lines.length : closing + 1, ...(before.trim() && { before }) };
  };
}

function isBlank(lines: readonly Line[]): boolean {
  return !lines.some(({ text }) => text.trim());
}

function codeBlock(open: string, lines: readonly Line[], close: string): Formatted {
  const content = lines.flatMap(({ lead, text }, index) => [...(index ? ["\n", ...marks(lead.slice(1))] : []), text]);
  const code = lines.map(({ text }) => text).join("\n");
  return { tag: "pre", parts: [...marks(open), { tag: "code", parts: content }, ...marks(close)], code };
}

function quoteAt(lines: readonly Line[], start: number, parseInner: ParseInner): Block | null {
  const inner: Line[] = [];
  for (let index = start; index < lines.length; index += 1) {
    const { lead, text } = lines[index] as Line;
    const [marker] = QUOTE.exec(text) ?? [];
    // Where a quote starts, an empty line is text.
    if (!marker || (!inner.length && !text.slice(marker.length).trim())) break;
    inner.push({ lead: lead + marker, text: text.slice(marker.length) });
  }
  if (!inner.length) return null;
  return { element: { tag: "blockquote", parts: parseInner(inner) }, end: start + inner.length };
}

function listAt(lines: readonly Line[], start: number, parseInner: ParseInner, hasPatch: boolean): Block | null {
  const [, , bullet, number] = ITEM.exec(lines[start]?.text ?? "") ?? [];
  if (bullet ? hasPatch : !number) return null;
  const items: { readonly lines: Line[]; readonly number: string | undefined }[] = [];
  let end = start;
  /** The indentation of the lines that belong to the item, at least and at most. */
  let [least, most] = [0, 0];
  for (let index = start; index < lines.length; index += 1) {
    const { lead, text } = lines[index] as Line;
    const [space = ""] = /^\t| */.exec(text) ?? [];
    const item = items.at(-1);
    const [marker = "", indent = "", otherBullet, otherNumber] = ITEM.exec(text) ?? [];
    if (!text.trim()) continue;
    if (item && (space === "\t" || space.length >= least)) {
      item.lines.push(...lines.slice(end, index));
      const width = Math.min(space.length, most);
      item.lines.push({ lead: lead + text.slice(0, width), text: text.slice(width) });
    } else if (marker && otherBullet === bullet && !RULE.test(text)) {
      item?.lines.push(...lines.slice(end, index));
      items.push({ lines: [{ lead: lead + marker, text: text.slice(marker.length) }], number: otherNumber });
      [least, most] = [indent.length + 2, marker.length];
    } else {
      break;
    }
    end = index + 1;
  }
  // A single line that starts with an asterisk is a correction or a footnote.
  if (!items.length || (bullet === "*" && items.length === 1)) return null;
  const parts = items.map(({ lines, number }): Formatted => {
    return { tag: "li", parts: parseInner(lines, true), ...(number && { number: Number(number) }) };
  });
  return { element: { tag: bullet ? "ul" : "ol", parts }, end };
}

/** Return the inline parts of a line: code, links, and what is emphasized. */
function inlineParts(text: string): Part[] {
  const parts: Part[] = [];
  /** The markers that may be closed: their place in `parts`, and the number of words and links before them. */
  const open = new Map<string, { readonly place: number; readonly words: number }>();
  let words = 0;

  const addWords = (piece: string) => {
    if (WORD.test(piece)) words += 1;
    if (piece) parts.push(piece);
  };

  const addMarker = (marker: string, start: number) => {
    const before = characterBefore(text, start);
    const after = characterAt(text, start + marker.length);
    const tag = STYLES[marker];
    const opening = open.get(marker);
    if (tag && opening && opening.words < words && !/\s/.test(before) && AFTER.test(after)) {
      const [, ...content] = parts.splice(opening.place);
      parts.push({ tag, parts: [...marks(marker), ...content, ...marks(marker)] });
      for (const [other, { place }] of open) if (place >= opening.place) open.delete(other);
      return;
    }
    if (tag && BEFORE.test(before) && FIRST.test(after)) open.set(marker, { place: parts.length, words });
    parts.push(marker);
  };

  const addText = (content: string) => {
    let done = 0;
    for (const { 0: marker, index } of content.matchAll(/\*+|_+/g)) {
      addWords(content.slice(done, index));
      addMarker(marker, place + index);
      done = index + marker.length;
    }
    addWords(content.slice(done));
  };

  const addLink = (link: Piece) => {
    parts.push(link);
    words += 1;
  };

  // Those of the whole line: emphasis that begins before code may end behind a link. Code ends a link, so that none is cut.
  const pieces = splitLinks(text).values();
  let piece = pieces.next().value;
  let pieceEnd = piece?.text.length ?? 0;

  const addUpTo = (end: number) => {
    while (place < end && piece) {
      const stop = Math.min(end, pieceEnd);
      if (piece.href === null) addText(text.slice(place, stop));
      else if (place < stop) addLink(piece);
      place = Math.max(place, stop);
      if (stop < pieceEnd) return;
      piece = pieces.next().value;
      pieceEnd += piece?.text.length ?? 0;
    }
  };

  let place = 0;
  for (const span of codeSpans(text)) {
    addUpTo(span.start);
    // A space on both sides keeps backticks apart from those that mark the code.
    const content = text.slice(span.start + span.length, span.end - span.length);
    const space = /^ .* $/.test(content) ? " " : "";
    const fence = text.slice(span.start, span.start + span.length);
    const code = content.slice(space.length, content.length - space.length);
    parts.push({ tag: "code", parts: [...marks(fence + space), code, ...marks(space + fence)] });
    words += 1;
    place = span.end;
  }
  addUpTo(text.length);
  return parts;
}

/** Return the places of code within a line: between runs of as many backticks. `length` is that of such a run. */
function codeSpans(text: string): { readonly start: number; readonly end: number; readonly length: number }[] {
  const runs = [...text.matchAll(/`+/g)].map(({ 0: run, index }) => ({ start: index, length: run.length }));
  const spans: { start: number; end: number; length: number }[] = [];
  /** The lengths of runs without a partner in the rest of the line. */
  const single = new Set<number>();
  for (let index = 0; index < runs.length; index += 1) {
    const { start, length } = runs[index] as (typeof runs)[number];
    // Within a word, it is an apostrophe.
    if (single.has(length) || !AFTER.test(characterBefore(text, start))) continue;
    let partner = index + 1;
    while (partner < runs.length && runs[partner]?.length !== length) partner += 1;
    const end = runs[partner]?.start;
    if (end === undefined) single.add(length);
    else if (text.slice(start + length, end).trim()) {
      spans.push({ start, end: end + length, length });
      index = partner;
    }
  }
  return spans;
}

function marks(text: string): Formatted[] {
  return text ? [{ tag: "mark", parts: [text] }] : [];
}

function characterBefore(text: string, end: number): string {
  return [...text.slice(Math.max(0, end - 2), end)].at(-1) ?? "";
}

function characterAt(text: string, start: number): string {
  return [...text.slice(start, start + 2)][0] ?? "";
}
