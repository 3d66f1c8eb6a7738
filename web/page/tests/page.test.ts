/** The whole page, in a DOM without layout and against a server inside the test. */

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { Window } from "happy-dom";
import { settle } from "../../client/tests/fake-server.js";
import {
  answer,
  answerWith,
  entries,
  field,
  find,
  go,
  isOpen,
  look,
  say,
  server,
  shown,
  storeElsewhere,
  usePage,
  write,
} from "./setup.js";

usePage();

/** Hold the requests back. Returns the function that lets them go. */
function holdRequests(): () => Promise<void> {
  const { fetch } = globalThis;
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  globalThis.fetch = (...request) => released.then(() => fetch(...request));
  return async () => {
    globalThis.fetch = fetch;
    release();
    await settle();
  };
}

for (const [choice, left] of [
  ["Try again", ["unlucky"]],
  ["Discard", []],
] as const) {
  test(`“${choice}” at a failed message works after coming back to its room, too`, async () => {
    server.onFrame = (socket, { action, data }) => {
      if (action !== "sendMessage") return false;
      socket.receive({ error: { code: "invalid_message", message: "no", action, clientId: data?.clientId } });
      return true;
    };
    await go("#/rooms/r1");
    await say("unlucky");
    await go("#/");
    await go("#/rooms/r1");
    server.onFrame = () => false;
    const buttons = [...document.querySelectorAll<HTMLButtonElement>("#pending button")];
    buttons.find(({ textContent }) => textContent === choice)?.click();
    await settle();
    await say("next");
    assert.deepEqual(shown(), [...left, "next"]);
  });
}

test("Enter that confirms a character of an input method sends nothing, also in Safari", async () => {
  await go("#/rooms/r1");
  field().value = "かな";
  const Event = (window as unknown as Window).KeyboardEvent;
  // Safari ends the composition before it reports the key.
  for (const sign of [{ isComposing: true }, { keyCode: 229 }]) {
    field().dispatchEvent(Object.assign(new Event("keydown", { key: "Enter", cancelable: true }), sign) as never);
  }
  await settle();
  assert.deepEqual([shown(), field().value], [[], "かな"]);
});

test("a visitor who leaves while the room is opened again stays where they went", async () => {
  await go("#/rooms/r1");
  await say("hello");
  server.respond = (path) =>
    path === "/rooms/r1" ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  find("#try-now").click();
  await settle();
  assert.equal(find("#ending").hidden, false);
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2" }] : undefined);
  server.rejectsHandshakes = false;
  const respond = holdRequests();
  find("#open-again").click();
  await go("#/");
  await respond();
  assert.equal(location.hash, "#/");
  assert.ok(server.requests.includes("POST /rooms"), String(server.requests));
});

test("the line of new messages stays at the first one when the connection is lost while nobody looks", async () => {
  await go("#/rooms/r1");
  await say("hello");
  look(false);
  server.deliver(server.store("first"));
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  server.rejectsHandshakes = false;
  server.store("second");
  find("#try-now").click();
  await settle();
  mock.timers.tick(1);
  await settle();
  look(true);
  assert.deepEqual(entries(), ["hello", "New", "first", "second"]);
});

test("the line of new messages is above those that a live one overtook", async () => {
  await go("#/rooms/r1");
  await say("hello");
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  server.rejectsHandshakes = false;
  server.onFrame = () => true;
  find("#try-now").click();
  await settle();
  server.store("missed");
  server.deliver(server.store("live"));
  server.welcome(server.socket);
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(entries(), ["hello", "New", "missed", "live"]);
});

test("the line of new messages shows what came to a room that was opened in a hidden tab", async () => {
  server.store("before");
  look(false);
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  server.deliver(server.store("unseen"));
  look(true);
  assert.deepEqual(entries(), ["before", "New", "unseen"]);
});

const READ = "chalice-chat.read.r1";

test("coming back to a room shows where the new messages begin, as far back as the visitor has read", async () => {
  for (let number = 1; number <= 3; number += 1) server.store(`message ${number}`);
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(entries(), ["message 1", "message 2", "message 3"]); // on the first visit, nothing is new
  assert.equal(localStorage.getItem(READ), "3");
  await go("#/");
  for (let number = 4; number <= 130; number += 1) server.store(`message ${number}`);
  server.requests.length = 0;
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  const listed = entries();
  assert.deepEqual([listed.indexOf("New"), listed.indexOf("message 4"), listed.length], [3, 4, 131]);
  assert.equal(localStorage.getItem(READ), "130");
  await go("#/");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  assert.equal(entries().includes("New"), false);
});

test("in a room that was empty, everything is new to who comes back", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  await go("#/");
  server.store("first");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(entries(), ["New", "first"]);
});

test("the console has the sentence of an error, and no stack with hosts", async () => {
  const { mock: warned } = mock.method(console, "warn", () => {});
  await go("#/rooms/r1");
  server.socket.receive({ error: { code: "internal", message: "Something failed." } });
  await settle();
  warned.restore();
  assert.deepEqual(
    warned.calls.map((call) => call.arguments),
    [["Something failed."]],
  );
});

for (const order of ["before", "after"] as const) {
  for (const stored of [null, "1"]) {
    test(`the line of new messages is where another device has stopped, known ${order} the history, here ${stored}`, async () => {
      for (let number = 1; number <= 4; number += 1) server.store(`message ${number}`);
      if (stored) localStorage.setItem(READ, stored);
      server.readSequence = 2;
      const { fetch } = globalThis;
      let respond = () => {};
      const slow = new Promise<void>((resolve) => {
        respond = resolve;
      });
      if (order === "before") globalThis.fetch = (...request) => slow.then(() => fetch(...request));
      else server.holdsHandshakes = true;
      await go("#/rooms/r1");
      if (order === "before") respond();
      else server.socket.accept();
      globalThis.fetch = fetch;
      await settle();
      mock.timers.tick(1);
      await settle();
      assert.deepEqual(entries(), ["message 1", "message 2", "New", "message 3", "message 4"]);
      mock.timers.tick(10_000);
      await settle();
      assert.deepEqual([localStorage.getItem(READ), server.readSequence], ["4", 4]);
    });
  }
}

test("after a reconnect, only what was not read on another device is new", async () => {
  await go("#/rooms/r1");
  await say("hello");
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  server.rejectsHandshakes = false;
  for (const text of ["read elsewhere", "new"]) server.store(text);
  server.readSequence = 2;
  find("#try-now").click();
  await settle();
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(entries(), ["hello", "read elsewhere", "New", "new"]);
});

test("an edit does not leave the room unread", async () => {
  server.store("message");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  server.deliver(server.edit(1, "changed"));
  assert.equal(localStorage.getItem(READ), "2");
});

test("what arrives in a hidden tab is not read, and what the visitor writes is", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  await say("mine");
  assert.equal(localStorage.getItem(READ), "1");
  look(false);
  server.deliver(server.store("unseen"));
  await settle();
  assert.equal(localStorage.getItem(READ), "1");
  look(true);
  assert.equal(localStorage.getItem(READ), "2");
});

test("one's own message is read where nobody sees its echo, unless somebody else's comes before it", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  await say("seen");
  server.onFrame = () => true;
  await say("mine");
  look(false);
  const clientId = server.socket.frames.at(-1)?.data?.clientId;
  server.deliver(server.store("mine", server.socket.member, clientId));
  assert.equal(localStorage.getItem(READ), "2");
  server.deliver(server.store("unseen"));
  server.deliver(server.store("by another device", server.socket.member));
  assert.equal(localStorage.getItem(READ), "2");
  look(true);
  assert.deepEqual(entries().slice(-3), ["New", "unseen", "by another device"]);
});

test("the title of a hidden tab counts what was neither read in another tab or device nor deleted", async () => {
  server.store("old");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  const you = server.socket.member.id;
  look(false);
  for (const text of ["two", "three", "four", "five"]) {
    const stored = server.store(text);
    server.deliver({ ...stored, mentions: text === "three" ? [you] : [] });
  }
  assert.equal(document.title, "(4 @1) Tea · Chalice Chat");
  storeElsewhere(READ, "2");
  assert.equal(document.title, "(3 @1) Tea · Chalice Chat");
  server.readSequence = 3;
  server.welcome(server.socket);
  await settle();
  assert.equal(document.title, "(2) Tea · Chalice Chat");
  server.deliver(server.storeEvent("deleted", { target: 4 }));
  assert.equal(document.title, "(1) Tea · Chalice Chat");
  look(true);
  assert.deepEqual(entries(), ["old", "two", "three", "New", "five"]);
  assert.equal(document.title, "Tea · Chalice Chat");
});

const DRAFT = "chalice-chat.draft.r1";

test("all tabs of a room show one draft, and an edit keeps it", async () => {
  await go("#/rooms/r1");
  await say("mine");
  write("one");
  storeElsewhere(DRAFT, "one, two");
  assert.equal(field().value, "one, two");
  find("#log .act").click();
  find<HTMLButtonElement>('.message-actions [title="Edit"]').click();
  assert.equal(field().value, "mine");
  storeElsewhere(DRAFT, "one, two, three");
  assert.equal(field().value, "mine");
  find("#context-cancel").click();
  assert.equal(field().value, "one, two, three");
  localStorage.removeItem(DRAFT); // the room was forgotten in another tab
  look(true);
  assert.equal(field().value, "one, two, three");
  storeElsewhere(DRAFT, "\n"); // sent
  assert.equal(field().value, "");
});

test("a tab that was frozen shows what was written in another one meanwhile, and does not overwrite it", async () => {
  await go("#/rooms/r1");
  write("one");
  look(false);
  localStorage.setItem(DRAFT, "one, two");
  look(true);
  assert.equal(field().value, "one, two");
  localStorage.setItem(DRAFT, "one, two, three");
  await go("#/");
  assert.equal(localStorage.getItem(DRAFT), "one, two, three");
});

