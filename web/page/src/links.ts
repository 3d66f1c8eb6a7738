/** Link detection in messages. */

export interface Piece {
  readonly text: string;
  /** Null for a piece that is not a link. */
  readonly href: string | null;
}

// A link contains no invisible or bidirectional control characters, so that it leads where it appears to lead.
const LINK = /\b(?:https?:\/\/|www\.(?=[^\s.]))[^\s<>"\p{C}]+/giu;
const TRAILING = ".,;:!?'’”»*_…";
const BRACKETS = ["()", "[]", "{}"] as const;

/** Split a text into links and the text between them. A link without a scheme, as in www.example.com, gets https. */
export function splitLinks(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(LINK)) {
    const link = withoutTrail(match);
    const href = hrefOf(/^www\./i.test(link) ? `https://${link}` : link);
    if (!href) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    pieces.push({ text: link, href });
    end = index + link.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

/** Remove trailing punctuation, and closing brackets that the link did not open. */
function withoutTrail(link: string): string {
  const unopened = countUnopened(link);
  for (let end = link.length; ; end -= 1) {
    const last = link[end - 1] ?? "";
    const count = unopened.get(last) ?? 0;
    if (count > 0) unopened.set(last, count - 1);
    else if (!last || !TRAILING.includes(last)) return link.slice(0, end);
  }
}

// Count once per link: counting again for each bracket is quadratic, and would freeze the tab for a second.
function countUnopened(link: string): Map<string, number> {
  const count = (character: string) => link.split(character).length;
  return new Map(BRACKETS.map(([opening = "", closing = ""]) => [closing, count(closing) - count(opening)]));
}

function hrefOf(link: string): string | null {
  try {
    const { href, username, password } = new URL(link);
    // A user name can imitate a host: https://your-bank.example@elsewhere.example leads to elsewhere.example.
    return username || password ? null : href;
  } catch {
    return null;
  }
}
