/** Reads the history over REST: first the newest messages, then missed ones, and older ones on request. */

import { pauseAfter } from "./pauses.js";

const PAGE = 50;
const MISSED_PAGE = 100;
const GAP_PATIENCE_MS = 400;

/** `ask` reads a page of messages; `tell` has one callback for each kind of result. */
export function makeHistory({ ask, timeline, tell }) {
  let pause = null;
  let failures = 0;
  let isAsking = false;
  let isBehind = false;
  let isReadingOlder = false;
  let isOver = false;

  /** Read new messages now. Call this on entering, and whenever frames may have been lost. */
  function catchUp() {
    isBehind = true;
    askIn(0);
  }

  /** Read missing messages after a short delay. Frames may arrive out of order, so most gaps close by themselves. */
  function fillGap() {
    if (pause === null) askIn(GAP_PATIENCE_MS);
  }

  async function readOlder() {
    const { floor } = timeline;
    if (isReadingOlder || isOver || !timeline.hasOlder) return;
    isReadingOlder = true;
    tell.olderState("reading");
    const answer = await ask({ before: floor, limit: PAGE }).catch(console.warn);
    isReadingOlder = false;
    if (isOver) return;
    // Entries were dropped while this page was loading: adding it would leave a gap below it.
    if (answer && floor === timeline.floor) extend(answer.messages);
    tell.olderState(answer ? olderState() : "trouble");
  }

  function stop() {
    isOver = true;
    clearTimeout(pause);
  }

  function askIn(milliseconds) {
    if (isAsking || isOver) return;
    clearTimeout(pause);
    pause = setTimeout(askOnce, milliseconds);
  }

  async function askOnce() {
    pause = null;
    isAsking = true;
    isBehind = false;
    const isAnswered = await read();
    isAsking = false;
    if (isOver) return;
    if (isBehind) {
      askIn(0);
    } else if (!isAnswered || timeline.hasGap) {
      askIn(pauseAfter(failures++));
    } else {
      failures = 0;
      tell.caughtUp();
    }
  }

  async function read() {
    const after = timeline.position;
    try {
      const answer = await ask(after === null ? { limit: PAGE } : { after, limit: MISSED_PAGE });
      if (isOver) return true;
      if (after === null) begin(answer);
      else fill(after, answer);
      return true;
    } catch (problem) {
      console.warn("could not read messages:", problem);
      if (!isOver) tell.trouble(problem);
      return false;
    }
  }

  function begin({ messages, lastSequence }) {
    // Live frames may have arrived before this response. Only messages older than those belong to the history.
    const live = timeline.floor ?? Infinity;
    const older = messages.filter(({ sequence }) => sequence < live);
    timeline.begin(messages[0]?.sequence ?? 1, lastSequence);
    if (older.length) extend(older);
    tell.missed(messages.slice(older.length));
    tell.olderState(olderState());
  }

  function extend(messages) {
    timeline.extend(messages.map(({ sequence }) => sequence));
    tell.older(messages);
  }

  function fill(after, { messages, lastSequence, complete }) {
    if (!complete) tell.expired(after);
    tell.missed(messages);
    timeline.settle(messages.at(-1)?.sequence ?? lastSequence);
    const { position } = timeline;
    // Read the next page at once, but only if this one advanced the position.
    if (position > after && position < lastSequence) isBehind = true;
  }

  function olderState() {
    return timeline.hasOlder ? "more" : "none";
  }

  return { catchUp, fillGap, readOlder, stop };
}
