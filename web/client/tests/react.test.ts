/** The hooks in React, with StrictMode as during development, and on a server. */

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, mock, test } from "node:test";
import { Window } from "happy-dom";
import { act, createElement, StrictMode, useEffect, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { ChatClient, ChatError, type VisitedRoom } from "../src/index.js";
import {
  type UseRoom,
  type UseRoomOptions,
  type UseRooms,
  useRoom,
  useRooms,
  useTyping,
  useUnread,
} from "../src/react.js";
import { FakeServer, MemoryStorage, pass } from "./fake-server.js";

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
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] });
  server = new FakeServer();
  const { fetch, WebSocket } = server;
  client = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, storage: new MemoryStorage() });
  root = createRoot(document.createElement("div"));
  rendered = [];
});

afterEach(async () => {
  await render(null);
  await act(async () => root.unmount());
  mock.timers.reset();
  assert.deepEqual(openSockets().length, 0);
});

interface Props extends UseRoomOptions {
  readonly roomId?: string | null;
}

function View({ roomId = "r1", name = "Aki", ...options }: Props) {
  const room = useRoom(client, roomId, { name, ...options });
  rendered.push(room);
  return createElement("p", null, `${room.state.status}: ${room.messages.map(({ message }) => message).join()}`);
}

const latest = () => rendered.at(-1) as UseRoom;
const openSockets = () => server.sockets.filter(({ readyState }) => readyState < 2);
const renames = () =>
  server.sockets.flatMap(({ frames }) =>
    frames.filter(({ action }) => action === "rename").map(({ data }) => data?.name),
  );
const strict = (...views: ReturnType<typeof createElement>[]) => createElement(StrictMode, null, ...views);

async function render(view: ReturnType<typeof createElement> | null): Promise<void> {
  await act(async () => root.render(view));
  await wait(10);
}

/** Let time pass. */
async function wait(milliseconds: number): Promise<void> {
  await act(() => pass(milliseconds));
}

/** Render the view with each start of a name, as if it was typed in 50 milliseconds per character. */
async function type(name: string, props: Props = {}): Promise<void> {
  for (let length = 1; length <= name.length; length += 1) {
    await act(async () => root.render(strict(createElement(View, { ...props, name: name.slice(0, length) }))));
    await wait(50);
  }
}

test("StrictMode opens one connection, and unmounting closes it", async () => {
  await render(strict(createElement(View)));
  assert.equal(server.sockets.length, 1);
  assert.equal(latest().state.status, "open");
  await act(async () => root.render(null));
  await wait(10);
  assert.deepEqual(openSockets(), []);
});

