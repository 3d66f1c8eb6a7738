import assert from "node:assert/strict";
import { test } from "node:test";
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

test("an underscore at the end of a path belongs to it, unless it ends emphasis", () => {
  for (const [text, ...links] of [
    ["https://a.example/a_b_", "https://a.example/a_b_"],
    [
      "see https://a.example/a_b_, or _this_: https://a.example/?_x=__.",
      "https://a.example/a_b_",
      "https://a.example/?_x=__",
    ],
    ["_https://a.example/a_b_", "https://a.example/a_b"],
    ["_https://a.example and https://a.example/x_", "https://a.example", "https://a.example/x"],
    ["_see https://a.example/a_b__ and https://a.example/_", "https://a.example/a_b", "https://a.example/"],
    ["(_see https://a.example/x_), https://a.example/x_", "https://a.example/x", "https://a.example/x_"],
    ["_no\nhttps://a.example/x_", "https://a.example/x_"],
    ["snake_case _ __init__ `_`: https://a.example/x_", "https://a.example/x_"],
    [
      "https://a.example_ https://a.example/_x https://a.example/x_",
      "https://a.example",
      "https://a.example/_x",
      "https://a.example/x_",
    ],
  ]) {
    assert.deepEqual(linksIn(text ?? ""), links, text);
  }
});

test("brackets that a link opens itself belong to it", () => {
  assert.deepEqual(linksIn("(https://a.example/Tea_(drink))"), ["https://a.example/Tea_(drink)"]);
});

test("a link ends where a person would end it", () => {
  const ends: [text: string, ...links: string[]][] = [
    ["见 https://a.example，然后继续", "https://a.example"],
    ["请看https://a.example。中国网站", "https://a.example"],
    ["请看https://a.example/x看这里", "https://a.example/x"],
    ["https://a.example에서, https://a.example/x에서", "https://a.example", "https://a.example/x"],
    ["http://localhost:3000は", "http://localhost:3000"],
    [
      "https://a.example是https://b.example/x,https://c.example",
      "https://a.example",
      "https://b.example/x",
      "https://c.example",
    ],
    ["مرحبا https://a.example/x، شكرا", "https://a.example/x"],
    ["https://a.example/x—and https://b.example/x👍", "https://a.example/x", "https://b.example/x"],
    ...["（）", "「」", "『』", "【】", "“”", "„“", "‘’", "«»", "''", '""', "``", "<>", "()", "~~", "||", "__"].map(
      ([opening, closing]): [string, string] => [`${opening}https://a.example/x${closing}`, "https://a.example/x"],
    ),
    ...[..."，。！？；：、．｡…）」』】”»`\u200b\u3000\\"].flatMap((end): [string, string][] => [
      [`https://a.example/x${end}`, "https://a.example/x"],
      [`https://a.example/x${end}y`, "https://a.example/x"],
    ]),
    ["**https://a.example/x** and [label](https://b.example/x)**bold**", "https://a.example/x", "https://b.example/x"],
    ["f('https://a.example/x','https://b.example')", "https://a.example/x", "https://b.example"],
    ["https://a.example/x(see below)", "https://a.example/x"],
    ["見てhttps://a.example/pageを", "https://a.example/page"],
    ["https://a.example/Équipeを", "https://a.example/Équipe"],
    ["https://en.wikipedia.org/wiki/Tea에서", "https://en.wikipedia.org/wiki/Tea"],
    ["https://a.example/'x''", "https://a.example/'x'"],
    ["he said 'see https://a.example/x'.", "https://a.example/x"],
    ["https://a.example./", "https://a.example./"],
    ["https://a.example.", "https://a.example"],
  ];
  for (const [text, ...links] of ends) assert.deepEqual(linksIn(text), links, text);
});

