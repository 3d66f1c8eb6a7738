/** A connection that is idle, replaced or lost, and messages that wait for one. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { entries, find, go, holdRequests, say, server, shown, usePage, write } from "./setup.js";

usePage();

const EPOCH = Date.parse("2026-11-23T10:00:00Z");
const GONE = [404, { Code: "NotFoundError", Message: "room not found" }] as const;
let now: number;

beforeEach(() => {
  now = EPOCH;
  mock.method(Date, "now", () => now);
});

afterEach(() => mock.restoreAll());

/** Let time pass, in steps of the heartbeat's timer. */
async function pass(seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 10) {
    now += 10_000;
    mock.timers.tick(10_000);
    await settle();
  }
}

const state = () => find("#connection-state").textContent;

async function loseConnection(): Promise<void> {
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  mock.timers.tick(1_000); // the first attempt fails, too
  await settle();
  assert.equal(state(), "Connection lost. Trying again…");
}

/** Leave a room without a connection, and with a message for it. */
async function leaveUnsent(text: string): Promise<void> {
  await go("#/rooms/r1");
  await loseConnection();
  await say(text);
  await go("#/");
}

async function findConnection(): Promise<void> {
  server.rejectsHandshakes = false;
  find("#try-now").click();
  await settle();
  assert.equal(state(), "Connected");
}

test("a page that nobody uses sends one frame every four minutes, and no request", async () => {
  mock.method(Math, "random", () => 1 - Number.EPSILON); // otherwise up to a minute earlier
  await go("#/rooms/r1");
  mock.timers.tick(3_000); // a page says hello twice
  await settle();
  const { frames } = server.socket;
  for (let beat = 1; beat <= 2; beat += 1) {
    frames.length = server.requests.length = 0;
    await pass(230);
    assert.deepEqual(frames, []);
    await pass(10);
    assert.deepEqual([frames, server.requests], [[{ action: "hello" }], []]);
  }
  assert.deepEqual([server.sockets.length, state()], [1, "Connected"]);
});

test("a connection that API Gateway closes is replaced without a warning", async () => {
  await go("#/rooms/r1");
  await pass(60);
  const states: (string | null)[] = [];
  const { replaceChildren } = Element.prototype;
  mock.method(Element.prototype, "replaceChildren", function (this: Element, ...children: (Node | string)[]) {
    replaceChildren.apply(this, children);
    if (this.id === "connection-state") states.push(this.textContent);
  });
  server.socket.cut(1001);
  await settle();
  mock.timers.tick(300);
  await settle();
  assert.deepEqual([states, server.sockets.length], [["Connecting…", "Connected"], 2]);
  await say("still here");
  assert.deepEqual([shown(), find("#pending").childElementCount], [["still here"], 0]);
});

test("a lost connection that has missed nothing shows no line of new messages", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("before"));
  await loseConnection();
  await findConnection();
  await pass(10);
  server.deliver(server.store("live"));
  assert.deepEqual(entries(), ["before", "live"]);
});

test("a message that waits in another room is mentioned, and sent from there", async () => {
  const waiting = () => [find("#waiting").hidden, find("#waiting-text").textContent];
  await go("#/rooms/r1");
  await loseConnection();
  await say("still waiting");
  assert.equal(find("#pending .fate").textContent, "Waiting for connection");
  await go("#/");
  assert.deepEqual(waiting(), [false, "1 message to Tea not sent yet."]);
  const link = find<HTMLAnchorElement>("#waiting-link");
  assert.deepEqual([link.textContent, link.hash], ["Go there", "#/rooms/r1"]);
  server.rejectsHandshakes = false;
  await go(link.hash);
  assert.equal(find("#waiting").hidden, true);
  assert.deepEqual(
    server.stored.map(({ message }) => message),
    ["still waiting"],
  );
  assert.equal(find("#pending").childElementCount, 0);
  await go("#/");
  assert.equal(find("#waiting").hidden, true);
});

