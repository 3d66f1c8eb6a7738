"""The list of public rooms."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from chalicelib.errors import InvalidInput
from chalicelib.identity import User
from chalicelib.storage.cursor import decode_cursor, encode_cursor
from chalicelib.storage.models import LISTED, Room

__all__ = ["list_public"]

MAX_BATCH_ITEMS = 100
"""Maximum number of items in one BatchGetItem request ("BatchGetItem")."""

MAX_LIST_BATCHES = 10
"""Maximum number of further batches that a page of the list reads when most of the index entries have expired."""


def list_public(limit: int, cursor: str | None = None, user: User | None = None) -> tuple[list[Room], str | None]:
    """Return at most limit public rooms, newest first, and the cursor of the next page, None after the last page.

    user: who has signed in. The list lacks the rooms that their access token does not allow.

    A page is shorter where very many rooms in a row have expired, because TTL deletes them late, or are not allowed.

    Raises InvalidInput if cursor is not one that an earlier page returned.
    """
    index = Room.by_age.query(
        LISTED,
        scan_index_forward=False,
        page_size=MAX_BATCH_ITEMS,
        last_evaluated_key=None if cursor is None else _decode_cursor(cursor),
    )
    found: list[Room] = []
    for batch_size in [limit + 1] + [MAX_BATCH_ITEMS] * MAX_LIST_BATCHES:
        entries = list(islice(index, batch_size))
        for room in _still_listed(entries, user):
            if len(found) == limit:
                return found, encode_cursor(found[-1])
            found.append(room)
        if len(entries) < batch_size:
            return found, None
    return found, encode_cursor(entries[-1])


def _still_listed(entries: list[Room], user: User | None) -> Iterator[Room]:
    """Read the rooms of index entries: the index is eventually consistent, and does not contain member counts."""
    room_ids = [entry.room_id for entry in entries if user is None or user.may_enter(entry.room_id)]
    rooms = {room.room_id: room for room in Room.batch_get(room_ids, consistent_read=True)}
    for room_id in room_ids:
        room = rooms.get(room_id)
        if room is not None and room.listed and room.is_alive:
            yield room


def _decode_cursor(cursor: str) -> dict[str, dict[str, str]]:
    try:
        return decode_cursor(cursor)
    except ValueError as error:
        raise InvalidInput("cursor must be the nextCursor of an earlier page of rooms") from error
