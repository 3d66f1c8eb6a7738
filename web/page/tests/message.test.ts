/** One message in the log: what it shows beside its text, and that its text is nothing but text. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { enter, find, go, say, server, shown, usePage } from "./setup.js";

usePage();

test("HTML in messages, names and the name of the room is shown as text", async () => {
  const hostile = "<img src=x onerror=alert(1)><b>bold</b>";
  const sender = { id: "m-aki", name: "<i>Aki</i>" };
  await enter();
  await say(hostile);
  server.deliver(server.store(hostile, sender));
  server.socket.receive({ message: { type: "join", message: "", sender, memberCount: 2 } });
  const room = { name: hostile, private: false, locked: false };
  server.deliver(server.storeEvent("updated", { room, message: `Owner renamed the room to ${hostile}` }));
  assert.deepEqual(shown(), [hostile, hostile]);
  assert.deepEqual([find("#room-heading").textContent, document.title], [hostile, `${hostile} · Chalice Chat`]);
  assert.match(find("#members").textContent ?? "", /<i>Aki<\/i>/);
  assert.match(find("#log").textContent ?? "", /<i>Aki<\/i> joined.*renamed the room to <img src=x/s);
  assert.equal(document.querySelectorAll("main :is(img, b, i)").length, 0);
});

test("messages show their time, the day once, and the sender unless it is the one before", async () => {
  const bo = { id: "m-bo", name: "Bo" };
  const aki = { id: "m-aki", name: "Aki" };
  await go("#/rooms/r1");
  for (const [text, sender] of [
    ["Hi", bo],
    ["Tea?", bo],
    ["Yes", aki],
    ["👍", bo],
  ] as const)
    server.deliver(server.store(text, sender));
  const texts = (selector: string) => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
  assert.deepEqual(texts("#log li.message:not(.continued) .head"), ["Bo", "Aki", "Bo"]);
  assert.deepEqual(texts("#log li.message.continued .body"), ["Tea?"]);
  assert.deepEqual(texts("#log .body.emoji"), ["👍"]);
  const days = texts("#log .day");
  assert.equal(days.length, 1);
  assert.match(days[0] ?? "", /2026/);
  const times = [...document.querySelectorAll<HTMLTimeElement>("#log li.message time")];
  assert.deepEqual(
    times.map(({ dateTime }) => dateTime),
    server.stored.map(({ sentAt }) => sentAt),
  );
  for (const time of times) {
    assert.match(time.textContent ?? "", /^\d?\d:\d\d/);
    assert.match(time.title, /2026.*:\d\d:\d\d/);
  }
});

test("the lines and tabs of a message stay", async () => {
  const text = "def tea():\n\treturn 'hot'";
  await go("#/rooms/r1");
  await say(text);
  assert.deepEqual(shown(), [text]);
  assert.equal(server.stored[0]?.message, text);
});

test("a link shows the host that it leads to, also among text that is read from right to left", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("קרא https://bank.example⁄login.evil.example/ כאן"));
  const link = find<HTMLAnchorElement>("#log .body a");
  assert.equal(link.hostname, "bank.xn--examplelogin-xk0g.evil.example");
  assert.equal(link.textContent, `https://bank.example⁄login.evil.example/ (${link.hostname})`);
  assert.equal(link.dir, "ltr");
});

test("a message that is being sent looks as it will", async () => {
  server.members.set("m-bo", "Bo");
  server.onFrame = (_, { action }) => action === "sendMessage";
  await go("#/rooms/r1");
  await say("hi @Bo and @Cy");
  const marked = [...document.querySelectorAll("#pending .at")].map(({ textContent }) => textContent);
  assert.deepEqual(marked, ["@Bo"]);
  const { clientId } = server.socket.frames.at(-1)?.data ?? {};
  server.deliver(server.store("hi @Bo and @Cy", server.socket.member, clientId));
  await settle();
  assert.equal(find("#pending").childElementCount, 0);
});
