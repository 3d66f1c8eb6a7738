/** Tabs of one browser: what one has not sent when it is closed, another one takes over. */

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { ChatClient, type ChatClientOptions, type Room } from "../src/index.js";
import { BrowserStorage, pass } from "./fake-server.js";
import { browser, rooms, server, storage, useFakes } from "./setup.js";

const KEY = "k".repeat(32);

let local: BrowserStorage;

useFakes();
beforeEach(() => {
  local = new BrowserStorage();
  Object.defineProperty(globalThis, "localStorage", { value: local, configurable: true });
});
afterEach(() => Reflect.deleteProperty(globalThis, "localStorage"));

/** A WebSocket that never connects. */
class Unconnected {
  readonly readyState = 0;
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  send(): void {}
  close(): void {}
}

function client(options: Partial<ChatClientOptions> = {}): ChatClient {
  const { fetch, WebSocket } = server;
  return new ChatClient({ url: "https://rest.test/dev", key: KEY, fetch, WebSocket, ...options });
}

/** Sort in place, as Firefox sorts short lists. */
function insertionSort<Item>(this: Item[], compare: (one: Item, other: Item) => number): Item[] {
  for (const [end, item] of [...this].entries()) {
    let place = end;
    for (; place > 0 && compare(this[place - 1] as Item, item) > 0; place -= 1) this[place] = this[place - 1] as Item;
    this[place] = item;
  }
  return this;
}

async function visit(options: Partial<ChatClientOptions> = {}, roomId = "r1"): Promise<Room> {
  const room = client(options).join(roomId);
  rooms.push(room);
  await pass(100);
  return room;
}

/** Visit a room in a tab without a connection. */
const visitOffline = (roomId?: string) => visit({ WebSocket: Unconnected }, roomId);

const textsOf = ({ pending }: Room) => pending.map(({ message }) => message);
const stored = () => server.stored.map(({ message }) => message);
const keptKeys = () => Object.keys(local).filter((key) => key.includes("outbox"));

test("messages of a tab that was closed are sent by the next visit", async () => {
  const closed = await visitOffline();
  void closed.send("one");
  void closed.send("two");
  browser.closeOthers();
  await visit();
  await pass(1_000);
  assert.deepEqual([stored(), keptKeys()], [["one", "two"], []]);
});

test("a tab that is open sends what another one leaves when it is closed, after its own", async () => {
  const closed = await visitOffline();
  void closed.send("not sent");
  const room = await visit();
  await pass(60_000);
  assert.deepEqual([textsOf(room), stored(), keptKeys().length], [[], [], 1]);
  await room.send("own");
  browser.closeOthers();
  await pass(1_000);
  assert.deepEqual([stored(), keptKeys()], [["own", "not sent"], []]);
});

test("a tab that was open before takes the messages over when it connects again", async () => {
  const room = await visit();
  void (await visitOffline()).send("not sent");
  browser.closeOthers();
  await pass(1_000);
  assert.deepEqual(stored(), []);
  server.socket.cut();
  await pass(5_000);
  assert.deepEqual([room.state.status, stored(), keptKeys()], ["open", ["not sent"], []]);
});

test("messages of several tabs are sent in the order in which they were written", async () => {
  const tabs = [await visitOffline(), await visitOffline()];
  for (const [index, text] of ["one", "two", "three", "four"].entries()) {
    void tabs[index % 2]?.send(text);
    await pass(10);
  }
  browser.closeOthers();
  await visit();
  await pass(1_000);
  assert.deepEqual(stored(), ["one", "two", "three", "four"]);
});

test("a message that is taken over while another one is sent follows it at once", async () => {
  const closed = await visitOffline();
  void closed.send("older");
  await pass(10);
  const room = await visit();
  let answer = () => {};
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage" || data?.message !== "newer") return false;
    answer = () => socket.receive({ message: server.store("newer", socket.member, data.clientId) });
    return true;
  };
  void room.send("newer");
  await pass(100);
  browser.closeOthers();
  await pass(100);
  assert.deepEqual(
    room.pending.map(({ message, status }) => [message, status]),
    [
      ["older", "queued"],
      ["newer", "sending"],
    ],
  );
  answer();
  await pass(100);
  assert.deepEqual(stored(), ["newer", "older"]);
});

test("of two tabs that wait, one takes the messages over", async () => {
  void (await visitOffline()).send("once");
  const waiting = [await visitOffline(), await visitOffline()];
  browser.closeOthers();
  await pass(100);
  assert.deepEqual(waiting.map(textsOf), [["once"], []]);
  browser.closeOthers();
  await visit();
  await pass(1_000);
  assert.deepEqual(stored(), ["once"]);
});

test("a message stays with its room, and with who has written it", async () => {
  void (await visitOffline("r10")).send("elsewhere");
  void (await visitOffline()).send("here");
  browser.closeOthers();
  assert.deepEqual(textsOf(await visit({ WebSocket: Unconnected, key: "b".repeat(32) })), []);
  assert.deepEqual(textsOf(await visitOffline()), ["here"]);
});

