// The client library of 30 November 2026, before edits, reactions, replies and signals: bundled by esbuild, unchanged.

// client/src/emitter.ts
var Emitter = class {
  #listeners = /* @__PURE__ */ new Map();
  /** Add a listener, and return the function that removes it. */
  on(type, listener) {
    const listeners = this.#listeners.get(type) ?? /* @__PURE__ */ new Set();
    this.#listeners.set(type, listeners);
    const added = (value) => listener(value);
    listeners.add(added);
    return () => void listeners.delete(added);
  }
  emit(type, value) {
    for (const listener of [...this.#listeners.get(type) ?? []]) {
      try {
        listener(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
};

// client/src/errors.ts
var ChatError = class extends Error {
  /**
   * For messages, the codes of the server's error frames: `invalid_message`, `rate_limited`, `not_in_room`, `internal`,
   * and further ones. Also: `unconfirmed` (the server did not respond), `discarded`, `deleted` (the message
   * was stored, and then deleted), `closed` (the room has ended), `offline` (there is no connection), `network` (the server
   * could not be reached), and `http_STATUS` for an error response, as in `http_404`.
   */
  code;
  /** With `rate_limited` and `muted`, the seconds to wait before the next attempt. */
  retryAfter;
  constructor(code, message, options) {
    super(message, options);
    this.name = "ChatError";
    this.code = code;
    this.retryAfter = options?.retryAfter;
  }
};
var ApiError = class extends ChatError {
  /** The HTTP status code. */
  status;
  /** The `Code` of the response, such as `RoomLockedError`; empty if a proxy has responded. */
  reason;
  constructor(status, reason, message) {
    super(`http_${status}`, message);
    this.name = "ApiError";
    this.status = status;
    this.reason = reason;
  }
};
function toChatError(error) {
  return error instanceof ChatError ? error : new ChatError("network", String(error), { cause: error });
}

// client/src/random.ts
function randomId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// client/src/storage.ts
var platform = globalThis;
function browserStorage(name) {
  try {
    return platform.document === void 0 ? void 0 : platform[name];
  } catch {
    return void 0;
  }
}
function readValue(storage, key) {
  try {
    return JSON.parse(storage?.getItem(key) ?? "null") ?? void 0;
  } catch {
    return void 0;
  }
}
var OwnStorage = class {
  #storage;
  #identity;
  #index;
  #isForgotten = false;
  constructor(storage, identity) {
    this.#storage = storage;
    this.#identity = identity;
    this.#index = `chalice-chat.kept.${identity}`;
  }
  /** Read the value of a room. */
  read(kind, roomId) {
    return readValue(this.#storage, this.#keyOf(kind, roomId));
  }
  /** Take over the value that an earlier version has written, for the first who comes. */
  adopt(kind, roomId) {
    const former = `chalice-chat.${kind}.${roomId}`;
    const value = readValue(this.#storage, former);
    if (value === void 0) return void 0;
    this.write(kind, roomId, value);
    writeValue(this.#storage, former, void 0);
    return value;
  }
  /** Write the value of a room, or remove it if it is undefined. */
  write(kind, roomId, value) {
    if (this.#isForgotten) return;
    const key = this.#keyOf(kind, roomId);
    const kept = this.#keys();
    const others = kept.filter((other) => other !== key);
    const next = value === void 0 ? others : [...others, key];
    if (next.length !== kept.length) writeValue(this.#storage, this.#index, next.length ? next : void 0);
    writeValue(this.#storage, key, value);
  }
  /** Remove everything, and write nothing any more. */
  forget() {
    for (const key of [...this.#keys(), this.#index]) writeValue(this.#storage, key, void 0);
    this.#isForgotten = true;
  }
  // A storage need not be able to list its keys.
  #keys() {
    const keys = readValue(this.#storage, this.#index);
    return Array.isArray(keys) ? keys : [];
  }
  #keyOf(kind, roomId) {
    return `chalice-chat.${kind}.${this.#identity}.${roomId}`;
  }
};
function writeValue(storage, key, value) {
  try {
    if (value === void 0) storage?.removeItem(key);
    else storage?.setItem(key, JSON.stringify(value));
  } catch {
  }
}

// client/src/glyphs.ts
var INVISIBLE = String.raw`\u{20}\u{a0}\u{ad}\u{34f}\u{61c}\u{115f}\u{1160}\u{1680}\u{17b4}\u{17b5}\u{180b}-\u{180f}` + String.raw`\u{2000}-\u{200f}\u{2028}-\u{202f}\u{205f}-\u{206f}\u{2800}\u{3000}\u{3164}\u{fe00}-\u{fe0f}\u{feff}` + String.raw`\u{ffa0}\u{fff0}-\u{fff8}\u{13441}\u{13442}\u{16fe4}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}` + String.raw`\u{e0000}-\u{e0fff}`;

// client/src/text.ts
var VISIBLE = /* @__PURE__ */ new RegExp(`[^\\p{Cc}\\p{Cs}${INVISIBLE}]`, "u");
function hasGlyph(text) {
  return VISIBLE.test(text);
}
function cutText(text, length) {
  let left = length;
  let start = "";
  for (const grapheme of graphemesOf(text)) {
    left -= [...grapheme].length;
    if (left < 0) break;
    start += grapheme;
  }
  return start;
}
function* graphemesOf(text) {
  if (!Intl.Segmenter) yield* text;
  else for (const { segment } of new Intl.Segmenter().segment(text)) yield segment;
}

// client/src/identity.ts
var KEY = "chalice-chat.key";
var MAX_NAME_LENGTH = 40;
var CONTROL = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;
var BIDI_CONTROL = /\p{Bidi_Control}/u;
var VALID = /^[A-Za-z0-9_-]{22,64}$/;
function checkName(name) {
  const { length } = [...name];
  if (length > MAX_NAME_LENGTH) {
    throw new ChatError("invalid_name", `expected a name of at most ${MAX_NAME_LENGTH} characters, not ${length}`);
  }
  if (CONTROL.test(name)) throw new ChatError("invalid_name", "expected a name without control characters");
  if (BIDI_CONTROL.test(name)) {
    throw new ChatError("invalid_name", "expected a name without characters that change the direction of text");
  }
  if (name && !hasGlyph(name)) throw new ChatError("invalid_name", "expected a name with a visible character");
}
function cleanName(name) {
  const line = name.replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, " ").replace(/\p{Bidi_Control}/gu, "");
  const cut = cutText(line.trim(), MAX_NAME_LENGTH).trim();
  return hasGlyph(cut) ? cut : "";
}
function checkKey(key) {
  if (!VALID.test(key)) throw new ChatError("invalid_key", "expected a key of 22 to 64 letters, digits, - and _");
}
function identityOf(kind, subjectOrKey) {
  return `${kind}-${hash(subjectOrKey)}`;
}
function subjectOf(token) {
  try {
    const { iss, sub } = JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/")));
    return JSON.stringify([iss, sub]);
  } catch {
    return "";
  }
}
function hash(text) {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(36);
}
function forgetKey(storage) {
  writeValue(storage, KEY, void 0);
}
function loadKey(storage) {
  const saved = readValue(storage, KEY);
  if (typeof saved === "string" && VALID.test(saved)) return saved;
  const key = randomId();
  writeValue(storage, KEY, key);
  return key;
}

// client/src/rest.ts
var TIMEOUT_MS = 2e4;
var RestApi = class {
  #url;
  #fetch;
  #tokens;
  /** Whether the server has responded as a chat does. Before that, the address may be the wrong one. */
  #isKnown = false;
  constructor(url, fetchFunction, tokens) {
    this.#url = checkUrl(url);
    this.#fetch = fetchFunction;
    this.#tokens = tokens;
  }
  async createRoom(roomName, isPrivate, keepDays) {
    const { roomId, ownerToken, joinToken } = await this.#call("rooms", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ roomName, private: isPrivate, keepDays })
    });
    return { roomId, ownerToken, joinToken };
  }
  async listRooms(limit, cursor) {
    const query = queryString({ limit, cursor });
    const page = await this.#read(`rooms${query}`, "rooms");
    return {
      rooms: page.rooms.map(({ room_id, name, member_count, created_at }) => ({
        roomId: room_id,
        name,
        memberCount: member_count,
        createdAt: created_at
      })),
      cursor: page.nextCursor
    };
  }
  async getMembers(roomId, credentials) {
    return (await this.#room(roomId, "/members", { ...credentials })).members;
  }
  getMessages(roomId, credentials, range) {
    const query = queryString({ ...range, ...credentials });
    return this.#read(`rooms/${encodeURIComponent(roomId)}/messages${query}`, "messages");
  }
  async getBans(roomId, credentials) {
    return (await this.#room(roomId, "/bans", { ...credentials })).bans;
  }
  async getReports(roomId, credentials) {
    return (await this.#room(roomId, "/reports", { ...credentials })).reports;
  }
  /** Read the room, and so find out whether it can be joined. */
  getRoom(roomId, credentials) {
    return this.#room(roomId, "", { ...credentials });
  }
  createHook(roomId, owner, name) {
    const headers = { "Content-Type": "application/json" };
    return this.#asOwner(roomId, "/hooks", owner, { method: "POST", headers, body: JSON.stringify({ name }) });
  }
  async listHooks(roomId, owner) {
    return (await this.#asOwner(roomId, "/hooks", owner)).hooks;
  }
  async deleteHook(roomId, owner, hookId) {
    await this.#asOwner(roomId, `/hooks/${encodeURIComponent(hookId)}`, owner, { method: "DELETE" });
  }
  async getWebSocketUrl() {
    return (await this.#read("config", "webSocketUrl")).webSocketUrl;
  }
  #room(roomId, part, query) {
    return this.#call(`rooms/${encodeURIComponent(roomId)}${part}${queryString(query)}`);
  }
  /** Send a request with the owner's token: beside an access token in the query, otherwise as the bearer token. */
  #asOwner(roomId, part, owner, options = {}) {
    const path = `rooms/${encodeURIComponent(roomId)}${part}`;
    return this.#tokens ? this.#call(`${path}${queryString({ owner })}`, options) : this.#request(path, withToken(options, owner));
  }
  /** Send a request with the access token of the user. If the server rejects it, ask for another one, and repeat it once. */
  async #call(path, options = {}) {
    const tokens = this.#tokens;
    if (!tokens) return this.#request(path, options);
    try {
      return await this.#request(path, withToken(options, await tokens.get()));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      return this.#request(path, withToken(options, await tokens.get()));
    }
  }
  /** Read an object that has a property, or else is none of a chat. */
  async #read(path, property) {
    const result = await this.#call(path);
    if (result?.[property] === void 0) throw this.#wrongUrl();
    this.#isKnown = true;
    return result;
  }
  #wrongUrl() {
    return new ChatError("wrong_url", `No chat responds at ${this.#url}: expected its REST address, with the stage.`);
  }
  async #request(path, options) {
    const fetchFunction = this.#fetch;
    let response;
    try {
      response = await fetchFunction(`${this.#url}/${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS), ...options });
      if (response.status === 204) return null;
      if (response.ok) return await response.json();
    } catch (cause) {
      if (!this.#isKnown && cause.name === "SyntaxError") throw this.#wrongUrl();
      throw new ChatError("network", "The server could not be reached.", { cause });
    }
    const { reason, sentence } = await explanationOf(response);
    if (reason) this.#isKnown = true;
    if (!this.#isKnown && [403, 404, 405].includes(response.status)) throw this.#wrongUrl();
    throw new ApiError(response.status, reason, sentence);
  }
};
function checkUrl(url) {
  const text = String(url).replace(/[?#].*/s, "");
  if (!/^\/(?!\/)/.test(text) && !(/^https?:/i.test(text) && URL.canParse(text))) {
    throw new ChatError("invalid_url", `expected the REST address of the chat, https://\u2026, not ${text || "nothing"}`);
  }
  return text.replace(/\/+$/, "");
}
function queryString(query) {
  const entries = Object.entries(query).filter(([, value]) => value !== void 0 && value !== null && value !== "");
  return entries.length ? `?${new URLSearchParams(entries.map(([name, value]) => [name, String(value)]))}` : "";
}
function withToken(options, token) {
  return token ? { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } } : options;
}
async function explanationOf(response) {
  const body = await response.json().catch(() => null);
  const { Code, Message } = body ?? {};
  const isExplained = response.status < 500 && typeof Message === "string";
  return {
    reason: typeof Code === "string" ? Code : "",
    sentence: isExplained ? Message : "The server could not do that just now. Please try again."
  };
}

// client/src/close-reason.ts
var BY_CODE = {
  RoomLockedError: "locked",
  MemberBannedError: "banned",
  SourceBannedError: "blocked"
};
var BY_STATUS = { 401: "unauthorized", 403: "private", 404: "gone" };
function reasonOf(error) {
  if (error instanceof ChatError && error.code === "wrong_url") return error.code;
  if (!(error instanceof ApiError) || !error.reason) return void 0;
  return BY_CODE[error.reason] ?? BY_STATUS[error.status];
}
function isFinal(reason) {
  return !["private", "locked", "unauthorized", "replaced", "blocked", "wrong_url"].includes(reason);
}
function endsSending(reason) {
  return isFinal(reason) && reason !== "left";
}

// client/src/frames.ts
var HELLO = serialize("hello");
function serialize(action, data) {
  return JSON.stringify({ action, data });
}
function parseFrame(text) {
  const { message, error, welcome, tokens } = parse(text);
  if (isObject(error)) return isText(error.message) ? { ...error, type: "error" } : null;
  if (isObject(welcome)) return isWelcome(welcome) ? { ...welcome, type: "welcome" } : null;
  if (isObject(tokens)) return isTokens(tokens) ? { ...tokens, type: "tokens" } : null;
  if (isItem(message)) return { type: "item", item: message };
  if (!isObject(message) || !isText(message.message) || !isMember(message.sender)) return null;
  if (message.type === "reported" && !Number.isSafeInteger(message.target)) return null;
  const isKnown = ["join", "leave", "rename", "closed", "reported"].includes(String(message.type));
  return isKnown ? message : null;
}
function isItem(value) {
  if (!isObject(value) || !isText(value.type) || !isText(value.message) || !isMember(value.sender)) return false;
  return Number.isSafeInteger(value.sequence) && Date.parse(String(value.sentAt)) > 0;
}
function isWelcome({ member, room, lastSequence }) {
  return isMember(member) && isObject(room) && isText(room.name) && Number.isSafeInteger(lastSequence);
}
function isTokens(value) {
  return [value.joinToken, value.ownerToken].every((token) => token === void 0 || isText(token));
}
function isMember(value) {
  return isObject(value) && isText(value.id) && isText(value.name);
}
function isObject(value) {
  return typeof value === "object" && value !== null;
}
function isText(value) {
  return typeof value === "string";
}
function parse(text) {
  try {
    const value = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

// client/src/commands.ts
var TIMEOUT_MS2 = 1e4;
var SILENCE_MS = 5e3;
var OFFLINE = "There is no connection. Please try again.";
var CLOSED = new ChatError("closed", "The room is closed.");
var UNCONFIRMED = "The server did not confirm it. Please try again.";
var Commands = class {
  #send;
  /** By the clientId of the frame, which the server repeats in an error. */
  #pending = /* @__PURE__ */ new Map();
  #isStopped = false;
  constructor(send) {
    this.#send = send;
  }
  /**
   * Send a frame. Resolves to the first event for which `isDone` returns true. Rejects with a ChatError: `offline`, `closed`, `unconfirmed`
   * after ten seconds, or the code of the server's error.
   */
  run(action, data, isDone) {
    return this.#run(action, data, isDone, TIMEOUT_MS2, new ChatError("unconfirmed", UNCONFIRMED));
  }
  /**
   * Send a frame to which the server responds only if it refuses it. Resolves when no error has arrived within five seconds,
   * or earlier, with the first event for which `isDone` returns true.
   */
  async runSilently(action, data, isDone = () => false) {
    await this.#run(action, data, isDone, SILENCE_MS, { type: "silence" });
  }
  #run(action, data, isDone, milliseconds, atEnd) {
    return new Promise((resolve, reject) => {
      const clientId = randomId();
      const timer = setTimeout(() => settle(atEnd), milliseconds);
      const settle = (result) => {
        clearTimeout(timer);
        this.#pending.delete(clientId);
        if (result instanceof ChatError) reject(result);
        else resolve(result);
      };
      this.#pending.set(clientId, { isDone, settle });
      if (this.#isStopped) settle(CLOSED);
      else if (!this.#send(serialize(action, { ...data, clientId }))) settle(new ChatError("offline", OFFLINE));
    });
  }
  /** An event has arrived. */
  confirm(event) {
    for (const { isDone, settle } of [...this.#pending.values()]) if (isDone(event)) settle(event);
  }
  /** An error frame has arrived. It is ignored if it belongs to something else. */
  reject({ clientId, code, message, retryAfter }) {
    if (clientId !== void 0) this.#pending.get(clientId)?.settle(new ChatError(code, message, { retryAfter }));
  }
  /** The room is closed: nothing is confirmed any more. */
  stop() {
    this.#isStopped = true;
    for (const { settle } of [...this.#pending.values()]) settle(CLOSED);
  }
};

// client/src/backoff.ts
var FIRST_DELAY_MS = 1e3;
var MAX_DELAY_MS = 3e4;
function backoff(failures) {
  const longest = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  return longest * (0.5 + Math.random() / 2);
}

// client/src/platform.ts
var platform2 = globalThis;
function isOnline() {
  return platform2.navigator?.onLine !== false;
}
function isHidden() {
  return platform2.document?.hidden === true;
}
function watchPlatform(listeners) {
  const wakeIfSeen = () => {
    if (!isHidden()) listeners.wake();
  };
  const added = [
    ["online", wakeIfSeen],
    // A page from the browser's cache of pages. The event of a page that was just loaded is not one of them.
    ["pageshow", ({ persisted }) => persisted && wakeIfSeen()],
    ["visibilitychange", wakeIfSeen],
    ["offline", () => listeners.offline?.()],
    ["pagehide", () => listeners.hide?.()]
  ];
  for (const [type, listener] of added) platform2.addEventListener?.(type, listener);
  return () => {
    for (const [type, listener] of added) platform2.removeEventListener?.(type, listener);
  };
}

// client/src/heartbeat.ts
var TICK_MS = 1e4;
var BEAT_EVERY_MS = 4 * 6e4;
var RESPONSE_TIMEOUT_MS = 15e3;
var Heartbeat = class {
  #send;
  #onTimeout;
  #ticking;
  #waiting;
  #tickedAt = 0;
  #sentAt = 0;
  constructor(send, onTimeout) {
    this.#send = send;
    this.#onTimeout = onTimeout;
  }
  start() {
    this.stop();
    this.#tickedAt = this.#sentAt = Date.now();
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
  }
  stop() {
    clearInterval(this.#ticking);
    this.#ticking = void 0;
    this.received();
  }
  /** Send a frame now, unless one is waiting for its response. */
  beat() {
    if (this.#ticking === void 0 || this.#waiting !== void 0) return;
    this.#sentAt = Date.now();
    this.#waiting = setTimeout(this.#onTimeout, RESPONSE_TIMEOUT_MS);
    this.#send();
  }
  /** Stop waiting for a response. Any received frame counts as one. */
  received() {
    clearTimeout(this.#waiting);
    this.#waiting = void 0;
  }
  #tick() {
    const now2 = Date.now();
    const wasSuspended = now2 - this.#tickedAt > 2 * TICK_MS && !isHidden();
    this.#tickedAt = now2;
    if (wasSuspended || now2 - this.#sentAt >= BEAT_EVERY_MS) this.beat();
  }
};

// client/src/connection.ts
var OPEN_TIMEOUT_MS = 15e3;
var STEADY_AFTER_MS = 5e3;
var QUIET_DELAY_MS = 300;
var OPEN = 1;
var Connection = class {
  #options;
  #heartbeat;
  #stopListening;
  #socket;
  #openedAt;
  #limit;
  #retry;
  /** Lets a late event or response detect that it belongs to an abandoned attempt. */
  #attempt = 0;
  #failures = 0;
  #wasOpen = false;
  #isWaiting = false;
  #isClosed = false;
  constructor(options) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(options.beat, () => this.renew());
    this.#stopListening = watchPlatform({
      wake: () => {
        this.retryNow();
        this.#heartbeat.beat();
      },
      // Without a network, a browser may need minutes to notice that the socket is dead.
      offline: () => {
        if (this.#retry === void 0) this.#lose();
      }
    });
  }
  /** Open a new connection, replacing the current one. Has no effect after `close`. */
  open() {
    if (this.#isClosed) return;
    void this.#connect();
    this.#options.onStatus({ status: "connecting", attempt: this.#failures + 1 });
  }
  /** Send a text if the connection is open. Returns whether it is. */
  send(text) {
    if (this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(text);
    return true;
  }
  /** Replace the connection, even if the platform considers it open. */
  renew() {
    if (this.#isClosed) return;
    const wasSteady = this.#openedAt !== void 0 && Date.now() - this.#openedAt > STEADY_AFTER_MS;
    if (!wasSteady || !isOnline()) {
      this.#lose();
      return;
    }
    this.#failures = 0;
    this.#drop();
    this.#connectIn(Math.random() * QUIET_DELAY_MS);
    this.#options.onStatus({ status: "connecting", attempt: 1 });
  }
  /** Connect now instead of after the current delay. */
  retryNow() {
    if (this.#retry !== void 0) this.#tryAgain();
  }
  close() {
    this.#isClosed = true;
    this.#stopListening();
    this.#drop();
  }
  // The status comes last, here and elsewhere: whoever learns it may close or replace this connection.
  #lose() {
    const delay = backoff(this.#failures++);
    this.#drop();
    this.#connectIn(delay);
    this.#isWaiting = true;
    this.#publish({ retryAt: new Date(Date.now() + delay).toISOString() });
  }
  #connectIn(milliseconds) {
    this.#retry = setTimeout(() => this.#tryAgain(), milliseconds);
  }
  #tryAgain() {
    const wasWaiting = this.#isWaiting;
    void this.#connect();
    if (wasWaiting) this.#publish({});
  }
  #publish(time) {
    this.#options.onStatus({ status: this.#wasOpen ? "lost" : "connecting", attempt: this.#failures + 1, ...time });
  }
  async #connect() {
    this.#drop();
    const attempt = this.#attempt;
    try {
      const url = await this.#options.findUrl();
      if (attempt === this.#attempt) this.#follow(this.#open(url));
    } catch (error) {
      if (attempt !== this.#attempt) return;
      if (error instanceof ChatError && error.code === "wrong_url") {
        this.#end();
      } else {
        this.#lose();
        this.#options.onError(error);
      }
    }
  }
  #open(url) {
    try {
      return new this.#options.WebSocket(url);
    } catch {
      throw new ChatError("network", "The WebSocket could not be opened: its address is not valid.");
    }
  }
  // Platforms differ in what they report: the WebSocket of Node.js 22 has no `close` after a failed handshake. So the first
  // of `error`, `close` and the timeout ends the connection, and what follows is ignored.
  #follow(socket) {
    const attempt = this.#attempt;
    const isCurrent = () => attempt === this.#attempt;
    const onEnd = () => {
      if (!isCurrent()) return;
      if (this.#openedAt !== void 0) this.renew();
      else void this.#rejected();
    };
    this.#limit = setTimeout(onEnd, OPEN_TIMEOUT_MS);
    this.#socket = socket;
    socket.onopen = () => {
      if (!isCurrent() || this.#openedAt !== void 0) return;
      clearTimeout(this.#limit);
      this.#openedAt = Date.now();
      this.#wasOpen = true;
      this.#heartbeat.start();
      this.#options.onStatus({ status: "open" });
    };
    socket.onmessage = (event) => {
      if (!isCurrent()) return;
      this.#heartbeat.received();
      this.#options.onText(String(event.data));
    };
    socket.onerror = socket.onclose = onEnd;
  }
  // Browsers hide the status of a failed handshake, so ask over REST whether a retry makes sense.
  async #rejected() {
    this.#drop();
    const attempt = this.#attempt;
    const retry = await this.#options.isWorthRetrying();
    if (attempt !== this.#attempt) return;
    if (retry) this.#lose();
    else this.#end();
  }
  #end() {
    this.close();
    this.#options.onStatus({ status: "closed" });
  }
  #drop() {
    this.#attempt += 1;
    clearTimeout(this.#limit);
    clearTimeout(this.#retry);
    this.#retry = this.#openedAt = void 0;
    this.#isWaiting = false;
    this.#heartbeat.stop();
    this.#socket?.close();
    this.#socket = void 0;
  }
};

// client/src/history.ts
var PAGE = 50;
var LONGEST_PAGE = 100;
var GAP_DELAY_MS = 400;
var History = class {
  #timeline;
  #options;
  #timer;
  #failures = 0;
  #target = 0;
  #isReading = false;
  #isBehind = false;
  /** Whether the last page has ended early: there is more to read. */
  #endsEarly = false;
  #isReadingOlder = false;
  #isStopped = false;
  constructor(timeline, options) {
    this.#timeline = timeline;
    this.#options = options;
  }
  /** Read new messages now. Call this at the start, and whenever frames may have been lost. */
  catchUp() {
    this.#isBehind = true;
    this.#readIn(0);
  }
  /** Read new messages unless everything up to this sequence is known. */
  reach(sequence) {
    this.#target = Math.max(this.#target, sequence);
    if (this.#isComplete()) this.#options.onCaughtUp();
    else this.#readIn(0);
  }
  /** Read missing messages after a short delay. Frames may arrive out of order, so most gaps close by themselves. */
  fillGap() {
    if (this.#timer === void 0) this.#readIn(GAP_DELAY_MS);
  }
  /** Read this number of older messages, with as many requests as it takes. */
  async readOlder(limit = PAGE) {
    if (this.#isReadingOlder || this.#isStopped || !this.#timeline.hasOlder) return;
    this.#isReadingOlder = true;
    this.#options.onOlder("loading");
    try {
      let wanted = Math.max(1, Math.ceil(limit) || PAGE);
      while (wanted > 0 && this.#timeline.hasOlder) {
        const before = this.#timeline.floor ?? 1;
        const page = await this.#options.read({ before, limit: Math.min(wanted, LONGEST_PAGE) });
        if (this.#isStopped) return;
        this.#extend(page.messages, lowestOf(page));
        if (this.#timeline.floor === before) {
          this.#options.onOlder("failed");
          return;
        }
        wanted -= page.messages.length;
        this.#options.onOlder(wanted > 0 && this.#timeline.hasOlder ? "loading" : this.#olderState());
      }
    } catch (error) {
      if (this.#isStopped) return;
      this.#options.onOlder("failed");
      this.#options.onError(error);
    } finally {
      this.#isReadingOlder = false;
    }
  }
  stop() {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }
  #readIn(milliseconds) {
    if (this.#isReading || this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#readOnce(), milliseconds);
  }
  async #readOnce() {
    this.#timer = void 0;
    this.#isReading = true;
    this.#isBehind = false;
    const isAnswered = await this.#read();
    this.#isReading = false;
    if (this.#isStopped) return;
    if (this.#isBehind) {
      this.#readIn(0);
    } else if (!isAnswered || !this.#isComplete()) {
      this.#readIn(backoff(this.#failures++));
    } else {
      this.#failures = 0;
      this.#options.onCaughtUp();
    }
  }
  async #read() {
    const after = this.#timeline.position;
    try {
      const page = await this.#options.read(after === null ? { limit: PAGE } : { after, limit: LONGEST_PAGE });
      if (this.#isStopped) return true;
      if (after === null) this.#begin(page);
      else this.#fill(after, page);
      return true;
    } catch (error) {
      if (!this.#isStopped) this.#options.onError(error);
      return false;
    }
  }
  #begin(page) {
    const { messages, lastSequence, nextBefore } = page;
    const live = this.#timeline.floor ?? Number.POSITIVE_INFINITY;
    const older = messages.filter(({ sequence }) => sequence < live);
    this.#timeline.begin(lowestOf(page), lastSequence);
    if (older.length) this.#extend(older, lowestOf(page));
    this.#options.onMissed(messages.slice(older.length));
    this.#options.onOlder(this.#olderState());
    if (nextBefore !== void 0) void this.readOlder();
  }
  #extend(messages, lowest) {
    this.#timeline.extend(messages, lowest);
    this.#options.onHistory(messages);
  }
  #fill(after, { messages, lastSequence, complete, nextAfter }) {
    if (!complete) this.#options.onExpired(after);
    this.#options.onMissed(messages);
    this.#timeline.settle(nextAfter ?? messages.at(-1)?.sequence ?? lastSequence);
    this.#endsEarly = nextAfter !== void 0;
    const position = this.#timeline.position ?? 0;
    if (position > after && (this.#endsEarly || position < lastSequence)) this.#isBehind = true;
  }
  #isComplete() {
    const { position, hasGap } = this.#timeline;
    return position !== null && position >= this.#target && !hasGap && !this.#endsEarly;
  }
  #olderState() {
    return this.#timeline.hasOlder ? "more" : "none";
  }
};
function lowestOf({ messages, nextBefore }) {
  return nextBefore ?? messages[0]?.sequence ?? 1;
}

// client/src/marks.ts
function knownRole(role) {
  return role === "owner" || role === "moderator" ? role : void 0;
}
function withKnownRole(member) {
  return member.role === void 0 || knownRole(member.role) ? member : withRole(member, void 0);
}
function endOf({ until, sentAt }) {
  return until && Date.parse(until) > Date.parse(sentAt) ? until : void 0;
}
function withRole({ role: _, ...member }, role) {
  return role ? { ...member, role } : member;
}
var DAY_MS = 24 * 60 * 6e4;
var Mutes = class {
  #onEnd;
  #entries = /* @__PURE__ */ new Map();
  #timer;
  /** `onEnd` is called whenever a time is over. */
  constructor(onEnd) {
    this.#onEnd = onEnd;
  }
  /** Note an event about a member. `until` is absent if the member may send again. */
  note(memberId, sequence, until) {
    if (sequence < (this.#entries.get(memberId)?.sequence ?? 0)) return;
    this.#set(memberId, sequence, Date.parse(until ?? "") || 0);
  }
  /** Note that the server has refused a frame of a member for this reason. */
  noteRefusal(memberId, retryAfter) {
    this.#set(memberId, this.#entries.get(memberId)?.sequence ?? 0, Date.now() + retryAfter * 1e3);
  }
  /** Add the mark of a member, if it has one. */
  mark(member) {
    const until = this.#entries.get(member.id)?.until ?? 0;
    return until > Date.now() ? { ...member, mutedUntil: new Date(until).toISOString() } : member;
  }
  stop() {
    clearTimeout(this.#timer);
  }
  #set(memberId, sequence, until) {
    this.#entries.set(memberId, { sequence, until });
    this.#await();
  }
  #await() {
    clearTimeout(this.#timer);
    const now2 = Date.now();
    const next = Math.min(...[...this.#entries.values()].map(({ until }) => until).filter((until) => until > now2));
    if (!Number.isFinite(next)) return;
    this.#timer = setTimeout(
      () => {
        this.#onEnd();
        this.#await();
      },
      Math.min(next - now2, DAY_MS)
    );
  }
};

// client/src/message-cache.ts
var KIND = "messages";
var MAX_MESSAGES = 50;
var MAX_AGE_MS = 60 * 6e4;
function takeMessages(storage, roomId) {
  const saved = storage.read(KIND, roomId);
  if (saved === void 0) return void 0;
  storage.write(KIND, roomId, void 0);
  const { savedAt, ...cached } = saved;
  const isUsable = Date.now() - savedAt < MAX_AGE_MS && Array.isArray(cached.messages) && Array.isArray(cached.ownIds);
  return isUsable && cached.messages.length ? cached : void 0;
}
function saveMessages(storage, roomId, cached) {
  const messages = cached.messages.slice(-MAX_MESSAGES);
  if (messages.length) storage.write(KIND, roomId, { ...cached, messages, savedAt: Date.now() });
}

// client/src/message-list.ts
var MessageList = class {
  #ownIds = /* @__PURE__ */ new Set();
  #ignoredIds;
  #published = [];
  /** Whether it has changed who is this client, or is ignored by it. */
  #isOutdated = false;
  constructor(ignoredIds = []) {
    this.#ignoredIds = new Set(ignoredIds);
  }
  /** The ids of the members that this client ignores. */
  get ignoredIds() {
    return [...this.#ignoredIds];
  }
  isIgnored(memberId) {
    return this.#ignoredIds.has(memberId);
  }
  ignore(memberId) {
    this.#ignoredIds.add(memberId);
    this.#isOutdated = true;
  }
  unignore(memberId) {
    this.#ignoredIds.delete(memberId);
    this.#isOutdated = true;
  }
  /** The member ids of this client. */
  get ownIds() {
    return [...this.#ownIds];
  }
  isOwn(memberId) {
    return this.#ownIds.has(memberId);
  }
  /** This client is, or was, a member of this id. Returns whether that is new. */
  addOwnId(memberId) {
    const isNew = !this.#ownIds.has(memberId);
    this.#ownIds.add(memberId);
    this.#isOutdated ||= isNew;
    return isNew;
  }
  /** Return the message as it was published last. */
  get(sequence) {
    return find(this.#published, sequence);
  }
  /** Return the messages of a list of which only those from an index on have changed. */
  publish(items, firstChanged) {
    const before = this.#published;
    const from = this.#isOutdated ? 0 : firstChanged;
    const changed = items.slice(from).map((item) => {
      const isOwn = this.isOwn(item.sender.id);
      const isIgnored = this.isIgnored(item.sender.id);
      const known = find(before, item.sequence);
      const isSame = known?.isOwn === isOwn && known.isIgnored === isIgnored;
      return isSame ? known : messageOf(item, isOwn, isIgnored);
    });
    this.#published = (from < before.length ? before.slice(0, from) : before).concat(changed);
    this.#isOutdated = false;
    return this.#published;
  }
};
function find(messages, sequence) {
  let from = 0;
  let to = messages.length;
  while (from < to) {
    const middle = from + to >> 1;
    if ((messages[middle]?.sequence ?? 0) < sequence) from = middle + 1;
    else to = middle;
  }
  return messages[from]?.sequence === sequence ? messages[from] : void 0;
}
function messageOf(item, isOwn, isIgnored = false) {
  const { sequence, message, sender, sentAt, clientId } = item;
  return { sequence, message, sender: withKnownRole(sender), sentAt, clientId, isOwn, isIgnored };
}

// client/src/outbox.ts
var ECHO_TIMEOUT_MS = 1e4;
var MAX_ATTEMPTS = 6;
var MAX_FRAME_BYTES = 32768;
var SAFE_TO_REPEAT_MS = 9 * 6e4;
var TEMPORARY = ["internal", "rate_limited", "not_in_room"];
var TOO_LONG = new ChatError("invalid_message", "The message is too long.");
var UNCONFIRMED2 = new ChatError("unconfirmed", "The server did not confirm it.");
var DOUBTFUL = new ChatError("unconfirmed", "It may have arrived before the page was reloaded; look above first.");
var Outbox = class {
  #options;
  #entries = [];
  #timer;
  #isOpen = false;
  #isCaughtUp = false;
  #isHeldBack = false;
  #ended;
  #left;
  constructor(options) {
    this.#options = options;
  }
  /** Put saved messages before those that were added since. */
  restore(saved) {
    this.#entries = [...saved.map(restore), ...this.#entries];
    this.#changed();
  }
  /** The messages for a snapshot. */
  get pending() {
    const first = this.#firstWaiting();
    const status = this.#isHeldBack ? "held" : this.#isOpen ? "sending" : "offline";
    return this.#entries.map((entry) => ({
      clientId: entry.clientId,
      message: entry.message,
      createdAt: entry.createdAt,
      status: entry.error ? "failed" : entry === first ? status : "queued",
      error: entry.error
    }));
  }
  /** Queue a message. The promise settles when it is stored, or has failed. */
  add(message) {
    const entry = {
      clientId: randomId(),
      message,
      createdAt: now(),
      sentAt: null,
      attempts: 0,
      error: void 0,
      settle: void 0
    };
    this.#entries.push(entry);
    return this.#promise(entry);
  }
  /** The connection is open: start sending. */
  open() {
    this.#isOpen = true;
    this.#changed();
  }
  /** The connection is closed: the message in flight has to be sent again. */
  close() {
    this.#isOpen = this.#isCaughtUp = false;
    this.#stopWaiting();
    this.#changed();
  }
  /** The history has been read up to now, with every message of ours that was stored. */
  caughtUp() {
    this.#isCaughtUp = true;
    this.#sendNext();
  }
  /** Sending is over: fail all messages with this error. */
  end(error) {
    this.#ended = error;
    this.close();
  }
  /** Nothing more is sent now: reject the promises with this error. The messages are kept. */
  leave(error) {
    this.#left = error;
    for (const entry of this.#entries) {
      entry.settle?.reject(error);
      entry.settle = void 0;
    }
    this.close();
  }
  /** Remove the message with this clientId, because it is stored. Returns whether there was one. */
  confirm(stored) {
    const entry = this.#find(stored.clientId);
    if (!entry) return false;
    this.#remove(entry);
    entry.settle?.resolve(stored);
    this.#changed();
    return true;
  }
  /** Handle an error frame. One that does not name a message of this outbox belongs to something else, and is ignored. */
  reject({ clientId, code, message, retryAfter }) {
    const entry = this.#find(clientId);
    if (!entry || entry.error) return;
    const isTemporary = TEMPORARY.includes(code);
    this.#stopWaiting();
    if (isTemporary && retryAfter !== void 0 && retryAfter > 0) {
      entry.attempts -= 1;
      this.#isHeldBack = true;
      this.#wait(retryAfter * 1e3);
    } else if (isTemporary && entry.attempts < MAX_ATTEMPTS) {
      this.#wait(backoff(entry.attempts - 1));
    } else {
      const error = new ChatError(code, message, { retryAfter });
      this.#fail(entry, error);
      if (code === "muted") {
        for (const other of this.#entries) if (!other.error) this.#fail(other, error);
      }
    }
    this.#changed();
  }
  /** Queue a failed message again, behind the waiting ones. */
  retry(clientId) {
    const entry = this.#find(clientId);
    if (!entry?.error) return rejected(new ChatError("unknown_message", "There is no failed message of this id."));
    if (this.#left) return rejected(this.#left);
    this.#remove(entry);
    entry.attempts = 0;
    entry.error = void 0;
    this.#entries.push(entry);
    return this.#promise(entry);
  }
  /** Forget a message. If it was sent already, it may still arrive. */
  discard(clientId) {
    this.#drop(clientId, new ChatError("discarded", "The message was discarded."));
  }
  /** Remove the message with this clientId, because it was stored and then deleted: it must not be sent again. */
  forget(clientId) {
    this.#drop(clientId, new ChatError("deleted", "The message was deleted."));
  }
  #drop(clientId, error) {
    const entry = this.#find(clientId);
    if (!entry) return;
    this.#remove(entry);
    entry.settle?.reject(error);
    this.#changed();
  }
  #promise(entry) {
    const promise = new Promise((resolve, reject) => {
      entry.settle = { resolve, reject };
    });
    promise.catch(() => {
    });
    this.#changed();
    return promise;
  }
  #find(clientId) {
    return this.#entries.find((entry) => entry.clientId === clientId);
  }
  #firstWaiting() {
    return this.#entries.find(({ error }) => !error);
  }
  #remove(entry) {
    if (entry === this.#firstWaiting()) this.#stopWaiting();
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
  #fail(entry, error) {
    entry.error = error;
    entry.settle?.reject(error);
    entry.settle = void 0;
  }
  #changed() {
    const ended = this.#ended;
    if (ended) {
      for (const entry of this.#entries) if (!entry.error) this.#fail(entry, ended);
    }
    this.#sendNext();
    this.#save();
    this.#options.onChange(this.pending);
  }
  #save() {
    this.#options.save(
      this.#entries.map(({ clientId, message, createdAt, sentAt, error }) => ({
        clientId,
        message,
        createdAt,
        sentAt,
        failure: error?.message ?? null
      }))
    );
  }
  // API Gateway does not keep the order of a connection's frames, so the next message waits for the response to this one.
  #sendNext() {
    const entry = this.#firstWaiting();
    if (!entry || !this.#isOpen || this.#timer !== void 0) return;
    if (isOld(entry) && !this.#isCaughtUp) return;
    const frame = serialize("sendMessage", { message: entry.message, clientId: entry.clientId });
    const isTooLong = new TextEncoder().encode(frame).length > MAX_FRAME_BYTES;
    if (isTooLong || entry.attempts >= MAX_ATTEMPTS) {
      this.#fail(entry, isTooLong ? TOO_LONG : UNCONFIRMED2);
      this.#changed();
    } else if (this.#options.send(frame)) {
      entry.attempts += 1;
      entry.sentAt ??= Date.now();
      this.#save();
      this.#wait(ECHO_TIMEOUT_MS);
    }
  }
  #wait(milliseconds) {
    this.#timer = setTimeout(() => {
      this.#stopWaiting();
      this.#changed();
    }, milliseconds);
  }
  #stopWaiting() {
    clearTimeout(this.#timer);
    this.#timer = void 0;
    this.#isHeldBack = false;
  }
};
function rejected(error) {
  const promise = Promise.reject(error);
  promise.catch(() => {
  });
  return promise;
}
function restore({ clientId, message, sentAt, failure, createdAt = now() }) {
  const failed = failure ? new ChatError("unconfirmed", failure) : isOld({ sentAt }) ? DOUBTFUL : void 0;
  return { clientId, message, createdAt, sentAt, attempts: 0, error: failed, settle: void 0 };
}
function now() {
  return (/* @__PURE__ */ new Date()).toISOString();
}
function isOld({ sentAt }) {
  return sentAt !== null && Date.now() - sentAt > SAFE_TO_REPEAT_MS;
}

// client/src/outbox-store.ts
var KIND2 = "outbox";
function loadOutbox(storage, roomId) {
  const saved = storage.read(KIND2, roomId) ?? storage.adopt(KIND2, roomId);
  return Array.isArray(saved) ? saved.filter((entry) => entry?.clientId && entry?.message) : [];
}
function saveOutbox(storage, roomId, messages) {
  storage.write(KIND2, roomId, messages.length ? messages : void 0);
}

// client/src/presence.ts
var RECHECK_MS = 1e3;
var RETURN_MS = 1e4;
var Presence = class {
  #options;
  #entries = /* @__PURE__ */ new Map();
  /** Changes of members while the list is read. The list may contain their earlier state. */
  #changes = [];
  #frames = 0;
  #readings = 0;
  /** The room's number of connections, which is exact; the list is eventually consistent. */
  #count = null;
  /** The readings in a row after which the list was not right. */
  #failures = 0;
  #timer;
  /** Whether the members have been read. Before that, a member who joins may have been there already. */
  #isRead = false;
  #isStopped = false;
  constructor(options) {
    this.#options = options;
  }
  /** The room has this number of connections: read the members again if another number is known. */
  expect(count) {
    this.#count = count;
    if (!this.#isComplete()) this.#recheckSoon();
  }
  note(frame) {
    this.#frames += 1;
    if (frame.type === "join") this.#join(frame);
    else this.#leave(frame);
    this.expect(frame.memberCount);
  }
  /** A member has a new name or a new role. */
  change(id, apply) {
    this.#changes.push({ id, apply });
    const entry = this.#entries.get(id);
    if (!entry) return;
    entry.member = apply(entry.member);
    this.#publish();
  }
  /** Publish the members again, because their marks have changed. */
  refreshMarks() {
    if (this.#entries.size) this.#publish();
  }
  /** A member was removed, and does not come back. */
  remove(id) {
    clearTimeout(this.#entries.get(id)?.leaving);
    if (this.#entries.delete(id)) this.#publish();
  }
  /** Read the members of a room with this number of connections, until that many are known. */
  refresh(count) {
    this.#count = count;
    this.#failures = 0;
    void this.#read();
  }
  /** The connection is lost: the frames about who comes and goes are, too. Call `refresh` on the next connection. */
  pause() {
    this.#cancelReading();
    for (const entry of this.#entries.values()) {
      clearTimeout(entry.leaving);
      entry.leaving = void 0;
    }
  }
  async #read() {
    if (this.#isStopped) return;
    this.#cancelReading();
    const reading = this.#readings;
    const before = this.#frames;
    this.#changes.length = 0;
    let isCurrent = false;
    try {
      const listed = await this.#options.read();
      if (reading !== this.#readings) return;
      this.#isRead = true;
      this.#replace(listed);
      isCurrent = this.#frames === before;
    } catch (error) {
      if (reading !== this.#readings) return;
      this.#options.onError(error);
      if (reading !== this.#readings) return;
    }
    clearTimeout(this.#timer);
    this.#timer = void 0;
    if (isCurrent && this.#isComplete()) {
      this.#failures = 0;
    } else {
      this.#recheckSoon();
      this.#failures += 1;
    }
  }
  /** The room has grown beyond the announcements of joins and leaves: its members are no longer known. */
  clear() {
    this.#cancelReading();
    this.#isRead = false;
    if (this.#entries.size === 0) return;
    this.#forgetAll();
    this.#publish();
  }
  stop() {
    this.#isStopped = true;
    this.#cancelReading();
    this.#forgetAll();
  }
  #join(frame) {
    const known = this.#entries.get(frame.sender.id);
    if (known) {
      clearTimeout(known.leaving);
      known.leaving = void 0;
      known.connections += 1;
      known.member = frame.sender;
    } else {
      this.#entries.set(frame.sender.id, { member: frame.sender, connections: 1 });
    }
    this.#publish();
    if (!known && this.#isRead) this.#options.onChange(frame);
  }
  #leave(frame) {
    const { id } = frame.sender;
    const entry = this.#entries.get(id);
    if (!entry || entry.connections === 0) return;
    entry.connections -= 1;
    if (entry.connections > 0) return;
    entry.leaving = setTimeout(() => {
      this.#entries.delete(id);
      this.#publish();
      this.#options.onChange(frame);
    }, RETURN_MS);
  }
  #replace(listed) {
    const entries = /* @__PURE__ */ new Map();
    for (const { connections = 1, ...member } of listed) {
      clearTimeout(this.#entries.get(member.id)?.leaving);
      const changes = this.#changes.filter(({ id }) => id === member.id);
      entries.set(member.id, { member: changes.reduce((now2, { apply }) => apply(now2), member), connections });
    }
    for (const [id, entry] of this.#entries) {
      if (!entries.has(id) && entry.leaving !== void 0) entries.set(id, entry);
    }
    this.#entries = entries;
    this.#publish();
  }
  #publish() {
    this.#options.onMembers([...this.#entries.values()].map(({ member }) => withKnownRole(member)));
  }
  #forgetAll() {
    for (const { leaving } of this.#entries.values()) clearTimeout(leaving);
    this.#entries.clear();
  }
  #isComplete() {
    let known = 0;
    for (const { connections } of this.#entries.values()) known += connections;
    return this.#isRead && known === this.#count;
  }
  // A timer that runs already stays: frames that arrive one after the other must not put the reading off for ever.
  #recheckSoon() {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => void this.#read(), Math.max(RECHECK_MS, backoff(this.#failures)));
  }
  /** Cancel the next reading, and ignore the response to the current one. */
  #cancelReading() {
    clearTimeout(this.#timer);
    this.#timer = void 0;
    this.#readings += 1;
  }
};

// client/src/room-store.ts
var NOT_JOINED = {
  state: { status: "connecting", attempt: 1 },
  name: null,
  isPrivate: false,
  isLocked: false,
  keepDays: 0,
  slowSeconds: 0,
  isOwner: false,
  you: null,
  ignored: [],
  messages: [],
  pending: [],
  members: [],
  memberCount: null,
  history: "loading",
  older: "none"
};
var RoomStore = class {
  #events = new Emitter();
  #changes = new Emitter();
  #snapshot;
  constructor(start) {
    this.#snapshot = { ...NOT_JOINED, ...start };
  }
  get snapshot() {
    return this.#snapshot;
  }
  on(type, listener) {
    return this.#events.on(type, listener);
  }
  subscribe(listener) {
    return this.#changes.on("snapshot", listener);
  }
  emit(type, value) {
    this.#events.emit(type, value);
  }
  /** Replace the snapshot by one with these changes, and tell the listeners. */
  publish(change) {
    this.#snapshot = { ...this.#snapshot, ...change };
    if (change.state) this.emit("state", change.state);
    if (change.messages) this.emit("messages", change.messages);
    if (change.pending) this.emit("pending", change.pending);
    if (change.members || "memberCount" in change) this.emit("members", this.#snapshot.members);
    this.#changes.emit("snapshot", this.#snapshot);
  }
};

// client/src/timeline.ts
var Timeline = class {
  /** In order, as are the messages. A room may keep many, so that a new one must not cost more than its place. */
  #items = [];
  #messages = [];
  #known = /* @__PURE__ */ new Set();
  #firstChanged = 0;
  #deleted = /* @__PURE__ */ new Set();
  /** The members whose messages were deleted with their removal, and its sequence. */
  #erased = /* @__PURE__ */ new Map();
  #position = null;
  #floor = null;
  /** The messages, without events and without what was deleted. */
  get messages() {
    return this.#messages;
  }
  /** Return the index of the first message that has changed since the last call. */
  takeFirstChanged() {
    const index = this.#firstChanged;
    this.#firstChanged = this.#messages.length;
    return index;
  }
  /** The highest sequence up to which nothing is missing; null before `begin`. */
  get position() {
    return this.#position;
  }
  /** The first sequence of the range that has been read; older messages are read on request. */
  get floor() {
    return this.#floor ?? this.#items[0]?.sequence ?? null;
  }
  get hasOlder() {
    return (this.#floor ?? 1) > 1;
  }
  get hasGap() {
    return this.#position !== null && (this.#items.at(-1)?.sequence ?? 0) > this.#position;
  }
  /** Insert the items that are new, and not older than the range that has been read. Returns them. */
  add(items) {
    const added = items.filter((item) => {
      if (item.sequence < (this.#floor ?? 1) || this.#known.has(item.sequence)) return false;
      this.#known.add(item.sequence);
      insert(this.#items, item);
      this.#note(item);
      if (this.#isShown(item)) this.#changeFrom(insert(this.#messages, item));
      return true;
    });
    this.#advance();
    return added;
  }
  /** Record the newest page of the history: it is complete from `lowest` to `lastSequence`. */
  begin(lowest, lastSequence) {
    const earliest = this.#items[0]?.sequence ?? lowest;
    this.#floor = Math.min(lowest, earliest);
    this.#position = earliest < lowest ? earliest - 1 : lastSequence;
    this.#advance();
  }
  /** Start with messages that were read before, complete up to a sequence. */
  restore(messages, position) {
    this.#prepend(messages);
    this.#floor = messages[0]?.sequence ?? null;
    this.#position = position;
  }
  /** Record that no unknown message up to this sequence will arrive. */
  settle(sequence) {
    this.#position = Math.max(this.#position ?? 0, sequence);
    this.#advance();
  }
  /** Add an older page, which is complete from `lowest` on. */
  extend(older, lowest) {
    this.#prepend(older);
    this.#floor = lowest;
  }
  #prepend(older) {
    this.#items = [...older, ...this.#items];
    for (const item of older) {
      this.#known.add(item.sequence);
      this.#note(item);
    }
    this.#filter();
  }
  // A message may arrive after the event that deletes it, so what was deleted is remembered.
  #note({ type, target, member, messagesDeleted, sequence }) {
    if (type === "deleted" && target !== void 0) {
      this.#deleted.add(target);
      const index = this.#messages.findLastIndex((message) => message.sequence === target);
      if (index >= 0) this.#messages.splice(index, 1);
      if (index >= 0) this.#changeFrom(index);
    }
    if (type === "removed" && messagesDeleted && member) {
      this.#erased.set(member.id, Math.max(sequence, this.#erased.get(member.id) ?? 0));
      this.#filter();
    }
  }
  #isShown({ type, sequence, sender }) {
    return type === "message" && !this.#deleted.has(sequence) && sequence > (this.#erased.get(sender.id) ?? 0);
  }
  #filter() {
    this.#messages = this.#items.filter((item) => this.#isShown(item));
    this.#firstChanged = 0;
  }
  #changeFrom(index) {
    this.#firstChanged = Math.min(this.#firstChanged, index);
  }
  #advance() {
    if (this.#position === null) return;
    while (this.#known.has(this.#position + 1)) this.#position += 1;
  }
};
function insert(items, item) {
  const index = items.findLastIndex(({ sequence }) => sequence < item.sequence) + 1;
  items.splice(index, 0, item);
  return index;
}

// client/src/room.ts
var MAX_LISTED_MEMBERS = 100;
var INDEX_LAG_MS = 2e3;
var WELCOME_TIMEOUT_MS = 5e3;
var RENEWAL_ATTEMPTS = 3;
var Room = class {
  roomId;
  #options;
  #store;
  #messages;
  #timeline = new Timeline();
  #commands = new Commands((text) => this.#connection.send(text));
  #connection;
  #history;
  #outbox;
  #presence;
  #mutes = new Mutes(() => this.#publishMarks());
  #credentials;
  #stopListening;
  #storage;
  #name;
  /** Whether this connection has received a welcome. */
  #isGreeted = false;
  /** The sequence of the newest event that has changed the room. */
  #updatedAt = 0;
  /** The sequence of the newest event about the role of each member. */
  #rolesAt = /* @__PURE__ */ new Map();
  #lateHello;
  #welcomeTimeout;
  /** Whether this connection has an access token. Its name is that of the token. */
  #isUser = false;
  #rejection;
  /** Settles when the response to the last request for new tokens has arrived. */
  #renewal = Promise.resolve();
  /** @internal */
  constructor(options) {
    const { roomId, rest } = options;
    this.roomId = roomId;
    this.#options = options;
    this.#credentials = options.credentials;
    this.#name = options.name;
    this.#messages = new MessageList(options.ignored);
    this.#outbox = new Outbox({
      send: (frame) => this.#connection.send(frame),
      save: (messages) => this.#storage && saveOutbox(this.#storage, roomId, messages),
      onChange: (pending) => this.#store.publish({ pending })
    });
    this.#store = new RoomStore({
      isPrivate: Boolean(options.credentials.token),
      ignored: this.#messages.ignoredIds
    });
    this.#history = new History(this.#timeline, {
      read: (range) => this.#read((credentials) => rest.getMessages(roomId, credentials, range)),
      onHistory: (items) => this.#confirm(items),
      onMissed: (items) => this.#receive(items),
      onExpired: (after) => this.#store.emit("expired", { after }),
      onOlder: (older) => this.#store.publish({ history: "ready", older, messages: this.#published() }),
      onCaughtUp: () => this.#outbox.caughtUp(),
      onError: (error) => this.#onHistoryError(error)
    });
    this.#presence = new Presence({
      read: () => this.#read((credentials) => rest.getMembers(roomId, credentials)),
      onMembers: (members) => this.#store.publish({ members: members.map((member) => this.#mutes.mark(member)) }),
      onChange: ({ type, sender, message }) => this.#notify({ type, member: sender, message }),
      onError: (error) => this.#onReadError(error)
    });
    this.#connection = new Connection({
      WebSocket: options.WebSocket,
      findUrl: () => this.#findUrl(),
      isWorthRetrying: () => this.#canBeJoined(),
      onStatus: (status) => this.#onStatus(status),
      onText: (text) => this.#onText(text),
      onError: (error) => this.#report(error),
      // Its response has the last sequence, because a lost frame leaves no visible gap until the next one arrives.
      beat: () => this.#connection.send(HELLO)
    });
    if (options.storage) this.useStorage(options.storage);
    this.#stopListening = watchPlatform({
      wake: () => this.#storage && takeMessages(this.#storage, roomId),
      // the page was not reloaded
      hide: () => this.#save()
    });
    this.#connection.open();
    this.#history.catchUp();
  }
  /** @internal Show what this user has left here: unsent messages, and those that were shown before a reload. */
  useStorage(storage) {
    this.#storage = storage;
    this.#outbox.restore(loadOutbox(storage, this.roomId));
    this.#restore(storage);
  }
  get state() {
    return this.#store.snapshot.state;
  }
  get messages() {
    return this.#store.snapshot.messages;
  }
  get pending() {
    return this.#store.snapshot.pending;
  }
  get members() {
    return this.#store.snapshot.members;
  }
  /** Add a listener for an event, and return the function that removes it. */
  on(type, listener) {
    return this.#store.on(type, listener);
  }
  /** Call a function after each change of the snapshot. Returns the function that ends that. Needs no `this`. */
  subscribe = (listener) => this.#store.subscribe(listener);
  /** Return everything about the room at this moment. The same object until something changes. Needs no `this`. */
  getSnapshot = () => this.#store.snapshot;
  /**
   * Send a message. It waits in `pending` while there is no connection, and survives a reload in the storage.
   *
   * Resolves to the stored message. Rejects with a ChatError if the server rejects it (`invalid_message`), or does not
   * confirm it after six attempts (`unconfirmed`), or if this client is muted (`muted`, with `retryAfter`): then it stays in
   * `pending` until `retry` or `discard`. Rejects with `deleted` if the message was deleted before it was confirmed, and
   * with `closed` if the room is closed, also by `leave`.
   */
  send(text) {
    if (this.state.status === "closed") return rejected(new ChatError("closed", "The room is closed."));
    return this.#outbox.add(text.replace(/\r\n?/g, "\n"));
  }
  /** Send a failed message again. Settles as `send` does. */
  retry(clientId) {
    return this.#outbox.retry(clientId);
  }
  /** Forget a pending message. If it was sent already, it may still arrive. */
  discard(clientId) {
    this.#outbox.discard(clientId);
  }
  /** Read the messages before the first one: 50, or `limit`. See `older` in the snapshot. */
  loadOlder({ limit } = {}) {
    return this.#history.readOlder(limit);
  }
  /**
   * Change the name of this client, in all its connections. If the server rejects the name, the client keeps the former
   * one, and emits `error`. An empty name makes this connection alone a guest. Throws a ChatError if the name is invalid.
   */
  rename(name) {
    checkName(name);
    if (name === this.#name || this.state.status === "closed") return;
    this.#name = name;
    if (!name) this.#connection.open();
    else this.#connection.send(serialize("rename", { name }));
  }
  /**
   * Delete a message of this client, as a moderator one of a plain member, or as the owner any message. Resolves when it is
   * deleted. Rejects with a ChatError, as do the following actions: `forbidden`, `invalid_message`, `offline`, `closed`,
   * `unconfirmed`, `rate_limited` or `internal`.
   */
  async deleteMessage(sequence) {
    await this.#commands.run(
      "deleteMessage",
      { sequence },
      ({ type, target }) => type === "deleted" && target === sequence
    );
  }
  /**
   * As the owner, change the room. What is left out stays as it is. `keepDays`, 0 to 30, is the number of days for which the
   * room outlives its members. With `slowSeconds`, 0 to 120, plain members wait so long between two messages.
   */
  async update(changes) {
    const { name, ...others } = changes;
    await this.#commands.run("updateRoom", { roomName: name, ...others }, ({ type, room }) => {
      if (type !== "updated" || room === void 0) return false;
      const now2 = { locked: room.locked, keepDays: room.keepDays ?? 0, slowSeconds: room.slowSeconds ?? 0 };
      const isDone = (key) => others[key] === void 0 || others[key] === now2[key];
      const isRenamed = name === void 0 || room.name.trim() === name.trim();
      return isRenamed && isDone("locked") && isDone("keepDays") && isDone("slowSeconds");
    });
  }
  /**
   * As the owner or a moderator, remove a member, or up to 25 of them, and keep them out for an hour. With `deleteMessages`,
   * their messages are deleted, too. Moderators can remove plain members only.
   */
  async removeMember(memberIds, { deleteMessages = false } = {}) {
    const missing = new Set([memberIds].flat());
    const data = typeof memberIds === "string" ? { memberId: memberIds } : { memberIds };
    await this.#commands.run("removeMember", { ...data, ...deleteMessages && { deleteMessages } }, (event) => {
      if (event.type === "removed" && event.member) missing.delete(event.member.id);
      return missing.size === 0;
    });
  }
  /** As the owner, let somebody back in who was removed, also if the room is locked. Resolves after five seconds. */
  unbanMember(memberId) {
    return this.#commands.runSilently("unbanMember", { memberId });
  }
  /** As the owner, make a member with a key a moderator, or a plain member again. */
  async setRole(memberId, role) {
    await this.#commands.run(
      "setRole",
      { memberId, role },
      (event) => event.type === "role" && event.member?.id === memberId && event.role === role
    );
  }
  /** As the owner or a moderator, keep a member from sending for up to a day. With 0 seconds, the member may send again. */
  async muteMember(memberId, seconds) {
    await this.#commands.run(
      "muteMember",
      { memberId, seconds },
      ({ type, member }) => type === "muted" && member?.id === memberId
    );
  }
  /**
   * Report a message to the owner and the moderators. At most five in a minute. Resolves after five seconds, because the
   * server responds only to those who receive reports themselves, and with errors.
   */
  reportMessage(sequence, reason) {
    return this.#commands.runSilently("reportMessage", { sequence, reason }, ({ type, target, sender }) => {
      return type === "reported" && target === sequence && !!sender && this.#messages.isOwn(sender.id);
    });
  }
  /** As the owner, read who was removed and may not come back yet. Rejects with a ChatError. */
  bans() {
    return this.#read((credentials) => this.#options.rest.getBans(this.roomId, credentials));
  }
  /** As the owner or a moderator, read which messages were reported. Rejects with a ChatError. */
  reports() {
    return this.#read((credentials) => this.#options.rest.getReports(this.roomId, credentials));
  }
  /**
   * Ignore a member: this client's messages of that member are marked with `isIgnored`, and there are no notices about what
   * the member does. Nobody else learns it. Keep `ignored` of the snapshot, and pass it when you join again.
   */
  ignore(memberId) {
    this.#messages.ignore(memberId);
    this.#publishIgnored();
  }
  /** Ignore a member no longer. */
  unignore(memberId) {
    this.#messages.unignore(memberId);
    this.#publishIgnored();
  }
  /**
   * As the owner, replace the join token of a private room, the owner's token, or both. The former ones stop working: with
   * the join token, the invite links of everyone; with the owner's token, the owner's rights of other connections, and the
   * webhooks that were created with it.
   *
   * Resolves to the new tokens, which the event `tokens` has, too. If no response arrives, they are requested again, three
   * times in all.
   */
  renewTokens(tokens) {
    const renewal = this.#renewTokens(tokens);
    this.#renewal = renewal.catch(() => {
    });
    return renewal;
  }
  async #renewTokens({ join = false, owner = false }) {
    return {
      ...owner && { ownerToken: await this.#renewToken("ownerToken", { newOwnerToken: true }) },
      ...join && { joinToken: await this.#renewToken("joinToken", { newJoinToken: true }) }
    };
  }
  /** As the owner, close the room for everyone. */
  async close() {
    await this.#commands.run("closeRoom", {}, ({ type }) => type === "closed");
  }
  /** Connect now, if the connection is lost and waits before its next attempt. A closed room has to be joined again. */
  reconnect() {
    this.#connection.retryNow();
  }
  /** Leave the room, and end the connection. Pending messages stay in the storage. */
  leave() {
    if (this.state.status === "closed") return;
    this.#connection.close();
    this.#end("left");
  }
  async #findUrl() {
    const { roomId, tokens } = this.#options;
    const url = await this.#options.findWebSocketUrl().catch((error) => {
      this.#rejection = error;
      throw error;
    });
    const token = await tokens?.get();
    this.#isUser = Boolean(token);
    return url + queryString({ roomId, name: this.#name, ...this.#credentials, access_token: token });
  }
  #onStatus(state) {
    this.#stopGreeting();
    if (state.status === "closed") {
      this.#endBy(this.#rejection);
      return;
    }
    this.#store.publish({ state });
    if (this.state !== state) return;
    if (state.status === "open") this.#onOpen();
    else this.#onLost();
  }
  #onLost() {
    this.#outbox.close();
    this.#presence.pause();
  }
  #onOpen() {
    this.#isGreeted = false;
    this.#connection.send(HELLO);
    this.#lateHello = setTimeout(() => this.#connection.send(HELLO), INDEX_LAG_MS);
    this.#welcomeTimeout = setTimeout(() => this.#history.catchUp(), WELCOME_TIMEOUT_MS);
    this.#outbox.open();
  }
  #stopGreeting() {
    clearTimeout(this.#lateHello);
    clearTimeout(this.#welcomeTimeout);
  }
  #onText(text) {
    const frame = parseFrame(text);
    switch (frame?.type) {
      case "item":
        this.#onItem(frame.item);
        break;
      case "welcome":
        this.#onWelcome(frame);
        break;
      case "tokens":
        this.#onTokens(frame);
        break;
      case "error":
        this.#onErrorFrame(frame);
        break;
      case "closed":
        this.#commands.confirm(frame);
        this.#connection.close();
        this.#end("closed");
        break;
      case "rename":
        this.#onRename(frame);
        break;
      case "reported":
        this.#onReported(frame);
        break;
      case "join":
      case "leave":
        this.#onPresence(frame);
    }
  }
  #onItem(item) {
    this.#receive([item]);
    if (item.type === "removed" && item.member && this.#messages.isOwn(item.member.id)) {
      this.#connection.close();
      this.#end("banned");
    } else if (this.#timeline.hasGap) {
      this.#history.fillGap();
    }
  }
  #onWelcome({ member, room, memberCount, lastSequence, owner }) {
    const isNew = this.#messages.addOwnId(member.id);
    const isFirst = !this.#isGreeted;
    this.#isGreeted = true;
    clearTimeout(this.#welcomeTimeout);
    const isOvertaken = lastSequence < this.#updatedAt;
    this.#store.publish({
      you: this.#mutes.mark(withKnownRole(member)),
      isOwner: owner ?? false,
      memberCount,
      ...!isOvertaken && stateOf(room),
      ...isNew && { messages: this.#published() }
    });
    if (this.#name && member.name !== this.#name) {
      if (isFirst && !this.#isUser) this.#connection.send(serialize("rename", { name: this.#name }));
      else this.#name = member.name;
    }
    this.#history.reach(lastSequence);
    if (memberCount > MAX_LISTED_MEMBERS) this.#presence.clear();
    else if (isFirst) this.#presence.refresh(memberCount);
    else this.#presence.expect(memberCount);
  }
  #onPresence(frame) {
    this.#store.publish({ memberCount: frame.memberCount });
    this.#presence.note(frame);
  }
  #onRename({ type, sender, message, formerName }) {
    this.#presence.change(sender.id, () => sender);
    if (this.#messages.isOwn(sender.id)) {
      this.#name = sender.name;
      this.#store.publish({ you: this.#mutes.mark(withKnownRole(sender)) });
    } else {
      this.#notify({ type, member: sender, message, ...formerName !== void 0 && { formerName } });
    }
  }
  #onReported(frame) {
    const { target, reason, sender } = frame;
    this.#commands.confirm(frame);
    if (this.#messages.isOwn(sender.id)) return;
    this.#store.emit("reported", { target, sender: withKnownRole(sender), ...reason !== void 0 && { reason } });
  }
  #onTokens({ type, ...tokens }) {
    const { token, owner } = this.#credentials;
    this.#credentials = { ...this.#credentials, token: tokens.joinToken ?? token, owner: tokens.ownerToken ?? owner };
    this.#store.emit("tokens", tokens);
    this.#commands.confirm({ type, ...tokens });
    if (tokens.ownerToken && !this.#store.snapshot.isOwner) this.#connection.send(HELLO);
  }
  async #renewToken(name, data) {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const event = await this.#commands.run(
          "updateRoom",
          data,
          ({ type, [name]: token }) => type === "tokens" && !!token
        );
        return event[name] ?? "";
      } catch (error) {
        const isLost = error instanceof ChatError && error.code === "unconfirmed";
        if (!isLost || attempt === RENEWAL_ATTEMPTS) throw error;
        await this.#connected();
      }
    }
  }
  /** Wait until the connection is open, or the visit has ended. */
  #connected() {
    return new Promise((resolve) => {
      const check = () => {
        if (this.state.status !== "open" && this.state.status !== "closed") return;
        stop();
        resolve();
      };
      const stop = this.on("state", check);
      check();
    });
  }
  #notify({ member, ...notice }) {
    if (this.#messages.isOwn(member.id) || this.#isNoise(notice.type, member)) return;
    this.#store.emit("notice", { member: withKnownRole(member), ...notice });
  }
  /** Return whether a notice is about somebody who comes, goes or changes the name, and whom this client ignores. */
  #isNoise(type, { id }) {
    return ["join", "leave", "rename"].includes(type) && this.#messages.isIgnored(id);
  }
  #onErrorFrame(frame) {
    this.#commands.reject(frame);
    if (frame.code === "unauthorized") {
      this.#connection.renew();
      return;
    }
    if (frame.code === "replaced") {
      this.#connection.close();
      this.#end("replaced", frame.message);
      return;
    }
    if (frame.code === "muted") this.#onMuted(frame);
    this.#outbox.reject(frame);
    if (frame.action === "rename") this.#name = this.#store.snapshot.you?.name ?? this.#name;
    if (frame.code === "not_in_room") this.#connection.renew();
    else if (frame.action === "hello") this.#history.catchUp();
    const { isOwner, you } = this.#store.snapshot;
    if (frame.code === "forbidden" && (isOwner || you?.role)) this.#connection.send(HELLO);
    if (frame.clientId === void 0) this.#report(new ChatError(frame.code, frame.message));
  }
  #receive(items) {
    this.#confirm(items);
    const added = this.#timeline.add(items);
    for (const item of items) this.#commands.confirm(item);
    if (added.length === 0) return;
    this.#store.publish({ messages: this.#published() });
    for (const item of added) this.#onNews(item);
  }
  /** Handle an item that was not part of the history read at first. */
  #onNews(item) {
    const { type, sequence, room, member, sender, message } = item;
    const shown = this.#messages.get(sequence);
    if (shown) this.#store.emit("message", shown);
    if (type === "updated" && room && sequence > this.#updatedAt) {
      this.#updatedAt = sequence;
      this.#store.publish(stateOf(room));
    }
    if (type === "removed" && member) this.#presence.remove(member.id);
    if (type === "role") this.#onRole(item);
    if (type === "updated") this.#notify({ type, member: sender, message });
    if (type === "removed" || type === "muted" || type === "role") this.#notify(noticeOf(type, item));
  }
  #onRole({ member, role, sequence }) {
    if (!member || sequence < (this.#rolesAt.get(member.id) ?? 0)) return;
    this.#rolesAt.set(member.id, sequence);
    const apply = (before) => withRole(before, knownRole(role));
    this.#presence.change(member.id, apply);
    const { you } = this.#store.snapshot;
    if (you?.id === member.id) this.#store.publish({ you: this.#mutes.mark(apply(you)) });
  }
  #onMuted({ retryAfter }) {
    const { you } = this.#store.snapshot;
    if (!you || retryAfter === void 0) return;
    this.#mutes.noteRefusal(you.id, retryAfter);
    this.#publishMarks();
  }
  /** Publish the members again: somebody was muted, or may send again. */
  #publishMarks() {
    const { you } = this.#store.snapshot;
    if (you) {
      const { mutedUntil: _, ...member } = you;
      this.#store.publish({ you: this.#mutes.mark(member) });
    }
    this.#presence.refreshMarks();
  }
  #publishIgnored() {
    this.#store.publish({ ignored: this.#messages.ignoredIds, messages: this.#published() });
  }
  // A message of ours that arrives, live or in the history, is stored.
  #confirm(items) {
    const mutes = items.filter(({ type }) => type === "muted");
    for (const item of mutes) if (item.member) this.#mutes.note(item.member.id, item.sequence, endOf(item));
    if (mutes.length) this.#publishMarks();
    for (const item of items) {
      if (item.type === "deleted") this.#outbox.forget(item.clientId);
      if (item.type === "message" && this.#outbox.confirm(messageOf(item, true))) {
        this.#messages.addOwnId(item.sender.id);
      }
    }
  }
  #published() {
    return this.#messages.publish(this.#timeline.messages, this.#timeline.takeFirstChanged());
  }
  #onHistoryError(error) {
    if (!reasonOf(error) && this.#store.snapshot.history === "loading") this.#store.publish({ history: "failed" });
    this.#onReadError(error);
  }
  /** End the visit if the room may no longer be read: then it cannot be joined either. */
  #onReadError(error) {
    if (!reasonOf(error)) {
      this.#report(error);
      return;
    }
    this.#connection.close();
    this.#endBy(error);
  }
  /** Return whether the room can be joined. A failed request counts as yes, unless it was rejected or not found. */
  async #canBeJoined() {
    const credentials = this.#credentials;
    try {
      await this.#options.rest.getRoom(this.roomId, credentials);
      return true;
    } catch (error) {
      const { owner, ...others } = credentials;
      if (isForbidden(error) && credentials !== this.#credentials) return this.#canBeJoined();
      if (isForbidden(error) && owner) {
        this.#credentials = others;
        this.#report(error);
        return this.#canBeJoined();
      }
      this.#rejection = error;
      return reasonOf(error) === void 0;
    }
  }
  /**
   * Send a request to read. A rejected one is repeated if the credentials have changed, or else without the owner's token:
   * that of an owner who waits for a new one still joins the room, but gives no other right.
   */
  async #read(request, credentials = this.#credentials) {
    const latest = this.#credentials;
    try {
      return await request(credentials);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      await this.#renewal;
      if (latest !== this.#credentials) return this.#read(request);
      const { owner, ...others } = credentials;
      if (!owner) throw error;
      return this.#read(request, others);
    }
  }
  // The page is about to be reloaded: keep what the next one can show before its first response.
  #save() {
    const { position, messages } = this.#timeline;
    if (position === null || !this.#storage) return;
    const known = messages.filter(({ sequence }) => sequence <= position);
    saveMessages(this.#storage, this.roomId, { messages: known, position, ownIds: this.#messages.ownIds });
  }
  #restore(storage) {
    const cached = takeMessages(storage, this.roomId);
    if (!cached || this.#timeline.position !== null) return;
    for (const id of cached.ownIds) this.#messages.addOwnId(id);
    this.#timeline.restore(cached.messages, cached.position);
    this.#store.publish({
      history: "ready",
      older: this.#timeline.hasOlder ? "more" : "none",
      messages: this.#published()
    });
  }
  #endBy(rejection) {
    const reason = reasonOf(rejection);
    if (!reason || this.state.status === "closed") return;
    this.#end(reason, toChatError(rejection).message);
    if (reason === "wrong_url") this.#report(rejection);
  }
  #end(reason, sentence) {
    if (this.state.status === "closed") return;
    this.#stopListening();
    this.#stopGreeting();
    this.#history.stop();
    this.#presence.stop();
    this.#mutes.stop();
    const explained = sentence ? { message: sentence } : {};
    this.#store.publish({ state: { status: "closed", reason, isFinal: isFinal(reason), ...explained } });
    if (reason === "gone") this.#commands.confirm({ type: "closed" });
    this.#commands.stop();
    const message = reason === "banned" ? "You were removed from this room." : "This room no longer exists.";
    if (endsSending(reason)) this.#outbox.end(new ChatError("closed", message));
    else this.#outbox.leave(new ChatError("closed", "The room is closed. The message was not sent, and is kept."));
  }
  #report(error) {
    this.#store.emit("error", toChatError(error));
  }
};
function stateOf(room) {
  const { name, private: isPrivate, locked = false, keepDays = 0, slowSeconds = 0 } = room;
  return { name, isPrivate, isLocked: locked, keepDays, slowSeconds };
}
function noticeOf(type, item) {
  const { sender, message, member, messagesDeleted } = item;
  const until = endOf(item);
  const role = knownRole(item.role);
  return {
    type,
    member: sender,
    message,
    ...member && { subject: withKnownRole(member) },
    ...messagesDeleted && { messagesDeleted },
    ...until && { until },
    ...role && { role }
  };
}
function isForbidden(error) {
  return error instanceof ApiError && error.reason === "ForbiddenError";
}

