/** Roles and other marks of members, muting, ignoring and reports. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient, ChatError, type JoinOptions, type Report, type Room, type RoomNotice } from "../src/index.js";
import { type FakeServer, pass, settle } from "./fake-server.js";
import { browser, rooms, server, storage, useFakes } from "./setup.js";

const KEY = "k".repeat(22);
const BO = { id: "m-bo", name: "Bo" };
const OWNER = { id: "m-owner", name: "Owner", role: "owner", verified: true };

useFakes();

async function join(options: JoinOptions = { name: "Aki" }): Promise<Room> {
  const { fetch, WebSocket } = server;
  const client = new ChatClient({ url: "https://rest.test/dev/", key: KEY, fetch, WebSocket, storage });
  const room = client.join("r1", options);
  rooms.push(room);
  await pass(100);
  return room;
}

const texts = (room: Room) => room.messages.map(({ message }) => message);
const memberOf = (room: Room, id: string) => room.members.find((member) => member.id === id);
const sent = (action: string) => server.socket.frames.filter((frame) => frame.action === action);
const soon = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

/** Respond to frames of this action with a stored event. */
function respondWith(action: string, type: string, details: Parameters<FakeServer["storeEvent"]>[1]): void {
  server.onFrame = (socket, frame) => {
    if (frame.action !== action) return false;
    server.deliver(server.storeEvent(type, details, socket.member));
    return true;
  };
}

function noticesOf(room: Room): RoomNotice[] {
  const notices: RoomNotice[] = [];
  room.on("notice", (notice) => notices.push(notice));
  return notices;
}

function comeIn(member: { id: string; name: string }, memberCount = 2): void {
  server.members.set(member.id, member.name);
  server.socket.receive({ message: { type: "join", message: "joined", sender: member, memberCount } });
}

// Marks

test("messages keep the marks of their senders, without roles that a newer server may have", async () => {
  server.store("before", OWNER);
  server.store("strange", { ...BO, role: "janitor" });
  const room = await join();
  assert.deepEqual(
    room.messages.map(({ sender }) => sender),
    [OWNER, BO],
  );
});

test("the role of a member changes in the list, and everyone is told", async () => {
  const room = await join();
  const notices = noticesOf(room);
  comeIn({ ...BO, verified: true } as never);
  server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }));
  assert.deepEqual(memberOf(room, BO.id), { ...BO, verified: true, role: "moderator" });
  server.deliver(server.storeEvent("role", { member: BO, role: "member" }));
  assert.deepEqual(memberOf(room, BO.id), { ...BO, verified: true });
  server.deliver(server.storeEvent("role", { member: BO, role: "janitor" }));
  assert.deepEqual(memberOf(room, BO.id), { ...BO, verified: true });
  assert.deepEqual(
    notices.slice(1).map(({ type, member, subject, role }) => [type, member.name, subject?.name, role]),
    [
      ["role", "Owner", "Bo", "moderator"],
      ["role", "Owner", "Bo", undefined],
      ["role", "Owner", "Bo", undefined],
    ],
  );
});

test("a role that arrives while the members are read is kept", async () => {
  server.members.set(BO.id, BO.name);
  const room = await join();
  server.memberCount = 5; // the list lacks somebody: it is read again
  comeIn({ id: "m-cy", name: "Cy" }, 5);
  server.respond = (path) => {
    if (!path.endsWith("/members")) return undefined;
    server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }));
    return undefined;
  };
  await pass(12_000);
  assert.equal(memberOf(room, BO.id)?.role, "moderator");
});

test("an older role that arrives late does not undo a newer one", async () => {
  server.members.set(BO.id, BO.name);
  const room = await join();
  const older = server.storeEvent("role", { member: BO, role: "member" });
  const newer = server.storeEvent("role", { member: BO, role: "moderator" });
  server.deliver(newer);
  server.deliver(older);
  assert.equal(memberOf(room, BO.id)?.role, "moderator");
});

test("this client learns its own role from an event, also from one that it has missed", async () => {
  const room = await join();
  server.socket.cut();
  server.storeEvent("role", { member: { id: "m1", name: "Aki" }, role: "moderator" });
  server.onFrame = (_, { action }) => action === "hello";
  await pass(8_000);
  assert.equal(room.getSnapshot().you?.role, "moderator");
});

