/** The addresses of rooms: `#/rooms/ROOM_ID`, a private one with `?token=TOKEN`; anything else is the list. */

/** `room` is `{roomId, token}`, its token null where anybody may enter. */
export function addressOf({ roomId, token }) {
  const query = token ? `?${new URLSearchParams({ token })}` : "";
  return `#/rooms/${encodeURIComponent(roomId)}${query}`;
}

export function roomIn(hash) {
  const [, encoded, query] = hash.match(/^#\/rooms\/([^/?]+)\/?(?:\?(.*))?$/) ?? [];
  try {
    return encoded ? { roomId: decodeURIComponent(encoded), token: new URLSearchParams(query).get("token") } : null;
  } catch {
    // A stray % in a mistyped address.
    return null;
  }
}

/** The room that a pasted link leads to, or null where it leads elsewhere. */
export function roomInLink(link) {
  try {
    const url = new URL(link.trim(), location.href);
    return url.origin === location.origin ? roomIn(url.hash) : null;
  } catch {
    return null;
  }
}
