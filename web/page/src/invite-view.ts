/** The dialogue in which the owner of a private room makes a new invite link. */

import type { ChatError } from "chalice-chat-client";
import { copyOnClick } from "./copy.js";
import { byId, isInField, make, setText, showText } from "./dom.js";
import { sentence } from "./text.js";

const dialog = byId("invite", HTMLDialogElement);
const question = byId("invite-question", HTMLElement);
const ask = byId("invite-ask", HTMLElement);
const made = byId("invite-made", HTMLElement);
const link = byId("invite-link", HTMLInputElement);
const copyNote = byId("invite-copied", HTMLElement);
const error = byId("invite-error", HTMLElement);
const makeButton = byId("invite-make", HTMLButtonElement);
const copyButton = byId("invite-copy", HTMLButtonElement);
const doneButton = byId("invite-done", HTMLButtonElement);

/** Request a new invite link, for which `showLink` is called. The former one stops working. */
export type Renew = () => Promise<unknown>;

let renew: Renew | null = null;
let isMaking = false;

export function enter(newRenew: Renew): void {
  renew = newRenew;
}

export function leave(): void {
  renew = null;
  dialog.close();
}

/** Offer a new link. */
export function offer(): void {
  show("Make a new invite link for this room?");
}

/** Offer a new link, because somebody who was removed may still have the former one. */
export function offerAfterRemoval(removed: string): void {
  show(make("bdi", "", removed), " may still have the invite link. Make a new one?");
}

/** Offer a new link, because the owner's link has opened the room without the former one. */
export function offerUnknown(): void {
  show("The owner's link does not contain the invite link. Make a new one?");
}

function show(...text: (Node | string)[]): void {
  question.replaceChildren(...text);
  showLink("");
  showText(error, "");
  const first = isInField() ? doneButton : makeButton; // a key that is pressed there makes no link
  if (!dialog.open) dialog.showModal();
  first.focus();
}

/** Show the new link, or the question if there is none. */
export function showLink(address: string): void {
  const isMade = address !== "";
  link.value = address;
  ask.hidden = makeButton.hidden = isMade;
  made.hidden = copyButton.hidden = !isMade;
  setText(doneButton, isMade ? "Done" : "Not now");
  setText(copyNote, "");
}

async function makeLink(): Promise<void> {
  const visit = renew;
  if (!visit || isMaking) return;
  isMaking = true;
  showText(error, "");
  try {
    await visit();
    if (visit === renew) link.focus();
  } catch (reason) {
    if (visit === renew) showText(error, sentence((reason as ChatError).message));
  } finally {
    isMaking = false;
  }
}

link.addEventListener("focus", () => link.select());
makeButton.addEventListener("click", makeLink);
copyOnClick(copyButton, link, copyNote);
doneButton.addEventListener("click", () => dialog.close());
