/** JSON values in a storage. A storage that is full, disabled or absent keeps nothing. */

import { listOf } from "./lists.js";
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

/** The part of a storage that belongs to one identity. Other users of the same browser neither see nor send what it has. */
export class OwnStorage {
  readonly #storage: ChatStorage | undefined;
  readonly #identity: string;
  readonly #index: string;
  #isForgotten = false;

  constructor(storage: ChatStorage | undefined, identity: string) {
    this.#storage = storage;
    this.#identity = identity;
    this.#index = `chalice-chat.kept.${identity}`;
  }

  /** Read the value of a room. */
  read<Value>(kind: string, roomId: string): Value | undefined {
    return readValue(this.#storage, this.#keyOf(kind, roomId));
  }

  /** Take over the value that an earlier version has written, for the first who comes. */
  adopt<Value>(kind: string, roomId: string): Value | undefined {
    const former = `chalice-chat.${kind}.${roomId}`;
    const value = readValue<Value>(this.#storage, former);
    if (value === undefined) return undefined;
    this.write(kind, roomId, value);
    writeValue(this.#storage, former, undefined);
    return value;
  }

  /** Write the value of a room, or remove it if it is undefined. */
  write(kind: string, roomId: string, value: unknown): void {
    if (this.#isForgotten) return;
    const key = this.#keyOf(kind, roomId);
    const keys = this.#keys().filter((other) => other !== key);
    if (value !== undefined) keys.push(key);
    writeValue(this.#storage, this.#index, keys.length ? keys : undefined);
    writeValue(this.#storage, key, value);
  }

  /** Remove everything, and write nothing any more. */
  forget(): void {
    for (const key of [...this.#keys(), this.#index]) writeValue(this.#storage, key, undefined);
    this.#isForgotten = true;
  }

  // A storage need not be able to list its keys.
  #keys(): readonly string[] {
    return listOf(readValue<string[]>(this.#storage, this.#index));
  }

  #keyOf(kind: string, roomId: string): string {
    return `chalice-chat.${kind}.${this.#identity}.${roomId}`;
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
