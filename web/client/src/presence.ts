/** The members of a room: read over REST, then updated by join and leave frames. */

import type { PresenceFrame } from "./frames.js";
import type { Member } from "./types.js";

const RECHECK_MS = 1_000;

export interface PresenceOptions {
  read(): Promise<readonly Member[]>;
  onMembers(members: readonly Member[]): void;
  onError(error: unknown): void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #members = new Map<string, Member>();
  #frames = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Compare with the room's member count, which is exact; the list is eventually consistent and may lack some. */
  expect(count: number): void {
    if (count !== this.#members.size) this.#recheckSoon();
  }

  note({ type, sender, memberCount }: PresenceFrame): void {
    this.#frames += 1;
    this.#members = new Map(this.#members);
    if (type === "join") this.#members.set(sender.id, sender);
    else this.#members.delete(sender.id);
    this.#options.onMembers([...this.#members.values()]);
    this.expect(memberCount);
  }

  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    const before = this.#frames;
    try {
      const members = await this.#options.read();
      if (this.#isStopped) return;
      this.#members = new Map(members.map((member) => [member.id, member]));
      this.#options.onMembers(members);
      if (this.#frames !== before) this.#recheckSoon();
    } catch (error) {
      if (!this.#isStopped) this.#options.onError(error);
    }
  }

  /** The room has grown beyond the announcements of joins and leaves: its members are no longer known. */
  clear(): void {
    clearTimeout(this.#timer);
    if (this.#members.size === 0) return;
    this.#members = new Map();
    this.#options.onMembers([]);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #recheckSoon(): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.refresh(), RECHECK_MS);
  }
}
