/** Edits, reactions, replies, mentions, signals and read positions, against a server in the test. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ChatClient, ChatError, type Message, type Room } from "../src/index.js";
import { pass, type Stored, settle } from "./fake-server.js";
import { browser, rooms, server, storage, useFakes } from "./setup.js";

const KEY = "k".repeat(22);
const BO = { id: "m-bo", name: "Bo" };

useFakes();

function connect(): ChatClient {
  const { fetch, WebSocket } = server;
  return new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket, storage });
}

async function join(): Promise<Room> {
  const room = connect().join("r1", { name: "Aki" });
  rooms.push(room);
  await pass(100);
  return room;
}

/** Lose the connection, and connect again. */
async function reconnect(room: Room, whileLost = () => {}): Promise<void> {
  server.socket.cut();
  whileLost();
  room.reconnect();
  await pass(2_500);
}

const framesOf = (action: string) =>
  server.sockets.flatMap(({ frames }) => frames).filter((frame) => frame.action === action);
const requestsOf = (part: string) => server.requests.filter((request) => request.includes(part));
const first = (room: Room): Message => room.messages[0] as Message;
const replyTo = (target: number, text = "answer"): Stored => {
  const stored = { ...server.store(text, BO), replyTo: target };
  server.stored[server.stored.length - 1] = stored;
  return stored;
};

function isError(code: string) {
  return (error: unknown) => error instanceof ChatError && error.code === code;
}

test("an edited message keeps its place, and has its new text and the time", async () => {
  const room = await join();
  await room.send("tpyo");
  server.deliver(server.store("theirs"));
  const before = room.messages;
  await room.edit(1, "typo\r\nfixed");
  assert.deepEqual(
    room.messages.map(({ message, editedAt }) => [message, editedAt]),
    [
      ["typo\nfixed", server.stored[2]?.sentAt],
      ["theirs", undefined],
    ],
  );
  assert.equal(room.messages[1], before[1]);
  assert.equal(before[0]?.message, "tpyo");
});

test("an edit that the server rejects leaves the text, and rejects with the reason", async () => {
  const room = await join();
  await room.send("old");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "editMessage") return false;
    socket.receive({ error: { code: "forbidden", message: "too old", action, clientId: data?.clientId } });
    return true;
  };
  await assert.rejects(room.edit(1, "new"), isError("forbidden"));
  assert.equal(first(room).message, "old");
  server.socket.cut();
  await assert.rejects(room.edit(1, "new"), isError("offline"));
});

test("of two edits, the later one holds, in whatever order they arrive, also if the clocks of the servers differ", async () => {
  const room = await join();
  server.deliver(server.store("one", BO));
  const early = server.edit(1, "two");
  const late = { ...server.edit(1, "three"), sentAt: early.sentAt };
  server.deliver(late);
  assert.equal(first(room).message, "three");
  server.deliver(early);
  assert.equal(first(room).message, "three");
  assert.equal(first(room).editedAt, early.sentAt);
});

test("an edit that arrives before its message, or was missed, is shown", async () => {
  const room = await join();
  const message = server.store("one", BO);
  server.deliver(server.edit(1, "two"));
  server.deliver(message);
  assert.deepEqual([first(room).message, room.messages.length], ["two", 1]);
  await reconnect(room, () => server.edit(1, "three"));
  assert.equal(first(room).message, "three");
});

test("the event of an edit whose message was deleted since changes nothing", async () => {
  const room = await join();
  server.deliver(server.store("one", BO));
  const { text: _, ...event } = server.edit(1, "two");
  server.deliver(event);
  assert.equal(first(room).message, "one");
  server.deliver(server.storeEvent("deleted", { target: 1 }));
  server.deliver(server.edit(1, "three"));
  assert.deepEqual(room.messages, []);
});

