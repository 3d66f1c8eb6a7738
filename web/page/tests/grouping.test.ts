import assert from "node:assert/strict";
import { test } from "node:test";
import { continues, startsDay } from "../src/grouping.js";

const said = (id: string, day: number, hours: number, minutes: number, change = {}) => ({
  sender: { id, name: id, ...change },
  moment: new Date(2026, 10, day, hours, minutes),
});

test("what one person says within five minutes belongs together", () => {
  const first = said("aki", 23, 10, 0);
  assert.equal(continues(said("aki", 23, 10, 4), first), true);
  assert.equal(continues(said("aki", 23, 10, 5), first), false);
  assert.equal(continues(said("bo", 23, 10, 1), first), false);
  assert.equal(continues(said("aki", 23, 10, 1, { name: "Anna" }), first), false);
  assert.equal(continues(said("aki", 23, 10, 1, { role: "owner" }), first), false);
  assert.equal(continues(first, null), false);
});

test("midnight starts a day and ends what belongs together", () => {
  const late = said("aki", 23, 23, 59);
  const early = said("aki", 24, 0, 1);
  assert.equal(startsDay(early, late), true);
  assert.equal(continues(early, late), false);
  assert.equal(startsDay(late, said("aki", 23, 0, 0)), false);
  assert.equal(startsDay(late, null), true);
});
