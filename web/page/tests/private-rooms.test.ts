/** Private rooms on the whole page: only the invite link opens them. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { find, go, say, server, shown, usePage } from "./setup.js";

usePage();

const LINK = "#/rooms/r1?token=right";

beforeEach(() => {
  server.isPrivate = true;
});

/** Reject this visitor, as the server does whoever has not the room's token. */
function reject(): void {
  server.rejectsHandshakes = true;
  server.respond = (path) =>
    path.startsWith("/rooms/r1") ? [403, { Code: "ForbiddenError", Message: "no" }] : undefined;
}

function admit(): void {
  server.rejectsHandshakes = false;
  server.respond = () => undefined;
}

/** Expect that the visitor sees nothing of the room but what they have not sent yet. */
function expectRejection(unsent: readonly string[] = []): void {
  assert.equal(find("#ending").hidden, false);
  assert.equal(
    find("#ending-text").textContent,
    "This room is private: you need its invite link. If yours no longer works, ask for the new one.",
  );
  assert.equal(find("#room-heading").textContent, "Private room");
  assert.equal(find("#room").classList.contains("closed"), true); // the style sheet hides the field and the log
  assert.deepEqual(shown(), unsent);
  assert.doesNotMatch(document.documentElement.outerHTML, /Tea|Nobody else reads this/);
}

for (const token of ["", "?token=wrong"]) {
  test(`a private room stays hidden from a visitor ${token ? "with a wrong token" : "without its token"}`, async () => {
    server.store("Nobody else reads this");
    reject();
    await go(`#/rooms/r1${token}`);
    expectRejection();
    assert.equal(server.socket.url.searchParams.get("token"), token ? "wrong" : null);
  });
}

test("the page asks no more after a private room has rejected the visitor", async () => {
  reject();
  await go("#/rooms/r1");
  const asked = () => [server.requests.length, server.sockets.length];
  const before = asked();
  for (let second = 0; second < 120; second += 1) {
    mock.timers.tick(1_000);
    await settle();
  }
  assert.deepEqual(asked(), before);
});

test("the invite link opens a private room after a wrong link", async () => {
  reject();
  await go("#/rooms/r1");
  expectRejection();
  admit();
  await go(LINK);
  assert.deepEqual([find("#ending").hidden, find("#room").classList.contains("closed")], [true, false]);
  assert.equal(find("#connection-state").textContent, "Connected");
  assert.equal(find("#room-heading").textContent, "Tea");
  assert.equal(server.socket.url.searchParams.get("token"), "right");
  await say("Found it");
  assert.deepEqual(shown(), ["Found it"]);
});

test("a message that waits for a private room is sent once when its invite link is opened", async () => {
  await go(LINK);
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  await say("I am late");
  assert.deepEqual([shown(), document.querySelectorAll("#pending li").length], [["I am late"], 1]);
  reject();
  await go("#/rooms/r1");
  expectRejection(["I am late"]);
  admit();
  await go(LINK);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual([shown(), document.querySelectorAll("#pending li").length], [["I am late"], 0]);
  assert.deepEqual(
    server.stored.map(({ message }) => message),
    ["I am late"],
  );
});

test("the token of a private room is in the address and among your rooms, and nowhere else", async () => {
  await go("#/rooms/r1?token=secret-token");
  await say("hello");
  const kept = [localStorage, sessionStorage].flatMap((storage) => Object.entries({ ...storage }));
  assert.deepEqual(
    kept.flatMap(([key, value]) => (String(value).includes("secret-token") ? [key] : [])),
    ["chalice-chat.visited"],
  );
  assert.equal(location.hash, "#/rooms/r1?token=secret-token");
  assert.doesNotMatch(document.cookie + document.documentElement.outerHTML, /secret-token/);
});
