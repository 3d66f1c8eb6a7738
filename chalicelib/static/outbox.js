/** Messages on their way to the server: in the order written, one at a time, each until it is confirmed or fails. */

import { pauseAfter } from "./pauses.js";

const ECHO_PATIENCE_MS = 10_000;
const MOST_SENDS = 6;
// The server knows a clientId again for ten minutes; this leaves a minute for slow networks.
const SAFE_TO_REPEAT_MS = 9 * 60_000;
const MAY_PASS_LATER = ["internal", "rate_limited", "not_in_room"];
const UNCONFIRMED = "The server did not confirm it.";
const DOUBTFUL = "It may have arrived before the page was reloaded; look above first.";

/**
 * `send` says whether it could; an entry's `sentAt` is when it was first sent, its `failure` why it is not any more.
 * `onChange` gets the entries, and whether they are "offline", being sent ("sending"), or "held" back by the server.
 */
export function makeOutbox({ saved, send, save, onChange }) {
  let entries = saved.map(restored);
  let repeats = [];
  let inFlight = null;
  let timer = null;
  let isOpen = false;
  let isCaughtUp = false;
  let isHeldBack = false;
  let ended = null;

  function add(message) {
    entries.push({ clientId: crypto.randomUUID(), message, sentAt: null, sends: 0, failure: null });
    changed();
  }

  /** There is a connection to send over. */
  function open() {
    isOpen = true;
    sendRepeats();
    changed();
  }

  /** There is none: whatever was on its way has to be sent again. */
  function close() {
    isOpen = isCaughtUp = false;
    stopWaiting();
    changed();
  }

  /** Everything that was said so far has been read, and so has every echo that there is. */
  function caughtUp() {
    isCaughtUp = true;
    sendNext();
  }

  /** Nothing can be sent any more. */
  function end(reason) {
    ended = reason;
    close();
  }

  /** A message with this clientId is stored. Tells whether it was one of ours. */
  function confirm(clientId) {
    if (!find(clientId)) return false;
    discard(clientId);
    return true;
  }

  /** It is stored, but the server may have failed before telling the others: sent again, it is delivered again. */
  function repeat(clientId) {
    const entry = find(clientId);
    if (entry) repeats.push(entry);
    sendRepeats();
  }

  /** An error frame; where it names no message, it can only be about the one in flight. */
  function refuse({ clientId = inFlight, code, message, retryAfter }) {
    const entry = find(clientId);
    if (!entry || entry.failure) return;
    const mayPass = MAY_PASS_LATER.includes(code);
    stopWaiting();
    if (mayPass && retryAfter > 0) {
      // Waiting as long as one is told to is no failed attempt, and keeps the server from ending the connection.
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

  /** Send a failed message after all, behind those that wait. */
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

  // API Gateway may handle two frames of one connection in any order, so the next waits for the answer to this one.
  function sendNext() {
    const entry = firstWaiting();
    if (!entry || !isOpen || timer !== null) return;
    // After so long, only what was said meanwhile can tell whether the first attempt arrived.
    if (isOld(entry) && !isCaughtUp) return;
    if (entry.sends >= MOST_SENDS) {
      entry.failure = UNCONFIRMED;
      changed();
    } else if (send(entry)) {
      entry.sends += 1;
      entry.sentAt ??= Date.now();
      save(entries);
      inFlight = entry.clientId;
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
    timer = inFlight = null;
    isHeldBack = false;
  }

  return { add, open, close, caughtUp, end, confirm, repeat, refuse, retry, discard };
}

// What is read after a reload may not reach back far enough to find an old message in it.
function restored({ clientId, message, sentAt, failure }) {
  return { clientId, message, sentAt, sends: 0, failure: failure ?? (isOld({ sentAt }) ? DOUBTFUL : null) };
}

function isOld({ sentAt }) {
  return sentAt !== null && Date.now() - sentAt > SAFE_TO_REPEAT_MS;
}
