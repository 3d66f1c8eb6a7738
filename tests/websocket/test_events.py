"""WebSocket handlers, called with the events of API Gateway: connecting, messages, pings, hello and errors."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pynamodb.connection import Connection as DynamoDB
from pynamodb.exceptions import TransactWriteError

import app as chat_app
from chalicelib import settings
from chalicelib.chat import history, messages, rooms
from chalicelib.storage.models import Connection, Room
from chalicelib.websocket import actions
from tests.support.gateway import Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket

Sockets = Callable[[str], Socket]
Pair = tuple[Socket, Socket]


@pytest.fixture
def pair(socket: Sockets, room: Room, gateway: Gateway) -> Pair:
    """Connect two members, a (Aki) and b (Bo), to a room."""
    a, b = socket("a"), socket("b")
    assert (a.connect(roomId=room.room_id, name="Aki"), b.connect(roomId=room.room_id, name="Bo")) == (200, 200)
    gateway.frames.clear()
    gateway.attempts.clear()
    return a, b


def error_codes(gateway: Gateway, connection_id: str) -> list[str]:
    return [frame["error"]["code"] for frame in gateway.frames[connection_id]]


def raise_throttled(*_: Any, **__: Any) -> Any:
    raise TransactWriteError("throttled")


# Connecting


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 400),
        ({"name": "Aki"}, 400),
        ({"roomId": ""}, 400),
        ({"roomId": "ROOM", "name": " "}, 400),
        ({"roomId": "ROOM", "name": "x" * 41}, 400),
        ({"roomId": "ROOM", "name": "a\nb"}, 400),
        ({"roomId": "ROOM", "name": "a\tb"}, 400),
        ({"roomId": "nosuchroom"}, 404),
        ({"roomId": "no such room"}, 404),
    ],
)
def test_invalid_connect_is_rejected_and_stores_nothing(
    socket: Sockets, room: Room, gateway: Gateway, query: dict[str, str], status: int
) -> None:
    query = {key: room.room_id if value == "ROOM" else value for key, value in query.items()}
    assert socket("a").connect(**query) == status
    assert list(Connection.scan(consistent_read=True)) == []
    assert rooms.authorize(room.room_id).member_count == 0


def test_empty_connect_parameters_count_as_absent(socket: Sockets, room: Room) -> None:
    assert socket("a").connect(roomId=room.room_id, name="", token="") == 200
    assert Connection.get("a", consistent_read=True).name.startswith("guest-")


def test_failed_connect_is_handled_with_a_reference(
    ws_event: Any, room: Room, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Room, "get", lambda *_, **__: 1 / 0)
    response = chat_app.connect(ws_event("$connect", "a", query={"roomId": room.room_id}), None)
    assert response["statusCode"] == 500
    assert re.fullmatch(r"internal error, reference [0-9a-f]{8}; please try again", response["body"])
    assert "division by zero" in caplog.text


# Messages


@pytest.mark.parametrize("action", ["sendMessage", "onMessage"])
def test_message_reaches_every_member_of_the_room_once(
    socket: Sockets, pair: Pair, gateway: Gateway, action: str
) -> None:
    other = create_room("Coffee")
    socket("c").connect(roomId=other.room_id)
    pair[0].send({"action": action, "data": {"message": "hi", "clientId": "c-1"}})
    assert gateway.attempts == {"a": 1, "b": 1}
    assert gateway.frames["a"] == gateway.frames["b"]
    (frame,) = gateway.frames["a"]
    assert frame["message"] | {"sentAt": ""} == {
        "type": "message",
        "message": "hi",
        "sender": {"id": Connection.get("a", consistent_read=True).member_id, "name": "Aki"},
        "sequence": 1,
        "sentAt": "",
        "clientId": "c-1",
    }


def test_message_of_several_lines_is_delivered_and_stored_unchanged(pair: Pair, room: Room, gateway: Gateway) -> None:
    text = "def f():\n\treturn 1\n"
    pair[0].say(text)
    assert gateway.texts("a") == gateway.texts("b") == [text]
    assert [message.text for message in history.read(room.room_id).messages] == [text]


def test_second_message_of_a_connection_waits_for_two_round_trips(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair[0].say("one")
    dispatch, barrier = DynamoDB.dispatch, threading.Barrier(3, timeout=10)

    def dispatch_together(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        if operation != "TransactWriteItems":
            barrier.wait()  # fails unless the three requests before the transaction are in progress at once
        return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", dispatch_together)
    pair[0].say("two")
    assert gateway.texts("b") == ["one", "two"]


def test_message_costs_four_requests_to_dynamodb(pair: Pair, gateway: Gateway, requests: Counter[str]) -> None:
    for number in range(5):
        requests.clear()
        pair[0].say("hi", clientId=f"c-{number}")
        assert requests == {"UpdateItem": 2, "TransactWriteItems": 1, "Query": 1}


def test_sender_receives_its_message_before_the_index_contains_it(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipient = Connection.get("b", consistent_read=True).recipient
    monkeypatch.setattr(Connection, "recipients_in", lambda _: {"b": recipient})
    pair[0].say("hi")
    assert gateway.texts("a") == gateway.texts("b") == ["hi"]


def test_message_is_stored_before_it_is_delivered(
    pair: Pair, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection, "recipients_in", raise_throttled)
    pair[0].say("hi", clientId="c-1")
    assert [message.text for message in history.read(room.room_id, None, None, 50).messages] == ["hi"]
    assert error_codes(gateway, "a") == ["internal"]
    assert gateway.frames["a"][0]["error"]["clientId"] == "c-1"


def test_message_that_is_not_stored_is_not_delivered(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions.messages, "store", raise_throttled)
    pair[0].say("hi")
    assert error_codes(gateway, "a") == ["internal"]
    assert gateway.attempts == {"a": 1}


def test_repeated_client_id_delivers_the_stored_message_again(pair: Pair, room: Room, gateway: Gateway) -> None:
    pair[0].say("hi", clientId="c-1")
    pair[0].say("hi", clientId="c-1")
    first, second = gateway.frames["b"]
    assert first == second
    assert len(history.read(room.room_id, None, None, 50).messages) == 1


def test_client_id_of_another_message_is_rejected(pair: Pair, gateway: Gateway) -> None:
    pair[0].say("hi", clientId="c-1")
    pair[1].say("ho", clientId="c-1")
    assert gateway.texts("a") == ["hi"]
    assert gateway.frames["b"][-1]["error"]["code"] == "invalid_message"


def test_ping_is_handled_to_its_sender_only(pair: Pair, gateway: Gateway) -> None:
    pair[0].send({"action": "ping"})
    assert gateway.frames == {"a": [{"pong": True}]}


# Hello


@pytest.mark.parametrize("private", [False, True])
def test_hello_is_handled_with_the_member_and_its_room(
    socket: Sockets, tables: None, gateway: Gateway, private: bool
) -> None:
    room = create_room("Tea", private)
    for id_, name in (("a", "Aki"), ("b", "Bo")):
        socket(id_).connect(roomId=room.room_id, name=name, token=room.join_token or "")
    socket("a").say("one")
    socket("a").say("two")
    gateway.frames.clear()
    socket("b").send({"action": "hello"})
    assert gateway.frames == {
        "b": [
            {
                "welcome": {
                    "member": {"id": Connection.get("b", consistent_read=True).member_id, "name": "Bo"},
                    "room": {
                        "room_id": room.room_id,
                        "name": "Tea",
                        "private": private,
                        "locked": False,
                        "keepDays": 0,
                        "slowSeconds": 0,
                    },
                    "memberCount": 2,
                    "lastSequence": 2,
                    "owner": False,
                }
            }
        ]
    }


def test_last_sequence_of_hello_is_that_of_the_history(pair: Pair, room: Room, gateway: Gateway) -> None:
    def last_sequence() -> int:
        gateway.frames.clear()
        pair[1].send({"action": "hello"})
        (frame,) = gateway.frames["b"]
        return int(frame["welcome"]["lastSequence"])

    assert last_sequence() == 0
    pair[0].say("hi")
    messages.take_sequence(room.room_id)  # nothing is stored under it yet
    assert last_sequence() == history.read(room.room_id).last_sequence == 1


def test_welcome_says_that_messages_come_together_in_a_large_room(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for largest in (2, 1):
        monkeypatch.setattr(settings, "FANOUT_BATCH", largest)
        pair[1].send({"action": "hello"})
    assert [frame["welcome"].get("batch") for frame in gateway.frames["b"]] == [None, True]


@pytest.mark.parametrize(
    ("query", "status"), [({}, 200), ({"batch": "1"}, 200), ({"batch": ""}, 200), ({"batch": "2"}, 400)]
)
def test_connection_says_whether_it_takes_batches(
    socket: Sockets, room: Room, query: dict[str, str], status: int
) -> None:
    assert socket("c").connect(roomId=room.room_id, **query) == status
    if status == 200:
        assert Connection.recipients_in(room.room_id)["c"].takes_batches is (query.get("batch") == "1")


def test_hello_costs_three_requests_to_dynamodb(pair: Pair, requests: Counter[str]) -> None:
    pair[0].say("hi")
    requests.clear()
    pair[0].send({"action": "hello"})
    assert requests == {"GetItem": 2, "Query": 1}


def test_hello_in_a_room_that_is_gone_gets_a_not_in_room_error(
    socket: Sockets, pair: Pair, room: Room, gateway: Gateway
) -> None:
    Room(room.room_id).delete()
    pair[0].send({"action": "hello"})
    socket("unknown").send({"action": "hello"})
    assert error_codes(gateway, "a") == error_codes(gateway, "unknown") == ["not_in_room"]


# Errors


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
        ({"action": "sendMessage", "data": {"message": "a\r\nb"}}, "invalid_message"),
        ({"action": "sendMessage", "data": {"message": "\n\t "}}, "invalid_message"),
    ],
)
def test_invalid_frame_gets_one_error_and_the_connection_stays_usable(
    pair: Pair, gateway: Gateway, frame: Any, code: str
) -> None:
    pair[0].send(frame)
    assert error_codes(gateway, "a") == [code]
    assert gateway.attempts == {"a": 1}
    pair[0].say("hi")
    assert gateway.texts("b") == ["hi"]


def test_error_frame_names_the_action_and_client_id_of_the_message(pair: Pair, gateway: Gateway) -> None:
    pair[0].say(" ", clientId="c-1")
    (frame,) = gateway.frames["a"]
    assert frame["error"] == {
        "code": "invalid_message",
        "message": "message must not be blank",
        "action": "sendMessage",
        "clientId": "c-1",
    }


def test_message_of_an_unknown_connection_gets_a_not_in_room_error(
    socket: Sockets, tables: None, gateway: Gateway
) -> None:
    socket("unknown").say("hi", clientId="c-1")
    assert error_codes(gateway, "unknown") == ["not_in_room"]
    assert gateway.frames["unknown"][0]["error"]["clientId"] == "c-1"


def test_internal_error_is_logged_and_handled_with_its_reference_only(
    pair: Pair, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Connection, "recipients_in", lambda _: 1 / 0)
    pair[0].say("hi")
    (error,) = (frame["error"] for frame in gateway.frames["a"])
    assert error["code"] == "internal"
    reference = re.fullmatch(r"internal error, reference ([0-9a-f]{8}); please try again", error["message"])
    assert reference
    (record,) = (record for record in caplog.records if record.exc_info)
    assert f"reference {reference[1]}" in record.getMessage()
