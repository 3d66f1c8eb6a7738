import assert from "node:assert/strict";
import { test } from "node:test";
import { colourOf } from "../src/person.js";

test("a name keeps its colour, and names share all colours", () => {
  assert.equal(colourOf("Aki"), colourOf("Aki"));
  const names = Array.from({ length: 400 }, (_, number) => `guest-${number.toString(16).padStart(4, "0")}`);
  assert.deepEqual([...new Set(["", "👍", ...names].map(colourOf))].sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
});
