/** The fields of the Next.js example: what is sent from them, and what stays in them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FakeRoom } from "chalice-chat-client/testing";
import {
  alerts,
  client,
  composer,
  entryOf,
  fieldNamed,
  fill,
  happen,
  members,
  open,
  press,
  pressKey,
  say,
  texts,
  useExample,
  wait,
} from "./setup.js";

useExample();

const INPUT_METHODS = [{ isComposing: true }, { keyCode: 229 }]; // the second one is that of Safari

async function enter(): Promise<FakeRoom> {
  await open("/room/?id=tea");
  return client.room("tea");
}

async function takeName(name: string): Promise<void> {
  await fill(fieldNamed("Your name"), name);
  await pressKey(fieldNamed("Your name"), "Enter");
  await wait(500); // the client waits whether the name changes again
}

test("input methods choose words with Enter, which sends nothing and saves no name", async () => {
  const tea = await enter();
  await takeName("Tanaka");
  await fill(composer(), "こんにちは");
  await fill(fieldNamed("Your name"), "たなか");
  for (const choice of INPUT_METHODS) {
    await pressKey(composer(), "Enter", choice);
    await pressKey(fieldNamed("Your name"), "Enter", choice);
  }
  assert.deepEqual([composer().value, fieldNamed("Your name").value], ["こんにちは", "たなか"]);
  assert.deepEqual([tea.sent, members()], [[], ["Tanaka (you)"]]);
  await takeName("田中");
  assert.deepEqual(members(), ["田中 (you)"]);
  await pressKey(composer(), "Enter");
  assert.deepEqual([tea.sent, texts(), composer().value], [["こんにちは"], ["こんにちは"], ""]);
  assert.match(entryOf("こんにちは").textContent ?? "", /田中/);
});

test("Shift+Enter leaves the message in its field, and Enter sends all of its lines", async () => {
  const tea = await enter();
  await fill(composer(), "one");
  await pressKey(composer(), "Enter", { shiftKey: true });
  assert.deepEqual([tea.sent, composer().value], [[], "one"]);
  await say("one\ntwo");
  assert.deepEqual([tea.sent, texts()], [["one\ntwo"], ["one\ntwo"]]);
});

test("a text or a name that is too long stays in its field, and the page tells by how much", async () => {
  const tea = await enter();
  await say("👍".repeat(4_001));
  assert.deepEqual(alerts(), ["A message has at most 4000 characters. Please shorten this one by 1."]);
  assert.deepEqual([tea.sent, composer().value], [[], "👍".repeat(4_001)]);
  await say("👍".repeat(4_000));
  assert.deepEqual([texts(), alerts()], [["👍".repeat(4_000)], []]);
  await takeName("x".repeat(41));
  assert.match(alerts().join(), /^Not saved: a name has at most 40 characters .* This one has 41\.$/);
  assert.deepEqual([fieldNamed("Your name").value, members()], ["x".repeat(41), ["guest-you (you)"]]);
  await takeName("x".repeat(40));
  assert.deepEqual([members(), alerts()], [[`${"x".repeat(40)} (you)`], []]);
});

test("a draft outlasts a room that the visitor leaves and joins again", async () => {
  await enter();
  await fill(composer(), "A draft");
  await press("Leave");
  assert.deepEqual(alerts(), ["You have left this room. Join again Choose another room"]);
  await press("Join again");
  await wait(200);
  assert.deepEqual([alerts(), composer().value], [[], "A draft"]);
});

test("messages that failed are sent again or discarded", async () => {
  const tea = await enter();
  for (const text of ["first", "second"]) {
    tea.refuse("sendMessage", "forbidden", { message: "not now" });
    await say(text);
  }
  assert.deepEqual(alerts(), Array(2).fill("Not sent: not now Try again Discard"));
  await press("Discard", entryOf("first"));
  assert.deepEqual(texts(), ["second"]);
  await press("Try again");
  assert.deepEqual([texts(), alerts(), tea.sent], [["second"], [], ["first", "second", "second"]]);
  assert.match(entryOf("second").textContent ?? "", /guest-you \(you\)/);
});

test("who types is shown until the message arrives, and others learn that the visitor types", async () => {
  const tea = await enter();
  await happen(() => tea.join("Cy"));
  await happen(() => tea.signal("typing", undefined, "Cy"));
  const typists = () => document.querySelector(".typists")?.textContent;
  assert.equal(typists(), "Cy is typing…");
  await happen(() => tea.receive("Look", "Cy"));
  assert.equal(typists(), "");
  await fill(composer(), "Hm");
  assert.deepEqual(tea.requests.at(-1), { action: "signal", data: { name: "typing", clientId: "typing" } });
});
