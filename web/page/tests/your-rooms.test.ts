/** "Your rooms" in the lobby of the whole page: the marks of rooms, their links, and forgetting them. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { entries, find, go, isOpen, server, usePage } from "./setup.js";

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
