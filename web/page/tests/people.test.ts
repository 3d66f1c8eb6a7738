/** The people in a room, on the whole page: their names, their marks, and what is done to them. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  answerWith,
  BO,
  comeOrGo,
  deleteButtons,
  enter,
  entries,
  field,
  find,
  go,
  isOpen,
  meet,
  notices,
  OWNERS_ROOM,
  openBo,
  parts,
  say,
  server,
  shown,
  soon,
  usePage,
  write,
} from "./setup.js";

usePage();

const members = () => [...document.querySelectorAll("#members li > span")].map(({ textContent }) => textContent);
const heads = () => [...document.querySelectorAll("#log .head")].map(({ textContent }) => textContent);

async function openPerson(name: string): Promise<void> {
  find(`#members [aria-label="More about ${name}"]`).click();
  await settle();
  assert.equal(isOpen("#person"), true);
}

test("a new name of somebody else is announced without a leave, and is in the list", async () => {
  await meet();
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
  await meet();
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
  await enter();
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
  await meet(OWNERS_ROOM);
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
  await meet();
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
  await meet(OWNERS_ROOM);
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
  await meet();
  server.deliver(server.storeEvent("role", { member: server.socket.member, role: "moderator" }));
  server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }));
  assert.deepEqual(notices(), ["Owner made you a moderator", "Owner made Bo a moderator"]);
  assert.deepEqual(members(), ["Bo moderator", `${server.socket.member.name} moderator (you)`]);
});

test("a muted visitor who comes back is still muted, with the text, and sends it when the mute ends", async () => {
  await meet();
  server.deliver(server.storeEvent("muted", { member: server.socket.member, until: soon(300), sentAt: soon(0) }));
  write("But");
  await go("#/");
  await meet();
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
  await meet();
  await openPerson("Bo");
  const ignore = () => {
    find("#person-ignore").click();
    return find("#person-note").textContent;
  };
  assert.equal(ignore(), "You no longer see their messages.");
  assert.equal(ignore(), "You see their messages again.");
});

/** Let this visitor be a member of a role. */
function beA(role: string): void {
  server.onFrame = (socket, { action }) => {
    if (action !== "hello") return false;
    const room = { name: "Tea", private: false, locked: false };
    const member = { ...socket.member, role };
    socket.receive({ welcome: { member, room, memberCount: 2, lastSequence: 0, owner: role === "owner" } });
    return true;
  };
}

test("the focus stays on the button of a member while others come", async () => {
  server.members.set("m-Bo", "Bo");
  await go("#/rooms/r1?owner=owner-token");
  find("#members button").focus();
  comeOrGo("join", "Anna", 3);
  assert.deepEqual(
    [...document.querySelectorAll("#members button")].map((button) => button.getAttribute("aria-label")),
    ["More about Anna", "More about Bo"],
  );
  assert.equal(document.activeElement?.getAttribute("aria-label"), "More about Bo");
});

test("the focus moves to the number of members when the focused one is removed", async () => {
  server.members.set("m-Bo", "Bo");
  await go("#/rooms/r1?owner=owner-token");
  find("#members button").focus();
  server.deliver(server.storeEvent("removed", { member: { id: "m-Bo", name: "Bo" } }));
  assert.equal(document.activeElement?.id, "member-count");
});

test("messages and members show marks in words, and a signed-in member with a sign that has a name", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("welcome", { ...BO, role: "owner", verified: true }));
  server.deliver(server.store("hello", { id: "m-imitator", name: "Bo owner ✓" }));
  server.deliver(server.store("done", { id: "h1", name: "Build", bot: true } as never));
  assert.deepEqual(heads(), ["Bo owner ✓", "Bo owner ✓", "Build bot"]);
  const marks = [...document.querySelectorAll("#log .message")].map((entry) => entry.querySelectorAll(".mark").length);
  assert.deepEqual(marks, [2, 0, 1]);
  assert.equal(document.querySelector("#log .mark[role=img]")?.getAttribute("aria-label"), "signed in");
  comeOrGo("join", "Cy", 2);
  server.deliver(server.storeEvent("role", { member: { id: "m-Cy", name: "Cy" }, role: "moderator" }));
  assert.match(find("#members").textContent ?? "", /Cy moderator/);
});

test("two members of the same name have different colours, which are those of their messages", async () => {
  await go("#/rooms/r1");
  const people = ["a", "b", "c", "d", "e"].map((id) => ({ id: `m-${id}`, name: "Mia" }));
  for (const mia of people) {
    server.socket.receive({ message: { type: "join", message: "", sender: mia, memberCount: 2 } });
    server.deliver(server.store("hello", mia));
  }
  const colours = (list: string) => people.map(({ id }) => find(`${list} [data-person="${id}"]`).style.color);
  assert.equal(new Set(colours("#log")).size, 5);
  assert.deepEqual(colours("#members"), colours("#log"));
});