test("the owner makes a moderator, and waits for that event", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  let isDone = false;
  server.onFrame = (_, { action }) => action === "setRole";
  const done = room.setRole(BO.id, "moderator").then(() => {
    isDone = true;
  });
  await settle();
  assert.equal(sent("setRole")[0]?.data?.memberId, BO.id);
  assert.equal(sent("setRole")[0]?.data?.role, "moderator");
  server.deliver(server.storeEvent("role", { member: BO, role: "member" }, server.socket.member));
  await settle();
  assert.equal(isDone, false);
  server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }, server.socket.member));
  await done;
});

test("the room's days and its slow mode are in the snapshot, and the owner changes them", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  assert.deepEqual([room.getSnapshot().keepDays, room.getSnapshot().slowSeconds], [0, 0]);
  const changed = { name: "Tea", private: false, locked: false, keepDays: 7, slowSeconds: 30 };
  respondWith("updateRoom", "updated", { room: changed });
  await room.update({ keepDays: 7, slowSeconds: 30 });
  assert.deepEqual([room.getSnapshot().keepDays, room.getSnapshot().slowSeconds], [7, 30]);
});

test("a moderator whose role has ended unnoticed learns it with the first rejection", async () => {
  server.storeEvent("role", { member: { id: "m1", name: "Aki" }, role: "moderator" });
  const room = await join();
  server.deliver(server.storeEvent("role", { member: { id: "m1", name: "Aki" }, role: "moderator" }));
  assert.equal(room.getSnapshot().you?.role, "moderator");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "muteMember") return false;
    socket.receive({ error: { code: "forbidden", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  await assert.rejects(room.muteMember(BO.id, 300), { code: "forbidden" });
  await settle();
  assert.equal(room.getSnapshot().you?.role, undefined);
});

// Muting

test("a member who is muted is marked until then", async () => {
  const room = await join();
  const notices = noticesOf(room);
  comeIn(BO);
  const until = soon(60);
  server.deliver(server.storeEvent("muted", { member: BO, until, sentAt: soon(0) }));
  assert.equal(memberOf(room, BO.id)?.mutedUntil, until);
  assert.deepEqual([notices[1]?.type, notices[1]?.subject, notices[1]?.until], ["muted", BO, until]);
  await pass(59_000);
  assert.equal(memberOf(room, BO.id)?.mutedUntil, until);
  await pass(1_100);
  assert.deepEqual(memberOf(room, BO.id), BO);
});

test("a member who was muted before this client came is marked, too, unless that has ended since", async () => {
  for (const member of [BO, { id: "m-cy", name: "Cy" }]) {
    server.members.set(member.id, member.name);
    server.storeEvent("muted", { member, until: soon(600) });
  }
  server.storeEvent("muted", { member: BO, until: null });
  const room = await join();
  assert.deepEqual(
    room.members.map(({ name, mutedUntil }) => [name, mutedUntil !== undefined]),
    [
      ["Bo", false],
      ["Cy", true],
      ["Aki", false],
    ],
  );
});

test("a member who was muted before a reload is marked after it, too, unless that has ended since", async () => {
  for (const member of [BO, { id: "m-cy", name: "Cy" }]) server.members.set(member.id, member.name);
  server.store("hello");
  const room = await join();
  for (const id of [BO.id, "m-cy", room.getSnapshot().you?.id]) {
    const member = { id, name: id };
    server.deliver(server.storeEvent("muted", { member, until: soon(600), sentAt: soon(0) }));
  }
  browser.hide();
  server.socket.cut();
  server.storeEvent("muted", { member: BO, until: null });
  const reloaded = await join();
  await pass(2_500);
  assert.deepEqual(
    reloaded.members.map(({ name, mutedUntil }) => [name, mutedUntil !== undefined]),
    [
      ["Bo", false],
      ["Cy", true],
      ["Aki", true],
    ],
  );
  assert.ok(reloaded.getSnapshot().you?.mutedUntil);
});

test("the end of a mute is a notice without a time", async () => {
  const room = await join();
  const notices = noticesOf(room);
  const sentAt = soon(30); // the clock of this computer is slow
  comeIn(BO);
  notices.length = 0;
  for (const until of [null, undefined as never, sentAt]) {
    server.deliver(server.storeEvent("muted", { member: BO, until: soon(90), sentAt }));
    assert.ok(memberOf(room, BO.id)?.mutedUntil);
    server.deliver(server.storeEvent("muted", { member: BO, until, sentAt }));
    assert.deepEqual(memberOf(room, BO.id), BO);
  }
  assert.deepEqual(
    notices.map(({ until }) => until !== undefined),
    [true, false, true, false, true, false],
  );
});

test("messages of a muted member fail with one request, are kept, and can be sent again", async () => {
  const room = await join();
  let isMuted = true;
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || !isMuted) return false;
    const error = { code: "muted", message: "you are muted", action, clientId: data?.clientId, retryAfter: 300 };
    socket.receive({ error });
    return true;
  };
  const results = ["one", "two"].map((text) => room.send(text).catch((error: unknown) => error));
  for (const error of await Promise.all(results)) {
    assert.ok(error instanceof ChatError);
    assert.deepEqual([error.code, error.retryAfter], ["muted", 300]);
  }
  await pass(60_000);
  assert.equal(sent("sendMessage").length, 1);
  assert.ok(Date.parse(room.getSnapshot().you?.mutedUntil ?? "") > Date.now() + 200_000);
  assert.deepEqual(
    room.pending.map(({ message, status }) => [message, status]),
    [
      ["one", "failed"],
      ["two", "failed"],
    ],
  );
  isMuted = false;
  await pass(241_000);
  assert.equal(room.getSnapshot().you?.mutedUntil, undefined);
  for (const { clientId } of room.pending) await room.retry(clientId);
  assert.deepEqual(texts(room), ["one", "two"]);
});

