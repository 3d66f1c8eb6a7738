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
