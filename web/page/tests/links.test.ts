import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { splitLinks } from "../src/links.js";

const linksIn = (text: string) =>
  splitLinks(text)
    .filter(({ href }) => href)
    .map((piece) => piece.text);

test("the pieces are the whole text", () => {
  assert.deepEqual(splitLinks("see https://a.example/x and wait"), [
    { text: "see ", href: null },
    { text: "https://a.example/x", href: "https://a.example/x" },
    { text: " and wait", href: null },
  ]);
});

test("http, https and www are links, and nothing else", () => {
  assert.deepEqual(linksIn("HTTP://a.example https://b.example"), ["HTTP://a.example", "https://b.example"]);
  assert.deepEqual(splitLinks("www.a.example/x."), [
    { text: "www.a.example/x", href: "https://www.a.example/x" },
    { text: ".", href: null },
  ]);
  const others = ["javascript:alert(1)", "data:text/html,x", "ftp://a.example", "a.example", "xhttps://a.example"];
  for (const text of [...others, "https://", "www.", "www..", "awww.nice"]) {
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

test("as many brackets as a message holds are no more work than a few", () => {
  const looks = [
    mock.method(RegExp.prototype, "exec"),
    mock.method(String.prototype, "split"),
    mock.method(String.prototype, "slice"),
  ];
  const looksThrough = (text: string) => {
    for (const look of looks) look.mock.resetCalls();
    assert.deepEqual(linksIn(text), ["http://a.example/(x)"]);
    return looks.map((look) => look.mock.callCount());
  };
  const few = looksThrough("http://a.example/(x)))");
  assert.deepEqual(looksThrough(`http://a.example/(x)${")".repeat(3_980)}`), few);
  assert.deepEqual(looksThrough(`http://a.example/(x)${".}]".repeat(1_326)}`), few);
  mock.restoreAll();
});

test("a link that looks to lead elsewhere is none", () => {
  assert.deepEqual(linksIn("https://bank.example@evil.example/"), []);
  assert.deepEqual(linksIn("https://a.example/\u202Egnp.exe"), ["https://a.example/"]);
});