test("a reaction is requested, and shown with who has it", async () => {
  const room = await join();
  server.deliver(server.store("hi", BO));
  const done = room.react(1, "👍");
  await settle();
  assert.deepEqual(framesOf("react")[0]?.data?.reaction, "👍");
  assert.deepEqual(first(room).reactions, []);
  server.socket.receive(server.react(1, "👍", "m-bo", "m1"));
  await done;
  assert.deepEqual(first(room).reactions, [{ reaction: "👍", count: 2, members: ["m-bo", "m1"], isOwn: true }]);
  const undone = room.react(1, "👍", { remove: true });
  server.socket.receive(server.react(1, "👍", "m-bo"));
  await undone;
  assert.deepEqual(first(room).reactions, [{ reaction: "👍", count: 1, members: ["m-bo"], isOwn: false }]);
});

test("a reaction waits for its own response, and rejects without one, or if it is refused", async () => {
  const room = await join();
  server.deliver(server.store("hi", BO));
  const failed = assert.rejects(room.react(1, "👍"), isError("unconfirmed"));
  server.socket.receive(server.react(1, "👍", "m-bo"));
  await pass(10_000);
  await failed;
  server.onFrame = (socket, { action, data }) => {
    if (action !== "react") return false;
    socket.receive({ error: { code: "too_large", message: "1,000", action, clientId: data?.clientId } });
    return true;
  };
  await assert.rejects(room.react(1, "🎉"), isError("too_large"));
});

test("late reactions are dropped, and reactions may arrive before their message", async () => {
  const room = await join();
  const message = server.store("hi", BO);
  const early = server.react(1, "👍", "m-bo");
  const late = server.react(1, "👍", "m-bo", "m-cem");
  server.socket.receive(late);
  server.socket.receive(early);
  server.deliver(message);
  assert.deepEqual(first(room).reactions[0]?.count, 2);
});

test("this client's reaction is known where the list has only some of the members", async () => {
  const room = await join();
  server.deliver(server.store("hi", BO));
  const crowd = Array.from({ length: 30 }, (_, index) => `m-${index}`);
  const done = room.react(1, "👍");
  server.socket.receive(server.react(1, "👍", ...crowd, "m1"));
  await done;
  assert.deepEqual([first(room).reactions[0]?.isOwn, first(room).reactions[0]?.count], [true, 31]);
  const undone = room.react(1, "👍", { remove: true });
  server.socket.receive(server.react(1, "👍", ...crowd));
  await undone;
  assert.equal(first(room).reactions[0]?.isOwn, false);
});

test("reactions that were missed while the connection was lost are read again, also after a reload", async () => {
  for (let count = 0; count < 250; count += 1) server.store(`m${count}`, BO);
  const room = await join();
  await room.loadOlder({ limit: 250 });
  server.requests.length = 0;
  await reconnect(room, () => {
    server.react(250, "👍", "m-bo");
    server.react(3, "🎉", "m-bo");
  });
  assert.deepEqual(
    [room.messages.at(-1), room.messages[2]].map((one) => one?.reactions[0]?.reaction),
    ["👍", "🎉"],
  );
  assert.equal(requestsOf("/messages?before=").length, 3);
  await reconnect(room, () => server.react(250, "👍"));
  assert.deepEqual(room.messages.at(-1)?.reactions, []);
  browser.hide();
  server.socket.cut();
  server.react(249, "😮", "m-bo");
  const reloaded = await join();
  await pass(2_500);
  assert.equal(reloaded.messages.at(-2)?.reactions[0]?.reaction, "😮");
});

test("reactions are read again after a connection that broke before its welcome", async () => {
  server.store("hi", BO);
  server.holdsHandshakes = true;
  const room = connect().join("r1", { name: "Aki" });
  rooms.push(room);
  await pass(100); // the messages are read
  server.welcome = () => {};
  server.socket.accept();
  await pass(100);
  server.holdsHandshakes = false;
  await reconnect(room, () => server.react(1, "👍", "m-bo"));
  assert.equal(first(room).reactions[0]?.count, 1);
});

