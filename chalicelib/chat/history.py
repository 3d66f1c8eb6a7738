"""Message history: pages of a room's messages and events, without gaps that are filled later.

A higher sequence may be stored before a lower one. A reader that has seen the higher one would miss the lower one when
it is stored later. So readers fill each gap with a tombstone (conditional put). A message that loses the race against a
tombstone gets a new sequence. What a reader has read stays complete.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple

from chalicelib.auth.identity import User
from chalicelib.chat import members
from chalicelib.errors import InvalidInput
from chalicelib.storage.models import Message, Room, RoomSequence
from chalicelib.storage.transactions import StorageError, condition_failed, retry_on_conflict

MIN_PAGE_SIZE = 50
"""Minimum number of rows that one request reads: of many deleted messages, a smaller page would read few at a time."""


class History(NamedTuple):
    """A page of messages in ascending order.

    last_sequence: the highest sequence in the room.
    complete: true if no message after `after` can have expired.
    """

    messages: list[Message]
    last_sequence: int
    complete: bool


def read(
    room_id: str,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
    token: str | None = None,
    key: str | None = None,
    owner: str | None = None,
    user: User | None = None,
) -> History:
    """Return at most limit messages between two sequences, both exclusive: with after the oldest, otherwise the newest.

    Writes a tombstone into each gap that it finds.

    Raises InvalidInput if after or before is beyond the last message, and the errors of `members.authorize_reader`.
    """
    room = members.authorize_reader(room_id, token, key, owner, user)
    last = last_sequence(room)
    if after is not None and after > last:
        raise InvalidInput(f"after must be at most {last}, the last sequence in this room")
    if before is not None and before > last + 1:
        raise InvalidInput(f"before must be at most {last + 1}, one more than the last sequence in this room")
    end = last if before is None else before - 1
    # DynamoDB rejects a BETWEEN whose lower bound is above the upper one ("Query", "Key condition expressions").
    wanted = _Range(room_id, after, max(end, after or 0), limit)
    rows = _read(wanted)
    complete = after is None or after == last or _is_complete(room, after, rows)
    if gaps := _gaps(wanted, rows, complete):
        for sequence in gaps:
            _write_tombstone(room, sequence, rows)
        rows = _read(wanted)
    return History([row for row in rows if _is_wanted(wanted, row)], last, complete)


class _Range(NamedTuple):
    """A range of sequences up to end: the oldest above after, or the newest if after is None; up to limit messages."""

    room_id: str
    after: int | None
    end: int
    limit: int


def _read(wanted: _Range) -> list[Message]:
    """Return the rows of a range in ascending order: messages, tombstones, and the row at `after`, if it exists."""
    rows, messages = [], 0
    for row in Message.query(
        wanted.room_id,
        Message.sort_key.between(Message.sort_key_of(wanted.after or 0), Message.sort_key_of(wanted.end)),
        consistent_read=True,
        scan_index_forward=wanted.after is not None,
        page_size=max(wanted.limit, MIN_PAGE_SIZE) + 1,
    ):
        if row.is_alive:
            rows.append(row)
            messages += _is_wanted(wanted, row)
        if messages == wanted.limit or (wanted.after is None and not row.is_alive):
            break
    return sorted(rows, key=lambda row: row.sequence)


def _is_wanted(wanted: _Range, row: Message) -> bool:
    return not row.is_tombstone and row.sequence != wanted.after


def _is_complete(room: Room, after: int, rows: list[Message]) -> bool:
    """Return true if no message after `after` can have expired. Rows expire in their order."""
    is_young = room.created_at + room.retention > datetime.now(UTC)
    return is_young or (bool(rows) and rows[0].sequence <= after + 1)


def _gaps(wanted: _Range, rows: list[Message], complete: bool) -> list[int]:
    """Return the sequences of a range that have no row although a later sequence has one."""
    known = {int(row.sequence) for row in rows}
    if wanted.after is not None and complete:
        known.add(wanted.after)
    if wanted.after is None or sum(_is_wanted(wanted, row) for row in rows) < wanted.limit:
        known.add(wanted.end + 1)
    return [missing for one, next_ in pairwise(sorted(known)) for missing in range(one + 1, next_)]


@retry_on_conflict
def _write_tombstone(room: Room, sequence: int, rows: list[Message]) -> None:
    """Write a tombstone for a sequence that still has no row, so that nothing is stored under it later.

    rows: rows of the room in ascending order. The tombstone expires with the one that follows it: `_is_complete` relies
    on rows that expire in their order.
    """
    neighbours = [row for row in rows if row.sequence > sequence] + rows[-1:]
    tombstone = Message(
        room_id=room.room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        is_tombstone=True,
        expires_at=neighbours[0].expires_at if neighbours else datetime.now(UTC) + room.retention,
    )
    try:
        tombstone.save(Message.sort_key.does_not_exist())
    except StorageError as error:
        if not condition_failed(error):
            raise


def last_sequence(room: Room) -> int:
    """Return the highest sequence that has a row. Higher ones may be taken, but nothing is stored under them yet.

    If all messages have expired, it writes a tombstone under the last sequence that was taken.
    """
    newest = Message.query(
        room.room_id, Message.sort_key.startswith("message#"), consistent_read=True, scan_index_forward=False, limit=1
    )
    for row in newest:
        if row.is_alive:
            return int(row.sequence)
    sequence = RoomSequence.find(room.room_id, RoomSequence.SORT_KEY)
    if sequence is None:
        return 0
    # All messages have expired. A message may be in progress under this sequence: the tombstone moves it to the next.
    taken = int(sequence.last_sequence)
    _write_tombstone(room, taken, [])
    return taken
