/** Frames that change the room. Each waits for the event that confirms it, or for an error. */

import { ChatError } from "./errors.js";
import { type ErrorFrame, serialize } from "./frames.js";

const TIMEOUT_MS = 10_000;
const OFFLINE = "There is no connection. Please try again.";
const UNCONFIRMED = "The server did not confirm it. Please try again.";

interface Pending {
  readonly action: string;
  readonly isDone: (event: unknown) => boolean;
  resolve(): void;
  reject(error: ChatError): void;
}

export class Commands {
  readonly #send: (text: string) => boolean;
  readonly #pending = new Set<Pending>();

  constructor(send: (text: string) => boolean) {
    this.#send = send;
  }

  /**
   * Send a frame. Resolves when `isDone` returns true for an event. Rejects with a ChatError: `offline`, `unconfirmed`
   * after ten seconds, or the code of the server's error.
   */
  run<Event>(action: string, data: Record<string, unknown>, isDone: (event: Event) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new ChatError("unconfirmed", UNCONFIRMED)), TIMEOUT_MS);
      const settle = (error?: ChatError) => {
        clearTimeout(timer);
        this.#pending.delete(pending);
        if (error) reject(error);
        else resolve();
      };
      const pending: Pending = {
        action,
        isDone: (event) => isDone(event as Event),
        resolve: () => settle(),
        reject: settle,
      };
      this.#pending.add(pending);
      if (!this.#send(serialize(action, data))) settle(new ChatError("offline", OFFLINE));
    });
  }

  /** An event has arrived. */
  confirm(event: unknown): void {
    for (const pending of [...this.#pending]) if (pending.isDone(event)) pending.resolve();
  }

  /** An error frame has arrived. Returns whether it answers a frame of `run`: the oldest one with its action. */
  refuse({ action, code, message, retryAfter }: ErrorFrame): boolean {
    const pending = [...this.#pending].find((one) => one.action === action);
    pending?.reject(new ChatError(code, message, { retryAfter }));
    return pending !== undefined;
  }

  /** The room is closed: nothing is confirmed any more. */
  stop(): void {
    for (const pending of [...this.#pending]) pending.reject(new ChatError("closed", "The room is closed."));
  }
}
