import type { KeyboardEvent } from "react";

/**
 * Return whether a key is Enter, and not the choice of a word by an input method, as for Chinese, Japanese or Korean. Safari ends the
 * composition first: then only the code 229 tells that the input method has handled the key.
 */
export function isEnter({ key, keyCode, nativeEvent }: KeyboardEvent): boolean {
  return key === "Enter" && !nativeEvent.isComposing && keyCode !== 229;
}
