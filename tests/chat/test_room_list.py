"""The list of rooms: its pages, their cost, and what is not listed."""

from __future__ import annotations

import base64
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from chalicelib import limits, settings
from chalicelib.auth.identity import User
from chalicelib.chat import members, room_list, webhooks
from chalicelib.errors import InvalidInput
from chalicelib.storage.base import Page
from chalicelib.storage.models import LISTED, Room
from tests.support.clock import NOON
from tests.support.rooms import create_room

pytestmark = pytest.mark.usefixtures("clock")
MINUTE = timedelta(minutes=1)


def listed_names() -> list[str]:
    found, _ = room_list.list_public(100, None)
    return [room.name for room in found]


def create_unused_rooms(count: int, has_listed_until: bool = True, prefix: str = "unused") -> None:
    """Create rooms that nobody joins.

    has_listed_until: False for rooms of earlier versions of the app.
    """
    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=settings.UNUSED_ROOM_SECONDS)
    with Room.batch_write() as batch:
        for number in range(count):
            room = Room(f"{prefix}-{number}", name="unused", created_at=now, listed=LISTED, expires_at=expires_at)
            room.listed_until = expires_at if has_listed_until else None
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


@pytest.mark.parametrize("limit", [1, 100])
def test_list_is_complete_in_few_requests_although_many_rooms_have_expired(
    tables: None, clock: time_machine.Traveller, requests: Counter[str], limit: int
) -> None:
    alive = create_room("alive")
    members.join("c1", alive.room_id, "Aki")
    clock.shift(MINUTE)
    create_unused_rooms(1_100)
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    requests.clear()
    found, cursor = room_list.list_public(limit)
    assert ([room.name for room in found], cursor) == (["alive"], None)
    assert requests.total() <= 6


def test_page_ends_after_a_limited_number_of_requests_and_the_next_continues(
    tables: None, clock: time_machine.Traveller, requests: Counter[str]
) -> None:
    alive = create_room("alive")
    members.join("c1", alive.room_id, "Aki")
    clock.shift(MINUTE)
    create_unused_rooms(1_100, has_listed_until=False)
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    cursor, names, pages = None, [], 0
    while pages == 0 or cursor is not None:
        requests.clear()
        found, cursor = room_list.list_public(1, cursor)
        assert requests.total() <= limits.MAX_READ_REQUESTS
        names += [room.name for room in found]
        pages += 1
    assert (names, pages) == (["alive"], 2)


@pytest.mark.parametrize("max_requests", [2, 3, 4, 5, 6])
def test_pages_that_end_early_contain_each_room_once(
    tables: None,
    clock: time_machine.Traveller,
    requests: Counter[str],
    max_requests: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "MAX_READ_REQUESTS", max_requests)
    for number in range(5):
        members.join(f"c{number}", create_room(f"alive {number}").room_id, None)
        clock.shift(MINUTE)
        create_unused_rooms(60, has_listed_until=False, prefix=f"unused-{number}")
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    cursor, names = None, []
    for _ in range(200):
        requests.clear()
        found, cursor = room_list.list_public(100, cursor)
        assert requests.total() <= max_requests
        names += [room.name for room in found]
        if cursor is None:
            break
    assert cursor is None
    assert names == [f"alive {number}" for number in reversed(range(5))]


def test_room_of_an_earlier_version_is_listed(tables: None) -> None:
    create_unused_rooms(1, has_listed_until=False)
    assert listed_names() == ["unused"]


def listed_until(room: Room) -> datetime | None:
    return Room.get(room.room_id, consistent_read=True).listed_until


@pytest.mark.parametrize("keep_days", [None, 7])
def test_few_joins_write_to_the_index_of_the_list(
    tables: None, clock: time_machine.Traveller, keep_days: int | None
) -> None:
    room = create_room("Tea", keep_days=keep_days)
    seen = []
    for number in range(50):
        members.join(f"c{number}", room.room_id, None)
        seen.append(listed_until(room))
        clock.shift(timedelta(minutes=1))
        assert listed_names() == ["Tea"]
    assert len(set(seen)) <= 6  # one for each ten minutes or so


@pytest.mark.parametrize("keep_days", [None, 1])
def test_rooms_that_were_joined_are_left_out_as_soon_as_they_have_expired(
    tables: None, clock: time_machine.Traveller, requests: Counter[str], keep_days: int | None
) -> None:
    """The rooms of a day, which everybody has left, or whose disconnects were all lost."""
    for number in range(150):
        room = create_room("Old", keep_days=keep_days)
        members.join(f"c{number}", room.room_id, None)
        if keep_days:
            members.leave(room.room_id, [f"c{number}"])
    lost = timedelta(seconds=limits.CONNECTION_TTL_SECONDS, minutes=10)
    clock.shift((timedelta(days=keep_days) if keep_days else lost) + timedelta(seconds=1))
    create_room("New")
    requests.clear()
    assert listed_names() == ["New"]
    assert requests.total() <= 3


def test_kept_room_stays_listed_as_long_as_its_webhooks_send_messages(
    tables: None, clock: time_machine.Traveller
) -> None:
    room = create_room("Tea", keep_days=1)
    _, token = webhooks.create(room.room_id, room.owner_token or "", "Builds")
    for _ in range(5):
        clock.shift(timedelta(hours=23))
        list(webhooks.store_messages(webhooks.find(token), "hi", None))
        assert listed_names() == ["Tea"]


def test_kept_room_stays_listed_after_its_last_member_has_left_late(
    tables: None, clock: time_machine.Traveller
) -> None:
    room = create_room("Tea", keep_days=7)
    members.join("a", room.room_id, None)
    clock.shift(timedelta(days=6))
    members.leave(room.room_id, ["a"])
    clock.shift(timedelta(days=7, seconds=-1))
    assert listed_names() == ["Tea"]


def test_user_whose_token_lists_no_rooms_reads_nothing(room: Room, requests: Counter[str]) -> None:
    requests.clear()
    assert room_list.list_public(100, None, user_of()) == ([], None)
    assert not requests


def test_stale_index_entries_are_not_listed(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Room("gone", name="gone", created_at=NOON)
    unlisted = create_room("unlisted")
    members.join("c1", unlisted.room_id, None)
    members.leave(unlisted.room_id, ["c1"])
    monkeypatch.setattr(Room, "pages", lambda _: iter([Page([gone, unlisted, room], 3, None)]))
    assert listed_names() == ["Tea"]
