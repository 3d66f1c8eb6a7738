"""Opaque cursors for the pages of the room list."""

from __future__ import annotations

import base64
import json

from pynamodb.attributes import UTCDateTimeAttribute

from chalicelib.storage.models import LISTED, Room


def encode_cursor(room: Room) -> str:
    """Return the cursor of the page that starts after room."""
    return base64.urlsafe_b64encode(json.dumps(index_sort_key(room)).encode()).decode().rstrip("=")


def index_sort_key(room: Room) -> tuple[str, str]:
    """Return the values by which the list's index sorts a room, as DynamoDB stores them."""
    return str(UTCDateTimeAttribute().serialize(room.created_at)), str(room.room_id)


def decode_cursor(cursor: str) -> dict[str, dict[str, str]]:
    """Return the key in the list's index at which a cursor points.

    Raises ValueError if `encode_cursor` did not make the cursor.
    """
    try:
        created_at, room_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        room = Room(room_id, created_at=UTCDateTimeAttribute().deserialize(str(created_at)))
        is_genuine = Room.is_valid_id(room_id) and encode_cursor(room) == cursor
    except (TypeError, RecursionError) as error:
        raise ValueError(f"expected a cursor of encode_cursor, not {cursor!r}") from error
    if not is_genuine:
        raise ValueError(f"expected a cursor of encode_cursor, not {cursor!r}")
    return {"listed": {"S": LISTED}, "created_at": {"S": created_at}, "room_id": {"S": room_id}}
