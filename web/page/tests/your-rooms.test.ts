/** "Your rooms" in the lobby of the whole page: the marks of rooms, their links, and forgetting them. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  answer,
  clickVisited,
  entries,
  find,
  go,
  isOpen,
  OWNER,
  remember,
  removeBo,
  server,
  usePage,
  visited,
  visitedActions,
} from "./setup.js";

usePage();

const rooms = () => [...document.querySelectorAll<HTMLElement>("#visited li")];
const names = () => rooms().map((room) => room.querySelector(".name")?.textContent);
const button = (room: HTMLElement | undefined, label: string) =>
  [...(room?.querySelectorAll("button") ?? [])].find(({ textContent }) => textContent?.startsWith(label));

test("the button that has copied a link says so for a while", async () => {
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  const copied: string[] = [];
  const writeText = async (text: string) => void copied.push(text);
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  const copy = button(rooms()[0], "Copy owner's link");
  copy?.click();
  await settle();
  assert.equal(copy?.textContent, "Copied of Tea");
  mock.timers.tick(4_000);
  assert.equal(copy?.textContent, "Copy owner's link of Tea");
  // The link makes another browser the owner, which knows nothing of this one.
  localStorage.clear();
  await go(new URL(copied[0] ?? "").hash);
  assert.deepEqual([find("#manage").hidden, location.hash], [false, "#/rooms/r1"]);
});

test("a room that is gone says so in the lobby, and is forgotten for good", async () => {
  await go("#/rooms/r1");
  await go("#/rooms/r2");
  server.rejectsHandshakes = true;
  server.respond = (path) =>
    path.startsWith("/rooms/r1") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  await go("#/rooms/r1");
  assert.match(find("#ending-text").textContent ?? "", /^This room no longer exists/);
  await go("#/");
  const details = () => rooms().map((room) => room.querySelector(".count")?.textContent?.split(" · ")[0]);
  const gone = rooms().find((room) => room.textContent?.includes("no longer exists"));
  assert.deepEqual([rooms().length, gone?.querySelector("a")?.hash], [2, "#/rooms/r1"]);
  button(gone, "Forget")?.click();
  assert.equal(isOpen("#ask"), false);
  assert.equal(rooms().length, 1);
  assert.doesNotMatch(details()[0] ?? "", /no longer exists/);
  assert.equal(document.activeElement, rooms()[0]?.querySelector("a"));
  await go("#/rooms/r2");
  await go("#/");
  assert.deepEqual([rooms().length, rooms()[0]?.querySelector("a")?.hash], [1, "#/rooms/r2"]);
});

test("a room with something unread is marked by one request, and no more once that is read", async () => {
  server.store("seen");
  server.respond = (path) => {
    if (path !== "/rooms/unread") return undefined;
    return [200, { rooms: [{ roomId: "r1", lastSequence: server.stored.length }] }];
  };
  const asked = () => server.requests.filter((request) => request === "POST /rooms/unread").length;
  const marks = () => [...document.querySelectorAll("#visited .news")].map(({ textContent }) => textContent);
  const read = async () => {
    await go("#/rooms/r1");
    mock.timers.tick(1);
    await settle();
  };
  await read();
  await go("#/");
  assert.deepEqual([names(), marks(), asked()], [["Tea"], [], 1]);
  server.store("unseen");
  mock.timers.tick(60_000);
  await settle();
  assert.deepEqual([marks(), asked()], [["new"], 2]);
  await read();
  assert.deepEqual(entries(), ["seen", "New", "unseen"]);
  await go("#/");
  assert.deepEqual([marks(), asked()], [[], 3]);
});

test("a room that was read on another device has no mark, and starts there", async () => {
  const rooms = [
    { roomId: "old0", lastSequence: 5, readSequence: 5 },
    { roomId: "old1", lastSequence: 5, readSequence: 4 },
    { roomId: "old2", lastSequence: 5, readSequence: 2 },
  ];
  server.respond = (path) => (path === "/rooms/unread" ? [200, { rooms }] : undefined);
  await go("#/rooms/r1");
  remember(3);
  const read = (number: number) => `chalice-chat.read.old${number}`;
  for (const number of [0, 1, 2]) localStorage.setItem(read(number), "3");
  await go("#/");
  const marked = [...document.querySelectorAll("#visited li:has(.news) .name")].map(({ textContent }) => textContent);
  assert.deepEqual(marked, ["Old 1", "Old 2"]);
  assert.deepEqual(
    [0, 1, 2].map(read).map((key) => localStorage.getItem(key)),
    ["5", "4", "3"],
  );
});

test("a private room that its owner has left is in the lobby, with its links", async () => {
  server.isPrivate = true;
  await go("#/rooms/r1?token=join-0&owner=owner-token");
  await go("#/");
  assert.equal(find("#your-rooms").hidden, false);
  assert.deepEqual(visited(), ["Tea"]);
  assert.match(find("#visited .count").textContent ?? "", /^private · you own it · last visit /);
  assert.deepEqual(visitedActions(), ["Copy invite link of Tea", "Copy owner's link of Tea", "Forget Tea"]);
  const copied: string[] = [];
  const writeText = async (text: string) => void copied.push(text);
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  clickVisited("Copy invite link");
  await settle();
  assert.equal(find("#visited-note").textContent, "Copied.");
  clickVisited("Copy owner's link");
  await settle();
  const link = "https://chat.test/dev/#/rooms/r1?token=join-0";
  assert.deepEqual(copied, [link, `${link}&owner=owner-token`]);
  assert.equal(find<HTMLAnchorElement>("#visited a").href, link);
});

test("a link of the lobby that cannot be copied is shown, selected", async () => {
  await go("#/rooms/r1");
  await go("#/");
  Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true });
  clickVisited("Copy invite link");
  await settle();
  assert.equal((document.activeElement as HTMLInputElement).value, "https://chat.test/dev/#/rooms/r1");
});

test("the newest visit comes first, and the oldest of too many is forgotten", async () => {
  remember(30);
  await go("#/rooms/r1");
  await go("#/");
  assert.deepEqual(visited(), ["Tea", "Old 0", "Old 1", "Old 2", "Old 3"]);
  find("#show-visited").click();
  assert.deepEqual([visited().length, visited().at(-1)], [30, "Old 28"]);
  assert.equal(document.activeElement?.textContent?.startsWith("Old 4"), true);
});

test("a room that is over says so, and has no links to copy", async () => {
  await go("#/rooms/r1?owner=owner-token");
  const sender = { id: "m-owner", name: "Owner" };
  server.socket.receive({ message: { type: "closed", message: "Owner closed the room", sender } });
  await go("#/");
  assert.match(find("#visited .count").textContent ?? "", /^no longer exists · last visit/);
  assert.deepEqual(visitedActions(), ["Forget Tea"]);
});

test("a room that is not admitted is not remembered", async () => {
  server.respond = (path) =>
    path.startsWith("/rooms/") ? [403, { Code: "ForbiddenError", Message: "no" }] : undefined;
  server.rejectsHandshakes = true;
  await go("#/rooms/r1");
  await go("#/");
  assert.equal(find("#your-rooms").hidden, true);
});

test("a room is forgotten at once, one's own after a question", async () => {
  remember(1);
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  assert.deepEqual(visited(), ["Tea", "Old 0"]);
  clickVisited("Forget");
  await answer(false);
  assert.deepEqual(visited(), ["Tea", "Old 0"]);
  clickVisited("Forget");
  await answer(true);
  assert.deepEqual([visited(), localStorage.getItem(OWNER)], [["Old 0"], null]);
  assert.equal(document.activeElement?.textContent?.startsWith("Old 0"), true);
  clickVisited("Forget");
  assert.deepEqual([visited(), find("#your-rooms").hidden, isOpen("#ask")], [[], true, false]);
  assert.equal(document.activeElement?.id, "lobby-heading");
});

test("a new invite link replaces that of the lobby", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  find("#invite-make").click();
  await settle();
  await go("#/");
  assert.match(find<HTMLAnchorElement>("#visited a").href, /token=join-1$/);
});

test("visits that another tab stores show in the lobby, and what is no list is none", async () => {
  const Event = (window as unknown as Window).StorageEvent;
  const tell = () => window.dispatchEvent(new Event("storage", { key: "chalice-chat.visited" }) as never);
  await go("#/");
  remember(2);
  tell();
  assert.deepEqual(visited(), ["Old 0", "Old 1"]);
  for (const broken of ["{", '{"a":1}', "[null, 1, {}]"]) {
    localStorage.setItem("chalice-chat.visited", broken);
    tell();
    assert.deepEqual(visited(), []);
  }
});