test("a message that waits for a room that no longer exists is marked as not sent", async () => {
  await leaveUnsent("Anybody?");
  server.respond = (path) => (path.startsWith("/rooms/") ? GONE : undefined);
  await go("#/rooms/r1");
  assert.equal(find("#pending .failed .body").textContent, "Anybody?");
  assert.equal(find("#pending .fate").textContent, "Not sent. This room no longer exists.");
  assert.match(find("#ending").textContent ?? "", /This room no longer exists/);
});

test("a room that is gone is opened again under a new address, with what was not sent in the message field", async () => {
  await go("#/rooms/r1");
  await loseConnection();
  await say("not sent");
  write("a draft");
  server.respond = (path) => (path.startsWith("/rooms/r1") ? GONE : undefined);
  find("#try-now").click();
  await settle();
  assert.match(find("#ending-text").textContent ?? "", /This room no longer exists/);
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2", ownerToken: "owner-token" }] : undefined);
  server.rejectsHandshakes = false;
  const arrived = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  find("#open-again").click();
  await arrived;
  await settle();
  assert.deepEqual([location.hash, state()], ["#/rooms/r2", "Connected"]);
  assert.equal(find("#room-heading").textContent, "Tea");
  assert.equal(find<HTMLTextAreaElement>("#message").value, "not sent\na draft");
  assert.match(find("#new-room-note").textContent ?? "", /^This is a new room with a new link/);
  await go("#/");
  assert.equal(find("#waiting").hidden, true); // it is not sent twice
});

for (const [choice, left] of [
  ["Try again", ["unlucky"]],
  ["Discard", []],
] as const) {
  test(`“${choice}” at a failed message works after coming back to its room, too`, async () => {
    server.onFrame = (socket, { action, data }) => {
      if (action !== "sendMessage") return false;
      socket.receive({ error: { code: "invalid_message", message: "no", action, clientId: data?.clientId } });
      return true;
    };
    await go("#/rooms/r1");
    await say("unlucky");
    await go("#/");
    await go("#/rooms/r1");
    server.onFrame = () => false;
    const buttons = [...document.querySelectorAll<HTMLButtonElement>("#pending button")];
    buttons.find(({ textContent }) => textContent === choice)?.click();
    await settle();
    await say("next");
    assert.deepEqual(shown(), [...left, "next"]);
  });
}

test("a visitor who leaves while the room is opened again stays where they went", async () => {
  await go("#/rooms/r1");
  await say("hello");
  server.respond = (path) =>
    path === "/rooms/r1" ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  find("#try-now").click();
  await settle();
  assert.equal(find("#ending").hidden, false);
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2" }] : undefined);
  server.rejectsHandshakes = false;
  const respond = holdRequests();
  find("#open-again").click();
  await go("#/");
  await respond();
  assert.equal(location.hash, "#/");
  assert.ok(server.requests.includes("POST /rooms"), String(server.requests));
});

test("the console has the sentence of an error, and no stack with hosts", async () => {
  const { mock: warned } = mock.method(console, "warn", () => {});
  await go("#/rooms/r1");
  server.socket.receive({ error: { code: "internal", message: "Something failed." } });
  await settle();
  warned.restore();
  assert.deepEqual(
    warned.calls.map((call) => call.arguments),
    [["Something failed."]],
  );
});

test("a room that is gone does not go on loading while an unsent message is shown", async () => {
  await leaveUnsent("too late");
  server.respond = (path) => (path.startsWith("/rooms/") ? GONE : undefined);
  await go("#/rooms/r1");
  assert.deepEqual([find("#ending").hidden, shown()], [false, ["too late"]]);
  assert.equal(find("#log-note").textContent, "");
});

test("the focus moves from “Try now” to the message field when the button disappears", async () => {
  await go("#/rooms/r1");
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  server.rejectsHandshakes = false;
  find("#try-now").focus();
  find("#try-now").click();
  await settle();
  assert.equal(find("#connection-state").textContent, "Connected");
  assert.equal(document.activeElement?.id, "message");
});
