/** JSON values in a storage. A storage that is full, disabled or absent keeps nothing. */

import type { ChatStorage } from "./types.js";

interface Platform {
  readonly document?: unknown;
  readonly localStorage?: ChatStorage;
  readonly sessionStorage?: ChatStorage;
}

const platform = globalThis as Platform;

/** Return a storage of the browser, if the platform is one and allows it. */
export function browserStorage(name: "localStorage" | "sessionStorage"): ChatStorage | undefined {
  try {
    return platform.document === undefined ? undefined : platform[name];
  } catch {
    return undefined; // a browser that blocks storage throws
  }
}

/** Read a value. Returns undefined if there is none, or none that this library has written. */
export function readValue<Value>(storage: ChatStorage | undefined, key: string): Value | undefined {
  try {
    return (JSON.parse(storage?.getItem(key) ?? "null") as Value | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Write a value, or remove it if it is undefined. */
export function writeValue(storage: ChatStorage | undefined, key: string, value: unknown): void {
  try {
    if (value === undefined) storage?.removeItem(key);
    else storage?.setItem(key, JSON.stringify(value));
  } catch {
    // Without it, the value lasts as long as the object that has written it.
  }
}
