/** Messages in the Next.js example: they are edited, answered, reacted to, deleted, reported and ignored. */

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import type { FakeRoom } from "chalice-chat-client/testing";
import {
  alerts,
  buttonNamed,
  buttons,
  client,
  composer,
  entryOf,
  fieldNamed,
  fields,
  fill,
  find,
  focused,
  happen,
  log,
  open,
  openActions,
  press,
  pressKey,
  requests,
  say,
  texts,
  useExample,
  visit,
  wait,
} from "./setup.js";

useExample();

let tea: FakeRoom;

beforeEach(async () => {
  tea = client.room("tea");
  tea.join("Bo");
  await open("/room/?id=tea");
});

const editFields = () => fields("Text of your message");
const editField = () => fieldNamed("Text of your message");
const quoteIn = (entry: ParentNode) => find(".quote", entry).textContent;

/** Choose an action of a message, and return the entry of that. */
async function choose(label: string, text: string): Promise<HTMLElement> {
  const entry = await openActions(text);
  await press(label, entry);
  return entry;
}

test("the arrow up edits the last own message, unless an input method uses the key", async () => {
  await say("Helo");
  await pressKey(composer(), "ArrowUp", { keyCode: 229 });
  assert.deepEqual(editFields(), []);
  await pressKey(composer(), "ArrowUp");
  assert.deepEqual([editField().value, focused()], ["Helo", editField()]);
  await fill(editField(), "Hello");
  await pressKey(editField(), "Escape", { keyCode: 229 });
  await pressKey(editField(), "Enter", { keyCode: 229 });
  assert.deepEqual([editField().value, requests(tea, "editMessage")], ["Hello", []]);
  await pressKey(editField(), "Enter");
  assert.deepEqual([texts(), editFields(), focused()], [["Hello"], [], composer()]);
  assert.match(entryOf("Hello").textContent ?? "", /\(edited\)/);
  assert.deepEqual(
    requests(tea, "editMessage").map(({ sequence, message }) => [sequence, message]),
    [[1, "Hello"]],
  );
});

test("an edit is cancelled with Escape, which leaves the draft of the next message alone", async () => {
  await say("Hello");
  await fill(composer(), "A draft");
  await choose("Edit", "Hello");
  await fill(editField(), "Nonsense");
  await pressKey(editField(), "Escape");
  assert.deepEqual([texts(), requests(tea, "editMessage")], [["Hello"], []]);
  assert.deepEqual([composer().value, focused()], ["A draft", composer()]);
});

test("an edit without a connection stays in its field, and can be saved later", async () => {
  await say("Hello");
  await choose("Edit", "Hello");
  await fill(editField(), "Hello!");
  await happen(() => client.lose());
  await pressKey(editField(), "Enter");
  assert.match(alerts().join(), /^There is no connection\./);
  assert.equal(editField().value, "Hello!");
  await happen(() => client.reconnect());
  await wait(200);
  await press("Save");
  assert.deepEqual([texts(), editFields(), alerts()], [["Hello!"], [], []]);
});

test("an edit that is saved leaves another one alone, and the focus in its field", async () => {
  for (const text of ["first", "second"]) {
    await say(text);
    await choose("Edit", text);
  }
  const [first, second] = editFields();
  assert.ok(first && second);
  await fill(first, "first, changed");
  await fill(second, "second, half chang");
  first.focus();
  await happen(() => {
    first.form?.requestSubmit();
    second.focus();
  });
  assert.deepEqual([texts(), editField(), focused()], [["first, changed"], second, second]);
  assert.equal(second.value, "second, half chang");
  await pressKey(second, "Escape");
  assert.deepEqual([editFields(), focused()], [[], composer()]);
});

test("only the author of a message is offered to edit and delete it", async () => {
  await say("mine");
  await happen(() => tea.receive("Bo's"));
  const own = await openActions("mine");
  assert.deepEqual([buttons("Edit", own).length, buttons("Delete", own).length], [1, 1]);
  const other = await openActions("Bo's");
  assert.deepEqual([buttons("Edit", other), buttons("Delete", other)], [[], []]);
  await happen(() => tea.edit(2, "Bo's, changed"));
  assert.deepEqual(texts(), ["mine", "Bo's, changed"]);
});

test("reactions tell who has them, and a press adds or removes one's own", async () => {
  await happen(() => tea.receive("Tea?"));
  const entry = await choose("React with 👍", "Tea?");
  const isPressed = (label: string) => buttonNamed(label, entry).getAttribute("aria-pressed");
  assert.deepEqual([isPressed("React with 👍"), isPressed("👍 1: You")], ["true", "true"]);
  await happen(() => tea.react(1, "👍", "Bo"));
  await press("👍 2: You and Bo");
  assert.deepEqual([isPressed("React with 👍"), isPressed("👍 1: Bo")], ["false", "false"]);
  assert.equal(buttonNamed("👍 1: Bo").title, "Bo");
  await press("👍 1: Bo");
  assert.equal(isPressed("👍 2: You and Bo"), "true");
  await happen(() => tea.react(1, "👍", "Bo", { remove: true }));
  await press("👍 1: You");
  assert.deepEqual([entry.querySelectorAll(".reactions").length, focused()], [0, log()]);
  assert.deepEqual(
    requests(tea, "react").map(({ reaction, remove = false }) => [reaction, remove]),
    [
      ["👍", false],
      ["👍", true],
      ["👍", false],
      ["👍", true],
    ],
  );
});

