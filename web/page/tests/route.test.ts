import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, roomIn, roomInLink } from "../src/route.js";

test("an address leads back to its room", () => {
  const rooms = [
    { roomId: "r1", token: undefined, owner: undefined },
    { roomId: "r1", token: "a-b_c", owner: undefined },
    { roomId: "r1", token: undefined, owner: "o-1" },
    { roomId: "ä/?", token: "=& +", owner: "+&" },
  ];
  for (const room of rooms) assert.deepEqual(roomIn(addressOf(room)), room);
});

test("what names no room is none", () => {
  for (const hash of ["", "#/", "#/rooms", "#/rooms/", "#/rooms/a/b", "#/rooms/%", "#/other/a"]) {
    assert.equal(roomIn(hash), null, hash);
  }
});

test("a pasted link leads to a room of this site alone", () => {
  Object.assign(globalThis, { location: new URL("https://chat.example/prod/#/") });
  for (const link of ["https://chat.example/prod/#/rooms/r1?token=t", " #/rooms/r1?token=t\n"]) {
    assert.deepEqual(roomInLink(link), { roomId: "r1", token: "t", owner: undefined }, link);
  }
  for (const link of [
    "https://other.example/prod/#/rooms/r1",
    "http://chat.example/#/rooms/r1",
    "https://",
    "r1",
    "",
  ]) {
    assert.equal(roomInLink(link), null, link);
  }
});
