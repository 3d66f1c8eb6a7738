/** The addresses of rooms: `#/rooms/ROOM_ID`, anything else is the list. */

export function addressOf(roomId) {
  return `#/rooms/${encodeURIComponent(roomId)}`;
}

export function roomIdIn(hash) {
  const [, encoded] = hash.match(/^#\/rooms\/([^/]+)\/?$/) ?? [];
  try {
    return encoded ? decodeURIComponent(encoded) : null;
  } catch {
    // A stray % in a mistyped address.
    return null;
  }
}

/** The room that a pasted link leads to, or null where it leads elsewhere. */
export function roomIdInLink(link) {
  try {
    const url = new URL(link.trim(), location.href);
    return url.origin === location.origin ? roomIdIn(url.hash) : null;
  } catch {
    return null;
  }
}