test("a reaction is added and taken back in browsers that know neither Intl.Segmenter nor ariaPressed", async () => {
  const { Segmenter } = Intl;
  server.store("hello");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  Reflect.deleteProperty(Intl, "Segmenter");
  find("#log .act").click();
  find<HTMLButtonElement>('.message-actions [title="Another reaction"]').click();
  const emoji = find<HTMLInputElement>(".message-actions input");
  emoji.value = "🙂";
  emoji.dispatchEvent(new (window as unknown as Window).Event("input") as never);
  Object.defineProperty(Intl, "Segmenter", { value: Segmenter, configurable: true, writable: true });
  server.socket.receive(server.react(1, "🙂", server.socket.member.id));
  await settle();
  const chip = find("#log .chip");
  Object.defineProperty(chip, "ariaPressed", { value: undefined });
  chip.click();
  await settle();
  const reactions = server.socket.frames.filter(({ action }) => action === "react").map(({ data }) => data);
  assert.deepEqual(
    reactions.map(({ reaction, remove = false } = {}) => [reaction, remove]),
    [
      ["🙂", false],
      ["🙂", true],
    ],
  );
});

test("a room that is gone does not go on loading while an unsent message is shown", async () => {
  const unsent = [{ clientId: "c1", message: "too late", sentAt: null, failure: null }];
  sessionStorage.setItem("chalice-chat.outbox.r1", JSON.stringify(unsent));
  server.respond = (path) =>
    path.startsWith("/rooms/") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  server.rejectsHandshakes = true;
  await go("#/rooms/r1");
  assert.deepEqual([find("#ending").hidden, shown()], [false, ["too late"]]);
  assert.equal(find("#log-note").textContent, "");
});

test("the focus moves from “Try now” to the message field when the button disappears", async () => {
  await go("#/rooms/r1");
  server.rejectsHandshakes = true;
  server.socket.cut();
  await settle();
  server.rejectsHandshakes = false;
  find("#try-now").focus();
  find("#try-now").click();
  await settle();
  assert.equal(find("#connection-state").textContent, "Connected");
  assert.equal(document.activeElement?.id, "message");
});

test("a link shows the host that it leads to, also among text that is read from right to left", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("קרא https://bank.example⁄login.evil.example/ כאן"));
  const link = find<HTMLAnchorElement>("#log .body a");
  assert.equal(link.hostname, "bank.xn--examplelogin-xk0g.evil.example");
  assert.equal(link.textContent, `https://bank.example⁄login.evil.example/ (${link.hostname})`);
  assert.equal(link.dir, "ltr");
});

// Invite links

/** Paste into a field. Returns whether the page has done it, instead of the browser. */
function paste(target: HTMLElement, text: string, files: readonly unknown[] = []): boolean {
  const Event = (window as unknown as Window).Event;
  const event = new Event("paste", { bubbles: true, cancelable: true });
  const clipboardData = { getData: () => text, files };
  target.dispatchEvent(Object.assign(event, { clipboardData }) as never);
  return event.defaultPrevented;
}

test("a pasted mail with an invite link leaves the link in the field, and joins", async () => {
  const invitation = find<HTMLInputElement>("#invitation");
  assert.equal(paste(invitation, "no link"), false);
  assert.equal(paste(invitation, "Come here:\r\n> <https://chat.test/dev/%23/rooms/r1?token=t>.\r\nBye"), true);
  assert.equal(invitation.value, "https://chat.test/dev/#/rooms/r1?token=t");
  find<HTMLFormElement>("#join-by-link").requestSubmit();
  await settle();
  assert.equal(location.hash, "#/rooms/r1?token=t");
});

test("a link to another chat is not joined, and says where it leads", async () => {
  find<HTMLInputElement>("#invitation").value = "Come here: https://other.test/dev/#/rooms/r1";
  find<HTMLFormElement>("#join-by-link").requestSubmit();
  assert.equal(find("#join-error").textContent, "That link leads to other.test, not to a room here.");
  assert.equal(location.hash, "#/");
});

test("what is printed has every message that is loaded", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  server.deliverTogether(Array.from({ length: 510 }, (_, index) => server.store(`message ${index + 1}`)));
  assert.equal(shown().length, 500);
  const announce = (type: string) => window.dispatchEvent(new (window as unknown as Window).Event(type) as never);
  announce("beforeprint");
  assert.deepEqual([shown().length, shown()[0]], [510, "message 1"]);
  announce("afterprint");
  server.deliver(server.store("next"));
  assert.equal(shown().length, 500);
});

// Pasting and dropping

const note = () => find("#compose-note").textContent;

test("a conversation is saved, also after an attempt that failed", async () => {
  const save = find<HTMLButtonElement>("#save");
  const saved: Blob[] = [];
  const revoked: string[] = [];
  mock.method(URL, "createObjectURL", (blob: Blob) => `blob:${saved.push(blob)}`);
  mock.method(URL, "revokeObjectURL", (address: string) => revoked.push(address));
  const click = mock.method(HTMLAnchorElement.prototype, "click", () => {
    throw new Error("blocked");
  });
  server.store("hello");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  save.click();
  await settle();
  assert.equal(save.disabled, false);
  assert.deepEqual(entries(), ["hello", "The conversation could not be saved. Please try again."]);
  click.mock.mockImplementation(() => {});
  save.click();
  await settle();
  assert.match((await saved[1]?.text()) ?? "", /: hello\n$/);
  assert.deepEqual(revoked, []);
  mock.timers.tick(60_000);
  assert.deepEqual(revoked, ["blob:1", "blob:2"]);
  mock.restoreAll();
});

test("a picture that is pasted is not sent, and says so until the visitor goes on", async () => {
  await go("#/rooms/r1");
  assert.equal(paste(field(), "", [{}]), true);
  assert.equal(note(), "Only text can be sent here, no pictures or other files.");
  field().value = "a";
  field().dispatchEvent(new (window as unknown as Window).Event("input") as never);
  assert.equal(note(), "");
  assert.equal(paste(field(), "a table", [{}]), false); // Office copies text and a picture of it
});

test("more than the field can hold is cut, and says so", async () => {
  await go("#/rooms/r1");
  for (const [text, left] of [
    [`x${"\r\n".repeat(100_000)}x`, `x${"\n".repeat(999)}`],
    [`x${" ".repeat(100_000)}x`, `x${" ".repeat(19_999)}`],
  ] as const) {
    field().value = "";
    assert.equal(paste(field(), text), true);
    assert.equal(field().value, left);
    assert.match(note() ?? "", /^Only the beginning of that text is here\./);
  }
  assert.equal(paste(field(), "a few\nlines"), false);
  field().value = "";
  const many = `${"a\n".repeat(900)}z`;
  assert.equal(paste(field(), many), true);
  assert.deepEqual([field().value, note()], [many, ""]);
});

function drop(target: HTMLElement, text: string, types: readonly string[]): boolean {
  const Event = (window as unknown as Window).Event;
  const event = new Event("drop", { bubbles: true, cancelable: true });
  const files = types.includes("Files") ? [{}] : [];
  target.dispatchEvent(Object.assign(event, { dataTransfer: { getData: () => text, types, files } }) as never);
  return event.defaultPrevented;
}

test("a file that is dropped does not leave the page, and a text is inserted", async () => {
  assert.equal(drop(find("#lobby"), "", ["Files"]), true);
  assert.equal(drop(find("#lobby"), "text", ["text/plain"]), false);
  await go("#/rooms/r1");
  assert.equal(note(), "");
  assert.equal(drop(find("#log"), "", ["Files"]), true);
  assert.match(note() ?? "", /^Only text/);
  field().value = "before ";
  assert.equal(drop(find("#log"), "dropped", ["text/plain"]), true);
  assert.deepEqual([field().value, note()], ["before dropped", ""]);
  assert.equal(drop(field(), "by the browser", ["text/plain"]), false);
});

// People who come and go

function comeOrGo(type: "join" | "leave", name: string, memberCount: number): void {
  const message = `${name} ${type === "join" ? "joined" : "left"}`;
  server.socket.receive({ message: { type, message, sender: { id: `m-${name}`, name }, memberCount } });
}

test("several who come in a row are one line, until something else happens", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  comeOrGo("join", "Anna", 2);
  assert.deepEqual(entries(), ["Anna joined"]);
  comeOrGo("join", "Bert", 3);
  assert.deepEqual(entries(), ["Anna and Bert joined"]);
  for (let number = 1; number <= 8; number += 1) comeOrGo("join", `guest ${number}`, 3 + number);
  assert.deepEqual(entries(), ["Anna, Bert and 8 others joined"]);
  await say("hello");
  comeOrGo("join", "Cy", 12);
  assert.deepEqual(entries(), ["Anna, Bert and 8 others joined", "hello", "Cy joined"]);
});

test("many who come in one frame are one line, and continue one of single frames", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  comeOrGo("join", "Anna", 2);
  const joined = Array.from({ length: 49 }, (_, index) => ({
    id: `m-${index}`,
    name: index ? `guest ${index}` : "Bert",
  }));
  server.socket.receive({ presence: { joined, left: [], memberCount: 51 } });
  assert.deepEqual(entries(), ["Anna, Bert and 48 others joined"]);
});

test("three who come are named, each isolated from the text around them", async () => {
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  for (const name of ["Anna", "\u202eevil", "Cy"]) comeOrGo("join", name, 2);
  assert.deepEqual(entries(), ["Anna, \u202eevil and Cy joined"]);
  assert.equal(document.querySelectorAll("#log .notice bdi").length, 3);
});

// Deleting, and the owner

const deleteButtons = () => [...document.querySelectorAll<HTMLButtonElement>("#log .delete")];

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

