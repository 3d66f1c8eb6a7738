"""The life of a room: create, list, join, leave, expire.

A room's member_count moves in one transaction with the connection's row, so that a `$disconnect` that comes twice,
or meets the clean-up after a 410, counts once. Every room has an expires_at at all times, so that neither a crash
nor a `$disconnect` that never came keeps a room for longer than somebody could be in it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from chalice import BadRequestError, ForbiddenError, NotFoundError
from pynamodb.attributes import UTCDateTimeAttribute
from pynamodb.exceptions import DoesNotExist
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib import invocation, settings
from chalicelib.checks import DISPLAY_NAME_LIMIT, ROOM_NAME_LIMIT, checked_boolean, checked_name
from chalicelib.models import LISTED, Connection, Room
from chalicelib.transactions import decide_again_when_cancelled, transaction

__all__ = ["create", "find", "find_member", "get", "join", "leave", "members", "newest"]

TOKEN_BYTES = 32
"""How many random bytes make a token that nobody guesses: 256 bits, so that a hash without salt keeps it secret."""

TRANSACTION_LIMIT = 100
"""How many items one transaction may touch ("Amazon DynamoDB Transactions: How it works")."""

BATCH_LIMIT = 100
"""How many items one look-up may name ("BatchGetItem")."""

LIST_ROUNDS = 10
"""How many further look-ups a page of the list may cost, when most of what it meets has expired."""

_ROOM_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


def create(name: object, private: object = False) -> Room:
    """Create a room that waits UNUSED_ROOM_SECONDS for its first member.

    A public room is listed at once. A private one never is, and has the join_token that opens it, for this once.

    Raises BadRequestError when name is not a text of 1 to 80 characters, or private not true or false.
    """
    now = datetime.now(UTC)
    room = Room(
        room_id=secrets.token_urlsafe(12),
        name=checked_name(name, "roomName", ROOM_NAME_LIMIT),
        created_at=now,
        expires_at=now + timedelta(seconds=settings.UNUSED_ROOM_SECONDS),
    )
    if checked_boolean(private, "private"):
        room.join_token = secrets.token_urlsafe(TOKEN_BYTES)
        room.token_hash = _hash(room.join_token)
    else:
        room.listed = LISTED
    room.save(Room.room_id.does_not_exist())
    return room


def find(room_id: str) -> Room | None:
    """Read a room as it is at this moment, None when there is none, or none any more."""
    room = _read(room_id)
    return room if room is not None and room.is_alive else None


def get(room_id: str, token: str | None = None) -> Room:
    """Read a room as it is at this moment, for a visitor with this token.

    Raises NotFoundError when there is no such room, ForbiddenError when it is private and the token is not its own.
    """
    room = find(room_id)
    if room is None:
        raise NotFoundError("no such room: it never was, or everyone left it and it has expired")
    invocation.note(room=room_id)
    if room.token_hash is not None and not hmac.compare_digest(room.token_hash, _hash(token or "")):
        raise ForbiddenError("this room is private: the token of its invitation must be in the query, as in ?token=…")
    return room


def newest(limit: int, cursor: str | None) -> tuple[list[Room], str | None]:
    """List the public rooms, newest first: at most limit of them, and the cursor of the next page, None at the end.

    A page has fewer where very many rooms in a row have expired, which DynamoDB deletes late. Raises BadRequestError
    when the cursor is not one that an earlier page gave.
    """
    index = Room.newest_listed.query(
        LISTED,
        scan_index_forward=False,
        page_size=BATCH_LIMIT,
        last_evaluated_key=None if cursor is None else _decode_cursor(cursor),
    )
    found: list[Room] = []
    for batch in [limit + 1] + [BATCH_LIMIT] * LIST_ROUNDS:
        entries = list(islice(index, batch))
        for room in _still_listed(entries):
            if len(found) == limit:
                return found, _encode_cursor(found[-1])
            found.append(room)
        if len(entries) < batch:
            return found, None
    return found, _encode_cursor(entries[-1])


def members(room_id: str, token: str | None = None) -> list[Connection]:
    """List who is in a room, as far as the index has heard, for a visitor with this token.

    Raises what `get` raises.
    """
    get(room_id, token)
    return [member for member in Connection.by_room.query(room_id) if member.is_alive]


def join(connection_id: str, room_id: str | None, name: str | None, token: str | None = None) -> Connection:
    """Put a connection into a room, under a name or as a guest.

    Raises BadRequestError when there is no room_id or name is not a text of 1 to 40 characters, and what `get` raises.
    """
    if not room_id:
        raise BadRequestError("roomId must be in the query, as in ?roomId=…&name=…")
    name = checked_name(name, "name", DISPLAY_NAME_LIMIT) if name else f"guest-{secrets.token_hex(2)}"
    return _join(connection_id, room_id, name, token)


def find_member(connection_id: str) -> Connection | None:
    """Read who speaks through a connection, None when it is in no room."""
    try:
        return Connection.get(connection_id, consistent_read=True)
    except DoesNotExist:
        return None


def leave(room_id: str, connection_ids: Sequence[str], *, for_a_410: bool = False) -> list[Connection]:
    """Take connections out of a room, and return those that were still in it.

    For a 410, only those whose `$connect` must have returned: until then it is the answer to every post, and who was
    taken out would be connected to a room that does not know them.

    The transaction that takes the last one out also takes the room off the list, and leaves it joinable by its id
    for EMPTY_ROOM_GRACE_SECONDS.
    """
    most = TRANSACTION_LIMIT - 1  # the room itself is an item, too
    return [
        member
        for start in range(0, len(connection_ids), most)
        for member in _leave(room_id, connection_ids[start : start + most], for_a_410)
    ]


@decide_again_when_cancelled
def _join(connection_id: str, room_id: str, name: str, token: str | None) -> Connection:
    room = get(room_id, token)
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=settings.CONNECTION_SECONDS)
    connection = Connection(
        connection_id=connection_id,
        joined_room_id=room_id,
        member_id=secrets.token_urlsafe(9),
        name=name,
        recent=[0] * settings.MESSAGES_PER_WINDOW,
        expires_at=expires_at,
    )
    changes: list[Action] = [Room.member_count.add(1), Room.expires_at.set(expires_at)]
    if room.token_hash is None:
        changes.append(Room.listed.set(LISTED))
    with transaction() as writes:
        writes.save(connection, Connection.connection_id.does_not_exist())
        writes.update(Room(room_id), changes, Room.expires_at > now)
    return connection


@decide_again_when_cancelled
def _leave(room_id: str, connection_ids: Sequence[str], for_a_410: bool) -> list[Connection]:
    rows = Connection.batch_get(list(connection_ids), consistent_read=True)
    leaving = [row for row in rows if row.joined_room_id == room_id and not (for_a_410 and row.may_be_connecting)]
    if not leaving:
        return []
    room = _read(room_id)
    with transaction() as writes:
        for connection in leaving:
            writes.delete(connection, Connection.connection_id.exists())
        if room is not None:
            _count_out(writes, room, len(leaving))
    return leaving


def _count_out(writes: TransactWrite, room: Room, leaving: int) -> None:
    last_one_out = Room.member_count <= leaving
    if room.member_count > leaving:
        writes.update(room, [Room.member_count.add(-leaving)], Room.member_count > leaving)
    elif settings.EMPTY_ROOM_GRACE_SECONDS == 0:
        writes.delete(room, last_one_out)
    else:
        goes_at = datetime.now(UTC) + timedelta(seconds=settings.EMPTY_ROOM_GRACE_SECONDS)
        if not room.is_alive:
            goes_at = room.expires_at  # it has gone, and one who leaves late does not bring it back
        writes.update(
            room, [Room.member_count.set(0), Room.listed.remove(), Room.expires_at.set(goes_at)], last_one_out
        )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read(room_id: str) -> Room | None:
    if not _ROOM_ID.fullmatch(room_id):
        return None
    try:
        return Room.get(room_id, consistent_read=True)
    except DoesNotExist:
        return None


def _still_listed(entries: list[Room]) -> Iterator[Room]:
    """Look up the rooms that the index names, because the index is late and knows no counts."""
    rooms = {room.room_id: room for room in Room.batch_get([entry.room_id for entry in entries], consistent_read=True)}
    for entry in entries:
        room = rooms.get(entry.room_id)
        if room is not None and room.listed and room.is_alive:
            yield room


def _encode_cursor(room: Room) -> str:
    position = [UTCDateTimeAttribute().serialize(room.created_at), room.room_id]
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _decode_cursor(cursor: str) -> dict[str, dict[str, str]]:
    try:
        created_at, room_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        room = Room(room_id, created_at=UTCDateTimeAttribute().deserialize(str(created_at)))
        if not _ROOM_ID.fullmatch(room_id) or _encode_cursor(room) != cursor:
            raise ValueError(cursor)
    except (ValueError, TypeError, RecursionError) as cause:
        raise BadRequestError("cursor must be the nextCursor of an earlier page of rooms") from cause
    return {"listed": {"S": LISTED}, "created_at": {"S": created_at}, "room_id": {"S": room_id}}
