"""Erasure of closed rooms, and of the messages of removed members.

Jobs of the queue delete what a closed room has: messages, events, members, webhooks and idempotency records. The
messages of a removed member become tombstones; until they are, Room.hidden hides them from readers.

What was in progress meanwhile may still be written. So a job runs once more after the longest time that a function can
take.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from chalicelib import limits, request_log
from chalicelib.chat import messages, reports, rooms
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import Erasure, MessageErasure
from chalicelib.storage.models import Message, Room, RoomSequence
from chalicelib.storage.transactions import (
    MAX_TRANSACTION_ITEMS,
    StorageError,
    failed_conditions,
    retry_on_conflict,
    transaction,
)

MAX_ATTEMPTS = 3
"""How often a job looks for a removal that another function may still be storing."""

PAGE_SIZE = 500
MAX_PAGES_AT_ONCE = 4

MAX_SECONDS = 10.0
"""Time for which one job deletes rows. Another job deletes the rest."""

ERASED_PER_TRANSACTION = MAX_TRANSACTION_ITEMS // 2
"""Each message has an item for its reactions."""

ROWS_PER_CHECK = 500
"""Number of rows that are deleted between two looks at the time."""


def erase(erasure: Erasure) -> None:
    """Delete the rows of a closed room, and queue the next job: for the rest, or for what is still being written.

    Only the two items that say that the room is closed remain. Raises StorageError if DynamoDB fails.
    """
    request_log.append_keys(room_id=erasure.room_id)
    if not _delete_rows(erasure.room_id):
        jobs.enqueue_erasure(erasure)
    elif not erasure.is_last:
        jobs.enqueue_erasure(erasure._replace(is_last=True), delay=limits.MAX_FUNCTION_SECONDS)


@retry_on_conflict
def erase_newest(room_id: str, member_ids: Sequence[str]) -> None:
    """Erase up to ERASED_AT_ONCE of the newest messages of removed members. Raises StorageError if DynamoDB fails."""
    hidden = _hidden(rooms.find(room_id), member_ids)
    if hidden:
        query = _messages_of(room_id, hidden, scan_index_forward=False)
        pages = islice(Message.pages(query), MAX_PAGES_AT_ONCE)
        rows = [row for page in pages for row in page.rows]
        _erase_all(rows[: limits.ERASED_AT_ONCE], hidden)


def erase_messages(erasure: MessageErasure) -> None:
    """Erase the messages of removed members, and queue the next job, if one is needed. Then they need not be hidden.

    Raises StorageError if DynamoDB fails.
    """
    request_log.append_keys(room_id=erasure.room_id)
    room = rooms.find(erasure.room_id)
    hidden = _hidden(room, erasure.member_ids)
    if not hidden:
        if room is not None and erasure.attempt < MAX_ATTEMPTS and not erasure.is_last:
            jobs.enqueue_message_erasure(erasure._replace(attempt=erasure.attempt + 1))
        return
    ends_at, after = time.monotonic() + MAX_SECONDS, min(erasure.after, max(hidden.values()))
    for page in Message.pages(_messages_of(erasure.room_id, hidden, after)):
        _erase_all(page.rows, hidden)
        if time.monotonic() > ends_at and page.last_key is not None:
            reached = Message.sequence_of(page.last_key["sort_key"]["S"])
            jobs.enqueue_message_erasure(erasure._replace(after=reached), delay=0)
            return
    if erasure.is_last:
        _show(erasure.room_id, hidden)
    else:
        jobs.enqueue_message_erasure(erasure._replace(after=0, is_last=True), delay=limits.MAX_FUNCTION_SECONDS)


def _hidden(room: Room | None, member_ids: Sequence[str]) -> dict[str, int]:
    """Return those of removed members whose messages are hidden, with the sequence up to which they are."""
    hidden: dict[str, int] = {} if room is None else room.hidden or {}
    return {id_: hidden[id_] for id_ in member_ids if id_ in hidden}


def _messages_of(room_id: str, hidden: Mapping[str, int], after: int = 0, **options: Any) -> Any:
    """Return a query for the messages of removed members, from a sequence on."""
    last = Message.sort_key_of(max(hidden.values()))
    is_theirs = Message.sender_id.is_in(*hidden) & Message.event.does_not_exist()
    between = Message.sort_key.between(Message.sort_key_of(after), last)
    return Message.query(room_id, between, is_theirs, consistent_read=True, page_size=PAGE_SIZE, **options)


def _erase_all(rows: Sequence[Message], hidden: Mapping[str, int]) -> None:
    """Erase messages, and the reasons of their reports first: after a crash, the next job finds what is left."""
    due = {int(row.sequence) for row in rows if row.sequence <= hidden[row.sender_id]}
    if due:
        reports.erase_reasons(rows[0].room_id, due)
    for start in range(0, len(rows), ERASED_PER_TRANSACTION):
        _erase_rows(rows[start : start + ERASED_PER_TRANSACTION], hidden)


@retry_on_conflict
def _erase_rows(rows: Sequence[Message], hidden: Mapping[str, int]) -> None:
    """Turn up to ERASED_PER_TRANSACTION messages into tombstones, all of them, or those that are left."""
    due = [row for row in rows if row.sequence <= hidden[row.sender_id]]
    if not due:
        return
    try:
        with transaction() as writes:
            for row in due:
                messages.erase(writes, row, hidden[row.sender_id])
    except StorageError as error:
        conditions = iter(failed_conditions(error))  # of each message, and of its reactions
        gone = [any(pair) for pair in zip(conditions, conditions, strict=True)]
        if not any(gone):
            raise
        _erase_rows([row for row, is_gone in zip(due, gone, strict=True) if not is_gone], hidden)


@retry_on_conflict
def _show(room_id: str, erased: Mapping[str, int]) -> None:
    """Stop hiding messages that are erased, unless their sender was removed again."""
    room = rooms.find(room_id)
    if room is not None:
        hidden = {id_: sequence for id_, sequence in (room.hidden or {}).items() if erased.get(id_) != sequence}
        with transaction() as writes:
            writes.update(Room(room_id), [Room.hidden.set(hidden)], room.is_unchanged(Room.hidden))


def _delete_rows(room_id: str) -> bool:
    """Delete rows of a room for up to MAX_SECONDS, and return whether none is left."""
    ends_at = time.monotonic() + MAX_SECONDS
    keys = (key for key in Message.keys_in(room_id) if key != RoomSequence.SORT_KEY)
    while batch := list(islice(keys, ROWS_PER_CHECK)):
        with Message.batch_write() as writes:
            for key in batch:
                writes.delete(Message(room_id, key))
        if time.monotonic() > ends_at:
            return False
    return True
