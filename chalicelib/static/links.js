/** Link detection in messages. */

// A link contains no invisible or bidirectional control characters, so that it leads where it appears to lead.
const LINK = /\bhttps?:\/\/[^\s<>"\p{C}]+/giu;
const TRAILING = ".,;:!?'’”»*_…";
const BRACKETS = ["()", "[]", "{}"];

/** Split a text into pieces `{text, href}`. `href` is null for a piece that is not a link. */
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

/** Remove trailing punctuation, and closing brackets that the link did not open. */
function withoutTrail(link) {
  const unopened = countUnopened(link);
  for (let end = link.length; ; end -= 1) {
    const last = link[end - 1];
    if (unopened[last] > 0) unopened[last] -= 1;
    else if (!TRAILING.includes(last)) return link.slice(0, end);
  }
}

// Count once per link: counting again for each bracket is quadratic, and would freeze the tab for a second.
function countUnopened(link) {
  return Object.fromEntries(
    BRACKETS.map(([opening, closing]) => [closing, link.split(closing).length - link.split(opening).length]),
  );
}

function hrefOf(link) {
  try {
    const { href, username, password } = new URL(link);
    // A user name can imitate a host: https://your-bank.example@elsewhere.example leads to elsewhere.example.
    return username || password ? null : href;
  } catch {
    return null;
  }
}
