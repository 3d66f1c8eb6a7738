/** The queue of unsent messages against the server's rate limit. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import type { ErrorCode } from "../src/errors.js";
import { Outbox, type SavedMessage } from "../src/outbox.js";
import type { PendingMessage } from "../src/types.js";

const WINDOW_MS = 10_000;
const MESSAGES_PER_WINDOW = 20;

let stored: string[];
let sent: string[];
let pending: readonly PendingMessage[];
let outbox: Outbox;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  stored = [];
  sent = [];
  pending = [];
});

function open(take: (message: string, clientId: string) => void, saved: SavedMessage[] = []): void {
  outbox = new Outbox({
    send: (frame) => {
      const { message, clientId } = JSON.parse(frame).data;
      sent.push(message);
      take(message, clientId);
      return true;
    },
    save: () => {},
    onChange: (now) => {
      pending = now;
    },
  });
  outbox.restore(saved);
  outbox.open();
}

function store(message: string, clientId: string): void {
  stored.push(message);
  const sender = { id: "a", name: "A" };
  outbox.confirm({
    sequence: stored.length,
    message,
    clientId,
    sender,
    sentAt: "2026-11-23T10:00:00Z",
    isOwn: true,
    isIgnored: false,
    mentions: [],
    isMention: false,
    reactions: [],
  });
}

/** The server's rate limit, as in chalicelib/chat/rate_limit.py. Counts the warnings in a row that were not waited for. */
function makeRateLimit() {
  const recent: number[] = [];
  let warnedAt = Number.NEGATIVE_INFINITY;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let inRow = 0;
  const limit = {
    longestRow: 0,
    take(message: string, clientId: string) {
      const now = Date.now();
      const [oldest = 0] = recent;
      if (recent.length < MESSAGES_PER_WINDOW || oldest <= now - WINDOW_MS) {
        recent.push(now);
        if (recent.length > MESSAGES_PER_WINDOW) recent.shift();
        setTimeout(store, 30, message, clientId);
      } else if (now - warnedAt >= 1_000) {
        inRow = now < heldUntil ? inRow + 1 : 1;
        limit.longestRow = Math.max(limit.longestRow, inRow);
        warnedAt = now;
        const retryAfter = Math.max(1, Math.ceil((oldest + WINDOW_MS - now) / 1_000));
        heldUntil = now + retryAfter * 1_000;
        setTimeout(() => reject(clientId, "rate_limited", retryAfter), 30);
      }
    },
  };
  return limit;
}

function reject(clientId: string | undefined, code: ErrorCode, retryAfter?: number): void {
  outbox.reject({ type: "error", clientId: clientId ?? "", code, message: "no", ...(retryAfter && { retryAfter }) });
}

function pass(milliseconds: number): void {
  for (let step = 0; step < milliseconds; step += 10) mock.timers.tick(10);
}

const numbered = (count: number) => Array.from({ length: count }, (_, number) => `message ${number}`);

test("a burst arrives whole, in order, each message once", () => {
  const limit = makeRateLimit();
  open(limit.take);
  for (const message of numbered(120)) void outbox.add(message);
  assert.equal(pending[0]?.status, "sending");
  pass(2_000);
  assert.equal(pending[0]?.status, "held");
  pass(120_000);
  assert.deepEqual(stored, numbered(120));
  assert.equal(limit.longestRow, 1);
});

for (const pause of [100, 250, 400, 490]) {
  test(`a message each ${pause} ms is never rejected so often that the server closes the connection`, () => {
    const limit = makeRateLimit();
    open(limit.take);
    for (const message of numbered(200)) {
      void outbox.add(message);
      pass(pause);
    }
    pass(180_000);
    assert.deepEqual(stored, numbered(200));
    assert.equal(limit.longestRow, 1);
  });
}

test("a message that waits as long as the server asks, however often, is delivered", () => {
  open(() => {});
  void outbox.add("patience");
  const clientId = pending[0]?.clientId ?? "";
  for (let rejections = 0; rejections < 10; rejections += 1) {
    reject(clientId, "rate_limited", 1);
    assert.equal(pending[0]?.status, "held");
    pass(1_000);
  }
  assert.equal(sent.length, 11);
  store("patience", clientId);
  assert.deepEqual(pending, []);
});

test("a temporary fault of the server is tried again six times, later and later", async () => {
  open((_, clientId) => void setTimeout(reject, 30, clientId, "internal"));
  const failed = assert.rejects(outbox.add("unlucky"), { code: "internal" });
  pass(5_000);
  assert.ok(sent.length >= 2 && sent.length <= 4, `${sent.length} attempts in five seconds`);
  pass(120_000);
  await failed;
  assert.equal(sent.length, 6);
});

test("a message keeps the time at which it was written, also during a reload", () => {
  mock.timers.setTime(Date.parse("2026-11-23T10:00:00Z"));
  let saved: readonly SavedMessage[] = [];
  const options = {
    send: () => false,
    onChange: () => {},
    save: (messages: readonly SavedMessage[]) => (saved = messages),
  };
  void new Outbox(options).add("hello");
  pass(5_000);
  const later = new Outbox(options);
  later.restore(saved);
  assert.equal(later.pending[0]?.createdAt, "2026-11-23T10:00:00.000Z");
});

test("what was sent long before a reload is sent again only on request", () => {
  open(store, [{ clientId: "c1", message: "old", sentAt: Date.now() - 10 * 60_000, failure: null }]);
  pass(1_000);
  assert.deepEqual(sent, []);
  void outbox.retry("c1");
  outbox.caughtUp();
  assert.deepEqual(stored, ["old"]);
});
