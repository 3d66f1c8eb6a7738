/** WebSocket that reconnects with exponential backoff and jitter. */

import { backoff } from "./backoff.js";
import { ChatError } from "./errors.js";
import { Heartbeat } from "./heartbeat.js";
import { isOnline, watchPlatform } from "./platform.js";
import type { WebSocketConstructor, WebSocketLike } from "./types.js";

const OPEN_TIMEOUT_MS = 15_000;
const STEADY_AFTER_MS = 5_000;
const QUIET_DELAY_MS = 300;
/** If the first failed handshake had no reason in the room, this many pass before the next question: the server is busy. */
const LOOK_AFTER = 3;
const OPEN = 1; // WebSocket.OPEN, which a WebSocket that is handed in may lack

export type ConnectionStatus =
  | { readonly status: "open" }
  /** `retryAt` is absent while the attempt is under way. */
  | { readonly status: "connecting" | "lost"; readonly attempt: number; readonly retryAt?: string };

export interface ConnectionOptions {
  WebSocket: WebSocketConstructor;
  /** Return the address to connect to. Called before each attempt. */
  findUrl(): Promise<string>;
  /** Return why another attempt makes no sense after a failed one, undefined if it does. */
  findObstacle(): Promise<unknown>;
  onStatus(status: ConnectionStatus): void;
  /** There is no further attempt, for this reason. */
  onEnd(obstacle: unknown): void;
  onText(text: string): void;
  onError(error: unknown): void;
  /** Send a frame that the server answers. */
  beat(): void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #heartbeat: Heartbeat;
  readonly #stopListening: () => void;
  #socket: WebSocketLike | undefined;
  #openedAt: number | undefined;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Lets a late event or response detect that it belongs to an abandoned attempt. */
  #attempt = 0;
  #failures = 0;
  /** The failed handshakes in a row. */
  #rejections = 0;
  #wasOpen = false;
  #isWaiting = false;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(options.beat, () => this.renew());
    this.#stopListening = watchPlatform({
      wake: () => {
        this.retryNow();
        this.#heartbeat.beat();
      },
      // Without a network, a browser may need minutes to notice that the socket is dead.
      offline: () => {
        if (this.#retry === undefined) this.#lose();
      },
    });
  }

  /** Open a new connection, replacing the current one. Has no effect after `close`. */
  open(): void {
    if (this.#isClosed) return;
    void this.#connect();
    this.#options.onStatus({ status: "connecting", attempt: this.#failures + 1 });
  }

  /** Send a text if the connection is open. Returns whether it is. */
  send(text: string): boolean {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Replace the connection, even if the platform considers it open. */
  renew(): void {
    if (this.#isClosed) return;
    // API Gateway ends every connection within two hours, so reconnect without a warning. But back off from a server
    // that accepts connections and closes them at once.
    const wasSteady = this.#openedAt !== undefined && Date.now() - this.#openedAt > STEADY_AFTER_MS;
    if (!wasSteady || !isOnline()) {
      this.#lose();
      return;
    }
    this.#failures = 0;
    this.#drop();
    this.#connectIn(Math.random() * QUIET_DELAY_MS);
    this.#options.onStatus({ status: "connecting", attempt: 1 });
  }

  /** Connect now instead of after the current delay. */
  retryNow(): void {
    if (this.#retry !== undefined) this.#tryAgain();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#drop();
  }

  // The status comes last, here and elsewhere: whoever learns it may close or replace this connection.
  #lose(): void {
    const delay = backoff(this.#failures++);
    this.#drop();
    this.#connectIn(delay);
    this.#isWaiting = true;
    this.#publish({ retryAt: new Date(Date.now() + delay).toISOString() });
  }

  #connectIn(milliseconds: number): void {
    this.#retry = setTimeout(() => this.#tryAgain(), milliseconds);
  }

  #tryAgain(): void {
    const wasWaiting = this.#isWaiting;
    void this.#connect();
    if (wasWaiting) this.#publish({});
  }

  #publish(time: { readonly retryAt?: string }): void {
    this.#options.onStatus({ status: this.#wasOpen ? "lost" : "connecting", attempt: this.#failures + 1, ...time });
  }

  async #connect(): Promise<void> {
    this.#drop();
    const attempt = this.#attempt;
    try {
      const url = await this.#options.findUrl();
      if (attempt === this.#attempt) this.#follow(this.#open(url));
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof ChatError && error.code === "wrong_url") {
        this.#end(error);
      } else {
        this.#lose();
        this.#options.onError(error);
      }
    }
  }

  #open(url: string): WebSocketLike {
    try {
      return new this.#options.WebSocket(url);
    } catch {
      // The error of the platform contains the address, and so the secrets in it.
      throw new ChatError("network", "The WebSocket could not be opened: its address is not valid.");
    }
  }

  // Platforms differ in what they report: the WebSocket of Node.js 22 has no `close` after a failed handshake. So the first
  // of `error`, `close` and the timeout ends the connection, and what follows is ignored.
  #follow(socket: WebSocketLike): void {
    const attempt = this.#attempt;
    const isCurrent = () => attempt === this.#attempt;
    const onEnd = () => {
      if (!isCurrent()) return;
      if (this.#openedAt !== undefined) this.renew();
      else void this.#rejected();
    };
    this.#limit = setTimeout(onEnd, OPEN_TIMEOUT_MS);
    this.#socket = socket;
    socket.onopen = () => {
      if (!isCurrent() || this.#openedAt !== undefined) return;
      clearTimeout(this.#limit);
      this.#openedAt = Date.now();
      this.#wasOpen = true;
      this.#rejections = 0;
      this.#heartbeat.start();
      this.#options.onStatus({ status: "open" });
    };
    socket.onmessage = (event: { data?: unknown }) => {
      if (!isCurrent()) return;
      this.#heartbeat.received();
      this.#options.onText(String(event.data));
    };
    // It stays: Node.js ends a process in which nobody listens to an error.
    socket.onerror = socket.onclose = onEnd;
  }

  // Browsers hide the status of a failed handshake, so ask over REST whether a retry makes sense.
  async #rejected(): Promise<void> {
    this.#drop();
    const attempt = this.#attempt;
    const rejections = this.#rejections++;
    const isBusy = rejections > 0 && rejections < LOOK_AFTER;
    const obstacle = isBusy ? undefined : await this.#options.findObstacle();
    if (attempt !== this.#attempt) return;
    if (obstacle) this.#end(obstacle);
    else this.#lose();
  }

  #end(obstacle: unknown): void {
    this.close();
    this.#options.onEnd(obstacle);
  }

  #drop(): void {
    this.#attempt += 1;
    clearTimeout(this.#limit);
    clearTimeout(this.#retry);
    this.#retry = this.#openedAt = undefined;
    this.#isWaiting = false;
    this.#heartbeat.stop();
    this.#socket?.close();
    this.#socket = undefined;
  }
}
