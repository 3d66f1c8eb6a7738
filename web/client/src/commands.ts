/** Frames that change the room. Each waits for the event that confirms it, or for an error. */

import { ChatError, ignorable } from "./errors.js";
import { type ErrorFrame, type StoredItem, serialize } from "./frames.js";
import { randomId } from "./random.js";
import type { RoomTokens } from "./types.js";

const TIMEOUT_MS = 10_000;
const SILENCE_MS = 5_000;
const OFFLINE = "There is no connection. Please try again.";
export const CLOSED = new ChatError("closed", "The room is closed.");
const UNCONFIRMED = "The server did not confirm it. Please try again.";

/** An event of the room, or the frame `tokens` or `reported`. Only stored events have a sequence. */
export type RoomEvent = Partial<StoredItem> & RoomTokens & { readonly type: string };

interface Pending {
  readonly isDone: (event: RoomEvent) => boolean;
  readonly settle: (result: RoomEvent | ChatError) => void;
}

export class Commands {
  readonly #send: (text: string) => boolean;
  /** By the clientId of the frame, which the server repeats in an error. */
  readonly #pending = new Map<string, Pending>();
  #isStopped = false;

  constructor(send: (text: string) => boolean) {
    this.#send = send;
  }

  /**
   * Send a frame. Resolves when the first event of this type has arrived for which `isDone` returns true. Rejects with a
   * ChatError: `offline`, `closed`, `unconfirmed` after ten seconds, or the code of the server's error.
   */
  run(...command: Parameters<Commands["request"]>): Promise<void> {
    return ignorable(this.request(...command).then(() => {}));
  }

  /** Send a frame as `run` does. Resolves to the event. */
  request(
    action: string,
    data: Record<string, unknown>,
    type: string,
    isDone: (event: RoomEvent) => boolean = () => true,
  ): Promise<RoomEvent> {
    const isConfirmed = (event: RoomEvent) => event.type === type && isDone(event);
    return this.#run(action, data, isConfirmed, TIMEOUT_MS, new ChatError("unconfirmed", UNCONFIRMED));
  }

  /**
   * Send a frame to which the server responds only if it refuses it. Resolves when no error has arrived within five seconds,
   * or earlier, with the first event for which `isDone` returns true.
   */
  runSilently(
    action: string,
    data: Record<string, unknown>,
    isDone: (event: RoomEvent) => boolean = () => false,
  ): Promise<void> {
    return ignorable(this.#run(action, data, isDone, SILENCE_MS, { type: "silence" }).then(() => {}));
  }

  #run(
    action: string,
    data: Record<string, unknown>,
    isDone: (event: RoomEvent) => boolean,
    milliseconds: number,
    atEnd: RoomEvent | ChatError,
  ): Promise<RoomEvent> {
    return new Promise((resolve, reject) => {
      const clientId = randomId();
      const timer = setTimeout(() => settle(atEnd), milliseconds);
      const settle = (result: RoomEvent | ChatError) => {
        clearTimeout(timer);
        this.#pending.delete(clientId);
        if (result instanceof ChatError) reject(result);
        else resolve(result);
      };
      this.#pending.set(clientId, { isDone, settle });
      if (this.#isStopped) settle(CLOSED);
      else if (!this.#send(serialize(action, { ...data, clientId }))) settle(new ChatError("offline", OFFLINE));
    });
  }

  /** An event has arrived. */
  confirm(event: RoomEvent): void {
    for (const { isDone, settle } of [...this.#pending.values()]) if (isDone(event)) settle(event);
  }

  /** An error frame has arrived. It is ignored if it belongs to something else. */
  reject({ clientId, code, message, retryAfter }: ErrorFrame): void {
    this.#pending.get(clientId ?? "")?.settle(new ChatError(code, message, { retryAfter }));
  }

  /** The room is closed: nothing is confirmed any more. */
  stop(): void {
    this.#isStopped = true;
    for (const { settle } of [...this.#pending.values()]) settle(CLOSED);
  }
}
