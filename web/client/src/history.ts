/** Reads the history over REST: first the newest messages, then missed ones, and older ones on request. */

import { backoff } from "./backoff.js";
import type { StoredItem } from "./frames.js";
import { between } from "./random.js";
import type { MessagePage, MessageRange } from "./rest.js";
import type { Timeline } from "./timeline.js";
import type { RoomSnapshot } from "./types.js";

const PAGE = 50;
/** The server's limit. */
const LONGEST_PAGE = 100;
const GAP_DELAY_MS = 400;
/** In a large room, many clients see the same gap at the same time. */
const GAP_JITTER_MS = 5_000;
/** After a reconnect, the reactions to the newest messages are read again: to 1,000 of them. */
const REFRESHED_PAGES = 10;

type OlderState = RoomSnapshot["older"];

export interface HistoryOptions {
  read(range: MessageRange): Promise<MessagePage>;
  /** Messages of the first page or of an older one, and those that are read again. */
  onHistory(messages: readonly StoredItem[]): void;
  /** Messages that should have arrived as frames. Add them to the timeline. */
  onMissed(messages: readonly StoredItem[]): void;
  onExpired(after: number): void;
  /** Messages of the timeline have changed. */
  onChanged(): void;
  onOlder(state: OlderState): void;
  onCaughtUp(): void;
  onError(error: unknown): void;
}

export class History {
  readonly #timeline: Timeline;
  readonly #options: HistoryOptions;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #target = 0;
  #isReading = false;
  #isBehind = false;
  /** Whether the last page has ended early: there is more to read. */
  #endsEarly = false;
  /** The reading of older messages that goes on. */
  #older: Promise<void> | undefined;
  #isStopped = false;
  #refreshes = 0;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  /** The messages that are being read apart, one after the other. */
  readonly #wanted = new Set<number>();
  #lookup: Promise<void> = Promise.resolve();

  constructor(timeline: Timeline, options: HistoryOptions) {
    this.#timeline = timeline;
    this.#options = options;
  }

  /** Read new messages now. Call this at the start, and whenever frames may have been lost. */
  catchUp(): void {
    this.#isBehind = true;
    this.#readIn(0);
  }

  /** Read new messages unless everything up to this sequence is known, or with `isPatient` arrives within a delay. */
  reach(sequence: number, isPatient = false): void {
    this.#target = Math.max(this.#target, sequence);
    if (this.#isComplete()) this.#options.onCaughtUp();
    else if (isPatient) this.fillGap(true);
    else this.#readIn(0);
  }

  /**
   * Read missing messages after a short delay. Frames may arrive out of order, so most gaps close by themselves. In a large
   * room, wait longer, and read only if they have not arrived by then.
   */
  fillGap(isLarge: boolean): void {
    const longest = isLarge ? GAP_DELAY_MS + GAP_JITTER_MS : GAP_DELAY_MS;
    if (this.#timer === undefined) this.#readIn(between(GAP_DELAY_MS, longest), isLarge);
  }

  /** Read this number of older messages, with as many requests as it takes. While some are read, wait for those. */
  readOlder(limit = PAGE): Promise<void> {
    this.#older ??= this.#readOlder(limit).finally(() => {
      this.#older = undefined;
    });
    return this.#older;
  }

