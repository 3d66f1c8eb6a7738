/** JSON values in a storage. A storage that is full, disabled or absent keeps nothing. */

import { listOf } from "./lists.js";
import type { ChatStorage } from "./types.js";

/** The part of the Web Locks API that is used. */
interface Locks {
  request(name: string, work: () => unknown): Promise<unknown>;
}

interface Platform {
  readonly document?: unknown;
  readonly navigator?: { readonly locks?: Locks };
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

/** The storages of one identity. */
export interface Kept {
  /** Messages that the page shows after a reload, before its first response. */
  readonly page: OwnStorage;
  /** Unsent messages, which outlast their tab in a browser with Web Locks. */
  readonly outbox: OwnStorage;
}

/** Return the storages of an identity: parts of that of the application, or else of those of the browser. */
export function keptOf(identity: string, storage: ChatStorage | undefined): Kept {
  const locks = platform.document === undefined ? undefined : platform.navigator?.locks;
  const page = new OwnStorage(storage ?? browserStorage("sessionStorage"), identity);
  if (storage || !locks) return { page, outbox: page };
  return { page, outbox: new OwnStorage(browserStorage("localStorage"), identity, locks) };
}

/** The part of a storage that belongs to one identity. Other users of the same browser neither see nor send what it has. */
export class OwnStorage {
  readonly #storage: ChatStorage | undefined;
  readonly #identity: string;
  readonly #index: string;
  readonly #locks: Locks | undefined;
  #isForgotten = false;

  /** With `locks`, the storage is one that tabs share. */
  constructor(storage: ChatStorage | undefined, identity: string, locks?: Locks) {
    this.#storage = storage;
    this.#identity = identity;
    this.#index = `chalice-chat.kept.${identity}`;
    this.#locks = locks;
  }

  /** Whether other tabs read and write the same storage. */
  get isShared(): boolean {
    return this.#locks !== undefined;
  }

  /** Read a value. */
  read<Value>(kind: string, name: string): Value | undefined {
    return readValue(this.#storage, this.#keyOf(kind, name));
  }

  /** Write a value, or remove it if it is undefined. */
  write(kind: string, name: string, value: unknown): void {
    if (this.#isForgotten) return;
    const key = this.#keyOf(kind, name);
    const keys = this.#keys().filter((other) => other !== key);
    if (value !== undefined) keys.push(key);
    if (!this.isShared) writeValue(this.#storage, this.#index, keys.length ? keys : undefined);
    writeValue(this.#storage, key, value);
  }

  /** Remove everything, and write nothing any more. */
  forget(): void {
    for (const key of [...this.#keys(), this.#index]) writeValue(this.#storage, key, undefined);
    this.#isForgotten = true;
  }

  /** Return the names of a kind in a shared storage that begin with a text. */
  find(kind: string, start: string): readonly string[] {
    const { length } = this.#keyOf(kind, "");
    const keys = this.#keys().filter((key) => key.startsWith(this.#keyOf(kind, start)));
    return keys.map((key) => key.slice(length));
  }

  /**
   * In a shared storage, call a function while no other tab holds the lock of a value: until the promise settles that it
   * returns.
   */
  lock(kind: string, name: string, work: () => unknown): void {
    // Not the name alone: it begins with the id of a room, and browsers refuse locks whose name begins with a hyphen.
    this.#locks?.request(this.#keyOf(kind, name), work).catch(() => {}); // the page is being closed
  }

  // A storage that is not the browser's need not be able to list its keys.
  #keys(): readonly string[] {
    if (!this.isShared) return listOf(readValue<string[]>(this.#storage, this.#index));
    return Object.keys(this.#storage ?? {}).filter((key) => key.includes(`.${this.#identity}.`));
  }

  #keyOf(kind: string, name: string): string {
    return `chalice-chat.${kind}.${this.#identity}.${name}`;
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