test("reactions whose reading fails are read again", async () => {
  server.store("hi", BO);
  const room = await join();
  await reconnect(room, () => {
    server.react(1, "👍", "m-bo");
    server.respond = (path) => (path.includes("/messages") ? "unreachable" : undefined);
  });
  assert.deepEqual(first(room).reactions, []);
  server.respond = () => undefined;
  await pass(2_000);
  assert.equal(first(room).reactions[0]?.count, 1);
});

test("a first visit reads the messages once", async () => {
  server.store("hi", BO);
  await join();
  await pass(10_000);
  assert.equal(requestsOf("/messages").length, 1);
});

test("a reply has the message that it answers, as that is now", async () => {
  const room = await join();
  server.deliver(server.store("Tea or coffee?", BO));
  const sent = await room.send("Tea", { replyTo: 1 });
  assert.deepEqual(framesOf("sendMessage")[0]?.data?.replyTo, 1);
  assert.equal(sent.replyTo, 1);
  const quoted = () => room.messages.at(-1)?.quote;
  assert.deepEqual(quoted(), { sequence: 1, message: "Tea or coffee?", sender: BO, isOwn: false, isIgnored: false });
  server.deliver(server.edit(1, "Tea or water?"));
  assert.equal(quoted()?.message, "Tea or water?");
  room.ignore(BO.id);
  assert.equal(quoted()?.isIgnored, true);
  server.deliver(server.storeEvent("deleted", { target: 1 }));
  assert.equal(quoted(), null);
});

test("a quoted message that is not loaded is read on request, once, and changes with its events", async () => {
  for (let count = 0; count < 60; count += 1) server.store(`m${count}`, BO);
  replyTo(2);
  const room = await join();
  const reply = () => room.messages.at(-1) as Message;
  assert.equal(reply().quote, undefined);
  server.requests.length = 0;
  await Promise.all([room.loadQuote(2), room.loadQuote(2)]);
  assert.deepEqual(requestsOf("/messages").length, 1);
  assert.equal(reply().quote?.message, "m1");
  server.deliver(server.edit(2, "edited"));
  assert.equal(reply().quote?.message, "edited");
  server.deliver(server.storeEvent("deleted", { target: 2 }));
  assert.equal(reply().quote, null);
  await room.loadQuote(2);
  assert.equal(requestsOf("/messages").length, 1);
});

test("a quoted message that was deleted, has expired, or was an event shows as such", async () => {
  for (let count = 0; count < 60; count += 1) server.store(`m${count}`, BO);
  server.stored.splice(2, 1);
  server.stored[4] = { ...(server.stored[4] as Stored), type: "updated" };
  replyTo(3);
  replyTo(6);
  const room = await join();
  await room.loadQuote(3);
  await room.loadQuote(6);
  assert.deepEqual(
    room.messages.slice(-2).map(({ quote }) => quote),
    [null, null],
  );
});

test("a quoted message that could not be read is read at the next request", async () => {
  for (let count = 0; count < 60; count += 1) server.store(`m${count}`, BO);
  replyTo(2);
  const room = await join();
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  server.respond = () => "unreachable";
  await room.loadQuote(2);
  assert.deepEqual([room.messages.at(-1)?.quote, errors], [undefined, ["network"]]);
  server.respond = () => undefined;
  await room.loadQuote(2);
  assert.equal(room.messages.at(-1)?.quote?.message, "m1");
});

test("replies and mentions wait in the outbox with their message, also during a reload", async () => {
  const room = await join();
  server.deliver(server.store("hi", BO));
  server.socket.cut();
  void room.send("waits", { replyTo: 1, mentions: ["m-bo"] });
  assert.deepEqual(
    room.pending.map(({ replyTo, mentions }) => [replyTo, mentions]),
    [[1, ["m-bo"]]],
  );
  room.leave();
  await join();
  await pass(100);
  const { clientId: _, ...data } = framesOf("sendMessage")[0]?.data ?? {};
  assert.deepEqual(data, { message: "waits", replyTo: 1, mentions: ["m-bo"] });
});

