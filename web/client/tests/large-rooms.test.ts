/** Frames with several messages, or with many joins and leaves, and the requests that large rooms save. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { ChatClient, type Room } from "../src/index.js";
import { pass, type Stored, settle } from "./fake-server.js";
import { rooms, server, storage, useFakes } from "./setup.js";

const KEY = "k".repeat(22);
const AKI = { id: "m1", name: "Aki" };
const BO = { id: "m-bo", name: "Bo" };

useFakes();

async function join(): Promise<Room> {
  const { fetch, WebSocket } = server;
  const client = new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket, storage });
  const room = client.join("r1", { name: "Aki" });
  rooms.push(room);
  await pass(100);
  return room;
}

/** Join a large room, and let the requests pass that follow. */
async function joinLarge(): Promise<Room> {
  server.isLarge = true;
  server.memberCount = 5_000;
  const room = await join();
  await pass(6_000);
  server.requests.length = 0;
  return room;
}

function setRandom(value: number): void {
  mock.method(Math, "random", () => value);
}

/** Return the texts of the events of a type, as they come. */
function heard(room: Room, type: "message" | "mention" | "notice"): string[] {
  const found: string[] = [];
  room.on(type, ({ message }: { message: string }) => found.push(message));
  return found;
}

/** Return the snapshots that subscribers are told of, as the texts of their messages. */
function changesOf(room: Room): string[][] {
  const changes: string[][] = [];
  room.subscribe(() => changes.push(texts(room)));
  return changes;
}

const texts = (room: Room) => room.messages.map(({ message }) => message);
const namesOf = (room: Room) => room.members.map(({ name }) => name);
const requestsOf = (part: string) => server.requests.filter((request) => request.includes(part));
const hellos = () => server.socket.frames.filter(({ action }) => action === "hello").length;
const store = (...said: string[]) => said.map((text) => server.store(text, BO));
const crowd = (presence: unknown) => server.socket.receive({ presence });

// Messages

test("several messages in a frame are one change, and an event for each", async () => {
  const room = await join();
  const [changes, events, mentions] = [changesOf(room), heard(room, "message"), heard(room, "mention")];
  const [one, two, three] = store("one", "two", "three");
  server.deliverTogether([one, { ...two, mentions: ["m1"] }, three]);
  assert.deepEqual(changes, [["one", "two", "three"]]);
  assert.deepEqual([events, mentions], [["one", "two", "three"], ["two"]]);
});

test("messages and all kinds of events in a frame are one change", async () => {
  server.members.set(BO.id, BO.name);
  server.members.set("m-cy", "Cy");
  const room = await join();
  store("doomed", "tpyo");
  server.deliverTogether(server.stored);
  const [changes, notices] = [changesOf(room), heard(room, "notice")];
  const member = { id: "m-cy", name: "Cy" };
  server.deliverTogether([
    server.storeEvent("deleted", { target: 1 }),
    server.edit(2, "typo"),
    server.storeEvent("updated", { room: { name: "Coffee", private: false } }),
    server.storeEvent("role", { member: BO, role: "moderator" }),
    server.storeEvent("muted", { member: BO, until: "2030-01-01T00:00:00Z" }),
    server.storeEvent("removed", { member }),
    ...store("news"),
  ]);
  assert.deepEqual(changes, [["typo", "news"]]);
  assert.deepEqual([room.getSnapshot().name, namesOf(room)], ["Coffee", ["Bo", "Aki"]]);
  const [bo] = room.members;
  assert.deepEqual([bo?.role, bo?.mutedUntil], ["moderator", "2030-01-01T00:00:00.000Z"]);
  assert.deepEqual(notices, ["Owner updated", "Owner role", "Owner muted", "Owner removed"]);
});

test("an own message in a frame is confirmed, with the others in one change, and also if it arrives twice", async () => {
  const room = await join();
  const ticks: Stored[][] = [];
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    ticks.push([...store("before"), server.store(data?.message ?? "", socket.member, data?.clientId)]);
    return true;
  };
  const events = heard(room, "message");
  const sent = room.send("mine");
  await settle();
  const pending: number[] = [];
  room.subscribe(() => pending.push(room.pending.length));
  const changes = changesOf(room);
  server.deliverTogether(ticks[0] ?? []);
  assert.deepEqual([(await sent).isOwn, changes, pending], [true, [["before", "mine"]], [0]]);
  server.deliverTogether(ticks[0] ?? []);
  server.deliver(ticks[0]?.[1] as Stored);
  assert.equal(changes.length, 1);
  await pass(30_000);
  assert.deepEqual([texts(room), events, ticks.length], [["before", "mine"], ["before", "mine"], 1]);
});

