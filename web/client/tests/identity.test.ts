/** Users and guests who follow each other in one browser: what one has left there is neither shown nor sent by the next. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { loadKey } from "../src/identity.js";
import { ChatClient, type ChatClientOptions, type Room } from "../src/index.js";
import { MemoryStorage, pass, settle } from "./fake-server.js";
import { browser, rooms, server, storage, useFakes } from "./setup.js";

const [AKI, BO] = ["a".repeat(32), "b".repeat(32)];

useFakes();

function client(options: Partial<ChatClientOptions>): ChatClient {
  const { fetch, WebSocket } = server;
  return new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, storage, ...options });
}

async function join(by: ChatClient): Promise<Room> {
  const room = by.join("r1");
  rooms.push(room);
  await pass(100);
  return room;
}

let issued = 0;

/** Return an access token of a user: another one each time. */
function tokenOf(sub: string): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  issued += 1;
  return `${part({ alg: "RS256" })}.${part({ iss: "https://login.test", sub, jti: `名${issued}` })}.c2ln`;
}

async function leaveUnsent(by: ChatClient, text: string): Promise<void> {
  const room = await join(by);
  browser.goOffline();
  const unsent = assert.rejects(room.send(text), { code: "closed" });
  room.leave();
  await unsent;
  assert.deepEqual(
    room.pending.map(({ message }) => message),
    [text],
  );
  browser.goOnline();
}

const texts = () => server.stored.map(({ message }) => message);

const PEOPLE: readonly (readonly [string, () => Partial<ChatClientOptions>, () => Partial<ChatClientOptions>])[] = [
  ["a guest", () => ({ key: AKI }), () => ({ key: BO })],
  ["a user", () => ({ getToken: () => tokenOf("aki") }), () => ({ getToken: () => tokenOf("bo") })],
  ["a guest after a user", () => ({ getToken: () => tokenOf("aki") }), () => ({ key: BO, getToken: () => null })],
];

for (const [who, first, second] of PEOPLE) {
  test(`${who} neither sends nor sees what the one before has not sent, who sends it later`, async () => {
    await leaveUnsent(client(first()), "from Aki");
    const other = await join(client(second()));
    await pass(5_000);
    assert.deepEqual([other.state.status, other.pending, texts()], ["open", [], []]);
    await other.send("from Bo");
    other.leave();
    await join(client(first()));
    await pass(1_000);
    assert.deepEqual(texts(), ["from Bo", "from Aki"]);
  });

  test(`${who} does not see the messages that the one before would see after a reload`, async () => {
    server.store("hello");
    await join(client(first()));
    await pass(1_000);
    browser.hide();
    browser.goOffline();
    server.respond = (path) => (path.endsWith("/messages") ? "unreachable" : undefined);
    assert.deepEqual((await join(client(second()))).messages, []);
    const [message] = (await join(client(first()))).messages;
    assert.equal(message?.message, "hello");
  });
}

test("another user who takes over a client leaves the rooms of the former one, and is announced", async () => {
  let user = "aki";
  const shared = client({ getToken: () => tokenOf(user) });
  const heard: string[] = [];
  shared.onIdentity((identity) => heard.push(identity));
  assert.equal(shared.identity, null);
  const room = await join(shared);
  const aki = shared.identity;
  await shared.listRooms().catch(() => {});
  assert.deepEqual([room.state.status, shared.identity, heard], ["open", aki, []]);
  user = "bo";
  const bo = await shared.identify();
  assert.notEqual(bo, aki);
  assert.deepEqual([room.state, heard], [{ status: "closed", reason: "left", isFinal: true }, [bo]]);
  await join(shared);
  const subjects = server.sockets.map(({ url }) => {
    const [, payload = ""] = (url.searchParams.get("access_token") ?? "").split(".");
    return JSON.parse(Buffer.from(payload, "base64url").toString()).sub;
  });
  assert.deepEqual(subjects, ["aki", "bo"]);
});

test("what another user has not read is told as soon as they take over the client", async () => {
  let user = "aki";
  server.respond = (path) => {
    if (path !== "/rooms/unread") return undefined;
    return [200, { rooms: [{ roomId: "r1", lastSequence: 5, readSequence: user === "aki" ? 5 : 4 }] }];
  };
  const shared = client({ getToken: () => tokenOf(user) });
  const heard: string[][] = [];
  const stop = shared.watchUnread([{ roomId: "r1", readSequence: 0 }], (unread) => heard.push([...unread]));
  await pass(10);
  user = "bo";
  await shared.identify();
  await pass(10);
  stop();
  user = "aki";
  await shared.identify();
  await pass(10);
  assert.deepEqual(heard, [[], ["r1"]]);
});

test("a reconnect with the token of another user does not open a connection for the former one", async () => {
  let user = "aki";
  const room = await join(client({ getToken: () => tokenOf(user) }));
  await pass(6_000);
  user = "bo";
  server.socket.cut();
  await pass(60_000);
  assert.deepEqual([room.state.status, server.sockets.length], ["closed", 1]);
});

test("what is written before the first token arrives follows what this user has left before", async () => {
  await leaveUnsent(client({ getToken: () => tokenOf("aki") }), "before");
  let arrive = (_: string) => {};
  const token = new Promise<string>((resolve) => {
    arrive = resolve;
  });
  const room = await join(client({ getToken: () => token }));
  const sent = room.send("now");
  await settle();
  assert.deepEqual(
    room.pending.map(({ message }) => message),
    ["now"],
  );
  arrive(tokenOf("aki"));
  await pass(3_000);
  await sent;
  assert.deepEqual(texts(), ["before", "now"]);
});

