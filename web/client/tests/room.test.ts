/** A room against a server that fails in every way that a test asks for. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { identityOf } from "../src/identity.js";
import { ChatClient, ChatError, type Message, type PendingMessage, type Room, type RoomState } from "../src/index.js";
import { pass, type Stored, settle } from "./fake-server.js";
import { browser, rooms, server, storage, useFakes } from "./setup.js";

const KEY = "k".repeat(22);
/** The key of the unsent messages of a room. */
const OUTBOX = `chalice-chat.outbox.${identityOf("guest", KEY)}.r1`;
const BO = { id: "m-bo", name: "Bo" };
const CLOSE_CODES = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 1015, 4000, 4999];

useFakes();

async function join(options: { name?: string; token?: string; owner?: string } = { name: "Aki" }): Promise<Room> {
  const { fetch, WebSocket } = server;
  const room = new ChatClient({ url: "https://rest.test/dev/", key: KEY, fetch, WebSocket, storage }).join(
    "r1",
    options,
  );
  rooms.push(room);
  await pass(100);
  return room;
}

const texts = (messages: readonly { message: string }[]) => messages.map(({ message }) => message);
const storedOf = (kind: string) => [...storage.items].find(([key]) => key.startsWith(`chalice-chat.${kind}.`)) ?? [];
const requestsOf = (part: string) => server.requests.filter((request) => request.includes(part));

function statesOf(room: Room): string[] {
  const states: string[] = [];
  room.on("state", (state) => states.push(state.status));
  return states;
}

function failsWith(code: string) {
  return (error: unknown) => error instanceof ChatError && error.code === code;
}

test("joining reads the history, the members and the name with one request each", async () => {
  server.store("before");
  const room = await join();
  await pass(3_000);
  const { state, name, you, messages, members, memberCount, history, older } = room.getSnapshot();
  assert.deepEqual(state, { status: "open" });
  assert.equal(name, "Tea");
  assert.deepEqual(you, { id: "m1", name: "Aki" });
  assert.deepEqual(texts(messages), ["before"]);
  assert.deepEqual(members, [{ id: "m1", name: "Aki" }]);
  assert.deepEqual([memberCount, history, older], [1, "ready", "none"]);
  assert.deepEqual(server.requests.sort(), [
    "GET /config",
    `GET /rooms/r1/members?key=${KEY}`,
    `GET /rooms/r1/messages?limit=50&key=${KEY}`,
  ]);
  assert.equal(server.socket.url.href, `wss://ws.test/dev?roomId=r1&name=Aki&key=${KEY}&batch=1`);
});

test("sending resolves to the stored message", async () => {
  const room = await join();
  const heard: Message[] = [];
  room.on("message", (message) => heard.push(message));
  const stored = await room.send("hello\r\nthere");
  assert.equal(stored.message, "hello\nthere");
  assert.deepEqual([stored.sequence, stored.isOwn, stored.sender.name], [1, true, "Aki"]);
  assert.deepEqual(room.messages, [stored]);
  assert.deepEqual(heard, [stored]);
  assert.deepEqual(room.pending, []);
});

test("messages of others are not own, and those of every connection of this client are", async () => {
  const room = await join();
  await room.send("one");
  server.socket.cut();
  await pass(2_000);
  server.deliver(server.store("two"));
  await room.send("three");
  assert.deepEqual(
    room.messages.map(({ isOwn }) => isOwn),
    [true, false, true],
  );
});

test("a message goes out only after the one before it is confirmed", async () => {
  server.onFrame = (_, frame) => frame.action === "sendMessage";
  const room = await join();
  const sent = [room.send("one"), room.send("two")];
  await settle();
  assert.deepEqual(
    room.pending.map(({ status }) => status),
    ["sending", "queued"],
  );
  server.onFrame = () => false;
  await pass(10_000);
  await Promise.all(sent);
  assert.deepEqual(texts(server.stored), ["one", "two"]);
});

test("a message whose echo is lost is sent again under the same clientId and stored once", async () => {
  let lost = 0;
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || lost === 1) return false;
    lost += 1;
    server.store(data?.message ?? "", socket.member, data?.clientId);
    return true;
  };
  const room = await join();
  const sent = room.send("once");
  await pass(10_100);
  assert.equal((await sent).sequence, 1);
  assert.deepEqual(texts(server.stored), ["once"]);
  assert.deepEqual(texts(room.messages), ["once"]);
});

test("a message that is never confirmed fails after six attempts, and can be sent again or discarded", async () => {
  server.onFrame = (_, { action }) => action === "sendMessage";
  const room = await join();
  const sent = assert.rejects(room.send("unheard"), failsWith("unconfirmed"));
  await pass(61_000);
  await sent;
  assert.equal(server.socket.frames.filter(({ action }) => action === "sendMessage").length, 6);
  const [failed] = room.pending;
  assert.equal(failed?.status, "failed");
  server.onFrame = () => false;
  assert.equal((await room.retry(failed?.clientId ?? "")).message, "unheard");
  assert.deepEqual(room.pending, []);
});

test("discarding a message rejects its promise", async () => {
  server.onFrame = (_, { action }) => action === "sendMessage";
  const room = await join();
  const sent = assert.rejects(room.send("never mind"), failsWith("discarded"));
  await settle();
  room.discard(room.pending[0]?.clientId ?? "");
  await sent;
  assert.deepEqual(room.pending, []);
  await assert.rejects(room.retry("nothing"), failsWith("unknown_message"));
});

test("a message whose echo is lost and that is then deleted is not sent again", async () => {
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    server.store(data?.message ?? "", socket.member, data?.clientId);
    return true;
  };
  const room = await join();
  const sent = assert.rejects(room.send("regretted"), failsWith("deleted"));
  await settle();
  const clientId = room.pending[0]?.clientId;
  const deleted = server.storeEvent("deleted", { target: 1, clientId });
  server.stored.shift();
  server.deliver(deleted);
  await sent;
  assert.deepEqual(room.pending, []);
  await pass(60_000);
  assert.equal(server.socket.frames.filter(({ action }) => action === "sendMessage").length, 1);
});

test("a message that is sent to a closed room is rejected at once", async () => {
  const room = await join();
  room.leave();
  await assert.rejects(room.send("too late"), failsWith("closed"));
  assert.deepEqual([room.pending, storedOf("outbox")], [[], []]);
});

test("a rejected message rejects with the server's reason and leaves the way free for the next one", async () => {
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || data?.message !== "bad") return false;
    const error = { code: "invalid_message", message: "message must not be blank", action, clientId: data.clientId };
    socket.receive({ error });
    return true;
  };
  const room = await join();
  const rejected = assert.rejects(room.send("bad"), failsWith("invalid_message"));
  assert.equal((await room.send("good")).message, "good");
  await rejected;
  assert.equal(room.pending[0]?.error?.message, "message must not be blank");
});

test("a message fails at once if its frame would end the connection", async () => {
  server.onFrame = (socket, frame) => {
    if (new TextEncoder().encode(JSON.stringify(frame)).length <= 32_768) return false;
    socket.cut(1009);
    return true;
  };
  const room = await join();
  const withoutText = JSON.stringify({ action: "sendMessage", data: { message: "", clientId: "c".repeat(32) } }).length;
  void room.send("x".repeat(32_769 - withoutText));
  void room.send("\n".repeat(20_000));
  void room.send("👍".repeat(10_000));
  void room.send("x".repeat(32_768 - withoutText));
  await settle();
  assert.deepEqual(
    room.pending.map(({ status, error }) => [status, error?.code]),
    Array.from({ length: 3 }, () => ["failed", "invalid_message"]),
  );
  assert.equal(server.stored.length, 1);
  assert.equal(server.sockets.length, 1);
});

