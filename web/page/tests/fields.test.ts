/** Fields: their longest texts, and Enter in the message field. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import { field, find, go, shown, usePage, write } from "./setup.js";

usePage();

const FAMILY = "👩\u200d👩\u200d👧\u200d👦";

test("the name field takes 40 characters, in whole graphemes", () => {
  const name = find<HTMLInputElement>("#your-name");
  assert.equal(name.hasAttribute("maxlength"), false); // the browser would count otherwise
  for (const [typed, kept] of [
    ["x".repeat(41), "x".repeat(40)],
    ["👍".repeat(41), "👍".repeat(40)],
    ["x".repeat(39) + FAMILY, "x".repeat(39)],
    [`${"x".repeat(33)}${FAMILY}y`, "x".repeat(33) + FAMILY],
  ] as const) {
    name.value = typed;
    name.dispatchEvent(new (window as unknown as Window).InputEvent("input") as never);
    assert.equal(name.value, kept);
  }
});

test("Enter of a keyboard without touch sends, unless the visitor has chosen otherwise", async () => {
  const choice = find<HTMLInputElement>("#enter-sends");
  const pressEnter = () => {
    const Event = (window as unknown as Window).KeyboardEvent;
    const event = new Event("keydown", { key: "Enter", bubbles: true, cancelable: true });
    field().dispatchEvent(event as never);
    return event.defaultPrevented;
  };
  await go("#/rooms/r1");
  assert.deepEqual([choice.checked, field().enterKeyHint], [true, "send"]);
  write("one");
  assert.equal(pressEnter(), true);
  await settle();
  assert.deepEqual([shown(), field().value], [["one"], ""]);
  choice.click();
  assert.equal(field().enterKeyHint, "enter");
  write("two");
  assert.equal(pressEnter(), false);
  await settle();
  assert.deepEqual([shown(), field().value], [["one"], "two"]);
});
