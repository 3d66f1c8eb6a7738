/** Hash routes: `#/rooms/ROOM_ID` for a room, with `?token=TOKEN` for a private one; the room list for any other. */

export interface RoomAddress {
  readonly roomId: string;
  /** Undefined for a public room. */
  readonly token?: string | undefined;
}

/** Return the hash of a room. */
export function addressOf({ roomId, token }: RoomAddress): string {
  const query = token ? `?${new URLSearchParams({ token })}` : "";
  return `#/rooms/${encodeURIComponent(roomId)}${query}`;
}

/** Return the room of a hash, or null when it leads to the list. */
export function roomIn(hash: string): RoomAddress | null {
  const [, encoded, query] = hash.match(/^#\/rooms\/([^/?]+)\/?(?:\?(.*))?$/) ?? [];
  try {
    if (!encoded) return null;
    return { roomId: decodeURIComponent(encoded), token: new URLSearchParams(query).get("token") ?? undefined };
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
