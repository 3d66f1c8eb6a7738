/** The Next.js example, in a DOM without layout and with a chat in memory, and the steps of a visitor. */

import assert from "node:assert/strict";
import { afterEach, before, beforeEach, mock } from "node:test";
import { FakeChatClient, type FakeRoom } from "chalice-chat-client/testing";
import { Window } from "happy-dom";
import type { ComponentType, ReactNode } from "react";
import { act } from "react";
import type { Root } from "react-dom/client";
import { pass } from "../../client/tests/fake-server.js";
import { setChat } from "./chat.js";
import { go, usePathname } from "./next.js";

const GLOBALS = [
  "document",
  "location",
  "localStorage",
  "sessionStorage",
  "matchMedia",
  "navigator",
  "FormData",
  "HashChangeEvent",
  "HTMLTextAreaElement",
  "IntersectionObserver",
];

/** Errors of rendering and of event handlers. No test may leave one here. */
const uncaught: unknown[] = [];

export let client: FakeChatClient;

/** Open the example before the tests of this file. Each test has a chat of its own, and begins on the first page. */
export function useExample(): void {
  let App: ComponentType;
  let root: Root;

  before(async () => {
    const window = new Window({ url: "https://example.test/" });
    for (const name of GLOBALS) {
      Object.defineProperty(globalThis, name, { value: Reflect.get(window, name), configurable: true });
    }
    Object.assign(globalThis, { window, IS_REACT_ACT_ENVIRONMENT: true });
    window.addEventListener("error", (event) => uncaught.push((event as unknown as ErrorEvent).error));
    App = await importApp(); // it looks at the DOM when it is imported
  });

  beforeEach(async () => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: Date.parse("2026-11-23T10:00:00Z") });
    client = new FakeChatClient();
    setChat(client);
    const { createRoot } = await import("react-dom/client");
    const onError = (error: unknown) => uncaught.push(error);
    root = createRoot(document, { onUncaughtError: onError, onCaughtError: onError, onRecoverableError: onError });
    window.history.replaceState(null, "", "/");
    await act(async () => root.render(<App />));
  });

  afterEach(async () => {
    await act(async () => root.unmount());
    await wait(10);
    localStorage.clear();
    sessionStorage.clear();
    mock.timers.reset();
    assert.deepEqual(uncaught.splice(0), []);
  });
}

async function importApp(): Promise<ComponentType> {
  const { default: Layout } = await import("@/app/layout");
  const pages: Readonly<Record<string, ComponentType>> = {
    "/": (await import("@/app/page")).default,
    "/create/": (await import("@/app/create/page")).default,
    "/room/": (await import("@/app/room/page")).default,
    "/rooms/": (await import("@/app/rooms/page")).default,
  };
  return function App(): ReactNode {
    const path = usePathname();
    const Page = pages[path] ?? assert.fail(`expected a page at ${path}`);
    return (
      <Layout>
        <Page />
      </Layout>
    );
  };
}

/** Let time pass. */
export async function wait(milliseconds = 10): Promise<void> {
  await act(() => pass(milliseconds));
}

/** Let something happen outside of the page, and the page show it. */
export async function happen(action: () => void): Promise<void> {
  await act(async () => action());
  await wait();
}

export const open = (path: string) => happen(() => go(path));

export const log = () => find<HTMLElement>('[role="log"]');
export const texts = () => [...document.querySelectorAll(".log .text")].map(({ textContent }) => textContent);
export const alerts = () => [...document.querySelectorAll('[role="alert"]')].map(({ textContent }) => textContent);
export const focused = () => document.activeElement as HTMLElement | null;

/** Return the only element that a selector matches. */
export function find<Found extends Element>(selector: string, within: ParentNode = document): Found {
  const found = within.querySelectorAll<Found>(selector);
  assert.equal(found.length, 1, `expected one ${selector}; there are ${found.length}`);
  return found[0] as Found;
}

