import assert from "node:assert/strict";
import { test } from "node:test";
import { BrowserStorage } from "../../client/tests/fake-server.js";
import { forgetVisited, forgetVisitor, loadRead, loadVisited, saveRead, saveVisited } from "../src/store.js";
import { loadDraft, saveDraft } from "../src/visit-store.js";

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

test("drafts and read marks are kept as long as the visits are remembered", () => {
  const values = new Map<string, string>();
  const storage = new Proxy(
    {
      getItem: (key: string) => values.get(key) ?? null,
      setItem: (key: string, value: string) => void values.set(key, value),
      removeItem: (key: string) => void values.delete(key),
    },
    { ownKeys: () => [...values.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) },
  );
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
  const visit = (roomId: string) => {
    saveVisited({ roomId, name: "Tea", isPrivate: false, isOver: false, visitedAt: 1 });
    saveDraft(roomId, `to ${roomId}`);
    saveRead(roomId, 7);
  };
  for (let number = 1; number <= 32; number += 1) visit(`r${number}`);
  const known = (roomId: string) => [loadDraft(roomId), loadRead(roomId)];
  assert.deepEqual(["r2", "r3", "r32"].map(known), [
    [null, null],
    ["to r3", 7],
    ["to r32", 7],
  ]);
  assert.equal(values.size, 1 + 2 * 30);
  saveRead("r3", 6); // by a tab that lags behind
  assert.equal(loadRead("r3"), 7);
  forgetVisited("r3");
  assert.deepEqual(known("r3"), [null, null]);
  saveDraft("r4", "x".repeat(1_000_000));
  assert.equal(loadDraft("r4")?.length, 20_000);
  saveDraft("r4", "");
  assert.equal(loadDraft("r4"), "");
  Object.defineProperty(globalThis, "sessionStorage", { value: storage, configurable: true });
  forgetVisitor();
  assert.equal(values.size, 0);
});

test("signing out forgets what the user has not sent in any tab, but neither the name nor what a guest has left", () => {
  const kept = ["chalice-chat.name", "chalice-chat.key", "chalice-chat.outbox.guest-1.r1.c1"];
  const local = new BrowserStorage();
  for (const key of [...kept, "chalice-chat.waiting", "chalice-chat.outbox.user-1.r1.c2"]) local.setItem(key, "[]");
  Object.defineProperty(globalThis, "localStorage", { value: local, configurable: true });
  Object.defineProperty(globalThis, "sessionStorage", { value: new BrowserStorage(), configurable: true });
  forgetVisitor();
  assert.deepEqual(Object.keys(local), kept);
});
