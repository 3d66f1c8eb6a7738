import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, findInvitation, roomIn, roomInLink } from "../src/route.js";

test("an address leads back to its room", () => {
  const rooms = [
    { roomId: "r1", token: undefined, owner: undefined },
    { roomId: "r1", token: "a-b_c", owner: undefined },
    { roomId: "r1", token: undefined, owner: "o-1" },
    { roomId: "ä/?", token: "=& +", owner: "+&" },
  ];
  for (const room of rooms) assert.deepEqual(roomIn(addressOf(room)), room);
});

test("an address has its tokens in browsers without URLSearchParams.size, too", () => {
  const size = Object.getOwnPropertyDescriptor(URLSearchParams.prototype, "size") as PropertyDescriptor;
  try {
    Reflect.deleteProperty(URLSearchParams.prototype, "size");
    assert.equal(addressOf({ roomId: "r1", token: "t1", owner: "o1" }), "#/rooms/r1?token=t1&owner=o1");
  } finally {
    Object.defineProperty(URLSearchParams.prototype, "size", size);
  }
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

const ID = "Zk3vQ0pXcT9aLm2B";
const TOKEN = "kq3vQ0pXcT9aLm2B-kq3vQ0pXcT9aLm2B_kq3vQ0pXc";
const LINK = `https://chat.example/prod/#/rooms/${ID}`;

test("the link to a room is found anywhere in a pasted text", () => {
  Object.assign(globalThis, { location: new URL("https://chat.example/prod/#/") });
  for (const text of [
    `Come here: ${LINK} :)`,
    `Come here:${LINK}.`,
    `来这里：${LINK}，快来`,
    `(${LINK}), <${LINK}>, "${LINK}"`,
    `**${LINK}** _${LINK}_`,
    `_${LINK}_`,
    `[Tea](${LINK})`,
    `<a href="${LINK}">Tea</a>`,
    `HTTPS://CHAT.EXAMPLE/prod/#/rooms/${ID}`,
    `chat.example/prod/#/rooms/${ID}/`,
    `https://chat.example/prod/%23/rooms/${ID}`,
    `https://mail.example/redirect?to=${encodeURIComponent(LINK)}`,
    `https://mail.example/redirect?to=${encodeURIComponent(encodeURIComponent(LINK))}&from=x`,
    `https://chat.example/prod/#/ro\u200boms/${ID}`,
    `https://other.example/#/rooms/x or ${LINK}`,
    `${LINK.slice(0, -6)}\r\n> ${LINK.slice(-6)}\r\n> Bye`,
    `${LINK}\r\nBye`,
    ID,
    ` “${ID}”.\n`,
  ]) {
    assert.equal(roomInLink(text)?.roomId, ID, text);
    assert.equal(roomInLink(text)?.token, undefined, text);
  }
});

test("the tokens of a link are found whole, whatever was done to it", () => {
  const link = `${LINK}?token=${TOKEN}`;
  for (const text of [
    `Come here: ${link}.`,
    `${link}, soon`,
    `_${link}_`,
    `<${link.slice(0, 70)}\n  ${link.slice(70)}>`,
    `> ${link.slice(0, 70)}\n> ${link.slice(70)}\n> Bye`,
    `${link.slice(0, 70)}\n${link.slice(70)}\nBye`,
    `${LINK}\n?token=${TOKEN}`,
    `${link.replace("=", "=3D").slice(0, 70)}=\r\n${link.replace("=", "=3D").slice(70)}`,
    encodeURIComponent(link),
  ]) {
    assert.deepEqual(roomInLink(text), { roomId: ID, token: TOKEN, owner: undefined }, text);
  }
  assert.deepEqual(roomInLink(`${LINK}?owner=${TOKEN}&amp;token=${TOKEN}!`), {
    roomId: ID,
    token: TOKEN,
    owner: TOKEN,
  });
});

test("a link to another site is told from none", () => {
  Object.assign(globalThis, { location: new URL("https://chat.example/prod/#/") });
  for (const link of ["https://other.example/#/rooms/r1", "see other.example/prod/#/rooms/r1."]) {
    assert.deepEqual(findInvitation(link), { room: null, host: "other.example" }, link);
  }
  for (const text of ["see you", "https://chat.example/", "#/rooms/", "#/rooms/%", " ".repeat(17)]) {
    assert.equal(findInvitation(text), null, text);
  }
});
