"""Message storage: sequences, idempotency, history.

A message is stored before anyone sees it, in two writes. The first takes the next sequence of the room from a counter.
The second is a transaction that stores the message under that sequence, and an idempotency record for its clientId.

- If a handler crashes between the two writes, the sequence has no message. Nobody has seen it. When the client retries,
  the message gets a new sequence.
- If a handler crashes after the second write, the message is stored. When the client retries, the idempotency record
  leads to it, and it is delivered under its stored sequence. The sequence that the retry took has no message.

A higher sequence may be stored before a lower one. A reader that has seen the higher one would miss the lower one when
it is stored later. So readers fill each gap with a tombstone (conditional put). A message that loses the race against a
tombstone gets a new sequence. What a reader has read stays complete.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from chalicelib import limits, rooms, settings
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.identity import User
from chalicelib.storage.models import Connection, IdempotencyRecord, Message, Room, RoomSequence
from chalicelib.storage.transactions import (
    StorageError,
    condition_failed,
    retry_on_conflict,
    transaction,
    was_cancelled,
)

__all__ = ["History", "HookSender", "history", "last_sequence", "store", "take_sequence"]


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


class HookSender(NamedTuple):
    """A webhook as the sender of a message, with the same attributes as a connection."""

    joined_room_id: str
    member_id: str
    name: str
    retention: timedelta


def store(sender: Connection | HookSender, text: str, client_id: str | None, sequence: int | None = None) -> Message:
    """Store a message in its sender's room, and return the stored message.

    Idempotent: if any member used client_id in the room within IDEMPOTENCY_TTL_SECONDS, nothing is stored, and the
    message of that time is returned. A hook has client_ids of its own, which its messages do not show: a member could
    take such a message for the echo of its own. Costs two requests, four for a client_id that was used before.

    sequence: one that the caller has taken for this message; then the costs are one request less.

    Retries conflicts with transactions for up to 10 seconds. Raises InvalidInput if the earlier message has another
    text, Forbidden if it was deleted, and StorageError if DynamoDB fails.
    """
    return _store(sender, text, client_id, [] if sequence is None else [sequence])


@retry_on_conflict
def _store(sender: Connection | HookSender, text: str, client_id: str | None, taken: list[int]) -> Message:
    """Store a message under the sequence in taken, and take another one for each retry."""
    room_id, now = sender.joined_room_id, datetime.now(UTC)
    hook_id = sender.member_id if isinstance(sender, HookSender) else None
    sequence = taken.pop() if taken else take_sequence(room_id)
    message = Message(
        room_id=room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        text=text,
        sender_id=sender.member_id,
        sender_name=sender.name,
        sender_is_bot=None if hook_id is None else True,
        sent_at=now,
        client_id=client_id if hook_id is None else None,
        expires_at=now + sender.retention,
    )
    record_key = IdempotencyRecord.sort_key_of(client_id or "", hook_id)
    try:
        with transaction() as writes:
            writes.save(message, Message.sort_key.does_not_exist())
            if client_id is not None:
                is_new = IdempotencyRecord.sort_key.does_not_exist() | (IdempotencyRecord.expires_at <= now)
                writes.save(_idempotency_record(message, record_key), is_new)
    except StorageError as error:
        earlier = _earlier_message(room_id, record_key) if was_cancelled(error) and client_id is not None else None
        if earlier is None:
            raise
        if earlier.is_tombstone:
            raise Forbidden("this message was deleted, and is not stored again") from error
        if earlier.text != text:
            raise InvalidInput("clientId belongs to another message: use a new one, such as a UUID") from error
        return earlier
    return message


def history(
    room_id: str,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
    token: str | None = None,
    user: User | None = None,
) -> History:
    """Return at most limit messages between two sequences, both exclusive: with after the oldest, otherwise the newest.

    Writes a tombstone into each gap that it finds.

    Raises InvalidInput if after or before is beyond the last message, and what `rooms.get` raises.
    """
    room = rooms.get(room_id, token, user)
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


@retry_on_conflict
def take_sequence(room_id: str) -> int:
    """Take the next sequence of a room. Raises StorageError if DynamoDB fails."""
    sequence = RoomSequence(room_id)
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.SEQUENCE_TTL_SECONDS)
    sequence.update([RoomSequence.last_sequence.add(1), RoomSequence.expires_at.set(expires_at)])
    return int(sequence.last_sequence)


def last_sequence(room: Room) -> int:
    """Return the highest sequence that has a row. Higher ones may be taken, but nothing is stored under them yet."""
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


def _idempotency_record(message: Message, sort_key: str) -> IdempotencyRecord:
    ttl = min(limits.IDEMPOTENCY_TTL_SECONDS, settings.MESSAGE_RETENTION_SECONDS)
    return IdempotencyRecord(
        room_id=message.room_id,
        sort_key=sort_key,
        sequence=message.sequence,
        expires_at=message.sent_at + timedelta(seconds=ttl),
    )


def _earlier_message(room_id: str, record_key: str) -> Message | None:
    record = IdempotencyRecord.find(room_id, record_key)
    if record is None or not record.is_alive:
        return None
    return Message.find(room_id, Message.sort_key_of(int(record.sequence)))