test("an error of another message changes nothing and is reported", async () => {
  server.onFrame = (_, { action }) => action === "sendMessage";
  const room = await join();
  const errors: ChatError[] = [];
  room.on("error", (error) => errors.push(error));
  void room.send("mine");
  await settle();
  server.socket.receive({ error: { code: "invalid_message", message: "too long", clientId: "another" } });
  server.socket.receive({ error: { code: "unknown_action", message: "expected an action", action: "wave" } });
  assert.equal(room.pending[0]?.status, "sending");
  assert.deepEqual(
    errors.map(({ code }) => code),
    ["unknown_action"],
  );
});

test("a rate-limited message is held back for as long as the server says", async () => {
  let isLimited = true;
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || !isLimited) return false;
    isLimited = false;
    const error = { code: "rate_limited", message: "too many", action, clientId: data?.clientId, retryAfter: 7 };
    socket.receive({ error });
    return true;
  };
  const room = await join();
  const sent = room.send("patience");
  await settle();
  assert.equal(room.pending[0]?.status, "held");
  await pass(6_900);
  assert.deepEqual(server.stored, []);
  await pass(200);
  assert.equal((await sent).message, "patience");
});

for (const code of CLOSE_CODES) {
  test(`after close code ${code} the room reconnects and reads what it missed`, async () => {
    const room = await join();
    const states = statesOf(room);
    await pass(6_000);
    server.holdsHandshakes = true;
    server.socket.cut(code);
    server.deliver(server.store("missed"));
    await pass(1_000);
    server.socket.accept();
    await pass(1_000);
    assert.deepEqual(states, ["connecting", "open"]);
    assert.deepEqual(texts(room.messages), ["missed"]);
    assert.equal(server.sockets.length, 2);
  });
}

test("a server that closes each connection at once is tried less and less often", async () => {
  const room = await join();
  for (let cut = 0; cut < 60; cut += 1) {
    if (server.socket.readyState === 1) server.socket.cut(1011);
    await pass(1_000);
  }
  assert.ok(server.sockets.length <= 8, `${server.sockets.length} connections in a minute`);
  assert.equal(room.state.status, "lost");
});

test("a message that is under way when the connection ends is sent on the next one, and stored once", async () => {
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || server.sockets.length > 1) return false;
    server.store(data?.message ?? "", socket.member, data?.clientId);
    socket.cut();
    return true;
  };
  const room = await join();
  const sent = room.send("through");
  await pass(3_000);
  assert.equal((await sent).message, "through");
  assert.deepEqual(texts(server.stored), ["through"]);
  assert.deepEqual(room.messages.length, 1);
  assert.equal(room.messages[0]?.isOwn, true);
});

test("messages written without a network wait, and go out in order", async () => {
  const room = await join();
  browser.goOffline();
  await settle();
  assert.equal(room.state.status, "lost");
  server.rejectsHandshakes = true;
  const sent = [room.send("one"), room.send("two")];
  assert.equal(room.pending[0]?.status, "offline");
  await pass(20_000);
  server.rejectsHandshakes = false;
  browser.goOnline();
  await pass(500);
  await Promise.all(sent);
  assert.deepEqual(texts(server.stored), ["one", "two"]);
  assert.equal(room.state.status, "open");
});

test("a gap is read over REST", async () => {
  const room = await join();
  server.store("one");
  server.deliver(server.store("two"));
  assert.deepEqual(texts(room.messages), ["two"]);
  await pass(500);
  assert.deepEqual(texts(room.messages), ["one", "two"]);
});

test("a frame that overtakes another needs no request", async () => {
  const room = await join();
  await pass(3_000);
  const before = server.requests.length;
  const [one, two] = [server.store("one"), server.store("two")];
  server.deliver(two);
  await pass(200);
  server.deliver(one);
  await pass(5_000);
  assert.deepEqual(texts(room.messages), ["one", "two"]);
  assert.equal(server.requests.length, before + 1); // the reading that was due already finds nothing missing
});

test("a message that arrives twice is shown once", async () => {
  const room = await join();
  const stored = server.store("once");
  server.deliver(stored);
  server.deliver(stored);
  await pass(1_000);
  assert.deepEqual(texts(room.messages), ["once"]);
});

test("messages from before the connection was fully entered are found two seconds later", async () => {
  const room = await join();
  server.store("not delivered to the new connection");
  await pass(2_500);
  assert.deepEqual(texts(room.messages), ["not delivered to the new connection"]);
});

test("a missing welcome does not keep the room from catching up", async () => {
  server.onFrame = (_, { action }) => action === "hello";
  const room = await join();
  server.store("missed");
  await pass(6_000);
  assert.deepEqual(texts(room.messages), ["missed"]);
});

test("more missed messages than a page are read page by page", async () => {
  const room = await join();
  server.socket.cut();
  for (let number = 1; number <= 250; number += 1) server.store(String(number));
  await pass(3_000);
  assert.equal(room.messages.length, 250);
  assert.equal(requestsOf("after=").length, 3);
});

test("pages that end early are continued where they end, and nothing is skipped", async () => {
  server.store("one");
  const room = await join();
  server.socket.cut();
  server.readsAtMost = 100;
  server.burn(250);
  server.store("two");
  server.burn(150);
  server.store("three");
  await pass(3_000);
  assert.deepEqual(texts(room.messages), ["one", "two", "three"]);
  const read = requestsOf("after=").map((request) => request.match(/after=(\d+)/)?.[1]);
  assert.deepEqual(read, ["1", "101", "201", "301", "401"]);
});

test("a page that ends where it began is read again later and later, and nothing is skipped", async () => {
  server.store("one");
  const room = await join();
  server.socket.cut();
  server.onFrame = (_, { action }) => action === "hello"; // only the pages tell that there is more
  server.readsAtMost = 0;
  server.store("two");
  await pass(60_000);
  const readings = requestsOf("after=1").length;
  assert.ok(readings >= 4 && readings <= 10, String(readings));
  server.deliver(server.store("three"));
  server.readsAtMost = 100;
  await pass(30_000);
  assert.deepEqual(texts(room.messages), ["one", "two", "three"]);
});

test("an old message under way is not sent again before the pages that end early have been read", async () => {
  const room = await join();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return action === "hello";
    server.burn(150);
    server.store(data?.message ?? "", socket.member, data?.clientId);
    return true;
  };
  const sent = room.send("once");
  await settle();
  server.rejectsHandshakes = true;
  browser.goOffline();
  await pass(10 * 60_000);
  server.rejectsHandshakes = false;
  server.readsAtMost = 100;
  browser.goOnline();
  await pass(10_000);
  assert.equal((await sent).sequence, 151);
  const frames = server.sockets.flatMap((socket) => socket.frames.map(({ action }) => action));
  assert.equal(frames.filter((action) => action === "sendMessage").length, 1);
});

test("a first page that ends early is continued to the messages before it", async () => {
  server.store("old");
  server.burn(250);
  server.store("new");
  server.burn(120);
  server.readsAtMost = 100;
  const room = await join();
  await pass(1_000);
  assert.deepEqual(texts(room.messages), ["old", "new"]);
  assert.deepEqual([room.getSnapshot().history, room.getSnapshot().older], ["ready", "none"]);
  assert.equal(requestsOf("before=").length, 3);
  server.deliver(server.store("live"));
  assert.deepEqual(texts(room.messages), ["old", "new", "live"]);
});

test("older pages that end early are continued until there are as many messages as requested", async () => {
  for (let number = 1; number <= 200; number += 1) server.store(String(number));
  const room = await join();
  server.readsAtMost = 30;
  await room.loadOlder();
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [100, "more"]);
  await room.loadOlder({ limit: 40 });
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [140, "more"]);
  await room.loadOlder({ limit: 60 });
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [200, "none"]);
});

test("older messages that are requested while some are read are waited for, and read once", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(String(number));
  const room = await join();
  void room.loadOlder();
  await room.loadOlder();
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [60, "none"]);
  assert.equal(requestsOf("before=").length, 1);
});

test("an older page that ends where it began has failed, and can be read again", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(String(number));
  const room = await join();
  server.readsAtMost = 0;
  await room.loadOlder();
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [50, "failed"]);
  assert.equal(requestsOf("before=").length, 1);
  server.readsAtMost = 100;
  await room.loadOlder();
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [60, "none"]);
});

