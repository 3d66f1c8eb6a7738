/** Deleting messages: one's own, others', and several at once. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  answer,
  answerWith,
  choose,
  deleteButtons,
  entries,
  find,
  go,
  isOpen,
  manageRoom,
  say,
  sent,
  server,
  shown,
  usePage,
} from "./setup.js";

usePage();

const boxes = () => [...document.querySelectorAll<HTMLInputElement>("#cleanup-list input")];

const offered = () => [...document.querySelectorAll("#cleanup-list bdi")].map(({ textContent }) => textContent);

/** Enter a room, in which Bo and a troll have spoken, as its owner, and open the dialogue. */
async function cleanUp(): Promise<void> {
  const bo = { id: "m-bo", name: "Bo" };
  const troll = { id: "m-troll", name: "Troll" };
  for (const [text, sender] of [
    ["boo", troll],
    ["hello", bo],
    ["boo!", troll],
    ["boo!!", troll],
  ] as const)
    server.store(text, sender);
  server.onFrame = (_, { action, data }) => {
    if (action !== "deleteMessage") return false;
    server.deliver(server.storeEvent("deleted", { target: Number(data?.sequence) }));
    return true;
  };
  await manageRoom();
  mock.timers.tick(1);
  await settle();
  find("#clean-up").click();
}

test("one's own message is deleted after a question", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("theirs"));
  await say("mine");
  answerWith("deleteMessage", () => server.storeEvent("deleted", { target: 2 }));
  const [button, ...others] = deleteButtons();
  assert.equal(others.length, 0);
  button?.click();
  await answer(false);
  assert.deepEqual(shown(), ["theirs", "mine"]);
  button?.click();
  button?.focus(); // which a browser does when the dialogue is closed
  await answer(true);
  assert.deepEqual(shown(), ["theirs"]);
  assert.equal(document.activeElement?.id, "log");
});

test("a deletion that is rejected says why", async () => {
  await go("#/rooms/r1");
  await say("mine");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "deleteMessage") return false;
    socket.receive({ error: { code: "forbidden", message: "not yours", action, clientId: data?.clientId } });
    return true;
  };
  mock.timers.tick(1);
  await settle();
  deleteButtons()[0]?.click();
  await answer(true);
  assert.deepEqual(entries(), ["mine", "Not yours."]);
});

test("one button to delete is a stop of the Tab key, and the arrow keys lead to the others", async () => {
  await go("#/rooms/r1");
  for (const text of ["one", "two", "three"]) await say(text);
  const stops = () => deleteButtons().map(({ tabIndex }) => tabIndex);
  assert.deepEqual(stops(), [-1, -1, 0]);
  const Event = (window as unknown as Window).KeyboardEvent;
  deleteButtons()[2]?.focus();
  for (
    let presses = 0;
    presses < 2;
    presses += 1 // the button for actions is between them
  )
    document.activeElement?.dispatchEvent(
      new Event("keydown", { key: "ArrowUp", bubbles: true, cancelable: true }) as never,
    );
  assert.deepEqual(stops(), [-1, 0, -1]);
  assert.equal(document.activeElement, deleteButtons()[1]);
});

test("the owner deletes all the messages of one sender in one step", async () => {
  await cleanUp();
  assert.deepEqual(offered(), ["Troll", "boo!!", "Troll", "boo!", "Bo", "hello", "Troll", "boo"]);
  assert.equal(find<HTMLButtonElement>("#cleanup-delete").disabled, true);
  choose("#cleanup-sender", "m-troll");
  choose("#cleanup-all", true);
  assert.equal(find("#cleanup-delete").textContent, "Delete 3 messages");
  find("#cleanup-delete").click();
  find("#cleanup-delete").click();
  await settle();
  assert.deepEqual(shown(), ["hello"]);
  assert.equal(sent("deleteMessage"), 3);
  assert.deepEqual(
    [find("#cleanup-note").textContent, find("#cleanup-done").textContent],
    ["3 messages deleted.", "Done"],
  );
  choose("#cleanup-sender", "");
  assert.deepEqual(offered(), ["Bo", "hello"]);
});

test("messages that the rate limit holds back are deleted when it allows them", async () => {
  await cleanUp();
  const remove = server.onFrame;
  let isLimited = true;
  server.onFrame = (socket, frame) => {
    const { action, data } = frame;
    if (action !== "deleteMessage" || !isLimited) return remove(socket, frame);
    socket.receive({
      error: { code: "rate_limited", message: "slow", action, clientId: data?.clientId, retryAfter: 7 },
    });
    return true;
  };
  choose("#cleanup-all", true);
  find("#cleanup-delete").click();
  await settle();
  isLimited = false;
  mock.timers.tick(6_999);
  await settle();
  assert.equal(sent("deleteMessage"), 1);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual([shown(), sent("deleteMessage")], [[], 5]);
});

test("a deletion that is stopped while it waits deletes nothing more", async () => {
  await cleanUp();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "deleteMessage") return false;
    const error = { code: "rate_limited", message: "slow", action, clientId: data?.clientId, retryAfter: 7 };
    socket.receive({ error });
    return true;
  };
  choose("#cleanup-all", true);
  find("#cleanup-delete").click();
  await settle();
  find("#cleanup-done").click();
  mock.timers.tick(60_000);
  await settle();
  assert.deepEqual([sent("deleteMessage"), isOpen("#cleanup"), shown().length], [1, false, 4]);
  find("#clean-up").click();
  assert.deepEqual(
    boxes().map(({ checked, disabled }) => checked || disabled),
    [false, false, false, false],
  );
});

test("a deletion of several that fails says why, and keeps what is left chosen", async () => {
  await cleanUp();
  const remove = server.onFrame;
  server.onFrame = (socket, frame) => {
    const { action, data } = frame;
    if (action !== "deleteMessage" || Number(data?.sequence) !== 3) return remove(socket, frame);
    socket.receive({ error: { code: "internal", message: "no luck", action, clientId: data?.clientId } });
    return true;
  };
  choose("#cleanup-all", true);
  find("#cleanup-delete").click();
  await settle();
  assert.equal(find("#cleanup-error").textContent, "No luck.");
  assert.equal(find("#cleanup-note").textContent, "1 message deleted.");
  assert.equal(find("#cleanup-delete").textContent, "Delete 3 messages");
});

test("a message that somebody else deletes disappears from those to choose from", async () => {
  await cleanUp();
  boxes()[0]?.focus();
  server.deliver(server.storeEvent("deleted", { target: 4 }));
  server.deliver(server.store("new"));
  assert.deepEqual(offered(), ["Troll", "boo!", "Bo", "hello", "Troll", "boo"]);
  assert.equal(document.activeElement?.id, "cleanup-list");
  assert.deepEqual(
    boxes().map(({ tabIndex }) => tabIndex),
    [-1, -1, 0],
  );
});
