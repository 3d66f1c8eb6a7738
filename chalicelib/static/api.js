/** REST client. Its URLs are relative to the page, so they work under any stage path. */

const PATIENCE_MS = 20_000;

/** An error response of the API. Its message is a sentence to show to the visitor. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

export async function createRoom(roomName, isPrivate) {
  const { roomId, joinToken = null } = await call("rooms", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ roomName, private: isPrivate }),
  });
  return { roomId, token: joinToken };
}

export function listRooms(limit, cursor) {
  const query = new URLSearchParams({ limit });
  if (cursor) query.set("cursor", cursor);
  return call(`rooms?${query}`);
}

export function getRoom(room) {
  return callRoom(room);
}

export async function getMembers(room) {
  const { members } = await callRoom(room, "/members");
  return members;
}

/** Read a page of the history. `range` is `{limit}`, and `after` or `before` a sequence; without either, the newest. */
export function getMessages(room, range) {
  return callRoom(room, "/messages", range);
}

export async function getWebSocketUrl() {
  const { webSocketUrl } = await call("config");
  return webSocketUrl;
}

function callRoom({ roomId, token }, part = "", range = {}) {
  const query = new URLSearchParams(token ? { ...range, token } : range).toString();
  return call(`rooms/${encodeURIComponent(roomId)}${part}${query && `?${query}`}`);
}

async function call(path, options) {
  const response = await fetch(path, { signal: AbortSignal.timeout(PATIENCE_MS), ...options });
  if (response.ok) return response.json();
  throw new Refusal(response.status, await sentenceIn(response));
}

async function sentenceIn(response) {
  try {
    const { Message } = await response.json();
    if (response.status < 500 && typeof Message === "string") return Message;
  } catch {
    // The body is not JSON: a proxy answered with its own error page, which is not for the visitor.
  }
  return "The server could not do that just now. Please try again.";
}
