/** Exponential backoff with jitter. */

const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 30_000;

/** Return the delay before the next attempt. Its random half keeps clients from all reconnecting at the same time. */
export function backoff(failures: number): number {
  const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}
