/** The visitor's display name, kept between visits where the browser allows it. */

import { oneLine } from "./text.js";

const KEY = "chalice-chat.name";

/** The name as the server takes it; one that shows nothing would be refused, so it is no name. */
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
    // Storage is full or switched off: the name then lasts as long as the page.
  }
}
