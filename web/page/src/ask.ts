/** Questions to the visitor, in a dialogue of the page. Escape and "Cancel" say no. */

import { byId, setText } from "./dom.js";

const dialog = byId("ask", HTMLDialogElement);
const text = byId("ask-question", HTMLElement);
const agreeButton = byId("ask-agree", HTMLButtonElement);
const cancelButton = byId("ask-cancel", HTMLButtonElement);

const RELOAD =
  "This could not be loaded: the chat may have been updated. Reload the page? What you have written is kept.";

let answer: (isAgreed: boolean) => void = () => {};

/** Ask a question, and resolve to whether the visitor agrees. `agree` is the label of the button that does it. */
export function ask(question: string | readonly (Node | string)[], agree: string): Promise<boolean> {
  cancelQuestion();
  text.replaceChildren(...[question].flat());
  setText(agreeButton, agree);
  dialog.showModal();
  cancelButton.focus(); // what cannot be undone needs more than Enter
  return new Promise((resolve) => {
    answer = resolve;
  });
}

/** Offer to reload the page, because a file that it loads later is missing. Resolves if the visitor does not want to. */
export async function offerReload(): Promise<void> {
  if (!(await ask(RELOAD, "Reload"))) return;
  location.reload();
  await new Promise(() => {}); // nothing is to change the address meanwhile
}

/** Close the question, if one is open: what it was about has ended. */
export function cancelQuestion(): void {
  close(false);
}

// The dialogue is closed first: the focus is back when the answer arrives.
function close(isAgreed: boolean): void {
  const resolve = answer;
  answer = () => {};
  dialog.close();
  resolve(isAgreed);
}

agreeButton.addEventListener("click", () => close(true));
cancelButton.addEventListener("click", cancelQuestion);
dialog.addEventListener("close", () => {
  if (!dialog.open) close(false); // by Escape. The event comes later: another question may be open.
});
