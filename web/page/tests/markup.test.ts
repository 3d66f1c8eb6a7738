import assert from "node:assert/strict";
import { test } from "node:test";
import { type Part, parse } from "../src/markup.js";

/** Write parts in one line: what is not shown in braces, links in brackets, line feeds as ⏎. */
function written(text: string): string | null {
  return parse(text)?.map(show).join("").replaceAll("\n", "⏎") ?? null;
}

function show(part: Part): string {
  if (typeof part === "string") return part;
  if (!("tag" in part)) return part.href ? `[${part.text}]` : part.text;
  const content = part.parts.map(show).join("");
  return part.tag === "mark" ? `{${content}}` : `<${part.tag}${part.number ?? ""}>${content}</>`;
}

/** Return the text of parts, with what is not shown. */
function textOf(part: Part): string {
  if (typeof part === "string") return part;
  return "tag" in part ? part.parts.map(textOf).join("") : part.text;
}

const FORMATTED: Readonly<Record<string, readonly (readonly [text: string, expected: string])[]>> = {
  "emphasis of a word or more": [
    ["*bold* and **bold**", "<strong>{*}bold{*}</> and <strong>{**}bold{**}</>"],
    ["_italic words_.", "<em>{_}italic words{_}</>."],
    ["***x***", "<strong>{***}x{***}</>"],
    ["(*x*), “_y_”!", "(<strong>{*}x{*}</>), “<em>{_}y{_}</>”!"],
    ["*Note:* *[Down]* timeout", "<strong>{*}Note:{*}</> <strong>{*}[Down]{*}</> timeout"],
    ["_see *this*_", "<em>{_}see <strong>{*}this{*}</>{_}</>"],
    ["*_x_*", "<strong>{*}<em>{_}x{_}</>{*}</>"],
    ["🎉*x*🎉 ❤️*y*", "🎉<strong>{*}x{*}</>🎉 ❤️<strong>{*}y{*}</>"],
    ["https://a.example/a_b_ *x*", "[https://a.example/a_b_] <strong>{*}x{*}</>"],
    [
      "_see https://a.example/a_b_, https://a.example/x_",
      "<em>{_}see [https://a.example/a_b]{_}</>, [https://a.example/x_]",
    ],
    ["_`a` https://a.example/x_ `b`", "<em>{_}<code>{`}a{`}</> [https://a.example/x]{_}</> <code>{`}b{`}</>"],
    ["*see* _snake_case_", "<strong>{*}see{*}</> <em>{_}snake_case{_}</>"],
  ],
  "markers without a partner beside those with one": [
    ["*a _b* c_", "<strong>{*}a _b{*}</> c_"],
    ["*note: this is *important*", "*note: this is <strong>{*}important{*}</>"],
    ["**a* *b*", "**a* <strong>{*}b{*}</>"],
    ["*a*\n*b", "<strong>{*}a{*}</>⏎*b"],
  ],
  "text of scripts without spaces": [
    ["这是**重点**内容，*这里*也是", "这是<strong>{**}重点{**}</>内容，<strong>{*}这里{*}</>也是"],
    ["これは_斜体_です。`code`です", "これは<em>{_}斜体{_}</>です。<code>{`}code{`}</>です"],
    ["**단어**를 คำ*นี้*คือ", "<strong>{**}단어{**}</>를 คำ<strong>{*}นี้{*}</>คือ"],
    ["שלום *עולם*, `a`", "שלום <strong>{*}עולם{*}</>, <code>{`}a{`}</>"],
  ],
  code: [
    ["run `npm i *_x_*` now", "run <code>{`}npm i *_x_*{`}</> now"],
    ["`https://a.example` https://a.example", "<code>{`}https://a.example{`}</> [https://a.example]"],
    ["`` `a` ``", "<code>{`` }`a`{ ``}</>"],
    ["`a` `b` `c", "<code>{`}a{`}</> <code>{`}b{`}</> `c"],
    ["the `Room`s don`t", "the <code>{`}Room{`}</>s don`t"],
    ["*`a`*", "<strong>{*}<code>{`}a{`}</>{*}</>"],
    ["see ```a b``` there", "see <code>{```}a b{```}</> there"],
  ],
  "code blocks": [
    ["```\na\n  *b*\n```\nafter", "<pre>{```⏎}<code>a⏎  *b*</>{⏎```}</>{⏎}after"],
    ["```python\n> x\n```", "<pre>{```python⏎}<code>> x</>{⏎```}</>"],
    ["```npm i\nls```", "<pre>{```}<code>npm i⏎ls</>{```}</>"],
    ["```git\nstatus```", "<pre>{```}<code>git⏎status</>{```}</>"],
    ["```one line```", "<pre>{```}<code>one line</>{```}</>"],
    ["*Logs:* ```\na\n```", "<strong>{*}Logs:{*}</> <pre>{```⏎}<code>a</>{⏎```}</>"],
    ["````\n```\na\n```\n````", "<pre>{````⏎}<code>```⏎a⏎```</>{⏎````}</>"],
    ["```js\nnot closed\n- a", "<pre>{```js⏎}<code>not closed⏎- a</></>"],
    ["```\n`a\n```", "<pre>{```⏎}<code>`a</>{⏎```}</>"],
  ],
  quotes: [
    ["> a\n> b\nc", "<blockquote>{> }a⏎{> }b</>{⏎}c"],
    ["a\n\n> b\n\nc", "a⏎<blockquote>{⏎> }b</>{⏎}{⏎}c"],
    ["> a\n> > b\n> c", "<blockquote>{> }a<blockquote>{⏎> > }b</>{⏎> }c</>"],
    [">> a", "<blockquote><blockquote>{>> }a</></>"],
    [">a\n>\n>b", "<blockquote>{>}a⏎{>}⏎{>}b</>"],
    ["> *a*\n> ```\n> b\n> ```", "<blockquote>{> }<strong>{*}a{*}</><pre>{⏎> ```⏎> }<code>b</>{⏎> ```}</></>"],
    ["> ```\n> b\n> ```", "<blockquote><pre>{> ```⏎> }<code>b</>{⏎> ```}</></>"],
    ["> *a\n> b*", "<blockquote>{> }*a⏎{> }b*</>"],
  ],
  lists: [
    ["- a\n- *b*", "<ul><li>{- }a</><li>{⏎- }<strong>{*}b{*}</></></>"],
    ["3. a\n7. b", "<ol><li3>{3. }a</><li7>{⏎7. }b</></>"],
    ["* a\n* b", "<ul><li>{* }a</><li>{⏎* }b</></>"],
    ["to do:\n- a\ndone", "to do:<ul><li>{⏎- }a</></>{⏎}done"],
    ["- a\n  b\n  - c\n- d", "<ul><li>{- }a⏎{  }b<ul><li>{⏎  - }c</></></><li>{⏎- }d</></>"],
    ["- a\n\n- b", "<ul><li>{- }a⏎</><li>{⏎- }b</></>"],
    ["- a\n1. b", "<ul><li>{- }a</></><ol><li1>{⏎1. }b</></>"],
    ["1. a\n   ```\n   b\n   ```", "<ol><li1>{1. }a<pre>{⏎   ```⏎   }<code>b</>{⏎   ```}</></></>"],
    ["- `a`\n- ```b```", "<ul><li>{- }<code>{`}a{`}</></><li><pre>{⏎- ```}<code>b</>{```}</></></>"],
    ["- - a", "<ul><li>{- }- a</></>"],
  ],
};

