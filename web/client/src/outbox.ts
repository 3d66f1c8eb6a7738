/** Queue of unsent messages: sends them in order, one at a time, until each is confirmed or has failed. */

import { backoff } from "./backoff.js";
import { ChatError, ignorable, rejected } from "./errors.js";
import { type ErrorFrame, serialize } from "./frames.js";
import { randomId } from "./random.js";
import type { Message, PendingMessage, SendOptions } from "./types.js";

const ECHO_TIMEOUT_MS = 10_000;
const MAX_ATTEMPTS = 6;
/** API Gateway closes a connection that sends a longer frame. */
const MAX_FRAME_BYTES = 32_768;
/** The server remembers a clientId for ten minutes; retries are idempotent that long. Leave a minute for slow networks. */
const SAFE_TO_REPEAT_MS = 9 * 60_000;
const TEMPORARY = ["internal", "rate_limited", "not_in_room"];
const TOO_LONG = new ChatError("invalid_message", "The message is too long.");
const UNCONFIRMED = new ChatError("unconfirmed", "The server did not confirm it.");
const DOUBTFUL = new ChatError("unconfirmed", "It may have arrived before the page was reloaded; look above first.");

/** A message as it is saved. `sentAt` is the time of the first attempt, `failure` the reason why it is no longer sent. */
export interface SavedMessage extends SendOptions {
  readonly clientId: string;
  readonly message: string;
  readonly createdAt?: string;
  readonly sentAt: number | null;
  readonly failure?: string | null;
}

interface Entry extends SendOptions {
  readonly clientId: string;
  readonly message: string;
  readonly createdAt: string;
  /** The time of the first attempt. */
  sentAt: number | null;
  attempts: number;
  error: ChatError | undefined;
  settle: { resolve(message: Message): void; reject(error: ChatError): void } | undefined;
}

export interface OutboxOptions {
  /** Send a frame, and return whether the connection is open. */
  send(frame: string): boolean;
  save(messages: readonly SavedMessage[]): void;
  onChange(pending: readonly PendingMessage[]): void;
}