test("notices isolate the names, and tell what was done", async () => {
  await meet();
  const hebrew = { id: "m-dana", name: "Bo דנה" };
  const self = server.socket.member;
  server.deliver(server.storeEvent("removed", { member: hebrew }));
  server.deliver(server.storeEvent("removed", { member: hebrew, messagesDeleted: true }));
  server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }));
  server.deliver(server.storeEvent("role", { member: self, role: "member" }));
  server.deliver(server.storeEvent("muted", { member: BO, until: null }));
  server.socket.receive({
    message: { type: "rename", message: "", sender: { id: "m-x", name: "\u202eevil" }, formerName: "X" },
  });
  server.deliver(server.storeEvent("updated", { message: "Owner renamed the room to \u202eevil" }));
  server.deliver(server.storeEvent("updated", { message: "The room was locked" }));
  assert.deepEqual(notices(), [
    "Owner removed Bo דנה",
    "Owner removed Bo דנה and deleted their messages",
    "Owner made Bo a moderator",
    "Owner made you a plain member again",
    "Owner let Bo write again",
    "X is now \u202eevil",
    "Owner renamed the room to \u202eevil",
    "The room was locked",
  ]);
  const strange = [...document.querySelectorAll("#log .notice")].flatMap(({ childNodes }) =>
    [...childNodes].filter((node) => node.nodeName !== "BDI" && /[\u202e\u05d0-\u05ea]/.test(node.textContent ?? "")),
  );
  assert.deepEqual(strange, []);
});

test("a notice about a mute says until when", async () => {
  await meet();
  server.deliver(server.storeEvent("muted", { member: BO, until: soon(300), sentAt: soon(0) }));
  assert.match(notices()[0] ?? "", /^Owner muted Bo until .*\d:\d\d/);
  assert.match(find("#members").textContent ?? "", /Bo muted/);
});

for (const [role, hash, expected] of [
  ["a visitor", "#/rooms/r1", ["ignore"]],
  ["a moderator", "#/rooms/r1", ["ignore", "mute", "remove"]],
  ["the owner", OWNERS_ROOM, ["ignore", "mute", "role", "remove"]],
] as const) {
  test(`the dialogue about a member shows ${role} what they may do`, async () => {
    if (role === "a moderator") beA("moderator");
    await openBo(hash);
    assert.deepEqual(parts(), expected);
  });
}

test("a moderator deletes messages of plain members and webhooks only, and may do nothing to the owner", async () => {
  beA("moderator");
  server.store("theirs", BO);
  server.store("done", { id: "h1", name: "Build", bot: true } as never);
  server.store("the owner's", { id: "m-owner", name: "Owner", role: "owner" });
  await meet();
  const messages = [...document.querySelectorAll("#log .message")];
  assert.deepEqual(
    messages.map((entry) => entry.querySelector(".delete") !== null),
    [true, true, false],
  );
  messages[2]?.querySelector<HTMLElement>(".more")?.click();
  assert.deepEqual(parts(), ["report", "ignore"]);
});

test("a member who becomes a moderator gets the buttons at once", async () => {
  server.store("theirs", BO);
  await meet();
  assert.equal(deleteButtons().length, 0);
  server.deliver(server.storeEvent("role", { member: server.socket.member, role: "moderator" }));
  assert.equal(deleteButtons().length, 1);
});

test("the owner mutes a member and makes a moderator, and the dialogue shows it", async () => {
  await openBo(OWNERS_ROOM);
  const mute = (seconds: number) => find(`#person-mute [data-seconds="${seconds}"]`);
  assert.equal(mute(0).hidden, true);
  answerWith("muteMember", () => server.storeEvent("muted", { member: BO, until: soon(300) }, server.socket.member));
  mute(300).click();
  await settle();
  assert.match(find("#mute-state").textContent ?? "", /^Muted until .*\d:\d\d/);
  answerWith("muteMember", () => server.storeEvent("muted", { member: BO, until: null }, server.socket.member));
  mute(0).click();
  await settle();
  assert.deepEqual([mute(0).hidden, find("#mute-state").hidden], [true, true]);
  answerWith("setRole", () => server.storeEvent("role", { member: BO, role: "moderator" }, server.socket.member));
  find("#person-role").click();
  await settle();
  assert.equal(find("#person-role").textContent, "No longer moderator");
  assert.equal(find("#person-heading").textContent, "Bo moderator");
  const frames = server.socket.frames.filter(({ action }) => ["muteMember", "setRole"].includes(action));
  assert.deepEqual(
    frames.map(({ data }) => data?.seconds ?? data?.role),
    [300, 0, "moderator"],
  );
});

for (const deleteMessages of [false, true]) {
  test(`a removal ${deleteMessages ? "with" : "without"} the messages is chosen in the dialogue`, async () => {
    server.store("theirs", BO);
    await openBo(OWNERS_ROOM);
    assert.equal(find<HTMLInputElement>("#remove-messages").checked, false);
    find<HTMLInputElement>("#remove-messages").checked = deleteMessages;
    answerWith("removeMember", () =>
      server.storeEvent("removed", { member: BO, messagesDeleted: deleteMessages }, server.socket.member),
    );
    find<HTMLFormElement>("#person-remove").requestSubmit();
    await settle();
    assert.equal(isOpen("#person"), false);
    assert.deepEqual(shown(), deleteMessages ? [] : ["theirs"]);
    const data = server.socket.frames.find(({ action }) => action === "removeMember")?.data ?? {};
    assert.deepEqual([data.memberId, "deleteMessages" in data], [BO.id, deleteMessages]);
  });
}

test("an action on a member that is rejected says why", async () => {
  await openBo(OWNERS_ROOM);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "setRole") return false;
    const message = "the member has no key";
    socket.receive({ error: { code: "invalid_message", message, action, clientId: data?.clientId } });
    return true;
  };
  find("#person-role").click();
  await settle();
  assert.equal(find("#person-error").textContent, "The member has no key.");
});
