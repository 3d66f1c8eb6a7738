/**
 * Senders and listeners that lose their connections again and again.
 *
 * `node soak.mjs URL SENDERS LISTENERS MESSAGES CUTS DELETIONS` prints what each of them has at the end, as JSON. CUTS is
 * the probability that a connection is cut around a message of a sender, DELETIONS that of a message to be deleted, by its
 * author or by the owner of the room.
 */

import { WebSocket } from "ws";
import { ChatClient, type ChatError, type Room, type WebSocketConstructor } from "../../src/index.js";
import { MemoryStorage } from "../fake-server.js";

const LISTENING_MS = [200, 1_500] as const;
const GIVE_UP_MS = 60_000;

const [url = "", ...numbers] = process.argv.slice(2);
const [senders = 5, listeners = 5, messages = 60, cuts = 0.05, deletions = 0.1] = numbers.map(Number);
const deleted: string[] = [];
let cutCount = 0;

/** Cut a connection without a closing handshake. */
function cut(socket: WebSocket): void {
  cutCount += 1;
  socket.terminate();
}

/** The socket of a sender: it breaks before or after some of the messages that it sends. */
class SenderSocket extends WebSocket {
  override send(text: string): void {
    const isCut = /sendMessage|deleteMessage/.test(text) && Math.random() < cuts;
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

function join(roomId: string, socket: WebSocketConstructor, name: string, owner?: string): Room {
  return new ChatClient({ url, WebSocket: socket, storage: new MemoryStorage() }).join(roomId, { name, owner });
}

/** Delete a message, and try again as long as the server does not confirm it. */
async function remove(room: Room, sequence: number): Promise<void> {
  for (;;) {
    try {
      await room.deleteMessage(sequence);
      return;
    } catch (error) {
      const { code, retryAfter } = error as ChatError;
      if (retryAfter) await new Promise((resolve) => setTimeout(resolve, retryAfter * 1_000));
      else if (code === "offline") await connected(room);
      else if (!["unconfirmed", "not_in_room", "internal"].includes(code)) throw error;
    }
  }
}

function connected(room: Room): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (room.state.status !== "open") return;
      stop();
      resolve();
    };
    const stop = room.subscribe(check);
    check();
  });
}

/** Wait until a room contains exactly the messages that were not deleted, in any order. Give up after a while. */
function whole(room: Room, expected: string): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (sorted(room.messages.map(({ message }) => message)) !== expected) return;
      clearTimeout(timer);
      stop();
      resolve();
    };
    const stop = room.subscribe(check);
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, GIVE_UP_MS);
    check();
  });
}

function sorted(texts: readonly string[]): string {
  return JSON.stringify([...texts].sort());
}

let isSending = true;
const { roomId, ownerToken } = await new ChatClient({ url }).createRoom("Soak");
const owner = join(roomId, SenderSocket, "owner", ownerToken);
const listening = Array.from({ length: listeners }, (_, number) => join(roomId, ListenerSocket, `listener${number}`));
const sending = Array.from({ length: senders }, (_, number) => join(roomId, SenderSocket, `sender${number}`));
const echoes = await Promise.all(
  sending.map(async (room, sender) => {
    const echoed: Record<string, number> = {};
    for (let number = 0; number < messages; number += 1) {
      const { sequence, message } = await room.send(`sender${sender}-${number}`);
      echoed[message] = sequence;
      if (Math.random() >= deletions) continue;
      await remove(Math.random() < 0.5 ? room : owner, sequence);
      deleted.push(message);
    }
    return echoed;
  }),
);
isSending = false;
for (const room of listening) room.reconnect();
const everyone = [owner, ...sending, ...listening];
const sent = echoes.flatMap((echoed) => Object.keys(echoed));
const expected = sorted(sent.filter((text) => !deleted.includes(text)));
await Promise.all(everyone.map((room) => whole(room, expected)));
const heard = everyone.map((room) => room.messages.map((one) => [one.sequence, one.message]));
process.stdout.write(JSON.stringify({ roomId, cuts: cutCount, deleted, echoes, heard }));
for (const room of everyone) room.leave();
