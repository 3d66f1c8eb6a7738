/** The messages of a snapshot. One that does not change keeps its object, so that views need not render it again. */

import type { StoredItem } from "./frames.js";
import { withKnownRole } from "./marks.js";
import type { Message } from "./types.js";

export class MessageList {
  readonly #ownIds = new Set<string>();
  readonly #ignoredIds: Set<string>;
  #known = new Map<number, Message>();

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
  }

  unignore(memberId: string): void {
    this.#ignoredIds.delete(memberId);
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
    return isNew;
  }

  /** Return the message as it was published last. */
  get(sequence: number): Message | undefined {
    return this.#known.get(sequence);
  }

  publish(items: readonly StoredItem[]): readonly Message[] {
    const before = this.#known;
    this.#known = new Map();
    return items.map((item) => {
      const isOwn = this.isOwn(item.sender.id);
      const isIgnored = this.isIgnored(item.sender.id);
      const known = before.get(item.sequence);
      const isSame = known?.isOwn === isOwn && known.isIgnored === isIgnored;
      const message = isSame ? known : messageOf(item, isOwn, isIgnored);
      this.#known.set(item.sequence, message);
      return message;
    });
  }
}

export function messageOf(item: StoredItem, isOwn: boolean, isIgnored = false): Message {
  const { sequence, message, sender, sentAt, clientId } = item;
  return { sequence, message, sender: withKnownRole(sender), sentAt, clientId, isOwn, isIgnored };
}
