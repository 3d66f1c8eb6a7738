/** The known messages of a room in order, and the range of them that is complete. */

import type { StoredMessage } from "./frames.js";

export class Timeline {
  #messages: readonly StoredMessage[] = [];
  #position: number | null = null;
  #floor: number | null = null;

  get messages(): readonly StoredMessage[] {
    return this.#messages;
  }

  /** The highest sequence up to which nothing is missing; null before `begin`. */
  get position(): number | null {
    return this.#position;
  }

  /** The first sequence of the range that has been read; older messages are read on request. */
  get floor(): number | null {
    return this.#floor ?? this.#messages[0]?.sequence ?? null;
  }

  get hasOlder(): boolean {
    return (this.#floor ?? 1) > 1;
  }

  get hasGap(): boolean {
    return this.#position !== null && (this.#messages.at(-1)?.sequence ?? 0) > this.#position;
  }

  /** Insert the messages that are new, and not older than the range that has been read. Returns them. */
  add(messages: readonly StoredMessage[]): StoredMessage[] {
    const known = new Set(this.#messages.map(({ sequence }) => sequence));
    const added = messages.filter(({ sequence }) => {
      const isNew = sequence >= (this.#floor ?? 1) && !known.has(sequence);
      known.add(sequence);
      return isNew;
    });
    if (added.length) {
      this.#messages = [...this.#messages, ...added].sort((one, other) => one.sequence - other.sequence);
      this.#advance();
    }
    return added;
  }

  /** Record the newest page of the history: it is complete from `lowest` to `lastSequence`. */
  begin(lowest: number, lastSequence: number): void {
    const earliest = this.#messages[0]?.sequence ?? lowest;
    this.#floor = Math.min(lowest, earliest);
    // Live messages that arrived before the page and are older than it may have gaps between them.
    this.#position = earliest < lowest ? earliest - 1 : lastSequence;
    this.#advance();
  }

  /** Start with messages that were read before, complete up to a sequence. */
  restore(messages: readonly StoredMessage[], position: number): void {
    this.#messages = messages;
    this.#floor = messages[0]?.sequence ?? null;
    this.#position = position;
  }

  /** Record that no unknown message up to this sequence will arrive. */
  settle(sequence: number): void {
    this.#position = Math.max(this.#position ?? 0, sequence);
    this.#advance();
  }

  /** Add an older page. An empty page means that the start of the history is reached. */
  extend(older: readonly StoredMessage[]): void {
    this.#messages = [...older, ...this.#messages];
    this.#floor = older[0]?.sequence ?? 1;
  }

  #advance(): void {
    if (this.#position === null) return;
    for (const { sequence } of this.#messages) {
      if (sequence === this.#position + 1) this.#position = sequence;
    }
  }
}
