/**
 * The members of a room: read over REST, then updated by join and leave frames.
 *
 * Each frame is about one connection, and a member may have several. A member whose last connection has left is kept for
 * a moment: a page that is reloaded comes back, and nobody needs to know.
 */

import { backoff } from "./backoff.js";
import type { CrowdFrame, PresenceFrame } from "./frames.js";
import { withKnownRole } from "./marks.js";
import { between } from "./random.js";
import type { ListedMember } from "./rest.js";
import type { Member } from "./types.js";

/** The least delay before the members are read again. */
const RECHECK_MS = 1_000;
/** The joins and leaves of a crowd arrive up to 5 s later, in one frame. Before the list is read instead, wait for that. */
const CROWD_DELAY_MS = 7_000;
const CROWD_JITTER_MS = 5_000;
/** Within this time, a member whose last connection has left may come back unnoticed. */
const RETURN_MS = 10_000;

export interface PresenceOptions {
  read(): Promise<readonly ListedMember[]>;
  onMembers(members: readonly Member[]): void;
  /** A member's first connection has joined, or its last one has left for good. */
  onChange(type: "join" | "leave", member: Member): void;
  onError(error: unknown): void;
}

interface Entry {
  member: Member;
  connections: number;
  /** Set while the member has no connection. */
  leaving?: ReturnType<typeof setTimeout> | undefined;
}

export class Presence {
  readonly #options: PresenceOptions;
  #entries = new Map<string, Entry>();
  /** Changes of members while the list is read. The list may contain their earlier state. */
  readonly #changes: { readonly id: string; readonly apply: (member: Member) => Member }[] = [];
  #frames = 0;
  #readings = 0;
  /** The room's number of connections, which is exact; the list is eventually consistent. */
  #count: number | null = null;
  /** The readings in a row after which the list was not right. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the members have been read. Before that, a member who joins may have been there already. */
  #isRead = false;
  #isStopped = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** The room has this number of connections: read the members again if another number is known, and still is then. */
  expect(count: number): void {
    this.#count = count;
    if (!this.#isComplete()) this.#recheckIn(between(CROWD_DELAY_MS, CROWD_DELAY_MS + CROWD_JITTER_MS), true);
  }

  note({ type, sender, memberCount }: PresenceFrame): void {
    if (type === "join") this.#join([{ ...sender, connections: this.#connectionsOf(sender) + 1 }]);
    else this.#leave(sender, this.#connectionsOf(sender) - 1);
    this.#noted(memberCount);
  }

  noteCrowd({ joined, left, memberCount }: CrowdFrame): void {
    this.#join(joined);
    for (const member of left) this.#leave(member, 0);
    this.#noted(memberCount);
  }

  /** A member has a new name or a new role. */
  change(id: string, apply: (member: Member) => Member): void {
    this.#changes.push({ id, apply });
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.member = apply(entry.member);
    this.#publish();
  }

  /** Publish the members again, because their marks have changed. */
  refreshMarks(): void {
    if (this.#entries.size) this.#publish();
  }

  /** A member was removed, and does not come back. */
  remove(id: string): void {
    clearTimeout(this.#entries.get(id)?.leaving);
    if (this.#entries.delete(id)) this.#publish();
  }

  /** Read the members of a room with this number of connections, until that many are known. */
  refresh(count: number): void {
    this.#count = count;
    this.#failures = 0;
    void this.#read();
  }

  /** The connection is lost: the frames about who comes and goes are, too. Call `refresh` on the next connection. */
  pause(): void {
    this.#cancelReading();
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.leaving);
      entry.leaving = undefined;
    }
  }

  async #read(): Promise<void> {
    if (this.#isStopped) return;
    this.#cancelReading();
    const reading = this.#readings;
    const before = this.#frames;
    this.#changes.length = 0;
    const listed = await this.#options.read().catch((error: unknown) => {
      if (reading === this.#readings) this.#options.onError(error);
      return null;
    });
    if (reading !== this.#readings) return; // it was cancelled, maybe by a listener who has left the room
    if (listed) this.#replace(listed);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (listed && this.#frames === before && this.#isComplete()) this.#failures = 0;
    else this.#recheckIn(Math.max(RECHECK_MS, backoff(this.#failures++)));
  }

  /** The room has grown beyond the announcements of joins and leaves: its members are no longer known. */
  clear(): void {
    this.pause();
    this.#isRead = false;
    if (this.#entries.size === 0) return;
    this.#entries.clear();
    this.#publish();
  }

  stop(): void {
    this.#isStopped = true;
    this.pause();
    this.#entries.clear();
  }

  #noted(memberCount: number): void {
    this.#frames += 1;
    this.expect(memberCount);
  }

  #connectionsOf({ id }: Member): number {
    return this.#entries.get(id)?.connections ?? 0;
  }

  /** Members have joined, and have this number of connections now. */
  #join(joined: readonly ListedMember[]): void {
    const added: Member[] = [];
    for (const { connections = 1, ...member } of joined) {
      const known = this.#entries.get(member.id);
      if (known) clearTimeout(known.leaving);
      else added.push(member);
      this.#entries.set(member.id, { member, connections });
    }
    this.#publish();
    if (this.#isRead) for (const member of added) this.#options.onChange("join", member);
  }

  /** A connection of a member has left, or several, and the member has this number of connections now. */
  #leave(member: Member, connections: number): void {
    const { id } = member;
    const entry = this.#entries.get(id);
    if (!entry || entry.connections === 0) return;
    entry.connections = connections;
    if (connections > 0) return;
    entry.leaving = setTimeout(() => {
      this.#entries.delete(id);
      this.#publish();
      this.#options.onChange("leave", member);
    }, RETURN_MS);
  }

  #replace(listed: readonly ListedMember[]): void {
    this.#isRead = true;
    const entries = new Map<string, Entry>();
    for (const { connections = 1, ...member } of listed) {
      clearTimeout(this.#entries.get(member.id)?.leaving);
      const changes = this.#changes.filter(({ id }) => id === member.id);
      entries.set(member.id, { member: changes.reduce((now, { apply }) => apply(now), member as Member), connections });
    }
    for (const [id, entry] of this.#entries) {
      if (!entries.has(id) && entry.leaving !== undefined) entries.set(id, entry);
    }
    this.#entries = entries;
    this.#publish();
  }

  #publish(): void {
    this.#options.onMembers([...this.#entries.values()].map(({ member }) => withKnownRole(member)));
  }

  #isComplete(): boolean {
    let known = 0;
    for (const { connections } of this.#entries.values()) known += connections;
    return this.#isRead && known === this.#count;
  }

  // A timer that runs already stays: frames that arrive one after the other must not put the reading off for ever.
  #recheckIn(milliseconds: number, isOptional = false): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (!(isOptional && this.#isComplete())) void this.#read();
    }, milliseconds);
  }

  /** Cancel the next reading, and ignore the response to the current one. */
  #cancelReading(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#readings += 1;
  }
}