for (const [name, cases] of Object.entries(FORMATTED)) {
  test(`formatted: ${name}`, () => {
    for (const [text, expected] of cases) assert.equal(written(text), expected, text);
  });
}

const PLAIN: Readonly<Record<string, readonly string[]>> = {
  "addresses and names": [
    "https://x.org/a_b_c*d* and https://x.org/_a_/*b*",
    "snake_case_names _private_var __init__ first_last@a_b.example",
    "/tmp/_build_/x src/**/*.ts *.js,*.ts",
  ],
  "arithmetic and programs": [
    "2*3*4 2**3**4 a * b * c 5* 6*",
    "f(*args, **kwargs) char *a, *b; _, x = f(); _",
    "(.*)(.*) [*] */5 * * * * ****",
    "\\*no\\* gettext: _(“a”)",
  ],
  faces: [":-* kiss :-*", "^_^ hello ^_^ -_- ok -_- T_T", "(*_*) (*^_^*) *_* >_<", "*️⃣ key *️⃣"],
  "signs at the start of a line": [
    "* not a list",
    "> ",
    ">_<",
    ">>> import os",
    ">= 3",
    "-5 degrees\n- - -",
    "1) a\n2026. Was a year\n01. a",
    "+added\n- removed",
    "@@ -1 +1 @@\n- removed",
    "#heading\n--\n1.",
  ],
  "markers without a partner": [
    "*a",
    "a*",
    "*a\nb*",
    "_a",
    "`a",
    "it`s and that`s",
    "` `",
    "``",
    "```",
    "```\n\n```",
    "a ```b\nc",
    "**a*",
    "* a *",
  ],
  drawings: ["+---+    +---+\n| a | -> | b |\n+---+    +---+", '  File "a.py", line 3, in __init__\n    at x (y.js:1)'],
};

