/** The members who are typing. A signal says that somebody has begun; no signal says that they have stopped. */

import type { Member } from "./types.js";

/** The name of the signal. */
export const TYPING = "typing";
/** While this client goes on, it says so again after this time. */
const REPEAT_MS = 8_000;
/** Without another signal, a member has stopped after this time. */
const END_MS = 10_000;

export class Typing {
  /** Send the signal, and return whether the connection is open. */
  readonly #send: () => boolean;
  readonly #onChange: (members: readonly Member[]) => void;
  readonly #entries = new Map<string, { member: Member; timer: ReturnType<typeof setTimeout> }>();
  #sentAt = Number.NEGATIVE_INFINITY;

  constructor(send: () => boolean, onChange: (members: readonly Member[]) => void) {
    this.#send = send;
    this.#onChange = onChange;
  }

  /** This client is typing. */
  type(): void {
    // The clock may have been put back.
    if (Math.abs(Date.now() - this.#sentAt) >= REPEAT_MS && this.#send()) this.#sentAt = Date.now();
  }

  /** This client has sent what it has typed, or has a new connection. The next keystroke begins a new text. */
  finish(): void {
    this.#sentAt = Number.NEGATIVE_INFINITY;
  }

  /** The room is too large for signals: send none on this connection. */
  refuse(): void {
    this.#sentAt = Number.NaN; // no time is long after that
  }

  /** A member is typing. */
  note(member: Member): void {
    clearTimeout(this.#entries.get(member.id)?.timer);
    this.#entries.set(member.id, { member, timer: setTimeout(() => this.end(member.id), END_MS) });
    this.#publish();
  }

  /** A member is not typing any more: a message has arrived, or the member has left. */
  end(memberId: string): void {
    clearTimeout(this.#entries.get(memberId)?.timer);
    if (this.#entries.delete(memberId)) this.#publish();
  }

  /** The connection is lost. */
  clear(): void {
    for (const { timer } of this.#entries.values()) clearTimeout(timer);
    if (this.#entries.size === 0) return;
    this.#entries.clear();
    this.#publish();
  }

  #publish(): void {
    this.#onChange([...this.#entries.values()].map(({ member }) => member));
  }
}
