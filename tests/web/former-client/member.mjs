/**
 * A member that uses the former client library: `node member.mjs URL ROOM_ID`.
 *
 * It prints each event of the room as a line of JSON. Of its input, the line `offline` cuts the connection and lets none
 * succeed, `online` connects again, and `snapshot` prints the state of the room. It leaves at the end of its input.
 */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { ChatClient } from "./client.mjs";

const { WebSocket } = createRequire(new URL("../../../web/package.json", import.meta.url))("ws");
const EVENTS = ["state", "message", "notice", "reported", "tokens", "expired", "error"];

let isOffline = false;
let socket;

class Socket extends WebSocket {
  constructor(address) {
    super(isOffline ? "ws://127.0.0.1:9" : address);
    socket = this;
  }
}

const print = (event, value) => process.stdout.write(`${JSON.stringify({ event, value })}\n`);

const [url, roomId] = process.argv.slice(2);
const room = new ChatClient({ url, WebSocket: Socket }).join(roomId, { name: "Aki" });
for (const event of EVENTS) room.on(event, (value) => print(event, value));
createInterface({ input: process.stdin })
  .on("line", (command) => {
    if (command === "snapshot") print("snapshot", room.getSnapshot());
    if (command === "online") {
      isOffline = false;
      room.reconnect();
    }
    if (command === "offline") {
      isOffline = true;
      socket.terminate();
    }
  })
  .on("close", () => room.leave());
