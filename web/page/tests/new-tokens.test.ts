/** New invite links and owner's links, after a removal and without one. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  answer,
  deleteButtons,
  entries,
  find,
  go,
  isOpen,
  look,
  manageRoom,
  OWNER,
  parts,
  removeBo,
  say,
  sent,
  server,
  usePage,
} from "./setup.js";

usePage();

const sentOwner = () => server.socket.url.searchParams.get("owner");

test("after a removal from a private room, its owner is offered a new invite link", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  assert.equal(isOpen("#invite"), true);
  assert.equal(find("#invite-question").textContent, "Bo may still have the invite link. Make a new one?");
  assert.equal(document.activeElement?.id, "invite-make");
  find("#invite-make").click();
  find("#invite-make").click(); // a double click makes one link
  await settle();
  assert.equal(sent("updateRoom"), 1);
  assert.deepEqual([find("#invite-ask").hidden, find("#invite-made").hidden], [true, false]);
  const link = "https://chat.test/dev/#/rooms/r1?token=join-1";
  assert.deepEqual([find<HTMLInputElement>("#invite-link").value, location.href], [link, link]);
  let copied = "";
  Object.defineProperty(navigator, "clipboard", {
    value: {
      writeText: async (text: string) => {
        copied = text;
      },
    },
    configurable: true,
  });
  find("#invite-copy").click();
  await settle();
  assert.deepEqual([copied, find("#invite-copied").textContent], [link, "Copied."]);
  find("#invite-done").click();
  assert.equal(isOpen("#invite"), false);
  find("#manage").click();
  assert.match(find<HTMLInputElement>("#owner-link").value, /token=join-1&owner=owner-token$/);
  server.socket.cut();
  await settle();
  find("#try-now").click();
  await settle();
  assert.equal(server.socket.url.searchParams.get("token"), "join-1");
});

test("the visit goes on at the address of the new invite link", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  find("#invite-make").click();
  await settle();
  const { length } = server.sockets;
  window.dispatchEvent(new (window as unknown as Window).Event("hashchange") as never);
  await settle();
  assert.equal(server.sockets.length, length);
  await go("#/rooms/r1?token=join-0");
  assert.equal(server.socket.url.searchParams.get("token"), "join-0");
});

test("a new invite link that is not wanted is not made", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  assert.equal(find("#invite-done").textContent, "Not now");
  find("#invite-done").click();
  await settle();
  assert.deepEqual([isOpen("#invite"), sent("updateRoom"), location.hash], [false, 0, "#/rooms/r1?token=join-0"]);
});

test("a removal from a public room offers no invite link", async () => {
  await removeBo("#/rooms/r1?owner=owner-token");
  assert.equal(sent("removeMember"), 1);
  assert.equal(isOpen("#invite"), false);
  find("#manage").click();
  assert.equal(find("#new-invite-part").hidden, true);
});

test("a new invite link that the server rejects says why, and can be made again", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    socket.receive({ error: { code: "rate_limited", message: "too many", action, clientId: data?.clientId } });
    return true;
  };
  find("#invite-make").click();
  await settle();
  assert.deepEqual([find("#invite-error").textContent, find("#invite-made").hidden], ["Too many.", true]);
  server.onFrame = () => false;
  find("#invite-make").click();
  await settle();
  assert.deepEqual([find("#invite-error").hidden, find("#invite-made").hidden], [true, false]);
});

test("the owner makes a new invite link without a removal, too", async () => {
  server.isPrivate = true;
  await go("#/rooms/r1?token=join-0&owner=owner-token");
  find("#manage").click();
  assert.equal(find("#new-invite-part").hidden, false);
  find("#new-invite").click();
  assert.deepEqual([isOpen("#owner"), isOpen("#invite")], [false, true]);
  assert.equal(find("#invite-question").textContent, "Make a new invite link for this room?");
  find("#invite-make").click();
  await settle();
  assert.match(location.hash, /token=join-1$/);
});

test("an offer ends with the visit", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  server.onFrame = (_, { action }) => action === "updateRoom";
  find("#invite-make").click();
  await settle();
  const { socket } = server;
  await go("#/");
  assert.equal(isOpen("#invite"), false);
  socket.receive({ tokens: { joinToken: "late" } });
  await settle();
  assert.deepEqual([location.hash, find<HTMLInputElement>("#invite-link").value], ["#/", ""]);
});

test("the owner makes a new owner's link, after a question", async () => {
  server.respond = (path) => (path.endsWith("/hooks") ? [200, { hooks: [] }] : undefined);
  await manageRoom();
  find("#new-owner-link").click();
  await answer(false);
  assert.equal(sent("updateRoom"), 0);
  server.requests.length = 0;
  find("#new-owner-link").click();
  await answer(true);
  assert.match(find<HTMLInputElement>("#owner-link").value, /#\/rooms\/r1\?owner=owner-1$/);
  assert.match(find("#owner-note").textContent ?? "", /The old one no longer works/);
  assert.equal(localStorage.getItem(OWNER), "owner-1");
  assert.deepEqual(server.requests, ["GET /rooms/r1/hooks"]); // those of the former token are deleted
  assert.equal(server.authorizations.at(-1), "Bearer owner-1");
  assert.equal(location.hash, "#/rooms/r1");
  await go("#/");
  await go("#/rooms/r1");
  assert.deepEqual([sentOwner(), find("#manage").hidden, sent("updateRoom")], ["owner-1", false, 1]);
});

test("a new owner's token that is lost with the page is requested by the next visit", async () => {
  await manageRoom();
  server.onFrame = (_, { action }) => {
    if (action === "updateRoom") server.ownerToken = "nobody knows";
    return action === "updateRoom";
  };
  find("#new-owner-link").click();
  await answer(true);
  await go("#/");
  server.onFrame = (socket, frame) => {
    if (frame.action !== "updateRoom") return false;
    server.onFrame = () => false;
    socket.frames.pop();
    void settle().then(() => server.handle(socket, JSON.stringify(frame))); // after the welcome
    return true;
  };
  await go("#/rooms/r1?owner=wrong");
  await settle();
  mock.timers.tick(2_000);
  await settle();
  assert.equal(localStorage.getItem(OWNER), "owner-1");
  assert.equal(find("#manage").hidden, false);
  await go("#/");
  const requested = sent("updateRoom");
  await go("#/rooms/r1");
  assert.deepEqual([sentOwner(), find("#manage").hidden], ["owner-1", false]);
  assert.equal(sent("updateRoom"), requested);
});

test("an owner's token that the server did not renew is not requested again", async () => {
  await manageRoom();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    socket.receive({ error: { code: "rate_limited", message: "too many", action, clientId: data?.clientId } });
    return true;
  };
  find("#new-owner-link").click();
  await answer(true);
  assert.equal(find("#owner-error").textContent, "Too many.");
  await go("#/");
  await go("#/rooms/r1");
  assert.equal(sent("updateRoom"), 1);
});

test("a new owner's link replaces a token that no longer works", async () => {
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  server.ownerToken = "renewed";
  await go("#/rooms/r1?owner=renewed");
  assert.deepEqual([sentOwner(), find("#manage").hidden], ["renewed", false]);
  assert.deepEqual([localStorage.getItem(OWNER), location.hash], ["renewed", "#/rooms/r1"]);
});

test("an owner whose token was renewed in another tab takes it over", async () => {
  await manageRoom();
  localStorage.setItem(OWNER, "renewed");
  server.ownerToken = "renewed";
  server.onFrame = (socket, { action, data }) => {
    if (action !== "closeRoom") return false;
    socket.receive({ error: { code: "forbidden", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  find("#close-room").click();
  await answer(true);
  assert.deepEqual([sentOwner(), find("#manage").hidden], ["renewed", false]);
});

for (const [code, text] of [
  ["MemberBannedError", /has removed you/],
  ["RoomLockedError", /is locked/],
  ["ForbiddenError", /is private/],
] as const) {
  test(`a room whose messages may not be read (${code}) says so`, async () => {
    server.respond = (path) => (path.endsWith("/messages") ? [403, { Code: code, Message: "no" }] : undefined);
    await go("#/rooms/r1");
    mock.timers.tick(1);
    await settle();
    assert.match(find("#ending-text").textContent ?? "", text);
    assert.equal(find("#ending").hidden, false);
  });
}

test("the line of new messages stays when the first of them is deleted", async () => {
  await go("#/rooms/r1");
  await say("hello");
  look(false);
  server.deliver(server.store("first"));
  server.deliver(server.store("second"));
  server.deliver(server.storeEvent("deleted", { target: 2 }));
  look(true);
  assert.deepEqual(entries(), ["hello", "New", "second"]);
});

test("the name that was chosen in another tab is in the field, so that leaving the field does not undo it", async () => {
  await go("#/rooms/r1");
  const Event = (window as unknown as Window).Event;
  const change = (key: string, newValue: string | null) =>
    window.dispatchEvent(Object.assign(new Event("storage"), { key, newValue }) as never);
  change("chalice-chat.name", "Bea");
  change("chalice-chat.key", "secret");
  const name = find<HTMLInputElement>("#your-name");
  assert.equal(name.value, "Bea");
  await settle();
  assert.equal(server.socket.member.name, "Bea"); // and this connection, or the next one, has it
  change("chalice-chat.name", null);
  assert.equal(name.value, "");
});

test("others have no owner's buttons", async () => {
  server.members.set("m-bo", "Bo");
  await go("#/rooms/r1");
  server.deliver(server.store("theirs"));
  await settle();
  assert.deepEqual([find("#manage").hidden, deleteButtons().length], [true, 0]);
  find("#members button").click();
  assert.deepEqual(parts(), ["ignore"]);
});

test("the remembered name of a private room is not shown without its link", async () => {
  await go("#/rooms/r1?token=t");
  assert.equal(document.title, "Tea · Chalice Chat");
  server.respond = (path) =>
    path.startsWith("/rooms/") ? [403, { Code: "ForbiddenError", Message: "no" }] : undefined;
  server.rejectsHandshakes = true;
  await go("#/rooms/r1");
  assert.equal(find("#room-heading").textContent, "Private room");
  assert.doesNotMatch(document.documentElement.outerHTML, /Tea/);
});
