import assert from "node:assert/strict";
import { test } from "node:test";

import { makeTimeline } from "../../chalicelib/static/timeline.js";

function timelineOf(lowest, ...sequences) {
  const timeline = makeTimeline();
  timeline.begin(lowest, sequences.at(-1));
  timeline.extend(sequences);
  return timeline;
}

test("a message is expected once", () => {
  const timeline = timelineOf(1, 1, 2);
  assert.equal(timeline.expects(3), true);
  timeline.add(3);
  assert.equal(timeline.expects(3), false);
});

test("a message that was overtaken closes the gap and goes before the one that overtook it", () => {
  const timeline = timelineOf(1, 1, 2);
  timeline.add(4);
  assert.equal(timeline.hasGap, true);
  timeline.add(3);
  assert.equal(timeline.next(3), 4);
  assert.equal(timeline.hasGap, false);
  assert.equal(timeline.position, 4);
});

test("a gap that will never be filled is settled", () => {
  const timeline = timelineOf(1, 1, 2);
  timeline.add(4);
  timeline.settle(3);
  assert.equal(timeline.hasGap, false);
});

test("live frames that came before the first answer leave no hole unseen", () => {
  const timeline = makeTimeline();
  timeline.add(7);
  timeline.begin(9, 10);
  assert.equal(timeline.position, 7);
});

test("what is no longer shown can be read again", () => {
  const timeline = timelineOf(1, 1, 2, 3);
  timeline.forget(2);
  assert.equal(timeline.floor, 3);
  assert.equal(timeline.hasOlder, true);
});