test("a message that mentions this client is an event, live or missed, unless its sender is ignored", async () => {
  const room = await join();
  const mentions: string[] = [];
  room.on("mention", ({ message }) => mentions.push(message));
  const mention = (text: string, id: string, sender = BO) => {
    server.stored.push({ ...server.store(text, sender), mentions: [id] });
    server.stored.splice(-2, 1);
    return server.stored.at(-1) as Stored;
  };
  server.deliver(mention("@Aki look", "m1"));
  server.deliver(mention("@Cem look", "m-cem"));
  await room.send("@Aki me", { mentions: ["m1"] });
  await reconnect(room, () => mention("@Aki missed", "m1"));
  room.ignore("m-cem");
  server.deliver(mention("@Aki noise", "m1", { id: "m-cem", name: "Cem" }));
  assert.deepEqual(mentions, ["@Aki look", "@Aki missed"]);
  assert.deepEqual(
    room.messages.map(({ isMention }) => isMention),
    [true, false, true, true, true],
  );
});

test("what was read is sent after a while, once, and never goes back", async () => {
  const room = await join();
  for (const text of ["a", "b", "c"]) server.deliver(server.store(text, BO));
  assert.equal(room.getSnapshot().readSequence, null);
  room.markRead(2);
  room.markRead();
  room.markRead(1);
  assert.equal(room.getSnapshot().readSequence, 3);
  assert.deepEqual(framesOf("markRead"), []);
  await pass(10_000);
  assert.deepEqual(
    framesOf("markRead").map(({ data }) => data?.sequence),
    [3],
  );
  room.markRead(3);
  await pass(20_000);
  assert.equal(framesOf("markRead").length, 1);
});

test("what was read goes out when the page is closed or the room is left, and is not lost with a connection", async () => {
  const room = await join();
  for (const text of ["a", "b", "c"]) server.deliver(server.store(text, BO));
  room.markRead(1);
  browser.hide();
  await settle();
  assert.equal(server.readSequence, 1);
  server.socket.cut();
  room.markRead(2);
  await pass(30_000);
  assert.equal(server.readSequence, 2);
  server.readSequence = 1; // the frame was lost with its connection
  await reconnect(room);
  await pass(10_000);
  assert.equal(server.readSequence, 2);
  room.markRead(3);
  room.leave();
  await settle();
  assert.equal(framesOf("markRead").length, 4);
});

test("a message that was deleted before the history was read is known to be, without a request", async () => {
  for (const text of ["first", "gone"]) server.store(text, BO);
  server.stored.push({ ...server.store("answer", BO), replyTo: 2 });
  server.stored.splice(1, 2);
  const room = await join();
  assert.deepEqual([room.messages.at(-1)?.message, room.messages.at(-1)?.quote], ["answer", null]);
});

test("a position beyond the last message does not hide what arrives later", async () => {
  const room = await join();
  server.deliver(server.store("a", BO));
  room.markRead(99);
  assert.equal(room.getSnapshot().readSequence, 1);
  server.deliver(server.store("b", BO));
  assert.equal(room.getSnapshot().readSequence, 1);
  await pass(10_000);
  assert.equal(server.readSequence, 1);
});

test("what is no sequence does not change the position", async () => {
  const room = await join();
  for (const text of ["a", "b"]) server.deliver(server.store(text, BO));
  const positions = [Number.NaN, -1, 2, Number.NaN, 1].map((sequence) => {
    room.markRead(sequence);
    return room.getSnapshot().readSequence;
  });
  assert.deepEqual(positions, [null, null, 2, 2, 2]);
});

test("what was read on another device is read here", async () => {
  for (const text of ["a", "b", "c"]) server.store(text, BO);
  server.readSequence = 2;
  const room = await join();
  assert.equal(room.getSnapshot().readSequence, 2);
  await pass(20_000);
  assert.deepEqual(framesOf("markRead"), []);
});

test("typing is sent again when the clock was put back", async () => {
  const room = await join();
  room.typing();
  await settle();
  const now = Date.now();
  mock.method(Date, "now", () => now - 3 * 60 * 60_000);
  room.typing();
  room.typing();
  await settle();
  assert.equal(framesOf("signal").length, 2);
});