test("a message that is being sent looks as it will", async () => {
  server.members.set("m-bo", "Bo");
  server.onFrame = (_, { action }) => action === "sendMessage";
  await go("#/rooms/r1");
  await say("hi @Bo and @Cy");
  const marked = [...document.querySelectorAll("#pending .at")].map(({ textContent }) => textContent);
  assert.deepEqual(marked, ["@Bo"]);
  const { clientId } = server.socket.frames.at(-1)?.data ?? {};
  server.deliver(server.store("hi @Bo and @Cy", server.socket.member, clientId));
  await settle();
  assert.equal(find("#pending").childElementCount, 0);
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

test("the owner's link gives the rights, and disappears from the address", async () => {
  await go("#/rooms/r1?owner=owner-token");
  assert.equal(location.hash, "#/rooms/r1");
  server.deliver(server.store("theirs"));
  server.members.set("m-bo", "Bo");
  comeOrGo("join", "bo", 2);
  await settle();
  assert.equal(server.socket.url.searchParams.get("owner"), "owner-token");
  assert.equal(deleteButtons().length, 1);
  assert.equal(find("#manage").hidden, false);
  find("#manage").click();
  await settle();
  assert.match(find<HTMLInputElement>("#owner-link").value, /#\/rooms\/r1\?owner=owner-token$/);
  const renamed = { room: { name: "Coffee", private: false, locked: false } };
  answerWith("updateRoom", () => server.storeEvent("updated", renamed, server.socket.member));
  find<HTMLInputElement>("#new-room-name").value = "Coffee";
  find<HTMLFormElement>("#rename-room").requestSubmit();
  await settle();
  assert.deepEqual([find("#room-heading").textContent, find("#owner-note").textContent], ["Coffee", "Renamed."]);
});

test("a link with a wrong owner's token neither replaces the right one nor is kept", async () => {
  await go("#/rooms/r1?owner=wrong");
  assert.equal(localStorage.getItem("chalice-chat.owner.r1"), null);
  await go("#/");
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  await go("#/rooms/r1?owner=wrong");
  assert.equal(server.socket.url.searchParams.get("owner"), "owner-token");
  assert.equal(find("#manage").hidden, false);
});

test("the owner's link gives the rights to somebody who is in the room already", async () => {
  await go("#/rooms/r1");
  await go("#/rooms/r1?owner=owner-token");
  assert.deepEqual([location.hash, find("#manage").hidden], ["#/rooms/r1", false]);
});

test("the owner of a room that has ended has nothing to manage", async () => {
  await go("#/rooms/r1?owner=owner-token");
  const sender = { id: "m-owner", name: "Owner" };
  server.socket.receive({ message: { type: "closed", message: "Owner closed the room", sender } });
  await settle();
  assert.equal(find("#manage").hidden, true);
});

async function manageRoom(): Promise<void> {
  await go("#/rooms/r1?owner=owner-token");
  find("#manage").click();
  await settle();
}

test("the focus moves to the reason of the end when the owner closes the room", async () => {
  await go("#/rooms/r1?owner=owner-token");
  server.onFrame = (socket, { action }) => {
    if (action !== "closeRoom") return false;
    socket.receive({ message: { type: "closed", message: "Aki closed the room", sender: socket.member } });
    return true;
  };
  find("#manage").click();
  find("#close-room").click();
  await answer(true);
  assert.equal(document.activeElement?.id, "ending");
});

test("an owner by access token has no owner's link to give", async () => {
  server.onFrame = (socket, { action }) => {
    if (action !== "hello") return false;
    const room = { name: "Tea", private: false, locked: false };
    socket.receive({ welcome: { member: socket.member, room, memberCount: 1, lastSequence: 0, owner: true } });
    return true;
  };
  await go("#/rooms/r1");
  find("#manage").click();
  assert.deepEqual([find("#manage").hidden, find("#owner-link-part").hidden], [false, true]);
  await go("#/");
  server.onFrame = () => false;
  await go("#/rooms/r1?owner=owner-token");
  find("#manage").click();
  assert.equal(find("#owner-link-part").hidden, false);
});

test("the name of a webhook that is rejected is not called the visitor's", async () => {
  await manageRoom();
  server.respond = (path) =>
    path.endsWith("/hooks") ? [400, { Code: "BadRequestError", Message: "name must not be blank" }] : undefined;
  find<HTMLInputElement>("#hook-name").value = "\u200b";
  find<HTMLFormElement>("#add-hook").requestSubmit();
  await settle();
  assert.equal(find("#owner-error").textContent, "Its name must not be blank.");
});

test("adding a webhook twice by a double click adds one", async () => {
  server.respond = (path) =>
    path.endsWith("/hooks") ? [201, { hooks: [], hookId: "h1", url: "https://h1" }] : undefined;
  await manageRoom();
  find<HTMLInputElement>("#hook-name").value = "Build";
  for (let click = 0; click < 2; click += 1) find<HTMLFormElement>("#add-hook").requestSubmit();
  await settle();
  assert.equal(server.requests.filter((request) => request === "POST /rooms/r1/hooks").length, 1);
});

test("a slow response about the webhooks of a room is not shown in another room", async () => {
  server.respond = (path) =>
    path.endsWith("/hooks") ? [200, { hooks: [{ hookId: "h1", name: "Secret" }], url: "https://h1" }] : undefined;
  await go("#/rooms/r1?owner=owner-token");
  const { fetch } = globalThis;
  const respond = holdRequests();
  find("#manage").click();
  find<HTMLInputElement>("#hook-name").value = "Build";
  find<HTMLFormElement>("#add-hook").requestSubmit();
  globalThis.fetch = fetch;
  server.respond = (path) =>
    path.startsWith("/rooms/r2") ? [200, { messages: [], members: [], hooks: [] }] : undefined;
  await go("#/rooms/r2?owner=owner-token");
  find("#manage").click();
  await settle();
  server.respond = () => [200, { hooks: [{ hookId: "h1", name: "Secret" }], url: "https://h1" }];
  await respond();
  assert.deepEqual([find("#hooks").textContent, find("#hook-created").hidden], ["", true]);
});

test("a new name that is being written outlasts the lock of the room", async () => {
  await manageRoom();
  const name = find<HTMLInputElement>("#new-room-name");
  assert.equal(name.value, "Tea");
  name.value = "Coffee";
  const locked = { room: { name: "Tea", private: false, locked: true } };
  answerWith("updateRoom", () => server.storeEvent("updated", locked, server.socket.member));
  find("#room-locked").focus();
  find("#room-locked").click();
  await settle();
  assert.deepEqual([name.value, find("#owner-note").textContent], ["Coffee", "Locked: nobody new can enter."]);
});

test("after changes that failed, the lock is shown as it is", async () => {
  await manageRoom();
  server.onFrame = (_, { action }) => action === "updateRoom";
  const locked = find<HTMLInputElement>("#room-locked");
  locked.click();
  locked.click();
  mock.timers.tick(10_000);
  await settle();
  assert.match(find("#owner-error").textContent ?? "", /did not confirm/);
  assert.equal(locked.checked, false);
});

test("the focus stays on the button of a member while others come", async () => {
  server.members.set("m-Bo", "Bo");
  await go("#/rooms/r1?owner=owner-token");
  find("#members button").focus();
  comeOrGo("join", "Anna", 3);
  assert.deepEqual(
    [...document.querySelectorAll("#members button")].map((button) => button.getAttribute("aria-label")),
    ["More about Anna", "More about Bo"],
  );
  assert.equal(document.activeElement?.getAttribute("aria-label"), "More about Bo");
});

test("the focus moves to the number of members when the focused one is removed", async () => {
  server.members.set("m-Bo", "Bo");
  await go("#/rooms/r1?owner=owner-token");
  find("#members button").focus();
  server.deliver(server.storeEvent("removed", { member: { id: "m-Bo", name: "Bo" } }));
  assert.equal(document.activeElement?.id, "member-count");
});

// New tokens

const sent = (action: string) =>
  server.sockets.flatMap(({ frames }) => frames).filter((frame) => frame.action === action).length;

/** Enter a room as its owner, and remove Bo. */
async function removeBo(hash: string): Promise<void> {
  server.isPrivate = hash.includes("token=");
  server.members.set("m-Bo", "Bo");
  await go(hash);
  answerWith("removeMember", () =>
    server.storeEvent("removed", { member: { id: "m-Bo", name: "Bo" } }, server.socket.member),
  );
  find("#members button").click();
  find<HTMLFormElement>("#person-remove").requestSubmit();
  await settle();
  assert.equal(isOpen("#person"), false);
}

test("after a removal from a private room, its owner is offered a new invite link", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  assert.equal(isOpen("#invite"), true);
  assert.equal(find("#invite-question").textContent, "Bo may still have the invite link. Make a new one?");
  assert.equal(document.activeElement?.id, "invite-make");
  find("#invite-make").click();
  find("#invite-make").click(); // a double click makes one link
  await settle();
  assert.equal(sent("updateRoom"), 1);
  assert.deepEqual([find("#invite-ask").hidden, find("#invite-made").hidden], [true, false]);
  const link = "https://chat.test/dev/#/rooms/r1?token=join-1";
  assert.deepEqual([find<HTMLInputElement>("#invite-link").value, location.href], [link, link]);
  let copied = "";
  Object.defineProperty(navigator, "clipboard", {
    value: {
      writeText: async (text: string) => {
        copied = text;
      },
    },
    configurable: true,
  });
  find("#invite-copy").click();
  await settle();
  assert.deepEqual([copied, find("#invite-copied").textContent], [link, "Copied."]);
  find("#invite-done").click();
  assert.equal(isOpen("#invite"), false);
  find("#manage").click();
  assert.match(find<HTMLInputElement>("#owner-link").value, /token=join-1&owner=owner-token$/);
  server.socket.cut();
  await settle();
  find("#try-now").click();
  await settle();
  assert.equal(server.socket.url.searchParams.get("token"), "join-1");
});

test("the visit goes on at the address of the new invite link", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  find("#invite-make").click();
  await settle();
  const { length } = server.sockets;
  window.dispatchEvent(new (window as unknown as Window).Event("hashchange") as never);
  await settle();
  assert.equal(server.sockets.length, length);
  await go("#/rooms/r1?token=join-0");
  assert.equal(server.socket.url.searchParams.get("token"), "join-0");
});

test("a new invite link that is not wanted is not made", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  assert.equal(find("#invite-done").textContent, "Not now");
  find("#invite-done").click();
  await settle();
  assert.deepEqual([isOpen("#invite"), sent("updateRoom"), location.hash], [false, 0, "#/rooms/r1?token=join-0"]);
});

