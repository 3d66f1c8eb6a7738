/** Which messages belong together: what one person says without a long pause, on one day. */

const LONG_PAUSE_MS = 5 * 60_000;

/** `{senderId, moment}` follow one another; `previous` is null for the first. */
export function startsDay({ moment }, previous) {
  return moment.toDateString() !== previous?.moment.toDateString();
}

export function continues(message, previous) {
  return previous !== null
    && message.senderId === previous.senderId
    && message.moment - previous.moment < LONG_PAUSE_MS
    && !startsDay(message, previous);
}
