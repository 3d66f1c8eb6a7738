/** Access tokens: when they are asked for, and what happens when the server rejects them. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { identityOf } from "../src/identity.js";
import { ChatClient, type ChatClientOptions, type ChatError, type Room } from "../src/index.js";
import { FakeSocket, pass, settle } from "./fake-server.js";
import { browser, rooms, server, storage, useFakes } from "./setup.js";

const EXPIRED = "the access token has expired";
const KEY = "k".repeat(22);
const UNAUTHORIZED = { error: { code: "unauthorized", message: EXPIRED } };

/** The number of tokens that were asked for. The tokens are t1, t2 and so on. */
let asked: number;
/** The tokens that the server accepts. */
let isValid: (token: string | null) => boolean;

useFakes();
beforeEach(() => {
  asked = 0;
  isValid = () => true;
  server.respond = (path, authorization) =>
    path === "/config" || isValid(authorization?.replace("Bearer ", "") ?? null)
      ? undefined
      : [401, { Code: "UnauthorizedError", Message: EXPIRED }];
});

/** A WebSocket whose handshake the server rejects with a token that is not valid. */
class CheckedSocket extends FakeSocket {
  constructor(url: string) {
    super(server, url);
  }

  override accept(): void {
    if (isValid(this.url.searchParams.get("access_token"))) super.accept();
    else this.cut(1006);
  }
}

function makeClient(options: Partial<ChatClientOptions> = {}): ChatClient {
  return new ChatClient({
    url: "https://rest.test/dev",
    webSocketUrl: "wss://ws.test/dev",
    key: KEY,
    fetch: server.fetch,
    WebSocket: CheckedSocket,
    storage,
    getToken: () => `t${++asked}`,
    ...options,
  });
}

async function join(options: Partial<ChatClientOptions> = {}, name = ""): Promise<Room> {
  const room = makeClient(options).join("r1", { name });
  rooms.push(room);
  await pass(100);
  return room;
}

const tokens = () => server.sockets.map(({ url }) => url.searchParams.get("access_token"));

function errorsOf(room: Room): ChatError[] {
  const errors: ChatError[] = [];
  room.on("error", (error) => errors.push(error));
  return errors;
}

test("each request and each connection has the token, and those at the same time share one", async () => {
  await join();
  assert.deepEqual(tokens(), ["t1"]);
  assert.deepEqual(server.requests, [`GET /rooms/r1/messages?limit=50&key=${KEY}`, `GET /rooms/r1/members?key=${KEY}`]);
  assert.deepEqual(server.authorizations, ["Bearer t1", "Bearer t2"]);
});

test("a guest sends no token", async () => {
  for (const getToken of [() => null, async () => null, undefined]) await join({ getToken });
  assert.deepEqual(tokens(), [null, null, null]);
  assert.deepEqual(new Set(server.authorizations), new Set([null]));
});

test("a request that is rejected is repeated once with another token", async () => {
  isValid = (token) => token !== "t1";
  server.stored.length = 0;
  const list = await makeClient().watchRooms();
  const respond = server.respond;
  server.respond = (path, token) => respond(path, token) ?? [200, { rooms: [], nextCursor: null }];
  await list.refresh();
  assert.equal(list.getSnapshot().error, null);
  assert.deepEqual(server.authorizations, ["Bearer t1", "Bearer t2"]);
  isValid = () => false;
  await assert.rejects(makeClient().createRoom("Tea"), { code: "http_401", message: EXPIRED });
  assert.equal(server.requests.length, 4);
});

test("without getToken, a request that is rejected is not repeated", async () => {
  isValid = () => false;
  await assert.rejects(makeClient({ getToken: undefined }).listRooms(), { code: "http_401" });
  assert.equal(server.requests.length, 1);
});

test("a token that expires while connected is replaced unnoticed, and nothing that was sent is lost", async () => {
  const room = await join();
  await pass(6_000);
  const states: string[] = [];
  room.on("state", ({ status }) => states.push(status));
  const errors = errorsOf(room);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    server.onFrame = () => false;
    socket.receive({ error: { ...UNAUTHORIZED.error, action, clientId: data?.clientId } });
    socket.cut(1000);
    return true;
  };
  const before = asked;
  const sent = room.send("hello");
  await pass(1_000);
  assert.equal((await sent).isOwn, true);
  assert.deepEqual([states, errors, room.pending], [["connecting", "open"], [], []]);
  assert.deepEqual(tokens(), ["t1", `t${before + 1}`]);
});

test("a server that rejects each new connection as unauthorized is asked less and less often", async () => {
  server.onFrame = (socket) => {
    socket.receive(UNAUTHORIZED);
    return true;
  };
  await join();
  await pass(60_000);
  assert.ok(server.sockets.length > 2 && server.sockets.length < 10, `${server.sockets.length} connections`);
});

test("a handshake that is rejected is repeated with another token", async () => {
  isValid = (token) => token !== "t1";
  const room = await join();
  await pass(2_000);
  assert.equal(room.state.status, "open");
});

