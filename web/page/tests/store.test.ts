import assert from "node:assert/strict";
import { test } from "node:test";
import { loadDraft, loadVisited, saveDraft, saveVisited } from "../src/store.js";

test("a draft and a visit outlast a storage that is disabled or full", () => {
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
    Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
    const room = { roomId: "r1", name: "Tea", token: "t", isPrivate: false, isOver: false, visitedAt: 1 };
    saveVisited(room);
    assert.deepEqual(loadVisited(), [room]);
  }
});
