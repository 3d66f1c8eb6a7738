/** Responses that arrive late: by then, the visitor may be elsewhere. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import {
  BO,
  clickVisited,
  DRAFT,
  field,
  find,
  go,
  holdRequests,
  isOpen,
  look,
  manageRoom,
  meet,
  note,
  notices,
  OWNERS_ROOM,
  openBo,
  remember,
  say,
  server,
  shown,
  soon,
  storeElsewhere,
  usePage,
  visited,
} from "./setup.js";

usePage();

/** Ask for a new room, as a visitor of the list does. */
function createRoom(name: string): void {
  find<HTMLInputElement>("#room-name").value = name;
  find<HTMLFormElement>("#create-room").requestSubmit();
}

/** Enter a room that is over, as a visitor whose unsent message is there. */
async function findRoomOver(roomId: string): Promise<void> {
  sessionStorage.setItem(`chalice-chat.room-name.${roomId}`, "Tea");
  server.rejectsHandshakes = true;
  server.respond = (path) =>
    path === "/rooms" ? "unreachable" : [404, { Code: "NotFoundError", Message: "room not found" }];
  await go(`#/rooms/${roomId}`);
  assert.equal(find("#open-again-part").hidden, false);
}

/** Begin to edit the first message of the visitor. */
function editFirst(text: string): void {
  find("#log .own .act").click();
  find(".message-actions [title=Edit]").click();
  field().value = text;
}

test("a visitor who opens another room while one is created stays there, and has the new one in the list", async () => {
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2", ownerToken: "owner-2" }] : undefined);
  await go("#/");
  const respond = holdRequests();
  createRoom("Coffee");
  await go("#/rooms/r1");
  await respond();
  assert.equal(location.hash, "#/rooms/r1");
  await go("#/");
  assert.deepEqual(visited().sort(), ["Coffee", "Tea"]);
  assert.equal(find<HTMLInputElement>("#room-name").value, "");
  assert.equal(localStorage.getItem("chalice-chat.owner.r2"), "owner-2");
});

test("a room that could not be created while the visitor went elsewhere shows no error there or later", async () => {
  server.respond = (path) => (path === "/rooms" ? "unreachable" : undefined);
  await go("#/");
  const respond = holdRequests();
  createRoom("Coffee");
  await go("#/rooms/r1");
  await respond();
  await go("#/");
  assert.equal(find("#create-error").hidden, true);
});

test("a room that is created while its visitor signs out leaves no owner's token", async () => {
  sessionStorage.setItem("chalice-chat.session", JSON.stringify({ subject: "aki" }));
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2", ownerToken: "owner-2" }] : undefined);
  await go("#/");
  const respond = holdRequests();
  createRoom("Coffee");
  sessionStorage.removeItem("chalice-chat.session");
  await respond();
  assert.equal(location.hash, "#/");
  assert.equal(localStorage.getItem("chalice-chat.owner.r2"), null);
});

test("rooms that are loaded slowly do not take the focus from the field in which the visitor types", async () => {
  const rooms = (first: number) =>
    Array.from({ length: 20 }, (_, index) => ({ room_id: `x${first + index}`, name: "X", member_count: 1 }));
  server.respond = (path) =>
    path === "/rooms" ? [200, { rooms: rooms(server.requests.length), nextCursor: "c" }] : undefined;
  await go("#/rooms/r1");
  await go("#/");
  const field = find<HTMLInputElement>("#room-name");
  for (const isTyping of [true, false]) {
    const respond = holdRequests();
    find("#show-more").focus();
    find("#show-more").click();
    if (isTyping) field.focus();
    await respond();
    assert.equal(document.activeElement === field, isTyping);
  }
  assert.equal(document.activeElement?.closest("ul")?.id, "room-list");
});

test("of a room that was forgotten, a late response leaves nothing", async () => {
  const rooms = [
    { roomId: "old0", lastSequence: 5, readSequence: 5 },
    { roomId: "old1", lastSequence: 5, readSequence: 4 },
  ];
  server.respond = (path) => (path === "/rooms/unread" ? [200, { rooms }] : undefined);
  await go("#/rooms/r1");
  remember(2);
  const respond = holdRequests();
  await go("#/");
  assert.deepEqual(visited(), ["Tea", "Old 0", "Old 1"]);
  for (let room = 0; room < 2; room += 1) clickVisited("Forget");
  await respond();
  const read = [0, 1].map((number) => localStorage.getItem(`chalice-chat.read.old${number}`));
  assert.deepEqual([visited(), read], [["Old 1"], [null, "4"]]);
});

test("a room that could not be opened again does not say so in another one, whose button works meanwhile", async () => {
  const button = find<HTMLButtonElement>("#open-again");
  await findRoomOver("r1");
  const respond = holdRequests();
  button.click();
  await settle();
  const { fetch } = globalThis;
  globalThis.fetch = (...request) => server.fetch(...request);
  await findRoomOver("r2");
  const text = find("#ending-text").textContent;
  assert.equal(button.disabled, false);
  globalThis.fetch = fetch;
  await respond();
  assert.equal(find("#ending-text").textContent, text);
});

