/** The whole page, in a DOM without layout and against a server inside the test, and the steps of a visitor. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, before, beforeEach, mock } from "node:test";
import { Window } from "happy-dom";
import { FakeServer, settle } from "../../client/tests/fake-server.js";

const GLOBALS = [
  "document",
  "history",
  "location",
  "localStorage",
  "sessionStorage",
  "matchMedia",
  "navigator",
  "IntersectionObserver",
  "ResizeObserver",
  "Element",
  "Node",
];
const ELEMENTS = ["Anchor", "Button", "Details", "Dialog", "Form", "Input", "OList", "Select", "TextArea", "UList", ""];

export let server: FakeServer;

/**
 * Open the page before the tests of this file. Each test begins in the room list, with a server of its own. `query` is what a
 * provider has sent the visitor back with, and `signIn` how to sign in, as the server tells it.
 */
export function usePage({ query = "", signIn }: { query?: string; signIn?: unknown } = {}): void {
  before(async () => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
    const window = new Window({ url: `https://chat.test/dev/${query}` });
    for (const name of [...GLOBALS, "SVGElement", ...ELEMENTS.map((element) => `HTML${element}Element`)]) {
      Object.defineProperty(globalThis, name, { value: Reflect.get(window, name), configurable: true });
    }
    server = new FakeServer();
    Object.assign(globalThis, { window, fetch: (...request: Parameters<typeof fetch>) => server.fetch(...request) });
    Object.defineProperty(globalThis, "WebSocket", { get: () => server.WebSocket });
    const page = readFileSync("page/index.html", "utf-8")
      .replace("{{webSocketUrl}}", "wss://ws.test/dev")
      .replace("{{signIn}}", JSON.stringify(signIn)?.replaceAll('"', "&quot;") ?? "")
      .replace("{{editSeconds}}", "60");
    document.documentElement.innerHTML = page.replaceAll(/<script.*?<\/script>/gs, "");
    await import("../src/main.js");
  });

  beforeEach(() => {
    server = new FakeServer();
  });

  afterEach(async () => {
    await go("#/");
    sessionStorage.clear();
    localStorage.clear();
  });
}

export const find = <Found extends HTMLElement>(selector: string) => document.querySelector(selector) as Found;
export const field = () => find<HTMLTextAreaElement>("#message");
export const shown = () => [...document.querySelectorAll("#log .body")].map(({ textContent }) => textContent);

export const entries = () =>
  [...document.querySelectorAll("#log :is(.body, .new-line, .notice)")].map(({ textContent }) => textContent);

/** Show or hide the tab. */
export function look(isVisible: boolean): void {
  Object.defineProperty(document, "hidden", { value: !isVisible, configurable: true });
  document.dispatchEvent(new (window as unknown as Window).Event("visibilitychange") as never);
}

export async function go(hash: string): Promise<void> {
  if (location.hash === hash) return;
  const arrived = new Promise((resolve) => window.addEventListener("hashchange", resolve, { once: true }));
  location.hash = hash;
  await arrived;
  await settle();
}

export async function say(text: string): Promise<void> {
  field().value = text;
  find<HTMLFormElement>("#compose").requestSubmit();
  await settle();
}

export function write(text: string): void {
  field().value = text;
  field().dispatchEvent(new (window as unknown as Window).Event("input") as never);
}

/** Store a value as another tab does. */
export function storeElsewhere(key: string, newValue: string): void {
  localStorage.setItem(key, newValue);
  const Event = (window as unknown as Window).StorageEvent;
  window.dispatchEvent(new Event("storage", { key, newValue }) as never);
}

export const isOpen = (id: string) => find<HTMLDialogElement>(id).open;

/** Answer the question that the page asks. */
export async function answer(isAgreed: boolean): Promise<void> {
  assert.equal(isOpen("#ask"), true);
  find(isAgreed ? "#ask-agree" : "#ask-cancel").click();
  assert.equal(isOpen("#ask"), false);
  await settle();
}

export const answerWith = (action: string, event: () => ReturnType<FakeServer["storeEvent"]>) => {
  server.onFrame = (_, frame) => {
    if (frame.action !== action) return false;
    server.deliver(event());
    return true;
  };
};
