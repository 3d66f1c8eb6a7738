/** The room list: how it is read again, and how a room is created. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { find, go, server, usePage } from "./setup.js";

usePage();

const listed = () => [...document.querySelectorAll("#room-list li")].map(({ textContent }) => textContent);
const requested = (request: string) => server.requests.filter((one) => one.startsWith(request)).length;

function list(name: string, count: number): void {
  const rooms = [{ room_id: "r1", name, member_count: count, created_at: "2026-11-23T10:00:00Z" }];
  server.respond = (path) => (path === "/rooms" ? [200, { rooms, nextCursor: null }] : undefined);
}

test("a room that somebody creates is in the list five seconds later, with the number of people", async () => {
  server.respond = (path) => (path === "/rooms" ? [200, { rooms: [], nextCursor: null }] : undefined);
  await go("#/rooms/r2");
  await go("#/");
  assert.deepEqual([listed(), find("#list-note").textContent], [[], "No rooms yet. Create the first one."]);
  list("Coffee and cake", 1);
  mock.timers.tick(4_999);
  await settle();
  assert.deepEqual(listed(), []);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual([listed(), find("#list-note").hidden], [["Coffee and cake 1 here"], true]);
  list("Coffee and cake", 2);
  mock.timers.tick(5_000);
  await settle();
  assert.deepEqual(listed(), ["Coffee and cake 2 here"]);
  const link = find<HTMLAnchorElement>("#room-list a");
  assert.equal(link.href, "https://chat.test/dev/#/rooms/r1");
  await go(link.hash);
  assert.equal(find("#connection-state").textContent, "Connected");
  const reads = requested("GET /rooms?");
  mock.timers.tick(60_000);
  await settle();
  assert.equal(requested("GET /rooms?"), reads); // nobody looks at the list
});

test("the name of a room that is followed from the list is there before the server has responded", async () => {
  list("Coffee and cake", 1);
  await go("#/rooms/r2");
  await go("#/");
  server.holdsHandshakes = true;
  server.respond = (path) => (path.startsWith("/rooms/") ? "unreachable" : undefined);
  const link = find<HTMLAnchorElement>("#room-list a");
  link.addEventListener("click", (event) => event.preventDefault(), { once: true });
  link.click();
  await go(link.hash);
  assert.equal(find("#room-heading").textContent, "Coffee and cake");
});

test("a room name that the server rejects is not gone, and the reason is below it", async () => {
  server.respond = (path) =>
    path === "/rooms" ? [400, { Code: "BadRequestError", Message: "roomName must not be blank" }] : undefined;
  const name = find<HTMLInputElement>("#room-name");
  name.value = "   ";
  find<HTMLFormElement>("#create-room").requestSubmit();
  await settle();
  const error = find("#create-error");
  assert.deepEqual(
    [error.textContent, error.hidden, error.getAttribute("role")],
    ["Room name must not be blank.", false, "alert"],
  );
  assert.deepEqual([name.value, location.hash], ["   ", "#/"]);
});
