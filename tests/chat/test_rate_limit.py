"""Rate limit: rejected messages, warnings, closed connections, and what the other members receive."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine

from chalicelib import limits, settings
from chalicelib.chat import history, members, rate_limit
from chalicelib.errors import RateLimitExceeded
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import GONE, Gateway
from tests.support.sockets import Socket

LIMIT = 5

Pair = tuple[Socket, Socket]


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow 5 messages in 10 seconds."""
    monkeypatch.setattr(settings, "MESSAGES_PER_WINDOW", LIMIT)
    assert settings.WINDOW_SECONDS == 10


@pytest.fixture
def pair(clock: time_machine.Traveller, socket: Callable[[str], Socket], room: Room, gateway: Gateway) -> Pair:
    """Connect two members, a and b, to a room a minute ago."""
    a, b = socket("a"), socket("b")
    assert (a.connect(roomId=room.room_id), b.connect(roomId=room.room_id)) == (200, 200)
    clock.shift(60)
    gateway.reset()
    return a, b


def _say(member: Socket, times: int) -> None:
    for number in range(times):
        member.say(str(number))


def _errors(gateway: Gateway, connection_id: str) -> list[dict[str, Any]]:
    return [frame["error"] for frame in gateway.frames[connection_id] if "error" in frame]


def _stored(room: Room) -> int:
    return len(history.read(room.room_id, None, None, 100).messages)


# Messages


def test_messages_up_to_the_limit_are_delivered(pair: Pair, gateway: Gateway) -> None:
    _say(pair[0], LIMIT)
    assert len(gateway.texts("b")) == LIMIT
    assert _errors(gateway, "a") == []


def test_message_above_the_limit_is_rejected_with_the_delay_to_wait(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway, room: Room
) -> None:
    pair[0].say("first")
    clock.shift(3.5)
    _say(pair[0], LIMIT - 1)
    pair[0].say("too much", clientId="c-1")
    assert _errors(gateway, "a") == [
        {
            "code": "rate_limited",
            "message": "expected at most 5 messages in 10 seconds; retry after 7 seconds",
            "action": "sendMessage",
            "clientId": "c-1",
            "retryAfter": 7,
        }
    ]
    assert "too much" not in gateway.texts("b")
    assert _stored(room) == LIMIT
    clock.shift(7)
    pair[0].say("again", clientId="c-1")
    assert gateway.texts("b")[-1] == "again"


def test_no_window_contains_more_messages_than_the_limit(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway
) -> None:
    delivered: list[float] = []
    for second in range(40):
        _say(pair[0], 1 + second % 2)
        delivered += [second] * (len(gateway.texts("b")) - len(delivered))
        clock.shift(1)
    for start in delivered:
        assert sum(start <= at < start + settings.WINDOW_SECONDS for at in delivered) <= LIMIT
    assert len(delivered) == 4 * LIMIT


def test_members_receive_the_messages_of_others_during_a_flood(pair: Pair, gateway: Gateway) -> None:
    _say(pair[0], 4 * LIMIT)
    pair[1].say("hello?")
    assert gateway.texts("a")[-1] == "hello?"


def test_concurrent_messages_are_limited_and_warned_once(pair: Pair) -> None:
    def record(_: int) -> int | str | None:
        try:
            return "accepted" if rate_limit.check_rate_limit("a") else "no row"
        except RateLimitExceeded as error:
            return error.count or None

    with ThreadPoolExecutor(16) as executor:
        results = Counter(executor.map(record, range(40)))
    assert results == {"accepted": LIMIT, 1: 1, None: 39 - LIMIT}


def test_window_of_zero_seconds_disables_the_limit(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)
    _say(pair[0], 4 * LIMIT)
    assert len(gateway.texts("b")) == 4 * LIMIT


# Warnings


def test_flood_is_warned_once_per_second(clock: time_machine.Traveller, pair: Pair, gateway: Gateway) -> None:
    _say(pair[0], 4 * LIMIT)
    clock.shift(0.9)
    _say(pair[0], 1)
    assert len(_errors(gateway, "a")) == 1
    clock.shift(0.1)
    _say(pair[0], 2)
    assert len(_errors(gateway, "a")) == 2
    assert _errors(gateway, "b") == []
    assert gateway.closed == []


