/** The order of messages, and the range that is complete. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { StoredItem } from "../src/frames.js";
import { MessageList } from "../src/message-list.js";
import { Timeline } from "../src/timeline.js";
import type { Message } from "../src/types.js";

const messages = (...sequences: number[]): StoredItem[] =>
  sequences.map((sequence) => ({
    type: "message",
    sequence,
    message: String(sequence),
    sender: { id: "a", name: "A" },
    sentAt: "2026-11-23T10:00:00.000Z",
  }));

const reaction = (...members: string[]) => ({ reaction: "👍", count: members.length, members });

const item = (sequence: number): StoredItem => messages(sequence)[0] as StoredItem;

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

test("a new message reads no more of the kept ones, however many there are", () => {
  for (const kept of [1_000, 20_000]) {
    let reads = 0;
    const counted = (sequence: number): StoredItem => ({
      ...item(sequence),
      get sequence() {
        reads += 1;
        return sequence;
      },
    });
    const timeline = new Timeline();
    const list = new MessageList();
    timeline.begin(1, 0);
    timeline.add(Array.from({ length: kept }, (_, index) => counted(index + 1)));
    list.publish(timeline.messages, timeline.takeFirstChanged());
    reads = 0;
    timeline.add([counted(kept + 1)]);
    assert.equal(list.publish(timeline.messages, timeline.takeFirstChanged()).length, kept + 1);
    assert.ok(reads < 20, `${reads} reads of ${kept} messages`);
  }
});

test("messages, edits, reactions and deletions in any order give the same, and known messages stay the same objects", () => {
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 200; round += 1) {
    const items = Array.from({ length: 40 }, (_, index): StoredItem => {
      const sequence = index + 1;
      const plain = { ...item(sequence), sender: { id: `m${random(4)}`, name: "M" } };
      const kind = random(14);
      if (kind === 2) return { ...plain, type: "edited", target: 1 + random(sequence), text: `edited by ${sequence}` };
      if (kind === 3) return { ...plain, replyTo: 1 + random(sequence) };
      if (kind === 0) return { ...plain, type: "deleted", target: 1 + random(40) };
      if (kind === 1)
        return { ...plain, type: "removed", member: { id: `m${random(4)}`, name: "M" }, messagesDeleted: true };
      return plain;
    });
    const shown = items.filter(
      (one) =>
        one.type === "message" &&
        !items.some(({ type, target }) => type === "deleted" && target === one.sequence) &&
        !items.some(
          (other) => other.type === "removed" && other.member?.id === one.sender.id && other.sequence > one.sequence,
        ),
    );
    const textOf = ({ sequence, message }: { sequence: number; message: string }) =>
      items.findLast(({ type, target }) => type === "edited" && target === sequence)?.text ?? message;
    const reactions = Array.from({ length: 20 }, (_, index) => {
      return { target: 21 + random(20), version: index + 1, reactions: [reaction(`m${random(4)}`)] };
    });
    const timeline = new Timeline();
    const list = new MessageList();
    const publish = () =>
      list.publish(timeline.messages, timeline.takeFirstChanged(), (sequence) => timeline.find(sequence));
    timeline.begin(21, 20);
    const waiting = items.slice(20);
    const reacting = [...reactions];
    let published = publish();
    while (waiting.length) {
      const before = published;
      const copy = [...before];
      timeline.add(waiting.splice(random(waiting.length), 1 + random(3)));
      for (const one of reacting.splice(random(reacting.length + 1), random(3))) timeline.react(one);
      if (random(5) === 0) list.addOwnId(`m${random(4)}`);
      published = publish();
      assert.deepEqual(before, copy);
      for (const message of published) {
        const known: Message | undefined = before.find(({ sequence }) => sequence === message.sequence);
        if (isDeepStrictEqual(known, message)) assert.equal(message, known);
        assert.equal(message.isOwn, list.isOwn(message.sender.id));
      }
    }
    for (const one of reacting) timeline.react(one);
    timeline.extend(
      items.slice(0, 20).map((one) => (one.type === "message" ? { ...one, message: textOf(one) } : one)),
      1,
    );
    published = publish();
    const sequences = (messages: readonly { sequence: number }[]) => messages.map(({ sequence }) => sequence);
    assert.deepEqual(sequences(published), sequences(shown));
    for (const { sequence, message, reactions: shownReactions, replyTo, quote } of published) {
      const sent = shown.find((one) => one.sequence === sequence) ?? item(sequence);
      assert.equal(message, textOf(sent));
      const latest = reactions.findLast(({ target }) => target === sequence)?.reactions ?? [];
      assert.deepEqual(
        shownReactions.map(({ isOwn: _, ...one }) => one),
        latest,
      );
      const quoted = shown.find((one) => one.sequence === replyTo);
      if (replyTo !== undefined) assert.equal(quote === null ? null : quote?.message, quoted ? textOf(quoted) : null);
    }
    assert.deepEqual([timeline.hasGap, published.every(({ sequence }) => list.get(sequence))], [false, true]);
  }
});
