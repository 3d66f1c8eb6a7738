"use client";

import { cleanName } from "chalice-chat-client";
import { useSyncExternalStore } from "react";

const KEY = "chalice-chat.name";
const listeners = new Set<() => void>();

/** Return the visitor's name, which localStorage keeps, and the function that changes it. */
export function useName(): readonly [string, (name: string) => void] {
  return [useSyncExternalStore(subscribe, getName, getNameOnServer), setName];
}

function getName(): string {
  return cleanName(localStorage.getItem(KEY) ?? "");
}

function getNameOnServer(): string {
  return "";
}

function setName(name: string): void {
  localStorage.setItem(KEY, cleanName(name));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener); // another tab has changed it
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}