def test_only_one_of_two_messages_that_are_rejected_at_once_is_warned(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    _say(pair[0], LIMIT)
    before_both = members.find_connection("a")
    pair[0].say("one")
    monkeypatch.setattr(members, "find_connection", lambda _: before_both)
    pair[0].say("two")
    assert len(_errors(gateway, "a")) == 1


@pytest.mark.parametrize("status", [200, GONE, 403])
def test_connection_that_ignores_five_warnings_is_closed(
    clock: time_machine.Traveller,
    pair: Pair,
    gateway: Gateway,
    capsys: pytest.CaptureFixture[str],
    status: int,
) -> None:
    _say(pair[0], LIMIT)
    for _ in range(limits.MAX_RATE_LIMIT_WARNINGS):
        pair[0].say("more")
        clock.shift(1)
    assert gateway.closed == []
    gateway.respond("a", status)
    pair[0].say("more")
    assert gateway.closed == ["a"]
    assert len(_errors(gateway, "a")) == limits.MAX_RATE_LIMIT_WARNINGS
    assert ('"faults": 1' in capsys.readouterr().out) == (status == 403)


def test_client_that_waits_as_told_is_never_closed(clock: time_machine.Traveller, pair: Pair, gateway: Gateway) -> None:
    texts = [str(number) for number in range(10 * LIMIT)]
    for text in texts:
        pair[0].say(text)
        clock.shift(1.5)
        while gateway.texts("b")[-1] != text:
            clock.shift(_errors(gateway, "a")[-1]["retryAfter"])
            pair[0].say(text)
    assert gateway.texts("b") == texts
    assert len(_errors(gateway, "a")) > limits.MAX_RATE_LIMIT_WARNINGS
    assert gateway.closed == []


@pytest.mark.parametrize(("early", "is_closed"), [(0.0, False), (0.001, True)])
def test_client_is_closed_that_waits_a_moment_less_than_told(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway, early: float, is_closed: bool
) -> None:
    """It fills the window again each time, so that the next message is rejected."""
    for _ in range(limits.MAX_RATE_LIMIT_WARNINGS + 2):
        while not (gateway.closed or _errors(gateway, "a")):
            pair[0].say("hi")
        if gateway.closed:
            break
        clock.shift(_errors(gateway, "a")[-1]["retryAfter"] - early)
        gateway.frames.clear()
        Connection("a").update([Connection.message_times.set([rate_limit.current_milliseconds()] * LIMIT)])
    assert bool(gateway.closed) is is_closed


# Frames that are not messages


def test_other_actions_and_invalid_frames_do_not_count_as_messages(pair: Pair, gateway: Gateway) -> None:
    for _ in range(4 * LIMIT):
        pair[0].send({"action": "ping"})
        pair[0].send({"action": "hello"})
        pair[0].say("")
    pair[0].say("hi")
    assert gateway.texts("b") == ["hi"]


def test_connection_that_sends_too_many_frames_is_closed(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway
) -> None:
    for _ in range(limits.MAX_FRAMES_PER_WINDOW):
        pair[0].send({"action": "ping"})
    assert gateway.closed == []
    pair[0].send({"action": "ping"})
    assert gateway.closed == ["a"]
    assert len(gateway.frames["a"]) == limits.MAX_FRAMES_PER_WINDOW
    pair[1].send({"action": "ping"})
    assert gateway.frames["b"] == [{"pong": True}]
    clock.shift(settings.WINDOW_SECONDS)
    pair[0].send({"action": "ping"})
    assert gateway.closed == ["a"]


def _reject(member: Socket, times: int) -> None:
    """Send frames with a clientId that belongs to another message."""
    for number in range(times):
        member.say(f"another text {number}", clientId="c-1")


@pytest.fixture
def refused(pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """Let a send one refused frame less than closes its connection."""
    assert limits.MAX_REFUSED_FRAMES == 100
    monkeypatch.setattr(limits, "MAX_REFUSED_FRAMES", 10)
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)
    pair[0].say("hi", clientId="c-1")
    _reject(pair[0], limits.MAX_REFUSED_FRAMES - 1)
    assert gateway.closed == []
    return pair


def test_connection_that_sends_only_refused_frames_is_closed(refused: Pair, gateway: Gateway) -> None:
    _reject(refused[1], 1)
    assert gateway.closed == []
    _reject(refused[0], 1)
    assert gateway.closed == ["a"]
    assert [error["code"] for error in _errors(gateway, "a")] == ["invalid_message"] * limits.MAX_REFUSED_FRAMES


@pytest.mark.parametrize(
    "frame",
    [
        {"action": "ping"},
        {"action": "hello"},
        {"action": "sendMessage", "data": {"message": "hi", "clientId": "c-1"}},
    ],
)
def test_frame_that_changes_nothing_is_no_reason_to_count_anew(refused: Pair, gateway: Gateway, frame: Any) -> None:
    refused[0].send(frame)
    assert _errors(gateway, "a")[-1]["code"] == "invalid_message"
    refused[0].send("not JSON")
    assert gateway.closed == ["a"]


def test_refused_frames_are_counted_anew_after_an_accepted_one(refused: Pair, gateway: Gateway) -> None:
    refused[0].say("hi", clientId="c-2")
    _reject(refused[0], limits.MAX_REFUSED_FRAMES - 1)
    assert gateway.closed == []
    refused[0].send({"action": "rename", "data": {"name": "Aki"}})
    _reject(refused[0], 1)
    assert gateway.closed == ["a"]


def test_internal_error_does_not_count_as_a_refused_frame(
    refused: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Connection, "recipients_in", lambda _: 1 / 0)
        refused[0].say("new")
    assert _errors(gateway, "a")[-1]["code"] == "internal"
    assert gateway.closed == []


def test_memory_of_refused_frames_is_bounded(
    pair: Pair, socket: Callable[[str], Socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "MAX_COUNTED_CONNECTIONS", 3)
    for number in range(10):
        socket(f"unknown-{number}").send("not JSON")
    assert len(rate_limit.refused_counts) <= 3


@pytest.mark.parametrize(("passed", "seconds"), [(0, 10), (1, 10), (1_000, 9), (8_999, 2), (9_000, 1), (9_999, 1)])
def test_seconds_to_wait_are_rounded_up(passed: int, seconds: int) -> None:
    assert rate_limit.seconds_to_wait([1_000_000], 1_000_000 + passed) == seconds


def test_connections_below_the_limit_of_frames_are_never_closed(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_FRAMES_PER_WINDOW", 4)
    for _ in range(5):
        for _ in range(limits.MAX_FRAMES_PER_WINDOW):
            for sender in pair:
                sender.send({"action": "ping"})
        clock.shift(settings.WINDOW_SECONDS)
    assert gateway.closed == []


def test_frames_are_counted_for_a_whole_window(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_FRAMES_PER_WINDOW", 3)
    for _ in range(3):
        pair[0].send({"action": "ping"})
    clock.shift(settings.WINDOW_SECONDS - 0.1)
    pair[0].send({"action": "ping"})
    assert gateway.closed == ["a"]


def test_frames_of_a_connection_that_sends_too_many_cost_no_requests_to_dynamodb(
    pair: Pair, gateway: Gateway, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_FRAMES_PER_WINDOW", 3)
    for _ in range(3):
        pair[0].send({"action": "hello"})
    assert len(gateway.frames["a"]) == 3
    requests.clear()
    pair[0].send({"action": "hello"})
    assert gateway.closed == ["a"]
    assert not requests


def test_frames_are_counted_anew_after_the_clock_was_set_back(
    clock: time_machine.Traveller, pair: Pair, gateway: Gateway
) -> None:
    for _ in range(limits.MAX_FRAMES_PER_WINDOW):
        pair[0].send({"action": "ping"})
    clock.shift(-60)
    pair[0].send({"action": "ping"})
    assert gateway.closed == []


# Connections that are in no room


def test_connection_without_message_times_has_to_connect_again(pair: Pair, gateway: Gateway) -> None:
    Connection.get("a", consistent_read=True).update([Connection.message_times.remove()])
    pair[0].say("hi")
    assert [error["code"] for error in _errors(gateway, "a")] == ["not_in_room"]


def test_expired_connection_cannot_send_messages(clock: time_machine.Traveller, pair: Pair, gateway: Gateway) -> None:
    clock.shift(limits.CONNECTION_TTL_SECONDS)
    pair[0].say("hi")
    assert [error["code"] for error in _errors(gateway, "a")] == ["not_in_room"]


def test_flood_does_not_restore_a_connection_that_left(pair: Pair, gateway: Gateway) -> None:
    _say(pair[0], LIMIT)
    pair[0].disconnect()
    pair[0].say("more")
    assert _errors(gateway, "a")[-1]["code"] == "not_in_room"
    assert [row.connection_id for row in Connection.scan(consistent_read=True)] == ["b"]