test("typing is sent when it begins, every 8 seconds, and again after a message", async () => {
  const room = await join();
  const count = () => framesOf("signal").length;
  room.typing();
  room.typing();
  await pass(7_900);
  room.typing();
  assert.equal(count(), 1);
  await pass(100);
  room.typing();
  await settle();
  assert.equal(count(), 2);
  await room.send("done");
  room.typing();
  await settle();
  assert.equal(count(), 3);
});

test("who types is shown until the message, the leave, or ten seconds without a signal", async () => {
  const room = await join();
  const types = (sender: { id: string; name: string }) => server.socket.receive({ signal: { name: "typing", sender } });
  const typing = () => room.getSnapshot().typing.map(({ name }) => name);
  const cem = { id: "m-cem", name: "Cem" };
  types(BO);
  types(cem);
  types({ id: "m1", name: "Aki" }); // another tab of this client
  assert.deepEqual(typing(), ["Bo", "Cem"]);
  server.deliver(server.store("hi", BO));
  assert.deepEqual(typing(), ["Cem"]);
  await pass(6_000);
  types(cem);
  await pass(9_900);
  assert.deepEqual(typing(), ["Cem"]);
  await pass(100);
  assert.deepEqual(typing(), []);
  types(BO);
  server.socket.receive({ message: { type: "leave", message: "Bo left", sender: BO, memberCount: 1 } });
  assert.deepEqual(typing(), []);
  types(BO);
  room.ignore(BO.id);
  types(BO);
  assert.deepEqual(typing(), []);
  room.unignore(BO.id);
  types(BO);
  server.socket.cut();
  assert.deepEqual(typing(), []);
});

test("who is muted, removed or renamed is not shown as typing", async () => {
  const room = await join();
  const typing = () => room.getSnapshot().typing.map(({ name }) => name);
  const types = (sender = BO) => server.socket.receive({ signal: { name: "typing", sender } });
  for (const type of ["muted", "removed"]) {
    types();
    server.deliver(server.storeEvent(type, { member: BO, until: new Date(Date.now() + 60_000).toISOString() }));
    assert.deepEqual(typing(), []);
  }
  types();
  const renamed = { id: BO.id, name: "Bo B." };
  server.socket.receive({ message: { type: "rename", message: "Bo is now Bo B.", sender: renamed, formerName: "Bo" } });
  assert.deepEqual(typing(), []);
  types(renamed);
  assert.deepEqual(typing(), ["Bo B."]);
});

test("in a room that is too large for signals, typing is refused once, and nobody is told", async () => {
  const room = await join();
  const errors: string[] = [];
  room.on("error", ({ code }) => errors.push(code));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "signal") return false;
    socket.receive({ error: { code: "too_large", message: "too many", action, clientId: data?.clientId } });
    return true;
  };
  for (let seconds = 0; seconds < 60; seconds += 10) {
    room.typing();
    await pass(10_000);
  }
  assert.deepEqual([framesOf("signal").length, errors], [1, []]);
  room.signal("wave", { to: "Bo" });
  await settle();
  assert.deepEqual(framesOf("signal").at(-1)?.data, { name: "wave", data: { to: "Bo" } });
  assert.deepEqual(errors, ["too_large"]);
});

test("signals of others are events, with whatever data they have", async () => {
  const room = await join();
  const signals: unknown[] = [];
  room.on("signal", (signal) => signals.push(signal));
  server.socket.receive({ signal: { name: "cursor", data: [1, 2], sender: BO } });
  server.socket.receive({ signal: { name: 5, sender: BO } });
  server.socket.receive({ signal: { name: "typing", sender: BO } });
  room.ignore(BO.id);
  server.socket.receive({ signal: { name: "cursor", data: [3, 4], sender: BO } });
  assert.deepEqual(signals, [{ name: "cursor", data: [1, 2], sender: BO }]);
});

