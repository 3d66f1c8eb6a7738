/** Reactions, replies, and what else is open about a message. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  BO,
  buttonNamed,
  comeBack,
  context,
  DRAFT,
  field,
  find,
  go,
  meet,
  messageWith,
  openActions,
  pressKey,
  say,
  sentData,
  server,
  shown,
  storeElsewhere,
  usePage,
  write,
} from "./setup.js";

usePage();

const chips = () => [...document.querySelectorAll<HTMLButtonElement>("#log .chip")];
const labels = () => chips().map((chip) => [chip.getAttribute("aria-label"), chip.getAttribute("aria-pressed")]);

/** Meet Bo, who has said something. */
async function hear(...texts: string[]): Promise<void> {
  for (const text of texts) server.store(text, BO);
  await meet();
}

const deleteFirst = () => server.deliver(server.storeEvent("deleted", { target: 1 }, BO));

// Reactions

/** Let a member react to the first message, or take that back. */
function react(member: string, reaction: string, isRemoval = false): void {
  const before = server.stored[0]?.reactions?.find((one) => one.reaction === reaction)?.members ?? [];
  const others = before.filter((id) => id !== member);
  server.socket.receive(server.react(1, reaction, ...others, ...(isRemoval ? [] : [member])));
}

/** Let the server take the reactions of the visitor. */
function takeReactions(): void {
  server.onFrame = (socket, { action, data }) => {
    if (action === "react") react(socket.member.id, data?.reaction ?? "", Boolean(data?.remove));
    return action === "react";
  };
}

/** Press the button of a reaction. */
async function press(chip: HTMLElement | undefined): Promise<void> {
  chip?.focus();
  chip?.click();
  await settle();
}

test("a reaction is added and taken back, names who has it, and keeps the focus", async () => {
  takeReactions();
  await hear("Tea?");
  buttonNamed("React with 👍", openActions("Tea?")).click();
  await settle();
  assert.deepEqual(labels(), [["👍 1: You", "true"]]);
  assert.equal(find(".message-actions").hidden, true);
  react(BO.id, "👍");
  assert.deepEqual(labels(), [["👍 2: You and Bo", "true"]]);
  await press(chips()[0]);
  assert.deepEqual(labels(), [["👍 1: Bo", "false"]]);
  assert.equal(document.activeElement, chips()[0]);
  await press(chips()[0]);
  assert.deepEqual(labels(), [["👍 2: You and Bo", "true"]]);
  const own = { sequence: 1, reaction: "👍" };
  assert.deepEqual(sentData("react"), [own, { ...own, remove: true }, own]);
  await comeBack();
  assert.deepEqual(labels(), [["👍 2: You and Bo", "true"]]);
});

test("a reaction that is taken back passes the focus on", async () => {
  takeReactions();
  await hear("Tea?");
  for (const reaction of ["👍", "🎉"]) {
    buttonNamed(`React with ${reaction}`, openActions("Tea?")).click();
    await settle();
  }
  await press(chips()[1]);
  assert.deepEqual(labels(), [["👍 1: You", "true"]]);
  assert.equal(document.activeElement, chips()[0]);
  await press(chips()[0]);
  assert.deepEqual(labels(), []);
  assert.equal(document.activeElement, buttonNamed("React or reply", messageWith("Tea?")));
});

for (const [reaction, isTakenAtOnce] of [
  ["🦄", true],
  ["👩‍👩‍👧", true],
  [":tada:", false],
] as const) {
  test(`${reaction} is a reaction ${isTakenAtOnce ? "as soon as it is written" : "after Enter"}, and a word is none`, async () => {
    takeReactions();
    await hear("Tea?");
    const actions = openActions("Tea?");
    buttonNamed("Another reaction", actions).click();
    const emoji = find<HTMLInputElement>('.message-actions input[aria-label="An emoji"]');
    assert.equal(document.activeElement, emoji);
    const enter = (text: string) => {
      emoji.value = text;
      emoji.dispatchEvent(new (window as unknown as Window).Event("input") as never);
    };
    enter("no");
    pressKey("Enter", emoji);
    assert.deepEqual([actions.hidden, emoji.validationMessage], [false, "Enter a single emoji or character."]);
    enter(reaction);
    assert.equal(actions.hidden, isTakenAtOnce);
    if (!isTakenAtOnce) pressKey("Enter", emoji);
    await settle();
    assert.equal(actions.hidden, true);
    assert.deepEqual(sentData("react"), [{ sequence: 1, reaction }]);
    assert.equal(find("#log .chip bdi").textContent, reaction);
  });
}

