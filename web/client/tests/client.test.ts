/** The REST side of the client, the room list, and platforms without a browser. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { loadKey } from "../src/identity.js";
import { ApiError, ChatClient, ChatError } from "../src/index.js";
import { FakeBrowser, FakeServer, MemoryStorage, pass, settle } from "./fake-server.js";

const ROOM = { room_id: "r1", name: "Tea", member_count: 2, created_at: "2026-11-23T10:00:00.000Z" };
const SUMMARY = { roomId: "r1", name: "Tea", memberCount: 2, createdAt: "2026-11-23T10:00:00.000Z" };

const KEY = "k".repeat(22);

let server: FakeServer;
let browser: FakeBrowser;

beforeEach(() => {
  server = new FakeServer();
  browser = new FakeBrowser();
  browser.install();
});

afterEach(() => {
  browser.uninstall();
});

const client = (url = "https://rest.test/dev") => new ChatClient({ url, fetch: server.fetch });

test("rooms are listed page by page", async () => {
  server.respond = () => [200, { rooms: [ROOM], nextCursor: "c2" }];
  assert.deepEqual(await client().listRooms(), { rooms: [SUMMARY], cursor: "c2" });
  await client("https://rest.test/dev/").listRooms({ limit: 5, cursor: "c2" });
  assert.deepEqual(server.requests, ["GET /rooms?limit=20", "GET /rooms?limit=5&cursor=c2"]);
});

test("a browser without URL.canParse has a client", async () => {
  const { canParse } = URL;
  try {
    Reflect.deleteProperty(URL, "canParse");
    server.respond = () => [200, { rooms: [], nextCursor: null }];
    const options = { url: "https://rest.test", webSocketUrl: "wss://ws.test", fetch: server.fetch };
    assert.deepEqual(await new ChatClient(options).listRooms(), { rooms: [], cursor: null });
    assert.throws(() => new ChatClient({ ...options, webSocketUrl: "wss://" }), { code: "invalid_url" });
    assert.throws(() => client("https://"), { code: "invalid_url" });
  } finally {
    Object.defineProperty(URL, "canParse", { value: canParse, configurable: true, writable: true });
  }
});

test("creating a room resolves to its id, and to its tokens", async () => {
  server.respond = () => [
    201,
    { message: "Room created successfully", roomId: "r1", ownerToken: "o1", joinToken: "t1" },
  ];
  const created = await client().createRoom("Tea", { private: true, keepDays: 7 });
  assert.deepEqual(created, { roomId: "r1", ownerToken: "o1", joinToken: "t1" });
  assert.deepEqual(server.requests, ["POST /rooms"]);
});

test("an error response rejects with its status and the server's sentence", async () => {
  server.respond = () => [400, { Code: "BadRequestError", Message: "roomName must not be blank" }];
  await assert.rejects(client().createRoom(" "), (error) => {
    assert.ok(error instanceof ApiError && error instanceof ChatError);
    assert.deepEqual([error.code, error.status, error.message], ["http_400", 400, "roomName must not be blank"]);
    return true;
  });
});

test("the text of a server error or of a proxy's page is not shown", async () => {
  for (const body of [{ Message: "InternalServerError: see the logs" }, "<html>", null]) {
    server.respond = () => [502, body];
    await assert.rejects(client().listRooms(), /^ApiError: The server could not do that just now/);
  }
});

test("an unreachable server rejects with the code network", async () => {
  server.respond = () => "unreachable";
  await assert.rejects(client().listRooms(), (error) => error instanceof ChatError && error.code === "network");
});

test("a room id is encoded in addresses", async () => {
  server.respond = () => [404, { Code: "NotFoundError", Message: "room not found" }];
  const { fetch, WebSocket } = server;
  const room = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket }).join("a%2Fb?c");
  await pass(100);
  assert.equal(room.state.status, "closed");
  assert.ok(server.requests.includes(`GET /rooms/a%2Fb?c/messages?limit=50&key=${KEY}`), String(server.requests));
});

test("a room id that would be another path is that of no room", async () => {
  const { fetch, WebSocket } = server;
  server.respond = (path) => (path.startsWith("/rooms/-") ? undefined : [404, "no such path"]);
  for (const id of ["", ".", "..", "a/b", "../config"]) {
    const room = new ChatClient({
      url: "https://rest.test/dev",
      webSocketUrl: "wss://ws.test/dev",
      fetch,
      WebSocket,
    }).join(id);
    await pass(100);
    assert.deepEqual([id, room.state.status === "closed" && room.state.reason], [id, "gone"]);
  }
});

test("the addresses may have spaces around them, and a query", async () => {
  const { fetch, WebSocket } = server;
  const url = " https://rest.test/dev/?a=1#b ";
  const webSocketUrls = [" wss://ws.test/dev?a=1#b ", new URL("wss://ws.test/dev?"), "wss://ws.test/dev#"];
  for (const webSocketUrl of webSocketUrls) {
    const room = new ChatClient({ url, webSocketUrl, key: KEY, fetch, WebSocket }).join("r1", { name: "Aki" });
    await pass(100);
    assert.equal(room.state.status, "open");
    room.leave();
    assert.equal(server.socket.url.href, `wss://ws.test/dev?roomId=r1&name=Aki&key=${KEY}&batch=1`);
  }
});

test("a platform without WebSocket is told what to hand in", () => {
  const saved = globalThis.WebSocket;
  Object.defineProperty(globalThis, "WebSocket", { value: undefined, configurable: true });
  assert.throws(() => client().join("r1"), /expected the option WebSocket/);
  Object.defineProperty(globalThis, "WebSocket", { value: saved, configurable: true });
});

test("an invalid key is rejected before the handshake, which would not tell why", () => {
  const { fetch, WebSocket } = server;
  for (const key of ["short", "", "k".repeat(65), `${"k".repeat(22)}?`]) {
    const client = new ChatClient({ url: "https://rest.test/dev", key, fetch, WebSocket });
    assert.throws(
      () => client.join("r1"),
      (error) => error instanceof ChatError && error.code === "invalid_key",
    );
  }
  assert.deepEqual(server.sockets, []);
});

test("the room list is read less and less often while nothing changes, and at once when somebody looks again", async () => {
  let count = 1;
  server.respond = () => [200, { rooms: [{ ...ROOM, member_count: count }], nextCursor: null }];
  const list = client().watchRooms();
  const counts: (number | undefined)[] = [];
  list.subscribe(() => counts.push(list.getSnapshot().rooms[0]?.memberCount));
  list.start();
  await pass(300_000);
  const idle = server.requests.length;
  assert.ok(idle >= 7 && idle <= 10, `${idle} requests in five minutes`);
  count = 2;
  while (counts.length < 2) await pass(1_000);
  assert.deepEqual(counts, [1, 2]);
  const before = server.requests.length;
  await pass(5_000);
  assert.equal(server.requests.length, before + 1);
  browser.setHidden(true);
  await pass(60_000);
  const hidden = server.requests.length;
  await pass(600_000);
  assert.equal(server.requests.length, hidden);
  browser.setHidden(false);
  await pass(100);
  assert.equal(server.requests.length, hidden + 1);
  list.stop();
  await pass(600_000);
  assert.equal(server.requests.length, hidden + 1);
});

test("the room list shows further pages and keeps its rooms through an error", async () => {
  server.respond = () => [200, { rooms: [ROOM], nextCursor: "c2" }];
  const list = client().watchRooms();
  await list.refresh();
  assert.deepEqual([list.getSnapshot().rooms.length, list.getSnapshot().hasMore], [1, true]);
  await list.loadMore();
  assert.equal(list.getSnapshot().rooms.length, 2);
  server.respond = () => [500, {}];
  await list.refresh();
  assert.equal(list.getSnapshot().error?.code, "http_500");
  assert.equal(list.getSnapshot().rooms.length, 2);
});

test("the room list shows what follows empty pages, but does not read them for ever", async () => {
  server.respond = () => [200, { rooms: server.requests.length < 4 ? [] : [ROOM], nextCursor: "next" }];
  const list = client().watchRooms();
  await list.refresh();
  assert.deepEqual([list.getSnapshot().rooms.length, list.getSnapshot().hasMore], [1, true]);
  server.respond = () => [200, { rooms: [], nextCursor: "next" }];
  server.requests.length = 0;
  await list.refresh();
  assert.deepEqual([list.getSnapshot().rooms.length, list.getSnapshot().hasMore], [0, true]);
  assert.equal(server.requests.length, 6);
});

test("a listener of the room list that throws stops neither the others nor the next reading", async () => {
  const thrown: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => thrown.push(error));
  server.respond = () => [200, { rooms: [ROOM], nextCursor: null }];
  const list = client().watchRooms();
  let heard = 0;
  list.subscribe(() => {
    throw new Error("listener");
  });
  list.subscribe(() => {
    heard += 1;
  });
  list.start();
  await pass(6_000);
  list.stop();
  for (const listener of before) process.on("uncaughtException", listener);
  assert.deepEqual([thrown.length, heard, server.requests.length], [1, 1, 2]);
});

test("the owner creates, lists and deletes webhooks", async () => {
  const hook = { hookId: "h1", name: "Build", createdAt: "2026-11-23T10:00:00.000Z" };
  const sent: RequestInit[] = [];
  const fetch = async (url: RequestInfo | URL, options: RequestInit = {}) => {
    sent.push(options);
    return options.method === "DELETE" ? new Response(null, { status: 204 }) : server.fetch(url, options);
  };
  const owner = new ChatClient({ url: "https://rest.test/dev", fetch });
  server.respond = () => [201, { hookId: "h1", url: "https://rest.test/dev/hooks/t" }];
  assert.equal((await owner.createHook("r1", "o1", "Build")).url, "https://rest.test/dev/hooks/t");
  server.respond = () => [200, { hooks: [hook] }];
  assert.deepEqual(await owner.listHooks("r1", "o1"), [hook]);
  await owner.deleteHook("r1", "o1", "h1");
  assert.deepEqual(server.requests, ["POST /rooms/r1/hooks", "GET /rooms/r1/hooks"]);
  for (const { headers } of sent) assert.equal(new Headers(headers).get("Authorization"), "Bearer o1");
});

test("a browser keeps its key, and another one has another", () => {
  const storage = new MemoryStorage();
  const key = loadKey(storage);
  assert.match(key, /^[A-Za-z0-9_-]{22,64}$/);
  assert.equal(loadKey(storage), key);
  assert.notEqual(loadKey(new MemoryStorage()), key);
  storage.setItem("chalice-chat.key", '"too short"');
  assert.match(loadKey(storage), /^[A-Za-z0-9_-]{22,64}$/);
  assert.match(loadKey(undefined), /^[A-Za-z0-9_-]{22,64}$/);
});

test("a client has one key for all its rooms", async () => {
  const { fetch, WebSocket } = server;
  const one = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket });
  const rooms = ["r1", "r2"].map((roomId) => one.join(roomId));
  const other = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket }).join("r1");
  await settle();
  const keys = server.sockets.map(({ url }) => url.searchParams.get("key"));
  assert.equal(keys.length, 3);
  assert.equal(new Set(keys).size, 2);
  for (const room of [...rooms, other]) room.leave();
});
