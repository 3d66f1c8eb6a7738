/** System notifications of mentions while the page is hidden, if the visitor has turned them on. */

import { cutText, type Message } from "chalice-chat-client";
import { byId, showText } from "./dom.js";
import { showMessage } from "./log-view.js";
import type { NotificationRequest } from "./notification-worker.js";
import { loadNotifies, saveNotifies } from "./visit-store.js";

const MAX_LENGTH = 100;

const part = byId("notify-part", HTMLElement);
const choice = byId("notify", HTMLInputElement);
const note = byId("notify-note", HTMLElement);
const workerUrl = document.querySelector<HTMLMetaElement>("meta[name=notification-worker]")?.content ?? "";
/** The sequence of the message that was notified of last, and what closes its notification. */
let shown: { readonly sequence: number; close(): void } | null = null;

/** Notify the visitor of a message. A later one of the same room replaces it. */
export function notify(roomId: string, { sender, message, sequence }: Message): void {
  if (!document.hidden || !choice.checked || Notification.permission !== "granted") return;
  const request = { title: sender.name, body: cutText(message, MAX_LENGTH), tag: roomId, sequence };
  try {
    const notification = new Notification(request.title, request);
    shown = { sequence, close: () => notification.close() };
    notification.addEventListener("click", () => {
      window.focus();
      notification.close();
      void showMessage(sequence);
    });
  } catch {
    // Chromium on Android shows those of service workers only.
    notifyByWorker(request).catch(({ message: reason }: Error) => {
      console.warn(`notification: ${reason}`); // a new version of the page may have replaced the worker
    });
  }
}

async function notifyByWorker(request: NotificationRequest): Promise<void> {
  const waiting = { sequence: request.sequence, close() {} };
  shown = waiting;
  const registration = await navigator.serviceWorker.register(workerUrl);
  const worker = registration.active ?? registration.installing;
  // The first time, it has to start before it can show something.
  while (worker?.state === "installing" || worker?.state === "installed" || worker?.state === "activating") {
    await new Promise((resolve) => worker.addEventListener("statechange", resolve, { once: true }));
  }
  if (shown !== waiting) return; // the visitor has looked meanwhile, or there is a later one
  worker?.postMessage(request);
  const close = async () => {
    for (const notification of await registration.getNotifications({ tag: request.tag })) notification.close();
  };
  shown = { sequence: request.sequence, close: () => void close() };
}

/** The visitor looks, or has left the room. */
export function withdraw(): void {
  shown?.close();
  shown = null;
}

/** Withdraw the notification unless its message is one of these. */
export function withdrawOthers(messages: readonly Message[]): void {
  if (shown && !messages.some(({ sequence }) => sequence === shown?.sequence)) withdraw();
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
// The visitor has clicked on a notification.
navigator.serviceWorker?.addEventListener("message", ({ data }) => void showMessage(data));
