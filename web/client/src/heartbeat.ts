/** Heartbeat that detects dead connections. */

import { isHidden } from "./platform.js";
import { between } from "./random.js";

const TICK_MS = 10_000;
/** API Gateway closes a connection that is idle for ten minutes. */
const BEAT_EVERY_MS = 4 * 60_000;
/** A heartbeat comes up to this much earlier, at random: clients that connected together do not stay together. */
const BEAT_JITTER_MS = 60_000;
const RESPONSE_TIMEOUT_MS = 15_000;

type Timer = ReturnType<typeof setTimeout>;

export class Heartbeat {
  readonly #send: () => void;
  readonly #onTimeout: () => void;
  #ticking: Timer | undefined;
  #waiting: Timer | undefined;
  #tickedAt = 0;
  #beatAt = 0;

  constructor(send: () => void, onTimeout: () => void) {
    this.#send = send;
    this.#onTimeout = onTimeout;
  }

  start(): void {
    this.stop();
    this.#tickedAt = Date.now();
    this.#planBeat();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#ticking);
    this.#ticking = undefined;
    this.received();
  }

  /** Send a frame now, unless one is waiting for its response. */
  beat(): void {
    if (this.#ticking === undefined || this.#waiting !== undefined) return;
    this.#planBeat();
    this.#waiting = setTimeout(this.#onTimeout, RESPONSE_TIMEOUT_MS);
    this.#send();
  }

  /** Stop waiting for a response. Any received frame counts as one. */
  received(): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
  }

  #planBeat(): void {
    this.#beatAt = Date.now() + between(BEAT_EVERY_MS - BEAT_JITTER_MS, BEAT_EVERY_MS);
  }

  #tick(): void {
    const now = Date.now();
    // A long time between two ticks means that the machine was suspended, or that the clock was put back, which would put off
    // the next heartbeat. Timers of a hidden page run once a minute.
    const wasSuspended = Math.abs(now - this.#tickedAt) > 2 * TICK_MS && !isHidden();
    this.#tickedAt = now;
    if (wasSuspended || now >= this.#beatAt) this.beat();
  }
}
