/** The owner of a room on the whole page, and the others in it. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import {
  answer,
  answerWith,
  choose,
  comeOrGo,
  deleteButtons,
  find,
  go,
  holdRequests,
  isOpen,
  manageRoom,
  OWNERS_ROOM,
  server,
  shown,
  usePage,
} from "./setup.js";

usePage();

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

test("an owner's link is not forgotten with a reload before the server has responded", async () => {
  server.holdsHandshakes = true;
  await go(OWNERS_ROOM);
  await go("#/"); // as after a reload, the address that is left has no token
  server.holdsHandshakes = false;
  await go("#/rooms/r1");
  assert.equal(find("#manage").hidden, false);
  assert.deepEqual(
    Object.keys(sessionStorage).filter((key) => key.includes("owner")),
    [],
  );
});

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

/** Let the server change the room by `updateRoom`, as another one does. */
function updateRooms(): void {
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    const { clientId: _, ...changes } = data ?? {};
    const room = { name: "Tea", private: false, locked: false, ...changes };
    server.deliver(server.storeEvent("updated", { room }, socket.member));
    return true;
  };
}

test("the owner's link gives the rights, and disappears from the address", async () => {
  await go("#/rooms/r1?owner=owner-token");
  assert.equal(location.hash, "#/rooms/r1");
  server.deliver(server.store("theirs"));
  server.members.set("m-bo", "Bo");
  comeOrGo("join", "bo", 2);
  await settle();
  assert.equal(server.socket.url.searchParams.get("owner"), "owner-token");
  assert.equal(deleteButtons().length, 1);
  assert.equal(find("#manage").hidden, false);
  find("#manage").click();
  await settle();
  assert.match(find<HTMLInputElement>("#owner-link").value, /#\/rooms\/r1\?owner=owner-token$/);
  const renamed = { room: { name: "Coffee", private: false, locked: false } };
  answerWith("updateRoom", () => server.storeEvent("updated", renamed, server.socket.member));
  find<HTMLInputElement>("#new-room-name").value = "Coffee";
  find<HTMLFormElement>("#rename-room").requestSubmit();
  await settle();
  assert.deepEqual([find("#room-heading").textContent, find("#owner-note").textContent], ["Coffee", "Renamed."]);
});

test("a link with a wrong owner's token neither replaces the right one nor is kept", async () => {
  await go("#/rooms/r1?owner=wrong");
  assert.equal(localStorage.getItem("chalice-chat.owner.r1"), null);
  await go("#/");
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  await go("#/rooms/r1?owner=wrong");
  assert.equal(server.socket.url.searchParams.get("owner"), "owner-token");
  assert.equal(find("#manage").hidden, false);
});

test("the owner's link gives the rights to somebody who is in the room already", async () => {
  await go("#/rooms/r1");
  await go("#/rooms/r1?owner=owner-token");
  assert.deepEqual([location.hash, find("#manage").hidden], ["#/rooms/r1", false]);
});

test("the owner of a room that has ended has nothing to manage", async () => {
  await go("#/rooms/r1?owner=owner-token");
  const sender = { id: "m-owner", name: "Owner" };
  server.socket.receive({ message: { type: "closed", message: "Owner closed the room", sender } });
  await settle();
  assert.equal(find("#manage").hidden, true);
});

test("the focus moves to the reason of the end when the owner closes the room", async () => {
  await go("#/rooms/r1?owner=owner-token");
  server.onFrame = (socket, { action }) => {
    if (action !== "closeRoom") return false;
    socket.receive({ message: { type: "closed", message: "Aki closed the room", sender: socket.member } });
    return true;
  };
  find("#manage").click();
  find("#close-room").click();
  await answer(true);
  assert.equal(document.activeElement?.id, "ending");
});

test("an owner by access token has no owner's link to give", async () => {
  server.onFrame = (socket, { action }) => {
    if (action !== "hello") return false;
    const room = { name: "Tea", private: false, locked: false };
    socket.receive({ welcome: { member: socket.member, room, memberCount: 1, lastSequence: 0, owner: true } });
    return true;
  };
  await go("#/rooms/r1");
  find("#manage").click();
  assert.deepEqual([find("#manage").hidden, find("#owner-link-part").hidden], [false, true]);
  await go("#/");
  server.onFrame = () => false;
  await go("#/rooms/r1?owner=owner-token");
  find("#manage").click();
  assert.equal(find("#owner-link-part").hidden, false);
});

test("the name of a webhook that is rejected is not called the visitor's", async () => {
  await manageRoom();
  server.respond = (path) =>
    path.endsWith("/hooks") ? [400, { Code: "BadRequestError", Message: "name must not be blank" }] : undefined;
  find<HTMLInputElement>("#hook-name").value = "\u200b";
  find<HTMLFormElement>("#add-hook").requestSubmit();
  await settle();
  assert.equal(find("#owner-error").textContent, "Its name must not be blank.");
});

test("adding a webhook twice by a double click adds one", async () => {
  server.respond = (path) =>
    path.endsWith("/hooks") ? [201, { hooks: [], hookId: "h1", url: "https://h1" }] : undefined;
  await manageRoom();
  find<HTMLInputElement>("#hook-name").value = "Build";
  for (let click = 0; click < 2; click += 1) find<HTMLFormElement>("#add-hook").requestSubmit();
  await settle();
  assert.equal(server.requests.filter((request) => request === "POST /rooms/r1/hooks").length, 1);
});

test("a slow response about the webhooks of a room is not shown in another room", async () => {
  server.respond = (path) =>
    path.endsWith("/hooks") ? [200, { hooks: [{ hookId: "h1", name: "Secret" }], url: "https://h1" }] : undefined;
  await go("#/rooms/r1?owner=owner-token");
  const { fetch } = globalThis;
  const respond = holdRequests();
  find("#manage").click();
  find<HTMLInputElement>("#hook-name").value = "Build";
  find<HTMLFormElement>("#add-hook").requestSubmit();
  globalThis.fetch = fetch;
  server.respond = (path) =>
    path.startsWith("/rooms/r2") ? [200, { messages: [], members: [], hooks: [] }] : undefined;
  await go("#/rooms/r2?owner=owner-token");
  find("#manage").click();
  await settle();
  server.respond = () => [200, { hooks: [{ hookId: "h1", name: "Secret" }], url: "https://h1" }];
  await respond();
  assert.deepEqual([find("#hooks").textContent, find("#hook-created").hidden], ["", true]);
});

test("a new name that is being written outlasts the lock of the room", async () => {
  await manageRoom();
  const name = find<HTMLInputElement>("#new-room-name");
  assert.equal(name.value, "Tea");
  name.value = "Coffee";
  const locked = { room: { name: "Tea", private: false, locked: true } };
  answerWith("updateRoom", () => server.storeEvent("updated", locked, server.socket.member));
  find("#room-locked").focus();
  find("#room-locked").click();
  await settle();
  assert.deepEqual([name.value, find("#owner-note").textContent], ["Coffee", "Locked: nobody new can enter."]);
});

test("after changes that failed, the lock is shown as it is", async () => {
  await manageRoom();
  server.onFrame = (_, { action }) => action === "updateRoom";
  const locked = find<HTMLInputElement>("#room-locked");
  locked.click();
  locked.click();
  mock.timers.tick(10_000);
  await settle();
  assert.match(find("#owner-error").textContent ?? "", /did not confirm/);
  assert.equal(locked.checked, false);
});

test("everyone sees when the room would end, as the owner changes it", async () => {
  await go("#/rooms/r1");
  assert.equal(find("#lifetime").textContent, "This room ends when everyone has left.");
  const room = { name: "Tea", private: false, locked: false };
  for (const [keepDays, text] of [
    [1, "This room is kept for a day after everyone has left."],
    [7, "This room is kept for 7 days after everyone has left."],
    [0, "This room ends when everyone has left."],
  ] as const) {
    server.deliver(server.storeEvent("updated", { room: { ...room, keepDays } }));
    assert.equal(find("#lifetime").textContent, text);
  }
  server.socket.receive({ message: { type: "closed", message: "", sender: { id: "m-owner", name: "Owner" } } });
  assert.equal(find("#lifetime").hidden, true);
});

test("the owner keeps the room and slows it down", async () => {
  await manageRoom();
  updateRooms();
  choose("#keep-room", "7");
  await settle();
  assert.deepEqual(
    [find("#owner-note").textContent, find("#lifetime").textContent],
    ["The room is kept.", "This room is kept for 7 days after everyone has left."],
  );
  choose("#slow-mode", "30");
  await settle();
  assert.equal(find("#owner-note").textContent, "Slow mode is on.");
  assert.deepEqual(
    server.socket.frames.filter(({ action }) => action === "updateRoom").map(({ data }) => ({ ...data, clientId: 0 })),
    [
      { keepDays: 7, clientId: 0 },
      { slowSeconds: 30, clientId: 0 },
    ],
  );
});

test("settings that another client has chosen are shown, and again after a change that failed", async () => {
  await manageRoom();
  const room = { name: "Tea", private: false, locked: false, keepDays: 3, slowSeconds: 45 };
  server.deliver(server.storeEvent("updated", { room }));
  const settings = () => ["#keep-room", "#slow-mode"].map((id) => find<HTMLSelectElement>(id).value);
  assert.deepEqual(settings(), ["3", "45"]);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    const error = { code: "rate_limited", message: "too many", action, clientId: data?.clientId };
    socket.receive({ error });
    return true;
  };
  choose("#keep-room", "30");
  await settle();
  assert.equal(find("#owner-error").textContent, "Too many.");
  assert.deepEqual(settings(), ["3", "45"]);
});

test("the owner lets somebody back in who was removed", async () => {
  const bans = [
    { id: "m-Bo", name: "Bo", until: "2026-11-23T11:00:00Z" },
    { id: "m-Cy", name: "Cy", until: "2026-11-23T11:00:00Z" },
  ];
  server.respond = (path) =>
    path.endsWith("/bans") ? [200, { bans }] : [200, { hooks: [], messages: [], members: [] }];
  await manageRoom();
  assert.equal(find("#bans-part").hidden, false);
  const buttons = () => [...document.querySelectorAll<HTMLButtonElement>("#bans button")];
  assert.deepEqual(
    buttons().map((button) => button.getAttribute("aria-label")),
    ["Let Bo back in", "Let Cy back in"],
  );
  buttons()[0]?.click();
  await settle();
  mock.timers.tick(5_000); // the server responds only if it refuses it
  await settle();
  assert.deepEqual([buttons().length, find("#owner-note").textContent], [1, "Bo can come back."]);
  assert.equal(document.activeElement?.id, "bans-heading");
  bans.length = 0;
  find("#owner-done").click();
  find("#manage").click();
  await settle();
  assert.equal(find("#bans-part").hidden, true);
});
