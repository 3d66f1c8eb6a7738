/** Rooms of the Next.js example: they are created, entered with a link, lost, left and over. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatClient } from "chalice-chat-client";
import { FakeServer } from "../../client/tests/fake-server.js";
import { setChat } from "./chat.js";
import {
  alerts,
  buttons,
  client,
  entryOf,
  fieldNamed,
  fields,
  fill,
  find,
  happen,
  members,
  open,
  openActions,
  press,
  pressKey,
  say,
  status,
  texts,
  useExample,
  visit,
  wait,
} from "./setup.js";

useExample();

const address = () => `${location.pathname}${location.search}${location.hash}`;
const mayManage = () => buttons("Manage room").length === 1;

async function createRoom(name: string, isPrivate = false): Promise<void> {
  await open("/create/");
  await fill(fieldNamed("Room name"), name);
  if (isPrivate) await happen(() => fieldNamed("Private").click());
  await press("Create room");
  await wait();
}

/** Use a server with faults instead of the chat in memory. */
function useServer(): FakeServer {
  const server = new FakeServer();
  setChat(new ChatClient({ url: "https://rest.test/dev", fetch: server.fetch, WebSocket: server.WebSocket }));
  return server;
}

test("a room that was created is entered by its owner, and has its name as the title", async () => {
  await createRoom("Tea");
  assert.deepEqual([address(), document.title, status()], ["/room/?id=room-1", "Tea – Chalice Chat", "Connected"]);
  assert.ok(mayManage());
});

test("the form keeps its fields when the room is not created", async () => {
  client.lose();
  await createRoom("Tea", true);
  assert.match(alerts().join(), /^The room was not created: /);
  assert.deepEqual([fieldNamed("Room name").value, fieldNamed("Private").checked], ["Tea", true]);
});

test("a private room is entered with its invite link only", async () => {
  await createRoom("Surprise", true);
  assert.equal(address(), "/room/?id=room-1#token=join-room-1");
  localStorage.clear(); // others have only the link
  await visit("/room/?id=room-1#token=join-room-1");
  assert.deepEqual([find("h1").textContent, status(), mayManage()], ["Surprise", "Connected", false]);
  await visit("/room/?id=room-1");
  await wait();
  assert.match(alerts().join(), /^This room is private: you need its invite link\./);
  assert.deepEqual(fields("Message"), []);
});

test("the owner's link makes its visitor an owner, and leaves the address without the token", async () => {
  client.room("tea");
  await visit("/room/?id=tea#owner=owner-of-tea");
  assert.deepEqual([mayManage(), address()], [true, "/room/?id=tea"]);
  await visit("/room/?id=tea");
  assert.ok(mayManage());
});

test("a wrong owner's token of a link does not replace the right one", async () => {
  client.room("tea");
  await visit("/room/?id=tea#owner=owner-of-tea");
  await visit("/room/?id=tea#owner=wrong");
  assert.deepEqual([mayManage(), address()], [true, "/room/?id=tea"]);
  await visit("/room/?id=tea");
  assert.ok(mayManage());
});

for (const isPrivate of [false, true])
  test(`the right owner's token replaces a wrong one, in a ${isPrivate ? "private" : "public"} room`, async () => {
    client.room("tea", { private: isPrivate });
    await visit("/room/?id=tea#owner=wrong");
    await wait();
    assert.equal(mayManage(), false);
    if (isPrivate) assert.match(alerts().join(), /This room is private/);
    await visit("/room/?id=tea#owner=owner-of-tea");
    await wait(500);
    assert.deepEqual([mayManage(), address()], [true, "/room/?id=tea"]);
  });

test("the page says that a room is gone, and leads to the list", async () => {
  client.room("tea").close("gone");
  await open("/room/?id=tea");
  assert.match(alerts().join(), /^This room no longer exists\./);
  await press("Choose another room");
  assert.deepEqual([address(), find("h1").textContent], ["/rooms/", "Rooms"]);
});

test("the list shows how many people are in a room, which a press enters", async () => {
  for (const name of ["Bo", "Cy"]) client.room("tea", { name: "Tea" }).join(name);
  await open("/rooms/");
  assert.equal(find('[aria-label="Rooms"] li').textContent, "Tea 2 people");
  await press("Tea");
  assert.deepEqual([address(), members().length, status()], ["/room/?id=tea", 3, "Connected"]);
});

test("an action without a connection is told, and the message is left", async () => {
  await open("/room/?id=tea");
  await say("mine");
  await happen(() => client.lose());
  assert.equal(status(), "Connection lost. Trying again…");
  await press("Delete", await openActions("mine"));
  assert.match(alerts().join(), /^There is no connection\./);
  await press("Close");
  assert.deepEqual([alerts(), texts()], [[], ["mine"]]);
});

test("the first message after some that are lost says so", async () => {
  const server = useServer();
  server.store("early");
  await open("/room/?id=r1");
  await happen(() => server.socket.cut());
  server.store("lost");
  server.store("late");
  server.firstStored = 3;
  await press("Try now");
  await wait(200);
  assert.deepEqual([texts(), status()], [["early", "late"], "Connected"]);
  assert.match(entryOf("late").textContent ?? "", /^Some messages that you have missed are no longer stored\./);
  await press("Leave");
  assert.match(alerts().join(), /^You have left this room\./);
  await press("Join again");
  await wait(200);
  assert.deepEqual([texts(), status()], [["late"], "Connected"]);
});

test("the error of a request that is repeated does not stay", async () => {
  const server = useServer();
  server.store("early");
  server.respond = (path) => (path.endsWith("/messages") ? [500, {}] : undefined);
  await open("/room/?id=r1");
  assert.match(find(".log").textContent ?? "", /^The messages could not be loaded\. Trying again…/);
  server.respond = () => undefined;
  await wait(10_000);
  assert.deepEqual([texts(), alerts()], [["early"], []]);
  assert.doesNotMatch(find(".log").textContent ?? "", /Trying again/);
});

test("a browser that blocks storage is enough to create a room, to manage it and to talk", async () => {
  const kept = (["localStorage", "sessionStorage"] as const).map((name) => {
    const descriptor = Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor;
    const get = () => assert.fail("blocked");
    Object.defineProperty(globalThis, name, { get, configurable: true });
    return () => Object.defineProperty(globalThis, name, descriptor);
  });
  try {
    const server = useServer();
    const created = { roomId: "r1", ownerToken: server.ownerToken };
    server.respond = (path) => (path === "/rooms" ? [201, created] : undefined);
    await createRoom("Tea");
    assert.ok(mayManage());
    await fill(fieldNamed("Your name"), "Aki");
    await pressKey(fieldNamed("Your name"), "Enter");
    await wait(500);
    await say("Hello");
    assert.deepEqual([members(), texts()], [["Aki (you)"], ["Hello"]]);
  } finally {
    for (const restore of kept) restore();
  }
});