test("the rooms that have news are found with one request for 50", async () => {
  const bodies: { key: string; rooms: { roomId: string }[] }[] = [];
  const { WebSocket } = server;
  const fetch = async (url: RequestInfo | URL, { method, body }: RequestInit = {}) => {
    assert.deepEqual([String(url), method], ["https://rest.test/dev/rooms/unread", "POST"]);
    bodies.push(JSON.parse(String(body)));
    const found = bodies.at(-1)?.rooms.map(({ roomId }) => ({ roomId, lastSequence: 5 })) ?? [];
    return new Response(JSON.stringify({ rooms: found.slice(1) })); // one does not exist any more
  };
  const client = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket });
  const visited = Array.from({ length: 60 }, (_, index) => ({ roomId: `r${index}`, readSequence: index % 10 }));
  const unread = await client.findUnread([{ roomId: "p", token: "join", owner: null, readSequence: 0 }, ...visited]);
  assert.deepEqual(
    bodies.map(({ key, rooms }) => [key, rooms.length]),
    [
      [KEY, 50],
      [KEY, 11],
    ],
  );
  assert.deepEqual(bodies[0]?.rooms[0], { roomId: "p", token: "join" });
  assert.equal(unread.size, 30);
  assert.ok(unread.has("r0") && !unread.has("r5"));
});

test("what was read on another device is no news, and its position is told", async () => {
  const rooms = [
    { roomId: "r1", lastSequence: 5, readSequence: 5 },
    { roomId: "r2", lastSequence: 5, readSequence: 3 },
    { roomId: "r3", lastSequence: 5, readSequence: 3 },
    { roomId: "r4", lastSequence: 5 },
  ];
  server.respond = (path) => (path === "/rooms/unread" ? [200, { rooms }] : undefined);
  const here = { r1: 2, r2: 4, r3: 5, r4: 4, gone: 1 };
  const visited = Object.entries(here).map(([roomId, readSequence]) => ({ roomId, readSequence }));
  const heard: unknown[] = [];
  const stop = connect().watchUnread(visited, (unread, read) => heard.push([...unread], Object.fromEntries(read)));
  await settle();
  stop();
  assert.deepEqual(heard, [["r2", "r4"], { ...here, r1: 5 }]);
  assert.deepEqual(await connect().findUnread(visited), new Set(["r2", "r4"]));
});

test("a late response about unread rooms does not replace a later one, nor does one that arrives at the end", async () => {
  const waiting: ((lastSequence: number) => void)[] = [];
  const fetch = () =>
    new Promise<Response>((resolve) => {
      waiting.push((lastSequence) => resolve(Response.json({ rooms: [{ roomId: "r1", lastSequence }] })));
    });
  const client = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch });
  const heard: string[][] = [];
  const stop = client.watchUnread([{ roomId: "r1", readSequence: 4 }], (unread) => heard.push([...unread]));
  await settle();
  browser.setHidden(false); // somebody looks at the page again, before the first response
  await settle();
  waiting[1]?.(5);
  await settle();
  waiting[0]?.(4);
  await settle();
  assert.deepEqual(heard, [["r1"]]);
  await pass(60_000);
  stop();
  waiting[2]?.(4);
  await settle();
  assert.deepEqual([waiting.length, heard], [3, [["r1"]]]);
});

test("unread rooms are watched while the page is visible", async () => {
  server.respond = (path) =>
    path === "/rooms/unread" ? [200, { rooms: [{ roomId: "r1", lastSequence: 5 }] }] : undefined;
  const heard: string[][] = [];
  const stop = connect().watchUnread([{ roomId: "r1", readSequence: 4 }], (unread) => heard.push([...unread]));
  await settle();
  assert.deepEqual(heard, [["r1"]]);
  browser.setHidden(true);
  await pass(120_000);
  assert.equal(heard.length, 1);
  browser.setHidden(false);
  await settle();
  assert.equal(heard.length, 2);
  server.respond = () => "unreachable";
  await pass(60_000);
  stop();
  server.respond = () => undefined;
  await pass(120_000);
  assert.equal(heard.length, 2);
  const none: number[] = [];
  connect().watchUnread([], (unread) => none.push(unread.size))();
  assert.deepEqual(none, [0]);
});
