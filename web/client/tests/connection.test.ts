/** Connections on platforms that report differently: which events a WebSocket has, in which order, and how often. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ChatClient, type ChatError, type Room, type RoomState } from "../src/index.js";
import { FakeBrowser, FakeServer, type FakeSocket, MemoryStorage, pass, settle } from "./fake-server.js";

const OPEN_TIMEOUT_MS = 15_000;

let server: FakeServer;
let browser: FakeBrowser;
let rooms: Room[];

beforeEach(() => {
  server = new FakeServer();
  server.holdsHandshakes = true;
  browser = new FakeBrowser();
  browser.install();
  rooms = [];
});

afterEach(() => {
  for (const room of rooms) room.leave();
  browser.uninstall();
});

async function join(url = "https://rest.test/dev"): Promise<{ room: Room; states: RoomState[]; errors: ChatError[] }> {
  const { fetch, WebSocket } = server;
  const room = new ChatClient({ url, key: "k".repeat(22), fetch, WebSocket, storage: new MemoryStorage() }).join("r1");
  rooms.push(room);
  const states: RoomState[] = [];
  const errors: ChatError[] = [];
  room.on("state", (state) => states.push(state));
  room.on("error", (error) => errors.push(error));
  await pass(100);
  return { room, states, errors };
}

type Event = "open" | "error" | "close";

async function report(socket: FakeSocket, events: readonly Event[]): Promise<void> {
  for (const event of events) {
    socket[`on${event}`]?.({} as never);
    await settle();
  }
}

const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

const FAILURES: readonly (readonly Event[])[] = [
  ["error"],
  ["close"],
  ["error", "close"],
  ["close", "error"],
  ["error", "error", "close", "close"],
  ["error", "close", "open"],
];

for (const events of FAILURES) {
  test(`a handshake that fails with the events ${events.join(", ")} is one failed attempt`, async () => {
    const { room, states } = await join();
    assert.deepEqual(room.state, { status: "connecting", attempt: 1 });
    await report(server.socket, events);
    assert.deepEqual(states, [{ status: "connecting", attempt: 2, retryAt: inSeconds(0.75) }]);
    await pass(700);
    assert.equal(server.sockets.length, 1);
    await pass(200);
    assert.deepEqual(room.state, { status: "connecting", attempt: 2 });
    assert.equal(server.sockets.length, 2);
    server.socket.accept();
    await settle();
    assert.deepEqual(
      states.map(({ status }) => status),
      ["connecting", "connecting", "open"],
    );
  });

  test(`a refused handshake with the events ${events.join(", ")} closes the room with the reason, once`, async () => {
    const { room, states } = await join();
    server.respond = () => [404, { Code: "NotFoundError", Message: "room not found" }];
    await report(server.socket, events);
    const closed = { status: "closed", reason: "gone", isFinal: true, message: "room not found" };
    assert.deepEqual([room.state, states], [closed, [closed]]);
    await pass(60_000);
    assert.equal(server.sockets.length, 1);
  });

  test(`an open connection that ends with the events ${events.join(", ")} is replaced, once`, async () => {
    const { states } = await join();
    server.socket.accept();
    await pass(6_000);
    await report(server.socket, events);
    await pass(300);
    server.socket.accept();
    await pass(30_000);
    assert.deepEqual(
      states.map(({ status }) => status),
      ["open", "connecting", "open"],
    );
    assert.equal(server.sockets.length, 2);
  });
}

for (const [status, reason] of [
  [401, "unauthorized"],
  [403, "private"],
] as const) {
  test(`a handshake that fails with an error alone, refused with ${status}, closes the room as ${reason}`, async () => {
    const { room } = await join();
    server.respond = () => [status, { Code: "RefusedError", Message: "no" }];
    await report(server.socket, ["error"]);
    assert.deepEqual([room.state.status, "reason" in room.state && room.state.reason], ["closed", reason]);
  });
}

test("a server that is not available is tried again, later and later, in the state connecting", async () => {
  const { room, states } = await join();
  server.respond = () => [503, { Code: "ServiceUnavailableError", Message: "later" }];
  for (let attempt = 2; attempt < 6; attempt += 1) {
    await report(server.socket, ["error"]);
    const delay = 0.75 * 2 ** (attempt - 2);
    assert.deepEqual(room.state, { status: "connecting", attempt, retryAt: inSeconds(delay) });
    await pass(delay * 1_000);
  }
  assert.ok(states.every(({ status }) => status === "connecting"));
});

test("a handshake without any event is given up after its timeout, also if closing the socket reports nothing", async () => {
  const { room } = await join();
  const [first] = server.sockets;
  await pass(OPEN_TIMEOUT_MS);
  assert.deepEqual(
    [first?.readyState, room.state.status, "attempt" in room.state && room.state.attempt],
    [3, "connecting", 2],
  );
  await pass(1_000);
  assert.equal(server.sockets.length, 2);
});

test("events of a socket that was given up do not touch the one that replaces it", async () => {
  const { room, states } = await join();
  const first = server.socket;
  const { onopen, onmessage, onclose, onerror } = first;
  await report(first, ["error"]);
  await pass(1_000);
  server.socket.accept();
  await settle();
  onopen?.({} as never);
  onmessage?.({ data: '{"message": {"type": "closed", "message": "", "sender": {"id": "m", "name": "M"}}}' } as never);
  onerror?.({} as never);
  onclose?.({} as never);
  await pass(10_000);
  assert.deepEqual([room.state, server.sockets.length], [{ status: "open" }, 2]);
  assert.equal(states.filter(({ status }) => status === "open").length, 1);
});

test("a second open event changes nothing", async () => {
  const { states } = await join();
  server.socket.accept();
  await report(server.socket, ["open"]);
  await pass(3_000);
  assert.equal(states.length, 1);
  assert.equal(server.socket.frames.filter(({ action }) => action === "hello").length, 2);
});

test("a connection that was open and cannot be replaced is lost, with the next attempt", async () => {
  const { room } = await join();
  server.socket.accept();
  browser.goOffline();
  assert.deepEqual(room.state, { status: "lost", attempt: 2, retryAt: inSeconds(0.75) });
  await pass(800);
  assert.deepEqual(room.state, { status: "lost", attempt: 2 });
});

test("reconnect begins the next attempt, and its time is gone", async () => {
  const { room } = await join();
  await report(server.socket, ["error"]);
  room.reconnect();
  assert.deepEqual(room.state, { status: "connecting", attempt: 2 });
});

for (const url of [
  "",
  "undefined",
  "rest.test/dev",
  "//rest.test/dev",
  "wss://ws.test/dev",
  "ftp://rest.test",
  "https://",
]) {
  test(`the url ${JSON.stringify(url)} is refused at once`, () => {
    assert.throws(() => new ChatClient({ url }), { name: "ChatError", code: "invalid_url" });
  });
}

test("a url may be a path, or that of the page with a room", async () => {
  assert.ok(new ChatClient({ url: "/api" }));
  await join("https://rest.test/dev/?utm=1#/room/r1");
  assert.ok(server.requests.includes("GET /config"));
});

test("a webSocketUrl that is the REST address is refused at once", () => {
  const make = () => new ChatClient({ url: "https://rest.test/dev", webSocketUrl: "https://rest.test/dev" });
  assert.throws(make, { name: "ChatError", code: "invalid_url" });
});

const HTML = new Response("<!doctype html><title>Shop</title>", { headers: { "Content-Type": "text/html" } });
const STRANGERS: readonly (readonly [string, Response])[] = [
  ["HTML", HTML],
  ["404 and HTML", new Response("<h1>Not found</h1>", { status: 404 })],
  ["403 of API Gateway", Response.json({ message: "Missing Authentication Token" }, { status: 403 })],
  ["JSON of another service", Response.json({ status: "ok" })],
];

for (const [kind, response] of STRANGERS) {
  test(`a url that answers with ${kind} closes the room with one error, and no further request`, async () => {
    let requests = 0;
    const { WebSocket } = server;
    const fetch = async () => {
      requests += 1;
      return response.clone();
    };
    const client = new ChatClient({ url: "https://shop.test/", fetch, WebSocket });
    const room = client.join("r1");
    rooms.push(room);
    const codes: string[] = [];
    room.on("error", ({ code }) => codes.push(code));
    const unsent = assert.rejects(room.send("hello"), { code: "closed" });
    await pass(100);
    await unsent;
    assert.equal(room.state.status === "closed" && room.state.reason, "wrong_url");
    assert.match(room.state.status === "closed" ? (room.state.message ?? "") : "", /^No chat responds at https:/);
    assert.deepEqual(codes, ["wrong_url"]);
    const before = requests;
    await pass(120_000);
    assert.deepEqual([requests, server.sockets.length], [before, 0]);
  });
}

test("no network, or a server error, is not taken for a wrong url", async () => {
  for (const result of [
    "unreachable",
    [502, "<h1>Bad gateway</h1>"],
    [429, { message: "Too Many Requests" }],
  ] as const) {
    server.respond = () => result;
    const { room } = await join();
    assert.equal(room.state.status, "connecting");
    room.leave();
  }
});

test("a list of rooms at a wrong url says so, and is not read again", async () => {
  let requests = 0;
  const fetch = async () => {
    requests += 1;
    return HTML.clone();
  };
  const list = new ChatClient({ url: "https://shop.test/", fetch }).watchRooms();
  list.start();
  await pass(120_000);
  assert.deepEqual([list.getSnapshot().error?.code, requests], ["wrong_url", 1]);
  list.stop();
});
