/** The snapshot of a room and its listeners. */

import { Emitter } from "./emitter.js";
import type { RoomEvents, RoomSnapshot } from "./types.js";

/** The snapshot of a room before anything is known about it. */
export const NOT_JOINED: RoomSnapshot = {
  state: { status: "connecting", attempt: 1 },
  name: null,
  isPrivate: false,
  isLocked: false,
  keepDays: 0,
  slowSeconds: 0,
  isOwner: false,
  you: null,
  ignored: [],
  messages: [],
  readSequence: null,
  typing: [],
  pending: [],
  members: [],
  memberCount: null,
  history: "loading",
  older: "none",
};

/** The properties whose changes are events of the same name. */
const EVENTS = ["state", "messages", "typing", "pending"] as const;

interface StoreEvents extends RoomEvents {
  /** Anything has changed. */
  snapshot: RoomSnapshot;
}

export class RoomStore extends Emitter<StoreEvents> {
  #snapshot: RoomSnapshot;
  /** The changes that the listeners do not know yet. */
  #held: Partial<RoomSnapshot> | undefined;

  constructor(start: Partial<RoomSnapshot>) {
    super();
    this.#snapshot = { ...NOT_JOINED, ...start };
  }

  get snapshot(): RoomSnapshot {
    return this.#snapshot;
  }

  /** Tell the listeners once about all that a function publishes, at its end. */
  together(publish: () => void): void {
    this.#held = {};
    try {
      publish();
    } finally {
      const held = this.#held;
      this.#held = undefined;
      if (Object.keys(held).length) this.publish(held);
    }
  }

  /** Replace the snapshot by one with these changes, and tell the listeners. */
  publish(change: Partial<RoomSnapshot>): void {
    this.#snapshot = { ...this.#snapshot, ...change };
    if (this.#held) {
      Object.assign(this.#held, change);
      return;
    }
    for (const type of EVENTS) if (change[type]) this.emit(type, change[type]);
    if (change.members || "memberCount" in change) this.emit("members", this.#snapshot.members);
    this.emit("snapshot", this.#snapshot);
  }
}