test("a removal from a public room offers no invite link", async () => {
  await removeBo("#/rooms/r1?owner=owner-token");
  assert.equal(sent("removeMember"), 1);
  assert.equal(isOpen("#invite"), false);
  find("#manage").click();
  assert.equal(find("#new-invite-part").hidden, true);
});

test("a new invite link that the server rejects says why, and can be made again", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    socket.receive({ error: { code: "rate_limited", message: "too many", action, clientId: data?.clientId } });
    return true;
  };
  find("#invite-make").click();
  await settle();
  assert.deepEqual([find("#invite-error").textContent, find("#invite-made").hidden], ["Too many.", true]);
  server.onFrame = () => false;
  find("#invite-make").click();
  await settle();
  assert.deepEqual([find("#invite-error").hidden, find("#invite-made").hidden], [true, false]);
});

test("the owner makes a new invite link without a removal, too", async () => {
  server.isPrivate = true;
  await go("#/rooms/r1?token=join-0&owner=owner-token");
  find("#manage").click();
  assert.equal(find("#new-invite-part").hidden, false);
  find("#new-invite").click();
  assert.deepEqual([isOpen("#owner"), isOpen("#invite")], [false, true]);
  assert.equal(find("#invite-question").textContent, "Make a new invite link for this room?");
  find("#invite-make").click();
  await settle();
  assert.match(location.hash, /token=join-1$/);
});

test("an offer ends with the visit", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  server.onFrame = (_, { action }) => action === "updateRoom";
  find("#invite-make").click();
  await settle();
  const { socket } = server;
  await go("#/");
  assert.equal(isOpen("#invite"), false);
  socket.receive({ tokens: { joinToken: "late" } });
  await settle();
  assert.deepEqual([location.hash, find<HTMLInputElement>("#invite-link").value], ["#/", ""]);
});

const OWNER = "chalice-chat.owner.r1";
const sentOwner = () => server.socket.url.searchParams.get("owner");

test("the owner makes a new owner's link, after a question", async () => {
  server.respond = (path) => (path.endsWith("/hooks") ? [200, { hooks: [] }] : undefined);
  await manageRoom();
  find("#new-owner-link").click();
  await answer(false);
  assert.equal(sent("updateRoom"), 0);
  server.requests.length = 0;
  find("#new-owner-link").click();
  await answer(true);
  assert.match(find<HTMLInputElement>("#owner-link").value, /#\/rooms\/r1\?owner=owner-1$/);
  assert.match(find("#owner-note").textContent ?? "", /The old one no longer works/);
  assert.equal(localStorage.getItem(OWNER), "owner-1");
  assert.deepEqual(server.requests, ["GET /rooms/r1/hooks"]); // those of the former token are deleted
  assert.equal(server.authorizations.at(-1), "Bearer owner-1");
  assert.equal(location.hash, "#/rooms/r1");
  await go("#/");
  await go("#/rooms/r1");
  assert.deepEqual([sentOwner(), find("#manage").hidden, sent("updateRoom")], ["owner-1", false, 1]);
});

test("a new owner's token that is lost with the page is requested by the next visit", async () => {
  await manageRoom();
  server.onFrame = (_, { action }) => {
    if (action === "updateRoom") server.ownerToken = "nobody knows";
    return action === "updateRoom";
  };
  find("#new-owner-link").click();
  await answer(true);
  await go("#/");
  server.onFrame = (socket, frame) => {
    if (frame.action !== "updateRoom") return false;
    server.onFrame = () => false;
    socket.frames.pop();
    void settle().then(() => server.handle(socket, JSON.stringify(frame))); // after the welcome
    return true;
  };
  await go("#/rooms/r1?owner=wrong");
  await settle();
  mock.timers.tick(2_000);
  await settle();
  assert.equal(localStorage.getItem(OWNER), "owner-1");
  assert.equal(find("#manage").hidden, false);
  await go("#/");
  const requested = sent("updateRoom");
  await go("#/rooms/r1");
  assert.deepEqual([sentOwner(), find("#manage").hidden], ["owner-1", false]);
  assert.equal(sent("updateRoom"), requested);
});

test("an owner's token that the server did not renew is not requested again", async () => {
  await manageRoom();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    socket.receive({ error: { code: "rate_limited", message: "too many", action, clientId: data?.clientId } });
    return true;
  };
  find("#new-owner-link").click();
  await answer(true);
  assert.equal(find("#owner-error").textContent, "Too many.");
  await go("#/");
  await go("#/rooms/r1");
  assert.equal(sent("updateRoom"), 1);
});

test("a new owner's link replaces a token that no longer works", async () => {
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  server.ownerToken = "renewed";
  await go("#/rooms/r1?owner=renewed");
  assert.deepEqual([sentOwner(), find("#manage").hidden], ["renewed", false]);
  assert.deepEqual([localStorage.getItem(OWNER), location.hash], ["renewed", "#/rooms/r1"]);
});