test("an answer quotes the first line of its question, and can be cancelled before it is sent", async () => {
  const line = () => document.querySelector(".reply");
  await happen(() => tea.receive("Tea?\nOr coffee?"));
  await choose("Reply", "Tea?");
  assert.deepEqual([quoteIn(line() as Element), focused()], ["Bo: Tea?…", composer()]);
  await pressKey(composer(), "Escape", { keyCode: 229 }); // an input method's list of words
  assert.ok(line());
  await pressKey(composer(), "Escape");
  assert.equal(line(), null);
  await choose("Reply", "Tea?");
  await press("Cancel reply");
  assert.deepEqual([line(), focused()], [null, composer()]);
  await choose("Reply", "Tea?");
  await say("Coffee, please");
  assert.deepEqual([line(), quoteIn(entryOf("Coffee, please"))], [null, "Bo: Tea?…"]);
  assert.deepEqual(
    requests(tea, "sendMessage").map(({ message, replyTo }) => [message, replyTo]),
    [["Coffee, please", 1]],
  );
});

test("a message that was deleted is not quoted any more, not even while it is answered", async () => {
  await happen(() => tea.receive("Tea?"));
  await choose("Reply", "Tea?");
  await say("Coffee, please");
  await choose("Reply", "Coffee, please");
  await happen(() => tea.delete(1, "Bo"));
  assert.equal(quoteIn(entryOf("Coffee, please")), "A deleted message");
  await choose("Delete", "Coffee, please");
  assert.equal(quoteIn(document.querySelector(".reply") as Element), "A deleted message");
  assert.deepEqual([texts(), focused()], [[], log()]);
  assert.deepEqual(
    requests(tea, "deleteMessage").map(({ sequence }) => sequence),
    [2],
  );
});

test("a message that mentions the visitor says so", async () => {
  await happen(() => tea.receive("Look", "Bo", { mentions: ["you"] }));
  await happen(() => tea.receive("Not you", "Bo", { mentions: ["m-cy"] }));
  assert.match(entryOf("Look").textContent ?? "", /mentions you/);
  assert.doesNotMatch(entryOf("Not you").textContent ?? "", /mentions you/);
});

test("a message is reported with its reason, and its sender ignored, also after a reload", async () => {
  await happen(() => tea.receive("Nonsense"));
  const entry = await openActions("Nonsense");
  await fill(fieldNamed("Reason of the report", entry), "wrong");
  await press("Report", entry);
  await wait(5_000); // the server responds only if it refuses
  assert.equal(find('[role="status"]', entry).textContent, "Reported to the owner and the moderators.");
  assert.deepEqual(
    requests(tea, "reportMessage").map(({ sequence, reason }) => [sequence, reason]),
    [[1, "wrong"]],
  );
  await press("Ignore this person", entry);
  assert.deepEqual([texts(), focused()], [[], log()]);
  await visit("/room/?id=tea");
  assert.match(entryOf("A message of somebody whom you ignore").textContent ?? "", /ignore Show$/);
  await press("Show");
  assert.deepEqual(texts(), ["Nonsense"]);
});

test("days and times are those of the visitor's language and time zone", async () => {
  const { DateTimeFormat } = Intl;
  mock.method(Intl, "DateTimeFormat", function format(_: unknown, options: Intl.DateTimeFormatOptions) {
    return new DateTimeFormat("de-DE", options);
  });
  const { TZ: zone } = process.env;
  process.env.TZ = "Europe/Berlin";
  try {
    for (const time of ["22:59:59", "23:00:00"]) {
      mock.timers.setTime(Date.parse(`2026-11-24T${time}Z`));
      await happen(() => tea.receive(`at ${time}`));
    }
    const times = (selector: string) => [...document.querySelectorAll(selector)].map(({ textContent }) => textContent);
    assert.deepEqual(times(".separator time"), ["Dienstag, 24. November 2026", "Mittwoch, 25. November 2026"]);
    assert.deepEqual(times(".note time"), ["23:59", "00:00"]);
    assert.ok([...document.querySelectorAll("time")].every(({ lang }) => lang === "de-DE"));
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    mock.restoreAll();
  }
});

test("links of a message show where they lead to", async () => {
  const shown = async (text: string) => {
    await happen(() => tea.receive(text));
    const link = find<HTMLAnchorElement>("a", entryOf(text));
    assert.equal(link.rel, "noopener noreferrer nofollow");
    assert.ok(link.textContent?.includes(link.hostname), `${link.textContent} leads to ${link.hostname}`);
    return link.href;
  };
  assert.equal(await shown("请看https://example.com。中国"), "https://example.com/");
  await shown("https://bank.example\u2044login.evil.example/");
});
