/** Grouping of messages by sender and day. */

const LONG_PAUSE_MS = 5 * 60_000;

export interface Placement {
  readonly senderId: string;
  readonly senderName: string;
  readonly moment: Date;
}

/** Test whether a message is the first of its day. `previous` is null for the first message. */
export function startsDay({ moment }: Placement, previous: Placement | null): boolean {
  return moment.toDateString() !== previous?.moment.toDateString();
}

/** Test whether a message continues the group of the previous one: same sender and name, same day, no long pause. */
export function continues(message: Placement, previous: Placement | null): boolean {
  return (
    previous !== null &&
    message.senderId === previous.senderId &&
    message.senderName === previous.senderName &&
    message.moment.getTime() - previous.moment.getTime() < LONG_PAUSE_MS &&
    !startsDay(message, previous)
  );
}
