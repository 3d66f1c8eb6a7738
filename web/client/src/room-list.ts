/** The list of public rooms, refreshed while somebody looks at it. */

import { Emitter } from "./emitter.js";
import { type ChatError, toChatError } from "./errors.js";
import { isHidden, watchPlatform } from "./platform.js";
import type { RestApi } from "./rest.js";
import type { RoomSummary } from "./types.js";

const PAGE = 20;
/** The server limits how much one request reads: a page may be empty, and not the last one. */
const MAX_EMPTY_PAGES = 5;
const FIRST_DELAY_MS = 5_000;
const MAX_DELAY_MS = 60_000;

/** The list at one moment. */
export interface RoomListSnapshot {
  readonly rooms: readonly RoomSummary[];
  /** Whether `loadMore` would show further rooms. */
  readonly hasMore: boolean;
  /** False until the list has been read once. */
  readonly isLoaded: boolean;
  /** Why the last reading failed. It is repeated. */
  readonly error: ChatError | null;
}

export const NO_ROOMS: RoomListSnapshot = { rooms: [], hasMore: false, isLoaded: false, error: null };

/** Created by `ChatClient.watchRooms`. */
export class RoomList {
  readonly #rest: RestApi;
  readonly #events = new Emitter<{ snapshot: RoomListSnapshot }>();
  #snapshot = NO_ROOMS;
  #pages = 1;
  #reading = 0;
  #delay = FIRST_DELAY_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopListening: (() => void) | undefined;

  /** @internal */
  constructor(rest: RestApi) {
    this.#rest = rest;
  }

  /** Call a function after each change. Returns the function that ends that. Needs no `this`. */
  readonly subscribe = (listener: () => void): (() => void) => this.#events.on("snapshot", listener);

  /** Return the list at this moment. The same object until something changes. Needs no `this`. */
  readonly getSnapshot = (): RoomListSnapshot => this.#snapshot;

  /**
   * Read the list now, and again after 5 seconds while the page is visible. The interval doubles, up to a minute, while
   * nothing changes.
   */
  start(): void {
    this.stop();
    this.#delay = FIRST_DELAY_MS;
    this.#stopListening = watchPlatform({
      wake: () => {
        this.#delay = FIRST_DELAY_MS;
        void this.refresh();
      },
    });
    void this.refresh();
  }

  /** Stop reading the list. */
  stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#reading += 1;
    clearTimeout(this.#timer);
  }

  /** Show one page more. Resolves when it has been read. */
  async loadMore(): Promise<void> {
    this.#pages += 1;
    await this.refresh();
  }

  /** Read the list now. Errors are in the snapshot. */
  async refresh(): Promise<void> {
    clearTimeout(this.#timer);
    const reading = ++this.#reading;
    let next: RoomListSnapshot;
    try {
      next = { ...(await this.#read()), isLoaded: true, error: null };
    } catch (error) {
      next = { ...this.#snapshot, error: toChatError(error) };
    }
    if (reading !== this.#reading) return;
    const hasChanged = JSON.stringify(next) !== JSON.stringify(this.#snapshot);
    this.#delay = hasChanged ? FIRST_DELAY_MS : Math.min(2 * this.#delay, MAX_DELAY_MS);
    if (hasChanged) {
      this.#snapshot = next;
      this.#events.emit("snapshot", next);
    }
    if (this.#stopListening && !isHidden() && next.error?.code !== "wrong_url")
      this.#timer = setTimeout(() => void this.refresh(), this.#delay);
  }

  async #read(): Promise<Pick<RoomListSnapshot, "rooms" | "hasMore">> {
    const rooms: RoomSummary[] = [];
    let cursor: string | null = null;
    let wanted = this.#pages;
    for (let request = 0; wanted > 0 && request < this.#pages + MAX_EMPTY_PAGES; request += 1) {
      const page = await this.#rest.listRooms(PAGE, cursor);
      rooms.push(...page.rooms);
      cursor = page.cursor;
      if (cursor === null) break;
      if (page.rooms.length) wanted -= 1;
    }
    return { rooms, hasMore: cursor !== null };
  }
}
