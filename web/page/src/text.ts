/** Helpers for text from users and from the server. */

const FEW_EMOJI = makeFewEmoji();

// The names of the API's fields, as the page calls them.
const FIELDS: Readonly<Record<string, string>> = {
  roomName: "Room name",
  message: "The message",
};

/** Make a text one that the server accepts: line feeds, tabs, and no other control characters. */
export function cleanMessage(text: string): string {
  return text
    .replace(/\r\n?|\p{Zl}|\p{Zp}/gu, "\n")
    .replace(/[^\P{Cc}\n\t]/gu, " ")
    .replace(/^\s*\n/, "")
    .trimEnd(); // \s+$ takes quadratic time for many spaces within a text
}

/** Count the characters of a text as the server does: an emoji of one code point is one. */
export function lengthOf(text: string): number {
  return [...text].length;
}

/** Test whether a text is one to six emoji and nothing else. Always false in browsers without the "v" flag. */
export function isEmoji(text: string): boolean {
  return FEW_EMOJI?.test(text) ?? false;
}

// A literal with the "v" flag is a syntax error in browsers from before 2023, and the page would stay blank.
function makeFewEmoji(): RegExp | null {
  try {
    // biome-ignore lint/complexity/useRegexLiterals: see above
    return new RegExp(String.raw`^\s*(?:\p{RGI_Emoji}\s*){1,6}$`, "v");
  } catch {
    return null;
  }
}

/**
 * Turn an error text of the server into a sentence for people: names of the page, upper-case start, full stop. `name` is
 * what the page calls the field `name`: the visitor's own, or another.
 */
export function sentence(text: string, name = "Your name"): string {
  const named = text.replace(/^\w+/, (word) => (word === "name" ? name : (FIELDS[word] ?? word)));
  const start = named.charAt(0).toUpperCase() + named.slice(1);
  return /[.!?…]$/.test(start) ? start : `${start}.`;
}

/** Count things in English: "1 new message", "2 new messages". */
export function counted(count: number, thing: string): string {
  return `${count.toLocaleString("en")} ${thing}${count === 1 ? "" : "s"}`;
}