test("a room that is left while older messages are read does not go on loading", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(String(number));
  const room = await join();
  const reading = room.loadOlder();
  assert.equal(room.getSnapshot().older, "loading");
  room.subscribe(() => room.leave());
  room.leave();
  assert.equal(room.getSnapshot().older, "more");
  await reading;
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [50, "more"]);
});

test("older messages are read on request", async () => {
  for (let number = 1; number <= 120; number += 1) server.store(String(number));
  const room = await join();
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [50, "more"]);
  await room.loadOlder();
  assert.deepEqual([room.messages.length, room.messages[0]?.message], [100, "21"]);
  await room.loadOlder();
  await room.loadOlder();
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [120, "none"]);
});

test("as many older messages are read as requested, in pages of the length that the server allows", async () => {
  for (let number = 1; number <= 400; number += 1) server.store(String(number));
  const room = await join();
  for (const [limit, total] of [
    [5, 55],
    [0, 105],
    [-3, 106],
    [Number.NaN, 156],
    [0.5, 157],
    [230, 387],
  ] as const) {
    await room.loadOlder({ limit });
    assert.deepEqual([limit, room.messages.length, room.getSnapshot().older], [limit, total, "more"]);
  }
  await room.loadOlder({ limit: Number.POSITIVE_INFINITY });
  assert.deepEqual([room.messages.length, room.getSnapshot().older], [400, "none"]);
  const limits = requestsOf("before=").map((request) => new URLSearchParams(request.split("?")[1]).get("limit"));
  assert.deepEqual(limits, ["5", "50", "1", "50", "1", "100", "100", "30", "100"]);
});

test("a failed reading of older messages can be repeated", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(String(number));
  const room = await join();
  server.respond = (path) => (path.endsWith("/messages") ? [500, {}] : undefined);
  await room.loadOlder();
  assert.equal(room.getSnapshot().older, "failed");
  server.respond = () => undefined;
  await room.loadOlder();
  assert.equal(room.messages.length, 60);
});

test("a history that cannot be read at first is read later", async () => {
  server.store("one");
  server.respond = (path) => (path.endsWith("/messages") ? "unreachable" : undefined);
  const room = await join();
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  assert.equal(room.getSnapshot().history, "failed");
  await pass(2_000);
  server.respond = () => undefined;
  await pass(4_000);
  assert.equal(room.getSnapshot().history, "ready");
  assert.deepEqual(texts(room.messages), ["one"]);
  assert.ok(errors.includes("network"));
});

test("missed messages that are no longer stored are announced", async () => {
  server.store("one");
  const room = await join();
  const expired: number[] = [];
  room.on("expired", ({ after }) => expired.push(after));
  server.socket.cut();
  for (let number = 0; number < 5; number += 1) server.store("lost");
  server.firstStored = 6;
  await pass(3_000);
  assert.deepEqual(expired, [1]);
  assert.equal(room.messages.length, 2);
});

test("a room that is gone closes for good and fails what was not sent", async () => {
  const room = await join();
  browser.goOffline();
  const sent = assert.rejects(room.send("too late"), failsWith("closed"));
  server.rejectsHandshakes = true;
  server.respond = (path) =>
    path.startsWith("/rooms") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  browser.goOnline();
  await pass(1_000);
  await sent;
  assert.deepEqual(room.state, { status: "closed", reason: "gone", isFinal: true, message: "room not found" });
  await pass(60_000);
  assert.equal(server.sockets.length, 2);
});

test("a room that does not exist closes at once", async () => {
  server.respond = (path) =>
    path.startsWith("/rooms") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  server.rejectsHandshakes = true;
  const room = await join();
  assert.deepEqual(room.state, { status: "closed", reason: "gone", isFinal: true, message: "room not found" });
  assert.equal(room.getSnapshot().history, "loading");
});

test("a name that is too long is rejected before the handshake, which would not tell why", async () => {
  const tooLong = { code: "invalid_name", message: "expected a name of at most 40 characters, not 41" };
  await assert.rejects(join({ name: "👍".repeat(41) }), tooLong);
  const room = await join({ name: "👍".repeat(40) });
  assert.throws(() => room.rename("x".repeat(41)), tooLong);
  assert.equal(server.sockets.length, 1);
});

for (const name of ["two\nlines", "bell\u0007", "line\u2028separator", " ", "\u200b"]) {
  test(`the name ${JSON.stringify(name)} is rejected before the handshake`, async () => {
    await assert.rejects(join({ name }), failsWith("invalid_name"));
    const room = await join();
    assert.throws(() => room.rename(name), failsWith("invalid_name"));
    assert.equal(server.sockets.length, 1);
  });
}

for (const status of [401, 403, 404]) {
  test(`a proxy that responds with the status ${status} does not end the room`, async () => {
    server.rejectsHandshakes = true;
    server.respond = (path) => (path.startsWith("/rooms") ? [status, { message: "Forbidden" }] : undefined);
    const room = await join();
    await pass(2_000);
    assert.equal(room.state.status, "connecting");
    server.rejectsHandshakes = false;
    server.respond = () => undefined;
    await pass(5_000);
    assert.equal(room.state.status, "open");
  });
}

test("a private room without its token closes, but not for good, and keeps what was not sent", async () => {
  storage.setItem(OUTBOX, JSON.stringify([{ clientId: "c1", message: "for later", sentAt: null }]));
  server.respond = (path) =>
    path.startsWith("/rooms") ? [403, { Code: "ForbiddenError", Message: "this room is private" }] : undefined;
  server.rejectsHandshakes = true;
  const room = await join();
  assert.deepEqual(room.state, {
    status: "closed",
    reason: "private",
    isFinal: false,
    message: "this room is private",
  });
  assert.equal(room.pending[0]?.status, "offline");
  server.respond = () => undefined;
  server.rejectsHandshakes = false;
  await join({ token: "t1" });
  await settle();
  assert.deepEqual(texts(server.stored), ["for later"]);
  assert.equal(server.socket.url.searchParams.get("token"), "t1");
  assert.ok(requestsOf("token=t1").length > 0);
});

test("a handshake that fails while the room exists is tried again", async () => {
  server.rejectsHandshakes = true;
  const room = await join();
  assert.equal(room.state.status, "connecting");
  server.rejectsHandshakes = false;
  room.reconnect();
  await settle();
  assert.equal(room.state.status, "open");
});

test("an unreachable configuration is asked for again", async () => {
  server.respond = (path) => (path === "/config" ? "unreachable" : undefined);
  const room = await join();
  assert.equal(room.state.status, "connecting");
  server.respond = () => undefined;
  await pass(2_000);
  assert.equal(room.state.status, "open");
});

test("a handshake that never gets a response is given up after 15 seconds", async () => {
  server.holdsHandshakes = true;
  await join();
  const [first] = server.sockets;
  await pass(15_100);
  assert.equal(first?.readyState, 3);
});

test("leaving ends the connection, and nothing happens afterwards", async () => {
  const room = await join();
  await pass(3_000);
  const before = server.requests.length;
  room.leave();
  assert.deepEqual(room.state, { status: "closed", reason: "left", isFinal: true });
  assert.equal(server.socket.readyState, 3);
  room.rename("Bo");
  room.reconnect();
  browser.goOffline();
  browser.goOnline();
  await pass(300_000);
  assert.equal(server.sockets.length, 1);
  assert.equal(server.requests.length, before);
  assert.deepEqual(room.state, { status: "closed", reason: "left", isFinal: true } satisfies RoomState);
});

for (const status of ["connecting", "open", "lost"]) {
  test(`leaving in a listener of the state ${status} ends the connection for good`, async () => {
    server.onFrame = (_, { action }) => action === "sendMessage";
    const room = await join();
    await pass(6_000);
    void room.send("kept");
    room.on("state", (state) => state.status === status && room.leave());
    server.rejectsHandshakes = status === "lost";
    server.socket.cut();
    await pass(400);
    assert.deepEqual(room.state, { status: "closed", reason: "left", isFinal: true });
    assert.equal(room.pending[0]?.status, "offline");
    server.rejectsHandshakes = false;
    await pass(60_000);
    assert.equal(room.state.status, "closed");
    assert.deepEqual(
      server.sockets.filter(({ readyState }) => readyState < 2),
      [],
    );
  });
}

