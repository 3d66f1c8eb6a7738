/** JSON frames of the WebSocket protocol: serialize what the page sends, parse what it receives. */

const FROM_MEMBERS = ["message", "join", "leave"];

export const PING = JSON.stringify({ action: "ping" });

export function sendMessage(message, clientId) {
  return JSON.stringify({ action: "sendMessage", data: { message, clientId } });
}

/** Parse a frame into `{type, …}`, with the further types "error" and "pong". Returns null for an invalid frame. */
export function readFrame(text) {
  const { message, error, pong } = parse(text) ?? {};
  if (pong) return { type: "pong" };
  if (isText(error?.message)) return { ...error, type: "error" };
  if (!isText(message?.type)) return null;
  return FROM_MEMBERS.includes(message.type) && !isComplete(message) ? null : message;
}

function isComplete({ type, message, sender, sequence, sentAt }) {
  const isPlaced = type !== "message" || (Number.isSafeInteger(sequence) && Date.parse(sentAt) > 0);
  return isPlaced && isText(message) && isText(sender?.id) && isText(sender.name);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function isText(value) {
  return typeof value === "string";
}