test("a room whose server rejects the second token, too, is closed with the server's sentence", async () => {
  storage.setItem(
    `chalice-chat.outbox.${identityOf("user", "")}.r1`, // the tokens of this file name no user
    JSON.stringify([{ clientId: "c1", message: "for later", sentAt: null, failure: null }]),
  );
  isValid = () => false;
  const room = await join();
  assert.deepEqual(room.state, { status: "closed", reason: "unauthorized", isFinal: false, message: EXPIRED });
  assert.equal(room.pending[0]?.status, "offline");
  const before = server.requests.length;
  await pass(60_000);
  assert.deepEqual([server.requests.length, server.sockets.length], [before, 1]);
  isValid = () => true;
  await join();
  await pass(3_000);
  assert.deepEqual(
    server.stored.map(({ message }) => message),
    ["for later"],
  );
});

test("a connected room whose token is not renewed is closed, and keeps what was not sent", async () => {
  const room = await join({ getToken: () => "t1" });
  await pass(6_000);
  const errors = errorsOf(room);
  isValid = () => false;
  void room.send("hello");
  server.socket.receive(UNAUTHORIZED);
  await pass(1_000);
  assert.deepEqual(room.state, { status: "closed", reason: "unauthorized", isFinal: false, message: EXPIRED });
  assert.deepEqual([room.pending.length, errors], [1, []]);
});

test("while tokens cannot be verified, the room is tried again", async () => {
  isValid = () => false;
  const usual = server.respond;
  server.respond = () => [503, { Code: "ServiceUnavailableError", Message: "later" }];
  const room = await join();
  assert.equal(room.state.status, "connecting");
  isValid = () => true;
  server.respond = usual;
  await pass(30_000);
  assert.deepEqual([room.state.status, room.getSnapshot().history], ["open", "ready"]);
});

for (const [kind, getToken] of [
  ["throws", () => assert.fail("offline")],
  ["rejects", () => Promise.reject(new TypeError("fetch failed"))],
  ["never responds", () => new Promise<null>(() => {})],
  ["returns what is no token", () => "two\nlines"],
] as const) {
  test(`a getToken that ${kind} is asked again later`, async () => {
    let fails = true;
    const room = await join({ getToken: () => (fails ? getToken() : "t1") });
    const errors = errorsOf(room);
    await pass(25_000);
    assert.equal(server.requests.length + server.sockets.length, 0);
    assert.equal(room.state.status, "connecting");
    assert.ok(errors.length > 0 && errors.every(({ code }) => code === "network"));
    assert.doesNotMatch(errors.map(({ stack, cause }) => `${stack}${cause}`).join(), /two\nlines/);
    fails = false;
    await pass(60_000);
    assert.deepEqual([room.state.status, room.getSnapshot().history], ["open", "ready"]);
  });
}

test("a token that cannot be fetched for a request rejects it", async () => {
  await assert.rejects(makeClient({ getToken: () => assert.fail("offline") }).listRooms(), {
    code: "network",
    message: "The access token could not be fetched.",
  });
});

test("the token is neither stored nor in the error of a WebSocket that cannot be made", async () => {
  class Unmakeable extends FakeSocket {
    constructor(url: string) {
      super(server, url);
      throw new SyntaxError(`The URL '${url}' is invalid.`);
    }
  }
  const room = makeClient({ WebSocket: Unmakeable, getToken: () => "secret" }).join("r1");
  rooms.push(room);
  const errors = errorsOf(room);
  await pass(100);
  assert.equal(errors.length, 1);
  assert.doesNotMatch(errors.map(({ stack, cause }) => `${stack}${cause}`).join(), /secret/);
  browser.hide();
  assert.doesNotMatch(JSON.stringify([...storage.items]), /secret/);
});

test("the name of a user is that of the token, and own messages are recognized by the id in welcome", async () => {
  server.onFrame = (socket, { action }) => {
    if (action === "hello") socket.member = { id: "u1", name: "Aki" };
    return action === "rename";
  };
  const room = await join({}, "Guest");
  assert.deepEqual(room.getSnapshot().you, { id: "u1", name: "Aki" });
  assert.ok(!server.socket.frames.some(({ action }) => action === "rename"));
  server.deliver(server.store("from my phone", { id: "u1", name: "Aki" }));
  await settle();
  assert.deepEqual(
    room.messages.map(({ isOwn }) => isOwn),
    [true],
  );
});

test("requests of the owner have the access token, and beside it the owner's token", async () => {
  server.respond = () => [200, { hooks: [], hookId: "h1", url: "https://rest.test/dev/hooks/t" }];
  await makeClient().listHooks("r1", "owner+token");
  await makeClient().listHooks("r1", "");
  await makeClient().createHook("r1", "o1", "Build");
  await makeClient().deleteHook("r1", "o1", "h1");
  assert.deepEqual(server.requests, [
    "GET /rooms/r1/hooks?owner=owner%2Btoken",
    "GET /rooms/r1/hooks",
    "POST /rooms/r1/hooks?owner=o1",
    "DELETE /rooms/r1/hooks/h1?owner=o1",
  ]);
  assert.deepEqual(server.authorizations, ["Bearer t1", "Bearer t2", "Bearer t3", "Bearer t4"]);
});
