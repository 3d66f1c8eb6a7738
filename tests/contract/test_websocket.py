"""The WebSocket handlers as API Gateway calls them: what each member is sent, and what is stored."""

from __future__ import annotations

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
import time_machine
from pynamodb.connection import Connection as DynamoDB
from pynamodb.exceptions import CancellationReason, TransactWriteError, VerboseClientError

import app as chat_app
from chalicelib import chat, messages, rooms, settings
from chalicelib.schemas import serialize_member
from chalicelib.storage.models import Connection, Room
from tests.conftest import Socket, members_of
from tests.gateway import GONE, HANG, Gateway


@pytest.fixture
def pair(socket: Any, room: Room, gateway: Gateway) -> tuple[Socket, Socket]:
    """Two members of a room, a and b, whose connections were made a minute ago."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        a, b = socket("a"), socket("b")
        assert (a.connect(roomId=room.room_id, name="Aki"), b.connect(roomId=room.room_id, name="Bo")) == (200, 200)
    gateway.frames.clear()
    gateway.attempts.clear()
    return a, b


def error_codes(gateway: Gateway, connection_id: str) -> list[str]:
    return [frame["error"]["code"] for frame in gateway.frames[connection_id]]


# Connecting


def test_a_join_is_told_to_the_others_and_not_to_the_one_who_joins(socket: Any, room: Room, gateway: Gateway) -> None:
    socket("a").connect(roomId=room.room_id, name="Aki")
    socket("b").connect(roomId=room.room_id, name="Bo")
    assert gateway.attempts == {"a": 1}
    (frame,) = gateway.frames["a"]
    bo = Connection.get("b")
    assert frame == {
        "message": {
            "type": "join",
            "message": "Bo joined",
            "sender": {"id": bo.member_id, "name": "Bo"},
            "memberCount": 2,
        }
    }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"name": "Aki"}, 400),
        ({"roomId": ""}, 400),
        ({"roomId": "ROOM", "name": " "}, 400),
        ({"roomId": "ROOM", "name": "x" * 41}, 400),
        ({"roomId": "ROOM", "name": "a\nb"}, 400),
        ({"roomId": "nosuchroom"}, 404),
        ({"roomId": "no such room"}, 404),
    ],
)
def test_a_bad_connect_is_refused_and_nothing_stored(
    socket: Any, room: Room, gateway: Gateway, query: dict[str, str], status: int
) -> None:
    query = {key: room.room_id if value == "ROOM" else value for key, value in query.items()}
    assert socket("a").connect(**query) == status
    assert list(Connection.scan()) == []
    assert rooms.get(room.room_id).member_count == 0


def test_a_connect_stands_when_the_others_cannot_be_told(
    socket: Any, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket("a").connect(roomId=room.room_id)
    gateway.answer("a", 500)
    assert socket("b").connect(roomId=room.room_id) == 200
    monkeypatch.setattr(Connection, "expiries_in", _throttled)
    assert socket("c").connect(roomId=room.room_id) == 200
    monkeypatch.setattr(chat_app.websocket_api, "broadcast", lambda *_: 1 / 0)
    assert socket("d").connect(roomId=room.room_id) == 200
    assert rooms.get(room.room_id).member_count == 4


def _throttled(*_: Any, **__: Any) -> Any:
    raise TransactWriteError("throttled")


def test_presence_stops_above_its_limit(
    socket: Any, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 2)
    for id_ in ("a", "b", "c"):
        socket(id_).connect(roomId=room.room_id, name=id_)
    assert gateway.texts("a") == ["b joined"]
    socket("c").disconnect()
    assert gateway.texts("a") == ["b joined", "c left"]


# Talking


@pytest.mark.parametrize("action", ["sendMessage", "onMessage"])
def test_a_message_reaches_everyone_in_the_room_once_and_nobody_else(
    socket: Any, pair: tuple[Socket, Socket], gateway: Gateway, action: str
) -> None:
    other = rooms.create("Coffee")
    socket("c").connect(roomId=other.room_id)
    pair[0].send({"action": action, "data": {"message": "hi", "clientId": "c-1"}})
    assert gateway.attempts == {"a": 1, "b": 1}
    assert gateway.frames["a"] == gateway.frames["b"]
    (frame,) = gateway.frames["a"]
    assert frame["message"] | {"sentAt": ""} == {
        "type": "message",
        "message": "hi",
        "sender": {"id": Connection.get("a").member_id, "name": "Aki"},
        "sequence": 1,
        "sentAt": "",
        "clientId": "c-1",
    }


def test_a_message_costs_four_requests_to_dynamodb(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str]
) -> None:
    for number in range(5):
        requests.clear()
        pair[0].say("hi", clientId=f"c-{number}")
        assert requests == {"UpdateItem": 2, "TransactWriteItems": 1, "Query": 1}


def test_the_sender_hears_itself_before_the_index_has_heard_of_it(
    pair: tuple[Socket, Socket], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    expires_at = int(Connection.get("b").expires_at.timestamp())
    monkeypatch.setattr(Connection, "expiries_in", lambda _: {"b": expires_at})
    pair[0].say("hi")
    assert gateway.texts("a") == gateway.texts("b") == ["hi"]


def test_a_message_is_stored_before_anyone_sees_it(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "expiries_in", _throttled)
    pair[0].say("hi", clientId="c-1")
    assert [message.text for message in messages.history(room.room_id, None, None, 50).messages] == ["hi"]
    assert error_codes(gateway, "a") == ["internal"]
    assert gateway.frames["a"][0]["error"]["clientId"] == "c-1"


def test_what_cannot_be_stored_is_seen_by_nobody(
    pair: tuple[Socket, Socket], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.messages, "post", _throttled)
    pair[0].say("hi")
    assert error_codes(gateway, "a") == ["internal"]
    assert gateway.attempts == {"a": 1}


def test_a_message_sent_again_comes_again_under_its_sequence(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    pair[0].say("hi", clientId="c-1")
    pair[0].say("hi", clientId="c-1")
    first, again = gateway.frames["b"]
    assert first == again
    assert len(messages.history(room.room_id, None, None, 50).messages) == 1


def test_a_client_id_of_another_message_is_refused(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    pair[0].say("hi", clientId="c-1")
    pair[1].say("ho", clientId="c-1")
    assert gateway.texts("a") == ["hi"]
    assert gateway.frames["b"][-1]["error"]["code"] == "invalid_message"


def test_a_ping_is_answered_to_the_one_who_pings(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    pair[0].send({"action": "ping"})
    assert gateway.frames == {"a": [{"pong": True}]}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (None, "invalid_json"),
        ("", "invalid_json"),
        ("hello", "invalid_json"),
        ("[" * 30_000, "invalid_json"),
        ("[" * 100_000, "invalid_message"),
        ([], "invalid_json"),
        ({}, "unknown_action"),
        ({"action": "nick"}, "unknown_action"),
        ({"action": "__init__"}, "unknown_action"),
        ({"action": "sendMessage"}, "invalid_message"),
        ({"action": "sendMessage", "data": []}, "invalid_message"),
        ({"action": "sendMessage", "data": {"message": ""}}, "invalid_message"),
        ({"action": "sendMessage", "data": {"message": "x" * 4_001}}, "invalid_message"),
        ({"action": "sendMessage", "data": {"message": "a\x00"}}, "invalid_message"),
    ],
)
def test_a_bad_frame_gets_one_error_and_the_next_good_one_works(
    pair: tuple[Socket, Socket], gateway: Gateway, frame: Any, code: str
) -> None:
    pair[0].send(frame)
    assert error_codes(gateway, "a") == [code]
    assert gateway.attempts == {"a": 1}
    pair[0].say("hi")
    assert gateway.texts("b") == ["hi"]


def test_an_error_names_the_message_that_it_is_about(pair: tuple[Socket, Socket], gateway: Gateway) -> None:
    pair[0].say(" ", clientId="c-1")
    (frame,) = gateway.frames["a"]
    assert frame["error"] == {
        "code": "invalid_message",
        "message": "message must not be blank",
        "action": "sendMessage",
        "clientId": "c-1",
    }


def test_who_is_in_no_room_is_told_so(socket: Any, tables: None, gateway: Gateway) -> None:
    socket("stranger").say("hi", clientId="c-1")
    assert error_codes(gateway, "stranger") == ["not_in_room"]
    assert gateway.frames["stranger"][0]["error"]["clientId"] == "c-1"


def test_a_fault_of_ours_is_told_without_its_details_and_logged(
    pair: tuple[Socket, Socket], gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Connection, "expiries_in", lambda _: 1 / 0)
    pair[0].say("hi")
    (error,) = (frame["error"] for frame in gateway.frames["a"])
    assert error["code"] == "internal"
    reference = re.fullmatch(r"internal error, reference ([0-9a-f]{8}); please try again", error["message"])
    assert reference
    (record,) = (record for record in caplog.records if record.exc_info)
    assert f"reference {reference[1]}" in record.getMessage()


def test_a_connect_that_fails_through_our_fault_is_refused_with_a_reference(
    ws_event: Any, room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Room, "get", lambda *_, **__: 1 / 0)
    answer = chat_app.connect(ws_event("$connect", "a", query={"roomId": room.room_id}), None)
    assert answer["statusCode"] == 500
    assert re.fullmatch(r"internal error, reference [0-9a-f]{8}; please try again", answer["body"])
    assert "division by zero" in caplog.text


# Leaving


def test_a_leave_is_told_to_those_who_stay(pair: tuple[Socket, Socket], room: Room, gateway: Gateway) -> None:
    bo = serialize_member(Connection.get("b"))
    pair[1].disconnect()
    assert gateway.attempts == {"a": 1}
    assert gateway.frames["a"] == [{"message": {"type": "leave", "message": "Bo left", "sender": bo, "memberCount": 1}}]
    assert rooms.get(room.room_id).member_count == 1


def test_a_disconnect_that_comes_twice_counts_and_is_told_once(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    pair[1].disconnect()
    pair[1].disconnect()
    assert gateway.texts("a") == ["Bo left"]
    assert rooms.get(room.room_id).member_count == 1


def test_the_last_one_out_takes_the_room_off_the_list(pair: tuple[Socket, Socket], room: Room) -> None:
    for socket in pair:
        socket.disconnect()
    assert rooms.list_public(10, None) == ([], None)
    assert rooms.get(room.room_id).member_count == 0


def test_a_disconnect_of_a_stranger_changes_nothing(socket: Any, tables: None, gateway: Gateway) -> None:
    socket("stranger").disconnect()
    assert not gateway.attempts


# Those who are gone


def test_a_member_who_is_gone_leaves_the_room_with_the_next_message(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    gateway.answer("b", GONE)
    pair[0].say("anybody?")
    assert gateway.texts("a") == ["anybody?", "Bo left"]
    assert members_of(room.room_id) == {"a"}
    pair[1].disconnect()
    assert rooms.get(room.room_id).member_count == 1


def test_many_who_are_gone_leave_at_once_and_each_is_told_of_once(
    socket: Any, pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        for number in range(30):
            rooms.join(f"gone-{number}", room.room_id, f"gone {number}")
            gateway.answer(f"gone-{number}", GONE)
        rooms.join("hanging", room.room_id, "Slow")
    gateway.answer("hanging", HANG)
    pair[0].say("anybody?")
    assert sorted(gateway.texts("b")[1:]) == sorted(f"gone {number} left" for number in range(30))
    assert {frame["message"]["memberCount"] for frame in gateway.frames["b"][1:]} == {3}
    assert {id_: attempts for id_, attempts in gateway.attempts.items() if attempts != 31} == dict.fromkeys(
        [f"gone-{number}" for number in range(30)] + ["hanging"], 1
    )


def test_a_member_whose_connect_may_not_have_returned_stays(
    socket: Any, pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    gateway.answer("c", GONE, 200)
    socket("c").connect(roomId=room.room_id)
    pair[0].say("welcome")
    pair[0].say("there you are")
    assert gateway.texts("c") == ["there you are"]
    assert rooms.get(room.room_id).member_count == 3


def test_a_connection_that_has_expired_is_not_posted_to_and_leaves(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    Connection.get("b").update([Connection.expires_at.set(timedelta(seconds=-1))])
    pair[0].say("hi")
    assert gateway.attempts["b"] == 0
    assert rooms.get(room.room_id).member_count == 1


def test_a_sender_who_is_gone_takes_nothing_from_the_others(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway
) -> None:
    gateway.answer("a", GONE)
    pair[0].say("bye")
    assert gateway.texts("b") == ["bye", "Aki left"]
    assert members_of(room.room_id) == {"b"}


def test_a_broadcast_to_200_of_whom_20_are_gone_and_5_fail_reaches_the_175(
    socket: Any, room: Room, gateway: Gateway
) -> None:
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        for number in range(200):
            rooms.join(f"m{number:03}", room.room_id, None)
    gone = {f"m{number:03}" for number in range(1, 200, 10)}
    failing = {f"m{number:03}" for number in range(2, 200, 40)}
    for id_ in gone:
        gateway.answer(id_, GONE)
    for id_, status in zip(sorted(failing), (500, 403, 413, 429, HANG), strict=True):
        gateway.answer(id_, status)
    socket("m000").say("hi")
    reached = {f"m{number:03}" for number in range(200)} - gone - failing
    assert len(reached) == 175
    assert {id_: gateway.texts(id_) for id_ in reached} == {id_: ["hi"] for id_ in reached}
    assert members_of(room.room_id) == reached | failing
    assert rooms.get(room.room_id).member_count == 180


def test_every_page_of_the_index_is_read(
    socket: Any, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(30):
        rooms.join(f"m{number:02}", room.room_id, None)
    query = DynamoDB.query

    def in_pages_of_7(*arguments: Any, **options: Any) -> Any:
        return query(*arguments, **options | {"limit": 7})

    monkeypatch.setattr(DynamoDB, "query", in_pages_of_7)
    socket("m00").say("hi")
    assert gateway.attempts == {f"m{number:02}": 1 for number in range(30)}


def test_a_clean_up_that_fails_takes_nothing_from_the_others(
    pair: tuple[Socket, Socket], room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.answer("b", GONE)
    monkeypatch.setattr(chat.rooms, "leave", _throttled)
    pair[0].say("anybody?")
    assert gateway.frames["a"][0]["message"]["message"] == "anybody?"
    assert len(gateway.frames["a"]) == 1


# Crowds


@pytest.fixture
def conflicts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """DynamoDB as it is when many write at once: some transactions are cancelled, as if they had met another one."""
    dispatch, one_at_a_time, chance, made = DynamoDB.dispatch, threading.Lock(), Random(7), []

    def conflicting(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        if operation == "TransactWriteItems" and chance.random() < 0.3:
            made.append(1)
            reasons = [CancellationReason("TransactionConflict", "Transaction is ongoing for the item")]
            raise VerboseClientError(
                {"Error": {"Code": "TransactionCanceledException"}}, operation, cancellation_reasons=reasons
            )
        with one_at_a_time:
            return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", conflicting)
    return made


def test_a_crowd_that_comes_and_goes_at_once_is_counted_exactly(
    socket: Any, room: Room, gateway: Gateway, conflicts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 0)
    crowd = [socket(f"m{number}") for number in range(50)]
    with ThreadPoolExecutor(50) as at_once:
        assert set(at_once.map(lambda member: member.connect(roomId=room.room_id), crowd)) == {200}
        assert rooms.get(room.room_id).member_count == 50
        list(at_once.map(lambda member: member.disconnect(), crowd + crowd[::3]))
    assert conflicts
    assert rooms.get(room.room_id).member_count == 0
    assert rooms.list_public(10, None) == ([], None)
    assert members_of(room.room_id) == set()
