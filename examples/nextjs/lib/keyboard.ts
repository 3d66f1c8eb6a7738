import type { KeyboardEvent } from "react";

/** Return whether a key is Enter, and not the choice of a word by an input method. */
export function isEnter(event: KeyboardEvent): boolean {
  return event.key === "Enter" && !isComposing(event);
}

/**
 * Return whether an input method handles a key, as for Chinese, Japanese or Korean. Safari ends the composition before the key that
 * chooses a word: then only the code 229 tells.
 */
export function isComposing({ keyCode, nativeEvent }: KeyboardEvent): boolean {
  return nativeEvent.isComposing || keyCode === 229;
}
