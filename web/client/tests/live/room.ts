/** The client against the packaged app on a local cloud: `CHAT_URL=… node --test`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { ApiError, ChatClient, type Room, type RoomSnapshot } from "../../src/index.js";
import { MemoryStorage } from "../fake-server.js";

const SECONDS = 20;

const url = process.env.CHAT_URL;
assert.ok(url, "expected the REST address of a chat in CHAT_URL");

function connect(): ChatClient {
  return new ChatClient({ url: url as string, WebSocket, storage: new MemoryStorage() });
}

/** Wait until the snapshot of a room is as wanted. */
async function until(room: Room, isWanted: (snapshot: RoomSnapshot) => boolean): Promise<RoomSnapshot> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`not reached: ${isWanted}\n${JSON.stringify(room.getSnapshot())}`)),
      SECONDS * 1_000,
    );
    const check = () => {
      if (!isWanted(room.getSnapshot())) return;
      clearTimeout(timer);
      stop();
      resolve(room.getSnapshot());
    };
    const stop = room.subscribe(check);
    check();
  });
}

test("two clients talk, see each other, and leave", async () => {
  const client = connect();
  const { roomId } = await client.createRoom("Tea");
  const aki = client.join(roomId, { name: "Aki" });
  await until(aki, ({ you }) => you?.name === "Aki");
  const { rooms } = await client.listRooms({ limit: 100 });
  assert.ok(rooms.some((room) => room.roomId === roomId && room.name === "Tea" && room.memberCount === 1));
  const bo = connect().join(roomId, { name: "Bo" });
  await until(aki, ({ members }) => members.length === 2);
  const { name, isPrivate, memberCount } = await until(bo, ({ members }) => members.length === 2);
  assert.deepEqual([name, isPrivate, memberCount], ["Tea", false, 2]);
  const stored = await aki.send("one\n\ttwo");
  assert.equal(stored.isOwn, true);
  const { messages } = await until(bo, (now) => now.messages.length === 1);
  assert.deepEqual([messages[0]?.message, messages[0]?.isOwn, messages[0]?.sender.name], ["one\n\ttwo", false, "Aki"]);
  bo.leave();
  await until(aki, ({ members }) => members.length === 1);
  aki.leave();
  assert.deepEqual(aki.state, { status: "closed", reason: "left", isFinal: true });
});

test("a moderator mutes and removes a member with all messages, and the owner lets the member back in", async () => {
  const client = connect();
  const { roomId, ownerToken } = await client.createRoom("Class");
  const aki = client.join(roomId, { name: "Aki", owner: ownerToken });
  const bo = connect().join(roomId, { name: "Bo" });
  const cyClient = connect();
  const cy = cyClient.join(roomId, { name: "Cy" });
  await until(aki, ({ members }) => members.length === 3);
  const [boId = "", cyId = ""] = await Promise.all(
    [bo, cy].map(async (room) => (await until(room, ({ you }) => you !== null)).you?.id),
  );
  await aki.setRole(boId, "moderator");
  await until(bo, ({ you }) => you?.role === "moderator");
  await cy.send("boo");
  const { sequence } = await bo.send("hello");
  await bo.muteMember(cyId, 600);
  await until(cy, ({ you }) => you?.mutedUntil !== undefined);
  await assert.rejects(cy.send("boo!"), { code: "muted" });
  await cy.reportMessage(sequence, "rude");
  assert.deepEqual(
    (await bo.reports()).map(({ target, reason, sender }) => [target, reason, sender.name]),
    [[sequence, "rude", "Cy"]],
  );
  await bo.removeMember(cyId, { deleteMessages: true });
  await until(cy, ({ state }) => state.status === "closed");
  const { messages } = await until(aki, (now) => now.messages.length === 1);
  assert.deepEqual([messages[0]?.message, messages[0]?.sender.role], ["hello", "moderator"]);
  assert.deepEqual(
    (await aki.bans()).map(({ id }) => id),
    [cyId],
  );
  await aki.unbanMember(cyId);
  assert.deepEqual(await aki.bans(), []);
  const back = cyClient.join(roomId, { name: "Cy" });
  await until(back, ({ state, messages: read }) => state.status === "open" && read.length === 1);
  await aki.update({ keepDays: 1, slowSeconds: 30 });
  await until(back, ({ keepDays, slowSeconds }) => keepDays === 1 && slowSeconds === 30);
  for (const room of [aki, bo, back]) room.leave();
});

test("whoever joins later reads the history page by page", async () => {
  const client = connect();
  const { roomId } = await client.createRoom("Long");
  const writers = await Promise.all(
    [0, 1, 2, 3].map(async (number) => {
      const room = client.join(roomId, { name: `writer ${number}` });
      for (let count = 0; count < 15; count += 1) await room.send(`${number}-${count}`);
      return room;
    }),
  );
  const late = connect().join(roomId);
  await until(late, ({ history, messages }) => history === "ready" && messages.length === 50);
  await late.loadOlder();
  const { messages, older } = late.getSnapshot();
  assert.deepEqual([messages.length, older], [60, "none"]);
  for (const room of [...writers, late]) room.leave();
});

