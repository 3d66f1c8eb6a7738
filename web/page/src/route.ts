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
  const query = String(new URLSearchParams({ ...(token && { token }), ...(owner && { owner }) }));
  return `#/rooms/${encodeURIComponent(roomId)}${query && `?${query}`}`;
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

/** The room that a pasted text leads to. */
export interface Invitation {
  /** Null if its link leads to another site. */
  readonly room: RoomAddress | null;
  /** The host that its link leads to. */
  readonly host: string;
}

const MARK = "#/rooms/";
const ID_LENGTH = 16;
const TOKEN_LENGTH = 43;
/** The longest part of a link before and after the mark that is looked at. */
const REACH = 400;
const TARGET = /^([\w%-]+)\/?(\?[\w%=&+-]*)?/;
/** A target as the server makes it. */
const WHOLE = new RegExp(String.raw`^([\w-]{${ID_LENGTH}})\/?(\?(?:(?:token|owner)=[\w-]{${TOKEN_LENGTH}}&?)+)?`);
const LINE_BREAK = /\s*\n[>\s]*/g;
const HOST_WITHOUT_SCHEME = /[\w-]+(?:\.[\w-]+)+(?::\d+)?\/[\w/.-]*$/;

/** Return the room that a pasted text has a link to, or null if it has no link to a room here. */
export function roomInLink(text: string): RoomAddress | null {
  return findInvitation(text)?.room ?? null;
}

/**
 * Find the first link to a room in a text: in a sentence, in brackets, broken by a mail, encoded within another link. The id of
 * a room alone counts, too.
 */
export function findInvitation(text: string): Invitation | null {
  const plain = plainText(text);
  const [, id] = plain.match(/^[^\w-]*([\w-]{16})[^\w-]*$/) ?? [];
  if (id) return { room: { roomId: id }, host: location.host };
  let other: Invitation | null = null;
  for (let at = plain.indexOf(MARK); at >= 0; at = plain.indexOf(MARK, at + 1)) {
    const site = siteOf(plain.slice(Math.max(0, at - REACH), at));
    const start = at + MARK.length;
    const room = roomIn(MARK + targetOf(plain.slice(start, start + REACH)));
    if (site && room && site.origin === location.origin) return { room, host: site.host };
    if (site && room) other ??= { room: null, host: site.host };
  }
  return other;
}

/** Undo what mail programs, redirections and HTML do to links. */
function plainText(text: string): string {
  const visible = text.replace(/\p{Cf}/gu, "").replace(/&amp;/g, "&");
  const unquoted = /=\r?\n/.test(visible) ? visible.replace(/=\r?\n/g, "").replace(/=3D/g, "=") : visible;
  return unquoted.replace(/%(?:25)*(23|26|2f|3a|3d|3f)/gi, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** Return the address before the mark. A link that begins with the mark leads here. */
function siteOf(before: string): URL | null {
  const word = before.split(/[\s<>"'(]/).at(-1) ?? "";
  const start = word.toLowerCase().lastIndexOf("http");
  const [host] = word.match(HOST_WITHOUT_SCHEME) ?? [];
  try {
    return new URL(start >= 0 ? word.slice(start) : host ? `${location.protocol}//${host}` : "", location.href);
  } catch {
    return null;
  }
}

/** Return the id and the tokens at the start of a text. If they are not whole, they go on after a line break. */
function targetOf(text: string): string {
  const [found = "", id = "", query = ""] = text.match(TARGET) ?? [];
  const tokens = [...new URLSearchParams(query)];
  const isWhole =
    id.length >= ID_LENGTH &&
    tokens.every(([, token]) => token.length >= TOKEN_LENGTH) &&
    !/^\s*\n[>\s]*[?&]/.test(text.slice(found.length));
  const [joined] = (!isWhole && text.replace(LINE_BREAK, "").match(WHOLE)) || [];
  if (joined) return joined;
  // Emphasis, as in _link_.
  const trimmed = new URLSearchParams(tokens.map(([name, token]) => [name, withoutTail(token, TOKEN_LENGTH)]));
  return `${withoutTail(id, ID_LENGTH)}?${trimmed}`;
}

function withoutTail(value: string, length: number): string {
  return /^_+$/.test(value.slice(length)) ? value.slice(0, length) : value;
}
