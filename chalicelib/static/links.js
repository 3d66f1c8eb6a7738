/** Finds the links in what people wrote. */

// Neither invisible characters nor those that turn the direction of writing: a link leads where it looks to lead.
const LINK = /\bhttps?:\/\/[^\s<>"\p{C}]+/giu;
const TRAILING = ".,;:!?'’”»*_…";
const BRACKETS = ["()", "[]", "{}"];

/** The text in pieces, `{text, href}`; `href` is null where a piece is no link. */
export function splitLinks(text) {
  const pieces = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(LINK)) {
    const link = withoutTrail(match);
    const href = hrefOf(link);
    if (!href) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    pieces.push({ text: link, href });
    end = index + link.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}

/** What ends a sentence, or closes a bracket that the link did not open, is no part of the link. */
function withoutTrail(link) {
  const unopened = countUnopened(link);
  for (let end = link.length; ; end -= 1) {
    const last = link[end - 1];
    if (unopened[last] > 0) unopened[last] -= 1;
    else if (!TRAILING.includes(last)) return link.slice(0, end);
  }
}

// Counted once: in a link of nothing but brackets, to count anew for each takes the tab a second.
function countUnopened(link) {
  return Object.fromEntries(
    BRACKETS.map(([opening, closing]) => [closing, link.split(closing).length - link.split(opening).length]),
  );
}

function hrefOf(link) {
  try {
    const { href, username, password } = new URL(link);
    // https://your-bank.example@elsewhere.example leads elsewhere.
    return username || password ? null : href;
  } catch {
    return null;
  }
}
