/** JSON frames of the WebSocket protocol: serialize what the client sends, parse what it receives. */

import type { Member, Message } from "./types.js";

/** A message as the server sends it. */
export type StoredMessage = Omit<Message, "isOwn">;

export interface WelcomeFrame {
  readonly type: "welcome";
  readonly member: Member;
  readonly room: { readonly room_id: string; readonly name: string; readonly private: boolean };
  readonly memberCount: number;
  readonly lastSequence: number;
}

export interface PresenceFrame {
  readonly type: "join" | "leave";
  readonly message: string;
  readonly sender: Member;
  readonly memberCount: number;
}

export interface ErrorFrame {
  readonly type: "error";
  readonly code: string;
  readonly message: string;
  readonly action?: string;
  readonly clientId?: string;
  readonly retryAfter?: number;
}

export type Frame = (StoredMessage & { readonly type: "message" }) | PresenceFrame | WelcomeFrame | ErrorFrame;

export const PING = JSON.stringify({ action: "ping" });
export const HELLO = JSON.stringify({ action: "hello" });

export function sendMessage(message: string, clientId: string): string {
  return JSON.stringify({ action: "sendMessage", data: { message, clientId } });
}

/** Parse a frame. Returns null for a pong, and for what a newer server may send and this version does not know. */
export function parseFrame(text: string): Frame | null {
  const { message, error, welcome } = parse(text);
  if (isObject(error)) return isText(error.message) ? ({ ...error, type: "error" } as ErrorFrame) : null;
  if (isObject(welcome)) return isWelcome(welcome) ? ({ ...welcome, type: "welcome" } as WelcomeFrame) : null;
  if (!isObject(message)) return null;
  const { type, sender, sequence, sentAt } = message;
  if (!isText(message.message) || !isMember(sender)) return null;
  if (type === "join" || type === "leave") return message as unknown as PresenceFrame;
  const isPlaced = Number.isSafeInteger(sequence) && Date.parse(String(sentAt)) > 0;
  return type === "message" && isPlaced ? (message as unknown as Frame) : null;
}

function isWelcome({ member, room, lastSequence }: Record<string, unknown>): boolean {
  return isMember(member) && isObject(room) && isText(room.name) && Number.isSafeInteger(lastSequence);
}

function isMember(value: unknown): value is Member {
  return isObject(value) && isText(value.id) && isText(value.name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
