/** The fake client for the tests of applications. It is tried with a clock that stands still, but for the tests that say so. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import type { CloseReason, Room } from "../src/index.js";
import { FakeChatClient, type FakeRoom } from "../src/testing.js";
import { pass } from "./fake-server.js";

let client: FakeChatClient;
let tea: FakeRoom;
let room: Room;

beforeEach(async () => {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  client = new FakeChatClient();
  tea = client.room("tea");
  room = client.join("tea", { name: "Aki" });
  await pass(10);
});

afterEach(() => {
  room.leave();
  mock.timers.reset();
});

const texts = () => room.messages.map(({ sender, message }) => `${sender.name}: ${message}`);

test("a room is joined, and says what the client has sent", async () => {
  assert.deepEqual([room.state.status, room.getSnapshot().name], ["open", "tea"]);
  assert.deepEqual(room.getSnapshot().you, { id: "you", name: "Aki" });
  const stored = await room.send("Hello");
  assert.deepEqual([stored.isOwn, texts(), tea.sent, room.pending], [true, ["Aki: Hello"], ["Hello"], []]);
});

test("messages of others arrive at once, earlier ones are the history", async () => {
  tea.receive("Hi", { id: "m1", name: "Cy", verified: true });
  const last = tea.receive("Bye");
  assert.deepEqual(texts(), ["Cy: Hi", "Bo: Bye"]);
  tea.delete(last);
  assert.deepEqual(texts(), ["Cy: Hi"]);
  const long = client.room("long", { name: "Long" });
  for (let number = 1; number <= 70; number += 1) long.receive(String(number));
  const visit = client.join("long");
  await pass(10);
  assert.deepEqual([visit.messages.length, visit.getSnapshot().name], [50, "Long"]);
  await visit.loadOlder();
  assert.deepEqual([visit.messages.length, visit.getSnapshot().older], [70, "none"]);
  visit.leave();
});

test("several messages, edits, deletions, joins and leaves arrive together, as in a large room", async () => {
  const notices: string[] = [];
  room.on("notice", ({ message }) => notices.push(message));
  let changes = 0;
  room.subscribe(() => {
    changes += 1;
  });
  let last = 0;
  tea.together(() => {
    tea.edit(tea.receive("tpyo"), "typo");
    tea.delete(tea.receive("gone"));
    last = tea.receive("last");
  });
  assert.deepEqual([texts(), changes, last], [["Bo: typo", "Bo: last"], 1, 5]);
  tea.together(() => {
    for (const name of ["Anna", "Bert", "Cy"]) tea.join(name);
    tea.leave("Bert");
  });
  assert.deepEqual(
    room.members.map(({ name }) => name),
    ["Aki", "Anna", "Cy"],
  );
  assert.deepEqual([notices, room.getSnapshot().memberCount], [["Anna joined", "Cy joined"], 3]);
  tea.together(() => tea.leave("Anna"));
  await pass(10_000);
  assert.deepEqual([room.members.length, notices.at(-1)], [2, "Anna left"]);
});

test("a large room delivers all messages in frames for several", async () => {
  const large = client.room("large", { batch: true });
  const visit = client.join("large", { name: "Aki" });
  await pass(10);
  await visit.send("Hello");
  large.receive("Hi");
  assert.deepEqual(
    visit.messages.map(({ message, isOwn }) => [message, isOwn]),
    [
      ["Hello", true],
      ["Hi", false],
    ],
  );
  visit.leave();
});

test("others come, take another name, and go", async () => {
  const notices: string[] = [];
  room.on("notice", ({ type, member }) => notices.push(`${member.name} ${type}`));
  tea.join("Bo");
  await pass(10);
  assert.deepEqual(
    room.members.map(({ name }) => name),
    ["Aki", "Bo"],
  );
  tea.rename("Bo", "Bob");
  assert.equal(room.members[1]?.name, "Bob");
  tea.leave({ id: "member-Bo", name: "Bob" });
  await pass(11_000);
  assert.deepEqual(notices, ["Bo join", "Bob rename", "Bob leave"]);
  assert.deepEqual([room.members.length, room.getSnapshot().memberCount], [1, 1]);
});

test("the network is lost, and comes back without waiting", async () => {
  client.lose();
  assert.equal(room.state.status, "lost");
  const sending = room.send("Hello");
  assert.equal(room.pending[0]?.status, "offline");
  await assert.rejects(client.listRooms(), { code: "network" });
  tea.receive("missed");
  await pass(5_000);
  assert.deepEqual([room.state.status, texts(), tea.sent], ["lost", [], []]);
  client.reconnect();
  await pass(200);
  await sending;
  assert.deepEqual([room.state.status, texts()], ["open", ["Bo: missed", "Aki: Hello"]]);
});

test("a request is refused once", async () => {
  tea.refuse("sendMessage", "muted", { message: "you are muted", retryAfter: 60 });
  await assert.rejects(room.send("Hello"), { code: "muted", message: "you are muted", retryAfter: 60 });
  assert.equal(room.pending[0]?.status, "failed");
  await room.retry(room.pending[0].clientId);
  assert.deepEqual(tea.sent, ["Hello", "Hello"]);
  room.rename("Bo");
  await pass(10);
  assert.equal(room.getSnapshot().you?.name, "Bo");
  assert.deepEqual(tea.requests.at(-1), { action: "rename", data: { name: "Bo" } });
});

test("a room is closed for each reason", async () => {
  const reasons = ["closed", "gone", "private", "locked", "banned", "blocked", "unauthorized", "replaced"] as const;
  for (const reason of reasons satisfies readonly CloseReason[]) {
    const visit = client.join(reason);
    await pass(10);
    const before = visit.getSnapshot().state;
    client.room(reason).close(reason);
    await pass(10);
    const after = visit.getSnapshot().state;
    assert.deepEqual([before.status, after.status === "closed" && after.reason], ["open", reason]);
  }
  await assert.rejects(client.join("closed").close(), { code: "offline" });
});

test("a plain member, a moderator and the owner may do what they may on a server", async () => {
  tea.join("Bo");
  await assert.rejects(room.muteMember("member-Bo", 60), { code: "forbidden" });
  tea.setRole("moderator");
  assert.equal(room.getSnapshot().you?.role, "moderator");
  await room.muteMember("member-Bo", 60);
  assert.notEqual(room.members.find(({ name }) => name === "Bo")?.mutedUntil, undefined);
  await assert.rejects(room.update({ locked: true }), { code: "forbidden" });
  tea.setRole("member");
  await assert.rejects(room.removeMember("member-Bo"), { code: "forbidden" });
});

test("an owner changes, cleans and closes a room that the client has created", async () => {
  const { roomId, ownerToken, joinToken } = await client.createRoom("Surprise", { private: true });
  const fake = client.room(roomId);
  const stranger = client.join(roomId, { token: "wrong" });
  await pass(10);
  assert.equal(stranger.state.status, "closed");
  const own = client.join(roomId, { token: joinToken, owner: ownerToken });
  await pass(10);
  fake.join("Bo");
  const sequence = fake.receive("spam", "Bo");
  assert.equal(own.getSnapshot().isOwner, true);
  await own.update({ name: "Party", locked: true, slowSeconds: 5 });
  const { name, isLocked, slowSeconds, isPrivate } = own.getSnapshot();
  assert.deepEqual([name, isLocked, slowSeconds, isPrivate], ["Party", true, 5, true]);
  await own.deleteMessage(sequence);
  fake.receive("more spam", "Bo");
  await own.removeMember("member-Bo", { deleteMessages: true });
  assert.deepEqual([own.messages, own.members.map(({ id }) => id)], [[], ["you"]]);
  const renewed = await own.renewTokens({ join: true, owner: true });
  assert.deepEqual(renewed, { joinToken: fake.joinToken, ownerToken: fake.ownerToken });
  assert.notEqual(renewed.joinToken, joinToken);
  assert.deepEqual([(await own.bans()).map(({ id }) => id), await own.reports()], [["member-Bo"], []]);
  await own.close();
  assert.equal(own.state.status, "closed");
});

test("public rooms with somebody inside are listed", async () => {
  client.room("empty");
  client.room("secret", { private: true }).join("Bo");
  const { rooms } = await client.listRooms();
  assert.deepEqual(
    rooms.map(({ roomId, name, memberCount }) => [roomId, name, memberCount]),
    [["tea", "tea", 1]],
  );
});

test("messages are edited, by their authors only", async () => {
  const theirs = tea.receive("Hello form Bo");
  tea.edit(theirs, "Hello from Bo");
  const { sequence } = await room.send("Helo");
  await room.edit(sequence, "Hello");
  assert.deepEqual(texts(), ["Bo: Hello from Bo", "Aki: Hello"]);
  assert.ok(room.messages.every(({ editedAt }) => editedAt !== undefined));
  await assert.rejects(room.edit(theirs, "Nonsense"), { code: "forbidden" });
  tea.refuse("editMessage", "muted");
  await assert.rejects(room.edit(sequence, "Hello!"), { code: "muted" });
  tea.delete(theirs);
  await assert.rejects(room.edit(theirs, "Hello again"), { code: "invalid_message" });
  assert.deepEqual(texts(), ["Aki: Hello"]);
  const visit = client.join("tea");
  await pass(10);
  assert.deepEqual(
    visit.messages.map(({ message, editedAt }) => [message, editedAt !== undefined]),
    [["Hello", true]],
  );
  visit.leave();
});

test("members react to messages, and take reactions back", async () => {
  const sequence = tea.receive("Tea?");
  const reactions = () =>
    room.messages[0]?.reactions.map(({ reaction, members, isOwn }) => [reaction, ...members, isOwn]);
  tea.react(sequence, "👍");
  tea.react(sequence, "👍");
  await room.react(sequence, "👍");
  await room.react(sequence, ":tada:");
  assert.deepEqual(reactions(), [
    ["👍", "member-Bo", "you", true],
    [":tada:", "you", true],
  ]);
  tea.react(sequence, "👍", "Bo", { remove: true });
  await room.react(sequence, ":tada:", { remove: true });
  assert.deepEqual(reactions(), [["👍", "you", true]]);
  await assert.rejects(room.react(sequence + 1, "👍"), { code: "invalid_message" });
  const visit = client.join("tea");
  await pass(10);
  assert.deepEqual(visit.messages[0]?.reactions, [{ reaction: "👍", count: 1, members: ["you"], isOwn: true }]);
  visit.leave();
});

test("replies have quotes, and mentions are told", async () => {
  const mentions: string[] = [];
  room.on("mention", ({ message }) => mentions.push(message));
  const question = tea.receive("Tea?");
  const { replyTo } = await room.send("Mint, please", { replyTo: question, mentions: ["member-Bo"] });
  assert.deepEqual([replyTo, tea.requests.at(-1)?.data.mentions], [question, ["member-Bo"]]);
  tea.receive("Here you are", "Bo", { replyTo: question + 1, mentions: ["you"] });
  tea.receive("Cake?", "Bo", { mentions: ["member-Cy"] });
  const quotes = () => room.messages.map(({ quote }) => quote && `${quote.sender.name}: ${quote.message}`);
  assert.deepEqual([mentions, quotes()], [["Here you are"], [undefined, "Bo: Tea?", "Aki: Mint, please", undefined]]);
  tea.delete(question);
  assert.deepEqual(quotes(), [null, "Aki: Mint, please", undefined]);
});

test("a quote that is not loaded is read on request", async () => {
  const long = client.room("long");
  const first = long.receive("Tea?", "Cy");
  for (let number = 1; number < 50; number += 1) long.receive(String(number));
  long.receive("Yes, please", "Bo", { replyTo: first });
  const visit = client.join("long");
  await pass(10);
  const quote = () => visit.messages.at(-1)?.quote;
  assert.equal(quote(), undefined);
  await visit.loadQuote(first);
  assert.deepEqual([quote()?.message, quote()?.sender.name, visit.messages.length], ["Tea?", "Cy", 50]);
  visit.leave();
});

test("others type and signal, and the signals of the client are noted", async () => {
  const signals: unknown[] = [];
  room.on("signal", ({ name, data, sender }) => signals.push([name, data, sender.name]));
  tea.signal();
  tea.signal("typing", undefined, "Cy");
  tea.signal("wave", { hand: "left" }, "Cy");
  const typing = () => room.getSnapshot().typing.map(({ name }) => name);
  assert.deepEqual([typing(), signals], [["Bo", "Cy"], [["wave", { hand: "left" }, "Cy"]]]);
  tea.receive("Hello", "Bo");
  assert.deepEqual(typing(), ["Cy"]);
  await pass(10_000);
  assert.deepEqual(typing(), []);
  room.typing();
  room.signal("wave", [1]);
  await pass(10);
  assert.deepEqual(
    tea.requests.map(({ action, data }) => [action, data.name, data.data]),
    [
      ["signal", "typing", undefined],
      ["signal", "wave", [1]],
    ],
  );
});

test("the owner reads who was removed and what was reported, and has webhooks; a moderator reads reports", async () => {
  const own = client.join("tea", { owner: tea.ownerToken });
  const reported: unknown[] = [];
  own.on("reported", ({ target, reason, sender }) => reported.push([target, reason, sender.name]));
  await pass(10);
  const sequence = tea.receive("Bad", "Cy");
  tea.report(sequence, "rude");
  room.reportMessage(sequence).catch(() => {});
  await pass(10);
  assert.deepEqual(reported, [[sequence, "rude", "Bo"]]); // the fake client is one member
  assert.deepEqual(
    (await own.reports()).map(({ target, reason, sender }) => [target, reason, sender.name]),
    [
      [sequence, undefined, "Aki"],
      [sequence, "rude", "Bo"],
    ],
  );
  tea.join("Cy");
  await own.removeMember("member-Cy");
  assert.deepEqual(
    (await own.bans()).map(({ id, name }) => [id, name]),
    [["member-Cy", "Cy"]],
  );
  const unbanning = own.unbanMember("member-Cy");
  await pass(5_000);
  await unbanning;
  assert.deepEqual(await own.bans(), []);
  const { hookId, url } = await client.createHook("tea", tea.ownerToken, "Build");
  assert.ok(url.endsWith(hookId));
  assert.deepEqual(
    (await client.listHooks("tea", tea.ownerToken)).map(({ name }) => name),
    ["Build"],
  );
  await client.deleteHook("tea", tea.ownerToken, hookId);
  assert.deepEqual(await client.listHooks("tea", tea.ownerToken), []);
  await assert.rejects(client.listHooks("tea", "wrong"), { code: "http_403" });
  own.leave();
  await assert.rejects(room.reports(), { code: "http_403" });
  tea.setRole("moderator");
  assert.equal((await room.reports()).length, 2);
});

test("what the server would refuse is refused, and options that are undefined count as absent", async () => {
  const theirs = tea.receive("Hello");
  const none = { code: "invalid_message", message: "sequence must be that of a message in this room" };
  await assert.rejects(room.send(" \u200b"), { code: "invalid_message", message: "message must not be blank" });
  await assert.rejects(room.send("😀".repeat(4_001)), {
    message: "message must have at most 4,000 characters, not 4,001",
  });
  await assert.rejects(room.deleteMessage(theirs), { code: "forbidden" });
  await assert.rejects(room.deleteMessage(99), none);
  const own = (await room.send("😀".repeat(4_000), { replyTo: undefined, mentions: undefined })).sequence;
  await assert.rejects(room.edit(own, ""), { code: "invalid_message", message: "message must not be blank" });
  await room.react(own, "👍", { remove: undefined });
  await room.deleteMessage(own);
  await room.deleteMessage(own);
  tea.setRole("moderator");
  await room.deleteMessage(theirs);
  const byOwner = tea.receive("Rules", { id: "owner", name: "Owner", role: "owner" });
  await assert.rejects(room.deleteMessage(byOwner), { code: "forbidden" });
  await room.loadOlder({ limit: undefined });
  await assert.rejects(client.createRoom(" "), { code: "http_400", message: "roomName must not be blank" });
  const { roomId, ownerToken: owner } = await client.createRoom("New", { private: undefined, keepDays: undefined });
  const visit = client.join(roomId, { name: undefined, owner });
  await pass(10);
  await visit.update({ name: undefined, locked: true, keepDays: undefined, slowSeconds: undefined });
  await assert.rejects(visit.update({ name: "x".repeat(81) }), { code: "invalid_message" });
  await assert.rejects(visit.update({}), { code: "invalid_message" });
  await assert.rejects(visit.renewTokens({ join: true }), { code: "invalid_message" });
  assert.deepEqual(await visit.renewTokens({ join: undefined, owner: true }), {
    ownerToken: client.room(roomId).ownerToken,
  });
  await visit.removeMember("member-Bo", { deleteMessages: undefined });
  assert.equal((await client.listRooms({ limit: undefined, cursor: undefined })).rooms.length, 2);
  assert.equal(visit.getSnapshot().isLocked, true);
  visit.leave();
});

test("the read position is kept, and tells which rooms have something new", async () => {
  const position = tea.receive("Hello");
  room.markRead();
  await pass(10_000);
  const visit = client.join("tea");
  await pass(10);
  assert.equal(visit.getSnapshot().readSequence, position);
  const secret = client.room("secret", { private: true });
  secret.receive("Psst");
  const unread = async (token?: string) => [
    ...(await client.findUnread([
      { roomId: "tea", readSequence: position },
      { roomId: "secret", readSequence: 0, token },
    ])),
  ];
  assert.deepEqual(await unread(secret.joinToken), ["secret"]);
  assert.deepEqual(await unread("wrong"), []);
  assert.deepEqual([...(await client.findUnread([{ roomId: "tea", readSequence: 0 }]))], []);
  tea.receive("Hello?");
  assert.deepEqual(await unread(secret.joinToken), ["tea", "secret"]);
  secret.close("gone");
  assert.deepEqual(await unread(secret.joinToken), ["tea"]);
  visit.leave();
});

test("a switch of users is tested with the option user", async () => {
  let user = "aki";
  const switching = new FakeChatClient({ user: () => user, getToken: () => null });
  const akis = switching.join("tea", { name: "Aki" });
  await pass(10);
  switching.lose();
  void akis.send("unsent");
  user = "bo";
  const bos = switching.join("tea", { name: "Bo" });
  assert.deepEqual([akis.state.status, bos.pending], ["closed", []]);
  switching.reconnect();
  await pass(10);
  assert.deepEqual([bos.state.status, switching.room("tea").sent], ["open", []]);
  bos.leave();
});
