/** The messages of a snapshot. One that does not change keeps its object, so that views need not render it again. */

import type { StoredItem } from "./frames.js";
import { listOf } from "./lists.js";
import { withKnownRole } from "./marks.js";
import { findIn } from "./timeline.js";
import type { Message, Quote, Reaction } from "./types.js";

/** Returns a message: null if it does not exist any more, undefined if it has not been read. */
type Find = (sequence: number) => StoredItem | null | undefined;

export class MessageList {
  readonly #ownIds = new Set<string>();
  readonly #ignoredIds: Set<string>;
  #published: readonly Message[] = [];
  readonly #made = new WeakMap<StoredItem, Message>();
  /** This client's reactions, which the list of a reaction may not contain: it has 20 members at most. */
  readonly #reacted = new Set<string>();
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

  setIgnored(memberId: string, isIgnored: boolean): void {
    if (isIgnored) this.#ignoredIds.add(memberId);
    else this.#ignoredIds.delete(memberId);
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
    return findIn(this.#published, sequence);
  }

  /** This client has added a reaction to a message, or has removed it. Returns whether it had it before. */
  noteOwnReaction(sequence: number, reaction: string, isOwn: boolean): boolean {
    const key = `${sequence} ${reaction}`;
    const wasOwn = this.#reacted.has(key);
    if (isOwn) this.#reacted.add(key);
    else this.#reacted.delete(key);
    return wasOwn;
  }

  /** Return the messages of a list of which only those from an index on have changed. */
  publish(items: readonly StoredItem[], firstChanged: number, find: Find = () => undefined): readonly Message[] {
    const before = this.#published;
    const from = this.#isOutdated ? 0 : firstChanged;
    const changed = items.slice(from).map((item) => {
      const made = this.#made.get(item);
      if (made && !this.#isOutdated && item.replyTo === undefined) return made;
      const known = made ?? findIn(before, item.sequence);
      const next = this.messageOf(item, find);
      const message = known && JSON.stringify(known) === JSON.stringify(next) ? known : next;
      this.#made.set(item, message);
      return message;
    });
    // For a new message, this copies once.
    this.#published = (from < before.length ? before.slice(0, from) : before).concat(changed);
    this.#isOutdated = false;
    return this.#published;
  }

  /** Return a stored message as it is published. */
  messageOf(item: StoredItem, find: Find): Message {
    const { sentAt, clientId, editedAt, replyTo } = item;
    const mentions = listOf(item.mentions);
    const quoted = replyTo === undefined ? undefined : find(replyTo);
    return {
      ...this.#quoteOf(item),
      sentAt,
      clientId,
      editedAt,
      replyTo,
      quote: quoted && this.#quoteOf(quoted),
      mentions,
      isMention: mentions.some((id) => this.isOwn(id)),
      reactions: this.#reactionsOf(item),
    };
  }

  #quoteOf({ sequence, message, sender }: StoredItem): Quote {
    const { id } = sender;
    return { sequence, message, sender: withKnownRole(sender), isOwn: this.isOwn(id), isIgnored: this.isIgnored(id) };
  }

  #reactionsOf({ sequence, reactions }: StoredItem): readonly Reaction[] {
    return listOf(reactions).map(({ reaction, count, members: listed }) => {
      const members = listOf(listed);
      const isListed = members.some((id) => this.isOwn(id));
      if (isListed || count === members.length) this.noteOwnReaction(sequence, reaction, isListed);
      return { reaction, count, members, isOwn: this.#reacted.has(`${sequence} ${reaction}`) };
    });
  }
}
