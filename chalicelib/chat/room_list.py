"""The list of public rooms: its pages, and the opaque cursors that lead from one to the next."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime

from chalicelib import limits
from chalicelib.auth.identity import User
from chalicelib.errors import InvalidInput
from chalicelib.storage.base import Key
from chalicelib.storage.models import LISTED, Room

MAX_BATCH_ITEMS = 100
"""Maximum number of items in one BatchGetItem request ("BatchGetItem")."""


def list_public(limit: int, cursor: str | None = None, user: User | None = None) -> tuple[list[Room], str | None]:
    """Return at most limit public rooms, newest first, and the cursor of the next page, None after the last page.

    user: who has signed in. The list lacks the rooms that their access token does not allow.

    A page is shorter where very many rooms in a row have expired: it takes at most MAX_READ_REQUESTS.

    Raises InvalidInput if cursor is not one that an earlier page returned.
    """
    start = None if cursor is None else _decode_cursor(cursor)
    if user is not None and user.room_ids is not None:
        return _list_allowed(user.room_ids, limit, start)
    # Rooms that other versions of the app have created have no listed_until.
    may_be_listed = Room.listed_until.does_not_exist() | (Room.listed_until > datetime.now(UTC))
    index = Room.by_age.query(
        LISTED,
        filter_condition=may_be_listed,
        scan_index_forward=False,
        page_size=limit + 1,
        last_evaluated_key=start,
    )
    found, position, requests = list[Room](), ("", ""), 0
    for page in Room.pages(index):
        requests += 1
        for first in range(0, len(page.rows), MAX_BATCH_ITEMS):
            if requests == limits.MAX_READ_REQUESTS:
                return found, _encode_cursor(position)
            requests += 1
            batch = page.rows[first : first + MAX_BATCH_ITEMS]
            for room in _still_listed([entry.room_id for entry in batch]):
                if len(found) == limit:
                    return found, _encode_cursor(_index_sort_key(found[-1]))
                found.append(room)
            position = _index_sort_key(batch[-1])
        if page.last_key is None:
            return found, None
        position = page.last_key["created_at"]["S"], page.last_key["room_id"]["S"]
        if requests + 2 > limits.MAX_READ_REQUESTS:  # a page of the index, and the rooms in it
            break
    return found, _encode_cursor(position)


def _list_allowed(room_ids: frozenset[str], limit: int, start: Key | None) -> tuple[list[Room], str | None]:
    """Read all the rooms that an access token lists, a few hundred at most, and return those after start."""
    rooms = sorted(
        _still_listed([room_id for room_id in room_ids if Room.is_valid_id(room_id)]), key=_index_sort_key, reverse=True
    )
    if start is not None:
        rooms = [room for room in rooms if _index_sort_key(room) < (start["created_at"]["S"], start["room_id"]["S"])]
    return rooms[:limit], _encode_cursor(_index_sort_key(rooms[limit - 1])) if len(rooms) > limit else None


def _still_listed(room_ids: list[str]) -> Iterator[Room]:
    """Read rooms that the index contains: it is eventually consistent, and does not contain member counts."""
    rooms = {room.room_id: room for room in Room.batch_get(room_ids, consistent_read=True)}
    for room_id in room_ids:
        room = rooms.get(room_id)
        if room is not None and room.listed and room.is_alive:
            yield room


def _encode_cursor(position: tuple[str, str]) -> str:
    """Return the cursor of the page that starts after a position in the index."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def _index_sort_key(room: Room) -> tuple[str, str]:
    """Return the values by which the list's index sorts a room, as DynamoDB stores them."""
    return str(Room.created_at.serialize(room.created_at)), str(room.room_id)


def _decode_cursor(cursor: str) -> Key:
    """Return the key in the list's index at which a cursor points.

    Raises InvalidInput if `_encode_cursor` did not make the cursor.
    """
    expected = "cursor must be the nextCursor of an earlier page of rooms"
    try:
        created_at, room_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        room = Room(room_id, created_at=Room.created_at.deserialize(str(created_at)))
        is_genuine = Room.is_valid_id(room_id) and _encode_cursor(_index_sort_key(room)) == cursor
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(expected) from error
    if not is_genuine:
        raise InvalidInput(expected)
    return {"listed": {"S": LISTED}, "created_at": {"S": created_at}, "room_id": {"S": room_id}}
