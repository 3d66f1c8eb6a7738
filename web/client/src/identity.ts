/** The identity of a client: its name, and the key that makes it the same member in all its connections. */

import { ChatError } from "./errors.js";
import { randomId } from "./random.js";
import { readValue, writeValue } from "./storage.js";
import { cutText, hasGlyph } from "./text.js";
import type { ChatStorage } from "./types.js";

const KEY = "chalice-chat.key";
const MAX_NAME_LENGTH = 40;
const CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu;
const BIDI_CONTROL = /\p{Bidi_Control}/gu;
const VALID = /^[A-Za-z0-9_-]{22,64}$/;

/** Throw a ChatError if the server would reject a name: the handshake would not tell why. */
export function checkName(name: string): void {
  const { length } = [...name];
  if (length > MAX_NAME_LENGTH) {
    throw new ChatError("invalid_name", `expected a name of at most ${MAX_NAME_LENGTH} characters, not ${length}`);
  }
  if (name.search(CONTROL) >= 0) throw new ChatError("invalid_name", "expected a name without control characters");
  if (name.search(BIDI_CONTROL) >= 0) {
    throw new ChatError("invalid_name", "expected a name without characters that change the direction of text");
  }
  if (name && !hasGlyph(name)) throw new ChatError("invalid_name", "expected a name with a visible character");
}

/** Make a name one that the server accepts: on one line, and not too long. A name without a visible glyph becomes "". */
export function cleanName(name: string): string {
  const line = name.replace(CONTROL, " ").replace(BIDI_CONTROL, "");
  const cut = cutText(line.trim(), MAX_NAME_LENGTH).trim();
  return hasGlyph(cut) ? cut : "";
}

/** Throw a ChatError if the server would reject a key: the handshake would not tell why. */
export function checkKey(key: string): void {
  if (!VALID.test(key)) throw new ChatError("invalid_key", "expected a key of 22 to 64 letters, digits, - and _");
}

/** Return who a client is, as a hash that contains no secret. */
export function identityOf(kind: "user" | "guest", subjectOrKey: string): string {
  return `${kind}-${hash(subjectOrKey)}`;
}

/**
 * Return the user of an access token. All users with tokens that are no JSON Web Tokens are one: another token need not be
 * that of another user.
 */
export function subjectOf(token: string): string {
  try {
    const { iss, sub } = JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/")));
    return JSON.stringify([iss, sub]);
  } catch {
    return "";
  }
}

/** Return a hash of 64 bits (FNV-1a). Not crypto.subtle, which browsers have only on HTTPS. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(36);
}

/** Forget the key in a storage. */
export function forgetKey(storage: ChatStorage | undefined): void {
  writeValue(storage, KEY, undefined);
}

/** Return the key in a storage. If there is none, generate one and keep it there. */
export function loadKey(storage: ChatStorage | undefined): string {
  const saved = readValue<unknown>(storage, KEY);
  if (typeof saved === "string" && VALID.test(saved)) return saved;
  const key = randomId();
  writeValue(storage, KEY, key);
  return key;
}