test("the removal of this client in a frame ends the visit", async () => {
  const room = await join();
  server.deliverTogether([...store("last"), server.storeEvent("removed", { member: server.socket.member })]);
  assert.deepEqual([room.state.status === "closed" && room.state.reason, texts(room)], ["banned", ["last"]]);
});

test("repeated, overlapping and reordered frames, of one message or several, show each message once and in order", async () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  server.isLarge = true;
  const room = await join();
  const events = heard(room, "message");
  for (let round = 0; round < 50; round += 1) {
    const before = server.stored.length;
    const said = store(...Array.from({ length: 12 }, (_, index) => `${round}.${index}`));
    const frames: Stored[][] = said.map((one) => [one]); // each at least once
    for (let more = 0; more < 8; more += 1) {
      const start = before + random(12);
      frames.push(server.stored.slice(Math.max(0, start - random(20)), start + 1 + random(6)));
    }
    while (frames.length) {
      const [frame = []] = frames.splice(random(frames.length), 1);
      if (frame.length === 1 && random(2)) server.deliver(frame[0] as Stored);
      else server.deliverTogether(frame);
    }
    assert.deepEqual(
      texts(room),
      server.stored.map(({ message }) => message),
    );
  }
  assert.deepEqual([...events].sort(), texts(room).sort());
  await pass(6_000);
  assert.equal(requestsOf("after=").length, 1); // that of each connection: no gap was left
});

test("what is malformed in a frame, or new, does not cost the rest of it", async () => {
  const room = await join();
  const [one, two] = store("one", "two");
  const wave = server.storeEvent("waved", {});
  server.deliverTogether([null, 5, "text", [], {}, { ...one, weather: "fine" }, { ...two, sender: null }, wave, two]);
  for (const messages of [null, {}, "text", []]) server.socket.receive({ messages });
  assert.deepEqual([texts(room), room.state.status], [["one", "two"], "open"]);
});

test("a message that was deleted before its frame is not missing", async () => {
  const room = await joinLarge();
  const [one, gone] = store("one", "gone");
  server.stored.splice(server.stored.indexOf(gone as Stored), 1);
  const deleted = { ...server.storeEvent("deleted", { target: 2 }), sequence: 3 };
  server.stored[1] = deleted;
  server.deliverTogether([one, deleted]);
  await pass(6_000);
  assert.deepEqual([texts(room), server.requests], [["one"], []]);
  server.deliver(gone as Stored); // a frame from before the deletion
  assert.deepEqual(texts(room), ["one"]);
});

// Missing messages

for (const [value, seconds] of [
  [0, 0.4],
  [0.5, 2.9],
  [1, 5.4],
] as const) {
  test(`a gap in a large room is read after ${seconds} s if the random number is ${value}`, async () => {
    const room = await joinLarge();
    setRandom(value);
    const [, two] = store("one", "two");
    if (value) server.deliverTogether([two]);
    else server.deliver(two as Stored);
    await pass(seconds * 1_000 - 100);
    assert.deepEqual([texts(room), server.requests.length], [["two"], 0]);
    await pass(100);
    assert.deepEqual([texts(room), server.requests.length], [["one", "two"], 1]);
  });
}

test("a gap that a frame for several messages shows is one of a large room, also if it has grown since the welcome", async () => {
  const room = await join();
  await pass(3_000);
  const [, two] = store("one", "two");
  server.deliverTogether([two]);
  await pass(2_800);
  assert.deepEqual(texts(room), ["two"]);
  await pass(100);
  assert.deepEqual(texts(room), ["one", "two"]);
});

test("a gap in a large room that has closed by then is not read", async () => {
  const room = await joinLarge();
  const [one, two, three] = store("one", "two", "three");
  server.deliverTogether([two, three]);
  await pass(2_500);
  server.deliverTogether([one, two]);
  await pass(6_000);
  assert.deepEqual([texts(room), server.requests], [["one", "two", "three"], []]);
  const [, five] = store("four", "five");
  server.deliverTogether([five]); // the next gap has a delay of its own
  await pass(2_800);
  assert.deepEqual(server.requests, []);
  await pass(200);
  assert.deepEqual(texts(room), ["one", "two", "three", "four", "five"]);
});

test("a new connection to a large room says hello once, and reads what it has missed after two to five seconds", async () => {
  server.isLarge = true;
  server.memberCount = 5_000;
  const room = await join();
  server.requests.length = 0;
  store("missed");
  await pass(3_300); // 2 s, and the random half of 3 s
  assert.deepEqual([texts(room), server.requests], [[], []]);
  await pass(200);
  assert.deepEqual([texts(room), server.requests.length], [["missed"], 1]);
  await pass(60_000);
  assert.deepEqual([hellos(), server.requests.length], [1, 1]);
});

