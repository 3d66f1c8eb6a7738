/**
 * Senders and listeners that lose their connections again and again.
 *
 * `node soak.mjs URL SENDERS LISTENERS MESSAGES CUTS DELETIONS EDITS REACTIONS` prints what each of them has at the end, as
 * JSON. CUTS is the probability that a connection is cut around a message of a sender, DELETIONS that of a message to be
 * deleted, by its author or by the owner of the room, EDITS that of a message to be edited, and REACTIONS that of a reaction to
 * an earlier message after a message; every third one removes the sender's last one again.
 */

import { WebSocket } from "ws";
import { ChatClient, type ChatError, type Message, type Room, type WebSocketConstructor } from "../../src/index.js";
import { MemoryStorage } from "../fake-server.js";

const LISTENING_MS = [200, 1_500] as const;
const GIVE_UP_MS = 60_000;

const [url = "", ...numbers] = process.argv.slice(2);
const [senders = 5, listeners = 5, messages = 60, cuts = 0.05, deletions = 0.1, edits = 0.1, reactions = 0.1] =
  numbers.map(Number);
let deletionCount = 0;
/** The text that each message is expected to have at the end, and the senders who react to it, by its sequence. */
const texts = new Map<number, string>();
const reacted = new Map<number, Set<string>>();
let reactionCount = 0;
let cutCount = 0;

/** Cut a connection without a closing handshake. */
function cut(socket: WebSocket): void {
  cutCount += 1;
  socket.terminate();
}

/** The socket of a sender: it breaks before or after some of the messages that it sends. */
class SenderSocket extends WebSocket {
  override send(text: string): void {
    const isCut = /sendMessage|deleteMessage|editMessage|react/.test(text) && Math.random() < cuts;
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

/** Do something to a message, and try again as long as the server does not confirm it. */
async function repeat(room: Room, change: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await change();
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

/** React to one of the messages that exist, or take the last reaction back. */
async function react(room: Room, name: string): Promise<void> {
  const sequences = [...texts.keys()];
  const own = [...reacted].findLast(([sequence, names]) => names.has(name) && texts.has(sequence))?.[0];
  const isRemoval = reactionCount++ % 3 === 2 && own !== undefined;
  const sequence = isRemoval ? own : sequences[Math.floor(Math.random() * sequences.length)];
  if (sequence === undefined) return;
  const names = reacted.get(sequence) ?? new Set();
  reacted.set(sequence, names);
  try {
    await repeat(room, () => room.react(sequence, "👍", { remove: isRemoval }));
  } catch (error) {
    if ((error as ChatError).code !== "invalid_message" || texts.has(sequence)) throw error; // it was deleted meanwhile
    return;
  }
  if (isRemoval) names.delete(name);
  else names.add(name);
}

/** Return what a room contains: the sequence, the text and the reactions of each message. */
function contentOf(room: Room): readonly (readonly [number, string, number])[] {
  const countOf = ({ reactions: [first] }: Message) => first?.count ?? 0;
  return room.messages.map((one) => [one.sequence, one.message, countOf(one)]);
}

/** Wait until a room contains exactly the messages that were not deleted, as they are now. Give up after a while. */
function whole(room: Room, expected: string): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (JSON.stringify(contentOf(room)) !== expected) return;
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
      texts.set(sequence, message);
      if (Math.random() < edits) {
        await repeat(room, () => room.edit(sequence, `${message} edited`));
        texts.set(sequence, `${message} edited`);
      }
      if (Math.random() < reactions) await react(room, `sender${sender}`);
      if (Math.random() >= deletions) continue;
      const remover = Math.random() < 0.5 ? room : owner;
      deletionCount += 1;
      texts.delete(sequence);
      await repeat(remover, () => remover.deleteMessage(sequence));
    }
    return echoed;
  }),
);
isSending = false;
for (const room of listening) room.reconnect();
const everyone = [owner, ...sending, ...listening];
const expected = [...texts]
  .sort(([one], [other]) => one - other)
  .map(([sequence, text]) => [sequence, text, reacted.get(sequence)?.size ?? 0]);
await Promise.all(everyone.map((room) => whole(room, JSON.stringify(expected))));
const heard = everyone.map(contentOf);
process.stdout.write(
  JSON.stringify({
    roomId,
    cuts: cutCount,
    deletions: deletionCount,
    reactions: reactionCount,
    echoes,
    expected,
    heard,
  }),
);
for (const room of everyone) room.leave();