// Replies

/** Begin to answer a message. */
function reply(text: string): void {
  buttonNamed("Reply", openActions(text)).click();
  assert.equal(document.activeElement, field());
}

/** Return the quotes, each with the name of its element: a button leads to its message. */
const quotes = () =>
  [...document.querySelectorAll("#log .quote")].map(({ tagName, textContent }) => [tagName, textContent?.trim()]);

test("a reply quotes the message as it is now, and leads to it", async () => {
  await hear("Tea or coffee?\nI have both.");
  reply("Tea or coffee?");
  assert.equal(context(), "Answering Bo: Tea or coffee?…");
  await say("Tea, please");
  assert.equal(context(), null);
  assert.deepEqual(sentData("sendMessage"), [{ message: "Tea, please", replyTo: 1, mentions: [BO.id] }]);
  assert.deepEqual(quotes(), [["BUTTON", "Bo Tea or coffee?…"]]);
  buttonNamed("Bo Tea or coffee?…").click();
  await settle();
  assert.equal(document.activeElement, messageWith("Tea or coffee?"));
  server.deliver(server.edit(1, "Tea or water?"));
  assert.deepEqual(quotes(), [["BUTTON", "Bo Tea or water?"]]);
  deleteFirst();
  assert.deepEqual(quotes(), [["P", "A deleted message"]]);
});

test("a reply is cancelled with Escape, and keeps the text", async () => {
  await hear("Tea?");
  reply("Tea?");
  write("Yes");
  pressKey("Escape");
  assert.deepEqual([context(), field().value], [null, "Yes"]);
  pressKey("Enter");
  await settle();
  assert.deepEqual([shown(), quotes()], [["Tea?", "Yes"], []]);
  assert.deepEqual(sentData("sendMessage"), [{ message: "Yes" }]);
});

test("a reply that was not sent still answers its message when the visitor comes back, and then no longer", async () => {
  await hear("Tea?");
  reply("Tea?");
  write("Yes");
  await comeBack();
  assert.deepEqual([context(), field().value], ["Answering Bo: Tea?", "Yes"]);
  pressKey("Enter");
  await settle();
  assert.deepEqual(sentData("sendMessage"), [{ message: "Yes", replyTo: 1, mentions: [BO.id] }]);
  reply("Tea?");
  pressKey("Escape");
  await comeBack();
  assert.equal(context(), null);
});

test("all tabs of a room answer one message, also one that is opened later, and an edit keeps it", async () => {
  const ANSWERED = `${DRAFT}.answered`;
  const clock = mock.method(Date, "now", () => Date.parse("2026-11-23T10:00:30Z")); // when messages can be edited
  await hear("Tea?", "Cake?");
  await say("mine");
  storeElsewhere(ANSWERED, "1");
  storeElsewhere(DRAFT, "Yes");
  assert.deepEqual([context(), field().value], ["Answering Bo: Tea?", "Yes"]);
  storeElsewhere(ANSWERED, "2");
  assert.deepEqual([context(), field().value], ["Answering Bo: Cake?", "Yes"]);
  await go("#/");
  sessionStorage.clear(); // the storage of a new tab
  await meet();
  assert.equal(context(), "Answering Bo: Cake?");
  buttonNamed("Edit", openActions("mine")).click();
  storeElsewhere(ANSWERED, "1");
  assert.equal(context(), "Editing a message");
  pressKey("Escape");
  assert.deepEqual([context(), field().value], ["Answering Bo: Tea?", "Yes"]);
  pressKey("Enter");
  await settle();
  assert.deepEqual(sentData("sendMessage").at(-1), { message: "Yes", replyTo: 1, mentions: [BO.id] });
  assert.equal(localStorage.getItem(ANSWERED), null);
  reply("Tea?");
  storeElsewhere(ANSWERED, ""); // sent from another tab
  assert.equal(context(), null);
  clock.mock.restore();
});

