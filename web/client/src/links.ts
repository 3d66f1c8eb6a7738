/**
 * Detection of links in what people write. Of linkify-it 6.1 and linkifyjs 4.4, neither ends links at text of another script,
 * nor shows the real host, and they have 4.6 and 9.6 kB.
 */

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
// A user name can imitate a host: https://your-bank.example@elsewhere.example leads to elsewhere.example.
const NO_USER = String.raw`(?![\w.~!$&'()*+,;=:%-]*@)`;
const START = new RegExp(
  String.raw`((?<![a-z\d])https?:\/\/|(?<![\w.@/:-])(?=www\.[^\s.]))${NO_USER}(${HOST})(:\d+)?`,
  "giu",
);
// Spaces, invisible and bidirectional control characters, quotation marks and backticks end a link. So does punctuation
// that is not ASCII, except within a word, as in /wiki/Michelson–Morley.
const WITHIN_WORD = String.raw`[·‐‑–’・־׳״](?=[\p{L}\p{N}])`;
const REST = new RegExp(
  String.raw`[/?#](?:(?![,;|]https?:)[!#-;=?-[\]^_{|}~\p{L}\p{N}\p{M}]|${WITHIN_WORD}|(?![\0-\x7f\uff00-\uffef])\p{S})*`,
  "iuy",
);
/** A word of ASCII, if text of another script or an emoji follows it directly. */
const OTHER_SCRIPT = /(?:^|[^\p{L}\p{N}\p{M}])[a-z\d]+(?=(?![\0-\x7f\p{Script=Latin}])[\p{L}\p{N}\p{S}])/iu;
/** The start of a top-level domain: none mixes Latin letters with those of another script. */
const LATIN_LABEL = /^(?:[\p{Script=Latin}\p{M}\d_-]|%[\da-f]{2})*[\p{Script=Latin}\p{M}\d]/iu;
/** The characters after which a text is no host: it is a user name, or an invisible character hides the rest of the host. */
const NO_END = /@|\p{Cf}+[\w.-]/uy;
const TRAILING = ".,;:!?'*_|~";
const BRACKETS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

/** Split a text into links and the text between them. A link without a scheme, as in www.example.com, gets https. */
export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: found, 1: scheme = "", 2: host = "", index } of text.matchAll(START)) {
    if (index < end) continue; // within the link before
    const shown = shownHost(host);
    const after = index + found.length;
    NO_END.lastIndex = after;
    if (!shown || NO_END.test(text)) continue;
    // What follows a host that has been cut is not part of the link.
    const rest = shown === host ? restAt(text, after, text[index - 1] ?? "") : "";
    const link = withoutTrail(rest || shown === host ? found + rest : scheme + shown);
    const url = urlOf(scheme ? link : `https://${link}`);
    if (!url) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    const isClear = link.slice(scheme.length).toLowerCase().startsWith(url.hostname);
    pieces.push({ text: link, href: url.href, ...(!isClear && { host: url.hostname }) });
    end = index + link.length;
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

/** Return what follows the host of a link: its path, its query and its fragment. */
function restAt(text: string, start: number, before: string): string {
  REST.lastIndex = start;
  let [rest = ""] = REST.exec(text) ?? [];
  if (/['‘’]/.test(before)) [rest = ""] = rest.split(/['’]/, 1);
  const word = OTHER_SCRIPT.exec(rest);
  if (word) rest = rest.slice(0, word.index + word[0].length);
  return rest.slice(0, endOfBalanced(rest));
}

/** Return the place of the first bracket without its partner, or the end. */
function endOfBalanced(rest: string): number {
  const open: { readonly index: number; readonly closing: string }[] = [];
  for (let index = 0; index < rest.length; index += 1) {
    const character = rest[index] ?? "";
    const closing = BRACKETS[character];
    if (closing) open.push({ index, closing });
    else if (")]}".includes(character) && open.pop()?.closing !== character) return open[0]?.index ?? index;
  }
  return open[0]?.index ?? rest.length;
}

function withoutTrail(link: string): string {
  let end = link.length;
  while (TRAILING.includes(link[end - 1] ?? " ")) end -= 1;
  return link.slice(0, end);
}

function urlOf(link: string): URL | null {
  try {
    return new URL(link);
  } catch {
    return null;
  }
}
