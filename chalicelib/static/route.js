/** Hash routes: `#/rooms/ROOM_ID` for a room, with `?token=TOKEN` for a private one; the room list for any other. */

/** Return the hash of a room. `room` is `{roomId, token}`; the token of a public room is null. */
export function addressOf({ roomId, token }) {
  const query = token ? `?${new URLSearchParams({ token })}` : "";
  return `#/rooms/${encodeURIComponent(roomId)}${query}`;
}

export function roomIn(hash) {
  const [, encoded, query] = hash.match(/^#\/rooms\/([^/?]+)\/?(?:\?(.*))?$/) ?? [];
  try {
    return encoded ? { roomId: decodeURIComponent(encoded), token: new URLSearchParams(query).get("token") } : null;
  } catch {
    // The hash has an invalid percent encoding.
    return null;
  }
}

/** Return the room that a pasted link leads to, or null when it is not a link to a room here. */
export function roomInLink(link) {
  try {
    const url = new URL(link.trim(), location.href);
    return url.origin === location.origin ? roomIn(url.hash) : null;
  } catch {
    return null;
  }
}
