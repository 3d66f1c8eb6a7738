/** Queue of unsent messages: sends them in order, one at a time, until each is confirmed or has failed. */

import { pauseAfter } from "./pauses.js";

const ECHO_PATIENCE_MS = 10_000;
const MOST_SENDS = 6;
// The server remembers a clientId for ten minutes; retries are idempotent that long. Leave a minute for slow networks.
const SAFE_TO_REPEAT_MS = 9 * 60_000;
const MAY_PASS_LATER = ["internal", "rate_limited", "not_in_room"];
const UNCONFIRMED = "The server did not confirm it.";
const DOUBTFUL = "It may have arrived before the page was reloaded; look above first.";

/**
 * `send` returns whether it sent the entry. An entry's `sentAt` is the time of its first attempt; `failure` is the reason
 * why it is no longer sent. `onChange` receives the entries and a state: "sending", "offline", or "held" (rate limited).
 */
export function makeOutbox({ saved, send, save, onChange }) {
  let entries = saved.map(restored);
  let repeats = [];
  let timer = null;
  let isOpen = false;
  let isCaughtUp = false;
  let isHeldBack = false;
  let ended = null;

  function add(message) {
    entries.push({ clientId: crypto.randomUUID(), message, sentAt: null, sends: 0, failure: null });
    changed();
  }

  /** The connection is open: start sending. */
  function open() {
    isOpen = true;
    sendRepeats();
    changed();
  }

  /** The connection is closed: the message in flight has to be sent again. */
  function close() {
    isOpen = isCaughtUp = false;
    stopWaiting();
    changed();
  }

  /** The history has been read up to now, with every message of ours that was stored. */
  function caughtUp() {
    isCaughtUp = true;
    sendNext();
  }

  /** Sending is over: fail all entries with this reason. */
  function end(reason) {
    ended = reason;
    close();
  }

  /** Remove the entry with this clientId, because its message is stored. Returns whether there was one. */
  function confirm(clientId) {
    if (!find(clientId)) return false;
    discard(clientId);
    return true;
  }

  /** Send a stored message again: the server may have crashed before delivery, and a retry delivers it. */
  function repeat(clientId) {
    const entry = find(clientId);
    if (entry) repeats.push(entry);
    sendRepeats();
  }

  /** Handle an error frame. One that does not name a message of this outbox answers something else, and is ignored. */
  function refuse({ clientId, code, message, retryAfter }) {
    const entry = find(clientId);
    if (!entry || entry.failure) return;
    const mayPass = MAY_PASS_LATER.includes(code);
    stopWaiting();
    if (mayPass && retryAfter > 0) {
      // A rate-limited attempt does not count. The server closes connections that do not wait for `retryAfter`.
      entry.sends -= 1;
      isHeldBack = true;
      wait(retryAfter * 1_000);
    } else if (mayPass && entry.sends < MOST_SENDS) {
      wait(pauseAfter(entry.sends - 1));
    } else {
      entry.failure = message;
    }
    changed();
  }

  /** Queue a failed message again, behind the waiting ones. */
  function retry(clientId) {
    const entry = find(clientId);
    entries = [...entries.filter((other) => other !== entry), { ...entry, sends: 0, failure: null }];
    changed();
  }

  function discard(clientId) {
    if (clientId === firstWaiting()?.clientId) stopWaiting();
    entries = entries.filter((entry) => entry.clientId !== clientId);
    changed();
  }

  function find(clientId) {
    return entries.find((entry) => entry.clientId === clientId);
  }

  function sendRepeats() {
    if (!isOpen) return;
    repeats.filter((entry) => !isOld(entry)).forEach((entry) => send(entry));
    repeats = [];
  }

  function firstWaiting() {
    return entries.find(({ failure }) => !failure);
  }

  function changed() {
    if (ended) entries.forEach((entry) => (entry.failure ??= ended));
    sendNext();
    save(entries);
    onChange(entries, isHeldBack ? "held" : isOpen ? "sending" : "offline");
  }

  // API Gateway does not keep the order of a connection's frames, so the next message waits for the answer to this one.
  function sendNext() {
    const entry = firstWaiting();
    if (!entry || !isOpen || timer !== null) return;
    // The server may have forgotten this clientId: only the history shows whether the first attempt was stored.
    if (isOld(entry) && !isCaughtUp) return;
    if (entry.sends >= MOST_SENDS) {
      entry.failure = UNCONFIRMED;
      changed();
    } else if (send(entry)) {
      entry.sends += 1;
      entry.sentAt ??= Date.now();
      save(entries);
      wait(ECHO_PATIENCE_MS);
    }
  }

  function wait(milliseconds) {
    timer = setTimeout(() => {
      stopWaiting();
      changed();
    }, milliseconds);
  }

  function stopWaiting() {
    clearTimeout(timer);
    timer = null;
    isHeldBack = false;
  }

  return { add, open, close, caughtUp, end, confirm, repeat, refuse, retry, discard };
}

// The history that is read after a reload may not reach back to an old message, so that message is marked as doubtful.
function restored({ clientId, message, sentAt, failure }) {
  return { clientId, message, sentAt, sends: 0, failure: failure ?? (isOld({ sentAt }) ? DOUBTFUL : null) };
}

function isOld({ sentAt }) {
  return sentAt !== null && Date.now() - sentAt > SAFE_TO_REPEAT_MS;
}
