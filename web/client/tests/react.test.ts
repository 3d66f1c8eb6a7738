/** The hooks in React, with StrictMode as during development, and on a server. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Window } from "happy-dom";
import { act, createElement, StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { ChatClient } from "../src/index.js";
import { type UseRoom, type UseRooms, useRoom, useRooms } from "../src/react.js";
import { FakeServer, MemoryStorage } from "./fake-server.js";

const ROOM = { room_id: "r1", name: "Tea", member_count: 2, created_at: "2026-11-23T10:00:00.000Z" };

let server: FakeServer;
let client: ChatClient;
let root: Root;
let rendered: UseRoom[];

before(() => {
  const window = new Window();
  Object.assign(globalThis, { window, document: window.document, IS_REACT_ACT_ENVIRONMENT: true });
});

after(() => {
  for (const name of ["window", "document"]) delete (globalThis as Record<string, unknown>)[name];
});

beforeEach(() => {
  server = new FakeServer();
  const { fetch, WebSocket } = server;
  client = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, storage: new MemoryStorage() });
  root = createRoot(document.createElement("div"));
  rendered = [];
});

afterEach(() => act(async () => root.unmount()));

interface Props {
  readonly roomId?: string;
  readonly name?: string;
}

function View({ roomId = "r1", name = "Aki" }: Props) {
  const room = useRoom(client, roomId, { name });
  rendered.push(room);
  return createElement("p", null, `${room.state.status}: ${room.messages.map(({ message }) => message).join()}`);
}

const latest = () => rendered.at(-1) as UseRoom;
const openSockets = () => server.sockets.filter(({ readyState }) => readyState < 2);
const strict = (...views: ReturnType<typeof createElement>[]) => createElement(StrictMode, null, ...views);

async function render(view: ReturnType<typeof createElement>): Promise<void> {
  await act(async () => root.render(view));
  await idle();
}

async function idle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await act(() => new Promise((resolve) => setTimeout(resolve, 1)));
}

test("StrictMode opens one connection, and unmounting closes it", async () => {
  await render(strict(createElement(View)));
  assert.equal(server.sockets.length, 1);
  assert.equal(latest().state.status, "open");
  await act(async () => root.render(null));
  await idle();
  assert.deepEqual(openSockets(), []);
});

test("messages are rendered, sent and received", async () => {
  await render(strict(createElement(View)));
  await act(async () => {
    await latest().send("hello");
  });
  server.deliver(server.store("hi"));
  await idle();
  assert.deepEqual(
    latest().messages.map(({ message, isOwn }) => [message, isOwn]),
    [
      ["hello", true],
      ["hi", false],
    ],
  );
});

test("functions stay the same between renderings and rooms", async () => {
  await render(strict(createElement(View)));
  const { send, retry, discard, loadOlder, reconnect } = latest();
  await act(async () => {
    await latest().send("hello");
  });
  await render(strict(createElement(View, { roomId: "r2" })));
  const now = latest();
  assert.deepEqual(
    [now.send, now.retry, now.discard, now.loadOlder, now.reconnect],
    [send, retry, discard, loadOlder, reconnect],
  );
});

test("components with the same room share one connection, until the last one is unmounted", async () => {
  await render(strict(createElement(View, { key: 1 } as Props), createElement(View, { key: 2 } as Props)));
  assert.equal(openSockets().length, 1);
  await render(strict(createElement(View, { key: 2 } as Props)));
  assert.equal(openSockets().length, 1);
  await render(strict());
  assert.equal(openSockets().length, 0);
});

test("another room id leaves the room and joins the other", async () => {
  await render(createElement(View));
  await render(createElement(View, { roomId: "r2" }));
  assert.deepEqual(
    server.sockets.map(({ url }) => url.searchParams.get("roomId")),
    ["r1", "r2"],
  );
  assert.equal(server.sockets[0]?.readyState, 3);
});

test("another name renames", async () => {
  await render(createElement(View));
  await render(createElement(View, { name: "Bo" }));
  assert.equal(latest().you?.name, "Bo");
  assert.equal(openSockets().length, 1);
});

test("a room that is closed, but not for good, is joined again by all who ask for it", async () => {
  server.rejectsHandshakes = true;
  server.respond = (path) => (path === "/rooms/r1" ? [403, { Code: "RoomLockedError", Message: "no" }] : undefined);
  const views: UseRoom[] = [];
  const Numbered = ({ number }: { number: number }) => {
    views[number] = useRoom(client, "r1", { name: "Aki" });
    return null;
  };
  await render(strict(createElement(Numbered, { number: 0 }), createElement(Numbered, { number: 1 })));
  const statuses = () => views.map(({ state }) => state.status);
  assert.deepEqual(statuses(), ["closed", "closed"]);
  server.rejectsHandshakes = false;
  for (const view of views) await act(async () => view.reconnect());
  await idle();
  assert.deepEqual(statuses(), ["open", "open"]);
  assert.equal(openSockets().length, 1);
});

test("a room that is closed for good is not joined again", async () => {
  await render(createElement(View));
  await act(async () => latest().room?.leave());
  await act(async () => latest().reconnect());
  await idle();
  assert.equal(server.sockets.length, 1);
});

test("the rooms are listed, and further pages on request", async () => {
  server.respond = () => [200, { rooms: [ROOM], nextCursor: "c2" }];
  let rooms: UseRooms | undefined;
  const List = () => {
    rooms = useRooms(client);
    return null;
  };
  await render(strict(createElement(List)));
  assert.deepEqual([rooms?.rooms.length, rooms?.hasMore, rooms?.isLoaded], [1, true, true]);
  await act(async () => {
    await rooms?.loadMore();
  });
  assert.equal(rooms?.rooms.length, 2);
  await act(async () => root.render(null));
  const requests = server.requests.length;
  await idle();
  assert.equal(server.requests.length, requests);
});

test("rendering on a server sends no request and opens no connection", () => {
  assert.match(renderToString(createElement(View)), /connecting: /);
  assert.deepEqual([server.requests, server.sockets], [[], []]);
  assert.equal(latest().room, null);
});