test("leaving in a listener of an error ends the connection, too", async () => {
  server.respond = (path) => (path === "/config" ? "unreachable" : undefined);
  const { fetch, WebSocket } = server;
  const room = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket, storage }).join("r1");
  room.on("error", () => room.leave());
  await pass(100);
  server.respond = () => undefined;
  await pass(60_000);
  assert.equal(room.state.status, "closed");
  assert.deepEqual(server.sockets, []);
});

test("an idle connection says hello after three to four minutes, and sends no other request", async () => {
  await join();
  await pass(3_000);
  const before = server.requests.length;
  server.socket.frames.length = 0;
  await pass(245_000);
  assert.deepEqual(server.socket.frames, [{ action: "hello" }]);
  assert.equal(server.requests.length, before);
});

test("a heartbeat reads the message whose frame was lost, and the number of members of a large room", async () => {
  server.memberCount = 5_000;
  const room = await join();
  await pass(3_000);
  server.store("lost");
  server.memberCount = 6_000;
  await pass(245_000);
  assert.deepEqual([texts(room.messages), room.getSnapshot().memberCount], [["lost"], 6_000]);
  assert.equal(requestsOf("/members").length, 0);
});

test("a clock that was put back does not put off the heartbeat", async () => {
  await join();
  await pass(3_000);
  server.socket.frames.length = 0;
  const { now } = Date;
  mock.method(Date, "now", () => now() - 3 * 60 * 60_000);
  await pass(10_000);
  assert.deepEqual(server.socket.frames, [{ action: "hello" }]);
  await pass(200_000);
  assert.equal(server.socket.frames.length, 1);
  await pass(45_000);
  assert.equal(server.socket.frames.length, 2);
});

test("a connection that does not respond to a heartbeat is replaced", async () => {
  const room = await join();
  await pass(3_000);
  server.onFrame = ({ frames }) => frames.length > 2 && server.sockets.length === 1;
  await pass(245_000 + 16_000);
  assert.equal(server.sockets.length, 2);
  assert.equal(room.state.status, "open");
});

test("a page that is looked at again checks its connection", async () => {
  await join();
  server.socket.frames.length = 0;
  browser.setHidden(true);
  await settle();
  assert.deepEqual(server.socket.frames, []);
  browser.setHidden(false);
  await settle();
  assert.deepEqual(server.socket.frames, [{ action: "hello" }]);
});

test("a server that no longer knows the connection makes the room connect again", async () => {
  const room = await join();
  let isForgotten = true;
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || !isForgotten) return false;
    isForgotten = false;
    socket.receive({ error: { code: "not_in_room", message: "join first", action, clientId: data?.clientId } });
    return true;
  };
  const sent = room.send("again");
  await pass(3_000);
  assert.equal((await sent).message, "again");
  assert.equal(server.sockets.length, 2);
});

function noticesOf(room: Room): string[] {
  const notices: string[] = [];
  room.on("notice", ({ message }) => notices.push(message));
  return notices;
}

function comeOrGo(type: "join" | "leave", sender: { id: string; name: string }, memberCount: number): void {
  const message = `${sender.name} ${type === "join" ? "joined" : "left"}`;
  server.socket.receive({ message: { type, message, sender, memberCount } });
}

const namesOf = (room: Room) => room.members.map(({ name }) => name);

test("nobody is said to have joined who may have been there before the members were read", async () => {
  server.respond = (path) => (path === "/rooms/r1/members" ? "unreachable" : undefined);
  const room = await join();
  const notices = noticesOf(room);
  server.members.set(BO.id, BO.name);
  server.connections.set(BO.id, 2);
  server.respond = () => undefined;
  comeOrGo("join", BO, 3);
  await pass(2_000);
  assert.deepEqual([namesOf(room), notices], [["Aki", "Bo"], []]);
});

test("joins of others are announced at once, leaves after ten seconds", async () => {
  const room = await join();
  const notices = noticesOf(room);
  server.members.set(BO.id, BO.name);
  comeOrGo("join", BO, 2);
  assert.deepEqual(namesOf(room), ["Aki", "Bo"]);
  server.members.delete(BO.id);
  comeOrGo("leave", BO, 1);
  assert.equal(room.getSnapshot().memberCount, 1);
  await pass(9_900);
  assert.deepEqual([namesOf(room), notices], [["Aki", "Bo"], ["Bo joined"]]);
  await pass(200);
  assert.deepEqual([namesOf(room), notices], [["Aki"], ["Bo joined", "Bo left"]]);
});

test("nobody notices a page that is reloaded, in whatever order its frames arrive", async () => {
  const room = await join();
  server.members.set(BO.id, BO.name);
  comeOrGo("join", BO, 2);
  const notices = noticesOf(room);
  for (const types of [
    ["leave", "join"],
    ["join", "leave"],
  ] as const) {
    for (const type of types) comeOrGo(type, BO, 2);
    await pass(12_000);
  }
  assert.deepEqual([namesOf(room), notices], [["Aki", "Bo"], []]);
});

test("a member has left when the last of several connections has", async () => {
  server.members.set(BO.id, BO.name);
  server.connections.set(BO.id, 2);
  const room = await join();
  const notices = noticesOf(room);
  server.connections.set(BO.id, 1);
  comeOrGo("leave", BO, 2);
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices], [["Bo", "Aki"], []]);
  server.members.delete(BO.id);
  comeOrGo("leave", BO, 1);
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices], [["Aki"], ["Bo left"]]);
});

test("other connections of this client are not announced", async () => {
  const room = await join();
  const notices = noticesOf(room);
  const { member } = server.socket;
  comeOrGo("join", member, 2);
  comeOrGo("leave", member, 1);
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices], [["Aki"], []]);
});

test("nothing is announced after leaving", async () => {
  const room = await join();
  const notices = noticesOf(room);
  comeOrGo("join", BO, 2);
  comeOrGo("leave", BO, 1);
  room.leave();
  await pass(12_000);
  assert.deepEqual(notices, ["Bo joined"]);
});

test("a new name of another is announced, and one's own taken over from another tab", async () => {
  const room = await join();
  server.members.set(BO.id, BO.name);
  comeOrGo("join", BO, 2);
  const notices = noticesOf(room);
  const bea = { ...BO, name: "Bea" };
  server.socket.receive({ message: { type: "rename", message: "Bo is now Bea", sender: bea, formerName: "Bo" } });
  assert.deepEqual([namesOf(room), notices], [["Aki", "Bea"], ["Bo is now Bea"]]);
  const own = { ...server.socket.member, name: "Ann" };
  server.socket.receive({ message: { type: "rename", message: "Aki is now Ann", sender: own, formerName: "Aki" } });
  assert.deepEqual([room.getSnapshot().you?.name, namesOf(room)], ["Ann", ["Ann", "Bea"]]);
  assert.deepEqual(notices, ["Bo is now Bea"]);
  server.socket.cut();
  await pass(2_000);
  assert.equal(server.socket.url.searchParams.get("name"), "Ann");
});

test("a new name that arrives while the members are read is kept", async () => {
  const bea = { ...BO, name: "Bea" };
  server.members.set(BO.id, BO.name);
  server.respond = (path) => {
    if (path !== "/rooms/r1/members") return undefined;
    server.socket.receive({ message: { type: "rename", message: "Bo is now Bea", sender: bea, formerName: "Bo" } });
    return [200, { members: [BO] }];
  };
  const room = await join();
  assert.deepEqual(namesOf(room), ["Bea"]);
});

test("the members of a large room are not read", async () => {
  server.memberCount = 101;
  const room = await join();
  await pass(3_000);
  assert.deepEqual(requestsOf("/members"), []);
  assert.deepEqual([room.members.length, room.getSnapshot().memberCount], [0, 101]);
});

