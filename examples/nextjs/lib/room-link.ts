"use client";

/**
 * Links to rooms: /room/?id=ROOM_ID#token=JOIN_TOKEN. The tokens are in the fragment, which browsers send to no server: not
 * in a request, nor as the referrer. The owner's token stays in the storage of the browser.
 */

import type { RoomTokens } from "chalice-chat-client";
import { useSyncExternalStore } from "react";
import { readItem, subscribeToStorage, writeItem } from "./storage";

interface Tokens {
  readonly token: string | null;
  readonly owner: string | null;
}

/** Return the path of a room. A private room has a token. With the owner's token, the link makes its visitor an owner. */
export function roomPath(roomId: string, token?: string | null, owner?: string | null): string {
  const tokens = new URLSearchParams({ ...(token && { token }), ...(owner && { owner }) });
  const path = `/room/?${new URLSearchParams({ id: roomId })}`;
  return tokens.size ? `${path}#${tokens}` : path;
}

/** Return the tokens of a room that the visitor has. */
export function useTokens(roomId: string): Tokens {
  const fragment = useSyncExternalStore(subscribeToFragment, getFragment, getNothing);
  const saved = useSyncExternalStore(subscribeToStorage, () => readOwnerTokens(roomId)[0] ?? null, getNothing);
  const tokens = new URLSearchParams(fragment?.slice(1));
  return { token: tokens.get("token"), owner: saved ?? tokens.get("owner") };
}

export function saveOwnerToken(roomId: string, owner: string): void {
  writeItem(keyOf(roomId), owner);
}

/** Move the owner's token from the address to the storage: who copies the address must not give it away. */
export function hideOwnerToken(roomId: string): void {
  const tokens = new URLSearchParams(getFragment().slice(1));
  const owner = tokens.get("owner");
  if (!owner) return;
  writeItem(keyOf(roomId), [...new Set([...readOwnerTokens(roomId), owner])].join(" "));
  replaceAddress(roomPath(roomId, tokens.get("token")));
}

/** Forget the owner's tokens that have given no rights, unless there is no other one to try. */
export function sortOwnerTokens(roomId: string, owner: string, isOwner: boolean): void {
  const others = readOwnerTokens(roomId).filter((token) => token !== owner);
  if (others.length) writeItem(keyOf(roomId), isOwner ? owner : others.join(" "));
}

/** Replace the tokens of a room: the former ones no longer work. */
export function saveTokens(roomId: string, { joinToken, ownerToken }: RoomTokens): void {
  if (ownerToken) saveOwnerToken(roomId, ownerToken);
  if (joinToken) replaceAddress(roomPath(roomId, joinToken));
}

function replaceAddress(path: string): void {
  window.history.replaceState(window.history.state, "", path);
  window.dispatchEvent(new HashChangeEvent("hashchange")); // only the user's own changes send it
}

/** The saved tokens, the one to use first: that of a link may be wrong, and must not replace the right one. */
function readOwnerTokens(roomId: string): string[] {
  return readItem(keyOf(roomId))?.split(" ").filter(Boolean) ?? [];
}

function keyOf(roomId: string): string {
  return `chalice-chat.owner.${roomId}`;
}

function subscribeToFragment(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

function getFragment(): string {
  return window.location.hash;
}

function getNothing(): null {
  return null;
}