test("a conversation is not saved after the visitor has left it, and that of the next room can be saved meanwhile", async () => {
  const save = find<HTMLButtonElement>("#save");
  const saved = mock.method(URL, "createObjectURL", () => "blob:1");
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  await meet();
  const respond = holdRequests();
  save.click();
  await go("#/");
  assert.equal(save.disabled, false);
  await respond();
  assert.equal(saved.mock.callCount(), 0);
  mock.restoreAll();
});

test("a conversation is saved with the earlier messages that are just being loaded", async () => {
  const saved: Blob[] = [];
  mock.method(URL, "createObjectURL", (blob: Blob) => `blob:${saved.push(blob)}`);
  mock.method(HTMLAnchorElement.prototype, "click", () => {});
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  await meet();
  const respond = holdRequests();
  find("#show-older").click();
  find("#save").click();
  await respond();
  mock.restoreAll();
  assert.match((await saved[0]?.text()) ?? "", /These are all that the chat still keeps\..*: message 1\n/s);
});

/** Enter a room whose newest message answers one that is not loaded, and read that one. */
async function meetQuote(): Promise<void> {
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  const quoting = server.store("indeed");
  server.stored[server.stored.length - 1] = { ...quoting, replyTo: 2 };
  await meet();
  find("#log .quote").click();
  await settle();
}

test("a quoted message is found among the earlier ones that are just being loaded", async () => {
  await meetQuote();
  const respond = holdRequests();
  find("#show-older").click();
  find("#log .quote").click();
  await respond();
  assert.equal((document.activeElement as HTMLElement).dataset.sequence, "2");
});

test("an address that is copied slowly is not called that of the next room", async () => {
  let copy = () => {};
  const writeText = () =>
    new Promise<void>((resolve) => {
      copy = resolve;
    });
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  await go("#/rooms/r1");
  find("#copy-link").click();
  await go("#/rooms/r2");
  copy();
  await settle();
  assert.equal(find("#copy-note").textContent, "");
});

test("an edit that is saved slowly does not take the focus from where the visitor has gone", async () => {
  await go("#/rooms/r1");
  await say("first");
  editFirst("first, changed");
  server.onFrame = (_, { action }) => action === "editMessage";
  find<HTMLFormElement>("#compose").requestSubmit();
  find("#your-name").focus();
  await settle();
  server.deliver(server.edit(1, "first, changed"));
  await settle();
  assert.deepEqual([shown(), field().readOnly], [["first, changed"], false]);
  assert.equal(document.activeElement?.id, "your-name");
});

test("an edit that is rejected while the next one is written says so", async () => {
  await go("#/rooms/r1");
  for (const text of ["first", "second"]) await say(text);
  editFirst("first, changed");
  server.onFrame = (_, { action }) => action === "editMessage";
  find<HTMLFormElement>("#compose").requestSubmit();
  await settle();
  editFirst("another change");
  const { clientId } = server.socket.frames.at(-1)?.data ?? {};
  server.socket.receive({ error: { code: "forbidden", message: "too late", action: "editMessage", clientId } });
  await settle();
  assert.deepEqual([note(), field().value], ["The edit was not saved. Too late.", "another change"]);
});

test("an edit that is being saved ends while another tab writes, and gives way to its draft", async () => {
  await go("#/rooms/r1");
  await say("first");
  editFirst("first, changed");
  server.onFrame = (_, { action }) => action === "editMessage";
  find<HTMLFormElement>("#compose").requestSubmit();
  storeElsewhere(DRAFT, "one");
  await settle();
  server.deliver(server.edit(1, "first, changed"));
  await settle();
  assert.deepEqual([field().readOnly, field().value, find("#send").textContent], [false, "one", "Send"]);
});

test("a quoted message that is loaded slowly does not take the focus from a visitor who has begun to write", async () => {
  await meetQuote();
  const respond = holdRequests();
  find("#log .quote").focus();
  find("#log .quote").click();
  field().focus();
  await respond();
  assert.equal(document.activeElement, field());
});

test("a removal that is confirmed while the owner writes does not put a new invite link under the next key", async () => {
  server.isPrivate = true;
  server.onFrame = (_, { action }) => action === "removeMember";
  await openBo("#/rooms/r1?token=join-0&owner=owner-token");
  find<HTMLFormElement>("#person-remove").requestSubmit();
  await settle();
  find("#person-done").click();
  field().focus();
  server.deliver(server.storeEvent("removed", { member: BO }));
  await settle();
  assert.deepEqual([isOpen("#invite"), document.activeElement?.id], [true, "invite-done"]);
});

test("a visitor who is signing out enters no room", async () => {
  document.body.inert = true;
  await go("#/rooms/r1");
  assert.equal(server.sockets.length, 0);
  document.body.inert = false;
});

