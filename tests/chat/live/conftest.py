"""Fixtures of the tests of edits, reactions, replies, read positions and signals."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from pynamodb.connection import Connection as DynamoDB

from chalicelib.chat import rate_limit
from chalicelib.storage.models import Room
from tests.support.dynamodb import WriteUnits
from tests.support.gateway import Gateway
from tests.support.moderation import BOS, OWNERS, Sockets
from tests.support.sockets import Socket


@pytest.fixture(autouse=True)
def _new_window() -> None:
    """Forget the frames that other tests have sent at the same moment of their clock."""
    rate_limit.frame_counts.clear()


@pytest.fixture
def aki(socket: Sockets, room: Room, clock: time_machine.Traveller, queue: Any) -> Socket:
    """Connect Aki, the owner of the room."""
    socket("a").connect(roomId=room.room_id, name="Aki", key=OWNERS, owner=room.owner_token or "")
    return socket("a")


@pytest.fixture
def bo(aki: Socket, socket: Sockets, room: Room, gateway: Gateway) -> Socket:
    """Connect Bo, who says "hi" under sequence 1, and forget the frames."""
    socket("b").connect(roomId=room.room_id, name="Bo", key=BOS)
    socket("b").say("hi", clientId="c-1")
    gateway.frames.clear()
    return socket("b")


@pytest.fixture
def write_units(monkeypatch: pytest.MonkeyPatch) -> WriteUnits:
    """Count the write units by operation."""
    units = WriteUnits()
    monkeypatch.setattr(DynamoDB, "dispatch", units.counting(DynamoDB.dispatch))
    return units