test("a member list that lacks somebody is read again", async () => {
  server.memberCount = 2;
  const room = await join();
  server.members.set("m-late", "Late");
  await pass(1_500);
  assert.deepEqual(
    room.members.map(({ name }) => name),
    ["Aki", "Late"],
  );
});

for (const fault of ["unreachable", "stale"]) {
  test(`a member list that stays ${fault} for a minute is read less and less often, until it is right`, async () => {
    server.respond = (path) => {
      if (path !== "/rooms/r1/members") return undefined;
      return fault === "stale" ? [200, { members: [] }] : "unreachable";
    };
    const room = await join();
    await pass(60_000);
    const readings = requestsOf("/members").length;
    assert.ok(readings >= 4 && readings <= 10, `${readings} readings in a minute`);
    server.respond = () => undefined;
    await pass(60_000);
    assert.deepEqual(namesOf(room), ["Aki"]);
    const enough = requestsOf("/members").length;
    await pass(120_000);
    assert.equal(requestsOf("/members").length, enough);
  });
}

test("a room that has grown large, or was left, is not read again", async () => {
  server.respond = (path) => (path === "/rooms/r1/members" ? "unreachable" : undefined);
  const room = await join();
  server.memberCount = 101;
  await pass(3_000); // the second welcome
  const before = requestsOf("/members").length;
  await pass(120_000);
  assert.equal(requestsOf("/members").length, before);
  room.leave();
  await pass(120_000);
  assert.equal(requestsOf("/members").length, before);
});

test("a member who has left and come back while the connection was lost is not said to have left", async () => {
  const room = await join();
  const notices = noticesOf(room);
  server.members.set(BO.id, BO.name);
  comeOrGo("join", BO, 2);
  server.members.delete(BO.id);
  comeOrGo("leave", BO, 1);
  await pass(5_900);
  server.holdsHandshakes = true;
  server.socket.cut();
  server.members.set(BO.id, BO.name);
  await pass(10_000);
  assert.deepEqual([namesOf(room), notices], [["Aki", "Bo"], ["Bo joined"]]);
  server.socket.accept();
  await pass(12_000);
  assert.deepEqual([namesOf(room).sort(), notices], [["Aki", "Bo"], ["Bo joined"]]);
  server.socket.cut();
  server.members.delete(BO.id);
  await pass(1_000);
  server.socket.accept();
  await pass(12_000);
  assert.deepEqual(namesOf(room), ["Aki"]);
});

test("renaming keeps the connection", async () => {
  const room = await join();
  room.rename("Aki");
  room.rename("Bo");
  await settle();
  assert.equal(server.sockets.length, 1);
  assert.deepEqual(room.getSnapshot().you, { id: "m1", name: "Bo" });
  assert.deepEqual(server.socket.frames.filter(({ action }) => action === "rename").length, 1);
});

test("a name that is chosen while the connection opens is sent when it is open", async () => {
  server.holdsHandshakes = true;
  const room = await join();
  room.rename("Bo");
  server.socket.accept();
  await settle();
  assert.deepEqual(room.getSnapshot().you, { id: "m1", name: "Bo" });
});

test("a new name that the server rejects can be tried again, and is not used for the next connection", async () => {
  const room = await join();
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  server.onFrame = (socket, { action }) => {
    if (action !== "rename") return false;
    socket.receive({ error: { code: "rate_limited", message: "too many", action } });
    return true;
  };
  room.rename("Bo");
  await settle();
  assert.deepEqual([errors, room.getSnapshot().you?.name], [["rate_limited"], "Aki"]);
  server.onFrame = () => false;
  room.rename("Bo");
  await settle();
  assert.equal(room.getSnapshot().you?.name, "Bo");
});

test("a late welcome does not undo the name that another tab has chosen", async () => {
  const room = await join();
  server.socket.member = { ...server.socket.member, name: "Bea" }; // the frame about it is lost
  await pass(3_000);
  assert.deepEqual(server.socket.frames.filter(({ action }) => action === "rename").length, 0);
  assert.equal(room.getSnapshot().you?.name, "Bea");
  server.socket.cut();
  await pass(2_000);
  assert.equal(server.socket.url.searchParams.get("name"), "Bea");
});

test("an empty name makes a guest, who connects again to get a name", async () => {
  const room = await join();
  room.rename("");
  await settle();
  assert.deepEqual(room.getSnapshot().you, { id: "m1", name: "guest-m1" });
});

// Events and commands

test("a deleted message disappears from the messages", async () => {
  const room = await join();
  const stored = await room.send("oops");
  await room.send("fine");
  server.onFrame = (_, { action, data }) => {
    if (action !== "deleteMessage") return false;
    server.deliver(server.storeEvent("deleted", { target: Number(data?.sequence) }));
    return true;
  };
  await room.deleteMessage(stored.sequence);
  assert.deepEqual(texts(room.messages), ["fine"]);
});

test("a message that was deleted while the connection was lost disappears after the reconnect", async () => {
  server.store("secret");
  const room = await join();
  assert.deepEqual(texts(room.messages), ["secret"]);
  server.socket.cut();
  server.storeEvent("deleted", { target: 1 });
  server.stored.shift();
  server.store("next");
  await pass(2_000);
  assert.deepEqual(texts(room.messages), ["next"]);
});

test("a command that the server rejects rejects with its reason, and is not reported twice", async () => {
  const room = await join();
  const errors: ChatError[] = [];
  room.on("error", (error) => errors.push(error));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "closeRoom") return false;
    const error = { code: "forbidden", message: "only the owner may do this", action, clientId: data?.clientId };
    socket.receive({ error });
    return true;
  };
  await assert.rejects(room.close(), failsWith("forbidden"));
  assert.deepEqual(errors, []);
});

test("a command without a response or a connection rejects", async () => {
  const room = await join();
  const unanswered = assert.rejects(room.removeMember("m-bo"), failsWith("unconfirmed"));
  await pass(10_100);
  await unanswered;
  browser.goOffline();
  await assert.rejects(room.update({ locked: true }), failsWith("offline"));
  const left = assert.rejects(room.update({ locked: true }), failsWith("offline"));
  room.leave();
  await left;
});

test("closing a room is done when the room is gone, also if the frame about it is lost", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (socket, { action }) => {
    if (action !== "closeRoom") return false;
    server.rejectsHandshakes = true;
    server.respond = (path) =>
      path.startsWith("/rooms") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
    socket.cut(1000);
    return true;
  };
  const closed = room.close();
  await pass(3_000);
  assert.equal(room.state.status, "closed");
  await closed;
});

test("a response to hello that an event has overtaken does not undo the event", async () => {
  const room = await join();
  server.onFrame = (_, { action }) => action === "hello";
  const lastSequence = server.store("before").sequence;
  const locked = { name: "Coffee", private: false, locked: true };
  server.deliver(server.storeEvent("updated", { room: locked }));
  const { member } = server.socket;
  server.socket.receive({
    welcome: { member, room: { name: "Tea", private: false, locked: false }, memberCount: 1, lastSequence },
  });
  assert.deepEqual([room.getSnapshot().name, room.getSnapshot().isLocked], ["Coffee", true]);
});

test("each change of the owner waits for its own event", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (_, { action }) => action === "updateRoom";
  let isUnlocked = false;
  const locked = room.update({ locked: true });
  const unlocked = room.update({ locked: false }).then(() => {
    isUnlocked = true;
  });
  const renamed = assert.rejects(room.update({ name: "Coffee" }), failsWith("unconfirmed"));
  const { member } = server.socket;
  server.deliver(server.storeEvent("updated", { room: { name: "Tea", private: false, locked: true } }, member));
  await locked;
  await settle();
  assert.equal(isUnlocked, false);
  server.deliver(server.storeEvent("updated", { room: { name: "Tea", private: false, locked: false } }, member));
  await unlocked;
  await pass(10_100);
  await renamed;
});