test("an owner whose token was renewed in another tab takes it over", async () => {
  await manageRoom();
  localStorage.setItem(OWNER, "renewed");
  server.ownerToken = "renewed";
  server.onFrame = (socket, { action, data }) => {
    if (action !== "closeRoom") return false;
    socket.receive({ error: { code: "forbidden", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  find("#close-room").click();
  await answer(true);
  assert.deepEqual([sentOwner(), find("#manage").hidden], ["renewed", false]);
});

for (const [code, text] of [
  ["MemberBannedError", /has removed you/],
  ["RoomLockedError", /is locked/],
  ["ForbiddenError", /is private/],
] as const) {
  test(`a room whose messages may not be read (${code}) says so`, async () => {
    server.respond = (path) => (path.endsWith("/messages") ? [403, { Code: code, Message: "no" }] : undefined);
    await go("#/rooms/r1");
    mock.timers.tick(1);
    await settle();
    assert.match(find("#ending-text").textContent ?? "", text);
    assert.equal(find("#ending").hidden, false);
  });
}

test("the line of new messages stays when the first of them is deleted", async () => {
  await go("#/rooms/r1");
  await say("hello");
  look(false);
  server.deliver(server.store("first"));
  server.deliver(server.store("second"));
  server.deliver(server.storeEvent("deleted", { target: 2 }));
  look(true);
  assert.deepEqual(entries(), ["hello", "New", "second"]);
});

test("the name that was chosen in another tab is in the field, so that leaving the field does not undo it", async () => {
  await go("#/rooms/r1");
  const Event = (window as unknown as Window).Event;
  const change = (key: string, newValue: string | null) =>
    window.dispatchEvent(Object.assign(new Event("storage"), { key, newValue }) as never);
  change("chalice-chat.name", "Bea");
  change("chalice-chat.key", "secret");
  const name = find<HTMLInputElement>("#your-name");
  assert.equal(name.value, "Bea");
  await settle();
  assert.equal(server.socket.member.name, "Bea"); // and this connection, or the next one, has it
  change("chalice-chat.name", null);
  assert.equal(name.value, "");
});

test("others have no owner's buttons", async () => {
  server.members.set("m-bo", "Bo");
  await go("#/rooms/r1");
  server.deliver(server.store("theirs"));
  await settle();
  assert.deepEqual([find("#manage").hidden, deleteButtons().length], [true, 0]);
  find("#members button").click();
  assert.deepEqual(parts(), ["ignore"]);
});

test("the remembered name of a private room is not shown without its link", async () => {
  await go("#/rooms/r1?token=t");
  assert.equal(document.title, "Tea · Chalice Chat");
  server.respond = (path) =>
    path.startsWith("/rooms/") ? [403, { Code: "ForbiddenError", Message: "no" }] : undefined;
  server.rejectsHandshakes = true;
  await go("#/rooms/r1");
  assert.equal(find("#room-heading").textContent, "Private room");
  assert.doesNotMatch(document.documentElement.outerHTML, /Tea/);
});

// Marks of people, and what is done to them

const BO = { id: "m-Bo", name: "Bo" };
const OWNERS_ROOM = "#/rooms/r1?owner=owner-token";
const notices = () => [...document.querySelectorAll("#log .notice")].map(({ textContent }) => textContent);
const heads = () => [...document.querySelectorAll("#log .head")].map(({ textContent }) => textContent);

/** The parts of the dialogue about a member that are shown. */
function parts(): string[] {
  const all = {
    report: "#report",
    ignore: "#person-ignore",
    mute: "#person-mute",
    role: "#role-part",
    remove: "#person-remove",
  };
  assert.equal(isOpen("#person"), true);
  return Object.entries(all).flatMap(([name, selector]) => (find(selector).hidden ? [] : [name]));
}

/** Let this visitor be a member of a role. */
function beA(role: string): void {
  server.onFrame = (socket, { action }) => {
    if (action !== "hello") return false;
    const room = { name: "Tea", private: false, locked: false };
    const member = { ...socket.member, role };
    socket.receive({ welcome: { member, room, memberCount: 2, lastSequence: 0, owner: role === "owner" } });
    return true;
  };
}

/** Enter a room in which Bo is, whose list is read. */
async function meetBo(hash = "#/rooms/r1"): Promise<void> {
  server.members.set(BO.id, BO.name);
  await go(hash);
  mock.timers.tick(1);
  await settle();
}

/** Open the dialogue about Bo. */
async function openBo(hash = "#/rooms/r1"): Promise<void> {
  await meetBo(hash);
  find("#members button").click();
}

const soon = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

test("messages and members show marks in words, and a signed-in member with a sign that has a name", async () => {
  await go("#/rooms/r1");
  server.deliver(server.store("welcome", { ...BO, role: "owner", verified: true }));
  server.deliver(server.store("hello", { id: "m-imitator", name: "Bo owner ✓" }));
  server.deliver(server.store("done", { id: "h1", name: "Build", bot: true } as never));
  assert.deepEqual(heads(), ["Bo owner ✓", "Bo owner ✓", "Build bot"]);
  const marks = [...document.querySelectorAll("#log .message")].map((entry) => entry.querySelectorAll(".mark").length);
  assert.deepEqual(marks, [2, 0, 1]);
  assert.equal(document.querySelector("#log .mark[role=img]")?.getAttribute("aria-label"), "signed in");
  comeOrGo("join", "Cy", 2);
  server.deliver(server.storeEvent("role", { member: { id: "m-Cy", name: "Cy" }, role: "moderator" }));
  assert.match(find("#members").textContent ?? "", /Cy moderator/);
});

test("two members of the same name have different colours, which are those of their messages", async () => {
  await go("#/rooms/r1");
  const people = ["a", "b", "c", "d", "e"].map((id) => ({ id: `m-${id}`, name: "Mia" }));
  for (const mia of people) {
    server.socket.receive({ message: { type: "join", message: "", sender: mia, memberCount: 2 } });
    server.deliver(server.store("hello", mia));
  }
  const colours = (list: string) => people.map(({ id }) => find(`${list} [data-person="${id}"]`).style.color);
  assert.equal(new Set(colours("#log")).size, 5);
  assert.deepEqual(colours("#members"), colours("#log"));
});

test("notices isolate the names, and tell what was done", async () => {
  await meetBo();
  const hebrew = { id: "m-dana", name: "Bo דנה" };
  const self = server.socket.member;
  server.deliver(server.storeEvent("removed", { member: hebrew }));
  server.deliver(server.storeEvent("removed", { member: hebrew, messagesDeleted: true }));
  server.deliver(server.storeEvent("role", { member: BO, role: "moderator" }));
  server.deliver(server.storeEvent("role", { member: self, role: "member" }));
  server.deliver(server.storeEvent("muted", { member: BO, until: null }));
  server.socket.receive({
    message: { type: "rename", message: "", sender: { id: "m-x", name: "\u202eevil" }, formerName: "X" },
  });
  server.deliver(server.storeEvent("updated", { message: "Owner renamed the room to \u202eevil" }));
  server.deliver(server.storeEvent("updated", { message: "The room was locked" }));
  assert.deepEqual(notices(), [
    "Owner removed Bo דנה",
    "Owner removed Bo דנה and deleted their messages",
    "Owner made Bo a moderator",
    "Owner made you a plain member again",
    "Owner let Bo write again",
    "X is now \u202eevil",
    "Owner renamed the room to \u202eevil",
    "The room was locked",
  ]);
  const strange = [...document.querySelectorAll("#log .notice")].flatMap(({ childNodes }) =>
    [...childNodes].filter((node) => node.nodeName !== "BDI" && /[\u202e\u05d0-\u05ea]/.test(node.textContent ?? "")),
  );
  assert.deepEqual(strange, []);
});

test("a notice about a mute says until when", async () => {
  await meetBo();
  server.deliver(server.storeEvent("muted", { member: BO, until: soon(300), sentAt: soon(0) }));
  assert.match(notices()[0] ?? "", /^Owner muted Bo until .*\d:\d\d/);
  assert.match(find("#members").textContent ?? "", /Bo muted/);
});

for (const [role, hash, expected] of [
  ["a visitor", "#/rooms/r1", ["ignore"]],
  ["a moderator", "#/rooms/r1", ["ignore", "mute", "remove"]],
  ["the owner", OWNERS_ROOM, ["ignore", "mute", "role", "remove"]],
] as const) {
  test(`the dialogue about a member shows ${role} what they may do`, async () => {
    if (role === "a moderator") beA("moderator");
    await openBo(hash);
    assert.deepEqual(parts(), expected);
  });
}

test("a moderator deletes messages of plain members and webhooks only, and may do nothing to the owner", async () => {
  beA("moderator");
  server.store("theirs", BO);
  server.store("done", { id: "h1", name: "Build", bot: true } as never);
  server.store("the owner's", { id: "m-owner", name: "Owner", role: "owner" });
  await meetBo();
  const messages = [...document.querySelectorAll("#log .message")];
  assert.deepEqual(
    messages.map((entry) => entry.querySelector(".delete") !== null),
    [true, true, false],
  );
  messages[2]?.querySelector<HTMLElement>(".more")?.click();
  assert.deepEqual(parts(), ["report", "ignore"]);
});

test("a member who becomes a moderator gets the buttons at once", async () => {
  server.store("theirs", BO);
  await meetBo();
  assert.equal(deleteButtons().length, 0);
  server.deliver(server.storeEvent("role", { member: server.socket.member, role: "moderator" }));
  assert.equal(deleteButtons().length, 1);
});

test("the owner mutes a member and makes a moderator, and the dialogue shows it", async () => {
  await openBo(OWNERS_ROOM);
  const mute = (seconds: number) => find(`#person-mute [data-seconds="${seconds}"]`);
  assert.equal(mute(0).hidden, true);
  answerWith("muteMember", () => server.storeEvent("muted", { member: BO, until: soon(300) }, server.socket.member));
  mute(300).click();
  await settle();
  assert.match(find("#mute-state").textContent ?? "", /^Muted until .*\d:\d\d/);
  answerWith("muteMember", () => server.storeEvent("muted", { member: BO, until: null }, server.socket.member));
  mute(0).click();
  await settle();
  assert.deepEqual([mute(0).hidden, find("#mute-state").hidden], [true, true]);
  answerWith("setRole", () => server.storeEvent("role", { member: BO, role: "moderator" }, server.socket.member));
  find("#person-role").click();
  await settle();
  assert.equal(find("#person-role").textContent, "No longer moderator");
  assert.equal(find("#person-heading").textContent, "Bo moderator");
  const frames = server.socket.frames.filter(({ action }) => ["muteMember", "setRole"].includes(action));
  assert.deepEqual(
    frames.map(({ data }) => data?.seconds ?? data?.role),
    [300, 0, "moderator"],
  );
});

for (const deleteMessages of [false, true]) {
  test(`a removal ${deleteMessages ? "with" : "without"} the messages is chosen in the dialogue`, async () => {
    server.store("theirs", BO);
    await openBo(OWNERS_ROOM);
    assert.equal(find<HTMLInputElement>("#remove-messages").checked, false);
    find<HTMLInputElement>("#remove-messages").checked = deleteMessages;
    answerWith("removeMember", () =>
      server.storeEvent("removed", { member: BO, messagesDeleted: deleteMessages }, server.socket.member),
    );
    find<HTMLFormElement>("#person-remove").requestSubmit();
    await settle();
    assert.equal(isOpen("#person"), false);
    assert.deepEqual(shown(), deleteMessages ? [] : ["theirs"]);
    const data = server.socket.frames.find(({ action }) => action === "removeMember")?.data ?? {};
    assert.deepEqual([data.memberId, "deleteMessages" in data], [BO.id, deleteMessages]);
  });
}

test("an action on a member that is rejected says why", async () => {
  await openBo(OWNERS_ROOM);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "setRole") return false;
    const message = "the member has no key";
    socket.receive({ error: { code: "invalid_message", message, action, clientId: data?.clientId } });
    return true;
  };
  find("#person-role").click();
  await settle();
  assert.equal(find("#person-error").textContent, "The member has no key.");
});

// Muted, and slow mode

test("a muted visitor learns until when, and keeps the text", async () => {
  await meetBo();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    socket.receive({ error: { code: "muted", message: "no", action, clientId: data?.clientId, retryAfter: 300 } });
    return true;
  };
  await say("one");
  assert.match(find("#compose-note").textContent ?? "", /^You are muted until .*\d:\d\d/);
  assert.equal(find("#pending .fate").textContent, "Not sent. You are muted.");
  await say("two");
  assert.deepEqual([field().value, sent("sendMessage")], ["two", 1]);
  assert.equal(find<HTMLButtonElement>("#send").disabled, true);
  assert.equal(find("#you-choose").hidden, true); // nor can the visitor take another name
  server.onFrame = () => false;
  server.deliver(server.storeEvent("muted", { member: server.socket.member, until: null }));
  assert.deepEqual([find("#compose-note").hidden, find<HTMLButtonElement>("#send").disabled], [true, false]);
  assert.equal(find("#you-choose").hidden, false);
  assert.deepEqual(notices(), ["Owner let you write again"]);
});

test("a message that slow mode holds back says so", async () => {
  await go("#/rooms/r1");
  const room = { name: "Tea", private: false, locked: false, slowSeconds: 30 };
  server.deliver(server.storeEvent("updated", { room }));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    const error = { code: "rate_limited", message: "no", action, clientId: data?.clientId, retryAfter: 30 };
    socket.receive({ error });
    return true;
  };
  await say("one");
  assert.equal(find("#pending .fate").textContent, "Slow mode: a message every 30 seconds. Sent in a moment");
});

// Ignoring and reporting

