/** Grouping of messages by sender and day. */

import type { Member } from "chalice-chat-client";

const LONG_PAUSE_MS = 5 * 60_000;

export interface Placement {
  readonly sender: Member;
  readonly moment: Date;
}

/** Test whether a message is the first of its day. `previous` is null for the first message. */
export function startsDay({ moment }: Placement, previous: Placement | null): boolean {
  return moment.toDateString() !== previous?.moment.toDateString();
}

/** Test whether a message continues the group of the previous one: same sender, name and role, same day, no long pause. */
export function continues(message: Placement, previous: Placement | null): boolean {
  return (
    previous !== null &&
    message.sender.id === previous.sender.id &&
    message.sender.name === previous.sender.name &&
    message.sender.role === previous.sender.role &&
    message.moment.getTime() - previous.moment.getTime() < LONG_PAUSE_MS &&
    !startsDay(message, previous)
  );
}
