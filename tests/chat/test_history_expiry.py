"""Expiry of messages."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from chalicelib import settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import history, members, messages, moderation, room_settings
from chalicelib.protocol.requests import UpdateRoom
from chalicelib.storage.models import Connection, Message, Room
from tests.support.dynamodb import WRITES
from tests.support.messages import sequences, store_late, store_texts, take_sequence, texts
from tests.support.rooms import create_room

pytestmark = pytest.mark.usefixtures("clock")


def test_expired_messages_are_absent(
    room: Room, aki: Connection, ten_messages: None, clock: time_machine.Traveller
) -> None:
    _stay(room, clock, hours=24)
    assert history.read(room.room_id, None, None, 50)[:3] == ([], 10, True)
    assert messages.store(aki, "11", None).sequence == 11
    assert sequences(room) == [11]


def test_history_ends_at_the_newest_expired_message(
    room: Room,
    aki: Connection,
    clock: time_machine.Traveller,
    items: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 3_600)
    store_texts(room, 200)
    _stay(room, clock, hours=1)
    messages.store(aki, "new", None)
    items.clear()
    assert texts(room) == ["new"]
    assert items[room.room_id] <= 1 + 50 + 1


def test_expired_messages_get_no_tombstones(
    room: Room,
    aki: Connection,
    ten_messages: None,
    clock: time_machine.Traveller,
    requests: Counter[str],
) -> None:
    _stay(room, clock, hours=24)
    _delete_expired_items()
    messages.store(aki, "11", None)
    requests.clear()
    assert sequences(room, after=0) == [11]
    assert not requests.keys() & WRITES


def test_tombstone_expires_with_the_messages_around_it(
    room: Room, aki: Connection, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 7_200)
    messages.store(aki, "a", None)
    late = take_sequence(room)
    messages.store(aki, "c", None)
    assert texts(room) == ["a", "c"]
    _stay(room, clock, hours=1)
    assert texts(room) == ["a", "c"]
    assert store_late(room, late) is False


def test_sequences_continue_after_ttl_has_deleted_every_message(
    room: Room, aki: Connection, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 3_600)
    messages.store(aki, "a", "c-1")
    _stay(room, clock, hours=1)
    _delete_expired_items()
    assert history.read(room.room_id)[:3] == ([], 1, True)
    assert messages.store(aki, "b", "c-1").sequence == 2


def test_messages_of_a_kept_room_are_kept_as_long(tables: None, clock: time_machine.Traveller) -> None:
    room = create_room("Tea", keep_days=7)
    aki = members.join("a", room.room_id, "Aki")
    messages.store(aki, "a", None)
    late = take_sequence(room)
    messages.store(aki, "c", None)
    assert texts(room) == ["a", "c"]
    members.leave(room.room_id, ["a"])
    clock.shift(timedelta(days=7, seconds=-1))
    assert history.read(room.room_id, 0).complete
    assert texts(room) == ["a", "c"]
    tombstone = Message.find(room.room_id, Message.sort_key_of(late))
    assert tombstone is not None
    assert tombstone.is_alive


def test_events_of_a_kept_room_are_kept_as_long(tables: None, clock: time_machine.Traveller) -> None:
    room = create_room("Tea", keep_days=7)
    owner = members.join("a", room.room_id, "Aki", Credentials(key="a" * 22, owner_token=room.owner_token))
    bo = members.join("b", room.room_id, "Bo", Credentials(key="b" * 22))
    messages.store(bo, "hi", None)
    room_settings.update_room(owner, UpdateRoom(room_name="Coffee"))
    moderation.delete_message(owner, 1)
    moderation.remove_members(owner, [bo.member_id], lambda _: None)
    members.leave(room.room_id, ["a", "b"])
    for passed in (timedelta(days=2), timedelta(days=5, seconds=-1)):
        clock.shift(passed)
        assert [row.event for row in history.read(room.room_id).messages] == ["updated", "deleted", "removed"]
        assert history.read(room.room_id, 0).complete
    clock.shift(1)
    Room(room.room_id).update([Room.expires_at.set(timedelta(hours=1))])
    assert history.read(room.room_id).messages == []


def _delete_expired_items() -> None:
    """Delete what TTL deletes from the messages table."""
    for row in Message.scan(consistent_read=True):
        if not row.is_alive:
            row.delete()


def test_history_is_incomplete_after_missed_messages_have_expired(
    room: Room, aki: Connection, ten_messages: None, clock: time_machine.Traveller
) -> None:
    _stay(room, clock, hours=23)
    messages.store(aki, "11", None)
    messages.store(aki, "12", None)
    _stay(room, clock, hours=1)
    complete = {after: history.read(room.room_id, after, None, 50).complete for after in (0, 5, 9, 10, 11, 12)}
    assert complete == {0: False, 5: False, 9: False, 10: True, 11: True, 12: True}
    _stay(room, clock, hours=23)
    complete = {after: history.read(room.room_id, after, None, 50).complete for after in (0, 11, 12)}
    assert complete == {0: False, 11: False, 12: True}


@pytest.mark.parametrize("before", [None, 3])
def test_history_is_incomplete_after_missed_messages_although_a_gap_before_them_was_read_late(
    room: Room, aki: Connection, clock: time_machine.Traveller, requests: Counter[str], before: int | None
) -> None:
    messages.store(aki, "1", None)
    take_sequence(room)
    for number in range(3, 30):
        messages.store(aki, str(number), None)
    _stay(room, clock, hours=23)
    history.read(room.room_id, None, before, 100)  # it writes a tombstone into the gap
    messages.store(aki, "30", None)
    _stay(room, clock, hours=2)
    assert history.read(room.room_id, 1).complete is False
    requests.clear()
    assert [row.text for row in history.read(room.room_id, 1).messages] == ["30"]
    assert requests["PutItem"] == 0


def test_small_page_over_many_deleted_messages_takes_few_requests(
    room: Room, aki: Connection, requests: Counter[str]
) -> None:
    for number in range(120):
        messages.store(aki, str(number), None)
        if number:
            Message(room.room_id, Message.sort_key_of(number + 1)).update([Message.is_tombstone.set(True)])
    requests.clear()
    assert [row.text for row in history.read(room.room_id, None, None, 1).messages] == ["0"]
    assert requests["Query"] <= 4


def test_history_of_a_young_room_is_complete_despite_gaps(room: Room, aki: Connection) -> None:
    take_sequence(room)
    messages.store(aki, "b", None)
    assert history.read(room.room_id, 0, None, 50).complete is True


def test_last_sequence_is_kept_after_all_messages_have_expired(
    room: Room, ten_messages: None, clock: time_machine.Traveller
) -> None:
    _stay(room, clock, hours=24)
    late = take_sequence(room)
    assert history.read(room.room_id, 10, None, 50).last_sequence == late
    assert store_late(room, late) is False


def _stay(room: Room, clock: time_machine.Traveller, hours: int) -> None:
    """Let hours pass in a room that always has a member."""
    for _ in range(hours):
        clock.shift(timedelta(hours=1))
        members.join(f"visitor-{datetime.now(UTC).isoformat()}", room.room_id, None)
