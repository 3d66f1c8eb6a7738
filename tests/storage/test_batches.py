"""Batch reads that DynamoDB processes only in part, and the pages of queries."""

from __future__ import annotations

import time

import pytest

from chalicelib.storage.base import SECOND_PAGE_SIZE
from chalicelib.storage.models import Message, Room
from tests.support.dynamodb import Fault, inject_faults
from tests.support.rooms import history_items


def test_keys_that_dynamodb_has_not_processed_are_requested_again_after_a_pause(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, pauses = iter(list[Fault](["unprocessed"] * 3)), list[float]()
    inject_faults(monkeypatch, lambda *_: next(faults, None))
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert [found.room_id for found in Room.batch_get([room.room_id], consistent_read=True)] == [room.room_id]
    assert len(pauses) == 3
    assert min(pauses) > 0


def test_pages_of_a_query_grow(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    with Message.batch_write() as batch:
        for item in history_items(room.room_id, map(str, range(1, 601))):
            batch.save(item)
    query = Message.query(room.room_id, Message.sort_key.startswith("message#"), page_size=20)
    assert [page.scanned for page in Message.pages(query)] == [20, SECOND_PAGE_SIZE, 80]