test("ignored messages in a row are one line, which shows them again", async () => {
  await meetBo();
  server.deliver(server.store("one", BO));
  server.deliver(server.store("two", BO));
  server.deliver(server.store("between"));
  server.deliver(server.store("three", BO));
  find("#members button").click();
  find("#person-ignore").click();
  assert.equal(find("#person-ignore").textContent, "Ignore no longer");
  find("#person-done").click();
  const lines = () =>
    [...document.querySelectorAll<HTMLElement>("#log .ignored")].flatMap((line) =>
      line.hidden ? [] : [line.firstElementChild?.textContent],
    );
  assert.deepEqual(lines(), ["2 messages of somebody you ignore.", "1 message of somebody you ignore."]);
  assert.deepEqual(shown(), ["between"]);
  server.deliver(server.store("four", BO));
  assert.equal(lines()[1], "2 messages of somebody you ignore.");
  assert.match(find("#members").textContent ?? "", /Bo \(ignored\)/);
  await go("#/");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  assert.deepEqual(shown(), ["between"]);
  const button = find("#log .ignored button");
  button.focus();
  button.click();
  assert.deepEqual(shown(), ["one", "two", "between", "three", "four"]);
  assert.equal(document.activeElement?.id, "log");
  await go("#/");
  await go("#/rooms/r1");
  mock.timers.tick(1);
  await settle();
  assert.equal(shown().length, 5);
  assert.equal(localStorage.getItem("chalice-chat.ignored.r1"), null);
});

test("whom another tab ignores is ignored here, too, and what is no list in the storage is none", async () => {
  const key = "chalice-chat.ignored.r1";
  const Event = (window as unknown as Window).StorageEvent;
  const store = (value: string) => {
    localStorage.setItem(key, value);
    window.dispatchEvent(new Event("storage", { key }) as never);
  };
  localStorage.setItem(key, '{"a": 1}');
  server.store("theirs", BO);
  await meetBo();
  assert.deepEqual(shown(), ["theirs"]);
  store(JSON.stringify([BO.id, 5]));
  assert.deepEqual(shown(), []);
  store("[]");
  assert.deepEqual(shown(), ["theirs"]);
});

test("messages of an ignored member are neither counted in the title nor marked as new", async () => {
  localStorage.setItem("chalice-chat.ignored.r1", JSON.stringify([BO.id]));
  await meetBo();
  look(false);
  server.deliver(server.store("one", BO));
  assert.equal(document.title, "Tea · Chalice Chat");
  server.deliver(server.store("two"));
  look(true);
  assert.deepEqual(entries().slice(1), ["New", "two"]);
});

test("a message is reported with a reason, and the owner gets a notice that leads to it", async () => {
  server.store("theirs", BO);
  await meetBo();
  find("#log .more").click();
  assert.deepEqual(parts(), ["report", "ignore"]);
  assert.equal(find("#person-message").textContent, "theirs");
  server.onFrame = (socket, { action, data }) => {
    if (action !== "reportMessage") return false;
    const { sequence: target, reason } = data ?? {};
    socket.receive({ message: { type: "reported", target, reason, sender: socket.member, message: "reported" } });
    return true;
  };
  find<HTMLInputElement>("#report-reason").value = " rude ";
  find<HTMLFormElement>("#report").requestSubmit();
  await settle();
  assert.deepEqual([find("#person-note").textContent, find("#report").hidden], ["Reported. Thank you.", true]);
  assert.equal(server.socket.frames.at(-1)?.data?.reason, "rude");
  const report = {
    type: "reported",
    sender: { id: "m-cy", name: "Cy" },
    message: "reported",
    target: 1,
    reason: "rude",
  };
  server.socket.receive({ message: report });
  server.socket.receive({ message: { ...report, target: 9, reason: undefined } });
  assert.deepEqual(notices(), [
    "Cy reported a message of Bo: “rude” Show the message",
    "Cy reported a message Show the message",
  ]);
  const [link, lost] = document.querySelectorAll<HTMLButtonElement>("#log .notice button");
  link?.click();
  await settle();
  assert.equal((document.activeElement as HTMLElement).dataset.sequence, "1");
  lost?.click();
  await settle();
  assert.equal(notices().at(-1), "That message is no longer there.");
});

test("the owner sees what was reported before, the newest last", async () => {
  server.store("theirs", BO);
  const reports = ["newer", "older"].map((reason) => ({
    target: 1,
    sender: { id: "m-cy", name: "Cy" },
    sentAt: soon(0),
    reason,
  }));
  server.respond = (path) => (path.endsWith("/reports") ? [200, { reports }] : undefined);
  await meetBo();
  assert.deepEqual(notices(), []);
  assert.equal(server.requests.filter((request) => request.includes("/reports")).length, 0);
  await go("#/");
  await meetBo(OWNERS_ROOM);
  assert.deepEqual(notices(), [
    "Cy reported a message of Bo: “older” Show the message",
    "Cy reported a message of Bo: “newer” Show the message",
  ]);
});

test("a reported message that is further up is loaded", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  await meetBo();
  assert.equal(shown()[0], "message 11");
  const sender = { id: "m-cy", name: "Cy" };
  server.socket.receive({ message: { type: "reported", sender, message: "reported", target: 3 } });
  find("#log .notice button").click();
  await settle();
  assert.equal((document.activeElement as HTMLElement).dataset.sequence, "3");
});

test("the dialogue about a member ends with the visit", async () => {
  await openBo();
  server.deliver(server.storeEvent("removed", { member: server.socket.member }));
  await settle();
  assert.equal(isOpen("#person"), false);
});

// Several messages at once

const boxes = () => [...document.querySelectorAll<HTMLInputElement>("#cleanup-list input")];
const offered = () => [...document.querySelectorAll("#cleanup-list bdi")].map(({ textContent }) => textContent);

/** Choose from a select, or check a box, as a visitor does. */
function choose(selector: string, value: string | boolean): void {
  const element = find<HTMLInputElement>(selector);
  if (typeof value === "boolean") element.checked = value;
  else element.value = value;
  element.dispatchEvent(new (window as unknown as Window).Event("change", { bubbles: true }) as never);
}

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

// Your rooms

const visited = () => [...document.querySelectorAll("#visited .name")].map(({ textContent }) => textContent);
const actions = () =>
  [...document.querySelectorAll<HTMLButtonElement>("#visited button")].map(({ textContent }) => textContent);
const click = (text: string) =>
  [...document.querySelectorAll<HTMLButtonElement>("#visited button")]
    .find(({ textContent }) => textContent?.startsWith(text))
    ?.click();

/** Write visits to the storage, as earlier visits have done. */
function remember(count: number): void {
  const rooms = Array.from({ length: count }, (_, number) => ({
    roomId: `old${number}`,
    name: `Old ${number}`,
    isPrivate: false,
    isOver: false,
    visitedAt: 0,
  }));
  localStorage.setItem("chalice-chat.visited", JSON.stringify(rooms));
}

test("a room that was read on another device has no mark, and starts there", async () => {
  const rooms = [
    { roomId: "old0", lastSequence: 5, readSequence: 5 },
    { roomId: "old1", lastSequence: 5, readSequence: 4 },
    { roomId: "old2", lastSequence: 5, readSequence: 2 },
  ];
  server.respond = (path) => (path === "/rooms/unread" ? [200, { rooms }] : undefined);
  await go("#/rooms/r1");
  remember(3);
  const read = (number: number) => `chalice-chat.read.old${number}`;
  for (const number of [0, 1, 2]) localStorage.setItem(read(number), "3");
  await go("#/");
  const marked = [...document.querySelectorAll("#visited li:has(.news) .name")].map(({ textContent }) => textContent);
  assert.deepEqual(marked, ["Old 1", "Old 2"]);
  assert.deepEqual(
    [0, 1, 2].map(read).map((key) => localStorage.getItem(key)),
    ["5", "4", "3"],
  );
});

test("a private room that its owner has left is in the lobby, with its links", async () => {
  server.isPrivate = true;
  await go("#/rooms/r1?token=join-0&owner=owner-token");
  await go("#/");
  assert.equal(find("#your-rooms").hidden, false);
  assert.deepEqual(visited(), ["Tea"]);
  assert.match(find("#visited .count").textContent ?? "", /^private · you own it · last visit /);
  assert.deepEqual(actions(), ["Copy invite link of Tea", "Copy owner's link of Tea", "Forget Tea"]);
  const copied: string[] = [];
  const writeText = async (text: string) => void copied.push(text);
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  click("Copy invite link");
  await settle();
  assert.equal(find("#visited-note").textContent, "Copied.");
  click("Copy owner's link");
  await settle();
  const link = "https://chat.test/dev/#/rooms/r1?token=join-0";
  assert.deepEqual(copied, [link, `${link}&owner=owner-token`]);
  assert.equal(find<HTMLAnchorElement>("#visited a").href, link);
});

test("a link of the lobby that cannot be copied is shown, selected", async () => {
  await go("#/rooms/r1");
  await go("#/");
  Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true });
  click("Copy invite link");
  await settle();
  assert.equal((document.activeElement as HTMLInputElement).value, "https://chat.test/dev/#/rooms/r1");
});

test("the newest visit comes first, and the oldest of too many is forgotten", async () => {
  remember(30);
  await go("#/rooms/r1");
  await go("#/");
  assert.deepEqual(visited(), ["Tea", "Old 0", "Old 1", "Old 2", "Old 3"]);
  find("#show-visited").click();
  assert.deepEqual([visited().length, visited().at(-1)], [30, "Old 28"]);
  assert.equal(document.activeElement?.textContent?.startsWith("Old 4"), true);
});

test("a room that is over says so, and has no links to copy", async () => {
  await go("#/rooms/r1?owner=owner-token");
  const sender = { id: "m-owner", name: "Owner" };
  server.socket.receive({ message: { type: "closed", message: "Owner closed the room", sender } });
  await go("#/");
  assert.match(find("#visited .count").textContent ?? "", /^no longer exists · last visit/);
  assert.deepEqual(actions(), ["Forget Tea"]);
});

test("a room that is not admitted is not remembered", async () => {
  server.respond = (path) =>
    path.startsWith("/rooms/") ? [403, { Code: "ForbiddenError", Message: "no" }] : undefined;
  server.rejectsHandshakes = true;
  await go("#/rooms/r1");
  await go("#/");
  assert.equal(find("#your-rooms").hidden, true);
});

