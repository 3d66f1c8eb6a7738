import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { makeOutbox } from "../../chalicelib/web/outbox.js";

const WINDOW_MS = 10_000;
const MESSAGES_PER_WINDOW = 20;

let stored;
let sent;
let entries;
let state;
let outbox;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  stored = [];
  sent = [];
});

function open(send, saved = []) {
  outbox = makeOutbox({
    saved,
    send: (entry) => { sent.push(entry.message); send(entry); return true; },
    save: () => {},
    onChange: (...news) => { [entries, state] = news; },
  });
  outbox.open();
}

function storeAtOnce({ clientId, message }) {
  stored.push(message);
  outbox.confirm(clientId);
}

/** The server's flood control, as chalicelib/flood.py has it; tells of the longest row of warnings that were not waited for. */
function floodControl() {
  const recent = [];
  let warnedAt = -Infinity;
  let heldUntil = -Infinity;
  const control = { inRow: 0, longestRow: 0 };

  control.take = ({ clientId, message }) => {
    const now = Date.now();
    if (recent.length < MESSAGES_PER_WINDOW || recent[0] <= now - WINDOW_MS) {
      recent.push(now);
      if (recent.length > MESSAGES_PER_WINDOW) recent.shift();
      setTimeout(storeAtOnce, 30, { clientId, message });
    } else if (now - warnedAt >= 1_000) {
      control.inRow = now < heldUntil ? control.inRow + 1 : 1;
      control.longestRow = Math.max(control.longestRow, control.inRow);
      warnedAt = now;
      const retryAfter = Math.max(1, Math.ceil((recent[0] + WINDOW_MS - now) / 1_000));
      heldUntil = now + retryAfter * 1_000;
      setTimeout(outbox.refuse, 30, { clientId, code: "rate_limited", message: "too many", retryAfter });
    }
  };
  return control;
}

function pass(milliseconds) {
  for (let step = 0; step < milliseconds; step += 10) mock.timers.tick(10);
}

const numbered = (count) => Array.from({ length: count }, (_, number) => `message ${number}`);

test("one message at a time is on its way", () => {
  const answers = [];
  open((entry) => answers.push(entry.clientId));
  outbox.add("one");
  outbox.add("two");
  assert.deepEqual(sent, ["one"]);
  outbox.confirm(answers[0]);
  assert.deepEqual(sent, ["one", "two"]);
});

test("a burst arrives whole, in order, each message once", () => {
  const control = floodControl();
  open(control.take);
  numbered(120).forEach(outbox.add);
  assert.equal(state, "sending");
  pass(2_000);
  assert.equal(state, "held");
  pass(120_000);
  assert.deepEqual(stored, numbered(120));
  assert.equal(control.longestRow, 1);
});

for (const pause of [100, 250, 400, 490]) {
  test(`a message each ${pause} ms is never refused so often that the server hangs up`, () => {
    const control = floodControl();
    open(control.take);
    for (const message of numbered(200)) {
      outbox.add(message);
      pass(pause);
    }
    pass(180_000);
    assert.deepEqual(stored, numbered(200));
    assert.equal(control.longestRow, 1);
  });
}

test("a message without an answer is sent again, and given up after six times", () => {
  open(() => {});
  outbox.add("anybody?");
  pass(60_000);
  assert.equal(sent.length, 6);
  assert.equal(entries[0].failure, "The server did not confirm it.");
});

test("what was sent long before a reload is not sent again by itself", () => {
  open(storeAtOnce, [{ clientId: "c1", message: "old", sentAt: Date.now() - 10 * 60_000, failure: null }]);
  pass(1_000);
  assert.deepEqual(sent, []);
});
