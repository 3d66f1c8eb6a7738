/** WebSocket that reconnects with exponential backoff and jitter. */

import { makeHeartbeat } from "./heartbeat.js";
import { pauseAfter } from "./pauses.js";

const OPENING_LIMIT_MS = 15_000;
const STEADY_AFTER_MS = 5_000;
const QUIET_PAUSE_MS = 300;

/** Calls `onState` with "connecting", "open", "lost" (reconnecting) or "over" (no further attempt). */
export function makeConnection({ findAddress, worthRetrying, ping, onState, onText }) {
  const listening = new AbortController();
  const heartbeat = makeHeartbeat({ ping, onSilence: renew });
  let socket = null;
  let openedAt = null;
  let pause = null;
  let latestAttempt = 0;
  let failures = 0;

  /** Open a new connection, replacing the current one. Has no effect after `close`. */
  function open() {
    if (listening.signal.aborted) return;
    onState("connecting");
    connect();
  }

  function send(text) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(text);
    return true;
  }

  /** Replace the connection, even if the browser considers it open. */
  function renew() {
    // API Gateway ends every connection within two hours, so reconnect without a warning. But back off from a server
    // that accepts connections and closes them at once.
    const wasSteady = openedAt !== null && Date.now() - openedAt > STEADY_AFTER_MS;
    if (!wasSteady || !navigator.onLine) return lose();
    failures = 0;
    drop();
    onState("connecting");
    connectIn(Math.random() * QUIET_PAUSE_MS);
  }

  function retryNow() {
    if (pause) connect();
  }

  function close() {
    listening.abort();
    drop();
  }

  function lose() {
    drop();
    onState("lost");
    connectIn(pauseAfter(failures++));
  }

  function connectIn(milliseconds) {
    pause = setTimeout(connect, milliseconds);
  }

  async function connect() {
    drop();
    const attempt = latestAttempt;
    try {
      const address = await findAddress();
      if (attempt === latestAttempt) follow(new WebSocket(address));
    } catch (problem) {
      console.warn("could not connect:", problem);
      if (attempt === latestAttempt) lose();
    }
  }

  function follow(newSocket) {
    const limit = setTimeout(() => newSocket.close(), OPENING_LIMIT_MS);
    socket = newSocket;
    socket.onopen = () => {
      clearTimeout(limit);
      openedAt = Date.now();
      heartbeat.start();
      onState("open");
    };
    socket.onmessage = (event) => {
      heartbeat.heard();
      onText(event.data);
    };
    socket.onclose = () => {
      clearTimeout(limit);
      if (openedAt === null) refused();
      else renew();
    };
  }

  // The browser hides the status of a failed handshake, so ask over REST whether a retry makes sense.
  async function refused() {
    const attempt = latestAttempt;
    const retry = await worthRetrying();
    if (attempt !== latestAttempt) return;
    if (retry) {
      lose();
    } else {
      close();
      onState("over");
    }
  }

  // The attempt number lets a late response detect that it is outdated.
  function drop() {
    latestAttempt += 1;
    clearTimeout(pause);
    pause = openedAt = null;
    heartbeat.stop();
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    socket = null;
  }

  function lookAgain() {
    if (document.hidden) return;
    retryNow();
    heartbeat.beat();
  }

  const { signal } = listening;
  window.addEventListener("online", retryNow, { signal });
  // Without a network, the browser may need minutes to notice that the socket is dead.
  window.addEventListener("offline", () => pause || lose(), { signal });
  document.addEventListener("visibilitychange", lookAgain, { signal });

  return { open, send, renew, retryNow, close };
}
