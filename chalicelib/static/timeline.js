/** What is known of a room's messages: which sequences, from where on, and up to where nothing is missing. */
export function makeTimeline() {
  let sequences = [];
  let position = null;
  let floor = null;

  /** Whether a message is to be shown: it is new, and not of the history that nobody asked for. */
  function expects(sequence) {
    return sequence >= (floor ?? 1) && !sequences.includes(sequence);
  }

  /** Take note of a message that `expects` let pass. */
  function add(sequence) {
    const place = sequences.findLastIndex((known) => known < sequence) + 1;
    sequences.splice(place, 0, sequence);
    advance();
  }

  /** The next known sequence after this one, or undefined. */
  function next(sequence) {
    return sequences.find((known) => known > sequence);
  }

  /** The newest messages were read: from `lowest` to `lastSequence` nothing is missing. */
  function begin(lowest, lastSequence) {
    const earliest = sequences[0] ?? lowest;
    floor = Math.min(lowest, earliest);
    // Live frames that came before this answer, and reach back further, may have holes between them.
    position = earliest < lowest ? earliest - 1 : lastSequence;
    advance();
  }

  /** Whatever is not known up to here will never come. */
  function settle(sequence) {
    position = Math.max(position, sequence);
    advance();
  }

  /** An older page was read; an empty one is the start of the history. */
  function extend(older) {
    sequences.unshift(...older);
    floor = older[0] ?? 1;
  }

  /** Messages up to here are no longer shown. */
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
    /** The highest sequence up to which nothing is missing; null until the newest messages have been read. */
    get position() { return position; },
    /** Where what is shown starts; what is older has to be asked for. */
    get floor() { return floor ?? sequences[0] ?? null; },
    get hasOlder() { return floor > 1; },
    get hasGap() { return position !== null && sequences.at(-1) > position; },
  };
}
