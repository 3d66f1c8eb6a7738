/**
 * Senders and listeners that lose their connections again and again.
 *
 * `node soak.mjs URL SENDERS LISTENERS MESSAGES CUTS` prints what each of them has at the end, as JSON. CUTS is the
 * probability that a connection is cut around a message of a sender.
 */

import { WebSocket } from "ws";
import { ChatClient, type Room, type WebSocketConstructor } from "../../src/index.js";
import { MemoryStorage } from "../fake-server.js";

const LISTENING_MS = [200, 1_500] as const;

const [url = "", ...numbers] = process.argv.slice(2);
const [senders = 5, listeners = 5, messages = 60, cuts = 0.05] = numbers.map(Number);
let cutCount = 0;

/** Cut a connection without a closing handshake. */
function cut(socket: WebSocket): void {
  cutCount += 1;
  socket.terminate();
}

/** The socket of a sender: it breaks before or after some of the messages that it sends. */
class SenderSocket extends WebSocket {
  override send(text: string): void {
    const isCut = text.includes("sendMessage") && Math.random() < cuts;
    if (isCut && Math.random() < 0.5) {
      cut(this);
      return;
    }
    super.send(text, () => isCut && cut(this));
  }
}

/** The socket of a listener: it breaks after a short while. */
class ListenerSocket extends WebSocket {
  constructor(address: string) {
    super(address);
    const [shortest, longest] = LISTENING_MS;
    this.on("open", () => {
      const timer = setTimeout(() => isSending && cut(this), shortest + Math.random() * (longest - shortest));
      this.on("close", () => clearTimeout(timer));
    });
  }
}

function join(roomId: string, socket: WebSocketConstructor, name: string): Room {
  return new ChatClient({ url, WebSocket: socket, storage: new MemoryStorage() }).join(roomId, { name });
}

function whole(room: Room): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (room.messages.length < senders * messages) return;
      stop();
      resolve();
    };
    const stop = room.subscribe(check);
    check();
  });
}

let isSending = true;
const { roomId } = await new ChatClient({ url }).createRoom("Soak");
const listening = Array.from({ length: listeners }, (_, number) => join(roomId, ListenerSocket, `listener${number}`));
const sending = Array.from({ length: senders }, (_, number) => join(roomId, SenderSocket, `sender${number}`));
const echoes = await Promise.all(
  sending.map(async (room, sender) => {
    const echoed: Record<string, number> = {};
    for (let number = 0; number < messages; number += 1) {
      const { sequence, message } = await room.send(`sender${sender}-${number}`);
      echoed[message] = sequence;
    }
    return echoed;
  }),
);
isSending = false;
for (const room of listening) room.reconnect();
await Promise.all([...sending, ...listening].map(whole));
const heard = [...sending, ...listening].map((room) => room.messages.map((one) => [one.sequence, one.message]));
process.stdout.write(JSON.stringify({ cuts: cutCount, echoes, heard }));
for (const room of [...sending, ...listening]) room.leave();
