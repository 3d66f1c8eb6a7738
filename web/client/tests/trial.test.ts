/** The trial application under StrictMode, as a person uses it who types, and switches rooms and users. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Window } from "happy-dom";
import { act, createElement, StrictMode } from "react";
import type { Root } from "react-dom/client";
import { ChatClient } from "../src/index.js";
import { FakeServer, MemoryStorage, pass } from "./fake-server.js";
import { App, type Session } from "./trial-app.js";

let server: FakeServer;
let storage: MemoryStorage;
let session: Session;
let client: ChatClient;
let root: Root;
let errors: unknown[];
let isOpaque: boolean;
/** Settles when the application knows the token. */
let login: Promise<void>;

beforeEach(async () => {
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
  Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
  mock.timers.enable({ apis: ["setTimeout"] });
  server = new FakeServer();
  storage = new MemoryStorage();
  session = { user: "aki" };
  errors = [];
  isOpaque = false;
  login = Promise.resolve();
  const { fetch, WebSocket } = server;
  const options = { url: "https://rest.test/dev", fetch, WebSocket, storage };
  client = new ChatClient({ ...options, getToken: () => login.then(() => tokenOf(session.user)) });
  const container = document.body.appendChild(document.createElement("div"));
  const onError = (error: unknown) => errors.push(error);
  const { createRoot } = await import("react-dom/client"); // it looks at the DOM when it is imported
  root = createRoot(container, { onUncaughtError: onError, onCaughtError: onError, onRecoverableError: onError });
  await act(async () => root.render(createElement(StrictMode, null, createElement(App, { client, session }))));
  await wait(100);
});

afterEach(async () => {
  await act(async () => root.unmount());
  await wait(10);
  assert.deepEqual([errors, openSockets().length], [[], 0]);
  mock.timers.reset();
  for (const name of ["window", "document", "navigator"]) delete (globalThis as Record<string, unknown>)[name];
});

/** Return an access token: one that the client can read, or not. */
function tokenOf(user: string): string {
  if (isOpaque) return `token-of-${user}`;
  return `e30.${btoa(JSON.stringify({ iss: "https://id.test", sub: user })).replace(/=/g, "")}.c2ln`;
}

const openSockets = () => server.sockets.filter(({ readyState }) => readyState < 2);
const users = () => openSockets().map(({ url }) => url.searchParams.get("access_token"));
const rooms = () => openSockets().map(({ url }) => url.searchParams.get("roomId"));
const status = () => document.querySelector('[role="status"]')?.textContent;
const alert = () => document.querySelector('[role="alert"]')?.textContent;
const items = () => [...document.querySelectorAll("ol li")].map(({ textContent }) => textContent);
const framesOf = (action: string) =>
  server.sockets.flatMap(({ frames }) => frames.filter((frame) => frame.action === action).map(({ data }) => data));

async function wait(milliseconds: number): Promise<void> {
  await act(() => pass(milliseconds));
}

/** Give a field a value, as typing in it does. */
async function fill(label: string, value: string): Promise<void> {
  const field = document.querySelector(`[aria-label="${label}"]`) as HTMLInputElement;
  await act(async () => {
    Reflect.deleteProperty(field, "value"); // React's, which watches what scripts set
    field.value = value;
    const type = field.tagName === "SELECT" ? "change" : "input";
    field.dispatchEvent(new window.Event(type, { bubbles: true }));
  });
}

async function type(label: string, text: string): Promise<void> {
  for (let length = 1; length <= text.length; length += 1) {
    await fill(label, text.slice(0, length));
    await wait(60);
  }
}

test("a space first in the name field, and eleven keystrokes, are one rename", async () => {
  await fill("Name", "");
  await wait(500);
  await type("Name", " ");
  assert.match(alert() ?? "", /visible character/);
  await wait(500);
  assert.equal(document.querySelector("#you")?.textContent, "aki");
  await type("Name", " Aki Tanaka");
  assert.equal(alert(), undefined);
  await wait(500);
  assert.deepEqual(framesOf("rename"), [{ name: "Aki Tanaka" }]);
  assert.deepEqual([document.querySelector("#you")?.textContent, server.sockets.length], ["Aki Tanaka", 1]);
  await fill("Name", "x".repeat(60));
  assert.match(alert() ?? "", /at most 40 characters, not 60/);
  await wait(500);
  assert.equal(framesOf("rename").length, 1);
});

test("a switch of users joins anew, with the user and the token of the other one", async () => {
  server.onFrame = (_, { action }) => action === "sendMessage"; // never confirmed
  await fill("Message", "from aki");
  await act(async () => document.querySelector("form")?.requestSubmit());
  assert.deepEqual(items(), ["from aki (sending)"]);
  let endLogin = () => {};
  login = new Promise((resolve) => {
    endLogin = resolve;
  });
  await fill("User", "bo");
  await wait(100);
  assert.deepEqual([status(), users(), items()], ["bo: connecting", [], []]);
  endLogin();
  await wait(100);
  assert.deepEqual([status(), users(), items()], ["bo: open", [tokenOf("bo")], []]);
  assert.equal(openSockets()[0]?.url.searchParams.get("name"), "bo");
  await wait(60_000);
  assert.deepEqual(
    framesOf("sendMessage").map((data) => data?.message),
    ["from aki"],
  );
  assert.equal(server.sockets.at(-1)?.frames.filter(({ action }) => action === "sendMessage").length, 0);
  for (let number = 0; number < 6; number += 1) await fill("User", number % 2 ? "bo" : "aki");
  await wait(500);
  assert.deepEqual([status(), users(), framesOf("rename")], ["bo: open", [tokenOf("bo")], []]);
});

test("a component that stays mounted joins anew as another user, and waits after a sign-out", async () => {
  session.user = "bo";
  await act(async () => void client.identify());
  await wait(100);
  assert.deepEqual([status(), users()], ["aki: open", [tokenOf("bo")]]);
  await act(() => client.signOut());
  await wait(60_000);
  assert.deepEqual([status(), users()], ["aki: closed", []]);
  session.user = "aki";
  await act(async () => void client.identify());
  await wait(100);
  assert.deepEqual([status(), users()], ["aki: open", [tokenOf("aki")]]);
});

test("a new name with the token of another user is a switch, not a rename", async () => {
  session.user = "bo";
  await fill("Name", "bo");
  await wait(600);
  assert.deepEqual([users(), framesOf("rename")], [[tokenOf("bo")], []]);
  assert.equal(openSockets()[0]?.url.searchParams.get("name"), "bo");
});

test("a user whose token cannot be read gets a connection of their own", async () => {
  isOpaque = true;
  await fill("User", "bo");
  await wait(100);
  await fill("User", "aki");
  await wait(100);
  assert.deepEqual([status(), users(), framesOf("rename")], ["aki: open", ["token-of-aki"], []]);
});

test("40 switches of rooms leave one connection", async () => {
  for (let number = 1; number <= 40; number += 1) {
    await fill("Room", number % 9 ? `r${number % 5}` : "");
    if (number % 3 === 0) await wait(100);
  }
  await wait(500);
  assert.deepEqual([status(), rooms(), users()], ["aki: open", ["r0"], [tokenOf("aki")]]);
});