test("muting waits for its event", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  comeIn(BO);
  respondWith("muteMember", "muted", { member: BO, until: soon(300) });
  await room.muteMember(BO.id, 300);
  assert.equal(Number(sent("muteMember")[0]?.data?.seconds), 300);
  assert.ok(memberOf(room, BO.id)?.mutedUntil);
});

// Removal with messages

test("the earlier messages of a member who is removed with them disappear, also from pages read later", async () => {
  for (let number = 1; number <= 60; number += 1)
    server.store(`${number}`, number % 2 ? BO : { id: "m-cy", name: "Cy" });
  const room = await join();
  const notices = noticesOf(room);
  assert.equal(room.messages.length, 50);
  server.deliver(server.storeEvent("removed", { member: BO, messagesDeleted: true }));
  assert.equal(room.messages.length, 25);
  assert.deepEqual([notices[0]?.subject, notices[0]?.messagesDeleted], [BO, true]);
  await room.loadOlder();
  assert.deepEqual(
    texts(room),
    Array.from({ length: 30 }, (_, index) => `${2 * index + 2}`),
  );
  server.deliver(server.store("back", BO));
  assert.equal(texts(room).at(-1), "back");
});

test("a removal keeps the messages, unless it says otherwise", async () => {
  const room = await join({ name: "Aki", owner: "owner-token" });
  server.deliver(server.store("theirs", BO));
  respondWith("removeMember", "removed", { member: BO });
  await room.removeMember(BO.id);
  assert.deepEqual(texts(room), ["theirs"]);
  assert.equal("deleteMessages" in (sent("removeMember")[0]?.data ?? {}), false);
  respondWith("removeMember", "removed", { member: BO, messagesDeleted: true });
  await room.removeMember(BO.id, { deleteMessages: true });
  assert.deepEqual(texts(room), []);
  assert.equal(Boolean(sent("removeMember")[1]?.data?.deleteMessages), true);
});

test("the owner reads who was removed, and lets them back in", async () => {
  const bans = [{ ...BO, until: soon(3_600) }];
  server.respond = (path) => (path === "/rooms/r1/bans" ? [200, { bans }] : undefined);
  const room = await join({ name: "Aki", owner: "owner-token" });
  assert.deepEqual(await room.bans(), bans);
  assert.ok(server.requests.some((request) => /bans\?.*owner=owner-token/.test(request)));
  const done = room.unbanMember(BO.id);
  await pass(5_000);
  await done;
  assert.equal(sent("unbanMember")[0]?.data?.memberId, BO.id);
});