test("a room is forgotten at once, one's own after a question", async () => {
  remember(1);
  await go("#/rooms/r1?owner=owner-token");
  await go("#/");
  assert.deepEqual(visited(), ["Tea", "Old 0"]);
  click("Forget");
  await answer(false);
  assert.deepEqual(visited(), ["Tea", "Old 0"]);
  click("Forget");
  await answer(true);
  assert.deepEqual([visited(), localStorage.getItem(OWNER)], [["Old 0"], null]);
  assert.equal(document.activeElement?.textContent?.startsWith("Old 0"), true);
  click("Forget");
  assert.deepEqual([visited(), find("#your-rooms").hidden, isOpen("#ask")], [[], true, false]);
  assert.equal(document.activeElement?.id, "lobby-heading");
});

test("a new invite link replaces that of the lobby", async () => {
  await removeBo("#/rooms/r1?token=join-0&owner=owner-token");
  find("#invite-make").click();
  await settle();
  await go("#/");
  assert.match(find<HTMLAnchorElement>("#visited a").href, /token=join-1$/);
});

test("visits that another tab stores show in the lobby, and what is no list is none", async () => {
  const Event = (window as unknown as Window).StorageEvent;
  const tell = () => window.dispatchEvent(new Event("storage", { key: "chalice-chat.visited" }) as never);
  await go("#/");
  remember(2);
  tell();
  assert.deepEqual(visited(), ["Old 0", "Old 1"]);
  for (const broken of ["{", '{"a":1}', "[null, 1, {}]"]) {
    localStorage.setItem("chalice-chat.visited", broken);
    tell();
    assert.deepEqual(visited(), []);
  }
});

// Slow responses

/** Ask for a new room, as a visitor of the list does. */
function createRoom(name: string): void {
  find<HTMLInputElement>("#room-name").value = name;
  find<HTMLFormElement>("#create-room").requestSubmit();
}

test("a visitor who opens another room while one is created stays there, and has the new one in the list", async () => {
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2", ownerToken: "owner-2" }] : undefined);
  await go("#/");
  const respond = holdRequests();
  createRoom("Coffee");
  await go("#/rooms/r1");
  await respond();
  assert.equal(location.hash, "#/rooms/r1");
  await go("#/");
  assert.deepEqual(visited().sort(), ["Coffee", "Tea"]);
  assert.equal(find<HTMLInputElement>("#room-name").value, "");
  assert.equal(localStorage.getItem("chalice-chat.owner.r2"), "owner-2");
});

test("a room that could not be created while the visitor went elsewhere shows no error there or later", async () => {
  server.respond = (path) => (path === "/rooms" ? "unreachable" : undefined);
  await go("#/");
  const respond = holdRequests();
  createRoom("Coffee");
  await go("#/rooms/r1");
  await respond();
  await go("#/");
  assert.equal(find("#create-error").hidden, true);
});

test("a room that is created while its visitor signs out leaves no owner's token", async () => {
  sessionStorage.setItem("chalice-chat.session", JSON.stringify({ subject: "aki" }));
  server.respond = (path) => (path === "/rooms" ? [201, { roomId: "r2", ownerToken: "owner-2" }] : undefined);
  await go("#/");
  const respond = holdRequests();
  createRoom("Coffee");
  sessionStorage.removeItem("chalice-chat.session");
  await respond();
  assert.equal(location.hash, "#/");
  assert.equal(localStorage.getItem("chalice-chat.owner.r2"), null);
});

test("rooms that are loaded slowly do not take the focus from the field in which the visitor types", async () => {
  const rooms = (first: number) =>
    Array.from({ length: 20 }, (_, index) => ({ room_id: `x${first + index}`, name: "X", member_count: 1 }));
  server.respond = (path) =>
    path === "/rooms" ? [200, { rooms: rooms(server.requests.length), nextCursor: "c" }] : undefined;
  await go("#/rooms/r1");
  await go("#/");
  const field = find<HTMLInputElement>("#room-name");
  for (const isTyping of [true, false]) {
    const respond = holdRequests();
    find("#show-more").focus();
    find("#show-more").click();
    if (isTyping) field.focus();
    await respond();
    assert.equal(document.activeElement === field, isTyping);
  }
  assert.equal(document.activeElement?.closest("ul")?.id, "room-list");
});

test("of a room that was forgotten, a late response leaves nothing", async () => {
  const rooms = [
    { roomId: "old0", lastSequence: 5, readSequence: 5 },
    { roomId: "old1", lastSequence: 5, readSequence: 4 },
  ];
  server.respond = (path) => (path === "/rooms/unread" ? [200, { rooms }] : undefined);
  await go("#/rooms/r1");
  remember(2);
  const respond = holdRequests();
  await go("#/");
  assert.deepEqual(visited(), ["Tea", "Old 0", "Old 1"]);
  for (let room = 0; room < 2; room += 1) click("Forget");
  await respond();
  const read = [0, 1].map((number) => localStorage.getItem(`chalice-chat.read.old${number}`));
  assert.deepEqual([visited(), read], [["Old 1"], [null, "4"]]);
});

/** Enter a room that is over, as a visitor whose unsent message is there. */
async function findRoomOver(roomId: string): Promise<void> {
  sessionStorage.setItem(`chalice-chat.room-name.${roomId}`, "Tea");
  server.rejectsHandshakes = true;
  server.respond = (path) =>
    path === "/rooms" ? "unreachable" : [404, { Code: "NotFoundError", Message: "room not found" }];
  await go(`#/rooms/${roomId}`);
  assert.equal(find("#open-again-part").hidden, false);
}

test("a room that could not be opened again does not say so in another one, whose button works meanwhile", async () => {
  const button = find<HTMLButtonElement>("#open-again");
  await findRoomOver("r1");
  const respond = holdRequests();
  button.click();
  await settle();
  const { fetch } = globalThis;
  globalThis.fetch = (...request) => server.fetch(...request);
  await findRoomOver("r2");
  const text = find("#ending-text").textContent;
  assert.equal(button.disabled, false);
  globalThis.fetch = fetch;
  await respond();
  assert.equal(find("#ending-text").textContent, text);
});

test("a conversation is not saved after the visitor has left it, and that of the next room can be saved meanwhile", async () => {
  const save = find<HTMLButtonElement>("#save");
  const saved = mock.method(URL, "createObjectURL", () => "blob:1");
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  await meetBo();
  const respond = holdRequests();
  save.click();
  await go("#/");
  assert.equal(save.disabled, false);
  await respond();
  assert.equal(saved.mock.callCount(), 0);
  mock.restoreAll();
});

test("a conversation is saved with the earlier messages that are just being loaded", async () => {
  const saved: Blob[] = [];
  mock.method(URL, "createObjectURL", (blob: Blob) => `blob:${saved.push(blob)}`);
  mock.method(HTMLAnchorElement.prototype, "click", () => {});
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  await meetBo();
  const respond = holdRequests();
  find("#show-older").click();
  find("#save").click();
  await respond();
  mock.restoreAll();
  assert.match((await saved[0]?.text()) ?? "", /These are all that the chat still keeps\..*: message 1\n/s);
});

test("a quoted message is found among the earlier ones that are just being loaded", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  const quoting = server.store("indeed");
  server.stored[server.stored.length - 1] = { ...quoting, replyTo: 2 };
  await meetBo();
  find("#log .quote").click();
  await settle();
  const respond = holdRequests();
  find("#show-older").click();
  find("#log .quote").click();
  await respond();
  assert.equal((document.activeElement as HTMLElement).dataset.sequence, "2");
});

test("an address that is copied slowly is not called that of the next room", async () => {
  let copy = () => {};
  const writeText = () =>
    new Promise<void>((resolve) => {
      copy = resolve;
    });
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  await go("#/rooms/r1");
  find("#copy-link").click();
  await go("#/rooms/r2");
  copy();
  await settle();
  assert.equal(find("#copy-note").textContent, "");
});

/** Begin to edit the first message of the visitor. */
function editFirst(text: string): void {
  find("#log .own .act").click();
  find(".message-actions [title=Edit]").click();
  field().value = text;
}

test("an edit that is saved slowly does not take the focus from where the visitor has gone", async () => {
  await go("#/rooms/r1");
  await say("first");
  editFirst("first, changed");
  server.onFrame = (_, { action }) => action === "editMessage";
  find<HTMLFormElement>("#compose").requestSubmit();
  find("#your-name").focus();
  await settle();
  server.deliver(server.edit(1, "first, changed"));
  await settle();
  assert.deepEqual([shown(), field().readOnly], [["first, changed"], false]);
  assert.equal(document.activeElement?.id, "your-name");
});

test("an edit that is rejected while the next one is written says so", async () => {
  await go("#/rooms/r1");
  for (const text of ["first", "second"]) await say(text);
  editFirst("first, changed");
  server.onFrame = (_, { action }) => action === "editMessage";
  find<HTMLFormElement>("#compose").requestSubmit();
  await settle();
  editFirst("another change");
  const { clientId } = server.socket.frames.at(-1)?.data ?? {};
  server.socket.receive({ error: { code: "forbidden", message: "too late", action: "editMessage", clientId } });
  await settle();
  assert.deepEqual([note(), field().value], ["The edit was not saved. Too late.", "another change"]);
});

test("an edit that is being saved ends while another tab writes, and gives way to its draft", async () => {
  await go("#/rooms/r1");
  await say("first");
  editFirst("first, changed");
  server.onFrame = (_, { action }) => action === "editMessage";
  find<HTMLFormElement>("#compose").requestSubmit();
  storeElsewhere(DRAFT, "one");
  await settle();
  server.deliver(server.edit(1, "first, changed"));
  await settle();
  assert.deepEqual([field().readOnly, field().value, find("#send").textContent], [false, "one", "Send"]);
});

test("a quoted message that is loaded slowly does not take the focus from a visitor who has begun to write", async () => {
  for (let number = 1; number <= 60; number += 1) server.store(`message ${number}`);
  const quoting = server.store("indeed");
  server.stored[server.stored.length - 1] = { ...quoting, replyTo: 2 };
  await meetBo();
  find("#log .quote").click();
  await settle();
  const respond = holdRequests();
  find("#log .quote").focus();
  find("#log .quote").click();
  field().focus();
  await respond();
  assert.equal(document.activeElement, field());
});

