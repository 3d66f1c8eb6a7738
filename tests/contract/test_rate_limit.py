"""Flood control: what a member who says too much is told, and what the others notice of it."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import pytest
import time_machine
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib import limits, messages, rate_limit, settings
from chalicelib.errors import RateLimitExceeded
from chalicelib.storage.models import Connection, Room
from tests.conftest import Socket
from tests.gateway import GONE, Gateway

START = 1_795_000_000


@pytest.fixture
def clock() -> Any:
    """The time, which stands until it is moved."""
    with time_machine.travel(START, tick=False) as clock:
        yield clock


@pytest.fixture
def pair(clock: Any, socket: Any, room: Room, gateway: Gateway) -> tuple[Socket, Socket]:
    """Two members of a room."""
    a, b = socket("a"), socket("b")
    assert (a.connect(roomId=room.room_id), b.connect(roomId=room.room_id)) == (200, 200)
    clock.shift(60)
    gateway.forget()
    return a, b


def _say(member: Socket, times: int) -> None:
    for number in range(times):
        member.say(str(number))


def _errors(gateway: Gateway, connection_id: str) -> list[dict[str, Any]]:
    return [frame["error"] for frame in gateway.frames[connection_id] if "error" in frame]


def _stored(room: Room) -> int:
    return len(messages.history(room.room_id, None, None, 100).messages)


def test_as_many_messages_as_the_limit_allows_are_delivered(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    _say(pair[0], settings.MESSAGES_PER_WINDOW)
    assert len(gateway.texts("b")) == settings.MESSAGES_PER_WINDOW
    assert _errors(gateway, "a") == []


def test_one_more_is_refused_with_when_to_send_it_again(
    clock: Any, pair: tuple[Socket, Socket], gateway: Gateway, room: Room
) -> None:
    pair[0].say("first")
    clock.shift(3.5)
    _say(pair[0], settings.MESSAGES_PER_WINDOW - 1)
    pair[0].say("too much", clientId="c-1")
    assert _errors(gateway, "a") == [
        {
            "code": "rate_limited",
            "message": "expected at most 20 messages in 10 seconds; retry after 7 seconds",
            "action": "sendMessage",
            "clientId": "c-1",
            "retryAfter": 7,
        }
    ]
    assert "too much" not in gateway.texts("b")
    assert _stored(room) == settings.MESSAGES_PER_WINDOW
    clock.shift(7)
    pair[0].say("again", clientId="c-1")
    assert gateway.texts("b")[-1] == "again"


def test_no_window_ever_has_more_than_the_limit(
    clock: Any, pair: tuple[Socket, Socket], gateway: Gateway, room: Room
) -> None:
    delivered: list[float] = []
    for second in range(40):
        _say(pair[0], 3)
        delivered += [second] * (len(gateway.texts("b")) - len(delivered))
        clock.shift(1)
    for start in delivered:
        assert sum(start <= at < start + settings.WINDOW_SECONDS for at in delivered) <= settings.MESSAGES_PER_WINDOW
    assert len(delivered) == 4 * settings.MESSAGES_PER_WINDOW


def test_a_burst_is_warned_of_once_a_second(clock: Any, pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    _say(pair[0], 100)
    clock.shift(0.9)
    _say(pair[0], 1)
    assert len(_errors(gateway, "a")) == 1
    clock.shift(0.1)
    _say(pair[0], 2)
    assert len(_errors(gateway, "a")) == 2
    assert _errors(gateway, "b") == []
    assert gateway.closed == []


def test_of_a_burst_at_once_the_limit_is_admitted_and_one_is_warned_of(
    pair: tuple[Socket, Socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    def admit(_: int) -> int | str | None:
        try:
            return "admitted" if rate_limit.record_message("a") else "nobody"
        except RateLimitExceeded as excess:
            return excess.warnings

    process, one_at_a_time = BotocoreStubber.process_request, Lock()

    def atomic(stubber: BotocoreStubber, request: Any) -> Any:
        with one_at_a_time:
            return process(stubber, request)

    # DynamoDB makes each write as a whole ("Atomic counters" and "Condition expressions"); moto's threads do not.
    monkeypatch.setattr(BotocoreStubber, "process_request", atomic)
    with ThreadPoolExecutor(16) as threads:
        outcomes = Counter(threads.map(admit, range(60)))
    assert outcomes == {"admitted": settings.MESSAGES_PER_WINDOW, 1: 1, None: 59 - settings.MESSAGES_PER_WINDOW}


def test_the_others_talk_on_beside_a_flood(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    _say(pair[0], 100)
    pair[1].say("hello?")
    assert gateway.texts("a")[-1] == "hello?"


@pytest.mark.parametrize("status", [200, GONE])
def test_who_goes_on_after_five_warnings_is_closed(
    clock: Any, pair: tuple[Socket, Socket], gateway: Gateway, status: int
) -> None:
    _say(pair[0], settings.MESSAGES_PER_WINDOW)
    for _ in range(limits.MAX_RATE_LIMIT_WARNINGS):
        pair[0].say("more")
        clock.shift(1)
    assert gateway.closed == []
    gateway.answer("a", status)
    pair[0].say("more")
    assert gateway.closed == ["a"]
    assert len(_errors(gateway, "a")) == limits.MAX_RATE_LIMIT_WARNINGS


def test_who_waits_as_told_gets_everything_through_and_is_never_closed(
    clock: Any, pair: tuple[Socket, Socket], gateway: Gateway
) -> None:
    texts = [str(number) for number in range(200)]
    for text in texts:
        pair[0].say(text)
        clock.shift(0.4)
        while gateway.texts("b")[-1] != text:
            clock.shift(_errors(gateway, "a")[-1]["retryAfter"])
            pair[0].say(text)
    assert gateway.texts("b") == texts
    assert len(_errors(gateway, "a")) > limits.MAX_RATE_LIMIT_WARNINGS
    assert gateway.closed == []


def test_what_is_not_a_message_does_not_count(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    for _ in range(50):
        pair[0].send({"action": "ping"})
        pair[0].say("")
    pair[0].say("hi")
    assert gateway.texts("b") == ["hi"]


def test_who_sends_nothing_but_other_frames_is_closed_after_many(
    clock: Any, pair: tuple[Socket, Socket], gateway: Gateway
) -> None:
    for _ in range(limits.MAX_FRAMES_PER_WINDOW):
        pair[0].send({"action": "ping"})
    assert gateway.closed == []
    pair[0].send({"action": "ping"})
    assert gateway.closed == ["a"]
    pair[1].send({"action": "ping"})
    assert gateway.frames["b"] == [{"pong": True}]
    clock.shift(settings.WINDOW_SECONDS)
    pair[0].send({"action": "ping"})
    assert gateway.closed == ["a"]


def test_a_row_that_counts_nothing_yet_is_told_to_connect_again(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    Connection.get("a").update([Connection.message_times.remove()])
    pair[0].say("hi")
    assert [error["code"] for error in _errors(gateway, "a")] == ["not_in_room"]


def test_who_has_expired_cannot_speak(clock: Any, pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    clock.shift(limits.CONNECTION_TTL_SECONDS)
    pair[0].say("hi")
    assert [error["code"] for error in _errors(gateway, "a")] == ["not_in_room"]


def test_a_flood_brings_back_nobody_who_has_left(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    _say(pair[0], settings.MESSAGES_PER_WINDOW)
    pair[0].disconnect()
    pair[0].say("more")
    assert _errors(gateway, "a")[-1]["code"] == "not_in_room"
    assert [row.connection_id for row in Connection.scan()] == ["b"]


def test_a_window_of_no_seconds_limits_nobody(
    pair: tuple[Socket, Socket], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)
    _say(pair[0], 50)
    assert len(gateway.texts("b")) == 50
