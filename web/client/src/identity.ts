/** The identity of a client: its name, and the key that makes it the same member in all its connections. */

import { ChatError } from "./errors.js";
import { randomId } from "./random.js";
import { readValue, writeValue } from "./storage.js";
import type { ChatStorage } from "./types.js";

const KEY = "chalice-chat.key";
const MAX_NAME_LENGTH = 40;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}]/u;
// As on the server, unassigned characters count as visible: an emoji may be newer than the browser.
const VISIBLE = /[^\p{Z}\p{Cc}\p{Cf}]/u;
const VALID = /^[A-Za-z0-9_-]{22,64}$/;

/** Throw a ChatError if the server would reject a name: the handshake would not tell why. */
export function checkName(name: string): void {
  const { length } = [...name];
  if (length > MAX_NAME_LENGTH) {
    throw new ChatError("invalid_name", `expected a name of at most ${MAX_NAME_LENGTH} characters, not ${length}`);
  }
  if (CONTROL.test(name)) throw new ChatError("invalid_name", "expected a name without control characters");
  if (name && !VISIBLE.test(name)) throw new ChatError("invalid_name", "expected a name with a visible character");
}

/** Throw a ChatError if the server would reject a key: the handshake would not tell why. */
export function checkKey(key: string): void {
  if (!VALID.test(key)) throw new ChatError("invalid_key", "expected a key of 22 to 64 letters, digits, - and _");
}

/** Return the key in a storage. If there is none, generate one and keep it there. */
export function loadKey(storage: ChatStorage | undefined): string {
  const saved = readValue<unknown>(storage, KEY);
  if (typeof saved === "string" && VALID.test(saved)) return saved;
  const key = randomId();
  writeValue(storage, KEY, key);
  return key;
}