test("a removal that is confirmed while the owner writes does not put a new invite link under the next key", async () => {
  server.isPrivate = true;
  server.onFrame = (_, { action }) => action === "removeMember";
  await openBo("#/rooms/r1?token=join-0&owner=owner-token");
  find<HTMLFormElement>("#person-remove").requestSubmit();
  await settle();
  find("#person-done").click();
  field().focus();
  server.deliver(server.storeEvent("removed", { member: BO }));
  await settle();
  assert.deepEqual([isOpen("#invite"), document.activeElement?.id], [true, "invite-done"]);
});

test("a visitor who is signing out enters no room", async () => {
  document.body.inert = true;
  await go("#/rooms/r1");
  assert.equal(server.sockets.length, 0);
  document.body.inert = false;
});

test("the owner adds a webhook while the response about that of another room is awaited", async () => {
  const add = () => {
    find<HTMLInputElement>("#hook-name").value = "Build";
    find<HTMLFormElement>("#add-hook").requestSubmit();
  };
  server.respond = (path) =>
    path.endsWith("/hooks") ? [201, { hooks: [], hookId: "h1", url: "https://h1" }] : undefined;
  await manageRoom();
  const respond = holdRequests();
  add();
  const { fetch } = globalThis;
  globalThis.fetch = (...request) => server.fetch(...request);
  await go("#/rooms/r2?owner=owner-token");
  find("#manage").click();
  add();
  await settle();
  assert.equal(server.requests.filter((request) => request === "POST /rooms/r2/hooks").length, 1);
  globalThis.fetch = fetch;
  await respond();
});

test("reports that could not be read are shown after the next connection", async () => {
  server.store("theirs", BO);
  const reports = [{ target: 1, sender: { id: "m-cy", name: "Cy" }, sentAt: soon(0), reason: "rude" }];
  server.respond = (path) => (path.endsWith("/reports") ? "unreachable" : undefined);
  await meetBo(OWNERS_ROOM);
  assert.deepEqual(notices(), []);
  server.respond = (path) => (path.endsWith("/reports") ? [200, { reports }] : undefined);
  server.socket.cut();
  await settle();
  find("#try-now").click();
  await settle();
  assert.deepEqual(notices(), ["Cy reported a message of Bo: “rude” Show the message"]);
});

test("a visitor who comes back while the worker starts is not notified any more", async () => {
  const posted: unknown[] = [];
  let start = () => {};
  const worker = { postMessage: (request: unknown) => posted.push(request), addEventListener() {} };
  const registration = { active: worker, installing: null, getNotifications: async () => [] };
  const register = () =>
    new Promise((resolve) => {
      start = () => resolve(registration);
    });
  // As in Chromium on Android, which notifies by a worker only.
  const Notification = Object.assign(
    function Notification() {
      throw new TypeError("Illegal constructor");
    },
    { permission: "granted" },
  );
  Object.defineProperty(globalThis, "Notification", { value: Notification, configurable: true });
  Object.defineProperty(navigator, "serviceWorker", { value: { register }, configurable: true });
  await go("#/rooms/r1");
  find<HTMLInputElement>("#notify").checked = true;
  const mention = async () => {
    look(false);
    server.deliver({ ...server.store("hi"), mentions: [server.socket.member.id] });
    await settle();
  };
  await mention();
  look(true);
  start();
  await settle();
  assert.deepEqual(posted, []);
  await mention();
  start();
  await settle();
  assert.equal(posted.length, 1);
  look(true);
  find<HTMLInputElement>("#notify").checked = false;
  Reflect.deleteProperty(globalThis, "Notification");
  Reflect.deleteProperty(navigator, "serviceWorker");
});

test("a room that is opened again says that its link is new, until the visitor has seen it", async () => {
  sessionStorage.setItem("chalice-chat.room-name.r0", "Tea");
  server.respond = (path) => {
    if (path === "/rooms") return [201, { roomId: "r1", ownerToken: "owner-token", joinToken: "join-0" }];
    return path.startsWith("/rooms/r0") ? [404, { Code: "NotFoundError", Message: "room not found" }] : undefined;
  };
  server.rejectsHandshakes = true;
  await go("#/rooms/r0");
  assert.deepEqual([find("#open-again-part").hidden, find("#new-room").hidden], [false, true]);
  server.rejectsHandshakes = false;
  const arrived = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  find("#open-again").click();
  await arrived;
  await settle();
  assert.deepEqual([location.hash, find("#new-room").hidden], ["#/rooms/r1?token=join-0", false]);
  const link = "https://chat.test/dev/#/rooms/r1?token=join-0";
  assert.equal(find<HTMLInputElement>("#new-link").value, link);
  const copied: string[] = [];
  const writeText = async (text: string) => void copied.push(text);
  Object.defineProperty(navigator, "clipboard", { value: { writeText }, configurable: true });
  find("#copy-new-link").click();
  await settle();
  assert.deepEqual([copied, find("#new-link-copied").textContent], [[link], "Copied."]);
  find("#new-room-done").click();
  assert.deepEqual([find("#new-room").hidden, document.activeElement?.id], [true, "message"]);
  await go("#/");
  await go("#/rooms/r1?token=join-0");
  assert.equal(find("#new-room").hidden, true);
});

test("the owner's link opens a private room without its token, and a new invite link can be made", async () => {
  server.isPrivate = true;
  await go("#/rooms/r1?owner=owner-token");
  assert.deepEqual([find("#connection-state").textContent, find("#ending").hidden], ["Connected", true]);
  find("#copy-link").click();
  assert.equal(isOpen("#invite"), true);
  assert.match(find("#invite-question").textContent ?? "", /does not contain the invite link/);
  find("#invite-make").click();
  await settle();
  assert.equal(location.hash, "#/rooms/r1?token=join-1");
  find("#invite-done").click();
  find("#copy-link").click();
  await settle();
  assert.equal(isOpen("#invite"), false);
});

// Settings of the room

/** Let the server change the room by `updateRoom`, as another one does. */
function updateRooms(): void {
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    const { clientId: _, ...changes } = data ?? {};
    const room = { name: "Tea", private: false, locked: false, ...changes };
    server.deliver(server.storeEvent("updated", { room }, socket.member));
    return true;
  };
}

test("everyone sees when the room would end, as the owner changes it", async () => {
  await go("#/rooms/r1");
  assert.equal(find("#lifetime").textContent, "This room ends when everyone has left.");
  const room = { name: "Tea", private: false, locked: false };
  for (const [keepDays, text] of [
    [1, "This room is kept for a day after everyone has left."],
    [7, "This room is kept for 7 days after everyone has left."],
    [0, "This room ends when everyone has left."],
  ] as const) {
    server.deliver(server.storeEvent("updated", { room: { ...room, keepDays } }));
    assert.equal(find("#lifetime").textContent, text);
  }
  server.socket.receive({ message: { type: "closed", message: "", sender: { id: "m-owner", name: "Owner" } } });
  assert.equal(find("#lifetime").hidden, true);
});

test("the owner keeps the room and slows it down", async () => {
  await manageRoom();
  updateRooms();
  choose("#keep-room", "7");
  await settle();
  assert.deepEqual(
    [find("#owner-note").textContent, find("#lifetime").textContent],
    ["The room is kept.", "This room is kept for 7 days after everyone has left."],
  );
  choose("#slow-mode", "30");
  await settle();
  assert.equal(find("#owner-note").textContent, "Slow mode is on.");
  assert.deepEqual(
    server.socket.frames.filter(({ action }) => action === "updateRoom").map(({ data }) => ({ ...data, clientId: 0 })),
    [
      { keepDays: 7, clientId: 0 },
      { slowSeconds: 30, clientId: 0 },
    ],
  );
});

test("settings that another client has chosen are shown, and again after a change that failed", async () => {
  await manageRoom();
  const room = { name: "Tea", private: false, locked: false, keepDays: 3, slowSeconds: 45 };
  server.deliver(server.storeEvent("updated", { room }));
  const settings = () => ["#keep-room", "#slow-mode"].map((id) => find<HTMLSelectElement>(id).value);
  assert.deepEqual(settings(), ["3", "45"]);
  server.onFrame = (socket, { action, data }) => {
    if (action !== "updateRoom") return false;
    const error = { code: "rate_limited", message: "too many", action, clientId: data?.clientId };
    socket.receive({ error });
    return true;
  };
  choose("#keep-room", "30");
  await settle();
  assert.equal(find("#owner-error").textContent, "Too many.");
  assert.deepEqual(settings(), ["3", "45"]);
});

test("the owner lets somebody back in who was removed", async () => {
  const bans = [
    { id: "m-Bo", name: "Bo", until: "2026-11-23T11:00:00Z" },
    { id: "m-Cy", name: "Cy", until: "2026-11-23T11:00:00Z" },
  ];
  server.respond = (path) =>
    path.endsWith("/bans") ? [200, { bans }] : [200, { hooks: [], messages: [], members: [] }];
  await manageRoom();
  assert.equal(find("#bans-part").hidden, false);
  const buttons = () => [...document.querySelectorAll<HTMLButtonElement>("#bans button")];
  assert.deepEqual(
    buttons().map((button) => button.getAttribute("aria-label")),
    ["Let Bo back in", "Let Cy back in"],
  );
  buttons()[0]?.click();
  await settle();
  mock.timers.tick(5_000); // the server responds only if it refuses it
  await settle();
  assert.deepEqual([buttons().length, find("#owner-note").textContent], [1, "Bo can come back."]);
  assert.equal(document.activeElement?.id, "bans-heading");
  bans.length = 0;
  find("#owner-done").click();
  find("#manage").click();
  await settle();
  assert.equal(find("#bans-part").hidden, true);
});
