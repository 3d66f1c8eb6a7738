/** What the owner of a room does, on the whole page, and what the others see of it. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { answer, find, go, isOpen, server, shown, usePage } from "./setup.js";

usePage();

const OWNERS_ROOM = "#/rooms/r1?owner=owner-token";

test("the owner can manage a room whose members are not listed", async () => {
  server.respond = (path) => (path.endsWith("/members") ? [200, { members: [] }] : undefined);
  await go(OWNERS_ROOM);
  assert.deepEqual([document.querySelectorAll("#members li").length, find("#manage").hidden], [0, false]);
  find("#manage").click();
  await settle();
  assert.equal(isOpen("#owner"), true);
});

test("everyone sees the new name of the room, and that it is locked", async () => {
  await go("#/rooms/r1");
  const heading = () => [find("#room-heading").textContent, find("#locked-mark").hidden];
  assert.deepEqual(heading(), ["Tea", true]);
  const room = { name: "Coffee", private: false, locked: true };
  server.deliver(server.storeEvent("updated", { room }));
  assert.deepEqual(heading(), ["Coffee", false]);
  assert.equal(document.title, "Coffee · Chalice Chat");
  server.deliver(server.storeEvent("updated", { room: { ...room, locked: false } }));
  assert.deepEqual(heading(), ["Coffee", true]);
});

for (const [code, text] of [
  ["RoomLockedError", "This room is locked: its owner lets nobody new in."],
  ["MemberBannedError", "The owner or a moderator has removed you. You can come back in an hour."],
] as const) {
  test(`a visitor whom the room does not admit (${code}) reads why, and nothing of the room`, async () => {
    server.store("not for you");
    server.rejectsHandshakes = true;
    server.respond = (path) => (path.startsWith("/rooms/r1") ? [403, { Code: code, Message: "no" }] : undefined);
    await go("#/rooms/r1");
    assert.deepEqual([find("#ending").hidden, find("#ending-text").textContent], [false, text]);
    assert.deepEqual(shown(), []);
    assert.equal(find("#room").classList.contains("closed"), true); // the style sheet hides the field
  });
}

test("what the owner has deleted does not come back with the next visit", async () => {
  for (const text of ["spam", "more spam", "fine"]) server.store(text);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "deleteMessage") return false;
    server.deliver(server.storeEvent("deleted", { target: Number(data?.sequence) }, socket.member));
    return true;
  };
  const enter = async () => {
    await go(OWNERS_ROOM);
    mock.timers.tick(1);
    await settle();
  };
  await enter();
  for (const left of [["more spam", "fine"], ["fine"]]) {
    find("#log .delete").click();
    await answer(true);
    assert.deepEqual(shown(), left);
  }
  await go("#/");
  await enter();
  assert.deepEqual(shown(), ["fine"]);
});

test("an owner's link that cannot be copied is selected", async () => {
  await go(OWNERS_ROOM);
  find("#manage").click();
  await settle();
  const writeText = () => Promise.reject(new Error("blocked"));
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  find("#copy-owner-link").click();
  await settle();
  assert.equal(find("#owner-link-copied").textContent, "Please copy the selected address.");
  const { id, value, selectionStart, selectionEnd } = document.activeElement as HTMLInputElement;
  assert.deepEqual([id, value.slice(selectionStart ?? 0, selectionEnd ?? 0)], ["owner-link", value]);
  assert.match(value, /owner=owner-token$/);
});

test("the note that a link was copied is gone when the dialogue is opened again", async () => {
  await go(OWNERS_ROOM);
  find("#manage").click();
  await settle();
  Object.defineProperty(navigator, "clipboard", { value: { writeText: async () => {} }, configurable: true });
  find("#copy-owner-link").click();
  await settle();
  assert.equal(find("#owner-link-copied").textContent, "Copied.");
  find("#owner-done").click();
  find("#manage").click();
  assert.equal(find("#owner-link-copied").textContent, "");
});

test("a room is created to be kept, and is listed while nobody is there", async () => {
  const bodies: unknown[] = [];
  const { fetch } = globalThis;
  globalThis.fetch = (address, options) => {
    if (options?.body) bodies.push(JSON.parse(String(options.body)));
    return fetch(address, options);
  };
  const kept = { room_id: "r1", name: "Team", member_count: 0, created_at: "2026-11-22T10:00:00.000Z" };
  server.respond = (path) => {
    if (path !== "/rooms") return undefined;
    const isCreation = server.requests.at(-1)?.startsWith("POST");
    return isCreation ? [201, { roomId: "r1", ownerToken: "owner-token" }] : [200, { rooms: [kept], nextCursor: null }];
  };
  find<HTMLInputElement>("#room-name").value = "Team";
  find<HTMLSelectElement>("#room-keep").value = "7";
  const arrived = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  find<HTMLFormElement>("#create-room").requestSubmit();
  await arrived;
  await settle();
  globalThis.fetch = fetch;
  assert.deepEqual(bodies, [{ roomName: "Team", private: false, keepDays: 7 }]);
  assert.deepEqual([location.hash, find("#manage").hidden], ["#/rooms/r1", false]);
  await go("#/");
  assert.equal(find("#room-list li").textContent, "Team 0 here");
});