test("a reconnect to a large room reads the reactions again after the same delay", async () => {
  store("one");
  const room = await joinLarge();
  server.socket.cut();
  await pass(1_000);
  server.requests.length = 0;
  server.react(1, "👍", BO.id);
  await pass(1_500);
  assert.deepEqual(server.requests, []);
  await pass(2_000);
  assert.equal(room.messages[0]?.reactions[0]?.reaction, "👍");
  assert.equal(hellos(), 1);
});

test("a connection without a welcome says hello again, also to a room that was large", async () => {
  const room = await joinLarge();
  server.onFrame = ({ frames }) => frames.length === 1;
  server.socket.cut();
  await pass(500);
  server.memberCount = 6_000;
  await pass(2_500);
  assert.deepEqual([hellos(), room.getSnapshot().memberCount], [2, 6_000]);
});

test("leaving a large room ends the wait for the reading", async () => {
  server.isLarge = true;
  const room = await join();
  await pass(2_000);
  server.requests.length = 0;
  room.leave();
  await pass(6_000);
  assert.deepEqual(server.requests, []);
});

test("a heartbeat in a large room waits for the frame with the newest messages before it reads them", async () => {
  const room = await joinLarge();
  store("one");
  await pass(204_500);
  assert.deepEqual([hellos(), server.requests], [2, []]);
  server.deliverTogether(server.stored);
  await pass(6_000);
  assert.deepEqual(server.requests, []);
  store("lost");
  await pass(214_000);
  assert.deepEqual([hellos(), texts(room)], [3, ["one", "lost"]]);
  assert.equal(server.requests.length, 1);
});

// Presence

test("sixty who join at once are members and notices, with one change of the members", async () => {
  const room = await join();
  const notices = heard(room, "notice");
  let changes = 0;
  const joined = Array.from({ length: 60 }, (_, index) => ({ id: `m-${index}`, name: `guest ${index}` }));
  for (const { id, name } of joined) server.members.set(id, name);
  let members = room.members;
  room.subscribe(() => {
    if (room.members !== members) changes += 1;
    members = room.members;
  });
  crowd({ joined, left: [], memberCount: 61 });
  assert.equal(changes, 1);
  assert.deepEqual(namesOf(room), ["Aki", ...joined.map(({ name }) => name)]);
  assert.deepEqual(
    notices,
    joined.map(({ name }) => `${name} joined`),
  );
  assert.equal(room.getSnapshot().memberCount, 61);
  await pass(20_000);
  assert.equal(requestsOf("/members").length, 1); // the first one
});

test("who is known already is neither counted twice nor announced, and has new marks", async () => {
  server.members.set(BO.id, BO.name);
  const room = await join();
  const notices = heard(room, "notice");
  for (let repeat = 0; repeat < 2; repeat += 1) {
    crowd({ joined: [{ ...BO, role: "moderator", connections: 2 }], left: [], memberCount: 3 });
  }
  assert.deepEqual([namesOf(room), room.members[0]?.role, notices], [["Bo", "Aki"], "moderator", []]);
  const sender = BO;
  server.socket.receive({ message: { type: "leave", message: "Bo left", sender, memberCount: 2 } });
  server.memberCount = 2;
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices, requestsOf("/members").length], [["Bo", "Aki"], [], 1]);
});

test("who leaves and comes back in later frames within ten seconds goes unnoticed", async () => {
  server.members.set(BO.id, BO.name);
  const room = await join();
  const notices = heard(room, "notice");
  crowd({ joined: [], left: [BO], memberCount: 1 });
  await pass(5_000);
  crowd({ joined: [BO], left: [], memberCount: 2 });
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices], [["Bo", "Aki"], []]);
});

test("those who have left are told ten seconds later, with all their connections, and unknown ones never", async () => {
  server.members.set(BO.id, BO.name);
  server.connections.set(BO.id, 3);
  const room = await join();
  const notices = heard(room, "notice");
  server.members.delete(BO.id);
  crowd({ joined: [], left: [{ id: "m-unknown", name: "Unknown" }, BO], memberCount: 1 });
  await pass(9_900);
  assert.deepEqual([namesOf(room), notices], [["Bo", "Aki"], []]);
  await pass(200);
  assert.deepEqual([namesOf(room), notices], [["Aki"], ["Bo left"]]);
  assert.equal(requestsOf("/members").length, 1);
});

test("who leaves in a frame is not typing any more", async () => {
  server.members.set(BO.id, BO.name);
  const room = await join();
  server.socket.receive({ signal: { name: "typing", sender: BO } });
  assert.equal(room.getSnapshot().typing.length, 1);
  crowd({ joined: [], left: [BO], memberCount: 1 });
  assert.deepEqual(room.getSnapshot().typing, []);
});

