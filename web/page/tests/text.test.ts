import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanMessage, isEmoji, lengthOf, sentence } from "../src/text.js";

test("a few emoji and nothing else are emoji", () => {
  const emoji = [
    "👍",
    "👩‍👩‍👧‍👦 🇯🇵",
    "👋🏽👋🏽",
    " ❤️ ",
    "⚡\ufe0f",
    "1️⃣",
    "\u{1f3f4}\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    "🧑🏽‍❤️‍🧑🏿",
  ];
  for (const text of emoji) assert.equal(isEmoji(text), true, text);
  const others = ["", " ", "ok 👍", "42", "#", "😀".repeat(7), "☺", "1\ufe0f", "\u{1f1ef}", "👍\u200d"];
  for (const text of others) assert.equal(isEmoji(text), false, text);
});

test("a message keeps its lines and tabs, and loses what the server rejects", () => {
  assert.equal(cleanMessage("one\r\ntwo\rthree\u2028four\u2029five"), "one\ntwo\nthree\nfour\nfive");
  assert.equal(cleanMessage("if x:\n\treturn\n"), "if x:\n\treturn");
  assert.equal(cleanMessage("\n  \n  indented"), "  indented");
  assert.equal(cleanMessage("bell\u0007, null\u0000"), "bell , null");
  assert.equal(cleanMessage(" \n\t\n "), "");
});

test("as many spaces as somebody pastes between two letters take no longer than letters", () => {
  const text = `x${" ".repeat(1_000_000)}x`; // minutes, if each of them is compared with all that follow
  assert.equal(cleanMessage(text), text);
  assert.equal(cleanMessage(`${"\n ".repeat(500_000)}x`), " x");
});

test("characters are counted as the server counts them", () => {
  assert.equal(lengthOf("a👍ä"), 3);
});

test("an error text of the server becomes a sentence with the names of the page", () => {
  assert.equal(sentence("roomName must not be blank"), "Room name must not be blank.");
  assert.equal(
    sentence("message must have at most 4,000 characters"),
    "The message must have at most 4,000 characters.",
  );
  assert.equal(sentence("name must not be blank"), "Your name must not be blank.");
  assert.equal(sentence("name must not be blank", "Its name"), "Its name must not be blank.");
  assert.equal(sentence("What now?"), "What now?");
});
