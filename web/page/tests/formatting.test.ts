/** Formatted messages: their elements contain the whole text as it was typed. What formats it is hidden. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import { BO, buttonNamed, find, meet, say, sentData, server, shown, usePage } from "./setup.js";

usePage();

const CODE = "def tea():\n\treturn '*hot*'  # https://example.com";
const BLOCK = `\`\`\`python\n${CODE}\n\`\`\``;
const MESSAGES = [
  "*Bold*, _italic_ and `code_of_*tea*`",
  `See:\n${BLOCK}\nand https://example.com/a_b_c`,
  "> quoted\n> > twice\nanswer",
  "- milk\n- *sugar*\n  - brown\n\n7. seven\n8. eight",
];

/** Return what is visible of an element. */
function visible(element: Element | null | undefined): string | undefined {
  const copy = element?.cloneNode(true) as Element | undefined;
  for (const hidden of copy?.querySelectorAll("[hidden]") ?? []) hidden.remove();
  return copy?.textContent ?? undefined;
}

async function hear(...texts: string[]): Promise<Element[]> {
  for (const text of texts) server.store(text, BO);
  await meet();
  return [...document.querySelectorAll("#log .message .body")];
}

test("formatted messages contain what was typed, and show it formatted", async () => {
  const [inline, block, quote, lists] = await hear(...MESSAGES);
  assert.deepEqual(shown(), MESSAGES);
  assert.equal(visible(inline), "Bold, italic and code_of_*tea*");
  const inlineTexts = ["strong", "em", "code"].map((tag) => visible(inline?.querySelector(tag)));
  assert.deepEqual(inlineTexts, ["Bold", "italic", "code_of_*tea*"]);
  assert.equal(visible(block?.querySelector("pre")), CODE);
  const links = [...(block?.querySelectorAll("a") ?? [])].map(({ href }) => href);
  assert.deepEqual(links, ["https://example.com/a_b_c"]);
  const quotes = [...(quote?.querySelectorAll("blockquote") ?? [])];
  assert.deepEqual(quotes.map(visible), ["quotedtwice", "twice"]);
  const items = [...(lists?.querySelectorAll("li") ?? [])];
  assert.deepEqual(items.map(visible), ["milk", "sugarbrown", "brown", "seven", "eight"]);
  assert.equal(lists?.querySelector<HTMLLIElement>("ol > li")?.value, 7);
});

for (const [text, elements] of [
  ["hello there", []],
  ["2*3*4 snake_case_names", []],
  ["https://example.com/a_b_c*d*", ["A"]],
  ["* no list", []],
] as const) {
  test(`“${text}” is not formatted`, async () => {
    const body = (await hear(...MESSAGES, text)).at(-1);
    assert.deepEqual([body?.tagName, [...(body?.children ?? [])].map(({ tagName }) => tagName)], ["P", elements]);
    assert.equal(visible(body), text);
  });
}

test("code is copied by its button, without the marks of the quote around it, or else selected", async () => {
  await hear(`> ${BLOCK.replaceAll("\n", "\n> ")}`);
  const copied: string[] = [];
  const setClipboard = (writeText: (text: string) => Promise<unknown>) =>
    Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  setClipboard(async (text) => copied.push(text));
  buttonNamed("Copy code").click();
  await settle();
  assert.deepEqual([copied, find("#copy-note").textContent], [[CODE], "Code copied"]);
  setClipboard(() => Promise.reject(new Error("not allowed")));
  buttonNamed("Copy code").click();
  await settle();
  assert.equal(find("#copy-note").textContent, "Please copy the selected code.");
  const selected = document.createElement("div");
  selected.append(document.getSelection()?.getRangeAt(0).cloneContents() ?? "");
  assert.equal(visible(selected), CODE);
});

// Messages that wait

const waiting = () => [...document.querySelectorAll("#pending .body")].map(({ textContent }) => textContent);

test("messages that wait for a connection are formatted", async () => {
  await meet();
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  await say("*waiting*");
  assert.deepEqual([waiting(), visible(find("#pending strong"))], [["*waiting*"], "waiting"]);
  assert.equal(find("#pending .fate").textContent, "Waiting for connection");
});

test("messages over the rate limit wait, say so, and arrive in their order on the same connection", async () => {
  await meet();
  let left = 2;
  server.onFrame = (socket, { action, data }) => {
    left -= action === "sendMessage" ? 1 : 0;
    if (action !== "sendMessage" || left >= 0) return false;
    const error = { code: "rate_limited", message: "no", action, clientId: data?.clientId, retryAfter: 5 };
    socket.receive({ error });
    return true;
  };
  const said = ["one", "two", "three", "four"];
  for (const text of said) await say(text);
  assert.deepEqual([shown(), waiting()], [said, ["three", "four"]]);
  assert.equal(find("#pending .fate").textContent, "A lot at once: sent in a moment");
  left = 2;
  mock.timers.tick(5_000);
  await settle();
  assert.deepEqual([shown(), waiting()], [said, []]);
  const sent = sentData("sendMessage").map(({ message }) => message);
  assert.deepEqual([sent, server.sockets.length], [["one", "two", "three", "three", "four"], 1]);
});
