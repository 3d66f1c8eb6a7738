"use client";

import { useSyncExternalStore } from "react";
import { readItem, subscribeToStorage, writeItem } from "./storage";

const KEY = "chalice-chat.name";

/** Return the visitor's name, which is kept in this browser, and the function that changes it. */
export function useName(): readonly [string, (name: string) => void] {
  return [useSyncExternalStore(subscribeToStorage, getName, getNameOnServer), setName];
}

function getName(): string {
  return readItem(KEY) ?? "";
}

function getNameOnServer(): string {
  return "";
}

function setName(name: string): void {
  writeItem(KEY, name);
}
