/** New messages and read ones, here and on other devices. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { enter, entries, find, go, look, say, server, storeElsewhere, usePage } from "./setup.js";

usePage();

const READ = "chalice-chat.read.r1";

async function loseConnection(): Promise<void> {
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  server.rejectsHandshakes = false;
}

/** Connect again, and read what was missed. */
async function reconnect(): Promise<void> {
  find("#try-now").click();
  await settle();
  mock.timers.tick(1);
  await settle();
}

test("the line of new messages stays at the first one when the connection is lost while nobody looks", async () => {
  await go("#/rooms/r1");
  await say("hello");
  look(false);
  server.deliver(server.store("first"));
  await loseConnection();
  server.store("second");
  await reconnect();
  look(true);
  assert.deepEqual(entries(), ["hello", "New", "first", "second"]);
});

test("the line of new messages is above those that a live one overtook", async () => {
  await go("#/rooms/r1");
  await say("hello");
  await loseConnection();
  server.onFrame = () => true;
  find("#try-now").click();
  await settle();
  server.store("missed");
  server.deliver(server.store("live"));
  server.welcome(server.socket);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(entries(), ["hello", "New", "missed", "live"]);
});

test("the line of new messages shows what came to a room that was opened in a hidden tab", async () => {
  server.store("before");
  look(false);
  await enter();
  server.deliver(server.store("unseen"));
  look(true);
  assert.deepEqual(entries(), ["before", "New", "unseen"]);
});

test("coming back to a room shows where the new messages begin, as far back as the visitor has read", async () => {
  for (let number = 1; number <= 3; number += 1) server.store(`message ${number}`);
  await enter();
  assert.deepEqual(entries(), ["message 1", "message 2", "message 3"]); // on the first visit, nothing is new
  assert.equal(localStorage.getItem(READ), "3");
  await go("#/");
  for (let number = 4; number <= 130; number += 1) server.store(`message ${number}`);
  server.requests.length = 0;
  await enter();
  const listed = entries();
  assert.deepEqual([listed.indexOf("New"), listed.indexOf("message 4"), listed.length], [3, 4, 131]);
  assert.equal(localStorage.getItem(READ), "130");
  await go("#/");
  await enter();
  assert.equal(entries().includes("New"), false);
});

test("in a room that was empty, everything is new to who comes back", async () => {
  await enter();
  await go("#/");
  server.store("first");
  await enter();
  assert.deepEqual(entries(), ["New", "first"]);
});

for (const order of ["before", "after"] as const) {
  for (const stored of [null, "1"]) {
    test(`the line of new messages is where another device has stopped, known ${order} the history, here ${stored}`, async () => {
      for (let number = 1; number <= 4; number += 1) server.store(`message ${number}`);
      if (stored) localStorage.setItem(READ, stored);
      server.readSequence = 2;
      const { fetch } = globalThis;
      let respond = () => {};
      const slow = new Promise<void>((resolve) => {
        respond = resolve;
      });
      if (order === "before") globalThis.fetch = (...request) => slow.then(() => fetch(...request));
      else server.holdsHandshakes = true;
      await go("#/rooms/r1");
      if (order === "before") respond();
      else server.socket.accept();
      globalThis.fetch = fetch;
      await settle();
      mock.timers.tick(1);
      await settle();
      assert.deepEqual(entries(), ["message 1", "message 2", "New", "message 3", "message 4"]);
      mock.timers.tick(10_000);
      await settle();
      assert.deepEqual([localStorage.getItem(READ), server.readSequence], ["4", 4]);
    });
  }
}

test("after a reconnect, only what was not read on another device is new", async () => {
  await go("#/rooms/r1");
  await say("hello");
  await loseConnection();
  for (const text of ["read elsewhere", "new"]) server.store(text);
  server.readSequence = 2;
  await reconnect();
  assert.deepEqual(entries(), ["hello", "read elsewhere", "New", "new"]);
});

test("an edit does not leave the room unread", async () => {
  server.store("message");
  await enter();
  server.deliver(server.edit(1, "changed"));
  assert.equal(localStorage.getItem(READ), "2");
});

test("what arrives in a hidden tab is not read, and what the visitor writes is", async () => {
  await enter();
  await say("mine");
  assert.equal(localStorage.getItem(READ), "1");
  look(false);
  server.deliver(server.store("unseen"));
  await settle();
  assert.equal(localStorage.getItem(READ), "1");
  look(true);
  assert.equal(localStorage.getItem(READ), "2");
});

test("one's own message is read where nobody sees its echo, unless somebody else's comes before it", async () => {
  await enter();
  await say("seen");
  server.onFrame = () => true;
  await say("mine");
  look(false);
  const clientId = server.socket.frames.at(-1)?.data?.clientId;
  server.deliver(server.store("mine", server.socket.member, clientId));
  assert.equal(localStorage.getItem(READ), "2");
  server.deliver(server.store("unseen"));
  server.deliver(server.store("by another device", server.socket.member));
  assert.equal(localStorage.getItem(READ), "2");
  look(true);
  assert.deepEqual(entries().slice(-3), ["New", "unseen", "by another device"]);
});

test("the title of a hidden tab counts what was neither read in another tab or device nor deleted", async () => {
  server.store("old");
  await enter();
  const you = server.socket.member.id;
  look(false);
  for (const text of ["two", "three", "four", "five"]) {
    const stored = server.store(text);
    server.deliver({ ...stored, mentions: text === "three" ? [you] : [] });
  }
  assert.equal(document.title, "(4 @1) Tea · Chalice Chat");
  storeElsewhere(READ, "2");
  assert.equal(document.title, "(3 @1) Tea · Chalice Chat");
  server.readSequence = 3;
  server.welcome(server.socket);
  await settle();
  assert.equal(document.title, "(2) Tea · Chalice Chat");
  server.deliver(server.storeEvent("deleted", { target: 4 }));
  assert.equal(document.title, "(1) Tea · Chalice Chat");
  look(true);
  assert.deepEqual(entries(), ["old", "two", "three", "New", "five"]);
  assert.equal(document.title, "Tea · Chalice Chat");
});
