/** A room against a server that fails in every way that a test asks for. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { ChatClient, ChatError, type Message, type Room, type RoomState } from "../src/index.js";
import { FakeBrowser, FakeServer, MemoryStorage, pass, settle } from "./fake-server.js";

const OUTBOX = "chalice-chat.outbox.r1";
const CLOSE_CODES = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1011, 1012, 1013, 1014, 1015, 4000, 4999];

let server: FakeServer;
let browser: FakeBrowser;
let storage: MemoryStorage;
let rooms: Room[];

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.parse("2026-11-23T10:00:00Z") });
  mock.method(Math, "random", () => 0.5);
  server = new FakeServer();
  browser = new FakeBrowser();
  browser.install();
  storage = new MemoryStorage();
  rooms = [];
});

afterEach(() => {
  for (const room of rooms) room.leave();
  browser.uninstall();
  mock.timers.reset();
  mock.restoreAll();
});

async function join(options: { name?: string; token?: string } = { name: "Aki" }): Promise<Room> {
  const { fetch, WebSocket } = server;
  const room = new ChatClient({ url: "https://rest.test/dev/", fetch, WebSocket, storage }).join("r1", options);
  rooms.push(room);
  await pass(100);
  return room;
}

const texts = (messages: readonly { message: string }[]) => messages.map(({ message }) => message);
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
  assert.deepEqual(server.requests.sort(), ["GET /config", "GET /rooms/r1/members", "GET /rooms/r1/messages?limit=50"]);
  assert.equal(server.socket.url.href, "wss://ws.test/dev?roomId=r1&name=Aki");
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

test("a refused message rejects with the server's reason and leaves the way free for the next one", async () => {
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || data?.message !== "bad") return false;
    const error = { code: "invalid_message", message: "message must not be blank", action, clientId: data.clientId };
    socket.receive({ error });
    return true;
  };
  const room = await join();
  const refused = assert.rejects(room.send("bad"), failsWith("invalid_message"));
  assert.equal((await room.send("good")).message, "good");
  await refused;
  assert.equal(room.pending[0]?.error?.message, "message must not be blank");
});

test("a message that is too long fails at once, because its frame would end the connection", async () => {
  server.onFrame = (socket, { data }) => {
    if ((data?.message?.length ?? 0) <= 32_768) return false;
    socket.cut(1009);
    return true;
  };
  const room = await join();
  void room.send("x".repeat(40_000));
  void room.send("👍".repeat(4_000));
  await settle();
  assert.deepEqual(
    room.pending.map(({ status, error }) => [status, error?.code]),
    [["failed", "invalid_message"]],
  );
  assert.equal(server.stored.length, 1);
  assert.equal(server.sockets.length, 1);
});

test("an error that answers another message changes nothing and is reported", async () => {
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
  server.refusesHandshakes = true;
  const sent = [room.send("one"), room.send("two")];
  assert.equal(room.pending[0]?.status, "offline");
  await pass(20_000);
  server.refusesHandshakes = false;
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

test("a failed reading of older messages can be repeated", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(String(number));
  const room = await join();
  server.answer = (path) => (path.endsWith("/messages") ? [500, {}] : undefined);
  await room.loadOlder();
  assert.equal(room.getSnapshot().older, "failed");
  server.answer = () => undefined;
  await room.loadOlder();
  assert.equal(room.messages.length, 60);
});

test("a history that cannot be read at first is read later", async () => {
  server.store("one");
  server.answer = (path) => (path.endsWith("/messages") ? "unreachable" : undefined);
  const room = await join();
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  assert.equal(room.getSnapshot().history, "failed");
  await pass(2_000);
  server.answer = () => undefined;
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
  server.refusesHandshakes = true;
  server.answer = (path) => (path.startsWith("/rooms") ? [404, { Message: "room not found" }] : undefined);
  browser.goOnline();
  await pass(1_000);
  await sent;
  assert.deepEqual(room.state, { status: "closed", reason: "gone", isFinal: true });
  await pass(60_000);
  assert.equal(server.sockets.length, 2);
});

test("a room that does not exist closes at once", async () => {
  server.answer = (path) => (path.startsWith("/rooms") ? [404, { Message: "room not found" }] : undefined);
  server.refusesHandshakes = true;
  const room = await join();
  assert.deepEqual(room.state, { status: "closed", reason: "gone", isFinal: true });
  assert.equal(room.getSnapshot().history, "loading");
});

test("a name that is too long is refused before the handshake, which would not tell why", async () => {
  const tooLong = { code: "invalid_name", message: "expected a name of at most 40 characters, not 41" };
  await assert.rejects(join({ name: "👍".repeat(41) }), tooLong);
  const room = await join({ name: "👍".repeat(40) });
  assert.throws(() => room.rename("x".repeat(41)), tooLong);
  assert.equal(server.sockets.length, 1);
});

test("a private room without its token closes, but not for good, and keeps what was not sent", async () => {
  storage.setItem(OUTBOX, JSON.stringify([{ clientId: "c1", message: "for later", sentAt: null }]));
  server.answer = (path) => (path.startsWith("/rooms") ? [403, { Message: "this room is private" }] : undefined);
  server.refusesHandshakes = true;
  const room = await join();
  assert.deepEqual(room.state, { status: "closed", reason: "private", isFinal: false });
  assert.equal(room.pending[0]?.status, "offline");
  server.answer = () => undefined;
  server.refusesHandshakes = false;
  await join({ token: "t1" });
  await settle();
  assert.deepEqual(texts(server.stored), ["for later"]);
  assert.equal(server.socket.url.searchParams.get("token"), "t1");
  assert.ok(requestsOf("token=t1").length > 0);
});

test("a handshake that fails while the room exists is tried again", async () => {
  server.refusesHandshakes = true;
  const room = await join();
  assert.equal(room.state.status, "lost");
  server.refusesHandshakes = false;
  room.reconnect();
  await settle();
  assert.equal(room.state.status, "open");
});

test("an unreachable configuration is asked for again", async () => {
  server.answer = (path) => (path === "/config" ? "unreachable" : undefined);
  const room = await join();
  assert.equal(room.state.status, "lost");
  server.answer = () => undefined;
  await pass(2_000);
  assert.equal(room.state.status, "open");
});

test("a handshake that is never answered is given up after 15 seconds", async () => {
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
    server.refusesHandshakes = status === "lost";
    server.socket.cut();
    await pass(400);
    assert.deepEqual(room.state, { status: "closed", reason: "left", isFinal: true });
    assert.equal(room.pending[0]?.status, "offline");
    server.refusesHandshakes = false;
    await pass(60_000);
    assert.equal(room.state.status, "closed");
    assert.deepEqual(
      server.sockets.filter(({ readyState }) => readyState < 2),
      [],
    );
  });
}

test("leaving in a listener of an error ends the connection, too", async () => {
  server.answer = (path) => (path === "/config" ? "unreachable" : undefined);
  const { fetch, WebSocket } = server;
  const room = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, storage }).join("r1");
  room.on("error", () => room.leave());
  await pass(100);
  server.answer = () => undefined;
  await pass(60_000);
  assert.equal(room.state.status, "closed");
  assert.deepEqual(server.sockets, []);
});

test("an idle connection is pinged every four minutes, and reads the history with it", async () => {
  await join();
  await pass(3_000);
  const before = server.requests.length;
  server.socket.frames.length = 0;
  await pass(245_000);
  assert.deepEqual(server.socket.frames, [{ action: "ping" }]);
  assert.equal(server.requests.length, before + 1);
});

test("a connection that does not answer a ping is replaced", async () => {
  const room = await join();
  server.onFrame = (_, { action }) => action === "ping";
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
  assert.deepEqual(server.socket.frames, [{ action: "ping" }]);
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

test("joins and leaves of others change the members and are announced", async () => {
  const room = await join();
  const events: string[] = [];
  room.on("presence", ({ message }) => events.push(message));
  const bo = { id: "m-bo", name: "Bo" };
  server.members.set(bo.id, bo.name);
  server.socket.receive({ message: { type: "join", message: "Bo joined", sender: bo, memberCount: 2 } });
  assert.deepEqual(
    room.members.map(({ name }) => name),
    ["Aki", "Bo"],
  );
  server.members.delete(bo.id);
  server.socket.receive({ message: { type: "leave", message: "Bo left", sender: bo, memberCount: 1 } });
  assert.deepEqual(room.members.length, 1);
  assert.equal(room.getSnapshot().memberCount, 1);
  assert.deepEqual(events, ["Bo joined", "Bo left"]);
});

test("the leave of an earlier connection of this client is not announced", async () => {
  const room = await join();
  const events: string[] = [];
  room.on("presence", ({ message }) => events.push(message));
  const former = server.socket.member;
  server.socket.cut();
  await pass(2_000);
  server.socket.receive({ message: { type: "leave", message: "Aki left", sender: former, memberCount: 1 } });
  assert.deepEqual(events, []);
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

test("renaming connects under the new name", async () => {
  const room = await join();
  room.rename("Aki");
  assert.equal(server.sockets.length, 1);
  room.rename("Bo");
  await settle();
  assert.equal(server.sockets[0]?.readyState, 3);
  assert.deepEqual(room.getSnapshot().you, { id: "m2", name: "Bo" });
});

test("unsent messages survive in the storage and are sent by the next room object", async () => {
  const room = await join();
  browser.goOffline();
  void room.send("kept");
  room.leave();
  assert.match(storage.getItem(OUTBOX) ?? "", /"message":"kept"/);
  browser.goOnline();
  await join();
  await settle();
  assert.deepEqual(texts(server.stored), ["kept"]);
  assert.equal(storage.getItem(OUTBOX), null);
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
  const reloaded = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, storage }).join("r1");
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
  assert.ok(server.requests.includes("GET /rooms/r1/messages?after=2&limit=100"), String(server.requests));
});

test("messages that were saved for a reload are used once, and not an hour later", async () => {
  const room = await join();
  await room.send("mine");
  browser.hide();
  const saved = storage.getItem("chalice-chat.messages.r1") ?? "";
  browser.goOnline(); // the page is looked at again: it was not reloaded
  assert.equal(storage.getItem("chalice-chat.messages.r1"), null);
  const hourAgo = Date.now() - 60 * 60_000;
  storage.setItem("chalice-chat.messages.r1", saved.replace(/"savedAt":\d+/, `"savedAt":${hourAgo}`));
  const { fetch, WebSocket } = server;
  const later = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, storage }).join("r1");
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
    { news: 1 },
  ];
  for (const frame of invalid) server.socket.receive(frame);
  await settle();
  assert.deepEqual(room.messages, []);
  assert.equal(room.state.status, "open");
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
