"""Erasure of closed rooms: their messages, events, members, webhooks and idempotency records.

A job of the queue deletes what the room has. What was in progress when the room was closed may still be written: so the
job runs once more after the longest time that a function can take.
"""

from __future__ import annotations

import time
from itertools import islice

from chalicelib import limits, request_log
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import Erasure
from chalicelib.storage.models import Message, RoomSequence

MAX_SECONDS = 10.0
"""Time for which one job deletes rows. Another job deletes the rest."""

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
