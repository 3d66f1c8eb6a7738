"""Batch reads that DynamoDB processes only in part."""

from __future__ import annotations

import time

import pytest

from chalicelib.storage.models import Room
from tests.support.dynamodb import Fault, inject_faults


def test_keys_that_dynamodb_has_not_processed_are_requested_again_after_a_pause(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, pauses = iter(list[Fault](["unprocessed"] * 3)), list[float]()
    inject_faults(monkeypatch, lambda *_: next(faults, None))
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert [found.room_id for found in Room.batch_get([room.room_id], consistent_read=True)] == [room.room_id]
    assert len(pauses) == 3
    assert min(pauses) > 0
