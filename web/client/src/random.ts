/** Random ids and delays. */

/** Return a random delay in this range. It keeps many clients from doing the same at the same time. */
export function between(shortest: number, longest: number): number {
  return shortest + Math.random() * (longest - shortest);
}

/** Return 128 random bits as 32 hexadecimal digits. Not crypto.randomUUID, which browsers have only on HTTPS. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