test("a reply that was not sent answers nothing when the visitor comes back and its message was deleted", async () => {
  await hear("Tea?");
  reply("Tea?");
  write("Yes");
  await go("#/");
  server.storeEvent("deleted", { target: 1 }, BO);
  await meet();
  assert.deepEqual([context(), field().value], [null, "Yes"]);
});

test("a reply that is being written shows what its message has become meanwhile", async () => {
  await hear("Tea or wter?");
  reply("Tea or wter?");
  server.deliver(server.edit(1, "Tea or water?"));
  assert.equal(context(), "Answering Bo: Tea or water?");
  deleteFirst();
  assert.equal(context(), "Answering a message that is no longer there");
  await say("Tea");
  assert.deepEqual(quotes(), [["P", "A deleted message"]]);
});

test("the quote of a code block is its first line", async () => {
  await hear("```python\n\nprint('tea')\nprint('hot')\n```");
  reply("print");
  assert.equal(context(), "Answering Bo: print('tea')…");
  await say("nice");
  assert.deepEqual(quotes(), [["BUTTON", "Bo print('tea')…"]]);
});

test("a quote leads to the line for the messages of somebody who is ignored", async () => {
  await hear("first", "second");
  reply("second");
  await say("answer");
  assert.deepEqual(quotes(), [["BUTTON", "Bo second"]]);
  buttonNamed("More about Bo").click();
  await settle();
  buttonNamed("Ignore", find("#person")).click();
  buttonNamed("Done", find("#person")).click();
  buttonNamed("A message of somebody you ignore").click();
  await settle();
  assert.equal(document.activeElement, find("#log .ignored"));
  assert.match(document.activeElement?.textContent ?? "", /^2 messages of somebody you ignore\./);
});

// What is open about a message

test("the actions end with their message, and the focus stays in the log", async () => {
  await hear("gone soon");
  const actions = openActions("gone soon");
  assert.equal(document.activeElement, buttonNamed("React with 👍", actions));
  deleteFirst();
  assert.deepEqual([actions.hidden, document.activeElement?.id], [true, "log"]);
});

test("the dialogue about a message shows nothing of it when that is deleted", async () => {
  await hear("gone soon");
  buttonNamed("More about this message", messageWith("gone soon")).click();
  await settle();
  const dialog = find("#person");
  assert.deepEqual([find("#person-message").hidden, find("#person-message").textContent], [false, "gone soon"]);
  buttonNamed("Report", dialog);
  deleteFirst();
  assert.deepEqual([find("#person-message").hidden, find("#person-message").textContent], [true, ""]);
  assert.throws(() => buttonNamed("Report", dialog), /expected a button/);
  buttonNamed("Ignore", dialog);
});

test("a reaction is added and taken back in browsers that know neither Intl.Segmenter nor ariaPressed", async () => {
  const { Segmenter } = Intl;
  server.store("hello");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  Reflect.deleteProperty(Intl, "Segmenter");
  find("#log .act").click();
  find<HTMLButtonElement>('.message-actions [title="Another reaction"]').click();
  const emoji = find<HTMLInputElement>(".message-actions input");
  emoji.value = "🙂";
  emoji.dispatchEvent(new (window as unknown as Window).Event("input") as never);
  Object.defineProperty(Intl, "Segmenter", { value: Segmenter, configurable: true, writable: true });
  server.socket.receive(server.react(1, "🙂", server.socket.member.id));
  await settle();
  const chip = find("#log .chip");
  Object.defineProperty(chip, "ariaPressed", { value: undefined });
  chip.click();
  await settle();
  const reactions = server.socket.frames.filter(({ action }) => action === "react").map(({ data }) => data);
  assert.deepEqual(
    reactions.map(({ reaction, remove = false } = {}) => [reaction, remove]),
    [
      ["🙂", false],
      ["🙂", true],
    ],
  );
});
