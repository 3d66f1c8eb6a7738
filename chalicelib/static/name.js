/** The visitor's display name, stored in localStorage. */

import { oneLine } from "./text.js";

const KEY = "chalice-chat.name";

/** Normalize a name to what the server accepts. A name without visible characters becomes "". */
export function cleanName(name) {
  return /[^\p{Z}\p{C}]/u.test(name) ? oneLine(name).trim() : "";
}

export function recallName() {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export function rememberName(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // Storage is full or disabled: the name lasts until the page is closed.
  }
}
