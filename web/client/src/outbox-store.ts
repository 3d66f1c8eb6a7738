/**
 * The unsent messages of each room in a storage, so that they survive a reload.
 *
 * In a storage that tabs share, they survive the tab, too: each visit to a room has a value of its own there, and holds a lock
 * from its first message to its end. The next visit waits for these locks, and takes over what is left behind. The browser
 * ends the locks of a tab that is closed, or has crashed.
 */

import { listOf } from "./lists.js";
import type { SavedMessage } from "./outbox.js";
import { randomId } from "./random.js";
import type { OwnStorage } from "./storage.js";

const KIND = "outbox";

export class OutboxStore {
  readonly #storage: OwnStorage;
  readonly #roomId: string;
  readonly #name: string;
  readonly #take: (messages: readonly SavedMessage[]) => void;
  /** The messages that were saved last, as JSON. */
  #saved: string | undefined;
  #unlock: (() => void) | undefined;
  #isOver = false;

  /** `take` is called with what another visit has left. It has to add that to the outbox, which is saved. */
  constructor(storage: OwnStorage, roomId: string, take: (messages: readonly SavedMessage[]) => void) {
    this.#storage = storage;
    this.#roomId = roomId;
    this.#take = take;
    this.#name = storage.isShared ? `${roomId}.${randomId()}` : roomId;
  }

  /** Return what was left before a reload. */
  load(): readonly SavedMessage[] {
    return this.#read(this.#name);
  }

  /** Take over what other visits have left, now or when they end. */
  adopt(): void {
    for (const name of this.#storage.find(KIND, `${this.#roomId}.`)) {
      if (name === this.#name) continue;
      this.#storage.lock(KIND, name, () => {
        if (this.#isOver) return;
        const left = this.#read(name);
        this.#storage.write(KIND, name, undefined); // first: a full storage has no room for them twice
        this.#take(left);
      });
    }
  }

  save(messages: readonly SavedMessage[]): void {
    // After the end, another visit may have taken them over, or go on with them in the same place.
    if (this.#isOver && JSON.stringify(this.#read(this.#name)) !== this.#saved) return;
    this.#saved = JSON.stringify(messages);
    if (messages.length) this.#hold();
    this.#storage.write(KIND, this.#name, messages.length ? messages : undefined);
  }

  /** Leave the messages to another visit. */
  end(): void {
    this.#isOver = true;
    this.#unlock?.();
  }

  #read(name: string): readonly SavedMessage[] {
    const saved = this.#storage.read<readonly SavedMessage[]>(KIND, name);
    return listOf(saved).filter((entry) => entry?.clientId && entry?.message);
  }

  #hold(): void {
    if (this.#unlock || this.#isOver) return;
    const held = new Promise<void>((resolve) => {
      this.#unlock = resolve;
    });
    this.#storage.lock(KIND, this.#name, () => held);
  }
}
