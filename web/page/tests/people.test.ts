/** The people in a room, on the whole page: their names, their marks, and what is done to them. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import { answerWith, entries, field, find, go, isOpen, say, server, shown, usePage, write } from "./setup.js";

usePage();

const BO = { id: "m-Bo", name: "Bo" };
const OWNERS_ROOM = "#/rooms/r1?owner=owner-token";
const members = () => [...document.querySelectorAll("#members li > span")].map(({ textContent }) => textContent);
const notices = () => [...document.querySelectorAll("#log .notice")].map(({ textContent }) => textContent);
const heads = () => [...document.querySelectorAll("#log .head")].map(({ textContent }) => textContent);
const soon = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

/** Enter a room in which Bo is, and read its messages and members. */
async function meetBo(hash = "#/rooms/r1"): Promise<void> {
  server.members.set(BO.id, BO.name);
  await go(hash);
  mock.timers.tick(1);
  await settle();
}

async function openPerson(name: string): Promise<void> {
  find(`#members [aria-label="More about ${name}"]`).click();
  await settle();
  assert.equal(isOpen("#person"), true);
}

test("a new name of somebody else is announced without a leave, and is in the list", async () => {
  await meetBo();
  const sender = { ...BO, name: "Bea" };
  server.socket.receive({ message: { type: "rename", message: "Bo is now Bea", sender, formerName: "Bo" } });
  mock.timers.tick(20_000);
  await settle();
  assert.deepEqual(entries(), ["Bo is now Bea"]);
  assert.deepEqual(members(), ["Bea", `${server.socket.member.name} (you)`]);
});

test("the visitor takes another name by the button beside it", async () => {
  localStorage.setItem("chalice-chat.name", "Bo");
  const name = find<HTMLInputElement>("#your-name");
  name.value = "Bo";
  await go("#/rooms/r1");
  assert.equal(find("#you").textContent, "You are Bo – change");
  find("#choose-name").click();
  assert.deepEqual([document.activeElement, document.body.classList.contains("naming")], [name, true]);
  name.value = " Bea ";
  const Event = (window as unknown as Window).KeyboardEvent;
  name.dispatchEvent(new Event("keydown", { key: "Enter" }) as never);
  await settle();
  assert.deepEqual([server.socket.frames.at(-1)?.action, server.socket.frames.at(-1)?.data?.name], ["rename", "Bea"]);
  assert.equal(find("#you").textContent, "You are Bea – change");
  assert.deepEqual([document.activeElement?.id, document.body.classList.contains("naming")], ["message", false]);
  assert.deepEqual([localStorage.getItem("chalice-chat.name"), members()], ["Bea", ["Bea (you)"]]);
  name.value = "";
});

test("a name that the visitor takes in another tab is theirs here, too", async () => {
  await meetBo();
  const { id, name } = server.socket.member;
  const sender = { id, name: "Bea" };
  server.socket.receive({ message: { type: "rename", message: `${name} is now Bea`, sender, formerName: name } });
  await settle();
  assert.equal(find("#you-are").textContent, "You are Bea");
  assert.deepEqual(members(), ["Bea (you)", "Bo"]);
});

test("a visitor whose name is taken sees the one that they have got", async () => {
  server.members.set("m-Mia", "Mia");
  server.onFrame = (socket, { action }) => {
    if (action === "hello") {
      socket.member = { ...socket.member, name: "mia (2)" };
      server.members.set(socket.member.id, "mia (2)");
    }
    return false;
  };
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  await say("Me, too");
  assert.equal(find("#you-are").textContent, "You are mia (2)");
  assert.deepEqual([members(), shown()], [["Mia", "mia (2) (you)"], ["Me, too"]]);
});

