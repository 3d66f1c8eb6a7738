/** A visit to a room: who is there, and what is new. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { entries, find, go, look, say, server, usePage } from "./setup.js";

usePage();

const BO = { id: "m-Bo", name: "Bo" };

test("the members are listed with the visitor among them, and somebody who has left is said to have left", async () => {
  localStorage.setItem("chalice-chat.name", "Aki");
  server.respond = (path) =>
    path.endsWith("/members")
      ? [200, { members: [BO, { ...server.socket.member, name: "Aki", role: "owner" }] }]
      : undefined;
  const members = () => [...document.querySelectorAll("#members li")].map(({ textContent }) => textContent);
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
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
