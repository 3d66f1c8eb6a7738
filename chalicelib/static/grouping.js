/** Grouping of messages by sender and day. */

const LONG_PAUSE_MS = 5 * 60_000;

/** Test whether a message, `{senderId, moment}`, is the first of its day. `previous` is null for the first message. */
export function startsDay({ moment }, previous) {
  return moment.toDateString() !== previous?.moment.toDateString();
}

/** Test whether a message continues the group of the previous one: same sender, same day, no long pause. */
export function continues(message, previous) {
  return previous !== null
    && message.senderId === previous.senderId
    && message.moment - previous.moment < LONG_PAUSE_MS
    && !startsDay(message, previous);
}
