/** Addresses. */

/** Test whether a text is an address. Not with URL.canParse, which Chrome has since version 120 of December 2023, and Safari since 17. */
export function isUrl(text: string): boolean {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}
