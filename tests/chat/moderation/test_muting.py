"""Muted members, and slow mode."""

from __future__ import annotations

from collections import Counter

import pytest
import time_machine

from chalicelib import limits
from chalicelib.storage.models import Connection, MemberRecord, Room
from tests.support.gateway import Gateway
from tests.support.messages import take_sequence
from tests.support.moderation import BOS, OWNERS, Sockets, act, error_code, history_of, member_id
from tests.support.rooms import create_room
from tests.support.sockets import Socket


def errors(gateway: Gateway, connection_id: str) -> list[tuple[str, int | None]]:
    """Return the codes and delays of the errors that a connection has received."""
    found = [frame["error"] for frame in gateway.frames[connection_id] if "error" in frame]
    return [(error["code"], error.get("retryAfter")) for error in found]


def texts(gateway: Gateway, connection_id: str) -> list[str]:
    """Return the messages that a connection has received."""
    found = [frame["message"] for frame in gateway.frames[connection_id] if "message" in frame]
    return [message["message"] for message in found if message["type"] == "message"]


def test_muted_member_can_neither_send_nor_rename_until_the_end(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    act(owner, "muteMember", memberId=member_id("b"), seconds=60)
    event = gateway.frames["b"][-1]["message"]
    assert (event["type"], event["message"], event["member"]) == (
        "muted",
        "Aki muted Bo for 1 minute",
        {"id": member_id("b"), "name": "Bo"},
    )
    assert event["until"] == "2026-11-22T10:01:00.000Z" or event["until"] > event["sentAt"]
    clock.shift(20)
    bo.say("hi")
    act(bo, "rename", name="Bea")
    assert errors(gateway, "b") == [("muted", 40)] * 2
    clock.shift(40)
    bo.say("ho")
    assert texts(gateway, "a") == ["ho"]


def test_muted_message_costs_two_requests_and_leaves_at_most_one_gap(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, requests: Counter[str]
) -> None:
    bo.say("hi")
    act(owner, "muteMember", memberId=member_id("b"), seconds=60)
    bo.say("one")
    before = take_sequence(room)
    requests.clear()
    bo.say("two")
    assert requests == {"UpdateItem": 1, "GetItem": 1}
    assert take_sequence(room) == before + 1


def test_muting_ends_at_once_with_0_seconds(owner: Socket, bo: Socket, room: Room, gateway: Gateway) -> None:
    for seconds in (60, 0):
        act(owner, "muteMember", memberId=member_id("b"), seconds=seconds)
    assert [text for _, text in history_of(room)][-1] == "Aki ended the muting of Bo"
    bo.say("hi")
    assert texts(gateway, "a") == ["hi"]


def test_every_connection_of_a_member_is_muted_also_later_ones(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that the index does not contain yet."""
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    with monkeypatch.context() as patches:
        patches.setattr(Connection.by_room, "query", lambda *_: iter(()))
        act(owner, "muteMember", memberId=member_id("b"), seconds=60)
    assert socket("b3").connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    for name in ("b", "b2", "b3"):
        socket(name).say("hi")
        assert errors(gateway, name) == [("muted", 60)]


def test_muted_member_does_not_take_another_name_by_joining_again(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    act(owner, "muteMember", memberId=member_id("b"), seconds=60)
    bo.disconnect()
    assert socket("b2").connect(roomId=room.room_id, name="An insult", key=BOS) == 200
    assert Connection.get("b2", consistent_read=True).name == "Bo"


def test_muting_outlasts_a_ban(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    """TTL may delete the record as soon as it has expired."""
    bos = member_id("b")
    act(owner, "muteMember", memberId=bos, seconds=limits.MAX_MUTE_SECONDS)
    act(owner, "removeMember", memberId=bos)
    clock.shift(limits.BAN_SECONDS)
    record = MemberRecord.get(room.room_id, MemberRecord.sort_key_of(bos), consistent_read=True)
    assert record.is_alive
    assert socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    socket("b2").say("hi")
    assert error_code(gateway, "b2") == "muted"


def test_owner_is_not_muted_who_was_muted_without_the_token(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    act(owner, "muteMember", memberId=member_id("b"), seconds=60)
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS, owner=room.owner_token or "")
    socket("b2").say("hi")
    assert texts(gateway, "a") == ["hi"]


def test_member_who_is_away_and_a_guest_without_a_key_can_be_muted(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    bos = member_id("b")
    bo.disconnect()
    act(owner, "muteMember", memberId=bos, seconds=limits.MAX_MUTE_SECONDS)
    assert history_of(room)[-1][1] == "Aki muted Bo for 24 hours"
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    socket("d").connect(roomId=room.room_id, name="Di")
    act(owner, "muteMember", memberId=member_id("d"), seconds=90)
    assert history_of(room)[-1][1] == "Aki muted Di for 90 seconds"
    for name in ("b2", "d"):
        socket(name).say("hi")
        assert error_code(gateway, name) == "muted"


@pytest.mark.parametrize("seconds", [-1, limits.MAX_MUTE_SECONDS + 1, "60", None])
def test_invalid_time_is_rejected(owner: Socket, bo: Socket, gateway: Gateway, seconds: object) -> None:
    act(owner, "muteMember", memberId=member_id("b"), seconds=seconds)
    assert error_code(gateway, "a") == "invalid_message"


def test_nobody_mutes_oneself_an_owner_or_somebody_unknown(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    socket("a2").connect(roomId=room.room_id, name="Ai", owner=room.owner_token or "")
    for target in (member_id("a"), member_id("a2"), "n" * 16):
        act(owner, "muteMember", memberId=target, seconds=60)
        assert error_code(gateway, "a") == "invalid_message"
    act(bo, "muteMember", memberId=member_id("a"), seconds=60)
    assert error_code(gateway, "b") == "forbidden"
    assert history_of(room) == []


# Slow mode


@pytest.fixture
def slow(owner: Socket, bo: Socket, gateway: Gateway, clock: time_machine.Traveller) -> None:
    """Set slow mode to 10 seconds, and forget the frames."""
    act(owner, "updateRoom", slowSeconds=10)
    assert gateway.frames["b"][-1]["message"]["room"]["slowSeconds"] == 10
    gateway.frames.clear()


def test_slow_mode_rejects_messages_that_come_too_soon(
    slow: None, bo: Socket, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    for seconds, text in ((0, "one"), (4, "two"), (4, "three"), (2, "four"), (9.99, "five"), (0.01, "six")):
        clock.shift(seconds)
        bo.say(text)
    assert texts(gateway, "a") == ["one", "four", "six"]
    assert errors(gateway, "b") == [("rate_limited", 6), ("rate_limited", 2), ("rate_limited", 1)]


def test_slow_mode_does_not_count_messages_of_a_muted_member(
    slow: None, owner: Socket, bo: Socket, gateway: Gateway
) -> None:
    act(owner, "muteMember", memberId=member_id("b"), seconds=60)
    bo.say("one")
    act(owner, "muteMember", memberId=member_id("b"), seconds=0)
    bo.say("two")
    assert errors(gateway, "b") == [("muted", 60)]
    assert texts(gateway, "a") == ["two"]


def test_slow_mode_applies_to_messages_only(slow: None, bo: Socket, gateway: Gateway) -> None:
    bo.say("one")
    for name in ("Bea", "Bob"):
        act(bo, "rename", name=name)
    bo.send({"action": "hello"})
    assert errors(gateway, "b") == []


def test_slow_mode_applies_neither_to_owners_nor_to_moderators(
    slow: None, owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    act(owner, "setRole", memberId=member_id("b"), role="moderator")
    for sender in (owner, bo):
        for _ in range(3):
            sender.say("hi")
    assert texts(gateway, "a") == ["hi"] * 6


def test_message_costs_four_requests_in_slow_mode(
    slow: None, bo: Socket, gateway: Gateway, clock: time_machine.Traveller, requests: Counter[str]
) -> None:
    for number in range(2):
        requests.clear()
        bo.say(str(number))
        assert requests.total() == 4
        clock.shift(10)


def test_refused_messages_leave_few_gaps(
    slow: None, bo: Socket, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    before = take_sequence(room)
    for number in range(10):
        bo.say(str(number))
    assert take_sequence(room) <= before + 3
    assert texts(gateway, "a") == ["0"]


def test_repeated_message_gets_its_acknowledgement_in_slow_mode(slow: None, bo: Socket, gateway: Gateway) -> None:
    for _ in range(2):
        bo.say("hi", clientId="c-1")
    assert texts(gateway, "b") == ["hi", "hi"]
    assert errors(gateway, "b") == []


def test_repeating_a_message_does_not_evade_slow_mode(slow: None, bo: Socket, gateway: Gateway) -> None:
    for number in range(3):
        for _ in range(2):
            bo.say(f"{number}", clientId=f"c-{number}")
    assert set(texts(gateway, "a")) == {"0"}


def test_slow_mode_ends_at_once(slow: None, owner: Socket, bo: Socket, gateway: Gateway) -> None:
    for _ in range(2):
        bo.say("hi")
    act(owner, "updateRoom", slowSeconds=0)
    bo.say("ho")
    assert texts(gateway, "a") == ["hi", "ho"]


@pytest.mark.parametrize("seconds", [-1, limits.MAX_SLOW_SECONDS + 1, "5"])
def test_invalid_slow_mode_is_rejected(owner: Socket, gateway: Gateway, seconds: object) -> None:
    act(owner, "updateRoom", slowSeconds=seconds)
    assert error_code(gateway, "a") == "invalid_message"


def test_slow_mode_does_not_apply_to_other_rooms(slow: None, socket: Sockets, gateway: Gateway) -> None:
    other = create_room("Other")
    socket("z").connect(roomId=other.room_id, key=OWNERS)
    for _ in range(3):
        socket("z").say("hi")
    assert texts(gateway, "z") == ["hi"] * 3
