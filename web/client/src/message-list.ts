/** The messages of a snapshot. One that does not change keeps its object, so that views need not render it again. */

import type { StoredItem } from "./frames.js";
import { withKnownRole } from "./marks.js";
import type { Message } from "./types.js";

export class MessageList {
  readonly #ownIds = new Set<string>();
  readonly #ignoredIds: Set<string>;
  #published: readonly Message[] = [];
  /** Whether it has changed who is this client, or is ignored by it. */
  #isOutdated = false;

  constructor(ignoredIds: readonly string[] = []) {
    this.#ignoredIds = new Set(ignoredIds);
  }

  /** The ids of the members that this client ignores. */
  get ignoredIds(): readonly string[] {
    return [...this.#ignoredIds];
  }

  isIgnored(memberId: string): boolean {
    return this.#ignoredIds.has(memberId);
  }

  ignore(memberId: string): void {
    this.#ignoredIds.add(memberId);
    this.#isOutdated = true;
  }

  unignore(memberId: string): void {
    this.#ignoredIds.delete(memberId);
    this.#isOutdated = true;
  }

  /** The member ids of this client. */
  get ownIds(): readonly string[] {
    return [...this.#ownIds];
  }

  isOwn(memberId: string): boolean {
    return this.#ownIds.has(memberId);
  }

  /** This client is, or was, a member of this id. Returns whether that is new. */
  addOwnId(memberId: string): boolean {
    const isNew = !this.#ownIds.has(memberId);
    this.#ownIds.add(memberId);
    this.#isOutdated ||= isNew;
    return isNew;
  }

  /** Return the message as it was published last. */
  get(sequence: number): Message | undefined {
    return find(this.#published, sequence);
  }

  /** Return the messages of a list of which only those from an index on have changed. */
  publish(items: readonly StoredItem[], firstChanged: number): readonly Message[] {
    const before = this.#published;
    const from = this.#isOutdated ? 0 : firstChanged;
    const changed = items.slice(from).map((item) => {
      const isOwn = this.isOwn(item.sender.id);
      const isIgnored = this.isIgnored(item.sender.id);
      const known = find(before, item.sequence);
      const isSame = known?.isOwn === isOwn && known.isIgnored === isIgnored;
      return isSame ? known : messageOf(item, isOwn, isIgnored);
    });
    // For a new message, this copies once.
    this.#published = (from < before.length ? before.slice(0, from) : before).concat(changed);
    this.#isOutdated = false;
    return this.#published;
  }
}

/** Find a message by binary search. */
function find(messages: readonly Message[], sequence: number): Message | undefined {
  let from = 0;
  let to = messages.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((messages[middle]?.sequence ?? 0) < sequence) from = middle + 1;
    else to = middle;
  }
  return messages[from]?.sequence === sequence ? messages[from] : undefined;
}

export function messageOf(item: StoredItem, isOwn: boolean, isIgnored = false): Message {
  const { sequence, message, sender, sentAt, clientId } = item;
  return { sequence, message, sender: withKnownRole(sender), sentAt, clientId, isOwn, isIgnored };
}