test("an error rejects the command that caused it, also when another one was sent before", async () => {
  const room = await join();
  await room.send("mine");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "deleteMessage" || Number(data?.sequence) === 1) return action === "deleteMessage";
    const error = { code: "forbidden", message: "not yours", action, clientId: data?.clientId };
    socket.receive({ error });
    return true;
  };
  const deleted = room.deleteMessage(1);
  await assert.rejects(room.deleteMessage(2), failsWith("forbidden"));
  server.deliver(server.storeEvent("deleted", { target: 1 }));
  await deleted;
});

test("the owner's changes are in the snapshot and announced to the others", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  const notices = noticesOf(room);
  assert.equal(room.getSnapshot().isOwner, true);
  const locked = { name: "Coffee", private: false, locked: true };
  server.onFrame = (socket, { action }) => {
    if (action !== "updateRoom") return false;
    server.deliver(server.storeEvent("updated", { room: locked }, socket.member));
    return true;
  };
  await room.update({ name: "Coffee", locked: true });
  assert.deepEqual([room.getSnapshot().name, room.getSnapshot().isLocked], ["Coffee", true]);
  assert.deepEqual(notices, []);
  server.deliver(server.storeEvent("updated", { room: { ...locked, locked: false } }));
  assert.equal(room.getSnapshot().isLocked, false);
  assert.deepEqual(notices, ["Owner updated"]);
});

test("an older change that arrives late does not undo a newer one", async () => {
  const room = await join();
  const [older, newer] = ["Older", "Newer"].map((name) =>
    server.storeEvent("updated", { room: { name, private: false, locked: false } }),
  );
  server.deliver(newer as never);
  server.deliver(older as never);
  assert.equal(room.getSnapshot().name, "Newer");
});

test("several members are removed with one frame, and the removal is done when all are", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (_, { action }) => action === "removeMember";
  let isDone = false;
  const removed = room.removeMember([BO.id, "m-cy"]).then(() => {
    isDone = true;
  });
  await settle();
  assert.deepEqual(server.socket.frames.at(-1)?.data?.memberIds, [BO.id, "m-cy"]);
  server.deliver(server.storeEvent("removed", { member: BO }, server.socket.member));
  await settle();
  assert.equal(isDone, false);
  server.deliver(server.storeEvent("removed", { member: { id: "m-cy", name: "Cy" } }, server.socket.member));
  await removed;
});

/** Note the tokens that a room gets. */
function tokensOf(room: Room): unknown[] {
  const tokens: unknown[] = [];
  room.on("tokens", (renewed) => tokens.push(renewed));
  return tokens;
}

const sentTokens = (socket = server.socket) => ["token", "owner"].map((name) => socket.url.searchParams.get(name));
const renewals = () =>
  server.sockets.map(({ frames }) => frames.filter(({ action }) => action === "updateRoom").length);

test("new tokens are requested by the owner, and used for reconnects and requests", async () => {
  const room = await join({ name: "Aki", token: "join-0", owner: "owner-token" });
  const tokens = tokensOf(room);
  assert.deepEqual(await room.renewTokens({ join: true }), { joinToken: "join-1" });
  assert.deepEqual(await room.renewTokens({ join: true, owner: true }), { joinToken: "join-3", ownerToken: "owner-2" });
  assert.deepEqual(tokens, [{ joinToken: "join-1" }, { ownerToken: "owner-2" }, { joinToken: "join-3" }]);
  const requested = server.socket.frames.filter(({ action }) => action === "updateRoom").map(({ data }) => data);
  assert.deepEqual(
    requested.map((data) => ({ ...data, clientId: "" })),
    [
      { newJoinToken: true, clientId: "" },
      { newOwnerToken: true, clientId: "" },
      { newJoinToken: true, clientId: "" },
    ],
  );
  server.requests.length = 0;
  server.socket.cut();
  server.store("missed");
  await pass(3_000);
  assert.deepEqual(sentTokens(), ["join-3", "owner-2"]);
  assert.equal(room.getSnapshot().isOwner, true);
  assert.deepEqual(texts(room.messages), ["missed"]);
  for (const request of requestsOf("/rooms/")) assert.match(request, /token=join-3&key=k+&owner=owner-2$/);
});

test("tokens whose frame is lost are requested again, with the former owner's token", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (socket, { action }) => {
    if (action !== "updateRoom") return false;
    server.ownerToken = "nobody knows";
    socket.cut();
    server.onFrame = () => false;
    return true;
  };
  const renewed = room.renewTokens({ owner: true });
  await pass(9_000);
  assert.deepEqual([sentTokens(), room.getSnapshot().isOwner], [[null, "owner-token"], false]);
  await pass(5_000);
  assert.deepEqual(await renewed, { ownerToken: "owner-1" });
  assert.equal(room.getSnapshot().isOwner, true);
  server.socket.cut();
  await pass(2_000);
  assert.deepEqual([sentTokens(), room.getSnapshot().isOwner], [[null, "owner-1"], true]);
});

test("a request for tokens without a response is repeated twice", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (_, { action }) => action === "updateRoom";
  const renewed = assert.rejects(room.renewTokens({ owner: true }), failsWith("unconfirmed"));
  await pass(35_000);
  await renewed;
  assert.deepEqual(renewals(), [3]);
  assert.equal(room.state.status, "open");
});

