/** Heartbeat that detects dead connections. */

const TICK_MS = 10_000;
// API Gateway closes a connection that is idle for ten minutes.
const BEAT_EVERY_MS = 4 * 60_000;
const SILENCE_LIMIT_MS = 15_000;

export function makeHeartbeat({ ping, onSilence }) {
  let ticking = null;
  let silence = null;
  let tickedAt = 0;
  let beatAt = 0;

  function start() {
    stop();
    tickedAt = beatAt = Date.now();
    ticking = setInterval(tick, TICK_MS);
  }

  function stop() {
    clearInterval(ticking);
    ticking = null;
    heard();
  }

  /** Send a ping now, unless one is waiting for its answer. */
  function beat() {
    if (ticking === null || silence !== null) return;
    beatAt = Date.now();
    silence = setTimeout(onSilence, SILENCE_LIMIT_MS);
    ping();
  }

  /** Stop waiting for an answer. Any received frame counts as one. */
  function heard() {
    clearTimeout(silence);
    silence = null;
  }

  // A long time between two ticks means that the machine was suspended.
  function tick() {
    const now = Date.now();
    const hasSlept = now - tickedAt > 2 * TICK_MS && !document.hidden;
    tickedAt = now;
    if (hasSlept || now - beatAt >= BEAT_EVERY_MS) beat();
  }

  return { start, stop, beat, heard };
}
