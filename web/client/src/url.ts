/** Addresses. */

// Not URL.canParse, which Chrome has since version 120 of December 2023, and Safari since 17.
/** Test whether a text is an address. */
export function isUrl(text: string): boolean {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}

/** Return an address without its query, its fragment and the spaces around it. */
export function withoutQuery(url: string | URL): string {
  return String(url)
    .replace(/[?#].*/s, "")
    .trim();
}
