/**
 * The buttons beside a message: one deletes it, one tells more about its sender, others react and reply. Only one of them is a stop of the Tab key,
 * otherwise a long log could not be passed. The arrow keys go from one to the next. So do other lists with many controls.
 */

import { ask } from "./ask.js";
import { make } from "./dom.js";
import { bodyIdOf } from "./message-view.js";

const BUTTONS = "button:is(.delete, .more, .act, .unignore, .chip, .quote, .copy)";
const QUESTION = "Delete this message for everyone?";

/** Return a button that deletes a message, after a question. */
export function deleteButton(sequence: number, remove: (sequence: number) => void): HTMLButtonElement {
  const button = make("button", "plain delete", "✕");
  button.type = "button";
  button.tabIndex = -1;
  button.title = "Delete";
  button.setAttribute("aria-label", "Delete");
  // Read when the button has the focus, but not when the message arrives.
  button.setAttribute("aria-describedby", bodyIdOf(sequence));
  button.addEventListener("click", async () => {
    if (await ask(QUESTION, "Delete")) remove(sequence);
  });
  return button;
}

/** Return a button that opens the dialogue about the sender of a message. */
export function moreButton(sequence: number, open: () => void): HTMLButtonElement {
  const button = make("button", "plain more", "⋯");
  button.type = "button";
  button.tabIndex = -1;
  button.title = "Report, ignore and more";
  button.setAttribute("aria-label", "More about this message");
  button.setAttribute("aria-describedby", bodyIdOf(sequence));
  button.addEventListener("click", open);
  return button;
}

/** Make the focused button a stop of the Tab key, or the last one. */
export function chooseTabStop(log: Element, selector = BUTTONS): void {
  const buttons = buttonsIn(log, selector);
  const focused = buttons.find((button) => button === document.activeElement) ?? buttons.at(-1);
  for (const button of buttons) button.tabIndex = button === focused ? 0 : -1;
}

/** Let the arrow keys go from one button to the next. */
export function followArrowKeys(log: HTMLElement, selector = BUTTONS): void {
  log.addEventListener("keydown", (event) => {
    const buttons = buttonsIn(log, selector);
    const index = buttons.indexOf(event.target as HTMLElement);
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const next = step && index >= 0 ? buttons[index + step] : undefined;
    if (!next) return;
    event.preventDefault();
    next.focus();
    chooseTabStop(log, selector);
  });
}

function buttonsIn(log: Element, selector: string): HTMLElement[] {
  return [...log.querySelectorAll<HTMLElement>(selector)];
}
