/** The whole page, in a DOM without layout and against a server inside the test, and the steps of a visitor. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { afterEach, before, beforeEach, mock } from "node:test";
import { Window } from "happy-dom";
import { FakeServer, settle } from "../../client/tests/fake-server.js";

/** Errors of the page's event handlers. No test may leave one here. */
const uncaught: unknown[] = [];

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
  "Event",
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
    window.addEventListener("error", (event) => uncaught.push((event as unknown as ErrorEvent).error));
  });

  beforeEach(() => {
    server = new FakeServer();
  });

  afterEach(async () => {
    await go("#/");
    sessionStorage.clear();
    localStorage.clear();
    assert.deepEqual(uncaught.splice(0), []);
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

/** The other person of many tests. */
export const BO = { id: "m-Bo", name: "Bo" };

/** Enter a room, and read its messages and members. */
export async function enter(hash = "#/rooms/r1"): Promise<void> {
  await go(hash);
  mock.timers.tick(1);
  await settle();
}

/** Enter a room where Bo is. */
export async function meet(hash?: string): Promise<void> {
  server.members.set(BO.id, BO.name);
  await enter(hash);
}

/** Leave the room, and come back to what the server has stored. */
export async function comeBack(): Promise<void> {
  await go("#/");
  await meet();
}

/** Return the button with a label that a visitor can press. */
export function buttonNamed(label: string, within: ParentNode = document): HTMLButtonElement {
  const labels = new Map<string, HTMLButtonElement>();
  for (const button of within.querySelectorAll("button")) {
    const name = button.getAttribute("aria-label") ?? button.textContent?.trim() ?? "";
    if (!button.closest("[hidden], dialog:not([open])")) labels.set(name, button);
  }
  return labels.get(label) ?? assert.fail(`expected a button “${label}”; there are: ${[...labels.keys()].join(", ")}`);
}

/** Return the entry of the stored message whose text contains this one. */
export function messageWith(text: string): HTMLElement {
  const entries = [...document.querySelectorAll<HTMLElement>("#log .message[data-sequence]")];
  const found = entries.filter((entry) => entry.querySelector(".body")?.textContent?.includes(text));
  assert.equal(found.length, 1, `expected one message with “${text}”; there are: ${shown().join(", ")}`);
  return found[0] as HTMLElement;
}

/** Open the actions of a message by its button, and return them. */
export function openActions(text: string): HTMLElement {
  buttonNamed("React or reply", messageWith(text)).click();
  const actions = find(".message-actions");
  assert.equal(actions.hidden, false);
  return actions;
}

/** Press a key in a field. Returns whether the page has used it, instead of the browser. */
export function pressKey(key: string, target: HTMLElement = field()): boolean {
  const Event = (window as unknown as Window).KeyboardEvent;
  const event = new Event("keydown", { key, bubbles: true, cancelable: true });
  target.dispatchEvent(event as never);
  return event.defaultPrevented;
}

/** Return the data of the frames of an action that the page has sent, without the ids that it has made up for them. */
export const sentData = (action: string) =>
  server.sockets
    .flatMap(({ frames }) => frames)
    .flatMap(({ action: sent, data: { clientId: _, ...data } = {} }) => (sent === action ? [data] : []));

/** Hold the requests back. Returns the function that lets them go. */
export function holdRequests(): () => Promise<void> {
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

/** Key of the room's draft in the storage. */
export const DRAFT = "chalice-chat.draft.r1";

/** Return the text about a reply or an edit above the message field, null if it is hidden. */
export const context = () => (find("#context").hidden ? null : find("#context-text").textContent);

/** Return the note at the message field. */
export const note = () => find("#compose-note").textContent;

/** Let somebody join or leave. */
export function comeOrGo(type: "join" | "leave", name: string, memberCount: number): void {
  const message = `${name} ${type === "join" ? "joined" : "left"}`;
  server.socket.receive({ message: { type, message, sender: { id: `m-${name}`, name }, memberCount } });
}

export const deleteButtons = () => [...document.querySelectorAll<HTMLButtonElement>("#log .delete")];

/** Enter the room as its owner, and open the dialogue about it. */
export async function manageRoom(): Promise<void> {
  await go("#/rooms/r1?owner=owner-token");
  find("#manage").click();
  await settle();
}

/** Return the number of frames of an action that the page has sent. */
export const sent = (action: string) => sentData(action).length;

/** Enter a room as its owner, and remove Bo. */
export async function removeBo(hash: string): Promise<void> {
  server.isPrivate = hash.includes("token=");
  server.members.set(BO.id, BO.name);
  await go(hash);
  answerWith("removeMember", () => server.storeEvent("removed", { member: BO }, server.socket.member));
  find("#members button").click();
  await settle();
  find<HTMLFormElement>("#person-remove").requestSubmit();
  await settle();
  assert.equal(isOpen("#person"), false);
}

/** Key of the room's owner token in the storage. */
export const OWNER = "chalice-chat.owner.r1";

/** The owner's link of the room. */
export const OWNERS_ROOM = "#/rooms/r1?owner=owner-token";

export const notices = () => [...document.querySelectorAll("#log .notice")].map(({ textContent }) => textContent);

/** Return the parts of the dialogue about a member that are shown. */
export function parts(): string[] {
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

/** Open the dialogue about Bo. */
export async function openBo(hash = "#/rooms/r1"): Promise<void> {
  await meet(hash);
  find("#members button").click();
  await settle(); // the first time, the dialogue is loaded
}

/** Return a time that is a number of seconds away. */
export const soon = (seconds: number) => new Date(Date.now() + seconds * 1_000).toISOString();

/** Choose from a select, or check a box, as a visitor does. */
export function choose(selector: string, value: string | boolean): void {
  const element = find<HTMLInputElement>(selector);
  if (typeof value === "boolean") element.checked = value;
  else element.value = value;
  element.dispatchEvent(new (window as unknown as Window).Event("change", { bubbles: true }) as never);
}

/** Return the names of the rooms in the list “Your rooms”. */
export const visited = () => [...document.querySelectorAll("#visited .name")].map(({ textContent }) => textContent);

/** Return the labels of the buttons there. */
export const visitedActions = () =>
  [...document.querySelectorAll<HTMLButtonElement>("#visited button")].map(({ textContent }) => textContent);

/** Click the first button there whose label begins so. */
export const clickVisited = (text: string) =>
  [...document.querySelectorAll<HTMLButtonElement>("#visited button")]
    .find(({ textContent }) => textContent?.startsWith(text))
    ?.click();

/** Write visits to the storage, as earlier visits have done. */
export function remember(count: number): void {
  const rooms = Array.from({ length: count }, (_, number) => ({
    roomId: `old${number}`,
    name: `Old ${number}`,
    isPrivate: false,
    isOver: false,
    visitedAt: 0,
  }));
  localStorage.setItem("chalice-chat.visited", JSON.stringify(rooms));
}
