"""Reads of the tests' DynamoDB that may return old data."""

from __future__ import annotations

from chalicelib.chat import members
from chalicelib.storage.models import Connection, Room
from tests.support.invocations import mark_invocation


def test_inconsistent_read_misses_the_last_write(room: Room) -> None:
    Room(room.room_id).update([Room.name.set("Coffee")])
    Room(room.room_id).update([Room.name.set("Water")])
    assert Room.get(room.room_id).name == "Coffee"
    assert Room.get(room.room_id, consistent_read=True).name == "Water"


def test_index_contains_the_writes_of_earlier_invocations_only(room: Room) -> None:
    def join(connection_id: str) -> set[str]:
        members.join(connection_id, room.room_id, None)
        return set(Connection.recipients_in(room.room_id))

    found = [mark_invocation("a", join), mark_invocation("b", join), set(Connection.recipients_in(room.room_id))]
    assert found == [set(), {"a"}, {"a", "b"}]
