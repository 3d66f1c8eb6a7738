/** The storage of the Next.js example. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { readItem, writeItem } from "../../../examples/nextjs/lib/storage.js";

test("a value that the full storage does not take is read all the same, until one is stored", () => {
  const items = new Map([["name", "stored"]]);
  let isFull = true;
  const localStorage = {
    getItem: (key: string) => items.get(key) ?? null,
    setItem(key: string, value: string) {
      if (isFull) throw new Error("full");
      items.set(key, value);
    },
  };
  Object.defineProperty(globalThis, "localStorage", { value: localStorage, configurable: true });
  writeItem("name", "kept");
  assert.equal(readItem("name"), "kept");
  isFull = false;
  writeItem("name", "stored again");
  items.set("name", "by another tab");
  assert.equal(readItem("name"), "by another tab");
});
