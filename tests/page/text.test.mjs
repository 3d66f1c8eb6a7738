import assert from "node:assert/strict";
import { test } from "node:test";

import { isEmoji } from "../../chalicelib/web/text.js";

test("a few emoji and nothing else are emoji", () => {
  for (const text of ["👍", "👩‍👩‍👧‍👦 🇯🇵", "👋🏽👋🏽", " ❤️ "]) assert.equal(isEmoji(text), true, text);
  for (const text of ["", " ", "ok 👍", "42", "#", "😀".repeat(7)]) assert.equal(isEmoji(text), false, text);
});
