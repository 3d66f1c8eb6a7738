/** The known messages and events of a room in order, and the range of them that is complete. */

import type { StoredItem } from "./frames.js";

export class Timeline {
  /** In order, as are the messages. A room may keep many, so that a new one must not cost more than its place. */
  #items: StoredItem[] = [];
  #messages: StoredItem[] = [];
  readonly #known = new Set<number>();
  #firstChanged = 0;
  #deleted = new Set<number>();
  /** The members whose messages were deleted with their removal, and its sequence. */
  #erased = new Map<string, number>();
  #position: number | null = null;
  #floor: number | null = null;

  /** The messages, without events and without what was deleted. */
  get messages(): readonly StoredItem[] {
    return this.#messages;
  }

  /** Return the index of the first message that has changed since the last call. */
  takeFirstChanged(): number {
    const index = this.#firstChanged;
    this.#firstChanged = this.#messages.length;
    return index;
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
    const added = items.filter((item) => {
      if (item.sequence < (this.#floor ?? 1) || this.#known.has(item.sequence)) return false;
      this.#known.add(item.sequence);
      insert(this.#items, item);
      this.#note(item);
      if (this.#isShown(item)) this.#changeFrom(insert(this.#messages, item));
      return true;
    });
    this.#advance();
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
    this.#prepend(messages);
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
    this.#prepend(older);
    this.#floor = lowest;
  }

  #prepend(older: readonly StoredItem[]): void {
    this.#items = [...older, ...this.#items];
    for (const item of older) {
      this.#known.add(item.sequence);
      this.#note(item);
    }
    this.#filter();
  }

  // A message may arrive after the event that deletes it, so what was deleted is remembered.
  #note({ type, target, member, messagesDeleted, sequence }: StoredItem): void {
    if (type === "deleted" && target !== undefined) {
      this.#deleted.add(target);
      const index = this.#messages.findLastIndex((message) => message.sequence === target);
      if (index >= 0) this.#messages.splice(index, 1);
      if (index >= 0) this.#changeFrom(index);
    }
    if (type === "removed" && messagesDeleted && member) {
      this.#erased.set(member.id, Math.max(sequence, this.#erased.get(member.id) ?? 0));
      this.#filter();
    }
  }

  #isShown({ type, sequence, sender }: StoredItem): boolean {
    return type === "message" && !this.#deleted.has(sequence) && sequence > (this.#erased.get(sender.id) ?? 0);
  }

  #filter(): void {
    this.#messages = this.#items.filter((item) => this.#isShown(item));
    this.#firstChanged = 0;
  }

  #changeFrom(index: number): void {
    this.#firstChanged = Math.min(this.#firstChanged, index);
  }

  #advance(): void {
    if (this.#position === null) return;
    while (this.#known.has(this.#position + 1)) this.#position += 1;
  }
}

/** Insert an item in order, and return its index: new ones belong near the end. */
function insert(items: StoredItem[], item: StoredItem): number {
  const index = items.findLastIndex(({ sequence }) => sequence < item.sequence) + 1;
  items.splice(index, 0, item);
  return index;
}
