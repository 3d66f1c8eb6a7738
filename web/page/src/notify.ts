/** System notifications of mentions while the page is hidden, if the visitor has turned them on. */

import { cutText, type Message } from "chalice-chat-client";
import { byId, showText } from "./dom.js";
import { showMessage } from "./log-view.js";
import { loadNotifies, saveNotifies } from "./store.js";

const MAX_LENGTH = 100;

const part = byId("notify-part", HTMLElement);
const choice = byId("notify", HTMLInputElement);
const note = byId("notify-note", HTMLElement);
let shown: Notification | null = null;
/** The sequence of the message that it is about. */
let subject = 0;

/** Notify the visitor of a message. A later one of the same room replaces it. */
export function notify(roomId: string, { sender, message, sequence }: Message): void {
  if (!document.hidden || !choice.checked || Notification.permission !== "granted") return;
  try {
    shown = new Notification(sender.name, { body: cutText(message, MAX_LENGTH), tag: roomId });
    subject = sequence;
  } catch {
    return; // Chromium on Android allows it in service workers only
  }
  shown.addEventListener("click", () => {
    window.focus();
    shown?.close();
    void showMessage(sequence);
  });
}

/** The visitor looks, or has left the room. */
export function withdraw(): void {
  shown?.close();
  shown = null;
}

/** Withdraw the notification unless its message is one of these. */
export function withdrawOthers(messages: readonly Message[]): void {
  if (shown && !messages.some(({ sequence }) => sequence === subject)) withdraw();
}

async function choose(): Promise<void> {
  showText(note, "");
  if (choice.checked && (await Notification.requestPermission()) !== "granted") {
    choice.checked = false;
    showText(note, "Your browser does not allow this site to notify you. You can change that in its settings.");
  }
  saveNotifies(choice.checked);
}

// Safari on iOS has it only in an app of the home screen.
part.hidden = !("Notification" in globalThis);
choice.checked = !part.hidden && loadNotifies() && Notification.permission === "granted";
choice.addEventListener("change", () => void choose());
document.addEventListener("visibilitychange", () => document.hidden || withdraw());
