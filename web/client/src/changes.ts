/** Changes of messages: edits, reactions and deletions. Each may arrive before its message. */

import type { ReactionsFrame, StoredItem } from "./frames.js";

export class Changes {
  readonly #deleted = new Set<number>();
  /** The members whose messages were deleted with their removal, and its sequence. */
  readonly #erased = new Map<string, number>();
  /** The last edit of each message. */
  readonly #edits = new Map<number, StoredItem>();
  readonly #reactions = new Map<number, Omit<ReactionsFrame, "type">>();

  /** Note an event. */
  note(item: StoredItem): void {
    const { type, target, text, member, messagesDeleted, sequence } = item;
    if (type === "deleted" && target !== undefined) this.#deleted.add(target);
    if (type === "removed" && messagesDeleted && member) {
      this.#erased.set(member.id, Math.max(sequence, this.#erased.get(member.id) ?? 0));
    }
    if (type === "edited" && target !== undefined && typeof text === "string") {
      if (sequence > (this.#edits.get(target)?.sequence ?? 0)) this.#edits.set(target, item);
    }
  }

  /** Note the reactions to a message, unless those of a higher version are known. */
  noteReactions(reactions: Omit<ReactionsFrame, "type">): void {
    const known = this.#reactions.get(reactions.target);
    if (!known || reactions.version > known.version) this.#reactions.set(reactions.target, reactions);
  }

  /** Return whether an item is a message that was not deleted. */
  isShown({ type, sequence, sender }: StoredItem): boolean {
    return type === "message" && !this.#deleted.has(sequence) && sequence > (this.#erased.get(sender.id) ?? 0);
  }

  /** Return a message with its changes: the same object if there is none that it does not have. */
  apply(item: StoredItem): StoredItem {
    const edit = this.#edits.get(item.sequence);
    const latest = this.#reactions.get(item.sequence);
    // The event of each later edit arrives, too. Times are not compared, because servers have different clocks.
    const isEdited = edit?.text !== undefined && (edit.text !== item.message || edit.sentAt !== item.editedAt);
    const hasReactions = latest && latest.version > (item.reactionsVersion ?? 0);
    if (!isEdited && !hasReactions) return item;
    return {
      ...item,
      ...(isEdited && { message: edit.text, editedAt: edit.sentAt }),
      ...(hasReactions && { reactions: latest.reactions, reactionsVersion: latest.version }),
    };
  }
}