test("this client is not announced, and stays a member whatever a frame says", async () => {
  const room = await join();
  const notices = heard(room, "notice");
  crowd({ joined: [AKI], left: [], memberCount: 1 });
  crowd({ joined: [], left: [AKI], memberCount: 1 });
  await pass(12_000);
  assert.deepEqual([namesOf(room), notices, requestsOf("/members").length], [["Aki"], [], 1]);
});

test("nobody in a frame is said to have joined before the members were read", async () => {
  server.respond = (path) => (path === "/rooms/r1/members" ? "unreachable" : undefined);
  const room = await join();
  const notices = heard(room, "notice");
  crowd({ joined: [BO], left: [], memberCount: 2 });
  assert.deepEqual([namesOf(room), notices], [["Bo"], []]);
});

test("a frame of a room that has grown beyond a hundred members has its number, and ends the list", async () => {
  const room = await join();
  crowd({ joined: [BO], left: [], memberCount: 101 });
  assert.deepEqual([namesOf(room), room.getSnapshot().memberCount], [[], 101]);
});

test("malformed members of a frame do not cost the others, and a frame without a number is ignored", async () => {
  const room = await join();
  crowd({ joined: [null, { id: 5 }, { ...BO, mood: "fine" }, "text"], left: {}, memberCount: 2, weather: "fine" });
  crowd({ joined: [{ id: "m-cy", name: "Cy" }], left: [] });
  crowd({ memberCount: 2 });
  crowd(null);
  crowd([]);
  assert.deepEqual([namesOf(room), room.getSnapshot().memberCount], [["Aki", "Bo"], 2]);
});

for (const [value, seconds] of [
  [0, 7],
  [0.5, 9.5],
  [1, 12],
] as const) {
  test(`a wrong number of members is checked after ${seconds} s if the random number is ${value}`, async () => {
    const room = await join();
    await pass(3_000);
    setRandom(value);
    server.members.set(BO.id, BO.name);
    crowd({ joined: [], left: [], memberCount: 2 });
    await pass(seconds * 1_000 - 100);
    assert.equal(requestsOf("/members").length, 1);
    await pass(100);
    assert.deepEqual([requestsOf("/members").length, namesOf(room)], [2, ["Aki", "Bo"]]);
  });
}

test("a wrong number of members that is right by then is not checked, the next one is", async () => {
  const room = await join();
  await pass(3_000);
  crowd({ joined: [], left: [], memberCount: 2 });
  await pass(5_000);
  crowd({ joined: [BO], left: [], memberCount: 2 });
  await pass(20_000);
  assert.equal(requestsOf("/members").length, 1);
  for (const { id, name } of [BO, { id: "m-cy", name: "Cy" }]) server.members.set(id, name);
  crowd({ joined: [], left: [], memberCount: 3 });
  await pass(10_000);
  assert.deepEqual(namesOf(room), ["Aki", "Bo", "Cy"]);
});

// Requests that are spread or saved

test("the room is asked for the reason after the first failed handshake, and again from the fourth on", async () => {
  const room = await join();
  for (const times of [6, 2]) {
    server.requests.length = 0;
    server.rejectsHandshakes = true;
    server.socket.cut();
    const asked: number[] = [];
    for (let attempt = 1; attempt <= times; attempt += 1) {
      const before = server.sockets.length;
      while (server.sockets.length === before) await pass(100);
      await settle();
      asked.push(server.requests.filter((request) => request.startsWith("GET /rooms/r1?")).length);
    }
    assert.deepEqual(asked, [1, 1, 1, 2, 3, 4].slice(0, times));
    server.rejectsHandshakes = false;
    room.reconnect();
    await settle();
    assert.equal(room.state.status, "open");
  }
});

test("a room that ends while its connection is tried again and again is closed with the fourth attempt", async () => {
  const room = await join();
  server.rejectsHandshakes = true;
  server.socket.cut();
  await pass(1_000);
  const refused = { Code: "RoomLockedError", Message: "no" };
  server.respond = (path) => (path === "/rooms/r1" ? [403, refused] : undefined);
  await pass(20_000);
  assert.deepEqual(room.state, { status: "closed", reason: "locked", isFinal: false, message: "no" });
  assert.equal(server.sockets.length, 5);
});

test("each heartbeat has a random interval of its own, of three to four minutes", async () => {
  setRandom(0);
  await join();
  await pass(6_000);
  const before = hellos();
  setRandom(1);
  await pass(173_000);
  assert.equal(hellos(), before);
  await pass(1_100);
  assert.equal(hellos(), before + 1);
  await pass(238_000);
  assert.equal(hellos(), before + 1);
  await pass(2_500);
  assert.equal(hellos(), before + 2);
});