// client/src/room-list.ts
var PAGE2 = 20;
var MAX_EMPTY_PAGES = 5;
var FIRST_DELAY_MS2 = 5e3;
var MAX_DELAY_MS2 = 6e4;
var NO_ROOMS = { rooms: [], hasMore: false, isLoaded: false, error: null };
var RoomList = class {
  #rest;
  #events = new Emitter();
  #snapshot = NO_ROOMS;
  #pages = 1;
  #reading = 0;
  #delay = FIRST_DELAY_MS2;
  #timer;
  #stopListening;
  /** @internal */
  constructor(rest) {
    this.#rest = rest;
  }
  /** Call a function after each change. Returns the function that ends that. Needs no `this`. */
  subscribe = (listener) => this.#events.on("snapshot", listener);
  /** Return the list at this moment. The same object until something changes. Needs no `this`. */
  getSnapshot = () => this.#snapshot;
  /**
   * Read the list now, and again after 5 seconds while the page is visible. The interval doubles, up to a minute, while
   * nothing changes.
   */
  start() {
    this.stop();
    this.#delay = FIRST_DELAY_MS2;
    this.#stopListening = watchPlatform({
      wake: () => {
        this.#delay = FIRST_DELAY_MS2;
        void this.refresh();
      }
    });
    void this.refresh();
  }
  /** Stop reading the list. */
  stop() {
    this.#stopListening?.();
    this.#stopListening = void 0;
    this.#reading += 1;
    clearTimeout(this.#timer);
  }
  /** Show one page more. Resolves when it has been read. */
  async loadMore() {
    this.#pages += 1;
    await this.refresh();
  }
  /** Read the list now. Errors are in the snapshot. */
  async refresh() {
    clearTimeout(this.#timer);
    const reading = ++this.#reading;
    let next;
    try {
      next = { ...await this.#read(), isLoaded: true, error: null };
    } catch (error) {
      next = { ...this.#snapshot, error: toChatError(error) };
    }
    if (reading !== this.#reading) return;
    const hasChanged = JSON.stringify(next) !== JSON.stringify(this.#snapshot);
    this.#delay = hasChanged ? FIRST_DELAY_MS2 : Math.min(2 * this.#delay, MAX_DELAY_MS2);
    if (hasChanged) {
      this.#snapshot = next;
      this.#events.emit("snapshot", next);
    }
    if (this.#stopListening && !isHidden() && next.error?.code !== "wrong_url")
      this.#timer = setTimeout(() => void this.refresh(), this.#delay);
  }
  async #read() {
    const rooms = [];
    let cursor = null;
    let wanted = this.#pages;
    for (let request = 0; wanted > 0 && request < this.#pages + MAX_EMPTY_PAGES; request += 1) {
      const page = await this.#rest.listRooms(PAGE2, cursor);
      rooms.push(...page.rooms);
      cursor = page.cursor;
      if (cursor === null) break;
      if (page.rooms.length) wanted -= 1;
    }
    return { rooms, hasMore: cursor !== null };
  }
};

// client/src/token-source.ts
var TIMEOUT_MS3 = 2e4;
var VALID2 = /^[\w.~+/-]+=*$/;
var TokenSource = class {
  #getToken;
  #onToken;
  #asked;
  /** `onToken` is called with each token before its first use. */
  constructor(getToken, onToken) {
    this.#getToken = getToken;
    this.#onToken = onToken;
  }
  /** Return the current token, or null for a guest. Callers who ask while a response is awaited share it. */
  get() {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = void 0;
    });
    return this.#asked;
  }
  async #ask() {
    let timer;
    const timeout = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("getToken did not respond")), TIMEOUT_MS3);
    });
    let token;
    try {
      token = await Promise.race([this.#getToken(), timeout]);
    } catch (cause) {
      throw new ChatError("network", "The access token could not be fetched.", { cause });
    } finally {
      clearTimeout(timer);
    }
    if (token && !VALID2.test(token))
      throw new ChatError("network", "The access token has characters that no token may have.");
    this.#onToken(token || null);
    return token || null;
  }
};

