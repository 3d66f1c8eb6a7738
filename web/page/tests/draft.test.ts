/** Drafts: text in the message field that is not sent yet. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  DRAFT,
  field,
  find,
  go,
  look,
  meet,
  notices,
  say,
  sent,
  server,
  shown,
  storeElsewhere,
  usePage,
  write,
} from "./setup.js";

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

test("Enter that confirms a character of an input method sends nothing, also in Safari", async () => {
  await go("#/rooms/r1");
  field().value = "かな";
  const Event = (window as unknown as Window).KeyboardEvent;
  // Safari ends the composition before it reports the key.
  for (const sign of [{ isComposing: true }, { keyCode: 229 }]) {
    field().dispatchEvent(Object.assign(new Event("keydown", { key: "Enter", cancelable: true }), sign) as never);
  }
  await settle();
  assert.deepEqual([shown(), field().value], [[], "かな"]);
});

test("all tabs of a room show one draft, and an edit keeps it", async () => {
  await go("#/rooms/r1");
  await say("mine");
  write("one");
  storeElsewhere(DRAFT, "one, two");
  assert.equal(field().value, "one, two");
  find("#log .act").click();
  find<HTMLButtonElement>('.message-actions [title="Edit"]').click();
  assert.equal(field().value, "mine");
  storeElsewhere(DRAFT, "one, two, three");
  assert.equal(field().value, "mine");
  find("#context-cancel").click();
  assert.equal(field().value, "one, two, three");
  localStorage.removeItem(DRAFT); // the room was forgotten in another tab
  look(true);
  assert.equal(field().value, "one, two, three");
  storeElsewhere(DRAFT, "\n"); // sent
  assert.equal(field().value, "");
});

test("a tab that was frozen shows what was written in another one meanwhile, and does not overwrite it", async () => {
  await go("#/rooms/r1");
  write("one");
  look(false);
  localStorage.setItem(DRAFT, "one, two");
  look(true);
  assert.equal(field().value, "one, two");
  localStorage.setItem(DRAFT, "one, two, three");
  await go("#/");
  assert.equal(localStorage.getItem(DRAFT), "one, two, three");
});

test("a muted visitor learns until when, and keeps the text", async () => {
  await meet();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    socket.receive({ error: { code: "muted", message: "no", action, clientId: data?.clientId, retryAfter: 300 } });
    return true;
  };
  await say("one");
  assert.match(find("#compose-note").textContent ?? "", /^You are muted until .*\d:\d\d/);
  assert.equal(find("#pending .fate").textContent, "Not sent. You are muted.");
  await say("two");
  assert.deepEqual([field().value, sent("sendMessage")], ["two", 1]);
  assert.equal(find<HTMLButtonElement>("#send").disabled, true);
  assert.equal(find("#you-choose").hidden, true); // nor can the visitor take another name
  server.onFrame = () => false;
  server.deliver(server.storeEvent("muted", { member: server.socket.member, until: null }));
  assert.deepEqual([find("#compose-note").hidden, find<HTMLButtonElement>("#send").disabled], [true, false]);
  assert.equal(find("#you-choose").hidden, false);
  assert.deepEqual(notices(), ["Owner let you write again"]);
});

test("a message that slow mode holds back says so", async () => {
  await go("#/rooms/r1");
  const room = { name: "Tea", private: false, locked: false, slowSeconds: 30 };
  server.deliver(server.storeEvent("updated", { room }));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    const error = { code: "rate_limited", message: "no", action, clientId: data?.clientId, retryAfter: 30 };
    socket.receive({ error });
    return true;
  };
  await say("one");
  assert.equal(find("#pending .fate").textContent, "Slow mode: a message every 30 seconds. Sent in a moment");
});
