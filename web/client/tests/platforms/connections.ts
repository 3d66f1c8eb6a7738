/**
 * The built library on the WebSocket of this Node.js, or on that of `ws` where it has none, against a server whose handshakes
 * fail: `CLIENT=PATH_TO/index.js node --test`.
 */

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { pathToFileURL } from "node:url";
import { type WebSocket as ServerSocket, WebSocketServer, WebSocket as WsWebSocket } from "ws";
import type { Room, RoomState, WebSocketConstructor } from "../../src/index.js";

const CODES: Readonly<Record<number, string>> = {
  401: "UnauthorizedError",
  403: "ForbiddenError",
  404: "NotFoundError",
};
const KEY = "k".repeat(22);
const WELCOME = {
  welcome: { member: { id: "m1", name: "Aki" }, room: { name: "Tea" }, memberCount: 1, lastSequence: 0 },
};

const path = process.env.CLIENT;
assert.ok(path, "expected the path of the built library in CLIENT");
const { ChatClient }: typeof import("../../src/index.js") = await import(pathToFileURL(path).href);
const WebSocket = (globalThis.WebSocket ?? WsWebSocket) as WebSocketConstructor;

/** A chat of one room. `status` is that of its responses and handshakes. */
class Server {
  status = 200;
  webSocketUrl = "";
  readonly sockets: ServerSocket[] = [];
  readonly http = createServer((request, response) => this.#respond(request, response));
  readonly #webSockets = new WebSocketServer({ noServer: true });

  async listen(t: TestContext, wanted = 0): Promise<string> {
    this.http.on("upgrade", (request, socket, head) => {
      if (this.status !== 200) {
        socket.end(`HTTP/1.1 ${this.status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      this.#webSockets.handleUpgrade(request, socket, head, (accepted) => this.#follow(accepted));
    });
    this.http.listen(wanted, "127.0.0.1");
    await once(this.http, "listening");
    t.after(() => {
      for (const socket of this.sockets) socket.terminate();
      this.http.closeAllConnections();
      this.http.close();
    });
    const { port } = this.http.address() as AddressInfo;
    this.webSocketUrl = `ws://127.0.0.1:${port}`;
    return `http://127.0.0.1:${port}`;
  }

  #respond({ url = "" }: IncomingMessage, response: ServerResponse): void {
    const isRefused = this.status !== 200 && url.startsWith("/rooms/r1");
    const body = isRefused
      ? { Code: CODES[this.status] ?? "ServiceUnavailableError", Message: "refused" }
      : { webSocketUrl: this.webSocketUrl, messages: [], lastSequence: 0, complete: true, members: [], name: "Tea" };
    response.writeHead(isRefused ? this.status : 200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
  }

  #follow(socket: ServerSocket): void {
    this.sockets.push(socket);
    socket.on("message", (text) => {
      const { action, data } = JSON.parse(String(text));
      if (action === "hello") socket.send(JSON.stringify(WELCOME));
      if (action !== "sendMessage") return;
      const sent = {
        ...data,
        type: "message",
        sequence: 1,
        sender: WELCOME.welcome.member,
        sentAt: "2026-11-23T10:00:00.000Z",
      };
      socket.send(JSON.stringify({ message: sent }));
    });
  }
}

async function join(t: TestContext, server: Server): Promise<{ room: Room; states: RoomState[] }> {
  const room = new ChatClient({ url: await server.listen(t), key: KEY, WebSocket }).join("r1");
  t.after(() => room.leave());
  const states: RoomState[] = [];
  room.on("state", (state) => states.push(state));
  return { room, states };
}

/** Wait for a state. The test runner's timeout ends a wait that is in vain. */
function until(room: Room, isWanted: (state: RoomState) => boolean): Promise<RoomState> {
  return new Promise((resolve) => {
    const check = (state: RoomState) => {
      if (!isWanted(state)) return;
      stop();
      resolve(state);
    };
    const stop = room.on("state", check);
    check(room.state);
  });
}

const isOpen = ({ status }: RoomState) => status === "open";
const isSecondAttempt = (state: RoomState) => state.status === "connecting" && state.attempt === 2;

/** Return a port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("a closed port is tried again, until somebody listens there", async (t) => {
  const server = new Server();
  const url = await server.listen(t);
  const port = await closedPort();
  const room = new ChatClient({ url, webSocketUrl: `ws://127.0.0.1:${port}`, key: KEY, WebSocket }).join("r1");
  t.after(() => room.leave());
  await until(room, isSecondAttempt);
  await new Server().listen(t, port);
  await until(room, isOpen);
});

test("a handshake that is refused with 503 is tried again, until it is accepted", async (t) => {
  const server = new Server();
  server.status = 503;
  const { room, states } = await join(t, server);
  await until(room, isSecondAttempt);
  server.status = 200;
  await until(room, isOpen);
  assert.deepEqual(new Set(states.map(({ status }) => status)), new Set(["connecting", "open"]));
  assert.equal((await room.send("hello")).message, "hello");
});

for (const [status, reason] of [
  [401, "unauthorized"],
  [403, "private"],
  [404, "gone"],
] as const) {
  test(`a handshake that is refused with ${status} closes the room as ${reason}, once`, async (t) => {
    const server = new Server();
    server.status = status;
    const { room, states } = await join(t, server);
    const state = await until(room, ({ status }) => status === "closed");
    assert.equal(state.status === "closed" && state.reason, reason);
    assert.equal(states.length, 1);
  });
}

test("a connection that breaks is replaced, and so is one that the server closes", async (t) => {
  const server = new Server();
  const { room, states } = await join(t, server);
  for (const end of [(socket: ServerSocket) => socket.terminate(), (socket: ServerSocket) => socket.close(1001)]) {
    await until(room, isOpen);
    const next = until(room, ({ status }) => status !== "open");
    for (const socket of server.sockets) end(socket);
    await next;
  }
  await until(room, isOpen);
  assert.equal(server.sockets.length, 3);
  assert.equal(states.filter(isOpen).length, 3);
});

test("leaving ends the connection, and the process may end", async (t) => {
  const server = new Server();
  const { room } = await join(t, server);
  await until(room, isOpen);
  const [socket] = server.sockets;
  assert.ok(socket);
  const closed = once(socket, "close");
  room.leave();
  await closed;
});
