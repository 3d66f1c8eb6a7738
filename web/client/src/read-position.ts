/** The last sequence that the member has read, on this client or on another one. */

/** Marks are collected for this time, because a member who follows a conversation reads on with each message. */
const DELAY_MS = 10_000;

export class ReadPosition {
  /** Send a mark, and return whether the connection is open. */
  readonly #send: (sequence: number) => boolean;
  readonly #onChange: (sequence: number) => void;
  #sequence = 0;
  /** The last position that the server has sent, or was sent on this connection. */
  #stored = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (sequence: number) => boolean, onChange: (sequence: number) => void) {
    this.#send = send;
    this.#onChange = onChange;
  }

  /** The member has read everything up to this sequence. */
  mark(sequence: number): void {
    this.#advance(sequence);
    if (this.#sequence > this.#stored) this.#timer ??= setTimeout(() => this.flush(), DELAY_MS);
  }

  /** The server has this position. What it was told on an earlier connection may be lost. */
  synchronize(sequence = 0): void {
    this.#stored = sequence;
    this.#advance(sequence);
    this.mark(this.#sequence);
  }

  /** Send what was not sent yet. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#sequence > this.#stored && this.#send(this.#sequence)) this.#stored = this.#sequence;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #advance(sequence: number): void {
    if (!(sequence > this.#sequence)) return; // nor does what is no number change it
    this.#sequence = sequence;
    this.#onChange(sequence);
  }
}
