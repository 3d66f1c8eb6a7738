/** The marks of members: their roles, and until when they are muted. */

import type { StoredItem } from "./frames.js";
import type { Member, PresentMember, Role } from "./types.js";

/** Return a role that this version knows. A newer server may have more; whoever has one of those is a plain member here. */
export function knownRole(role: unknown): Role | undefined {
  return role === "owner" || role === "moderator" ? role : undefined;
}

/** Return a member of the server without a role that this version does not know. The same object if there is none. */
export function withKnownRole(member: Member): Member {
  return member.role === undefined || knownRole(member.role) ? member : withRole(member, undefined);
}

/** Return the end of a mute, or undefined if the event ends it: then `until` is absent or not after the event. */
export function endOf({ until, sentAt }: StoredItem): string | undefined {
  // Compared with the server's time: the clock of this computer may be wrong.
  return until && Date.parse(until) > Date.parse(sentAt) ? until : undefined;
}

export function withRole({ role: _, ...member }: Member, role: Role | undefined): Member {
  return role ? { ...member, role } : member;
}

const DAY_MS = 24 * 60 * 60_000;

/** The members who are muted, as the events about that tell. */
export class Mutes {
  readonly #onChange: () => void;
  readonly #entries = new Map<string, { sequence: number; until: number }>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `onChange` is called whenever somebody is muted, or may send again. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Note an event about a member. `until` is absent if the member may send again. */
  note(memberId: string, sequence: number, until: string | undefined): void {
    if (sequence < (this.#entries.get(memberId)?.sequence ?? 0)) return; // an older event, which arrives late
    this.#set(memberId, sequence, Date.parse(until ?? "") || 0);
  }

  /** Note that the server has refused a frame of a member for this reason. */
  noteRefusal(memberId: string, retryAfter: number): void {
    this.#set(memberId, this.#entries.get(memberId)?.sequence ?? 0, Date.now() + retryAfter * 1_000);
  }

  /** Add the mark of a member, if it has one. */
  mark(member: Member): PresentMember {
    const until = this.#entries.get(member.id)?.until ?? 0;
    return until > Date.now() ? { ...member, mutedUntil: new Date(until).toISOString() } : member;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #set(memberId: string, sequence: number, until: number): void {
    this.#entries.set(memberId, { sequence, until });
    this.#changed();
  }

  #changed(): void {
    this.#onChange();
    clearTimeout(this.#timer);
    const now = Date.now();
    const next = Math.min(...[...this.#entries.values()].map(({ until }) => until).filter((until) => until > now));
    if (!Number.isFinite(next)) return;
    // No timer of a platform can wait for 25 days.
    this.#timer = setTimeout(() => this.#changed(), Math.min(next - now, DAY_MS));
  }
}
