/** A visit to a room: who is there, and what is new. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { BO, comeOrGo, enter, entries, find, go, look, say, server, usePage } from "./setup.js";

usePage();

test("the members are listed with the visitor among them, and somebody who has left is said to have left", async () => {
  localStorage.setItem("chalice-chat.name", "Aki");
  server.respond = (path) =>
    path.endsWith("/members")
      ? [200, { members: [BO, { ...server.socket.member, name: "Aki", role: "owner" }] }]
      : undefined;
  const members = () => [...document.querySelectorAll("#members li")].map(({ textContent }) => textContent);
  await enter();
  assert.deepEqual([members(), find("#member-count").textContent], [["Aki owner (you)", "Bo⋯"], "2 here"]);
  server.socket.receive({ message: { type: "leave", message: "Bo left", sender: BO, memberCount: 1 } });
  mock.timers.tick(9_999);
  assert.deepEqual(entries(), []); // it may be a reload
  mock.timers.tick(1);
  assert.deepEqual(entries(), ["Bo left"]);
  assert.deepEqual([members(), find("#member-count").textContent], [["Aki owner (you)"], "1 here"]);
});

test("the line of new messages disappears when the visitor answers", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("seen"));
  look(false);
  for (const text of ["unseen", "unseen, too"]) server.deliver(server.store(text));
  look(true);
  assert.deepEqual(entries(), ["seen", "New", "unseen", "unseen, too"]);
  await say("read");
  assert.deepEqual(entries(), ["seen", "unseen", "unseen, too", "read"]);
});

test("a private room shows a lock, and a public one does not", async () => {
  const lock = () => find("#lock").hasAttribute("hidden");
  server.isPrivate = true;
  await go("#/rooms/r1?token=join-0");
  assert.deepEqual([lock(), find("#lock").textContent], [false, "Private room"]);
  await go("#/");
  server.isPrivate = false;
  await go("#/rooms/r2");
  assert.equal(lock(), true);
});

test("several who come in a row are one line, until something else happens", async () => {
  await enter();
  comeOrGo("join", "Anna", 2);
  assert.deepEqual(entries(), ["Anna joined"]);
  comeOrGo("join", "Bert", 3);
  assert.deepEqual(entries(), ["Anna and Bert joined"]);
  for (let number = 1; number <= 8; number += 1) comeOrGo("join", `guest ${number}`, 3 + number);
  assert.deepEqual(entries(), ["Anna, Bert and 8 others joined"]);
  await say("hello");
  comeOrGo("join", "Cy", 12);
  assert.deepEqual(entries(), ["Anna, Bert and 8 others joined", "hello", "Cy joined"]);
});

test("many who come in one frame are one line, and continue one of single frames", async () => {
  await enter();
  comeOrGo("join", "Anna", 2);
  const joined = Array.from({ length: 49 }, (_, index) => ({
    id: `m-${index}`,
    name: index ? `guest ${index}` : "Bert",
  }));
  server.socket.receive({ presence: { joined, left: [], memberCount: 51 } });
  assert.deepEqual(entries(), ["Anna, Bert and 48 others joined"]);
});

test("three who come are named, each isolated from the text around them", async () => {
  await enter();
  for (const name of ["Anna", "\u202eevil", "Cy"]) comeOrGo("join", name, 2);
  assert.deepEqual(entries(), ["Anna, \u202eevil and Cy joined"]);
  assert.equal(document.querySelectorAll("#log .notice bdi").length, 3);
});
