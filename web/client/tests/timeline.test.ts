/** The order of messages, and the range that is complete. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoredItem } from "../src/frames.js";
import { Timeline } from "../src/timeline.js";

const messages = (...sequences: number[]): StoredItem[] =>
  sequences.map((sequence) => ({
    type: "message",
    sequence,
    message: String(sequence),
    sender: { id: "a", name: "A" },
    sentAt: "2026-11-23T10:00:00.000Z",
  }));

const sequencesOf = (timeline: Timeline) => timeline.messages.map(({ sequence }) => sequence);

function timelineOf(lowest: number, ...sequences: number[]): Timeline {
  const timeline = new Timeline();
  timeline.begin(lowest, sequences.at(-1) ?? 0);
  timeline.extend(messages(...sequences), lowest);
  return timeline;
}

test("a message is added once, also within one page", () => {
  const timeline = timelineOf(1, 1, 2);
  assert.equal(timeline.add(messages(2, 3, 3)).length, 1);
  assert.equal(timeline.add(messages(3)).length, 0);
  assert.deepEqual(sequencesOf(timeline), [1, 2, 3]);
});

test("a message that was overtaken closes the gap", () => {
  const timeline = timelineOf(1, 1, 2);
  timeline.add(messages(4));
  assert.equal(timeline.hasGap, true);
  timeline.add(messages(3));
  assert.equal(timeline.hasGap, false);
  assert.equal(timeline.position, 4);
  assert.deepEqual(sequencesOf(timeline), [1, 2, 3, 4]);
});

test("a gap that will never be filled is settled", () => {
  const timeline = timelineOf(1, 1, 2);
  timeline.add(messages(4));
  timeline.settle(3);
  assert.equal(timeline.hasGap, false);
});

test("messages that came before the first page leave no hole unseen", () => {
  const timeline = new Timeline();
  timeline.add(messages(7));
  timeline.begin(9, 10);
  assert.equal(timeline.position, 7);
});

test("a message older than the range that was read is left for the older pages", () => {
  const timeline = timelineOf(50, 50, 51);
  assert.deepEqual(timeline.add(messages(49)), []);
  assert.equal(timeline.hasOlder, true);
  timeline.extend(messages(1, 49), 1);
  assert.equal(timeline.hasOlder, false);
  assert.deepEqual(sequencesOf(timeline), [1, 49, 50, 51]);
});

test("a deleted message disappears, also if it arrives after the event", () => {
  const timeline = timelineOf(1, 1, 2);
  const deletions = [1, 4].map((target, index) => ({ ...messages(3 + 2 * index)[0], type: "deleted", target }));
  timeline.add(deletions as StoredItem[]);
  assert.deepEqual(sequencesOf(timeline), [2]);
  assert.equal(timeline.hasGap, true);
  timeline.add(messages(4));
  assert.deepEqual(sequencesOf(timeline), [2]);
  assert.deepEqual([timeline.position, timeline.hasGap], [5, false]);
});

test("events of types that this version does not know leave no gap", () => {
  const timeline = timelineOf(1, 1);
  timeline.add([{ ...messages(2)[0], type: "waved" } as StoredItem]);
  assert.deepEqual([sequencesOf(timeline), timeline.position, timeline.hasGap], [[1], 2, false]);
});
