/** What is in the message field before it is sent. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import { field, find, go, say, server, shown, usePage, write } from "./setup.js";

usePage();

const note = () => find("#compose-note");
const send = () => find<HTMLButtonElement>("#send");

test("a draft waits in its room for the visitor to come back, and in no other room", async () => {
  await go("#/rooms/r1");
  write("not finished");
  await go("#/");
  await go("#/rooms/r2");
  assert.equal(field().value, "");
  await go("#/");
  await go("#/rooms/r1");
  assert.equal(field().value, "not finished");
});

test("a draft outlasts its tab until it is sent", async () => {
  await go("#/rooms/r1");
  write("not finished");
  await go("#/");
  sessionStorage.clear(); // the storage of a new tab
  await go("#/rooms/r1");
  assert.equal(field().value, "not finished");
  send().click();
  await settle();
  assert.deepEqual([shown(), field().value], [["not finished"], ""]);
  await go("#/");
  sessionStorage.clear();
  await go("#/rooms/r1");
  assert.equal(field().value, "");
});

test("the last characters are counted, and a message that is too long is neither sent nor cut", async () => {
  await go("#/rooms/r1");
  write("x".repeat(3_799));
  assert.equal(note().hidden, true);
  write("x".repeat(3_800));
  assert.deepEqual([note().hidden, note().textContent], [false, "200 characters left"]);
  write("x".repeat(3_999));
  assert.equal(note().textContent, "1 character left");
  const tooLong = "👍".repeat(4_010);
  write(tooLong);
  assert.equal(note().textContent, "10 characters too many: a message has at most 4,000.");
  assert.deepEqual([send().disabled, field().getAttribute("aria-invalid")], [true, "true"]);
  const Event = (window as unknown as Window).KeyboardEvent;
  field().dispatchEvent(new Event("keydown", { key: "Enter", cancelable: true }) as never);
  await say(tooLong);
  assert.deepEqual([field().value, shown(), server.stored], [tooLong, [], []]);
  write("👍".repeat(4_000));
  assert.deepEqual([note().textContent, send().disabled], ["0 characters left", false]);
});

for (const type of ["dragover", "drop"]) {
  test(`the ${type} of a file does not open the file instead of the page`, async () => {
    const Event = (window as unknown as Window).Event;
    const dataTransfer = { types: ["Files"], files: [{}], getData: () => "" };
    const isPrevented = () => {
      const event = Object.assign(new Event(type, { bubbles: true, cancelable: true }), { dataTransfer });
      find("main:not([hidden])").dispatchEvent(event as never);
      return event.defaultPrevented;
    };
    assert.equal(isPrevented(), true);
    await go("#/rooms/r1");
    assert.equal(isPrevented(), true);
  });
}