test("the owner adds a webhook while the response about that of another room is awaited", async () => {
  const add = () => {
    find<HTMLInputElement>("#hook-name").value = "Build";
    find<HTMLFormElement>("#add-hook").requestSubmit();
  };
  server.respond = (path) =>
    path.endsWith("/hooks") ? [201, { hooks: [], hookId: "h1", url: "https://h1" }] : undefined;
  await manageRoom();
  const respond = holdRequests();
  add();
  const { fetch } = globalThis;
  globalThis.fetch = (...request) => server.fetch(...request);
  await go("#/rooms/r2?owner=owner-token");
  find("#manage").click();
  add();
  await settle();
  assert.equal(server.requests.filter((request) => request === "POST /rooms/r2/hooks").length, 1);
  globalThis.fetch = fetch;
  await respond();
});

test("reports that could not be read are shown after the next connection", async () => {
  server.store("theirs", BO);
  const reports = [{ target: 1, sender: { id: "m-cy", name: "Cy" }, sentAt: soon(0), reason: "rude" }];
  server.respond = (path) => (path.endsWith("/reports") ? "unreachable" : undefined);
  await meet(OWNERS_ROOM);
  assert.deepEqual(notices(), []);
  server.respond = (path) => (path.endsWith("/reports") ? [200, { reports }] : undefined);
  server.socket.cut();
  await settle();
  find("#try-now").click();
  await settle();
  assert.deepEqual(notices(), ["Cy reported a message of Bo: “rude” Show the message"]);
});

test("a visitor who comes back while the worker starts is not notified any more", async () => {
  const posted: unknown[] = [];
  let start = () => {};
  const worker = { postMessage: (request: unknown) => posted.push(request), addEventListener() {} };
  const registration = { active: worker, installing: null, getNotifications: async () => [] };
  const register = () =>
    new Promise((resolve) => {
      start = () => resolve(registration);
    });
  // As in Chromium on Android, which notifies by a worker only.
  const Notification = Object.assign(
    function Notification() {
      throw new TypeError("Illegal constructor");
    },
    { permission: "granted" },
  );
  Object.defineProperty(globalThis, "Notification", { value: Notification, configurable: true });
  Object.defineProperty(navigator, "serviceWorker", { value: { register }, configurable: true });
  await go("#/rooms/r1");
  find<HTMLInputElement>("#notify").checked = true;
  const mention = async () => {
    look(false);
    server.deliver({ ...server.store("hi"), mentions: [server.socket.member.id] });
    await settle();
  };
  await mention();
  look(true);
  start();
  await settle();
  assert.deepEqual(posted, []);
  await mention();
  start();
  await settle();
  assert.equal(posted.length, 1);
  look(true);
  find<HTMLInputElement>("#notify").checked = false;
  Reflect.deleteProperty(globalThis, "Notification");
  Reflect.deleteProperty(navigator, "serviceWorker");
});

test("a room that is opened again says that its link is new, until the visitor has seen it", async () => {
  sessionStorage.setItem("chalice-chat.room-name.r0", "Tea");
  server.respond = (path) => {
    if (path === "/rooms") return [201, { roomId: "r1", ownerToken: "owner-token", joinToken: "join-0" }];
    return path.startsWith("/rooms/r0") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  };
  server.rejectsHandshakes = true;
  await go("#/rooms/r0");
  assert.deepEqual([find("#open-again-part").hidden, find("#new-room").hidden], [false, true]);
  server.rejectsHandshakes = false;
  const arrived = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  find("#open-again").click();
  await arrived;
  await settle();
  assert.deepEqual([location.hash, find("#new-room").hidden], ["#/rooms/r1?token=join-0", false]);
  const link = "https://chat.test/dev/#/rooms/r1?token=join-0";
  assert.equal(find<HTMLInputElement>("#new-link").value, link);
  const copied: string[] = [];
  const writeText = async (text: string) => void copied.push(text);
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  find("#copy-new-link").click();
  await settle();
  assert.deepEqual([copied, find("#new-link-copied").textContent], [[link], "Copied."]);
  find("#new-room-done").click();
  assert.deepEqual([find("#new-room").hidden, document.activeElement?.id], [true, "message"]);
  await go("#/");
  await go("#/rooms/r1?token=join-0");
  assert.equal(find("#new-room").hidden, true);
});

test("the owner's link opens a private room without its token, and a new invite link can be made", async () => {
  server.isPrivate = true;
  await go("#/rooms/r1?owner=owner-token");
  assert.deepEqual([find("#connection-state").textContent, find("#ending").hidden], ["Connected", true]);
  find("#copy-link").click();
  assert.equal(isOpen("#invite"), true);
  assert.match(find("#invite-question").textContent ?? "", /does not contain the invite link/);
  find("#invite-make").click();
  await settle();
  assert.equal(location.hash, "#/rooms/r1?token=join-1");
  find("#invite-done").click();
  find("#copy-link").click();
  await settle();
  assert.equal(isOpen("#invite"), false);
});
