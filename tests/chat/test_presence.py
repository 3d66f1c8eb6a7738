"""Presence: join and leave notifications, removal of connections that are gone, and member counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine
from msgspec import to_builtins
from pynamodb.connection import Connection as DynamoDB
from pynamodb.exceptions import CancellationReason, TransactWriteError, VerboseClientError

import app as chat_app
from chalicelib import settings
from chalicelib.chat import members, presence, room_list, rooms
from chalicelib.protocol.responses import Member
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import GONE, HANG, Gateway
from tests.support.rooms import fill_room
from tests.support.sockets import Socket, members_of

Sockets = Callable[[str], Socket]
Pair = tuple[Socket, Socket]


@pytest.fixture
def pair(socket: Sockets, room: Room, gateway: Gateway) -> Pair:
    """Connect two members, a (Aki) and b (Bo), to a room a minute ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        a, b = socket("a"), socket("b")
        assert (a.connect(roomId=room.room_id, name="Aki"), b.connect(roomId=room.room_id, name="Bo")) == (200, 200)
    gateway.frames.clear()
    gateway.attempts.clear()
    return a, b


def raise_throttled(*_: Any, **__: Any) -> Any:
    raise TransactWriteError("throttled")


# Joining


def test_join_is_announced_to_the_other_members_only(socket: Sockets, room: Room, gateway: Gateway) -> None:
    socket("a").connect(roomId=room.room_id, name="Aki")
    socket("b").connect(roomId=room.room_id, name="Bo")
    assert gateway.attempts == {"a": 1}
    (frame,) = gateway.frames["a"]
    bo = Connection.get("b", consistent_read=True)
    assert frame == {
        "message": {
            "type": "join",
            "message": "Bo joined",
            "sender": {"id": bo.member_id, "name": "Bo"},
            "memberCount": 2,
        }
    }


