/** The messages of a snapshot. One that does not change keeps its object, so that views need not render it again. */

import type { StoredItem } from "./frames.js";
import type { Message } from "./types.js";

export class MessageList {
  readonly #ownIds = new Set<string>();
  #known = new Map<number, Message>();

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
      const known = before.get(item.sequence);
      const message = known?.isOwn === isOwn ? known : messageOf(item, isOwn);
      this.#known.set(item.sequence, message);
      return message;
    });
  }
}

export function messageOf({ sequence, message, sender, sentAt, clientId }: StoredItem, isOwn: boolean): Message {
  return { sequence, message, sender, sentAt, clientId, isOwn };
}