export class Outbox {
  readonly #options: OutboxOptions;
  #entries: Entry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The message that was sent last. */
  #sent: Entry | undefined;
  #isOpen = false;
  #isCaughtUp = false;
  #isHeldBack = false;
  /** Why nothing more is sent. */
  #ended: ChatError | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Put saved messages among the others, in the order in which they were written. */
  restore(saved: readonly SavedMessage[]): void {
    const entries = [...saved.map(restore), ...this.#entries];
    this.#entries = entries.sort((one, other) => Date.parse(one.createdAt) - Date.parse(other.createdAt));
    this.#changed();
  }

  /** The messages for a snapshot. */
  get pending(): readonly PendingMessage[] {
    const current = this.#timer === undefined ? this.#firstWaiting() : this.#sent;
    const status = this.#isHeldBack ? "held" : this.#isOpen ? "sending" : "offline";
    return this.#entries.map((entry) => {
      const { sentAt, attempts, settle, ...message } = entry;
      return { ...message, status: entry.error ? "failed" : entry === current ? status : "queued" };
    });
  }

  /** Queue a message. The promise settles when it is stored, or has failed. */
  add(message: string, options: SendOptions = {}): Promise<Message> {
    const entry: Entry = {
      clientId: randomId(),
      message,
      ...options,
      createdAt: now(),
      sentAt: null,
      attempts: 0,
      error: undefined,
      settle: undefined,
    };
    this.#entries.push(entry);
    return this.#promise(entry);
  }

  /** The connection is open: start sending. */
  open(): void {
    this.#isOpen = true;
    this.#changed();
  }

  /** The connection is closed: the message in flight has to be sent again. */
  close(): void {
    this.#isOpen = this.#isCaughtUp = false;
    this.#stopWaiting();
    this.#changed();
  }

  /** The history has been read up to now, with every message of ours that was stored. */
  caughtUp(): void {
    this.#isCaughtUp = true;
    this.#sendNext();
  }

  /** Sending is over: reject the promises with this error. The messages have failed, or are kept for another visit. */
  end(error: ChatError, isKept: boolean): void {
    this.#ended = error;
    for (const entry of this.#entries) {
      entry.settle?.reject(error);
      if (!isKept) entry.error ??= error;
    }
    this.close();
  }

  /** Remove the message with this clientId, because it is stored. Returns whether there was one. */
  confirm(stored: Message): boolean {
    const entry = this.#find(stored.clientId);
    if (!entry) return false;
    this.#remove(entry);
    entry.settle?.resolve(stored);
    this.#changed();
    return true;
  }

  /** Handle an error frame. One that does not name a message of this outbox belongs to something else, and is ignored. */
  reject({ clientId, code, message, retryAfter }: ErrorFrame): void {
    const entry = this.#find(clientId);
    if (!entry || entry.error) return;
    const isTemporary = TEMPORARY.includes(code);
    this.#stopWaiting();
    if (isTemporary && retryAfter !== undefined && retryAfter > 0) {
      // A rate-limited attempt does not count. The server closes connections that do not wait for `retryAfter`.
      entry.attempts -= 1;
      this.#isHeldBack = true;
      this.#wait(retryAfter * 1_000);
    } else if (isTemporary && entry.attempts < MAX_ATTEMPTS) {
      this.#wait(backoff(entry.attempts - 1));
    } else {
      const error = new ChatError(code, message, { retryAfter });
      this.#fail(entry, error);
      // Those behind it would be refused, too. Hours later, nobody expects that they are sent by themselves.
      if (code === "muted") for (const other of this.#entries) if (!other.error) this.#fail(other, error);
    }
    this.#changed();
  }

  /** Queue a failed message again, behind the waiting ones. */
  retry(clientId: string): Promise<Message> {
    if (this.#ended) return rejected(this.#ended);
    const entry = this.#find(clientId);
    if (!entry?.error) return rejected(new ChatError("unknown_message", "There is no failed message of this id."));
    this.#remove(entry);
    entry.attempts = 0;
    entry.error = undefined;
    this.#entries.push(entry);
    return this.#promise(entry);
  }

  /** Forget a message. If it was sent already, it may still arrive. */
  discard(clientId: string): void {
    this.#drop(clientId, new ChatError("discarded", "The message was discarded."));
  }

  /** Remove the message with this clientId, because it was stored and then deleted: it must not be sent again. */
  forget(clientId: string | undefined): void {
    this.#drop(clientId, new ChatError("deleted", "The message was deleted."));
  }

  #drop(clientId: string | undefined, error: ChatError): void {
    const entry = this.#find(clientId);
    if (!entry) return;
    this.#remove(entry);
    entry.settle?.reject(error);
    this.#changed();
  }

  #promise(entry: Entry): Promise<Message> {
    const promise = new Promise<Message>((resolve, reject) => {
      entry.settle = { resolve, reject };
    });
    ignorable(promise); // a caller may look at `pending` instead
    this.#changed();
    return promise;
  }

  #find(clientId: string | undefined): Entry | undefined {
    return this.#entries.find((entry) => entry.clientId === clientId);
  }

  #firstWaiting(): Entry | undefined {
    return this.#entries.find(({ error }) => !error);
  }

  #remove(entry: Entry): void {
    if (entry === this.#sent) this.#stopWaiting();
    this.#entries = this.#entries.filter((other) => other !== entry);
  }

  #fail(entry: Entry, error: ChatError): void {
    entry.error = error;
    entry.settle?.reject(error);
  }

  #changed(): void {
    this.#sendNext();
    this.#save();
    this.#options.onChange(this.pending);
  }

  #save(): void {
    const saved = this.#entries.map(({ attempts, error, settle, ...message }) => {
      return { ...message, failure: error?.message ?? null };
    });
    this.#options.save(saved);
  }

  // API Gateway does not keep the order of a connection's frames, so the next message waits for the response to this one.
  #sendNext(): void {
    const entry = this.#firstWaiting();
    if (!entry || !this.#isOpen || this.#timer !== undefined) return;
    // The server may have forgotten this clientId: only the history shows whether the first attempt was stored.
    if (isOld(entry) && !this.#isCaughtUp) return;
    const { message, clientId, replyTo, mentions } = entry;
    const frame = serialize("sendMessage", { message, clientId, replyTo, mentions });
    const isTooLong = new TextEncoder().encode(frame).length > MAX_FRAME_BYTES;
    if (isTooLong || entry.attempts >= MAX_ATTEMPTS) {
      this.#fail(entry, isTooLong ? TOO_LONG : UNCONFIRMED);
      this.#changed();
    } else if (this.#options.send(frame)) {
      this.#sent = entry;
      entry.attempts += 1;
      entry.sentAt ??= Date.now();
      this.#save();
      this.#wait(ECHO_TIMEOUT_MS);
    }
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      this.#stopWaiting();
      this.#changed();
    }, milliseconds);
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isHeldBack = false;
  }
}

// The history that is read after a reload may not reach back to an old message, so that message is marked as doubtful.
function restore({ sentAt, failure, createdAt = now(), ...message }: SavedMessage): Entry {
  const failed = failure ? new ChatError("unconfirmed", failure) : isOld({ sentAt }) ? DOUBTFUL : undefined;
  return { ...message, createdAt, sentAt, attempts: 0, error: failed, settle: undefined };
}

function now(): string {
  return new Date().toISOString();
}

function isOld({ sentAt }: { sentAt: number | null }): boolean {
  // The clock may have been put back.
  return sentAt !== null && Math.abs(Date.now() - sentAt) > SAFE_TO_REPEAT_MS;
}
