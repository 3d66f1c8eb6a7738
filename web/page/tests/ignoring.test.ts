/** Ignoring members, and reporting messages. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  BO,
  enter,
  entries,
  find,
  go,
  isOpen,
  look,
  meet,
  notices,
  OWNERS_ROOM,
  openBo,
  parts,
  server,
  shown,
  soon,
  usePage,
} from "./setup.js";

usePage();

test("ignored messages in a row are one line, which shows them again", async () => {
  await meet();
  server.deliver(server.store("one", BO));
  server.deliver(server.store("two", BO));
  server.deliver(server.store("between"));
  server.deliver(server.store("three", BO));
  find("#members button").click();
  await settle();
  find("#person-ignore").click();
  assert.equal(find("#person-ignore").textContent, "Ignore no longer");
  find("#person-done").click();
  const lines = () =>
    [...document.querySelectorAll<HTMLElement>("#log .ignored")].flatMap((line) =>
      line.hidden ? [] : [line.firstElementChild?.textContent],
    );
  assert.deepEqual(lines(), ["2 messages of somebody you ignore.", "1 message of somebody you ignore."]);
  assert.deepEqual(shown(), ["between"]);
  server.deliver(server.store("four", BO));
  assert.equal(lines()[1], "2 messages of somebody you ignore.");
  assert.match(find("#members").textContent ?? "", /Bo \(ignored\)/);
  await go("#/");
  await enter();
  assert.deepEqual(shown(), ["between"]);
  const button = find("#log .ignored button");
  button.focus();
  button.click();
  assert.deepEqual(shown(), ["one", "two", "between", "three", "four"]);
  assert.equal(document.activeElement?.id, "log");
  await go("#/");
  await enter();
  assert.equal(shown().length, 5);
  assert.equal(localStorage.getItem("chalice-chat.ignored.r1"), null);
});

test("whom another tab ignores is ignored here, too, and what is no list in the storage is none", async () => {
  const key = "chalice-chat.ignored.r1";
  const Event = (window as unknown as Window).StorageEvent;
  const store = (value: string) => {
    localStorage.setItem(key, value);
    window.dispatchEvent(new Event("storage", { key }) as never);
  };
  localStorage.setItem(key, '{"a": 1}');
  server.store("theirs", BO);
  await meet();
  assert.deepEqual(shown(), ["theirs"]);
  store(JSON.stringify([BO.id, 5]));
  assert.deepEqual(shown(), []);
  store("[]");
  assert.deepEqual(shown(), ["theirs"]);
});

test("messages of an ignored member are neither counted in the title nor marked as new", async () => {
  localStorage.setItem("chalice-chat.ignored.r1", JSON.stringify([BO.id]));
  await meet();
  look(false);
  server.deliver(server.store("one", BO));
  assert.equal(document.title, "Tea · Chalice Chat");
  server.deliver(server.store("two"));
  look(true);
  assert.deepEqual(entries().slice(1), ["New", "two"]);
});

test("a message is reported with a reason, and the owner gets a notice that leads to it", async () => {
  server.store("theirs", BO);
  await meet();
  find("#log .more").click();
  assert.deepEqual(parts(), ["report", "ignore"]);
  assert.equal(find("#person-message").textContent, "theirs");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "reportMessage") return false;
    const { sequence: target, reason } = data ?? {};
    socket.receive({ message: { type: "reported", target, reason, sender: socket.member, message: "reported" } });
    return true;
  };
  find<HTMLInputElement>("#report-reason").value = " rude ";
  find<HTMLFormElement>("#report").requestSubmit();
  await settle();
  assert.deepEqual([find("#person-note").textContent, find("#report").hidden], ["Reported. Thank you.", true]);
  assert.equal(server.socket.frames.at(-1)?.data?.reason, "rude");
  const report = {
    type: "reported",
    sender: { id: "m-cy", name: "Cy" },
    message: "reported",
    target: 1,
    reason: "rude",
  };
  server.socket.receive({ message: report });
  server.socket.receive({ message: { ...report, target: 9, reason: undefined } });
  assert.deepEqual(notices(), [
    "Cy reported a message of Bo: “rude” Show the message",
    "Cy reported a message Show the message",
  ]);
  const [link, lost] = document.querySelectorAll<HTMLButtonElement>("#log .notice button");
  link?.click();
  await settle();
  assert.equal((document.activeElement as HTMLElement).dataset.sequence, "1");
  lost?.click();
  await settle();
  assert.equal(notices().at(-1), "That message is no longer there.");
});

test("the owner sees what was reported before, the newest last", async () => {
  server.store("theirs", BO);
  const reports = ["newer", "older"].map((reason) => ({
    target: 1,
    sender: { id: "m-cy", name: "Cy" },
    sentAt: soon(0),
    reason,
  }));
  server.respond = (path) => (path.endsWith("/reports") ? [200, { reports }] : undefined);
  await meet();
  assert.deepEqual(notices(), []);
  assert.equal(server.requests.filter((request) => request.includes("/reports")).length, 0);
  await go("#/");
  await meet(OWNERS_ROOM);
  assert.deepEqual(notices(), [
    "Cy reported a message of Bo: “older” Show the message",
    "Cy reported a message of Bo: “newer” Show the message",
  ]);
});

test("a reported message that is further up is loaded", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  await meet();
  assert.equal(shown()[0], "message 11");
  const sender = { id: "m-cy", name: "Cy" };
  server.socket.receive({ message: { type: "reported", sender, message: "reported", target: 3 } });
  find("#log .notice button").click();
  await settle();
  assert.equal((document.activeElement as HTMLElement).dataset.sequence, "3");
});

test("the dialogue about a member ends with the visit", async () => {
  await openBo();
  server.deliver(server.storeEvent("removed", { member: server.socket.member }));
  await settle();
  assert.equal(isOpen("#person"), false);
});