def test_join_succeeds_although_its_notification_fails(
    socket: Sockets,
    room: Room,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    socket("a").connect(roomId=room.room_id)
    gateway.respond("a", 500)
    assert socket("b").connect(roomId=room.room_id) == 200
    monkeypatch.setattr(Connection, "recipients_in", raise_throttled)
    assert socket("c").connect(roomId=room.room_id) == 200
    monkeypatch.setattr(chat_app.websocket_api, "broadcast", lambda *_: 1 / 0)
    caplog.clear()
    capsys.readouterr()
    assert socket("d").connect(roomId=room.room_id) == 200
    assert '"faults": 1' in capsys.readouterr().out
    assert f"could not notify room {room.room_id}" in caplog.text
    assert rooms.authorize(room.room_id).member_count == 4


def test_room_above_the_presence_limit_receives_no_notifications(
    socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 2)
    for id_ in ("a", "b", "c"):
        socket(id_).connect(roomId=room.room_id, name=id_)
    assert gateway.texts("a") == ["b joined"]
    socket("c").disconnect()
    assert gateway.texts("a") == ["b joined", "c left"]


# Leaving


def test_leave_is_announced_to_the_remaining_members(pair: Pair, room: Room, gateway: Gateway) -> None:
    bo = to_builtins(Member.of(Connection.get("b", consistent_read=True)))
    pair[1].disconnect()
    assert gateway.attempts == {"a": 1}
    assert gateway.frames["a"] == [{"message": {"type": "leave", "message": "Bo left", "sender": bo, "memberCount": 1}}]
    assert rooms.authorize(room.room_id).member_count == 1


def test_repeated_disconnect_is_counted_and_announced_once(pair: Pair, room: Room, gateway: Gateway) -> None:
    pair[1].disconnect()
    pair[1].disconnect()
    assert gateway.texts("a") == ["Bo left"]
    assert rooms.authorize(room.room_id).member_count == 1


def test_room_is_unlisted_when_its_last_member_leaves(pair: Pair, room: Room) -> None:
    for socket in pair:
        socket.disconnect()
    assert room_list.list_public(10, None) == ([], None)
    assert rooms.authorize(room.room_id).member_count == 0


def test_disconnect_of_an_unknown_connection_changes_nothing(socket: Sockets, tables: None, gateway: Gateway) -> None:
    socket("unknown").disconnect()
    assert not gateway.attempts


# Connections that are gone


def test_gone_connection_leaves_the_room_with_the_next_message(pair: Pair, room: Room, gateway: Gateway) -> None:
    gateway.respond("b", GONE)
    pair[0].say("anybody?")
    assert gateway.texts("a") == ["anybody?", "Bo left"]
    assert members_of(room.room_id) == {"a"}
    pair[1].disconnect()
    assert rooms.authorize(room.room_id).member_count == 1


def test_each_of_several_gone_connections_is_announced_once(pair: Pair, room: Room, gateway: Gateway) -> None:
    gone = [f"gone-{number}" for number in range(presence.MAX_AT_ONCE)]
    fill_room(room, [*gone, "hanging"])
    for id_ in gone:
        gateway.respond(id_, GONE)
    gateway.respond("hanging", HANG)
    pair[0].say("anybody?")
    assert sorted(gateway.texts("b")[1:]) == sorted(f"{id_} left" for id_ in gone)
    assert {frame["message"]["memberCount"] for frame in gateway.frames["b"][1:]} == {3}
    assert gateway.attempts == dict.fromkeys(["a", "b"], 11) | dict.fromkeys([*gone, "hanging"], 1)


def test_gone_connection_stays_while_its_connect_may_be_running(
    socket: Sockets, pair: Pair, room: Room, gateway: Gateway
) -> None:
    gateway.respond("c", GONE, 200)
    socket("c").connect(roomId=room.room_id)
    pair[0].say("welcome")
    pair[0].say("there you are")
    assert gateway.texts("c") == ["there you are"]
    assert rooms.authorize(room.room_id).member_count == 3


def test_expired_connection_receives_nothing_and_leaves_the_room(pair: Pair, room: Room, gateway: Gateway) -> None:
    Connection.get("b", consistent_read=True).update([Connection.expires_at.set(timedelta(seconds=-1))])
    pair[0].say("hi")
    assert gateway.attempts["b"] == 0
    assert rooms.authorize(room.room_id).member_count == 1


def test_message_of_a_gone_sender_reaches_the_others(pair: Pair, room: Room, gateway: Gateway) -> None:
    gateway.respond("a", GONE)
    pair[0].say("bye")
    assert gateway.texts("b") == ["bye", "Aki left"]
    assert members_of(room.room_id) == {"b"}


def test_failed_removal_does_not_affect_delivery(
    pair: Pair,
    room: Room,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway.respond("b", GONE)
    monkeypatch.setattr(members, "leave", raise_throttled)
    capsys.readouterr()
    pair[0].say("anybody?")
    assert gateway.frames["a"][0]["message"]["message"] == "anybody?"
    assert len(gateway.frames["a"]) == 1
    assert '"faults": 0' not in capsys.readouterr().out


# Large rooms


def test_broadcast_to_200_reaches_the_175_that_are_neither_gone_nor_failing(
    socket: Sockets, room: Room, gateway: Gateway
) -> None:
    fill_room(room, [f"m{number:03}" for number in range(200)])
    gone = {f"m{number:03}" for number in range(1, 200, 10)}
    failing = {f"m{number:03}" for number in range(2, 200, 40)}
    for id_ in gone:
        gateway.respond(id_, GONE)
    for id_, status in zip(sorted(failing), (500, 403, 413, 429, HANG), strict=True):
        gateway.respond(id_, status)
    socket("m000").say("hi")
    reached = {f"m{number:03}" for number in range(200)} - gone - failing
    assert len(reached) == 175
    assert {id_: gateway.texts(id_) for id_ in reached} == {id_: ["hi"] for id_ in reached}
    assert members_of(room.room_id) == reached | failing
    assert rooms.authorize(room.room_id).member_count == 180


def test_members_on_every_page_of_the_index_are_reached(
    socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [f"m{number:02}" for number in range(30)]
    fill_room(room, ids)
    query = DynamoDB.query

    def query_7_items(*arguments: Any, **options: Any) -> Any:
        return query(*arguments, **options | {"limit": 7})

    monkeypatch.setattr(DynamoDB, "query", query_7_items)
    socket("m00").say("hi")
    assert gateway.attempts == dict.fromkeys(ids, 1)


# Concurrency


@pytest.fixture
def conflicts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Cancel a part of the transactions, as DynamoDB does when they meet other transactions, and list them."""
    dispatch, lock, chance, cancelled = DynamoDB.dispatch, threading.Lock(), Random(7), []

    def dispatch_or_cancel(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and chance.random() < 0.3:
            cancelled.append(1)
            reasons = [CancellationReason("TransactionConflict", "Transaction is ongoing for the item")]
            raise VerboseClientError(
                {"Error": {"Code": "TransactionCanceledException"}}, operation, cancellation_reasons=reasons
            )
        with lock:
            return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", dispatch_or_cancel)
    return cancelled


def test_concurrent_joins_and_leaves_are_counted_exactly(
    socket: Sockets, room: Room, gateway: Gateway, conflicts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 0)
    members = [socket(f"m{number}") for number in range(30)]
    with ThreadPoolExecutor(30) as executor:
        assert set(executor.map(lambda member: member.connect(roomId=room.room_id), members)) == {200}
        assert rooms.authorize(room.room_id).member_count == 30
        list(executor.map(lambda member: member.disconnect(), members + members[::3]))
    assert conflicts
    assert rooms.authorize(room.room_id).member_count == 0
    assert room_list.list_public(10, None) == ([], None)
    assert members_of(room.room_id) == set()
