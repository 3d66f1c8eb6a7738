import assert from "node:assert/strict";
import { test } from "node:test";
import { beginsWord, findMentions, namesLike, proseOf, splitMentions } from "../src/mentions.js";

const people = ["Ann", "Ann Lee", "Élodie Müller", "田中", "Bo"].map((name) => ({ id: `id of ${name}`, name }));
const like = (written: string) => namesLike(written, people).map(({ name }) => name);

test("names are found by the start of a part, without case and diacritics", () => {
  assert.deepEqual(like("el"), ["Élodie Müller"]);
  assert.deepEqual(like("MULL"), ["Élodie Müller"]);
  assert.deepEqual(like("élodie m"), ["Élodie Müller"]);
  assert.deepEqual(like("an"), ["Ann", "Ann Lee"]);
  assert.deepEqual(like("ann "), ["Ann Lee"]); // Ann is complete
  assert.deepEqual(like("田"), ["田中"]);
  assert.deepEqual(
    namesLike("ho", [{ id: "1", name: "@home" }]).map(({ id }) => id),
    ["1"],
  );
  assert.equal(like("").length, people.length);
  assert.deepEqual(like(" an"), []);
  assert.deepEqual(like("nobody"), []);
});

test("a name that is written already comes before those that begin with it", () => {
  const names = (written: string, ...all: string[]) =>
    namesLike(
      written,
      all.map((name) => ({ id: name, name })),
    ).map(({ name }) => name);
  assert.deepEqual(names("bo", "Bo (2)", "Jo Bo", "Bo"), ["Bo", "Bo (2)", "Jo Bo"]);
  assert.deepEqual(names("b", "Bo (2)", "Bo"), ["Bo (2)", "Bo"]); // who has spoken last
});

test("an @ within a word, as in an address, begins no name", () => {
  assert.deepEqual(
    ["@a", "x @a", "(@a", "me@a", "9@a", "né@a"].map((text) => beginsWord(text, text.indexOf("@"))),
    [true, true, true, false, false, false],
  );
});

test("who is in a text is mentioned once, and the longer name counts", () => {
  const found = (text: string) => findMentions(text, people).map((id) => id.slice("id of ".length));
  assert.deepEqual(found("@Ann Lee, @Bo and @Bo"), ["Ann Lee", "Bo"]);
  assert.deepEqual(found("@Ann: hi"), ["Ann"]);
  assert.deepEqual(found("@Anna, @Boo, me@Bo"), []);
  assert.deepEqual(found("@田中さん"), ["田中"]);
  const twins = [1, 2].map((number) => ({ id: `twin ${number}`, name: "Kim" }));
  assert.deepEqual(findMentions("@Kim", twins), ["twin 1"]);
});

test("upper and lower case differ only between two names", () => {
  const found = (text: string, ...names: string[]) =>
    findMentions(
      text,
      names.map((name) => ({ id: name, name })),
    );
  assert.deepEqual(found("@bo and @ANN LEE", "Ann", "Ann Lee", "Bo"), ["Bo", "Ann Lee"]);
  assert.deepEqual(found("@bo", "Bo", "bo"), ["bo"]);
  assert.deepEqual(found("@Bo", "Bo", "bo"), ["Bo"]);
  assert.deepEqual(found("@İZMİR", "izmir"), []);
  assert.deepEqual(
    splitMentions("hi @bo!", ["Bo"]).map(({ text }) => text),
    ["hi ", "@bo", "!"],
  );
});

test("code and links mention nobody", () => {
  const found = (text: string) => findMentions(proseOf(text), people).map((id) => id.slice("id of ".length));
  assert.deepEqual(found("`@Bo` ```\n@Ann\n```\n@田中"), ["田中"]);
  for (const code of [
    "```\n@Bo",
    "``a ` @Bo``",
    "````\n```\n@Bo\n```\n````",
    "日本`@Bo`",
    "https://a.example/@Bo www.a.example/@Bo",
  ])
    assert.deepEqual(found(code), []);
  for (const text of ["don`t ask @Bo, it`s late", "what is ``` for, @Bo?", "об`єкт @Bo `"]) {
    assert.deepEqual(found(text), ["Bo"], text);
  }
  assert.deepEqual(found("it`s @Bo"), ["Bo"]);
  assert.equal(proseOf("a `b` c"), "a     c");
});

test("the parts of a text are the text", () => {
  const text = "Hi @Bo, and @Ann Lee!";
  const parts = splitMentions(text, ["Bo", "Ann", "Ann Lee", ""]);
  assert.equal(parts.map((part) => part.text).join(""), text);
  assert.deepEqual(
    parts.filter(({ name }) => name).map((part) => part.text),
    ["@Bo", "@Ann Lee"],
  );
});
