import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { isEmoji } from "../../chalicelib/static/text.js";

test("a few emoji and nothing else are emoji", () => {
  for (const text of ["👍", "👩‍👩‍👧‍👦 🇯🇵", "👋🏽👋🏽", " ❤️ "]) assert.equal(isEmoji(text), true, text);
  for (const text of ["", " ", "ok 👍", "42", "#", "😀".repeat(7)]) assert.equal(isEmoji(text), false, text);
});

test("a browser that cannot tell emoji loads the page all the same", async () => {
  const { mock: constructed } = mock.method(globalThis, "RegExp", () => {
    throw new SyntaxError("Invalid flags");
  });
  const { isEmoji: isEmojiThere } = await import("../../chalicelib/static/text.js?in-an-old-browser");
  constructed.restore();
  assert.equal(isEmojiThere("👍"), false);
});
