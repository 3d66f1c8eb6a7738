"""Rooms that are kept from a moment on, or no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from chalice.test import Client

from chalicelib import settings
from chalicelib.chat import history, messages, rooms
from chalicelib.storage.models import Connection, Message, Room
from tests.support.gateway import Gateway
from tests.support.messages import store_as
from tests.support.moderation import Sockets, act, error_code
from tests.support.sockets import Socket

DAY = timedelta(days=1)


def texts(room: Room, after: int | None = None) -> list[str | None]:
    return [row.text for row in history.read(room.room_id, after).messages]


def keep(owner: Socket, days: int) -> None:
    act(owner, "updateRoom", keepDays=days)


def test_room_is_kept_from_now_on(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    owner.say("before")
    keep(owner, 7)
    event = gateway.frames["b"][-1]["message"]
    assert (event["message"], event["room"]["keepDays"]) == ("Aki keeps the room for 7 days", 7)
    bo.say("after")
    for member in (owner, bo):
        member.disconnect()
    clock.shift(2 * DAY)
    assert [listed["name"] for listed in client.http.get("/rooms").json_body["rooms"]] == [room.name]
    assert texts(room) == ["Aki keeps the room for 7 days", "after"]
    clock.shift(5 * DAY)
    assert rooms.find(room.room_id) is None


def test_room_is_no_longer_kept(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    keep(owner, 7)
    keep(owner, 0)
    assert gateway.frames["b"][-1]["message"]["message"] == "Aki no longer keeps the room"
    for member in (owner, bo):
        member.disconnect()
    assert client.http.get("/rooms").json_body["rooms"] == []
    clock.shift(settings.EMPTY_ROOM_GRACE_SECONDS)
    assert rooms.find(room.room_id) is None


@pytest.fixture
def lowered(owner: Socket, bo: Socket, room: Room, clock: time_machine.Traveller) -> list[Message]:
    """Keep a room for 9 days, store messages, keep it for 1 day, store others, and let the latter expire."""
    keep(owner, 9)
    old = store_as("b", "one", "two")
    keep(owner, 0)
    new = store_as("b", "three", "four")
    Room(room.room_id).update([Room.expires_at.set(room.created_at + timedelta(days=40))])
    clock.shift(DAY)
    return [*old, *new]


def test_lower_time_does_not_shorten_that_of_older_messages(
    lowered: list[Message], room: Room, clock: time_machine.Traveller
) -> None:
    kept = "Aki no longer keeps the room"
    for after in (None, 0):
        assert texts(room, after) == ["Aki keeps the room for 9 days", "one", "two"], kept
    clock.shift(8 * DAY)
    assert texts(room) == []


def test_reader_who_has_missed_a_message_that_expired_before_an_older_one_is_told(
    lowered: list[Message], room: Room
) -> None:
    page = history.read(room.room_id, 1)
    assert not page.complete
    assert page.last_sequence == lowered[-1].sequence
    assert history.read(room.room_id, page.last_sequence).complete


def test_position_after_messages_that_ttl_has_deleted_stays_valid(lowered: list[Message], room: Room) -> None:
    for row in lowered[2:]:
        row.delete()
    last = int(lowered[-1].sequence)
    page = history.read(room.room_id, last)
    assert (page.messages, page.last_sequence, page.complete) == ([], last, True)


def test_readers_do_not_take_the_sequence_of_a_message_that_is_being_stored(
    owner: Socket, bo: Socket, room: Room
) -> None:
    keep(owner, 9)
    taken = messages.take_sequence(room.room_id)
    for after in (None, 0):
        history.read(room.room_id, after)
    stored = messages.store(Connection.get("b", consistent_read=True), "hi", None, taken)
    assert stored.sequence == taken.last_sequence


def test_higher_time_does_not_make_a_history_with_expired_messages_complete(
    owner: Socket, bo: Socket, room: Room, clock: time_machine.Traveller
) -> None:
    owner.say("before")
    clock.shift(timedelta(hours=1))
    keep(owner, 30)
    clock.shift(DAY - timedelta(minutes=30))
    page = history.read(room.room_id, 0)
    assert [row.text for row in page.messages] == ["Aki keeps the room for 30 days"]
    assert not page.complete


def test_messages_of_connections_that_joined_before_are_kept(owner: Socket, bo: Socket, room: Room) -> None:
    keep(owner, 9)
    row = messages.store(Connection.get("b", consistent_read=True), "hi", None)
    assert row.expires_at - row.sent_at == timedelta(days=9)


@pytest.mark.parametrize("days", [-1, 31, "1"])
def test_invalid_time_is_rejected(owner: Socket, gateway: Gateway, days: object) -> None:
    act(owner, "updateRoom", keepDays=days)
    assert error_code(gateway, "a") == "invalid_message"


def test_guest_may_not_keep_a_room_if_that_requires_sign_in(
    owner: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "KEEP_DAYS_REQUIRES_SIGN_IN", True)
    keep(owner, 1)
    assert error_code(gateway, "a") == "forbidden"
    keep(owner, 0)
    assert gateway.frames["a"][-1]["message"]["type"] == "updated"


def test_kept_room_of_many_connections_stays(
    owner: Socket, socket: Sockets, room: Room, clock: time_machine.Traveller
) -> None:
    """If every disconnect is lost, the room is kept from the end of its connections."""
    keep(owner, 1)
    clock.shift(timedelta(hours=25))
    assert rooms.find(room.room_id) is not None
