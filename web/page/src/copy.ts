/** Copying of addresses. */

import { setText } from "./dom.js";

/** Copy a text, and return whether that worked: the clipboard needs HTTPS and permission. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Let a button copy the address in a field, and say so in a live region. If it cannot be copied, select it. */
export function copyOnClick(button: HTMLButtonElement, field: HTMLInputElement, note: HTMLElement): void {
  button.addEventListener("click", async () => {
    setText(note, ""); // a second copy is announced, too
    if (await copyText(field.value)) {
      setText(note, "Copied.");
    } else {
      field.focus();
      field.select();
      setText(note, "Please copy the selected address.");
    }
  });
}
