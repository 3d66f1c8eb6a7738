/** Pasting and dropping: invite links, texts and pictures. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import { field, find, go, note, usePage } from "./setup.js";

usePage();

/** Paste into a field. Returns whether the page has done it, instead of the browser. */
function paste(target: HTMLElement, text: string, files: readonly unknown[] = []): boolean {
  const Event = (window as unknown as Window).Event;
  const event = new Event("paste", { bubbles: true, cancelable: true });
  const clipboardData = { getData: () => text, files };
  target.dispatchEvent(Object.assign(event, { clipboardData }) as never);
  return event.defaultPrevented;
}

function drop(target: HTMLElement, text: string, types: readonly string[]): boolean {
  const Event = (window as unknown as Window).Event;
  const event = new Event("drop", { bubbles: true, cancelable: true });
  const files = types.includes("Files") ? [{}] : [];
  target.dispatchEvent(Object.assign(event, { dataTransfer: { getData: () => text, types, files } }) as never);
  return event.defaultPrevented;
}

test("a pasted mail with an invite link leaves the link in the field, and joins", async () => {
  const invitation = find<HTMLInputElement>("#invitation");
  assert.equal(paste(invitation, "no link"), false);
  assert.equal(paste(invitation, "Come here:\r\n> <https://chat.test/dev/%23/rooms/r1?token=t>.\r\nBye"), true);
  assert.equal(invitation.value, "https://chat.test/dev/#/rooms/r1?token=t");
  find<HTMLFormElement>("#join-by-link").requestSubmit();
  await settle();
  assert.equal(location.hash, "#/rooms/r1?token=t");
});

test("a link to another chat is not joined, and says where it leads", async () => {
  find<HTMLInputElement>("#invitation").value = "Come here: https://other.test/dev/#/rooms/r1";
  find<HTMLFormElement>("#join-by-link").requestSubmit();
  assert.equal(find("#join-error").textContent, "That link leads to other.test, not to a room here.");
  assert.equal(location.hash, "#/");
});

test("a picture that is pasted is not sent, and says so until the visitor goes on", async () => {
  await go("#/rooms/r1");
  assert.equal(paste(field(), "", [{}]), true);
  assert.equal(note(), "Only text can be sent here, no pictures or other files.");
  field().value = "a";
  field().dispatchEvent(new (window as unknown as Window).Event("input") as never);
  assert.equal(note(), "");
  assert.equal(paste(field(), "a table", [{}]), false); // Office copies text and a picture of it
});

test("more than the field can hold is cut, and says so", async () => {
  await go("#/rooms/r1");
  for (const [text, left] of [
    [`x${"\r\n".repeat(100_000)}x`, `x${"\n".repeat(999)}`],
    [`x${" ".repeat(100_000)}x`, `x${" ".repeat(19_999)}`],
  ] as const) {
    field().value = "";
    assert.equal(paste(field(), text), true);
    assert.equal(field().value, left);
    assert.match(note() ?? "", /^Only the beginning of that text is here\./);
  }
  assert.equal(paste(field(), "a few\nlines"), false);
  field().value = "";
  const many = `${"a\n".repeat(900)}z`;
  assert.equal(paste(field(), many), true);
  assert.deepEqual([field().value, note()], [many, ""]);
});

test("what makes a field slow is shortened: stacks of marks, invisible characters, and other line breaks", async () => {
  await go("#/rooms/r1");
  for (const mark of ["\u0301", "\u200d", "\u00ad", "\u202e", "\u{e0061}", "\ufe0f"]) {
    field().value = "";
    assert.equal(paste(field(), `a${mark.repeat(10_000)}b`), true);
    assert.deepEqual([field().value, note()], [`a${mark.repeat(50)}b`, "Some marks of that text were left out."]);
  }
  field().value = "";
  assert.equal(paste(field(), `a\u2028b\u2029${"\u2028".repeat(100_000)}`), true);
  assert.equal(field().value, `a\nb\n${"\n".repeat(997)}`);
  assert.equal(paste(field(), "a\u0301\u0323 👩‍👩‍👧‍👦"), false);
});

test("a file that is dropped does not leave the page, and a text is inserted", async () => {
  assert.equal(drop(find("#lobby"), "", ["Files"]), true);
  assert.equal(drop(find("#lobby"), "text", ["text/plain"]), false);
  await go("#/rooms/r1");
  assert.equal(note(), "");
  assert.equal(drop(find("#log"), "", ["Files"]), true);
  assert.match(note() ?? "", /^Only text/);
  field().value = "before ";
  assert.equal(drop(find("#log"), "dropped", ["text/plain"]), true);
  assert.deepEqual([field().value, note()], ["before dropped", ""]);
  assert.equal(drop(field(), "by the browser", ["text/plain"]), false);
});
