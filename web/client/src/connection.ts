/** WebSocket that reconnects with exponential backoff and jitter. */

import { backoff } from "./backoff.js";
import { ChatError } from "./errors.js";
import { Heartbeat } from "./heartbeat.js";
import { isOnline, watchPlatform } from "./platform.js";
import type { WebSocketConstructor, WebSocketLike } from "./types.js";

const OPEN_TIMEOUT_MS = 15_000;
const STEADY_AFTER_MS = 5_000;
const QUIET_DELAY_MS = 300;
const OPEN = 1; // WebSocket.OPEN, which a WebSocket that is handed in may lack

export interface ConnectionOptions {
  WebSocket: WebSocketConstructor;
  /** Return the address to connect to. Called before each attempt. */
  findUrl(): Promise<string>;
  /** Return whether another attempt makes sense after a failed one. */
  isWorthRetrying(): Promise<boolean>;
  /** `closed`: there is no further attempt. */
  onStatus(status: "connecting" | "open" | "lost" | "closed"): void;
  onText(text: string): void;
  onError(error: unknown): void;
  ping(): void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #heartbeat: Heartbeat;
  readonly #stopListening: () => void;
  #socket: WebSocketLike | undefined;
  #openedAt: number | undefined;
  #limit: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #attempt = 0;
  #failures = 0;
  #isClosed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(options.ping, () => this.renew());
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
    this.#options.onStatus("connecting");
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
    this.#options.onStatus("connecting");
  }

  /** Connect now instead of after the current delay. */
  retryNow(): void {
    if (this.#retry !== undefined) void this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    this.#stopListening();
    this.#drop();
  }

  // The status comes last, here and elsewhere: whoever learns it may close or replace this connection.
  #lose(): void {
    this.#drop();
    this.#connectIn(backoff(this.#failures++));
    this.#options.onStatus("lost");
  }

  #connectIn(milliseconds: number): void {
    this.#retry = setTimeout(() => void this.#connect(), milliseconds);
  }

  async #connect(): Promise<void> {
    this.#drop();
    const attempt = this.#attempt;
    try {
      const url = await this.#options.findUrl();
      if (attempt === this.#attempt) this.#follow(this.#open(url));
    } catch (error) {
      if (attempt !== this.#attempt) return;
      this.#lose();
      this.#options.onError(error);
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

  #follow(socket: WebSocketLike): void {
    this.#limit = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
    this.#socket = socket;
    socket.onopen = () => {
      clearTimeout(this.#limit);
      this.#openedAt = Date.now();
      this.#heartbeat.start();
      this.#options.onStatus("open");
    };
    socket.onmessage = (event: { data?: unknown }) => {
      this.#heartbeat.received();
      this.#options.onText(String(event.data));
    };
    socket.onclose = () => {
      clearTimeout(this.#limit);
      if (this.#openedAt === undefined) void this.#rejected();
      else this.renew();
    };
    // Node.js ends a process in which nobody listens to an error. `onclose` always follows.
    socket.onerror = () => {};
  }

  // Browsers hide the status of a failed handshake, so ask over REST whether a retry makes sense.
  async #rejected(): Promise<void> {
    const attempt = this.#attempt;
    const retry = await this.#options.isWorthRetrying();
    if (attempt !== this.#attempt) return;
    if (retry) {
      this.#lose();
    } else {
      this.close();
      this.#options.onStatus("closed");
    }
  }

  // The attempt number lets a late response detect that it is outdated.
  #drop(): void {
    this.#attempt += 1;
    clearTimeout(this.#limit);
    clearTimeout(this.#retry);
    this.#retry = this.#openedAt = undefined;
    this.#heartbeat.stop();
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = undefined;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}
