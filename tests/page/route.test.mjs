import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, roomIn } from "../../chalicelib/web/route.js";

test("an address leads back to its room", () => {
  for (const room of [{ roomId: "r1", token: null }, { roomId: "r1", token: "a-b_c" }, { roomId: "ä/?", token: "=& +" }]) {
    assert.deepEqual(roomIn(addressOf(room)), room);
  }
});

test("what names no room is none", () => {
  for (const hash of ["", "#/", "#/rooms", "#/rooms/", "#/rooms/a/b", "#/rooms/%", "#/other/a"]) {
    assert.equal(roomIn(hash), null, hash);
  }
});
