/** The known messages and events of a room in order, and the range of them that is complete. */

import type { StoredItem } from "./frames.js";

export class Timeline {
  #items: readonly StoredItem[] = [];
  #messages: readonly StoredItem[] = [];
  #deleted = new Set<number>();
  /** The members whose messages were deleted with their removal, and its sequence. */
  #erased = new Map<string, number>();
  #position: number | null = null;
  #floor: number | null = null;

  /** The messages, without events and without what was deleted. */
  get messages(): readonly StoredItem[] {
    return this.#messages;
  }

  /** The highest sequence up to which nothing is missing; null before `begin`. */
  get position(): number | null {
    return this.#position;
  }

  /** The first sequence of the range that has been read; older messages are read on request. */
  get floor(): number | null {
    return this.#floor ?? this.#items[0]?.sequence ?? null;
  }

  get hasOlder(): boolean {
    return (this.#floor ?? 1) > 1;
  }

  get hasGap(): boolean {
    return this.#position !== null && (this.#items.at(-1)?.sequence ?? 0) > this.#position;
  }

  /** Insert the items that are new, and not older than the range that has been read. Returns them. */
  add(items: readonly StoredItem[]): StoredItem[] {
    const known = new Set(this.#items.map(({ sequence }) => sequence));
    const added = items.filter(({ sequence }) => {
      const isNew = sequence >= (this.#floor ?? 1) && !known.has(sequence);
      known.add(sequence);
      return isNew;
    });
    if (added.length) {
      this.#set([...this.#items, ...added].sort((one, other) => one.sequence - other.sequence));
      this.#advance();
    }
    return added;
  }

  /** Record the newest page of the history: it is complete from `lowest` to `lastSequence`. */
  begin(lowest: number, lastSequence: number): void {
    const earliest = this.#items[0]?.sequence ?? lowest;
    this.#floor = Math.min(lowest, earliest);
    // Live messages that arrived before the page and are older than it may have gaps between them.
    this.#position = earliest < lowest ? earliest - 1 : lastSequence;
    this.#advance();
  }

  /** Start with messages that were read before, complete up to a sequence. */
  restore(messages: readonly StoredItem[], position: number): void {
    this.#set(messages);
    this.#floor = messages[0]?.sequence ?? null;
    this.#position = position;
  }

  /** Record that no unknown message up to this sequence will arrive. */
  settle(sequence: number): void {
    this.#position = Math.max(this.#position ?? 0, sequence);
    this.#advance();
  }

  /** Add an older page, which is complete from `lowest` on. */
  extend(older: readonly StoredItem[], lowest: number): void {
    this.#set([...older, ...this.#items]);
    this.#floor = lowest;
  }

  // A message may arrive after the event that deletes it, so what was deleted is remembered.
  #set(items: readonly StoredItem[]): void {
    this.#items = items;
    for (const { type, target, member, messagesDeleted, sequence } of items) {
      if (type === "deleted" && target !== undefined) this.#deleted.add(target);
      if (type === "removed" && messagesDeleted && member) {
        this.#erased.set(member.id, Math.max(sequence, this.#erased.get(member.id) ?? 0));
      }
    }
    this.#messages = items.filter(
      ({ type, sequence, sender }) =>
        type === "message" && !this.#deleted.has(sequence) && sequence > (this.#erased.get(sender.id) ?? 0),
    );
  }

  #advance(): void {
    if (this.#position === null) return;
    for (const { sequence } of this.#items) {
      if (sequence === this.#position + 1) this.#position = sequence;
    }
  }
}
