/**
 * Detection of links in what people write. Of linkify-it 6.1 and linkifyjs 4.4, neither ends links at text of another script,
 * nor shows the real host, and they have 4.6 and 9.6 kB.
 *
 * linkify-it and GitHub take all letters up to the next space into a path, X ends it at the first letter that is neither Latin
 * nor Cyrillic. Here the first character of another script decides. If an ASCII letter or digit is directly before it, it is
 * text that follows the link, as in /pageを. Otherwise the path goes on, as in /wiki/日本語 and /東京2020オリンピック. So do the
 * titles of a wiki, as in /wiki/JR東日本, unless its host names a language with Latin letters, as en.wikipedia.org does.
 */

import { isUrl } from "./url.js";

export interface Piece {
  readonly text: string;
  /** Null for a piece that is not a link. */
  readonly href: string | null;
  /** The host that the link leads to, if its text shows another one: show it beside the link. */
  readonly host?: string;
}

// Letters, marks, digits and symbols of every script. Slashes that only look like one (U+2044, U+2215, U+29F8) are symbols.
const CHARACTER = String.raw`(?!https?:)(?:[\p{L}\p{N}\p{M}_-]|[·・](?=[\p{L}\p{N}])|%[\da-f]{2}|(?![\0-\x7f])\p{S})`;
const HOST = String.raw`\[[\da-f:.]+\]|(?:${CHARACTER})+(?:\.(?:${CHARACTER})+)*`;
// The dot after a host belongs to it if a port or a path follows.
const START = new RegExp(
  String.raw`((?<![a-z\d])https?:\/\/|(?<![\w.@/:-])(?=www\.[^\s.]))(${HOST})(?:\.(?=[/?#]|:\d))?(:\d+)?`,
  "giu",
);
// A user name can imitate a host: https://your-bank.example@elsewhere.example leads to elsewhere.example.
const USER = /[\w.~!$&'()*+,;=:%-]*/y;
// Spaces, invisible and bidirectional control characters, quotation marks and backticks end a link. So does punctuation
// that is not ASCII, except within a word, as in /wiki/Michelson–Morley.
const WITHIN_WORD = String.raw`[·‐‑–’・־׳״](?=[\p{L}\p{N}])`;
const REST = new RegExp(
  String.raw`(?:(?![,;|]https?:)[!#-;=?-[\]^_{|}~\p{L}\p{N}\p{M}]|${WITHIN_WORD}|(?![\0-\x7f\uff00-\uffef])\p{S})*`,
  "iuy",
);
const OTHER_SCRIPT = /(?![\0-\x7f\p{Script=Latin}])[\p{L}\p{N}\p{S}]/gu;
/** The start of a top-level domain: none mixes Latin letters with those of another script. */
const LATIN_LABEL = /^(?:[\p{Script=Latin}\p{M}\d_-]|%[\da-f]{2})*[\p{Script=Latin}\p{M}\d]/iu;
/** The characters after which a text is no host: it is a user name, or an invisible character hides the rest of the host. */
const NO_END = /@|\p{Cf}+[\w.-]/uy;
const TRAILING = ".,;:!?'*|~";
const BRACKETS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Split a text into links and the text between them. A link without a scheme, as in www.example.com, gets https. */
export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  const scan = new Scan(text);
  let end = 0;
  for (const { 0: found, 1: scheme = "", 2: host = "", index } of text.matchAll(START)) {
    if (index < end) continue; // within the link before
    const shown = shownHost(host);
    const after = index + found.length;
    NO_END.lastIndex = after;
    if (!shown || NO_END.test(text) || text[scan.userEnd(index + scheme.length)] === "@") continue;
    const origin = shown === host ? found : scheme + shown;
    const complete = (link: string) => (scheme ? link : `https://${link}`);
    if (!isUrl(complete(origin))) continue;
    // What follows a host that has been cut is not part of the link.
    const rest = shown === host ? scan.rest(after, text[index - 1] ?? "", host) : "";
    // An underscore belongs to a path, as in /a_b_, unless it ends emphasis, as in _see https://a.example/x_.
    const trail = scan.isEmphasized(index) || !rest ? `${TRAILING}_` : TRAILING;
    const link = withoutTrail(origin + rest, trail);
    const url = new URL(complete(link));
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    const isClear = link.slice(scheme.length).toLowerCase().startsWith(url.hostname);
    pieces.push({ text: link, href: url.href, ...(!isClear && { host: url.hostname }) });
    end = index + link.length;
    scan.skip(end);
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

/** Return a host without the text of another script that follows it directly, or nothing if it is a word of that script. */
function shownHost(host: string): string {
  const start = host.lastIndexOf(".") + 1;
  if (host.startsWith("[")) return host;
  const [label] = host.slice(start).match(LATIN_LABEL) ?? [];
  return label ? host.slice(0, start) + label : start ? host : "";
}

/**
 * Search for the ends of the links in a text, from its start to its end. Many links may be in one word, as in "(www.a.example/"
 * repeated: what was found out about that word is kept, so that the work does not grow with the square of its length.
 */
class Scan {
  readonly #text: string;
  #user = 0;
  #word = 0;
  #other = -1;
  #seen = 0;
  #isEmphasized = false;
  /** The place of the partner of each bracket in the word that has one. */
  readonly #partners = new Map<number, number>();

  constructor(text: string) {
    this.#text = text;
  }

  /** Return where a user name that starts here would end. */
  userEnd(start: number): number {
    if (this.#user <= start) this.#user = endOf(USER, this.#text, start);
    return this.#user;
  }

  /** Return what follows a host: its path, its query and its fragment. */
  rest(start: number, before: string, host: string): string {
    if (!/[/?#]/.test(this.#text[start] ?? "")) return "";
    if (this.#word <= start) this.#readWord(start);
    const end = Math.min(this.#word, this.#otherScript(start, host));
    const closing = /['‘’]/.test(before) ? "'’" : "";
    let index = start;
    for (; index < end; index += 1) {
      const mark = this.#text[index] ?? "";
      if (closing.includes(mark)) break;
      if (!"()[]{}".includes(mark)) continue;
      const partner = this.#partners.get(index) ?? -1;
      if (partner < start || partner >= end) break;
    }
    return this.#text.slice(start, index);
  }

  /** Return whether an underscore in the same line begins emphasis that has not ended before this place. */
  isEmphasized(start: number): boolean {
    for (; this.#seen < start; this.#seen += 1) {
      const [before = "\n", mark, after = "\n"] = [-1, 0, 1].map((step) => this.#text[this.#seen + step]);
      if (mark === "\n") this.#isEmphasized = false;
      else if (mark === "_") {
        this.#isEmphasized = this.#isEmphasized
          ? /[\s_]/.test(before) || /[a-z\d_]/i.test(after)
          : /[^a-z\d`/_]/i.test(before) && /[^\s_]/.test(after);
      }
    }
    return this.#isEmphasized;
  }

  /** Take what is before this place for a link: its underscores are no markers. */
  skip(end: number): void {
    this.#seen = end;
  }

  #readWord(start: number): void {
    this.#word = endOf(REST, this.#text, start);
    const open: number[] = [];
    for (let index = start; index < this.#word; index += 1) {
      const mark = this.#text[index] ?? "";
      if (mark in BRACKETS) open.push(index);
      else if (")]}".includes(mark)) {
        const partner = open.pop();
        if (partner !== undefined && BRACKETS[this.#text[partner] ?? ""] === mark) {
          this.#partners.set(index, partner).set(partner, index);
        } else {
          open.length = 0;
        }
      }
    }
  }

  /** Return where text of another script follows a path that begins here. */
  #otherScript(start: number, host: string): number {
    if (this.#other < start) {
      OTHER_SCRIPT.lastIndex = start;
      this.#other = OTHER_SCRIPT.exec(this.#text)?.index ?? Number.POSITIVE_INFINITY;
    }
    const isText = /[a-z\d]/i.test(this.#text[this.#other - 1] ?? "");
    return isText && !(this.#text.startsWith("/wiki/", start) && isForeign(host)) ? this.#other : this.#text.length;
  }
}

/** Return whether a host does not name a language that is written in Latin letters. */
function isForeign(host: string): boolean {
  const [language] = host.match(/^[a-z]{2}(?=[.-])/i) ?? [];
  return !language || new Intl.Locale(language).maximize().script !== "Latn";
}

function endOf(pattern: RegExp, text: string, start: number): number {
  pattern.lastIndex = start;
  pattern.test(text);
  return pattern.lastIndex;
}

function withoutTrail(link: string, trail: string): string {
  let end = link.length;
  while (trail.includes(link[end - 1] ?? " ") && !isQuoted(link, end)) end -= 1;
  return link.slice(0, end);
}

/** Return whether a link ends with a quotation mark that closes one within the link, as in /'x'. */
function isQuoted(link: string, end: number): boolean {
  const opening = link[end - 1] === "'" ? link.lastIndexOf("'", end - 2) : -1;
  return opening > 0 && opening < end - 2 && /[^\p{L}\p{N}]/u.test(link[opening - 1] ?? "");
}