test("a request for tokens that is rejected, or not sent, is not repeated", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    socket.receive({ error: { code: "forbidden", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  await assert.rejects(room.renewTokens({ join: true }), failsWith("forbidden"));
  assert.deepEqual(renewals(), [1]);
  browser.goOffline();
  await assert.rejects(room.renewTokens({ join: true }), failsWith("offline"));
});

test("leaving ends the wait for a connection to request tokens on", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.onFrame = (_, { action }) => action === "updateRoom";
  const renewed = assert.rejects(room.renewTokens({ owner: true }), failsWith("closed"));
  await settle();
  server.rejectsHandshakes = true;
  server.socket.cut();
  await pass(11_000);
  assert.equal(room.state.status, "lost");
  room.leave();
  await renewed;
});

test("a reading that was rejected because its token was replaced meanwhile is repeated", async () => {
  const room = await join({ token: "join-0", owner: "owner-token" });
  server.respond = (path) => {
    if (!path.endsWith("/messages") || !server.requests.at(-1)?.includes("token=join-0")) return undefined;
    server.socket.receive({ tokens: { joinToken: "join-1" } });
    return [403, { Code: "ForbiddenError", Message: "no" }];
  };
  server.store("missed");
  server.deliver(server.store("gap"));
  await pass(2_000);
  assert.deepEqual(texts(room.messages), ["missed", "gap"]);
  assert.equal(room.state.status, "open");
  assert.equal(room.getSnapshot().isOwner, true);
});

test("an owner whose token was renewed elsewhere learns it with the first rejection", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.ownerToken = "renewed elsewhere";
  server.onFrame = (socket, { action, data }) => {
    if (action !== "closeRoom") return false;
    socket.receive({ error: { code: "forbidden", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  await assert.rejects(room.close(), failsWith("forbidden"));
  await settle();
  assert.equal(room.getSnapshot().isOwner, false);
});

test("a removed member disappears at once, and is not said to have left", async () => {
  const room = await join();
  server.members.set(BO.id, BO.name);
  comeOrGo("join", BO, 2);
  const notices = noticesOf(room);
  server.members.delete(BO.id);
  server.deliver(server.storeEvent("removed", { member: BO }));
  comeOrGo("leave", BO, 1);
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices], [["Aki"], ["Owner removed"]]);
});

test("who is removed is disconnected for good", async () => {
  const room = await join();
  server.onFrame = (_, { action }) => action === "sendMessage";
  const unsent = assert.rejects(room.send("waits"), failsWith("closed"));
  server.deliver(server.storeEvent("removed", { member: server.socket.member }));
  await pass(60_000);
  assert.deepEqual(room.state, { status: "closed", reason: "banned", isFinal: true });
  assert.equal(server.sockets.length, 1);
  await unsent;
});

test("a connection that another one of the member has replaced is not opened again", async () => {
  const room = await join();
  server.socket.receive({ error: { code: "replaced", message: "too many" } });
  server.socket.cut(1000);
  await pass(60_000);
  assert.deepEqual(room.state, { status: "closed", reason: "replaced", isFinal: false, message: "too many" });
  assert.equal(server.sockets.length, 1);
});

test("a closed room disconnects everyone for good", async () => {
  const room = await join();
  const sender = { id: "m-owner", name: "Owner" };
  server.socket.receive({ message: { type: "closed", message: "Owner closed the room", sender } });
  server.socket.cut(1000);
  await pass(60_000);
  assert.deepEqual(room.state, { status: "closed", reason: "closed", isFinal: true });
  assert.equal(server.sockets.length, 1);
});

for (const [code, reason, isFinal] of [
  ["RoomLockedError", "locked", false],
  ["MemberBannedError", "banned", true],
  ["ForbiddenError", "private", false],
  ["SourceBannedError", "blocked", false],
] as const) {
  test(`a room that rejects with ${code} is closed as ${reason}`, async () => {
    server.rejectsHandshakes = true;
    server.respond = (path) => (path === "/rooms/r1" ? [403, { Code: code, Message: "no" }] : undefined);
    const room = await join();
    await pass(1_000);
    assert.deepEqual(room.state, { status: "closed", reason, isFinal, message: "no" });
    assert.ok(server.requests.includes(`GET /rooms/r1?key=${KEY}`), String(server.requests));
  });
}

for (const part of ["messages", "members"]) {
  for (const [code, reason] of [
    ["RoomLockedError", "locked"],
    ["MemberBannedError", "banned"],
    ["ForbiddenError", "private"],
  ] as const) {
    test(`a room whose ${part} are rejected with ${code} is closed as ${reason}`, async () => {
      server.respond = (path) => (path.endsWith(`/${part}`) ? [403, { Code: code, Message: "no" }] : undefined);
      const room = await join();
      await pass(3_000);
      const isFinal = reason === "banned";
      assert.deepEqual(room.state, { status: "closed", reason, isFinal, message: "no" });
      assert.ok(server.sockets.every(({ readyState }) => readyState === 3));
    });
  }
}

test("a reading that is rejected with the owner's token is repeated without it", async () => {
  server.store("hello");
  const wrong = { Code: "ForbiddenError", Message: "expected the ownerToken of this room" };
  server.respond = (path) =>
    /\/(messages|members)$/.test(path) && server.requests.at(-1)?.includes("owner=") ? [403, wrong] : undefined;
  const { fetch, WebSocket } = server;
  const client = new ChatClient({ url: "https://rest.test/dev/", key: KEY, fetch, WebSocket, storage });
  const room = client.join("r1", { owner: "former" });
  rooms.push(room);
  const errors: string[] = [];
  room.on("error", ({ message }) => errors.push(message));
  await pass(3_000);
  assert.deepEqual(errors, []);
  assert.deepEqual([texts(room.messages), room.members.length, room.state.status], [["hello"], 1, "open"]);
  server.socket.cut();
  await pass(2_000);
  assert.equal(server.socket.url.searchParams.get("owner"), "former"); // it may still request another token
});

test("a reading between the renewal of a token and its response does not end the room", async () => {
  const room = await join({ token: "old", owner: "owner-token" });
  await pass(3_000);
  let isRenewed = false;
  server.onFrame = (_, { action }) => {
    isRenewed ||= action === "updateRoom";
    return action === "updateRoom"; // the response is on its way
  };
  server.respond = (path) =>
    isRenewed && path.endsWith("/messages") && server.requests.at(-1)?.includes("token=old")
      ? [403, { Code: "ForbiddenError", Message: "this room is private" }]
      : undefined;
  const renewal = room.renewTokens({ join: true });
  server.store("missed");
  server.deliver(server.store("shown"));
  await pass(1_000);
  assert.equal(room.state.status, "open");
  server.socket.receive({ tokens: { joinToken: "new" } });
  assert.deepEqual(await renewal, { joinToken: "new" });
  await pass(1_000);
  assert.deepEqual([room.state.status, texts(room.messages)], ["open", ["missed", "shown"]]);
});

test("a wrong owner's token makes an ordinary member", async () => {
  const wrong = { Code: "ForbiddenError", Message: "expected the ownerToken of this room" };
  server.respond = (path) =>
    path === "/rooms/r1" && server.requests.at(-1)?.includes("owner=") ? [403, wrong] : undefined;
  server.holdsHandshakes = true;
  const room = await join({ name: "Aki", owner: "wrong" });
  const errors: string[] = [];
  room.on("error", ({ message }) => errors.push(message));
  server.holdsHandshakes = false;
  server.socket.cut();
  await pass(2_000);
  assert.deepEqual(errors, [wrong.Message]);
  assert.deepEqual([room.state.status, room.getSnapshot().isOwner], ["open", false]);
  assert.equal(server.socket.url.searchParams.get("owner"), null);
});

test("a private room rejects a wrong token with a wrong owner's token, too", async () => {
  server.rejectsHandshakes = true;
  server.respond = (path) => (path === "/rooms/r1" ? [403, { Code: "ForbiddenError", Message: "no" }] : undefined);
  const room = await join({ token: "wrong", owner: "wrong" });
  await pass(1_000);
  assert.deepEqual(room.state, { status: "closed", reason: "private", isFinal: false, message: "no" });
});

test("unsent messages survive in the storage and are sent by the next room object", async () => {
  const room = await join();
  browser.goOffline();
  void room.send("kept");
  room.leave();
  assert.match(storedOf("outbox")[1] ?? "", /"message":"kept"/);
  browser.goOnline();
  await join();
  await settle();
  assert.deepEqual(texts(server.stored), ["kept"]);
  assert.deepEqual([...storage.items], []);
});

test("an old unsent message is not sent again, because the server may have forgotten its clientId", async () => {
  const sentAt = Date.now() - 10 * 60_000;
  storage.setItem(OUTBOX, JSON.stringify([{ clientId: "c1", message: "old", sentAt, failure: null }]));
  const room = await join();
  await pass(30_000);
  assert.deepEqual(server.stored, []);
  assert.equal(room.pending[0]?.status, "failed");
  await room.retry("c1");
  assert.deepEqual(texts(server.stored), ["old"]);
});

test("a message that may have been stored waits for the history, also if the clock was put back", async () => {
  const room = await join();
  server.onFrame = (_, { action }) => action === "sendMessage"; // it is stored, and its echo is lost
  const sent = room.send("once");
  await settle();
  browser.goOffline();
  const { clientId } = room.pending[0] as PendingMessage;
  server.store("once", server.socket.member, clientId);
  const { now } = Date;
  mock.method(Date, "now", () => now() - 3 * 60 * 60_000);
  const frames = () => server.socket.frames.filter(({ action }) => action === "sendMessage");
  browser.goOnline();
  await pass(5_000);
  assert.deepEqual([(await sent).sequence, server.sockets.length, frames()], [1, 2, []]);
});

test("a storage that fails or contains something else does no harm", async () => {
  storage.setItem(OUTBOX, "{not json");
  storage.setItem = () => {
    throw new Error("full");
  };
  const room = await join();
  assert.equal((await room.send("fine")).message, "fine");
});

test("after a reload, the messages are there at once, own ones are recognized, and missed ones follow", async () => {
  const room = await join();
  await room.send("mine");
  server.deliver(server.store("theirs"));
  browser.hide();
  server.socket.cut();
  server.store("missed");
  server.requests.length = 0;
  const { fetch, WebSocket } = server;
  const reloaded = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket, storage }).join("r1");
  rooms.push(reloaded);
  assert.deepEqual(
    reloaded.messages.map(({ message, isOwn }) => [message, isOwn]),
    [
      ["mine", true],
      ["theirs", false],
    ],
  );
  assert.equal(reloaded.getSnapshot().history, "ready");
  await pass(100);
  assert.deepEqual(texts(reloaded.messages), ["mine", "theirs", "missed"]);
  assert.ok(server.requests.includes(`GET /rooms/r1/messages?after=2&limit=100&key=${KEY}`), String(server.requests));
});

