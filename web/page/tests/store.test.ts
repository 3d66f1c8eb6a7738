import assert from "node:assert/strict";
import { test } from "node:test";
import { loadDraft, saveDraft } from "../src/store.js";

test("a draft outlasts a storage that is disabled or full", () => {
  const full = {
    getItem: () => "old",
    setItem: () => {
      throw new Error("full");
    },
    removeItem: () => {},
  };
  for (const storage of [undefined, full]) {
    Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
    saveDraft("r1", "not finished");
    assert.equal(loadDraft("r1"), "not finished");
  }
});