test("of two members with one name, the right one is removed", async () => {
  const first = { id: "m-1", name: "Mia" };
  const second = { id: "m-2", name: "mia (2)" };
  for (const { id, name } of [second, first]) server.members.set(id, name);
  server.store("I am here", first);
  server.store("Me, too", second);
  await meetBo(OWNERS_ROOM);
  assert.deepEqual(heads(), ["Mia", "mia (2)"]);
  answerWith("removeMember", () => server.storeEvent("removed", { member: second }, server.socket.member));
  await openPerson("mia (2)");
  find<HTMLFormElement>("#person-remove").requestSubmit();
  await settle();
  assert.equal(server.socket.frames.at(-1)?.data?.memberId, "m-2");
  assert.deepEqual(shown(), ["I am here", "Me, too"]);
  assert.deepEqual(
    members().filter((name) => /mia/i.test(name ?? "")),
    ["Mia"],
  );
});

test("the owner is marked for later visitors, and somebody who takes the name is not", async () => {
  const owner = { id: "m-Aki", name: "Aki", role: "owner" };
  const imitator = { id: "m-imitator", name: "Aki (2)" };
  server.store("the real one", owner);
  server.store("The test is cancelled!", imitator);
  server.respond = (path) => (path.endsWith("/members") ? [200, { members: [owner, imitator, BO] }] : undefined);
  await meetBo();
  assert.deepEqual(heads(), ["Aki owner", "Aki (2)"]);
  assert.deepEqual(
    members().filter((name) => name !== "Bo"),
    ["Aki owner", "Aki (2)"],
  );
  assert.deepEqual(
    [...document.querySelectorAll(".mark")]
      .filter((mark) => mark.closest("#log, #members"))
      .map((mark) => mark.textContent),
    ["owner", "owner"],
  );
  const colours = [...document.querySelectorAll<HTMLElement>("#log .head [data-person]")].map(
    ({ style }) => style.color,
  );
  assert.equal(new Set(colours).size, 2);
});

test("a moderator is marked in the list and in messages, until the owner takes the role back", async () => {
  await meetBo(OWNERS_ROOM);
  answerWith("setRole", () => server.storeEvent("role", { member: BO, role: "moderator" }, server.socket.member));
  await openPerson("Bo");
  find("#person-role").click();
  await settle();
  assert.equal(members().includes("Bo moderator"), true);
  server.deliver(server.store("I help", { ...BO, role: "moderator" }));
  assert.deepEqual(heads(), ["Bo moderator"]);
  answerWith("setRole", () => server.storeEvent("role", { member: BO, role: "member" }, server.socket.member));
  assert.equal(find("#person-role").textContent, "No longer moderator");
  find("#person-role").click();
  await settle();
  assert.equal(server.socket.frames.at(-1)?.data?.role, "member");
  assert.equal(members().includes("Bo"), true);
});

test("everyone learns who is a moderator now, and the moderator, too", async () => {
  await meetBo();
  server.deliver(server.storeEvent("role", { member: server.socket.member, role: "moderator" }));
  server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }));
  assert.deepEqual(notices(), ["Owner made you a moderator", "Owner made Bo a moderator"]);
  assert.deepEqual(members(), ["Bo moderator", `${server.socket.member.name} moderator (you)`]);
});

test("a muted visitor who comes back is still muted, with the text, and sends it when the mute ends", async () => {
  await meetBo();
  server.deliver(server.storeEvent("muted", { member: server.socket.member, until: soon(300), sentAt: soon(0) }));
  write("But");
  await go("#/");
  await meetBo();
  const send = find<HTMLButtonElement>("#send");
  assert.match(find("#compose-note").textContent ?? "", /^You are muted until .*\d:\d\d/);
  assert.deepEqual([send.disabled, field().value], [true, "But"]);
  server.deliver(server.storeEvent("muted", { member: server.socket.member, until: null }));
  assert.equal(send.disabled, false);
  send.click();
  await settle();
  assert.deepEqual([shown(), field().value], [["But"], ""]);
});

test("the dialogue about a member says what ignoring them does", async () => {
  await meetBo();
  await openPerson("Bo");
  const ignore = () => {
    find("#person-ignore").click();
    return find("#person-note").textContent;
  };
  assert.equal(ignore(), "You no longer see their messages.");
  assert.equal(ignore(), "You see their messages again.");
});