test("a user who is known without a token sees and keeps unsent messages while no token can be fetched", async () => {
  let user = "aki";
  let getToken: () => Promise<string> = () => Promise.reject(new Error("offline"));
  const options = { user: () => user, getToken: () => getToken() };
  const before = await join(client(options));
  before.send("kept").catch(() => {});
  const after = await join(client(options));
  assert.deepEqual(
    after.pending.map(({ message }) => message),
    ["kept"],
  );
  user = "bo";
  assert.deepEqual((await join(client(options))).pending, []);
  user = "aki";
  before.leave();
  getToken = async () => tokenOf("aki");
  await pass(60_000);
  assert.deepEqual([texts(), after.state.status], [["kept"], "open"]);
});

test("another user who joins with the same client leaves the rooms of the former one at once", async () => {
  let user: string | null = "aki";
  const shared = client({ user: () => user, getToken: () => user && tokenOf(user) });
  const room = await join(shared);
  user = null;
  const other = shared.join("r1");
  rooms.push(other);
  assert.equal(room.state.status, "closed");
  await pass(1_000);
  assert.deepEqual([other.state.status, server.socket.url.searchParams.has("access_token")], ["open", false]);
});

test("signing out leaves the rooms, and forgets what the user has left, but nothing of others", async () => {
  await leaveUnsent(client({ key: BO }), "from Bo");
  const aki = client({ key: AKI });
  await leaveUnsent(aki, "from Aki");
  const room = await join(aki);
  server.onFrame = (_, { action }) => action === "sendMessage";
  const [unsent] = room.pending;
  await aki.signOut();
  assert.equal(room.state.status, "closed");
  room.discard(unsent?.clientId ?? "");
  browser.hide();
  assert.doesNotMatch(JSON.stringify([...storage.items]), /from Aki/);
  assert.match(JSON.stringify([...storage.items]), /from Bo/);
  assert.deepEqual((await join(client({ key: AKI }))).pending, []);
});

test("signing out before anything was requested forgets the user of the token", async () => {
  await leaveUnsent(client({ getToken: () => tokenOf("aki") }), "from Aki");
  await client({ getToken: () => tokenOf("aki") }).signOut();
  assert.deepEqual([...storage.items], []);
});

test("signing out works while no token can be fetched", async () => {
  const offline = client({ getToken: () => Promise.reject(new Error("offline")) });
  const room = await join(offline);
  await offline.signOut();
  assert.equal(room.state.status, "closed");
});

test("a guest who has signed out is another one afterwards", async () => {
  const local = new MemoryStorage();
  Object.defineProperty(globalThis, "localStorage", { value: local, configurable: true });
  const guest = client({});
  const heard: string[] = [];
  guest.onIdentity((identity) => heard.push(identity));
  await join(guest);
  const [key, before] = [loadKey(local), guest.identity];
  await guest.signOut();
  assert.deepEqual([guest.identity, [...local.items], heard], [null, [], []]);
  await join(guest);
  assert.deepEqual(heard, [guest.identity]);
  assert.notDeepEqual([loadKey(local), guest.identity], [key, before]);
  Reflect.deleteProperty(globalThis, "localStorage");
});

test("an identity contains neither the key nor the token", async () => {
  const token = tokenOf("aki@example.com");
  const user = client({ getToken: () => token });
  const guest = client({ key: AKI });
  for (const identity of [await user.identify(), await guest.identify()])
    assert.match(identity, /^(user|guest)-\w{1,13}$/);
  await leaveUnsent(guest, "hello");
  assert.ok(!JSON.stringify([...storage.items]).includes(AKI));
});

const CLOSED_COMMANDS: readonly (readonly [string, (room: Room) => Promise<unknown>])[] = [
  ["deleteMessage", (room) => room.deleteMessage(1)],
  ["update", (room) => room.update({ name: "New" })],
  ["removeMember", (room) => room.removeMember("m2")],
  ["setRole", (room) => room.setRole("m2", "moderator")],
  ["muteMember", (room) => room.muteMember("m2", 60)],
  ["unbanMember", (room) => room.unbanMember("m2")],
  ["reportMessage", (room) => room.reportMessage(1)],
  ["renewTokens", (room) => room.renewTokens({ join: true })],
  ["close", (room) => room.close()],
  ["send", (room) => room.send("hello")],
];

for (const [name, run] of CLOSED_COMMANDS) {
  test(`${name} in a room that was left, or that is left meanwhile, rejects with closed`, async () => {
    const room = await join(client({ key: AKI }));
    server.onFrame = () => true;
    const running = assert.rejects(run(room), { code: "closed" });
    room.leave();
    await running;
    await assert.rejects(run(room), { code: "closed" });
    browser.goOffline();
    await assert.rejects(run(room), { code: "closed" });
  });
}

test("a message that is sent again in a room that was left rejects with closed, also if it has not failed", async () => {
  const room = await join(client({ key: AKI }));
  server.onFrame = () => true;
  room.send("hello").catch(() => {});
  room.leave();
  await assert.rejects(room.retry(room.pending[0]?.clientId ?? ""), { code: "closed" });
});

test("a failed message that is sent again in a room that was left rejects with closed, and is kept", async () => {
  const room = await join(client({ key: AKI }));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    socket.receive({ error: { code: "invalid_message", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  await assert.rejects(room.send("hello"), { code: "invalid_message" });
  room.leave();
  await assert.rejects(room.retry(room.pending[0]?.clientId ?? ""), { code: "closed" });
  assert.equal(room.pending[0]?.status, "failed");
});
