"""Gaps in a history: sequences that were taken, but have no message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine

from chalicelib.chat import history, messages
from chalicelib.storage.models import Connection, Message, Room
from tests.support.dynamodb import Meanwhile
from tests.support.messages import sequences, store_late, take_sequence

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.parametrize(
    "read",
    [
        lambda room: sequences(room),
        lambda room: sequences(room, after=0),
        lambda room: sequences(room, after=1),
        lambda room: sequences(room, before=4),
        lambda room: sequences(room, after=1, before=3),
    ],
)
def test_gap_stays_empty_after_it_was_read(room: Room, aki: Connection, read: Callable[[Room], list[int]]) -> None:
    messages.store(aki, "a", None)
    late = take_sequence(room)
    messages.store(aki, "c", None)
    seen = read(room)
    assert late not in seen
    assert store_late(room, late) is False
    assert sequences(room) == [1, 3]


def test_gap_at_the_beginning_stays_empty_after_it_was_read(room: Room, aki: Connection) -> None:
    late = take_sequence(room)
    messages.store(aki, "b", None)
    assert sequences(room, after=0) == [2]
    assert store_late(room, late) is False


@pytest.mark.parametrize("read", [lambda room: sequences(room, after=3), lambda room: sequences(room, before=2)])
def test_gap_outside_the_range_that_was_read_can_be_filled(
    room: Room, aki: Connection, read: Callable[[Room], list[int]]
) -> None:
    messages.store(aki, "a", None)
    late = take_sequence(room)
    messages.store(aki, "c", None)
    read(room)
    assert store_late(room, late) is True
    assert sequences(room) == [1, 2, 3]


def test_last_sequence_is_that_of_the_last_stored_message(room: Room, aki: Connection) -> None:
    messages.store(aki, "a", None)
    late = take_sequence(room)
    assert history.read(room.room_id, None, None, 50).last_sequence == 1
    assert store_late(room, late) is True
    assert sequences(room, after=1) == [2]


def test_gaps_do_not_stop_a_reader(room: Room, aki: Connection) -> None:
    for number in range(1, 31):
        if number % 3:
            messages.store(aki, str(number), None)
        else:
            take_sequence(room)
    position, seen = 0, []
    while position < history.read(room.room_id, position, None, 4).last_sequence:
        page = sequences(room, after=position, limit=4)
        seen += page
        position = page[-1]
    assert seen == [number for number in range(1, 31) if number % 3]


def test_message_that_is_stored_just_before_its_tombstone_is_returned(
    room: Room, aki: Connection, meanwhile: Meanwhile
) -> None:
    messages.store(aki, "a", None)
    late = take_sequence(room)
    messages.store(aki, "c", None)
    meanwhile(lambda: store_late(room, late), before="PutItem")
    assert sequences(room) == [1, 2, 3]


def test_tombstone_beside_a_much_newer_row_expires_with_that(
    room: Room, aki: Connection, clock: time_machine.Traveller
) -> None:
    messages.store(aki, "old", None)
    clock.shift(timedelta(hours=23))
    late = [take_sequence(room), take_sequence(room)]
    messages.store(Connection.get("a", consistent_read=True), "new", None)
    Room(room.room_id).update([Room.expires_at.set(timedelta(hours=24))])
    assert sequences(room) == [1, 4]
    rows = [Message.find(room.room_id, Message.sort_key_of(sequence)) for sequence in (*late, 4)]
    assert len({row and row.expires_at for row in rows}) == 1
    clock.shift(timedelta(hours=2))
    assert sequences(room, after=0) == [4]
    assert history.read(room.room_id, after=late[1]).complete is True
    assert history.read(room.room_id, after=0).complete is False


def test_gap_at_the_beginning_stays_empty_after_the_newest_messages_were_read(room: Room, aki: Connection) -> None:
    late = take_sequence(room)
    messages.store(aki, "b", None)
    assert sequences(room) == [2]
    assert store_late(room, late) is False