// Reports

test("an owner's own report is confirmed at once, and those of others are announced", async () => {
  const room = await join();
  const reports: Report[] = [];
  room.on("reported", (report) => reports.push(report));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "reportMessage") return false;
    const { sequence: target, reason } = data ?? {};
    socket.receive({ message: { type: "reported", target, reason, sender: socket.member, message: "reported" } });
    return true;
  };
  await room.reportMessage(7, "spam");
  assert.deepEqual(reports, []);
  for (const details of [{ target: 7, reason: "rude" }, { target: 8 }, { target: "9" }]) {
    server.socket.receive({ message: { type: "reported", sender: BO, message: "reported", ...details } });
  }
  assert.deepEqual(reports, [
    { target: 7, sender: BO, reason: "rude" },
    { target: 8, sender: BO },
  ]);
});

for (const action of ["reportMessage", "unbanMember"] as const) {
  test(`${action} resolves when the server does not object, and rejects if it does, or if there is no connection`, async () => {
    const room = await join({ name: "Aki", owner: "owner-token" });
    const act = () => (action === "reportMessage" ? room.reportMessage(7) : room.unbanMember(BO.id));
    let isDone = false;
    const done = act().then(() => {
      isDone = true;
    });
    await pass(4_900);
    assert.equal(isDone, false);
    await pass(100);
    await done;
    server.onFrame = (socket, frame) => {
      if (frame.action !== action) return false;
      const { clientId } = frame.data ?? {};
      socket.receive({ error: { code: "forbidden", message: "no", action, clientId } });
      return true;
    };
    await assert.rejects(act(), { code: "forbidden" });
    browser.goOffline();
    server.socket.cut();
    await assert.rejects(act(), { code: "offline" });
  });
}

test("the owner reads the reports that are stored", async () => {
  const reports = [{ target: 7, sender: BO, sentAt: soon(0) }];
  server.respond = (path) => (path === "/rooms/r1/reports" ? [200, { reports }] : undefined);
  const room = await join();
  assert.deepEqual(await room.reports(), reports);
});

// Ignoring

test("messages of an ignored member are marked, until the member is ignored no longer", async () => {
  server.store("theirs", BO);
  server.store("other");
  const room = await join();
  const marked = () => room.messages.map(({ isIgnored }) => isIgnored);
  const [, other] = room.messages;
  room.ignore(BO.id);
  assert.deepEqual([room.getSnapshot().ignored, marked()], [[BO.id], [true, false]]);
  assert.equal(room.messages[1], other);
  server.deliver(server.store("more", BO));
  assert.deepEqual(marked(), [true, false, true]);
  room.unignore(BO.id);
  assert.deepEqual([room.getSnapshot().ignored, marked()], [[], [false, false, false]]);
});

test("a member who was ignored at an earlier visit is ignored from the start", async () => {
  server.store("theirs", BO);
  const room = await join({ name: "Aki", ignored: [BO.id] });
  assert.deepEqual(
    room.messages.map(({ isIgnored }) => isIgnored),
    [true],
  );
});

test("nothing is told about an ignored member who comes, but what the owner does to them is", async () => {
  const room = await join();
  const notices = noticesOf(room);
  room.ignore(BO.id);
  comeIn(BO);
  server.socket.receive({ message: { type: "rename", message: "Bo is now Bea", sender: { ...BO, name: "Bea" } } });
  server.deliver(server.storeEvent("removed", { member: BO }));
  assert.deepEqual(
    notices.map(({ type }) => type),
    ["removed"],
  );
});

test("a notice about a new name has the former one", async () => {
  const room = await join();
  const notices = noticesOf(room);
  const sender = { ...BO, name: "Bea" };
  server.socket.receive({ message: { type: "rename", message: "Bo is now Bea", sender, formerName: "Bo" } });
  assert.deepEqual([notices[0]?.formerName, notices[0]?.member], ["Bo", sender]);
});
