/** Mentions: the completion of names, what is marked, and notifications. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import {
  BO,
  field,
  find,
  look,
  meet,
  messageWith,
  pressKey,
  say,
  sentData,
  server,
  shown,
  storeElsewhere,
  usePage,
  write,
} from "./setup.js";

/** The browser's notifications: they are recorded, and the question for the permission is answered. */
class Recorded {
  static permission = "default";
  static answer = "granted";
  static readonly shown: Recorded[] = [];
  readonly title: string;
  readonly body: string;
  isClosed = false;
  click = () => {};

  static async requestPermission(): Promise<string> {
    Recorded.permission = Recorded.answer;
    return Recorded.permission;
  }

  constructor(title: string, { body }: { body: string }) {
    Recorded.shown.push(this);
    this.title = title;
    this.body = body;
  }

  addEventListener(type: string, listener: () => void): void {
    assert.equal(type, "click");
    this.click = listener;
  }

  close(): void {
    this.isClosed = true;
  }
}

Object.assign(globalThis, { Notification: Recorded });
usePage();

const names = () => (find("#names").hidden ? [] : [...find("#names").children].map(({ textContent }) => textContent));
const marked = () => [...document.querySelectorAll("#log .at")].map(({ textContent }) => textContent);

async function pressEnter(): Promise<void> {
  pressKey("Enter");
  await settle();
}

// Completion

test("a name is completed with the keyboard alone, and its bearer is mentioned", async () => {
  await meet();
  write("hi @b");
  assert.deepEqual(names(), ["Bo"]);
  const [option] = find("#names").children;
  assert.deepEqual([option?.getAttribute("role"), option?.getAttribute("aria-selected")], ["option", "true"]);
  assert.equal(field().getAttribute("aria-activedescendant"), option?.id);
  pressKey("Escape");
  assert.deepEqual([names(), field().value], [[], "hi @b"]);
  write("hi @");
  assert.deepEqual(names(), ["Bo"]); // nobody is offered their own name
  await pressEnter();
  assert.deepEqual([names(), field().value, shown()], [[], "hi @Bo ", []]);
  assert.equal(field().getAttribute("aria-activedescendant"), null);
  write("hi @Bo look");
  await pressEnter();
  assert.deepEqual(sentData("sendMessage"), [{ message: "hi @Bo look", mentions: [BO.id] }]);
  assert.deepEqual([marked(), document.querySelectorAll(".mentioned").length], [["@Bo"], 0]);
});

test("a mention that was deleted from the text reaches nobody", async () => {
  await meet();
  write("@b");
  assert.equal(pressKey("Tab"), true); // so the field keeps the focus
  assert.equal(field().value, "@Bo ");
  write("nobody");
  await pressEnter();
  assert.deepEqual(sentData("sendMessage"), [{ message: "nobody" }]);
});

for (const key of ["Home", "ArrowLeft"]) {
  test(`${key}, which moves the cursor away, ends the completion`, async () => {
    await meet();
    write("hi @b");
    assert.deepEqual(names(), ["Bo"]);
    assert.equal(pressKey(key), false);
    assert.deepEqual(names(), []);
    await pressEnter();
    assert.deepEqual([field().value, shown()], ["", ["hi @b"]]);
  });
}

test("somebody who is back in another browser is offered once, and mentioned there", async () => {
  server.store("back soon", { id: "m-former", name: "Bo" });
  await meet();
  write("@b");
  assert.deepEqual(names(), ["Bo"]);
  await pressEnter();
  await pressEnter();
  assert.deepEqual(sentData("sendMessage"), [{ message: "@Bo", mentions: [BO.id] }]);
});

test("code mentions nobody, and completes no name", async () => {
  await meet();
  write("```\n@B");
  assert.deepEqual(names(), []);
  write("```\n@Bo");
  await pressEnter();
  assert.deepEqual(sentData("sendMessage"), [{ message: "```\n@Bo" }]);
  assert.equal(find("#log pre code").textContent, "@Bo");
  assert.deepEqual(marked(), []);
});

// Marks

/** Deliver a message of Bo that mentions this visitor. Returns its text. */
async function mention(words: string): Promise<string> {
  const { id, name } = server.socket.member;
  const stored = server.store(`@${name} ${words}`, BO);
  server.deliver({ ...stored, mentions: [id] });
  await settle();
  return stored.message;
}

test("who is mentioned sees the message marked", async () => {
  await meet();
  const text = await mention("look");
  assert.equal(messageWith(text).classList.contains("mentioned"), true);
  assert.deepEqual(marked(), [`@${server.socket.member.name}`]);
  assert.equal(messageWith(text).querySelector(".aside .mark")?.textContent, "@you");
});

test("a mention stays marked when its member takes another name", async () => {
  await meet();
  await say("@Bo look");
  assert.deepEqual(marked(), ["@Bo"]);
  const robert = { ...BO, name: "Robert" };
  server.socket.receive({
    message: { type: "rename", message: "Bo is now Robert", sender: robert, formerName: "Bo" },
  });
  assert.match(find("#members").textContent ?? "", /Robert/);
  assert.deepEqual(marked(), ["@Bo"]);
});

// Notifications

const latest = () => Recorded.shown.at(-1);
const notified = () => Recorded.shown.map(({ title, body }) => [title, body]);

/** Choose to be notified, or not. The browser gives this answer to the question for the permission. */
async function choose(isWanted: boolean, answered = "granted"): Promise<void> {
  Object.assign(Recorded, { permission: "default", answer: answered });
  Recorded.shown.length = 0;
  find<HTMLInputElement>("#notify").checked = !isWanted;
  find("#notify").click();
  await settle();
}

test("a mention notifies who has turned that on, while the tab is hidden, and leads to the message", async () => {
  await meet();
  assert.equal(find("#notify-part").hidden, false);
  await choose(true);
  await mention("seen");
  look(false);
  assert.deepEqual(notified(), []);
  const text = await mention("come here");
  server.deliver(server.store("for nobody", BO));
  await settle();
  assert.deepEqual(notified(), [["Bo", text]]);
  assert.equal(latest()?.isClosed, false);
  latest()?.click();
  await settle();
  assert.deepEqual([latest()?.isClosed, document.activeElement], [true, messageWith("come here")]);
  await mention("look");
  assert.deepEqual([notified().length, latest()?.isClosed], [2, false]);
  look(true);
  assert.equal(latest()?.isClosed, true);
  await choose(false);
  look(false);
  await mention("not wanted");
  assert.deepEqual(notified(), []);
  look(true);
});

test("a notification ends when its message is deleted, or read in another tab", async () => {
  await meet();
  await choose(true);
  look(false);
  await mention("a slip");
  assert.equal(latest()?.isClosed, false);
  server.deliver(server.storeEvent("deleted", { target: 1 }, BO));
  assert.deepEqual([latest()?.isClosed, shown()], [true, []]);
  await mention("come here");
  assert.equal(latest()?.isClosed, false);
  storeElsewhere("chalice-chat.read.r1", "3");
  assert.deepEqual([latest()?.isClosed, document.title], [true, "Tea · Chalice Chat"]);
  look(true);
  await choose(false);
});

test("a visitor whose browser denies notifications is told so", async () => {
  await meet();
  await choose(true, "denied");
  assert.match(find("#notify-note").textContent ?? "", /^Your browser does not allow this site to notify you\./);
  assert.deepEqual([find("#notify-note").hidden, find<HTMLInputElement>("#notify").checked], [false, false]);
});
