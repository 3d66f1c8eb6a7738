"""Consistency after a crash at any write, and after DynamoDB throttles or does not respond."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from chalicelib import limits, settings
from chalicelib.chat import history, room_list, rooms
from chalicelib.storage.models import Message, Room
from tests.support.dynamodb import WRITES, Crash, Database, Fault, inject_faults
from tests.support.gateway import GONE, Gateway
from tests.support.messages import take_sequence
from tests.support.rooms import create_room
from tests.support.sockets import Socket, members_of

MINUTE = timedelta(minutes=1)

Sockets = Callable[[str], Socket]


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC)) as clock:
        yield clock


def _send_until_handled(member: Socket, text: str) -> None:
    """Send a message, and send it again if the handler crashes, as the page does."""
    try:
        member.say(text, clientId=text)
    except Crash:
        member.say(text, clientId=text)


def _run_scenario(socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller) -> None:
    """A connects. B connects, sends a message and disconnects. A sends a message.

    A client whose `$connect` crashes connects again under another id. That covers every write of the handlers.
    """

    def connect(id_: str) -> Socket:
        member = socket(id_)
        try:
            member.connect(roomId=room.room_id)
        except Crash:
            gateway.respond(id_, GONE)
            member = socket(f"{id_}2")
            member.connect(roomId=room.room_id)
        return member

    a = connect("a")
    b = connect("b")
    clock.shift(MINUTE)
    _send_until_handled(b, "one")
    with suppress(Crash):
        b.disconnect()
    gateway.respond(b.id, GONE)
    _send_until_handled(a, "two")


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_room_is_consistent_after_a_crash_at_any_write(
    monkeypatch: pytest.MonkeyPatch,
    socket: Sockets,
    gateway: Gateway,
    clock: time_machine.Traveller,
    dynamodb: Database,
    fault: Fault,
) -> None:
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)
    for fatal in itertools.count(1):
        with dynamodb.empty_tables():
            room = create_room("Tea")
            with monkeypatch.context() as patch:
                writes = itertools.count(1)
                inject_faults(patch, lambda op, _, n=writes, f=fatal: fault if op in WRITES and next(n) == f else None)
                _run_scenario(socket, room, gateway, clock)
                if next(writes) <= fatal:
                    break
            _check(room, gateway, clock)
        gateway.reset()
    assert fatal > 2 + 3 + 1 + 3  # writes of two connects, a message, a disconnect and a message


def _check(room: Room, gateway: Gateway, clock: time_machine.Traveller) -> None:
    stored = history.read(room.room_id, None, None, 100).messages
    assert [message.text for message in stored] == ["one", "two"]
    (connection_id,) = members_of(room.room_id)
    assert rooms.authorize(room.room_id).member_count == 1
    delivered = {
        frame["message"]["sequence"]: frame["message"]["message"] for frame in _messages(gateway, connection_id)
    }
    assert set(delivered.values()) == {"one", "two"}
    assert {message.sequence: message.text for message in stored}.items() >= delivered.items()
    clock.shift(timedelta(seconds=limits.CONNECTION_TTL_SECONDS))
    assert room_list.list_public(10, None) == ([], None)


def _messages(gateway: Gateway, connection_id: str) -> list[dict[str, dict[str, str]]]:
    return [frame for frame in gateway.frames[connection_id] if frame["message"]["type"] == "message"]


def test_write_that_meets_a_transaction_is_retried_without_a_fault(
    monkeypatch: pytest.MonkeyPatch,
    socket: Sockets,
    gateway: Gateway,
    dynamodb: Database,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(settings, "MESSAGES_PER_WINDOW", 1)
    for conflicting in itertools.count(1):
        with dynamodb.empty_tables(), monkeypatch.context() as patch:
            writes = itertools.count(1)

            def conflict(
                operation: str, _: str, writes: Iterator[int] = writes, number: int = conflicting
            ) -> Fault | None:
                return "conflict" if operation in WRITES and next(writes) == number else None

            inject_faults(patch, conflict)
            _write_every_item(socket, gateway)
            if next(writes) <= conflicting:
                break
        gateway.reset()
    assert conflicting > 1 + 2 + 1 + 2 * 3 + 1 + 1 + 1
    assert '"faults": 0' in (output := capsys.readouterr().out)
    assert output.count('"faults": ') == output.count('"faults": 0')


def _write_every_item(socket: Sockets, gateway: Gateway) -> None:
    """Create a room, connect twice, leave a gap, send two messages, read past the gap, send too often, and leave."""
    room = create_room("Tea")
    a, b = socket("a"), socket("b")
    assert [a.connect(roomId=room.room_id), b.connect(roomId=room.room_id)] == [200, 200]
    take_sequence(room)
    a.say("one", clientId="one")
    b.say("two")
    assert [message.text for message in history.read(room.room_id, after=0).messages] == ["one", "two"]
    gap = Message.find(room.room_id, Message.sort_key_of(1))
    assert gap is not None
    assert gap.is_tombstone
    b.say("three")
    assert gateway.frames["b"][-1]["error"]["code"] == "rate_limited"
    b.disconnect()
    assert rooms.authorize(room.room_id).member_count == 1


@pytest.mark.parametrize("fault", ["throttling", "timeout"])
def test_request_that_fails_once_is_retried_without_effect(
    monkeypatch: pytest.MonkeyPatch, socket: Sockets, room: Room, gateway: Gateway, fault: Fault
) -> None:
    a, b = socket("a"), socket("b")
    a.connect(roomId=room.room_id)
    attempts: Counter[str] = Counter()

    def fail_first(operation: str, _: str) -> Fault | None:
        attempts[operation] += 1
        return fault if attempts[operation] == 1 else None

    inject_faults(monkeypatch, fail_first)
    assert create_room("Coffee").name == "Coffee"
    attempts.clear()
    assert b.connect(roomId=room.room_id) == 200
    attempts.clear()
    a.say("hi", clientId="c-1")
    attempts.clear()
    b.disconnect()
    assert len(attempts) >= 3
    assert [message.text for message in history.read(room.room_id, None, None, 50).messages] == ["hi"]
    assert rooms.authorize(room.room_id).member_count == 1
    assert [text for text in gateway.texts("b") if text == "hi"] == ["hi"]
    assert [listed.name for listed in room_list.list_public(10)[0]] == ["Coffee", "Tea"]


def test_message_gets_an_internal_error_when_dynamodb_stays_unavailable(
    monkeypatch: pytest.MonkeyPatch, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    a = socket("a")
    a.connect(roomId=room.room_id)
    inject_faults(monkeypatch, lambda operation, _: "throttling" if operation == "UpdateItem" else None)
    a.say("hi", clientId="c-1")
    (frame,) = gateway.frames["a"]
    assert (frame["error"]["code"], frame["error"]["clientId"]) == ("internal", "c-1")


def test_message_is_acknowledged_although_dynamodb_does_not_respond_to_the_removal_of_gone_connections(
    monkeypatch: pytest.MonkeyPatch,
    socket: Sockets,
    room: Room,
    gateway: Gateway,
    clock: time_machine.Traveller,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for id_ in ("a", "b"):
        socket(id_).connect(roomId=room.room_id)
    clock.shift(MINUTE)
    gateway.frames.clear()
    gateway.respond("b", GONE)
    inject_faults(monkeypatch, lambda operation, _: "timeout" if operation == "BatchGetItem" else None)
    capsys.readouterr()
    socket("a").say("hi")
    assert [frame["message"]["message"] for frame in gateway.frames["a"]] == ["hi"]
    assert '"faults": 1' in capsys.readouterr().out
    assert f"could not remove closed connections from room {room.room_id}" in caplog.text