test("what was left in the same page is taken over, and stays where it is then", async () => {
  const left = await visitOffline();
  const unsent = assert.rejects(left.send("left"), { code: "closed" });
  left.leave();
  await unsent;
  const next = await visitOffline();
  const before = textsOf(next);
  left.discard(left.pending[0]?.clientId ?? "");
  assert.deepEqual([before, textsOf(next), keptKeys().length], [["left"], ["left"], 1]);
  next.discard(next.pending[0]?.clientId ?? "");
  assert.deepEqual(keptKeys(), []);
});

test("a message that is discarded after its room was left does not come back", async () => {
  const left = await visitOffline();
  const unsent = assert.rejects(left.send("left"), { code: "closed" });
  left.leave();
  await unsent;
  left.discard(left.pending[0]?.clientId ?? "");
  assert.deepEqual([keptKeys(), textsOf(await visitOffline())], [[], []]);
});

test("what is discarded in a room that was left leaves the next visit what it has, in a storage of the application", async () => {
  const options = { WebSocket: Unconnected, storage };
  const left = await visit(options);
  void left.send("left");
  left.leave();
  void (await visit(options)).send("next");
  left.discard(left.pending[0]?.clientId ?? "");
  assert.deepEqual(textsOf(await visit(options)), ["left", "next"]);
});

test("failed messages are kept, and those that may have arrived are not sent again", async () => {
  const room = await visit();
  server.onFrame = (socket, { action, data }) => {
    if (action !== "sendMessage") return false;
    const error = { code: "invalid_message", message: "too long", clientId: data?.clientId };
    if (data?.message === "refused") socket.receive({ error });
    return true;
  };
  await assert.rejects(room.send("refused"));
  void room.send("doubtful").catch(() => {});
  await pass(100);
  browser.closeOthers();
  browser.goOffline();
  room.leave = () => {}; // the tab is gone, and says nothing
  await pass(10 * 60_000);
  const next = await visitOffline();
  assert.deepEqual(
    next.pending.map(({ message, status }) => [message, status]),
    [
      ["refused", "failed"],
      ["doubtful", "failed"],
    ],
  );
});

test("signing out forgets what the user has not sent in any tab", async () => {
  void (await visitOffline()).send("first");
  const aki = client({ WebSocket: Unconnected });
  const room = aki.join("r1");
  rooms.push(room);
  const unsent = assert.rejects(room.send("second"), { code: "closed" });
  await pass(100);
  assert.equal(keptKeys().length, 2);
  await aki.signOut();
  await unsent;
  assert.deepEqual(keptKeys(), []);
});

test("messages are taken over in a room whose id begins with a hyphen", async () => {
  void (await visitOffline("-r1")).send("here");
  browser.closeOthers();
  assert.deepEqual(textsOf(await visitOffline("-r1")), ["here"]);
});

test("messages that are taken over stay in a storage that is full", async () => {
  const closed = await visitOffline();
  void closed.send("x".repeat(500));
  const add = local.setItem;
  local.setItem = function (this: BrowserStorage, key, value) {
    const used = Object.entries({ ...this, [key]: value }).filter(([name]) => name.includes("outbox"));
    if (used.join("").length > 1_000) throw new DOMException("full", "QuotaExceededError");
    add.call(this, key, value);
  };
  browser.closeOthers();
  await visitOffline();
  browser.closeOthers();
  assert.deepEqual((await visitOffline()).pending.length, 1);
});

test("a tab that is open keeps its next message to itself", async () => {
  const open = await visitOffline();
  const confirmed = open.send("one");
  const other = await visitOffline();
  void confirmed.catch(() => void open.send("two"));
  open.discard(open.pending[0]?.clientId ?? "");
  await pass(100);
  assert.deepEqual([textsOf(open), textsOf(other)], [["two"], []]);
});

test("messages of the same moment keep their order in a browser that moves what compares as greater", async (context) => {
  const { sort } = Array.prototype;
  context.after(() => Object.assign(Array.prototype, { sort }));
  Object.assign(Array.prototype, { sort: insertionSort });
  const closed = await visitOffline();
  for (const text of ["one", "two", "three"]) void closed.send(text);
  browser.closeOthers();
  assert.deepEqual(textsOf(await visitOffline()), ["one", "two", "three"]);
});

test("a message that has arrived here is not taken over", async () => {
  const frozen = await visitOffline();
  void frozen.send("arrived");
  server.store("arrived", { id: "m1", name: "Aki" }, frozen.pending[0]?.clientId);
  const room = await visitOffline();
  const before = textsOf(room);
  browser.closeOthers();
  await pass(100);
  assert.deepEqual([room.messages.length, before, textsOf(room), keptKeys()], [1, [], [], []]);
});

test("in a browser without locks, the tab keeps what was not sent", async () => {
  Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });
  Object.defineProperty(globalThis, "sessionStorage", { value: new BrowserStorage(), configurable: true });
  void (await visitOffline()).send("kept");
  assert.deepEqual([textsOf(await visitOffline()), keptKeys()], [["kept"], []]);
  Reflect.deleteProperty(globalThis, "sessionStorage");
});