// client/src/client.ts
var ChatClient = class {
  #options;
  #tokens;
  #rest;
  #rooms = /* @__PURE__ */ new Set();
  #events = new Emitter();
  #webSocketUrl;
  #key;
  #identity = null;
  /** The identity that the listeners know. */
  #announced = null;
  #storage;
  /** Throws a ChatError if one of the addresses is none. */
  constructor(options) {
    this.#options = options;
    this.#tokens = options.getToken && new TokenSource(options.getToken, (token) => this.#identify(token));
    this.#rest = new RestApi(options.url, (...request) => (options.fetch ?? fetch)(...request), this.#tokens);
    this.#key = options.key;
    if (options.webSocketUrl) this.#webSocketUrl = Promise.resolve(checkWebSocketUrl(options.webSocketUrl));
  }
  /**
   * The identity of the user, or of the guest with a key: a hash, which contains no secret. Null until the first room is
   * joined, with `getToken` until the first token has arrived, and after `signOut`.
   */
  get identity() {
    return this.#identity;
  }
  /** @internal Whether somebody else may have signed in since `identity` was noted. */
  get mayHaveChanged() {
    return (this.#tokens !== void 0 || this.#options.user !== void 0) && this.#identity !== null;
  }
  /** Ask `user`, or else `getToken`, who the user is now. Resolves to the identity. Rejects with a ChatError. */
  async identify() {
    const token = this.#options.user ? null : await this.#tokens?.get();
    return this.#identify(token ?? null);
  }
  /**
   * Call a function when this client has become another user or guest than it was before. The rooms of the former one are
   * closed by then (`left`). Returns the function that ends that.
   */
  onIdentity(listener) {
    return this.#events.on("identity", listener);
  }
  /**
   * Leave all rooms, and forget what is stored for this user or guest: unsent messages, messages to show after a reload, and
   * the generated key. It does not sign out of your application: `getToken` has to return null, or the token of another user.
   */
  async signOut() {
    this.#leaveRooms();
    if (this.#identity === null) await this.identify().catch(() => {
    });
    this.#leaveRooms();
    this.#storage?.forget();
    this.#storage = void 0;
    this.#identity = null;
    if (this.#options.key === void 0) forgetKey(browserStorage("localStorage"));
    this.#key = this.#options.key;
  }
  /** Read a page of the public rooms, newest first. `limit` is 1 to 100. Rejects with a ChatError. */
  listRooms({ limit = 20, cursor = null } = {}) {
    return this.#rest.listRooms(limit, cursor);
  }
  /** Return a list of the public rooms that refreshes itself between `start` and `stop`. */
  watchRooms() {
    return new RoomList(this.#rest);
  }
  /**
   * Create a room. A name has 1 to 80 characters. A private room is not listed. With `keepDays`, 1 to 30, the room stays
   * listed while nobody is in it. Rejects with a ChatError.
   */
  createRoom(roomName, options = {}) {
    return this.#rest.createRoom(roomName, options.private ?? false, options.keepDays);
  }
  /**
   * Create a webhook, as the owner of a room: whoever posts `{"text"}` to its `url` sends a message under this name. The
   * `url` cannot be read again. Rejects with a ChatError.
   */
  createHook(roomId, ownerToken, name) {
    return this.#rest.createHook(roomId, ownerToken, name);
  }
  /** List the webhooks of a room, as its owner. Rejects with a ChatError. */
  listHooks(roomId, ownerToken) {
    return this.#rest.listHooks(roomId, ownerToken);
  }
  /** End a webhook, as the owner of its room. Rejects with a ChatError. */
  deleteHook(roomId, ownerToken, hookId) {
    return this.#rest.deleteHook(roomId, ownerToken, hookId);
  }
  /**
   * Join a room. It connects at once and stays connected, also through network failures, until `leave`.
   *
   * Throws a ChatError if the name or the key is invalid, or there is no WebSocket.
   */
  join(roomId, { name = "", token, owner, ignored = [] } = {}) {
    checkName(name);
    const WebSocket = this.#options.WebSocket ?? globalThis.WebSocket;
    if (!WebSocket) {
      throw new ChatError("no_websocket", "expected the option WebSocket: this platform has none of its own");
    }
    const key = this.#findKey();
    if (!this.#tokens || this.#options.user) this.#identify(null);
    const room = new Room({
      roomId,
      name,
      ignored,
      credentials: { token: token ?? void 0, key, owner: owner ?? void 0 },
      rest: this.#rest,
      tokens: this.#tokens,
      WebSocket,
      storage: this.#storage,
      findWebSocketUrl: () => this.#findWebSocketUrl()
    });
    this.#rooms.add(room);
    room.on("state", ({ status }) => status === "closed" && this.#rooms.delete(room));
    return room;
  }
  /** Note who the user is. Another one takes over: the rooms and the stored messages of the former one are not theirs. */
  #identify(token) {
    const { user } = this.#options;
    const subject = user ? user() : token && subjectOf(token);
    const identity = subject === null ? identityOf("guest", this.#findKey()) : identityOf("user", subject);
    if (identity === this.#identity) return identity;
    if (this.#identity !== null) this.#leaveRooms();
    this.#identity = identity;
    this.#storage = new OwnStorage(this.#options.storage ?? browserStorage("sessionStorage"), identity);
    for (const room of this.#rooms) room.useStorage(this.#storage);
    const former = this.#announced;
    this.#announced = identity;
    if (former !== null && former !== identity) this.#events.emit("identity", identity);
    return identity;
  }
  #leaveRooms() {
    for (const room of [...this.#rooms]) room.leave();
  }
  // Not in the constructor: on a server, it would be the same for all visitors.
  #findKey() {
    this.#key ??= loadKey(browserStorage("localStorage"));
    checkKey(this.#key);
    return this.#key;
  }
  #findWebSocketUrl() {
    this.#webSocketUrl ??= this.#rest.getWebSocketUrl().catch((error) => {
      this.#webSocketUrl = void 0;
      throw error;
    });
    return this.#webSocketUrl;
  }
};
function checkWebSocketUrl(url) {
  if (/^wss?:/i.test(url) && URL.canParse(url)) return url;
  throw new ChatError("invalid_url", `expected the address of the WebSocket API, wss://\u2026, not ${url}`);
}

// client/src/links.ts
var CHARACTER = String.raw`(?!https?:)(?:[\p{L}\p{N}\p{M}_-]|[·・](?=[\p{L}\p{N}])|%[\da-f]{2}|(?![\0-\x7f])\p{S})`;
var HOST = String.raw`\[[\da-f:.]+\]|(?:${CHARACTER})+(?:\.(?:${CHARACTER})+)*`;
var NO_USER = String.raw`(?![\w.~!$&'()*+,;=:%-]*@)`;
var START = new RegExp(
  String.raw`((?<![a-z\d])https?:\/\/|(?<![\w.@/:-])(?=www\.[^\s.]))${NO_USER}(${HOST})(:\d+)?`,
  "giu"
);
var WITHIN_WORD = String.raw`[·‐‑–’・־׳״](?=[\p{L}\p{N}])`;
var REST = new RegExp(
  String.raw`[/?#](?:(?![,;|]https?:)[!#-;=?-[\]^_{|}~\p{L}\p{N}\p{M}]|${WITHIN_WORD}|(?![\0-\x7f\uff00-\uffef])\p{S})*`,
  "iuy"
);
var OTHER_SCRIPT = /(?:^|[^\p{L}\p{N}\p{M}])[a-z\d]+(?=(?![\0-\x7f\p{Script=Latin}])[\p{L}\p{N}\p{S}])/iu;
var LATIN_LABEL = /^(?:[\p{Script=Latin}\p{M}\d_-]|%[\da-f]{2})*[\p{Script=Latin}\p{M}\d]/iu;
var NO_END = /@|\p{Cf}+[\w.-]/uy;
var TRAILING = ".,;:!?'*_|~";
var BRACKETS = { "(": ")", "[": "]", "{": "}" };
function splitLinks(text) {
  const pieces = [];
  let end = 0;
  for (const { 0: found, 1: scheme = "", 2: host = "", index } of text.matchAll(START)) {
    if (index < end) continue;
    const shown = shownHost(host);
    const after = index + found.length;
    NO_END.lastIndex = after;
    if (!shown || NO_END.test(text)) continue;
    const rest = shown === host ? restAt(text, after, text[index - 1] ?? "") : "";
    const link = withoutTrail(rest || shown === host ? found + rest : scheme + shown);
    const url = urlOf(scheme ? link : `https://${link}`);
    if (!url) continue;
    if (index > end) pieces.push({ text: text.slice(end, index), href: null });
    const isClear = link.slice(scheme.length).toLowerCase().startsWith(url.hostname);
    pieces.push({ text: link, href: url.href, ...!isClear && { host: url.hostname } });
    end = index + link.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), href: null });
  return pieces;
}
function shownHost(host) {
  const start = host.lastIndexOf(".") + 1;
  if (host.startsWith("[")) return host;
  const [label] = host.slice(start).match(LATIN_LABEL) ?? [];
  return label ? host.slice(0, start) + label : start ? host : "";
}
function restAt(text, start, before) {
  REST.lastIndex = start;
  let [rest = ""] = REST.exec(text) ?? [];
  if (/['‘’]/.test(before)) [rest = ""] = rest.split(/['’]/, 1);
  const word = OTHER_SCRIPT.exec(rest);
  if (word) rest = rest.slice(0, word.index + word[0].length);
  return rest.slice(0, endOfBalanced(rest));
}
function endOfBalanced(rest) {
  const open = [];
  for (let index = 0; index < rest.length; index += 1) {
    const character = rest[index] ?? "";
    const closing = BRACKETS[character];
    if (closing) open.push({ index, closing });
    else if (")]}".includes(character) && open.pop()?.closing !== character) return open[0]?.index ?? index;
  }
  return open[0]?.index ?? rest.length;
}
function withoutTrail(link) {
  let end = link.length;
  while (TRAILING.includes(link[end - 1] ?? " ")) end -= 1;
  return link.slice(0, end);
}
function urlOf(link) {
  try {
    return new URL(link);
  } catch {
    return null;
  }
}
export {
  ApiError,
  ChatClient,
  ChatError,
  cleanName,
  cutText,
  hasGlyph,
  splitLinks
};
