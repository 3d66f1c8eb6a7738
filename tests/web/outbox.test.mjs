import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { makeOutbox } from "../../chalicelib/static/outbox.js";

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

test("a message that the server holds back is on its way again as soon as it may be", () => {
  open(() => {});
  outbox.add("wait for me");
  outbox.refuse({ clientId: entries[0].clientId, code: "rate_limited", message: "too many", retryAfter: 3 });
  assert.equal(state, "held");
  pass(2_990);
  assert.deepEqual(sent, ["wait for me"]);
  pass(10);
  assert.equal(state, "sending");
  assert.deepEqual(sent, ["wait for me", "wait for me"]);
});

test("a message that waits as long as the server asks, however often, is delivered", () => {
  open(() => {});
  outbox.add("patience");
  for (let refusals = 0; refusals < 10; refusals += 1) {
    outbox.refuse({ clientId: entries[0].clientId, code: "rate_limited", message: "too many", retryAfter: 1 });
    pass(1_000);
  }
  assert.equal(sent.length, 11);
  assert.equal(entries[0].failure, null);
  outbox.confirm(entries[0].clientId);
  assert.deepEqual(entries, []);
});

test("a message that will never pass fails at once, with the server's reason", () => {
  open(() => {});
  outbox.add("too long");
  outbox.refuse({ clientId: entries[0].clientId, code: "invalid_message", message: "message is too long" });
  assert.equal(entries[0].failure, "message is too long");
  pass(60_000);
  assert.deepEqual(sent, ["too long"]);
});

test("what can never be sent any more fails with the reason, and so does what is added later", () => {
  open(() => {});
  outbox.add("on its way");
  outbox.end("This room no longer exists.");
  outbox.add("too late");
  outbox.open();
  assert.deepEqual(entries.map(({ failure }) => failure), Array(2).fill("This room no longer exists."));
  assert.deepEqual(sent, ["on its way"]);
});

for (const [minutes, sends] of [[1, 2], [10, 0]]) {
  test(`a message of ${minutes} min ago, of which perhaps nobody else was told, is sent ${sends} times after a reload`, () => {
    open(() => {}, [{ clientId: "c1", message: "stored", sentAt: Date.now() - minutes * 60_000, failure: null }]);
    outbox.close();
    outbox.repeat("c1");
    outbox.confirm("c1");
    outbox.open();
    assert.equal(sent.length, sends);
  });
}

test("what was sent long before a reload is not sent again by itself", () => {
  open(storeAtOnce, [{ clientId: "c1", message: "old", sentAt: Date.now() - 10 * 60_000, failure: null }]);
  pass(1_000);
  assert.deepEqual(sent, []);
});

test("errors that answer something else are ignored", () => {
  open(() => {});
  outbox.add("in flight");
  outbox.refuse({ code: "invalid_message", message: "name must not be blank", action: "rename" });
  outbox.refuse({ code: "invalid_message", message: "message is too long", clientId: "of another tab" });
  assert.equal(entries[0].failure, null);
});