test("messages are rendered, sent and received", async () => {
  await render(strict(createElement(View)));
  await act(async () => {
    await latest().send("hello");
  });
  await act(async () => server.deliver(server.store("hi")));
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
  const functions = () => Object.values(latest()).filter((value) => typeof value === "function");
  const before = functions();
  await act(async () => {
    await latest().send("hello");
  });
  await render(strict(createElement(View, { roomId: "r2" })));
  assert.deepEqual([functions(), before.length], [before, 10]);
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

test("another name renames once, when nobody has typed for 400 milliseconds", async () => {
  await render(strict(createElement(View)));
  await type("Bo Anderson");
  assert.deepEqual([renames(), latest().you?.name], [[], "Aki"]);
  await wait(400);
  assert.deepEqual([renames(), latest().you?.name], [["Bo Anderson"], "Bo Anderson"]);
  await type("Bo A");
  await type("Bo Anderson ");
  await wait(400);
  assert.deepEqual(renames(), ["Bo Anderson"]);
  assert.equal(server.sockets.length, 1);
});

test("a name that is not valid keeps the former one", async () => {
  await render(strict(createElement(View)));
  assert.equal(latest().nameError, null);
  for (const name of ["", " ", "\u3164\u200b", "x".repeat(41), "A\u202eB", "A\nB", "\ud83d"]) {
    await render(strict(createElement(View, { name })));
    assert.equal(latest().nameError?.code, "invalid_name", JSON.stringify(name));
    await wait(400);
    assert.equal(latest().you?.name, "Aki");
  }
  const { nameError } = latest();
  await act(async () => server.deliver(server.store("hi")));
  assert.equal(latest().nameError, nameError, "the object changes with the name only");
  await render(strict(createElement(View, { name: ` ${"x".repeat(40)} ` })));
  await wait(400);
  assert.deepEqual([latest().nameError, latest().you?.name], [null, "x".repeat(40)]);
  assert.equal(server.sockets.length, 1);
});

test("somebody whose first name is not valid enters as a guest, and takes the first valid one", async () => {
  await render(strict(createElement(View, { name: "" })));
  assert.equal(latest().nameError, null);
  await type(" Aki");
  assert.equal(latest().you?.name, "guest-m1");
  await wait(400);
  assert.equal(latest().you?.name, "Aki");
  await render(strict(createElement(View, { name: " ", roomId: "r2" })));
  assert.equal(latest().nameError?.code, "invalid_name");
  assert.equal(server.socket.url.searchParams.get("name"), "Aki");
  assert.deepEqual(renames(), ["Aki"]);
});

test("a name that is known only after the first rendering is the first one in the room", async () => {
  const Hydrated = () => {
    const [name, setName] = useState("");
    useEffect(() => setName("Aki"), []);
    return createElement(View, { name });
  };
  await render(strict(createElement(Hydrated)));
  await wait(500);
  assert.deepEqual([server.socket.url.searchParams.get("name"), renames()], ["Aki", []]);
});

test("a rename that waits is sent if another component still uses the room", async () => {
  const both = (name: string) => [
    createElement(View, { key: 1, name } as Props),
    createElement(View, { key: 2 } as Props),
  ];
  await render(strict(...both("Aki")));
  await render(strict(...both("Bo")));
  await render(strict(createElement(View, { key: 2 } as Props)));
  await wait(400);
  assert.deepEqual(renames(), ["Bo"]);
});

test("a rename that waits goes to the next room only, and ends with the room", async () => {
  await render(strict(createElement(View)));
  await render(strict(createElement(View, { name: "Bo" })));
  await render(strict(createElement(View, { name: "Bo", roomId: "r2" })));
  assert.equal(server.socket.url.searchParams.get("name"), "Bo");
  await render(strict(createElement(View, { name: "Cy", roomId: "r2" })));
  await act(async () => latest().room?.leave());
  const timers = mock.method(globalThis, "setTimeout");
  await wait(1_000);
  assert.deepEqual([renames(), timers.mock.callCount()], [[], 0]);
  timers.mock.restore();
});

test("switching through 40 rooms leaves one connection", async () => {
  for (let number = 1; number <= 40; number += 1) {
    await act(async () => root.render(strict(createElement(View, { roomId: `r${number % 7}` }))));
    assert.equal(latest().room?.roomId ?? `r${number % 7}`, `r${number % 7}`);
  }
  await wait(10);
  assert.deepEqual(
    openSockets().map(({ url }) => url.searchParams.get("roomId")),
    ["r5"],
  );
  assert.equal(latest().state.status, "open");
});

test("without a room id, no room is joined", async () => {
  await render(strict(createElement(View, { roomId: null })));
  assert.deepEqual([server.sockets.length, latest().room, latest().messages], [0, null, []]);
  await assert.rejects(latest().send("hello"), { code: "closed" });
  latest().reconnect();
  await render(strict(createElement(View)));
  assert.equal(latest().state.status, "open");
  await render(strict(createElement(View, { roomId: null })));
  assert.deepEqual([openSockets().length, latest().room, latest().you], [0, null, null]);
});

test("new tokens keep the connection, before and after a component takes them", async () => {
  const view = (tokens: Props) => strict(createElement(View, { token: "join-0", owner: "owner-token", ...tokens }));
  await render(view({}));
  const renewing = latest().room?.renewTokens({ join: true, owner: true });
  await wait(100);
  const { joinToken, ownerToken } = (await renewing) ?? {};
  assert.equal(latest().state.status, "open");
  await render(view({ owner: ownerToken }));
  assert.equal(latest().state.status, "open");
  await render(view({ owner: ownerToken, token: joinToken }));
  assert.deepEqual([latest().state.status, latest().isOwner, server.sockets.length], ["open", true, 1]);
  await render(view({ token: joinToken, owner: "another" }));
  assert.deepEqual([openSockets().length, latest().isOwner], [1, false]);
});

test("messages, notices and errors call the latest functions, without another connection", async () => {
  const calls: string[] = [];
  const view = (number: number) =>
    strict(
      createElement(View, {
        onMessage: ({ message }) => calls.push(`${number} ${message}`),
        onNotice: ({ type, member }) => calls.push(`${number} ${member.name} ${type}`),
        onError: ({ code }) => calls.push(`${number} ${code}`),
      }),
    );
  server.store("history");
  for (let number = 1; number <= 5; number += 1) await render(view(number));
  await act(async () => {
    server.deliver(server.store("hi"));
    server.deliver(server.storeEvent("updated", { room: { name: "Coffee", private: false } }));
    server.socket.receive({ error: { code: "forbidden", message: "no" } });
  });
  assert.deepEqual(calls, ["5 hi", "5 Owner updated", "5 forbidden"]);
  assert.equal(server.sockets.length, 1);
});

test("an error of joining in a component that is mounted anew is reported", async () => {
  const errors: string[] = [];
  const { fetch, WebSocket } = server;
  client = new ChatClient({ url: "https://rest.test/dev", fetch, WebSocket, user: () => "aki" });
  await render(createElement(View, { key: "1" }));
  mock.method(client, "join", () => {
    throw new ChatError("no_websocket", "none here");
  });
  await render(createElement(View, { key: "2", onError: ({ code }) => errors.push(code) }));
  assert.deepEqual(errors, ["no_websocket"]);
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
  await wait(10);
  assert.deepEqual(statuses(), ["open", "open"]);
  assert.equal(openSockets().length, 1);
});

test("a room that is closed for good is not joined again", async () => {
  await render(createElement(View));
  await act(async () =>
    server.socket.receive({ message: { type: "closed", message: "closed", sender: server.socket.member } }),
  );
  assert.equal(latest().state.status, "closed");
  await act(async () => latest().reconnect());
  await wait(10);
  assert.equal(server.sockets.length, 1);
});

test("a room that was left is joined again on request", async () => {
  await render(createElement(View));
  await act(async () => latest().room?.leave());
  await wait(10);
  assert.deepEqual([latest().state.status, openSockets().length], ["closed", 0]);
  await act(async () => latest().reconnect());
  await wait(10);
  assert.deepEqual([latest().state.status, openSockets().length], ["open", 1]);
});

test("messages are edited, answered and read, and get reactions", async () => {
  await render(strict(createElement(View)));
  const { send, edit, react, markRead } = latest();
  await act(async () => void (await send("Helo", { mentions: ["m-other"] })));
  await act(async () => void (await edit(1, "Hello")));
  const reacting = react(1, "👍");
  await act(async () => server.socket.receive(server.react(1, "👍", "m1")));
  await reacting;
  await act(async () => void (await send("More", { replyTo: 1 })));
  assert.deepEqual(
    latest().messages.map(({ message, editedAt, mentions, reactions, quote }) => [
      message,
      editedAt !== undefined,
      mentions,
      reactions.map(({ reaction, isOwn }) => [reaction, isOwn]),
      quote?.message,
    ]),
    [
      ["Hello", true, ["m-other"], [["👍", true]], undefined],
      ["More", false, [], [], "Hello"],
    ],
  );
  assert.equal(latest().readSequence, null);
  await act(async () => markRead());
  assert.equal(latest().readSequence, 3);
  await wait(10_000);
  assert.equal(server.readSequence, 3);
});

test("a reaction that is refused is not one's own, also beside many others", async () => {
  const { sequence } = server.store("Tea?");
  const others = (count: number) => Array.from({ length: count }, (_, number) => `other-${number}`);
  server.react(sequence, "👍", ...others(25));
  await render(strict(createElement(View)));
  server.onFrame = (socket, { action, data }) => {
    if (action !== "react") return false;
    socket.receive({ error: { code: "too_large", message: "no", action, clientId: data?.clientId } });
    return true;
  };
  const react = async (remove: boolean) => {
    await act(() => assert.rejects(latest().react(sequence, "👍", { remove }), { code: "too_large" }));
    await act(async () => server.socket.receive(server.react(sequence, "👍", ...others(26))));
    return latest().messages[0]?.reactions[0]?.isOwn;
  };
  assert.equal(await react(false), false);
  await act(async () => server.socket.receive(server.react(sequence, "👍", "m1")));
  assert.equal(await react(true), true);
});

test("a quote is read on request", async () => {
  const { sequence: replyTo } = server.store("Tea?");
  for (let number = 1; number < 50; number += 1) server.store(String(number));
  server.storeEvent("message", { message: "Yes", replyTo });
  await render(strict(createElement(View)));
  const quote = () => latest().messages.at(-1)?.quote;
  assert.equal(quote(), undefined);
  await act(() => latest().loadQuote(replyTo));
  assert.equal(quote()?.message, "Tea?");
});

test("without a room, edits and reactions are rejected, and reads do nothing", async () => {
  await render(strict(createElement(View, { roomId: null })));
  const { edit, react, loadQuote, markRead } = latest();
  await assert.rejects(edit(1, "Hello"), { code: "closed" });
  await assert.rejects(react(1, "👍"), { code: "closed" });
  await loadQuote(1);
  markRead(1);
  assert.deepEqual([server.requests, latest().readSequence], [[], null]);
});

test("mentions call the latest function, after that of messages", async () => {
  const calls: string[] = [];
  const view = (number: number) =>
    strict(
      createElement(View, {
        onMessage: ({ message }) => calls.push(`${number} ${message}`),
        onMention: ({ message }) => calls.push(`${number} mention: ${message}`),
      }),
    );
  for (let number = 1; number <= 2; number += 1) await render(view(number));
  await act(async () => {
    server.deliver(server.storeEvent("message", { message: "@Aki", mentions: ["m1"] }));
    server.deliver(server.storeEvent("message", { message: "@Bo", mentions: ["m-other"] }));
  });
  assert.deepEqual(calls, ["2 @Aki", "2 mention: @Aki", "2 @Bo"]);
});

test("who types is told, both ways, and a message does not render the component that shows it", async () => {
  let typing: ReturnType<typeof useTyping> | undefined;
  let renderings = 0;
  const Typists = () => {
    typing = useTyping(latest().room);
    renderings += 1;
    return null;
  };
  await render(strict(createElement(View), createElement(Typists)));
  await render(strict(createElement(View), createElement(Typists))); // now there is a room
  const names = () => typing?.members.map(({ name }) => name);
  const signals = () => server.socket.frames.filter(({ action }) => action === "signal").length;
  const { type } = typing as ReturnType<typeof useTyping>;
  assert.deepEqual([names(), signals()], [[], 0]);
  await act(async () => server.socket.receive({ signal: { name: "typing", sender: { id: "m2", name: "Bo" } } }));
  assert.deepEqual(names(), ["Bo"]);
  const before = renderings;
  await act(async () => server.deliver(server.store("hi")));
  assert.equal(renderings, before, "a message of somebody else changes nothing about who types");
  await wait(10_000);
  assert.deepEqual(names(), []);
  for (let key = 0; key < 3; key += 1) await act(async () => type());
  assert.equal(signals(), 1);
  await wait(8_000);
  await act(async () => type());
  assert.deepEqual([signals(), typing?.type === type], [2, true]);
});

test("without a room, nobody types", async () => {
  let typing: ReturnType<typeof useTyping> | undefined;
  const Typists = () => {
    typing = useTyping(null);
    return null;
  };
  await render(strict(createElement(Typists)));
  typing?.type();
  assert.deepEqual([typing?.members, server.sockets], [[], []]);
});

test("rooms with something new are read at once, every minute, and for other rooms, until the component is unmounted", async () => {
  const lastSequences: Record<string, number> = { r1: 3, r2: 3 };
  server.respond = () => [
    200,
    { rooms: Object.entries(lastSequences).map(([roomId, lastSequence]) => ({ roomId, lastSequence })) },
  ];
  let unread: ReadonlySet<string> = new Set();
  const List = ({ rooms }: { rooms: readonly VisitedRoom[] }) => {
    unread = useUnread(client, [...rooms]); // a new list in each rendering
    return null;
  };
  const rooms = (readSequence: number) => [
    { roomId: "r1", readSequence },
    { roomId: "r2", readSequence: 3 },
  ];
  const requests = () => server.requests.filter((request) => request === "POST /rooms/unread").length;
  await render(createElement(List, { rooms: rooms(2) }));
  assert.deepEqual([[...unread], requests()], [["r1"], 1]);
  await render(createElement(List, { rooms: rooms(2) }));
  assert.equal(requests(), 1);
  lastSequences.r2 = 4;
  await wait(60_000);
  assert.deepEqual([[...unread], requests()], [["r1", "r2"], 2]);
  await render(createElement(List, { rooms: rooms(3) }));
  assert.deepEqual([[...unread], requests()], [["r2"], 3]);
  await render(null);
  await wait(60_000);
  assert.equal(requests(), 3);
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
  await wait(10);
  assert.equal(server.requests.length, requests);
});

test("rendering on a server sends no request and opens no connection", () => {
  assert.match(renderToString(createElement(View)), /connecting: /);
  assert.deepEqual([server.requests, server.sockets], [[], []]);
  assert.equal(latest().room, null);
});
