/**
 * Hash routes: `#/rooms/ROOM_ID` for a room, with `?token=TOKEN` for a private one, and `owner=TOKEN` for its owner; the
 * room list for any other.
 */

export interface RoomAddress {
  readonly roomId: string;
  /** Undefined for a public room. */
  readonly token?: string | undefined;
  /** The owner's token, only in the owner's link. */
  readonly owner?: string | undefined;
}

/** Return the hash of a room. */
export function addressOf({ roomId, token, owner }: RoomAddress): string {
  const parameters = new URLSearchParams({ ...(token && { token }), ...(owner && { owner }) });
  const query = parameters.size ? `?${parameters}` : "";
  return `#/rooms/${encodeURIComponent(roomId)}${query}`;
}

/** Return the full address of a room: an invite link, or with the owner's token the owner's link. */
export function urlOf(room: RoomAddress): string {
  return new URL(addressOf(room), location.href).href;
}

/** Return the room of a hash, or null when it leads to the list. */
export function roomIn(hash: string): RoomAddress | null {
  const [, encoded, query] = hash.match(/^#\/rooms\/([^/?]+)\/?(?:\?(.*))?$/) ?? [];
  try {
    if (!encoded) return null;
    const parameters = new URLSearchParams(query);
    return {
      roomId: decodeURIComponent(encoded),
      token: parameters.get("token") ?? undefined,
      owner: parameters.get("owner") ?? undefined,
    };
  } catch {
    return null; // the hash has an invalid percent encoding
  }
}

/** Return the room that a pasted link leads to, or null when it is not a link to a room here. */
export function roomInLink(link: string): RoomAddress | null {
  try {
    const url = new URL(link.trim(), location.href);
    return url.origin === location.origin ? roomIn(url.hash) : null;
  } catch {
    return null;
  }
}