test("a private room opens with its token only", async () => {
  const client = connect();
  const { roomId, joinToken } = await client.createRoom("Secret", { private: true });
  const stranger = client.join(roomId);
  const { state } = await until(stranger, (now) => now.state.status === "closed");
  const message = "this room is private: expected its joinToken in the query string, as in ?token=…";
  assert.deepEqual(state, { status: "closed", reason: "private", isFinal: false, message });
  const guest = client.join(roomId, { token: joinToken });
  await until(guest, ({ you, isPrivate }) => you !== null && isPrivate);
  guest.leave();
});

test("new tokens replace the former ones", async () => {
  const client = connect();
  const { roomId, joinToken, ownerToken } = await client.createRoom("Secret", { private: true });
  const owner = client.join(roomId, { token: joinToken, owner: ownerToken });
  await until(owner, ({ isOwner }) => isOwner);
  const renewed = await owner.renewTokens({ join: true, owner: true });
  owner.leave();
  const stranger = connect().join(roomId, { token: joinToken });
  const { state } = await until(stranger, (now) => now.state.status === "closed");
  assert.equal(state.status === "closed" && state.reason, "private");
  const former = connect().join(roomId, { token: renewed.joinToken, owner: ownerToken });
  assert.equal((await until(former, ({ you }) => you !== null)).isOwner, false);
  const { ownerToken: another } = await former.renewTokens({ owner: true });
  assert.equal((await until(former, ({ isOwner }) => isOwner)).history, "ready");
  former.leave();
  const last = connect().join(roomId, { token: renewed.joinToken, owner: another });
  await until(last, ({ isOwner }) => isOwner);
  last.leave();
});

test("a room that does not exist is gone, and a room without a name is rejected", async () => {
  const client = connect();
  const gone = client.join("nosuchroom");
  await until(gone, ({ state }) => state.status === "closed" && state.reason === "gone");
  await assert.rejects(client.createRoom(" "), (error) => error instanceof ApiError && error.status === 400);
});

test("the server's reason for rejecting a message arrives", async () => {
  const client = connect();
  const { roomId } = await client.createRoom("Tea");
  const room = client.join(roomId);
  const message = "message must have at most 4,000 characters, not 4,001";
  await assert.rejects(room.send("x".repeat(4_001)), { code: "invalid_message", message });
  await room.send("x".repeat(4_000));
  room.leave();
});

test("a burst over the rate limit is held back, and arrives whole and in order on one connection", async () => {
  let connections = 0;
  class Counted extends WebSocket {
    constructor(address: string) {
      super(address);
      connections += 1;
    }
  }
  const client = new ChatClient({ url: url as string, WebSocket: Counted, storage: new MemoryStorage() });
  const { roomId } = await client.createRoom("Flood");
  const aki = client.join(roomId, { name: "Aki" });
  const bo = connect().join(roomId, { name: "Bo" });
  await until(bo, ({ you, history }) => you !== null && history === "ready");
  const said = Array.from({ length: 25 }, (_, number) => `message ${number}`); // MESSAGES_PER_WINDOW is 20
  const sent = Promise.all(said.map((text) => aki.send(text)));
  await until(aki, ({ pending }) => pending[0]?.status === "held");
  await sent;
  for (const room of [aki, bo]) {
    const { messages } = await until(room, (snapshot) => snapshot.messages.length === said.length);
    assert.deepEqual(
      messages.map(({ message }) => message),
      said,
    );
  }
  assert.equal(connections, 1);
  for (const room of [aki, bo]) room.leave();
});

test("a large room is delivered in frames of several messages, and its crowd in frames of several joins", async () => {
  const frames: string[][] = [];
  class Recorder extends WebSocket {
    constructor(address: string) {
      super(address);
      const own: string[] = [];
      frames.push(own);
      this.on("message", (data) => own.push(Object.keys(JSON.parse(String(data))).join()));
    }
  }
  const names = Array.from({ length: 22 }, (_, index) => `guest ${index}`); // FANOUT_BATCH is 20 here
  const { roomId } = await connect().createRoom("Crowd");
  const rooms: Room[] = [];
  for (const name of names) {
    const client = new ChatClient({ url: url as string, WebSocket: Recorder, storage: new MemoryStorage() });
    const room = client.join(roomId, { name });
    rooms.push(room);
    await until(room, ({ you, history }) => you !== null && history === "ready"); // not more at once than a laptop can do
  }
  for (const room of rooms) {
    const { members } = await until(room, (snapshot) => snapshot.members.length === names.length);
    assert.deepEqual(members.map(({ name }) => name).sort(), [...names].sort());
  }
  const events = rooms.map((room) => {
    const heard: number[] = [];
    room.on("message", ({ sequence }) => heard.push(sequence));
    return heard;
  });
  await Promise.all(rooms.map((room, index) => room.send(`from ${index}`)));
  for (const room of rooms) {
    const { messages } = await until(room, (snapshot) => snapshot.messages.length === names.length);
    assert.deepEqual(
      messages.map(({ sequence }) => sequence),
      names.map((_, index) => index + 1),
    );
  }
  for (const heard of events)
    assert.deepEqual(
      heard.sort((a, b) => a - b),
      names.map((_, index) => index + 1),
    );
  for (const own of frames) assert.ok(own.filter((kind) => kind === "messages").length < names.length, String(own));
  assert.ok(
    frames.some((own) => own.includes("presence")),
    "expected a presence frame",
  );
  for (const room of rooms) room.leave();
});
