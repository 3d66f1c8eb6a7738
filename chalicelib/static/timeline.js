/** The known sequences of a room's messages, and the range of them that is complete. */
export function makeTimeline() {
  let sequences = [];
  let position = null;
  let floor = null;

  /** Test whether to show a message: it is new, and not older than the history that is shown. */
  function expects(sequence) {
    return sequence >= (floor ?? 1) && !sequences.includes(sequence);
  }

  /** Add the sequence of a message that `expects` accepted. */
  function add(sequence) {
    const place = sequences.findLastIndex((known) => known < sequence) + 1;
    sequences.splice(place, 0, sequence);
    advance();
  }

  /** Return the next known sequence after this one, or undefined. */
  function next(sequence) {
    return sequences.find((known) => known > sequence);
  }

  /** Record the newest page of the history: it is complete from `lowest` to `lastSequence`. */
  function begin(lowest, lastSequence) {
    const earliest = sequences[0] ?? lowest;
    floor = Math.min(lowest, earliest);
    // Live frames that arrived before the page and are older than it may have gaps between them.
    position = earliest < lowest ? earliest - 1 : lastSequence;
    advance();
  }

  /** Record that no unknown message up to this sequence will arrive. */
  function settle(sequence) {
    position = Math.max(position, sequence);
    advance();
  }

  /** Add an older page. An empty page means that the start of the history is reached. */
  function extend(older) {
    sequences.unshift(...older);
    floor = older[0] ?? 1;
  }

  /** Forget messages up to this sequence, because they are no longer shown. */
  function forget(sequence) {
    sequences = sequences.filter((known) => known > sequence);
    floor = sequence + 1;
  }

  function advance() {
    if (position === null) return;
    for (const sequence of sequences) {
      if (sequence === position + 1) position = sequence;
    }
  }

  return {
    expects, add, next, begin, settle, extend, forget,
    /** The highest sequence up to which nothing is missing; null before `begin`. */
    get position() { return position; },
    /** The first sequence of the shown range; older messages are read on request. */
    get floor() { return floor ?? sequences[0] ?? null; },
    get hasOlder() { return floor > 1; },
    get hasGap() { return position !== null && sequences.at(-1) > position; },
  };
}
