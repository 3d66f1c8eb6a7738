/** Why a room cannot be joined, as its REST API says it. */

import { ApiError, ChatError } from "./errors.js";
import type { CloseReason } from "./types.js";

const BY_CODE: Readonly<Record<string, CloseReason>> = {
  RoomLockedError: "locked",
  MemberBannedError: "banned",
  SourceBannedError: "blocked",
};
const BY_STATUS: Readonly<Record<number, CloseReason>> = { 401: "unauthorized", 403: "private", 404: "gone" };

/** Return the reason that an error gives, undefined if it gives none: another attempt may succeed. */
export function reasonOf(error: unknown): CloseReason | undefined {
  if (error instanceof ChatError && error.code === "wrong_url") return error.code;
  // Only the server's own errors have a `Code`. A proxy that returns 403 or 404 says nothing about the room.
  if (!(error instanceof ApiError) || !error.reason) return undefined;
  return BY_CODE[error.reason] ?? BY_STATUS[error.status];
}

/** Return whether messages that were not sent can never be sent. They may go to a room that was left, or is locked. */
export function endsSending(reason: CloseReason): boolean {
  return ["gone", "banned", "closed"].includes(reason);
}

/**
 * Return whether joining again cannot help. A private room needs another token, a locked one may be unlocked, the user may
 * sign in, another tab may be closed, the network may be admitted again, and the server may be set up again.
 */
export function isFinal(reason: CloseReason): boolean {
  return endsSending(reason) || reason === "left";
}