/** Whether a visitor can see an element: what `details` do not show is in the DOM, too. */
function isShown(element: Element): boolean {
  const closed = element.closest("details:not([open])");
  return (
    !closed || element === closed || (element.closest("summary") !== null && isShown(closed.parentElement as Element))
  );
}

const labelOf = (element: Element) =>
  element.getAttribute("aria-label") ?? element.closest("label, button, summary, a")?.textContent?.trim() ?? "";

/** Return what a visitor can press or fill in, by its label or the beginning of that. */
function named<Found extends Element>(selector: string, label: string, within: ParentNode): Found[] {
  const shown = [...within.querySelectorAll<Found>(selector)].filter(isShown);
  const exact = shown.filter((element) => labelOf(element) === label);
  return exact.length ? exact : shown.filter((element) => labelOf(element).startsWith(label));
}

export const buttons = (label: string, within: ParentNode = document) =>
  named<HTMLButtonElement>("button, summary, a", label, within);

export const fields = (label: string, within: ParentNode = document) =>
  named<HTMLInputElement>("input, textarea", label, within);

export function buttonNamed(label: string, within?: ParentNode): HTMLButtonElement {
  return only(buttons(label, within), label);
}

export function fieldNamed(label: string, within?: ParentNode): HTMLInputElement {
  return only(fields(label, within), label);
}

function only<Found>([found, ...others]: Found[], label: string): Found {
  assert.deepEqual([found !== undefined, others.length], [true, 0], `expected one “${label}”`);
  return found as Found;
}

/** Press a button, or something else that is pressed, by its label. */
export async function press(label: string, within?: ParentNode): Promise<void> {
  const button = buttonNamed(label, within);
  await happen(() => {
    button.focus();
    button.click();
  });
}

/** Give a field a value, as typing in it does. */
export async function fill(field: HTMLInputElement, value: string): Promise<void> {
  await happen(() => {
    Reflect.deleteProperty(field, "value"); // React's, which watches what scripts set
    field.value = value;
    field.dispatchEvent(newEvent("Event", "input", { bubbles: true }));
  });
}

/** Press a key in a field. `options` are those of the event. */
export async function pressKey(target: HTMLElement, key: string, options: KeyboardEventInit = {}): Promise<void> {
  await happen(() => {
    target.dispatchEvent(newEvent("KeyboardEvent", "keydown", { key, bubbles: true, cancelable: true, ...options }));
  });
}

/** An event of the window: Node.js has classes of the same names. */
function newEvent(name: string, type: string, options: EventInit): Event {
  const EventOfWindow = Reflect.get(window, name) as typeof Event;
  return new EventOfWindow(type, options);
}

export const composer = () => fieldNamed("Message");

export async function say(text: string): Promise<void> {
  await fill(composer(), text);
  await pressKey(composer(), "Enter");
}

/** Return the entry of the message that contains this text. */
export function entryOf(text: string): HTMLElement {
  const entries = [...document.querySelectorAll<HTMLElement>(".log li")];
  return only(
    entries.filter(({ textContent }) => textContent?.includes(text)),
    text,
  );
}

/** Open the actions of a message, and return its entry. */
export async function openActions(text: string): Promise<HTMLElement> {
  const entry = entryOf(text);
  await press("Actions: ", entry);
  return entry;
}

/** The members of the room, as the list of them shows each. */
export const members = () =>
  [...document.querySelectorAll('[aria-label="Members"] li > span')].map(({ textContent }) => textContent);

/** Open a page anew, as a reload or another visit does. */
export async function visit(path: string): Promise<void> {
  await open("/");
  await open(path);
}

/** The state of the connection. */
export const status = () => document.querySelector('main [role="status"]')?.textContent;

/** Return the data of the requests of an action, without the ids that the client makes up. */
export const requests = (room: FakeRoom, wanted: string) =>
  room.requests.flatMap(({ action, data: { clientId: _, ...data } }) => (action === wanted ? [data] : []));
