"""Reads of the tests' DynamoDB that may return old data."""

from __future__ import annotations

import pytest

from chalicelib.storage.models import Connection, Room
from chalicelib.websocket import events
from tests.support.sockets import Socket, WebSocketEvents


def test_inconsistent_read_misses_the_last_write(room: Room) -> None:
    Room(room.room_id).update([Room.name.set("Coffee")])
    Room(room.room_id).update([Room.name.set("Water")])
    assert Room.get(room.room_id).name == "Coffee"
    assert Room.get(room.room_id, consistent_read=True).name == "Water"


def test_index_contains_the_writes_of_earlier_invocations_only(
    room: Room, ws_event: WebSocketEvents, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[set[str]] = []

    def read_index(*_: object) -> None:
        found.append(set(Connection.recipients_in(room.room_id)))

    monkeypatch.setattr(events, "_notify", read_index)
    Socket(ws_event, "a").connect(roomId=room.room_id)
    Socket(ws_event, "b").connect(roomId=room.room_id)
    read_index()
    assert found == [set(), {"a"}, {"a", "b"}]