test("messages that were saved for a reload are used once, and not an hour later", async () => {
  const room = await join();
  await room.send("mine");
  browser.hide();
  const [key = "", saved = ""] = storedOf("messages");
  browser.goOnline(); // the page is looked at again: it was not reloaded
  assert.deepEqual(storedOf("messages"), []);
  const hourAgo = Date.now() - 60 * 60_000;
  storage.setItem(key, saved.replace(/"savedAt":\d+/, `"savedAt":${hourAgo}`));
  const { fetch, WebSocket } = server;
  const later = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket, storage }).join("r1");
  rooms.push(later);
  assert.deepEqual(later.messages, []);
});

test("frames of a newer server and invalid ones are ignored", async () => {
  const room = await join();
  const invalid: unknown[] = [
    "not json",
    "null",
    "[]",
    "5",
    { message: null },
    { message: { type: "message", message: 5 } },
    { message: { type: "message", message: "no sequence", sender: { id: "a", name: "A" }, sentAt: "2026-11-23" } },
    { message: { type: "wave", message: "Bo waves", sender: { id: "a", name: "A" } } },
    { welcome: {} },
    { error: { code: "x" } },
    { tokens: { ownerToken: 5 } },
    { news: 1 },
  ];
  for (const frame of invalid) server.socket.receive(frame);
  await settle();
  assert.deepEqual(room.messages, []);
  assert.equal(room.state.status, "open");
});

test("null is as good as an absent field, but for the data of a signal", async () => {
  const nothing = { clientId: null, editedAt: null, replyTo: null, mentions: null, reactions: null, member: null };
  const first = { ...server.store("first", { ...BO, role: null, verified: null } as never), ...nothing, until: null };
  server.stored[0] = first as never;
  const room = await join();
  const signals: unknown[] = [];
  room.on("signal", ({ data }) => signals.push(data));
  server.deliver({ ...server.store("second"), ...nothing, mentions: [null, "m1"] } as never);
  server.socket.receive({
    reactions: { target: 2, version: 1, reactions: [null, { reaction: "👍", count: 3, members: null }] },
  });
  server.socket.receive({ signal: { name: "a", data: { x: null, y: [null] }, sender: BO } });
  server.socket.receive({ signal: { name: "b", data: null, sender: BO } });
  server.socket.receive({ signal: { name: "c", sender: BO } });
  await settle();
  const [one, two] = room.messages;
  assert.deepEqual(
    [one?.sender, one?.replyTo, one?.editedAt, one?.reactions, two?.mentions],
    [BO, undefined, undefined, [], ["m1"]],
  );
  assert.deepEqual(two?.reactions, [{ reaction: "👍", count: 3, members: [], isOwn: false }]);
  assert.deepEqual(signals, [{ x: null, y: [null] }, null, undefined]);
});

for (const [name, wrong] of Object.entries({
  "a number": 5,
  "a text": "m1",
  "an object": { m1: 1 },
  "something else than expected in it": [5, {}],
})) {
  test(`a list of another version that is ${name} costs nothing else, live, in the history and in a storage`, async () => {
    const change = (stored: Stored, changed: object) => {
      server.stored[server.stored.length - 1] = { ...stored, ...changed } as Stored;
      return server.stored.at(-1) as Stored;
    };
    const reactionsOf = (members: unknown) => [{ reaction: "👍", count: 2, members }];
    change(server.store("history", BO), { mentions: wrong, reactions: wrong, reactionsVersion: 1 });
    const room = await join();
    const heard: string[] = [];
    room.on("message", ({ message }) => heard.push(message));
    server.deliver(change(server.store("live", BO), { mentions: wrong, reactions: reactionsOf(wrong) }));
    server.deliverTogether([change(server.store("batch", BO), { mentions: wrong, reactions: wrong })]);
    server.socket.receive({ reactions: { target: 1, version: 2, reactions: reactionsOf(wrong) } });
    server.onFrame = (_, { action }) => action === "react";
    const reacting = room.react(2, "👍");
    await settle();
    server.socket.receive({ reactions: { target: 2, version: 2, reactions: reactionsOf(wrong) } });
    server.socket.receive({ reactions: { target: 2, version: 3, reactions: reactionsOf(["m1", "m-bo"]) } });
    await reacting;
    server.deliver(server.storeEvent("edited", { target: 1, text: { wrong } as never }, BO));
    server.deliver(server.store("later", BO));
    const all = ["history", "live", "batch", "later"];
    assert.deepEqual([texts(room.messages), heard, room.state.status], [all, all.slice(1), "open"]);
    assert.ok(room.messages.every(({ mentions, reactions }) => Array.isArray(mentions) && Array.isArray(reactions)));
    assert.deepEqual(room.messages[1]?.reactions, [{ reaction: "👍", count: 2, members: ["m1", "m-bo"], isOwn: true }]);
    browser.hide();
    assert.deepEqual(texts((await join()).messages), all);
  });
}

test("an item of the history that is not readable is left out, and what follows is shown", async () => {
  for (const text of ["first", "unreadable", "third"]) server.store(text);
  const { sender: _, ...unreadable } = server.stored[1] as Stored;
  server.stored[1] = unreadable as Stored;
  const room = await join();
  assert.deepEqual(texts(room.messages), ["first", "third"]);
  const missed = server.store("missed");
  server.stored[3] = { ...missed, sentAt: null } as never;
  server.deliver(server.store("fifth"));
  await pass(1_000);
  assert.deepEqual(texts(room.messages), ["first", "third", "fifth"]);
  const before = server.requests.length;
  await pass(60_000);
  assert.equal(server.requests.length, before);
});

test("snapshots do not change, and unchanged messages keep their objects", async () => {
  const room = await join();
  await room.send("one");
  const before = room.getSnapshot();
  const copy = structuredClone(before);
  await room.send("two");
  assert.deepEqual(before, copy);
  assert.notEqual(room.getSnapshot(), before);
  assert.equal(room.messages[0], before.messages[0]);
});

test("a listener that was removed is not called, and one that throws does not stop the others", async () => {
  const room = await join();
  const heard: string[] = [];
  const thrown: unknown[] = [];
  const before = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.once("uncaughtException", (error) => thrown.push(error));
  room.on("message", () => {
    throw new Error("listener");
  });
  const stop = room.on("message", ({ message }) => heard.push(message));
  await room.send("one");
  await settle();
  stop();
  room.on("message", () => {});
  assert.deepEqual(heard, ["one"]);
  assert.equal(thrown.length, 1);
  for (const listener of before) process.on("uncaughtException", listener);
});

test("a command whose promise is ignored causes no unhandled rejection", async () => {
  const room = await join();
  room.leave();
  const unhandled: unknown[] = [];
  const before = process.listeners("unhandledRejection");
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", (error) => unhandled.push(error));
  const commands = [
    () => room.edit(1, "text"),
    () => room.react(1, "👍"),
    () => room.deleteMessage(1),
    () => room.update({ locked: true }),
    () => room.removeMember("m2"),
    () => room.unbanMember("m2"),
    () => room.setRole("m2", "moderator"),
    () => room.muteMember("m2", 60),
    () => room.reportMessage(1),
    () => room.renewTokens({ owner: true }),
    () => room.close(),
  ];
  for (const command of commands) void command();
  await settle();
  process.removeAllListeners("unhandledRejection");
  for (const listener of before) process.on("unhandledRejection", listener);
  assert.deepEqual(unhandled, []);
  for (const command of commands) await assert.rejects(command(), { code: "closed" });
});

test("an event about the room that does not have its name changes nothing", async () => {
  const room = await join();
  server.onFrame = () => true;
  const update = assert.rejects(room.update({ locked: true }), { code: "unconfirmed" });
  server.deliver(server.storeEvent("updated", { room: { locked: true } }));
  assert.deepEqual([room.getSnapshot().name, room.getSnapshot().isLocked], ["Tea", false]);
  await pass(10_000);
  await update;
});
