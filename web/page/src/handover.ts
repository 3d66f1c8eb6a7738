/**
 * Sessions that another tab has renewed. A duplicated tab has a copy of the refresh token, and many providers accept each once
 * and end the session if it comes again. So the tab that uses it leaves the new session in `localStorage`, encrypted with
 * the former refresh token: only its copies can read it.
 */

import { RENEWED, type Session } from "./store.js";

const LOCK = "chalice-chat.renewal";
/** A tab that has slept for longer has to sign in again. */
const KEPT_MS = 24 * 60 * 60_000;
const IV_BYTES = 12;

/** Do something while no other tab does it. */
export function alone<Result>(work: () => Promise<Result>): Promise<Result> {
  const { locks } = navigator as { locks?: LockManager };
  return locks ? locks.request(LOCK, work) : work();
}

/** Leave a session to the other tabs that have the refresh token from which it was made. */
export async function handOver(refreshToken: string, session: Session): Promise<void> {
  if (session.refreshToken === refreshToken) return; // it can be used again
  try {
    const { name, key } = await secretsOf(refreshToken);
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const text = new TextEncoder().encode(JSON.stringify(session));
    const encrypted = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, text));
    for (const other of Object.keys(localStorage)) if (isOld(other)) localStorage.removeItem(other);
    localStorage.setItem(name, `${Date.now()} ${btoa(String.fromCharCode(...iv, ...encrypted))}`);
  } catch {
    // A browser that blocks storage has no copies of the session either.
  }
}

/** Return the session that follows from this one, the same if no other tab has renewed it. */
export async function newestOf(session: Session): Promise<Session> {
  let newest = session;
  for (let next: Session | null = session; next; next = await successorOf(newest)) newest = next;
  return newest;
}

async function successorOf({ refreshToken }: Session): Promise<Session | null> {
  if (!refreshToken) return null;
  try {
    const { name, key } = await secretsOf(refreshToken);
    const [, base64 = ""] = (localStorage.getItem(name) ?? "").split(" ");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const algorithm = { name: "AES-GCM", iv: bytes.subarray(0, IV_BYTES) };
    const text = await crypto.subtle.decrypt(algorithm, key, bytes.subarray(IV_BYTES));
    return JSON.parse(new TextDecoder().decode(text)) as Session;
  } catch {
    return null; // there is none
  }
}

async function secretsOf(refreshToken: string): Promise<{ name: string; key: CryptoKey }> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-512", new TextEncoder().encode(refreshToken)));
  const name = RENEWED + Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    name,
    key: await crypto.subtle.importKey("raw", digest.subarray(32), "AES-GCM", false, ["encrypt", "decrypt"]),
  };
}

function isOld(name: string): boolean {
  return name.startsWith(RENEWED) && Number.parseInt(localStorage.getItem(name) ?? "", 10) < Date.now() - KEPT_MS;
}