test("an address of every script, and with every part, is one link", () => {
  for (const link of [
    "https://ja.wikipedia.org/wiki/日本語",
    "https://ja.wikipedia.org/wiki/東京2020オリンピック",
    "https://ja.wikipedia.org/wiki/ジョン・レノン",
    "https://ja.wikipedia.org/wiki/JR東日本",
    "https://ja.wikipedia.org/wiki/AKB48の曲",
    "https://wiki.a.example/wiki/iPhoneの歴史#AKB48の曲",
    "https://a.example/日本語/JR東日本?q=AKB48の曲",
    "https://ru.wikipedia.org/wiki/Чай_(напиток)",
    "https://fr.wikipedia.org/wiki/L’Équipe",
    "https://en.wikipedia.org/wiki/Michelson–Morley_experiment",
    "https://emojipedia.example/👍",
    "https://a.example:8080/x;y=1/~me/@you?q=a|b&c[]=(2)&d=%E6%97%A5#top",
    "https://web.archive.example/web/2020/https://a.example/x",
    "http://127.0.0.1:8000/_aws/x",
    "http://[2001:db8::1]:8080/x",
    "http://localhost",
    "https://a.example./x",
    "http://a.example.:8080/x",
    "https://a.example/'x'",
    "https://a.example/x?filter='a'",
    "https://a_b.example/x",
  ]) {
    assert.deepEqual(linksIn(`see ${link}.`), [link]);
    assert.equal(splitLinks(link)[0]?.host, undefined, link);
  }
});

test("a host that is not what it looks like is shown as what it is", () => {
  const hosts: readonly (readonly [string, string])[] = [
    ["https://bank.example⁄login.evil.example/", "bank.xn--examplelogin-xk0g.evil.example"],
    ["https://bank.example∕login.evil.example/", "bank.xn--examplelogin-ni5g.evil.example"],
    ["https://bаnk.example/", "xn--bnk-6cd.example"],
    ["https://münchen.example/", "xn--mnchen-3ya.example"],
    ["www.münchen.example", "www.xn--mnchen-3ya.example"],
    ["https://例え.example", "xn--r8jz45g.example"],
    ["https://пример.рф/путь", "xn--e1afmkfd.xn--p1ai"],
    ["https://ex%61mple.com/", "example.com"],
    ["http://0x7f.1/", "127.0.0.1"],
  ];
  for (const [link, host] of hosts)
    assert.deepEqual(splitLinks(link), [
      { text: link, href: new URL(/^www/.test(link) ? `https://${link}` : link).href, host },
    ]);
});

/** Return how many characters the patterns and the loops of `splitLinks` have gone through. Not with mocks: they keep each call. */
function stepsIn(text: string): number {
  let steps = 0;
  const { exec } = RegExp.prototype;
  const { includes, lastIndexOf } = String.prototype;
  RegExp.prototype.exec = function (subject) {
    const start = this.global || this.sticky ? this.lastIndex : 0;
    const found = exec.call(this, subject);
    steps += found ? found.index + found[0].length - start : this.sticky ? 1 : subject.length - start;
    return found;
  };
  String.prototype.includes = function (searched) {
    steps += 1;
    return includes.call(this, searched);
  };
  String.prototype.lastIndexOf = function (this: string, searched, before = this.length) {
    const index = lastIndexOf.call(this, searched, before);
    steps += before - index;
    return index;
  };
  try {
    splitLinks(text);
  } finally {
    RegExp.prototype.exec = exec;
    Object.assign(String.prototype, { includes, lastIndexOf });
  }
  return steps;
}

test("the work grows with the length of a text, whatever links and brackets it holds", () => {
  const starts = ["https://", "http://a.example", "https://a.example/", "https://a%20.example/", "www.a"];
  const parts = [..."()[]{}'’@.,:?#-=/a見👍*", "/(", "/(-", "/(/", "/(見", ".}]", "/'a", "_", "/_ ", "_/x_ "];
  const texts = starts.flatMap((start) => parts.flatMap((part) => [start + part, part + start]));
  const onceThenRepeated = ["(", ")", ".}]", "(x)", "'", "/'", "www.", "[1"].map((part) => ["http://a.example/", part]);
  for (const [start = "", part = ""] of [...texts.map((text) => ["", text]), ...onceThenRepeated]) {
    const [few, many] = [50, 200].map((times) => stepsIn(start + part.repeat(times)));
    assert.ok(many && few && many < 4.5 * few + 100, `${start}${part}: ${few}, then ${many} steps`);
  }
});

test("a link that looks to lead elsewhere is none", () => {
  for (const text of [
    "https://bank.example@evil.example/",
    "https://user:password@evil.example/",
    "https://www.bank.example@evil.example/",
    "https://банк.рф@evil.example/",
    "https://bank.example\u200b.evil.example/",
    "https://bank\u00ad.example/",
    "https://a.example%20b/",
    "https://是一种协议",
    "me@www.a.example",
  ]) {
    assert.deepEqual(linksIn(text), [], text);
  }
  assert.deepEqual(linksIn("https://a.example/\u202Egnp.exe"), ["https://a.example/"]);
});
