"""Room lifecycle: create, list, join, leave, expire."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from msgspec import to_builtins
from tenacity import stop_after_attempt

from chalicelib import limits, settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import members, room_list, rooms
from chalicelib.errors import RoomNotFound
from chalicelib.protocol import responses
from chalicelib.storage.models import Connection, Room
from chalicelib.storage.transactions import StorageError
from tests.support.dynamodb import Meanwhile
from tests.support.rooms import create_room, fill_room
from tests.support.sockets import members_of

pytestmark = pytest.mark.usefixtures("clock")
MINUTE = timedelta(minutes=1)


def listed_names() -> list[str]:
    found, _ = room_list.list_public(100, None)
    return [room.name for room in found]


def test_new_room_is_listed_and_empty(room: Room) -> None:
    assert to_builtins(responses.Room.of(rooms.authorize(room.room_id))) == {
        "room_id": room.room_id,
        "name": "Tea",
        "member_count": 0,
        "created_at": "2026-11-23T12:00:00.000Z",
    }
    assert listed_names() == ["Tea"]


def test_room_without_members_expires(room: Room, clock: time_machine.Traveller) -> None:
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    assert listed_names() == []
    with pytest.raises(RoomNotFound):
        rooms.authorize(room.room_id)
    with pytest.raises(RoomNotFound):
        members.join("c1", room.room_id, "Aki")
    assert members_of(room.room_id) == set()


def test_unknown_room_is_not_found(tables: None) -> None:
    with pytest.raises(RoomNotFound):
        rooms.authorize("nosuchroom")


@pytest.mark.parametrize("room_id", ["", "a/b", "x" * 65, "x" * 3_000, "\u0000", "Tea room", "room\n"])
def test_invalid_room_id_is_not_found_without_a_request(tables: None, requests: Counter[str], room_id: str) -> None:
    with pytest.raises(RoomNotFound):
        rooms.authorize(room_id)
    assert not requests


def test_join_counts_the_member_and_extends_the_expiry(room: Room, clock: time_machine.Traveller) -> None:
    members.join("c1", room.room_id, "Aki")
    members.join("c2", room.room_id, "Bo")
    clock.shift(timedelta(hours=2))
    assert rooms.authorize(room.room_id).member_count == 2
    assert [member.name for member in members.list_members(room.room_id)] == ["Aki", "Bo"]


def test_members_are_listed_in_the_order_of_joining(room: Room, clock: time_machine.Traveller) -> None:
    members.join("a", room.room_id, "second")
    clock.shift(-MINUTE)
    members.join("b", room.room_id, "first")
    clock.shift(2 * MINUTE)
    members.join("c", room.room_id, "third")
    assert [member.name for member in members.list_members(room.room_id)] == ["first", "second", "third"]


def test_connection_that_joins_twice_is_counted_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    members.join("c1", room.room_id, "Aki")
    monkeypatch.setattr(members._join.retry, "stop", stop_after_attempt(1))
    with pytest.raises(StorageError):
        members.join("c1", room.room_id, "Bo")
    assert rooms.authorize(room.room_id).member_count == 1
    assert [member.name for member in members.list_members(room.room_id)] == ["Aki"]


def test_member_id_differs_from_the_connection_id(room: Room) -> None:
    first, second = members.join("c1", room.room_id, "Aki"), members.join("c2", room.room_id, "Aki")
    assert len({first.member_id, second.member_id, "c1", "c2"}) == 4


@pytest.mark.parametrize("name", [None, ""])
def test_member_without_a_name_is_a_guest(room: Room, name: str | None) -> None:
    assert members.join("c1", room.room_id, name).name.startswith("guest-")


def test_room_is_unlisted_when_its_last_member_leaves(room: Room) -> None:
    members.join("c1", room.room_id, "Aki")
    members.join("c2", room.room_id, "Bo")
    members.leave(room.room_id, ["c1"])
    assert listed_names() == ["Tea"]
    members.leave(room.room_id, ["c2"])
    assert listed_names() == []
    assert rooms.authorize(room.room_id).member_count == 0


def test_empty_room_can_be_joined_within_its_grace_period(room: Room, clock: time_machine.Traveller) -> None:
    members.join("c1", room.room_id, "Aki")
    members.leave(room.room_id, ["c1"])
    clock.shift(timedelta(seconds=settings.EMPTY_ROOM_GRACE_SECONDS - 1))
    members.join("c2", room.room_id, "Aki")
    assert listed_names() == ["Tea"]
    clock.shift(timedelta(hours=1))
    assert rooms.authorize(room.room_id).member_count == 1


def test_empty_room_expires_after_its_grace_period(room: Room, clock: time_machine.Traveller) -> None:
    members.join("c1", room.room_id, "Aki")
    members.leave(room.room_id, ["c1"])
    clock.shift(timedelta(seconds=settings.EMPTY_ROOM_GRACE_SECONDS))
    with pytest.raises(RoomNotFound):
        members.join("c2", room.room_id, "Aki")


def test_empty_room_without_a_grace_period_is_deleted(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "EMPTY_ROOM_GRACE_SECONDS", 0)
    members.join("c1", room.room_id, "Aki")
    members.leave(room.room_id, ["c1"])
    assert list(Room.scan(consistent_read=True)) == []


def test_kept_room_stays_listed_while_it_is_empty(clock: time_machine.Traveller, tables: None) -> None:
    room = create_room("Tea", keep_days=7)
    clock.shift(timedelta(days=7) - MINUTE)
    members.join("c1", room.room_id, "Aki")
    members.leave(room.room_id, ["c1"])
    clock.shift(timedelta(days=7) - MINUTE)
    assert listed_names() == ["Tea"]
    assert rooms.authorize(room.room_id).member_count == 0
    clock.shift(MINUTE)
    assert listed_names() == []
    with pytest.raises(RoomNotFound):
        members.join("c2", room.room_id, "Aki")


def test_kept_room_that_nobody_joins_expires(clock: time_machine.Traveller, tables: None) -> None:
    room = create_room("Tea", keep_days=1)
    clock.shift(timedelta(days=1))
    with pytest.raises(RoomNotFound):
        rooms.authorize(room.room_id)


def test_kept_room_is_not_deleted_with_its_last_member(tables: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "EMPTY_ROOM_GRACE_SECONDS", 0)
    room = create_room("Tea", keep_days=1)
    members.join("c1", room.room_id, "Aki")
    members.leave(room.room_id, ["c1"])
    assert listed_names() == ["Tea"]


def test_kept_private_room_is_not_listed(tables: None) -> None:
    room = create_room("Surprise party", private=True, keep_days=1)
    members.join("c1", room.room_id, "Aki", Credentials(room.join_token))
    members.leave(room.room_id, ["c1"])
    assert listed_names() == []
    assert rooms.authorize(room.room_id, Credentials(room.join_token)).member_count == 0


def test_kept_room_whose_disconnects_are_missing_is_kept_from_the_end_of_its_connections(
    clock: time_machine.Traveller, tables: None
) -> None:
    room = create_room("Tea", keep_days=1)
    members.join("c1", room.room_id, "Aki")
    clock.shift(timedelta(days=1, seconds=limits.CONNECTION_TTL_SECONDS - 1))
    assert listed_names() == ["Tea"]
    clock.shift(timedelta(seconds=1))
    assert listed_names() == []


def test_late_leave_does_not_revive_an_expired_kept_room(clock: time_machine.Traveller, tables: None) -> None:
    room = create_room("Tea", keep_days=1)
    members.join("c1", room.room_id, "Aki")
    clock.shift(timedelta(days=1, seconds=limits.CONNECTION_TTL_SECONDS))
    members.leave(room.room_id, ["c1"])
    assert listed_names() == []


def test_repeated_leave_is_counted_once(room: Room) -> None:
    for id_ in ("c1", "c2", "c3"):
        members.join(id_, room.room_id, "Aki")
    assert [left.connection_id for left in members.leave(room.room_id, ["c1"])] == ["c1"]
    assert members.leave(room.room_id, ["c1"]) == []
    assert rooms.authorize(room.room_id).member_count == 2


def test_leave_of_more_members_than_a_transaction_holds_is_split(room: Room) -> None:
    ids = [f"c{number}" for number in range(150)]
    fill_room(room, ids)
    assert len(members.leave(room.room_id, ids[:120])) == 120
    assert rooms.authorize(room.room_id).member_count == 30
    assert members_of(room.room_id) == set(ids[120:])


def test_leave_of_another_room_changes_nothing(room: Room) -> None:
    other = create_room("Coffee")
    members.join("c1", other.room_id, "Aki")
    assert members.leave(room.room_id, ["c1", "never-seen"]) == []
    assert rooms.authorize(other.room_id).member_count == 1


def test_connection_can_leave_a_deleted_room(room: Room) -> None:
    members.join("c1", room.room_id, "Aki")
    Room(room.room_id).delete()
    members.leave(room.room_id, ["c1"])
    assert list(Connection.scan(consistent_read=True)) == []


def test_room_expires_although_disconnects_are_missing(room: Room, clock: time_machine.Traveller) -> None:
    members.join("c1", room.room_id, "Aki")
    clock.shift(timedelta(seconds=limits.CONNECTION_TTL_SECONDS))
    assert listed_names() == []
    with pytest.raises(RoomNotFound):
        members.list_members(room.room_id)


def test_expired_connection_is_not_a_member(room: Room, clock: time_machine.Traveller) -> None:
    members.join("c1", room.room_id, "Aki")
    clock.shift(timedelta(hours=2))
    members.join("c2", room.room_id, "Bo")
    clock.shift(timedelta(hours=1))
    assert [member.name for member in members.list_members(room.room_id)] == ["Bo"]


# Races: another change is made just before the transaction


def test_room_is_unlisted_when_its_last_two_members_leave_concurrently(room: Room, meanwhile: Meanwhile) -> None:
    for id_ in ("a", "b"):
        members.join(id_, room.room_id, None)
    meanwhile(lambda: members.leave(room.room_id, ["b"]))
    assert len(members.leave(room.room_id, ["a"])) == 1
    assert rooms.authorize(room.room_id).member_count == 0
    assert listed_names() == []


@pytest.mark.parametrize("grace", [60, 0])
def test_room_stays_when_a_member_joins_while_the_last_one_leaves(
    room: Room, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch, grace: int
) -> None:
    monkeypatch.setattr(settings, "EMPTY_ROOM_GRACE_SECONDS", grace)
    members.join("a", room.room_id, None)
    meanwhile(lambda: members.join("b", room.room_id, None))
    members.leave(room.room_id, ["a"])
    assert rooms.authorize(room.room_id).member_count == 1
    assert listed_names() == ["Tea"]


def test_concurrent_removals_of_a_member_are_counted_once(room: Room, meanwhile: Meanwhile) -> None:
    for id_ in ("a", "b", "c"):
        members.join(id_, room.room_id, None)
    meanwhile(lambda: members.leave(room.room_id, ["a"]))
    assert members.leave(room.room_id, ["a"]) == []
    assert rooms.authorize(room.room_id).member_count == 2


def test_room_that_is_deleted_during_a_join_is_not_found(
    room: Room, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "EMPTY_ROOM_GRACE_SECONDS", 0)
    members.join("a", room.room_id, None)
    meanwhile(lambda: members.leave(room.room_id, ["a"]))
    with pytest.raises(RoomNotFound):
        members.join("b", room.room_id, None)
    assert list(Room.scan(consistent_read=True)) == []
    assert members_of(room.room_id) == set()


def test_leave_does_not_revive_a_room_that_is_closed_meanwhile(room: Room, meanwhile: Meanwhile) -> None:
    members.join("a", room.room_id)
    meanwhile(lambda: rooms.close(room.room_id))
    assert len(members.leave(room.room_id, ["a"])) == 1
    assert rooms.find(room.room_id) is None


def test_late_leave_does_not_revive_an_expired_room(room: Room, clock: time_machine.Traveller) -> None:
    members.join("a", room.room_id, None)
    clock.shift(timedelta(seconds=limits.CONNECTION_TTL_SECONDS))
    members.leave(room.room_id, ["a"])
    with pytest.raises(RoomNotFound):
        rooms.authorize(room.room_id)
