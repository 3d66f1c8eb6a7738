import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseColours } from "../src/person.js";

const ids = (count: number) => Array.from({ length: count }, (_, number) => `member-${number}`);
const ALL = [1, 2, 3, 4, 5, 6, 7, 8];

test("the colour of somebody who is alone follows from the id", () => {
  assert.deepEqual(chooseColours(["m-aki"]), chooseColours(["m-aki", "m-aki"]));
  const alone = ids(100).map((id) => chooseColours([id]).get(id));
  assert.deepEqual([...new Set(alone)].sort(), ALL);
});

test("nobody shares a colour with another while there are others, in whatever order they come", () => {
  for (let count = 1; count <= 8; count += 1) {
    for (let start = 0; start < 40; start += 1) {
      const people = ids(start + count).slice(start);
      const colours = chooseColours(people);
      assert.equal(new Set(colours.values()).size, count);
      assert.deepEqual(chooseColours([...people].reverse()), colours);
    }
  }
});

test("all have a colour in a room with more people than colours", () => {
  const colours = chooseColours(ids(30));
  assert.equal(colours.size, 30);
  assert.deepEqual([...new Set(colours.values())].sort(), ALL);
});

test("somebody who comes changes few colours", () => {
  let changed = 0;
  let kept = 0;
  for (let start = 0; start < 200; start += 1) {
    const [newcomer = "", ...others] = ids(start + 5).slice(start);
    const before = chooseColours(others);
    const after = chooseColours([newcomer, ...others]);
    for (const id of others) {
      if (before.get(id) === after.get(id)) kept += 1;
      else changed += 1;
    }
  }
  assert.ok(changed < kept / 5, `${changed} changed, ${kept} kept`);
});
