"""The list of rooms: its pages, their cost, and what is not listed."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from chalicelib import settings
from chalicelib.auth.identity import User
from chalicelib.chat import members, room_list
from chalicelib.errors import InvalidInput
from chalicelib.storage.models import LISTED, Room
from tests.support.clock import NOON
from tests.support.rooms import create_room

pytestmark = pytest.mark.usefixtures("clock")
MINUTE = timedelta(minutes=1)


def listed_names() -> list[str]:
    found, _ = room_list.list_public(100, None)
    return [room.name for room in found]


def create_unused_rooms(count: int) -> None:
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=settings.UNUSED_ROOM_SECONDS)
    with Room.batch_write() as batch:
        for number in range(count):
            room = Room(f"unused-{number}", name="unused", created_at=now, listed=LISTED, expires_at=expires_at)
            room.salt = room.owner_hash = "any"
            batch.save(room)


def test_rooms_are_listed_newest_first_in_pages(tables: None, clock: time_machine.Traveller) -> None:
    for number in range(5):
        create_room(f"room {number}")
        clock.shift(MINUTE)
    first, cursor = room_list.list_public(2, None)
    second, cursor = room_list.list_public(2, cursor)
    third, end = room_list.list_public(2, cursor)
    assert [room.name for room in first + second + third] == ["room 4", "room 3", "room 2", "room 1", "room 0"]
    assert end is None


def user_of(*room_ids: str) -> User:
    return User("https://id.example.org", "aki", ("Aki",), frozenset(room_ids), False, NOON + MINUTE)


def test_user_whose_token_lists_rooms_reads_them_newest_first_in_pages(
    tables: None, clock: time_machine.Traveller
) -> None:
    ids = []
    for number in range(8):
        ids.append(create_room(f"room {number}", private=number == 6).room_id)
        clock.shift(MINUTE)
    user, names, cursor = user_of(*ids[1:7], "no such room", "no id!"), [], None
    for page in range(3):
        found, cursor = room_list.list_public(2, cursor, user)
        names += [room.name for room in found]
        assert (cursor is None) is (page == 2)
    assert names == ["room 5", "room 4", "room 3", "room 2", "room 1"]
    assert room_list.list_public(2, None, user_of()) == ([], None)


def test_user_whose_token_lists_a_room_finds_it_among_many_others(tables: None, requests: Counter[str]) -> None:
    allowed = create_room("Tea")
    create_unused_rooms(1_200)
    requests.clear()
    found, cursor = room_list.list_public(1, None, user_of(allowed.room_id))
    assert ([room.name for room in found], cursor) == (["Tea"], None)
    assert requests == {"BatchGetItem": 1}


def test_page_of_rooms_costs_two_requests(tables: None, requests: Counter[str]) -> None:
    for name in ("one", "two", "three"):
        create_room(name)
    requests.clear()
    room_list.list_public(2)
    assert requests == {"Query": 1, "BatchGetItem": 1}


def test_last_page_has_no_cursor(tables: None) -> None:
    create_room("one")
    create_room("two")
    assert room_list.list_public(2, None)[1] is None


def test_page_is_full_although_newer_rooms_have_expired(tables: None, clock: time_machine.Traveller) -> None:
    alive = create_room("alive")
    members.join("c1", alive.room_id, "Aki")
    clock.shift(MINUTE)
    create_unused_rooms(250)
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    found, cursor = room_list.list_public(1, None)
    assert ([room.name for room in found], cursor) == (["alive"], None)


def _cursor(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "nonsense",
        "é",
        "[]",
        _cursor([]),
        _cursor(["2026-11-22T12:00:00.000000+0000"]),
        _cursor(["2026-11-22", "room"]),
        _cursor(["2026-11-22T12:00:00.000000+0000", "a room"]),
        _cursor(["2026-11-22T12:00:00.000000+0000", 5]),
        _cursor([5, "room"]),
        _cursor([None, "room"]),
        _cursor({"room_id": "room"}),
        _cursor(["2026-11-22T12:00:00.000000+0000", "room", "more"]),
        _cursor(["2026-11-22T12:00:00.000000+0000", "room"]) + "====",
        "x" * 5_000,
    ],
)
def test_invalid_cursor_is_rejected(tables: None, cursor: str) -> None:
    with pytest.raises(InvalidInput, match="cursor must be the nextCursor of an earlier page"):
        room_list.list_public(10, cursor)


def test_page_ends_after_a_limited_number_of_expired_rooms(
    tables: None, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room_list, "MAX_LIST_BATCHES", 1)
    alive = create_room("alive")
    members.join("c1", alive.room_id, "Aki")
    clock.shift(MINUTE)
    create_unused_rooms(150)
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    found, cursor = room_list.list_public(1, None)
    assert found == []
    found, cursor = room_list.list_public(1, cursor)
    assert ([room.name for room in found], cursor) == (["alive"], None)


def test_stale_index_entries_are_not_listed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Room("gone", name="gone", created_at=NOON)
    unlisted = create_room("unlisted")
    members.join("c1", unlisted.room_id, None)
    members.leave(unlisted.room_id, ["c1"])
    monkeypatch.setattr(Room.by_age, "query", lambda *_, **__: iter([gone, unlisted, room]))
    assert listed_names() == ["Tea"]
