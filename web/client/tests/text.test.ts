import assert from "node:assert/strict";
import { test } from "node:test";
import { checkName } from "../src/identity.js";
import { cleanName, cutText, hasGlyph } from "../src/index.js";

const FAMILY = "👩\u200d👩\u200d👧\u200d👦";

test("a text has a glyph, or is blank", () => {
  for (const text of ["a", " a ", "日", "👍", "\u0301", "\u0600", "\ue000", "\u{1fae8}", "\u3164a"]) {
    assert.equal(hasGlyph(text), true, JSON.stringify(text));
  }
  const blanks = ["", " ", "\n\t", "\u00ad", "\u034f", "\u115f", "\u2800", "\u3164", "\uffa0", "\ufe0f", "\u{e0100}"];
  for (const text of [...blanks, "\u{13441}", "\u{16fe4}", "\u{1d159}", "\ud800", "\u202e", blanks.join("")]) {
    assert.equal(hasGlyph(text), false, JSON.stringify(text));
  }
});

test("a text is cut between graphemes", () => {
  assert.equal(cutText("x".repeat(41), 40), "x".repeat(40));
  assert.equal(cutText(`${"x".repeat(39)}${FAMILY}`, 40), "x".repeat(39));
  assert.equal(cutText(`${"x".repeat(33)}${FAMILY}y`, 40), `${"x".repeat(33)}${FAMILY}`);
  assert.equal(cutText("👍".repeat(41), 40), "👍".repeat(40));
  assert.equal(cutText(`a${"\u0301".repeat(50)}`, 40), "");
});

test("a browser without Intl.Segmenter cuts between characters", () => {
  const { Segmenter } = Intl;
  try {
    Reflect.deleteProperty(Intl, "Segmenter");
    assert.equal(cutText("👍".repeat(41), 40), "👍".repeat(40));
    assert.equal(cutText("👍", 40), "👍");
  } finally {
    Object.defineProperty(Intl, "Segmenter", { value: Segmenter, configurable: true, writable: true });
  }
});

test("a name becomes one that is valid, or empty", () => {
  assert.equal(cleanName(" Aki\nB "), "Aki B");
  assert.equal(cleanName("A\u202eki\u2069"), "Aki");
  assert.equal(cleanName(" \u200b\u3164 "), "");
  assert.equal(cleanName(`${"x".repeat(39)}${FAMILY}`), "x".repeat(39));
  assert.equal(cleanName(`${"x".repeat(39)} y`), "x".repeat(39));
});

test("a name that the server would reject is told from others", () => {
  for (const name of ["", "Aki", "نور\u200cی", "👩\u200d🚀", "x".repeat(40)]) checkName(name);
  for (const name of ["A\u202eki", "Aki\u200f", "A\u2066k\u2069"]) {
    assert.throws(() => checkName(name), /without characters that change the direction of text/);
  }
  for (const name of ["A\nki", "A\u2028ki", "A\ud800"]) assert.throws(() => checkName(name), /control characters/);
  for (const name of ["\u3164", "\u2800\uffa0"]) assert.throws(() => checkName(name), /with a visible character/);
  assert.throws(() => checkName("x".repeat(41)), /at most 40 characters, not 41/);
});