  async #readOlder(limit: number): Promise<void> {
    if (this.#isStopped || !this.#timeline.hasOlder) return;
    let wanted = Math.max(1, Math.ceil(limit) || PAGE);
    let state: OlderState = "loading";
    this.#options.onOlder(state);
    while (state === "loading") {
      const before = this.#timeline.floor;
      const page = await this.#readPage({ before, limit: Math.min(wanted, LONGEST_PAGE) });
      if (this.#isStopped) return;
      if (page) {
        this.#extend(page.messages, lowestOf(page));
        wanted -= page.messages.length;
      }
      // Without progress, reading on at once could go on for ever.
      if (this.#timeline.floor === before) state = "failed";
      else if (wanted <= 0 || !this.#timeline.hasOlder) state = this.#olderState();
      this.#options.onOlder(state);
    }
  }

  /** Read the messages again that are loaded, the newest first. Reactions have no sequence: a missed one leaves no gap. */
  async refresh(failures = 0): Promise<void> {
    const refresh = ++this.#refreshes;
    clearTimeout(this.#refreshTimer);
    let before = (this.#timeline.position ?? 0) + 1;
    for (let pages = 0; pages < REFRESHED_PAGES && before > this.#timeline.floor; pages += 1) {
      const page = await this.#readPage({ before, limit: LONGEST_PAGE });
      if (this.#isStopped || refresh !== this.#refreshes) return;
      if (!page) {
        this.#refreshTimer = setTimeout(() => void this.refresh(failures + 1), backoff(failures));
        return;
      }
      this.#options.onHistory(page.messages); // after a reload, the events among them are not known
      if (this.#timeline.refresh(page.messages)) this.#options.onChanged();
      if (lowestOf(page) >= before) return;
      before = lowestOf(page);
    }
  }

  /** Read a single message, if it is not known. Several are read one after the other, because anybody can name many. */
  find(sequence: number): Promise<void> {
    if (this.#timeline.find(sequence) === undefined && !this.#wanted.has(sequence)) {
      this.#wanted.add(sequence);
      this.#lookup = this.#lookup.then(() => this.#find(sequence));
    }
    return this.#lookup;
  }

  async #find(sequence: number): Promise<void> {
    if (this.#isStopped) return;
    const page = await this.#readPage({ before: sequence + 1, limit: 1 });
    this.#wanted.delete(sequence);
    if (!page) return;
    this.#timeline.keepApart(sequence, page.messages[0]);
    this.#options.onChanged();
  }

  stop(): void {
    if (this.#isStopped) return; // by a listener
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#refreshTimer);
    if (this.#older) this.#options.onOlder(this.#olderState());
  }

  #readIn(milliseconds: number, isOptional = false): void {
    if (this.#isReading || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (!(isOptional && this.#isComplete())) void this.#readOnce();
    }, milliseconds);
  }

  async #readOnce(): Promise<void> {
    this.#isReading = true;
    this.#isBehind = false;
    const after = this.#timeline.position;
    const page = await this.#readPage(after === null ? { limit: PAGE } : { after, limit: LONGEST_PAGE });
    if (this.#isStopped) return;
    if (page && after === null) this.#begin(page);
    if (page && after !== null) this.#fill(after, page);
    this.#isReading = false;
    if (this.#isStopped) return; // by a listener
    if (this.#isBehind) {
      this.#readIn(0);
    } else if (!page || !this.#isComplete()) {
      this.#readIn(backoff(this.#failures++));
    } else {
      this.#failures = 0;
      this.#options.onCaughtUp();
    }
  }

  /** Read a page. Returns nothing if that has failed, or the visit has ended. */
  async #readPage(range: MessageRange): Promise<MessagePage | undefined> {
    try {
      const page = await this.#options.read(range);
      return this.#isStopped ? undefined : page;
    } catch (error) {
      if (!this.#isStopped) this.#options.onError(error);
      return undefined;
    }
  }

  #begin(page: MessagePage): void {
    const { messages, lastSequence, nextBefore } = page;
    // Frames may have arrived before this response. Only messages older than those belong to the history.
    const live = this.#timeline.floor;
    const older = messages.filter(({ sequence }) => sequence < live);
    this.#timeline.begin(lowestOf(page), lastSequence);
    if (older.length) this.#extend(older, lowestOf(page));
    this.#options.onMissed(messages.slice(older.length));
    this.#options.onOlder(this.#olderState());
    if (nextBefore !== undefined) void this.readOlder();
  }

  #extend(messages: readonly StoredItem[], lowest: number): void {
    this.#timeline.extend(messages, lowest);
    this.#options.onHistory(messages);
  }

  #fill(after: number, { messages, lastSequence, complete, nextAfter }: MessagePage): void {
    if (!complete) this.#options.onExpired(after);
    this.#options.onMissed(messages);
    this.#timeline.settle(nextAfter ?? messages.at(-1)?.sequence ?? lastSequence);
    this.#endsEarly = nextAfter !== undefined;
    const position = this.#timeline.position ?? 0;
    // Read the next page at once, but only if this one advanced the position.
    if (position > after && (this.#endsEarly || position < lastSequence)) this.#isBehind = true;
  }

  #isComplete(): boolean {
    const { position, hasGap } = this.#timeline;
    return position !== null && position >= this.#target && !hasGap && !this.#endsEarly;
  }

  #olderState(): OlderState {
    return this.#timeline.hasOlder ? "more" : "none";
  }
}

/** Return the sequence from which on a page without `after` contains everything. */
function lowestOf({ messages, nextBefore }: MessagePage): number {
  return nextBefore ?? messages[0]?.sequence ?? 1;
}
