"""What is left when a handler dies at any of its writes, and when DynamoDB throttles or answers late."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from moto import mock_aws

from chalicelib import limits, messages, rooms
from chalicelib.storage.models import Connection, Room
from tests.conftest import Socket, make_tables
from tests.dynamodb import WRITES, Died, Fault, break_dynamodb
from tests.gateway import GONE, Gateway

MINUTE = timedelta(minutes=1)

Sockets = Callable[[str], Socket]


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(datetime.now(UTC)) as clock:
        yield clock


def _or_die(action: Callable[[], object], afterwards: Callable[[], object] = lambda: None) -> None:
    """Do something; if the handler dies of it, do what the world does then."""
    try:
        action()
    except Died:
        afterwards()


def _speak(member: Socket, text: str) -> None:
    """Send a message, and again when no answer comes, as a page does."""
    _or_die(lambda: member.say(text, clientId=text), lambda: member.say(text, clientId=text))


def _live_through(socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Coordinates) -> None:
    """A comes and talks; B comes, talks and goes; A talks on. Whoever's connection dies comes back with another."""

    def lose(member: Socket) -> None:
        gateway.answer(member.id, GONE)

    def connect(member: Socket, again: Socket) -> Socket:
        try:
            member.connect(roomId=room.room_id)
        except Died:
            lose(member)
            again.connect(roomId=room.room_id)
            return again
        return member

    a = connect(socket("a"), socket("a2"))
    _speak(a, "one")
    b = connect(socket("b"), socket("b2"))
    clock.shift(MINUTE)
    _speak(b, "two")
    _or_die(b.disconnect)
    lose(b)
    _speak(a, "three")
    _speak(a, "four")


@pytest.mark.parametrize("fault", ["died before", "died after"])
def test_a_handler_may_die_at_any_of_its_writes(
    monkeypatch: pytest.MonkeyPatch,
    socket: Sockets,
    gateway: Gateway,
    clock: time_machine.Coordinates,
    fault: Fault,
) -> None:
    for fatal in itertools.count(1):
        with mock_aws():
            make_tables()
            room = rooms.create("Tea")
            with monkeypatch.context() as patch:
                writes = itertools.count(1)
                break_dynamodb(patch, lambda op, _, n=writes, f=fatal: fault if op in WRITES and next(n) == f else None)
                _live_through(socket, room, gateway, clock)
                if next(writes) <= fatal:
                    break
            _check(room, gateway, clock)
        gateway.forget()
    assert fatal > 10


def _check(room: Room, gateway: Gateway, clock: time_machine.Coordinates) -> None:
    said = messages.history(room.room_id, None, None, 100).messages
    assert [message.text for message in said] == ["one", "two", "three", "four"]
    (member,) = rooms.members(room.room_id)
    assert rooms.get(room.room_id).member_count == 1
    heard = {frame["message"]["sequence"]: frame["message"]["message"] for frame in _messages(gateway, member)}
    assert set(heard.values()) >= {"two", "three", "four"}
    assert {message.sequence: message.text for message in said}.items() >= heard.items()
    clock.shift(timedelta(seconds=limits.CONNECTION_TTL_SECONDS))
    assert rooms.list_public(10, None) == ([], None)


def _messages(gateway: Gateway, member: Connection) -> list[dict[str, dict[str, str]]]:
    return [frame for frame in gateway.frames[member.connection_id] if frame["message"]["type"] == "message"]


@pytest.mark.parametrize("fault", ["throttled", "late"])
def test_requests_that_fail_at_first_change_nothing(
    monkeypatch: pytest.MonkeyPatch, socket: Sockets, room: Room, gateway: Gateway, fault: Fault
) -> None:
    a, b = socket("a"), socket("b")
    a.connect(roomId=room.room_id)
    seen: Counter[str] = Counter()

    def first_of_each(operation: str, _: str) -> Fault | None:
        seen[operation] += 1
        return fault if seen[operation] == 1 else None

    break_dynamodb(monkeypatch, first_of_each)
    assert b.connect(roomId=room.room_id) == 200
    seen.clear()
    a.say("hi", clientId="c-1")
    seen.clear()
    b.disconnect()
    assert len(seen) >= 3
    assert [message.text for message in messages.history(room.room_id, None, None, 50).messages] == ["hi"]
    assert rooms.get(room.room_id).member_count == 1
    assert [text for text in gateway.texts("b") if text == "hi"] == ["hi"]


def test_a_member_is_told_when_dynamodb_stays_down(
    monkeypatch: pytest.MonkeyPatch, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    a = socket("a")
    a.connect(roomId=room.room_id)
    break_dynamodb(monkeypatch, lambda operation, _: "throttled" if operation == "UpdateItem" else None)
    a.say("hi", clientId="c-1")
    (frame,) = gateway.frames["a"]
    assert (frame["error"]["code"], frame["error"]["clientId"]) == ("internal", "c-1")
