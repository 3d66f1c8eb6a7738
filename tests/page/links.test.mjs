import assert from "node:assert/strict";
import { test } from "node:test";

import { splitLinks } from "../../chalicelib/web/links.js";

const linksIn = (text) => splitLinks(text).filter(({ href }) => href).map((piece) => piece.text);

test("the pieces are the whole text", () => {
  assert.deepEqual(splitLinks("see https://a.example/x and wait"), [
    { text: "see ", href: null },
    { text: "https://a.example/x", href: "https://a.example/x" },
    { text: " and wait", href: null },
  ]);
});

test("http and https are links, and nothing else", () => {
  assert.deepEqual(linksIn("HTTP://a.example https://b.example"), ["HTTP://a.example", "https://b.example"]);
  for (const text of ["javascript:alert(1)", "data:text/html,x", "ftp://a.example", "a.example", "xhttps://a.example", "https://"]) {
    assert.deepEqual(splitLinks(text), [{ text, href: null }]);
  }
});

test("punctuation after a link is not part of it", () => {
  const ends = [".", ",", "!", "?!", "…", ")", ").", "’", ":", ";", "]", "*"];
  for (const end of ends) assert.deepEqual(linksIn(`https://a.example/x${end}`), ["https://a.example/x"], end);
  assert.deepEqual(linksIn("<https://a.example/x>"), ["https://a.example/x"]);
});

test("brackets that a link opens itself belong to it", () => {
  assert.deepEqual(linksIn("(https://a.example/Tea_(drink))"), ["https://a.example/Tea_(drink)"]);
});

test("a link that looks to lead elsewhere is none", () => {
  assert.deepEqual(linksIn("https://bank.example@evil.example/"), []);
  assert.deepEqual(linksIn("https://a.example/\u202Egnp.exe"), ["https://a.example/"]);
});
