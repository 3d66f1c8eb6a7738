/** One connection that is kept: opened, and opened again after growing, random pauses. */

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const OPENING_LIMIT_MS = 15_000;
const STEADY_AFTER_MS = 5_000;

/** Tells `onState` "connecting", "open", "lost" (and trying again) or "over" (not any more). */
export class Connection {
  #findAddress;
  #worthRetrying;
  #onState;
  #onText;
  #socket = null;
  #pause = null;
  #attempt = 0;
  #failures = 0;
  #listening = new AbortController();

  constructor({ findAddress, worthRetrying, onState, onText }) {
    this.#findAddress = findAddress;
    this.#worthRetrying = worthRetrying;
    this.#onState = onState;
    this.#onText = onText;
    this.#listenForNetwork();
  }

  /** Open, or leave what is open and open anew; once closed, it stays closed. */
  open() {
    if (this.#listening.signal.aborted) return;
    this.#onState("connecting");
    this.#connect();
  }

  send(text) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(text);
    return true;
  }

  /** Treat the connection as lost, whatever the browser thinks of it. */
  lose() {
    this.#drop();
    this.#onState("lost");
    this.#pause = setTimeout(() => this.#connect(), pauseAfter(this.#failures++));
  }

  retryNow() {
    if (this.#pause) this.#connect();
  }

  close() {
    this.#listening.abort();
    this.#drop();
  }

  async #connect() {
    this.#drop();
    const attempt = this.#attempt;
    try {
      const address = await this.#findAddress();
      if (attempt === this.#attempt) this.#follow(new WebSocket(address));
    } catch (problem) {
      console.warn("could not connect:", problem);
      if (attempt === this.#attempt) this.lose();
    }
  }

  #follow(socket) {
    const limit = setTimeout(() => socket.close(), OPENING_LIMIT_MS);
    let openedAt = null;
    this.#socket = socket;
    socket.onopen = () => {
      clearTimeout(limit);
      openedAt = Date.now();
      this.#onState("open");
    };
    socket.onmessage = (event) => this.#onText(event.data);
    socket.onclose = () => {
      clearTimeout(limit);
      if (openedAt === null) this.#refused();
      else this.#ended(openedAt);
    };
  }

  // A server that accepts and then hangs up at once must not reset the pauses.
  #ended(openedAt) {
    if (Date.now() - openedAt > STEADY_AFTER_MS) this.#failures = 0;
    this.lose();
  }

  // A browser does not say why it could not connect, so somebody else has to know.
  async #refused() {
    const attempt = this.#attempt;
    const retry = await this.#worthRetrying();
    if (attempt !== this.#attempt) return;
    if (retry) {
      this.lose();
    } else {
      this.close();
      this.#onState("over");
    }
  }

  // Counting attempts lets an answer that comes late see that it is no longer wanted.
  #drop() {
    this.#attempt += 1;
    clearTimeout(this.#pause);
    this.#pause = null;
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = null;
  }

  #listenForNetwork() {
    const { signal } = this.#listening;
    window.addEventListener("online", () => this.retryNow(), { signal });
    // Without a network the browser may take minutes to notice that a socket is dead.
    window.addEventListener("offline", () => this.#pause || this.lose(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.retryNow(), { signal });
  }
}

// The random half keeps a room full of people from coming back in the same instant.
function pauseAfter(failures) {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}
