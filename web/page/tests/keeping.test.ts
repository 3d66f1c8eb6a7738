/** Conversations on paper and in a file. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import { enter, entries, find, server, shown, usePage } from "./setup.js";

usePage();

test("what is printed has every message that is loaded", async () => {
  await enter();
  server.deliverTogether(Array.from({ length: 510 }, (_, index) => server.store(`message ${index + 1}`)));
  assert.equal(shown().length, 500);
  const announce = (type: string) => window.dispatchEvent(new (window as unknown as Window).Event(type) as never);
  announce("beforeprint");
  assert.deepEqual([shown().length, shown()[0]], [510, "message 1"]);
  announce("afterprint");
  server.deliver(server.store("next"));
  assert.equal(shown().length, 500);
});

test("a conversation is saved, also after an attempt that failed", async () => {
  const save = find<HTMLButtonElement>("#save");
  const saved: Blob[] = [];
  const revoked: string[] = [];
  mock.method(URL, "createObjectURL", (blob: Blob) => `blob:${saved.push(blob)}`);
  mock.method(URL, "revokeObjectURL", (address: string) => revoked.push(address));
  const click = mock.method(HTMLAnchorElement.prototype, "click", () => {
    throw new Error("blocked");
  });
  server.store("hello");
  await enter();
  save.click();
  await settle();
  assert.equal(save.disabled, false);
  assert.deepEqual(entries(), ["hello", "The conversation could not be saved. Please try again."]);
  click.mock.mockImplementation(() => {});
  save.click();
  await settle();
  assert.match((await saved[1]?.text()) ?? "", /: hello\n$/);
  assert.deepEqual(revoked, []);
  mock.timers.tick(60_000);
  assert.deepEqual(revoked, ["blob:1", "blob:2"]);
  mock.restoreAll();
});