for (const [name, texts] of Object.entries(PLAIN)) {
  test(`plain: ${name}`, () => {
    for (const text of texts) assert.equal(written(text), null, text);
  });
}

/** Lines made of what formats, as many as there are of so many parts. */
function* combinations(parts: readonly string[], length: number): Generator<string> {
  if (length === 0) yield "";
  else for (const rest of combinations(parts, length - 1)) for (const part of parts) yield part + rest;
}

test("no character of a text is lost, added or moved", () => {
  const marks = ["*", "_", "`", "```", "\n", "> ", "- ", "1. ", " ", "a", "https://a.example"];
  for (const text of combinations(marks, 4)) {
    const parts = parse(text);
    if (parts) assert.equal(parts.map(textOf).join(""), text);
  }
});

function depthOf(part: Part): number {
  return typeof part === "object" && "tag" in part ? 1 + Math.max(0, ...part.parts.map(depthOf)) : 0;
}

test("deep quotes, lists and emphasis have few elements within each other", () => {
  const list = Array.from({ length: 60 }, (_, level) => `${"  ".repeat(level)}- a`).join("\n");
  for (const text of ["> ".repeat(2_000), `${"> ".repeat(1_999)}a`, list, "*a ".repeat(1_000) + "a* ".repeat(300)]) {
    assert.ok(Math.max(0, ...(parse(text) ?? []).map(depthOf)) < 20, text.slice(0, 20));
  }
});

/** Count how often the parser applies a regular expression. */
function workFor(text: string): number {
  let work = 0;
  const { exec } = RegExp.prototype;
  RegExp.prototype.exec = function (given) {
    work += 1;
    return exec.call(this, given);
  };
  try {
    parse(text);
  } finally {
    RegExp.prototype.exec = exec;
  }
  return work;
}

const REPEATED = [
  "*",
  "`",
  "` ",
  "[",
  "> ",
  ">\n",
  "> a\n",
  "*_",
  "*a",
  "*a ",
  "*a* ",
  '*"',
  "_a _",
  "```\n",
  "```a b\n",
  "x```\n",
  "````a `\n",
  "- ",
  "- a\n",
  "* a\n\n\n",
  "- a\n\nb\n\n",
  "1. a\n",
  "`a` ",
  "\n",
];

test("the work for a text of markers alone grows no faster than the text", () => {
  for (const part of REPEATED) {
    const [once, tenfold] = [workFor(part.repeat(400)), workFor(part.repeat(4_000))];
    assert.ok(tenfold <= 11 * once + 100, `${JSON.stringify(part)}: ${once}, ${tenfold}`);
  }
});
