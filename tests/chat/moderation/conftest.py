"""Fixtures of the tests of moderation."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from chalicelib.storage.models import Room
from tests.support.gateway import Gateway
from tests.support.moderation import BOS, OWNERS, Sockets
from tests.support.sockets import Socket


@pytest.fixture(autouse=True)
def _clock(clock: time_machine.Traveller) -> None:
    """Every test has a clock that only the test moves."""


@pytest.fixture(autouse=True)
def _queue(queue: Any) -> None:
    """Every test has a queue."""


@pytest.fixture
def owner(socket: Sockets, room: Room) -> Socket:
    """Connect Aki as the owner of the room."""
    socket("a").connect(roomId=room.room_id, name="Aki", key=OWNERS, owner=room.owner_token or "")
    return socket("a")


@pytest.fixture
def bo(owner: Socket, socket: Sockets, room: Room, gateway: Gateway) -> Socket:
    """Connect Bo after the owner, and forget the frames."""
    socket("b").connect(roomId=room.room_id, name="Bo", key=BOS)
    gateway.frames.clear()
    return socket("b")
