/** Edits of messages, as the visitor and others see them. */

import assert from "node:assert/strict";
import { before, mock, test } from "node:test";
import { settle } from "../../client/tests/fake-server.js";
import {
  answer,
  answerWith,
  BO,
  buttonNamed,
  comeBack,
  context,
  DRAFT,
  field,
  find,
  go,
  meet,
  messageWith,
  note,
  openActions,
  pressKey,
  say,
  sentData,
  server,
  shown,
  usePage,
  write,
} from "./setup.js";

// A message can be edited for a while after it was sent.
before(() => mock.method(Date, "now", () => Date.parse("2026-11-23T10:00:30Z")));
usePage();

/** Send a message, and begin to edit it. */
async function editNew(text: string): Promise<void> {
  await say(text);
  assert.equal(pressKey("ArrowUp"), true);
  assert.deepEqual([context(), field().value], ["Editing a message", text]);
}

async function save(): Promise<void> {
  pressKey("Enter");
  await settle();
}

/** Let the owner close the room. */
async function closeRoom(): Promise<void> {
  server.socket.receive({ message: { type: "closed", message: "", sender: { id: "m-owner", name: "Owner" } } });
  await settle();
  assert.equal(find("#ending-text").textContent?.trim(), "The owner has closed this room.");
}

test("a typo is corrected with the keyboard alone, and the message says that it was edited", async () => {
  await meet();
  await editNew("Hello wrold");
  assert.equal(find("#send").textContent, "Save");
  write("Hello world");
  await save();
  assert.deepEqual(sentData("editMessage"), [{ sequence: 1, message: "Hello world" }]);
  assert.deepEqual([field().value, context(), find("#send").textContent], ["", null, "Send"]);
  for (const _ of ["now", "later"]) {
    assert.deepEqual(shown(), ["Hello world"]);
    assert.equal(find("#log .edited").textContent, "(edited)");
    assert.match(find("#log .edited").title, /\d/);
    await comeBack();
  }
});

test("an edit of somebody else is shown, and the button of the message keeps the focus", async () => {
  server.store("Hello wrold", BO);
  await meet();
  buttonNamed("React or reply", messageWith("Hello")).focus();
  server.deliver(server.edit(1, "Hello world"));
  assert.deepEqual([shown(), find("#log .edited").textContent], [["Hello world"], "(edited)"]);
  assert.equal(document.activeElement, buttonNamed("React or reply", messageWith("Hello world")));
});

test("an edit keeps the draft, a reload keeps both, and Escape cancels the edit", async () => {
  await meet();
  await say("first");
  write("half a thought");
  buttonNamed("Edit", openActions("first")).click();
  assert.equal(field().value, "first");
  write("first, changed");
  assert.equal(localStorage.getItem(DRAFT), "half a thought\nfirst, changed");
  pressKey("Escape");
  assert.deepEqual([context(), field().value, shown()], [null, "half a thought", ["first"]]);
  assert.equal(localStorage.getItem(DRAFT), "half a thought");
  assert.deepEqual(sentData("editMessage"), []);
});

test("an edit of a message that is gone becomes the draft", async () => {
  await meet();
  await editNew("gone soon");
  write("changed");
  answerWith("deleteMessage", () => server.storeEvent("deleted", { target: 1 }, server.socket.member));
  buttonNamed("Delete", messageWith("gone soon")).click();
  await answer(true);
  assert.deepEqual(shown(), []);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "editMessage") return false;
    const message = "sequence must be that of a message in this room";
    socket.receive({ error: { code: "invalid_message", message, action, clientId: data?.clientId } });
    return true;
  };
  await save();
  assert.match(note() ?? "", /^The edit was not saved\. ./);
  assert.deepEqual([field().value, context(), find("#send").textContent], ["changed", null, "Send"]);
});

for (const [end, leave] of [
  ["the visitor leaves", comeBack],
  ["the owner closes the room", closeRoom],
] as const) {
  test(`the text of an edit is kept when ${end}`, async () => {
    await meet();
    await editNew("first");
    write("first, changed");
    await leave();
    assert.deepEqual([field().value, context(), shown()], ["first, changed", null, ["first"]]);
  });
}

for (const next of ["Edit", "Reply"]) {
  test(`the text of an edit that is not saved is kept after another ${next} was begun`, async () => {
    await meet();
    await say("first");
    await editNew("second");
    write("second, changed");
    server.onFrame = (_, { action }) => action === "editMessage";
    await save();
    const { action, data } = server.socket.frames.at(-1) ?? assert.fail();
    buttonNamed(next, openActions("first")).click();
    const begun = [field().value, context()];
    const message = "Something went wrong.";
    server.socket.receive({ error: { code: "internal", message, action, clientId: data?.clientId } });
    await settle();
    assert.match(note() ?? "", /^The edit was not saved\. ./);
    if (next === "Edit") {
      assert.deepEqual([field().value, context()], begun);
      pressKey("Escape");
    }
    assert.equal(field().value, "second, changed");
  });
}

test("an empty edit is not saved, and says so", async () => {
  await meet();
  await editNew("first");
  write("  ");
  await save();
  assert.equal(note(), "An edit cannot be empty. To remove the message, delete it.");
  pressKey("Escape");
  assert.deepEqual([find("#compose-note").hidden, shown()], [true, ["first"]]);
  assert.deepEqual(sentData("editMessage"), []);
});

test("a closed room offers no reply and no edit", async () => {
  await meet();
  await say("first");
  for (const name of ["Reply", "Edit"]) buttonNamed(name, openActions("first"));
  await closeRoom();
  const actions = openActions("first");
  buttonNamed("React with 👍", actions);
  for (const name of ["Reply", "Edit"]) assert.throws(() => buttonNamed(name, actions), /expected a button/);
});

for (const before of ["", "half a thought"]) {
  test(`an edit that is being saved when the visitor leaves is no draft, but “${before}” is`, async () => {
    await go("#/rooms/r1");
    await say("first");
    field().value = before;
    find("#log .act").click();
    find(".message-actions [title=Edit]").click();
    field().value = "first, changed";
    server.onFrame = (_, { action }) => action === "editMessage";
    find<HTMLFormElement>("#compose").requestSubmit();
    await settle();
    assert.equal(field().readOnly, true);
    await go("#/");
    await go("#/rooms/r1");
    assert.equal(field().value, before);
  });
}

test("an edit is offered for as long as the server allows", async () => {
  await go("#/rooms/r1");
  await say("mine");
  const sentAt = Date.parse("2026-11-23T10:00:01Z");
  const { mock: clock } = mock.method(Date, "now", () => sentAt + 59_999);
  const isOffered = () => {
    find("#log .act").click();
    return !find(".message-actions [aria-label=Edit]").hidden;
  };
  assert.equal(isOffered(), true);
  clock.mockImplementation(() => sentAt + 60_000);
  assert.equal(isOffered(), false);
  clock.restore();
});
