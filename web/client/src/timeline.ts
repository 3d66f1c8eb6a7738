/** The known messages of a room in order, with their changes, and the range of sequences that is complete. */

import { Changes } from "./changes.js";
import type { ReactionsFrame, StoredItem } from "./frames.js";

export class Timeline {
  /** In order, without what was deleted. A room may keep many, so that a new one must not cost more than its place. */
  #messages: StoredItem[] = [];
  /** The sequences of messages and events. */
  readonly #known = new Set<number>();
  /** Of those that were added one by one, the lowest and the highest. */
  #lowest = Number.POSITIVE_INFINITY;
  #highest = 0;
  #firstChanged = 0;
  readonly #changes = new Changes();
  /** Messages before the range that were read because others answer them. Null if there is no such message. */
  readonly #apart = new Map<number, StoredItem | null>();
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

  /** The highest sequence that is known. */
  get last(): number {
    return Math.max(this.#position ?? 0, this.#highest);
  }

  /** The first sequence of the range that has been read, infinite if there is none; older ones are read on request. */
  get floor(): number {
    return this.#floor ?? this.#lowest;
  }

  get hasOlder(): boolean {
    return (this.#floor ?? 1) > 1;
  }

  get hasGap(): boolean {
    return this.#position !== null && this.#highest > this.#position;
  }

  /**
   * Insert the items that are new, and not older than the range that has been read. Returns them. A frame of a large room, a
   * batch, leaves out the messages that are deleted: those are not missing.
   */
  add(items: readonly StoredItem[], isBatch = false): StoredItem[] {
    const added = items.filter((item) => {
      const { sequence, type, messagesDeleted } = item;
      if (sequence < (this.#floor ?? 1) || this.#known.has(sequence)) return false;
      this.#lowest = Math.min(this.#lowest, sequence);
      this.#highest = Math.max(this.#highest, sequence);
      this.#note(item);
      if (type === "deleted" || messagesDeleted) this.#filter();
      if (this.#changes.isShown(item)) this.#insert(this.#changes.apply(item));
      return true;
    });
    if (isBatch) for (const { type, target = 0 } of items) if (type === "deleted") this.#known.add(target);
    this.#advance();
    return added;
  }

  /** Note the reactions to a message, also to one that arrives later. Returns whether a message has changed. */
  react(reactions: Omit<ReactionsFrame, "type">): boolean {
    if (reactions.target < (this.#floor ?? 1)) return false;
    this.#changes.noteReactions(reactions);
    return this.#renew(reactions.target);
  }

  /** Note the reactions to messages that were read again. Returns whether a message has changed. */
  refresh(items: readonly StoredItem[]): boolean {
    const changed = items.filter(({ sequence: target, reactions = [], reactionsVersion: version }) => {
      return version !== undefined && this.react({ target, reactions, version });
    });
    return changed.length > 0;
  }

  /** Return a message as it is now: null if it is none or does not exist any more, undefined if it has not been read. */
  find(sequence: number): StoredItem | null | undefined {
    const message = findIn(this.#messages, sequence) ?? this.#apart.get(sequence);
    if (message) return this.#changes.isShown(message) ? this.#changes.apply(message) : null;
    const isRead = sequence >= this.floor && sequence <= (this.#position ?? 0); // what is not there was deleted
    return message === null || isRead || this.#known.has(sequence) ? null : undefined;
  }

  /** Record a message before the range. */
  keepApart(sequence: number, item: StoredItem | undefined): void {
    this.#apart.set(sequence, item?.sequence === sequence && item.type === "message" ? item : null);
    this.#firstChanged = 0;
  }

  /** Record the newest page of the history: it is complete from `lowest` to `lastSequence`. */
  begin(lowest: number, lastSequence: number): void {
    this.#floor = Math.min(lowest, this.#lowest);
    // Live messages that arrived before the page and are older than it may have gaps between them.
    this.#position = this.#lowest < lowest ? this.#lowest - 1 : lastSequence;
    this.#advance();
  }

  /** Start with messages that were read before, complete up to a sequence. */
  restore(messages: readonly StoredItem[], position: number): void {
    this.extend(messages, messages[0]?.sequence ?? 1);
    this.#position = position;
  }

  /** Record that no unknown message up to this sequence will arrive. */
  settle(sequence: number): void {
    this.#position = Math.max(this.#position ?? 0, sequence);
    this.#advance();
  }

  /** Add an older page, which is complete from `lowest` on. */
  extend(older: readonly StoredItem[], lowest: number): void {
    for (const item of older) this.#note(item);
    this.#messages = [...older.map((item) => this.#changes.apply(item)), ...this.#messages];
    this.#filter();
    this.#floor = lowest;
  }

  #note(item: StoredItem): void {
    const { type, sequence, target = 0 } = item;
    this.#known.add(sequence);
    this.#changes.note(item);
    if (type === "edited") this.#renew(target);
    if (this.#apart.has(target)) this.#firstChanged = 0; // what answers it shows it
  }

  /** Apply the changes of a message that is known. Returns whether there are any. */
  #renew(sequence: number): boolean {
    const index = indexOf(this.#messages, sequence);
    const message = this.#messages[index];
    if (!message) return false;
    const current = this.#changes.apply(message);
    if (current === message) return false;
    this.#messages[index] = current;
    this.#changeFrom(index);
    return true;
  }

  #filter(): void {
    this.#messages = this.#messages.filter((item) => this.#changes.isShown(item));
    this.#firstChanged = 0;
  }

  /** Insert a message in order: new ones belong near the end. */
  #insert(message: StoredItem): void {
    const index = this.#messages.findLastIndex(({ sequence }) => sequence < message.sequence) + 1;
    this.#messages.splice(index, 0, message);
    this.#changeFrom(index);
  }

  #changeFrom(index: number): void {
    this.#firstChanged = Math.min(this.#firstChanged, index);
  }

  #advance(): void {
    if (this.#position === null) return;
    while (this.#known.has(this.#position + 1)) this.#position += 1;
  }
}

/** Return the item of a sequence, undefined if there is none. */
export function findIn<Item extends { readonly sequence: number }>(
  items: readonly Item[],
  sequence: number,
): Item | undefined {
  return items[indexOf(items, sequence)];
}

/** Return the index of a sequence by binary search, -1 if it is not there. */
function indexOf(items: readonly { readonly sequence: number }[], sequence: number): number {
  let from = 0;
  let to = items.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((items[middle]?.sequence ?? 0) < sequence) from = middle + 1;
    else to = middle;
  }
  return items[from]?.sequence === sequence ? from : -1;
}
