"""What each request_log logs: one JSON line, for people who search and for CloudWatch, which makes metrics of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.test import Client

import app as chat_app
from chalicelib import chat, rooms
from chalicelib.storage.models import Room
from tests.conftest import Socket
from tests.gateway import GONE, Gateway

Line = dict[str, Any]


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Any:
    """Returns the one JSON line that was logged since the last time."""

    def line() -> Line:
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
        assert len(lines) == 1
        return dict(lines[0])

    return line


def _facts(line: Line) -> Line:
    return {name: value for name, value in line.items() if name not in ("_aws", "duration_ms", "stage")}


def test_a_message_logs_whom_it_reached_and_what_it_cost(
    socket: Any, room: Room, gateway: Gateway, logged: Any
) -> None:
    for id_ in ("a", "b"):
        socket(id_).connect(roomId=room.room_id)
        logged()
    gateway.answer("b", 400)
    socket("a").say("hi")
    line = logged()
    assert _facts(line) == {
        "function": "websocket_message",
        "outcome": "sendMessage",
        "room_id": room.room_id,
        "delivered": 1,
        "gone": 0,
        "failed": 1,
        "dynamodb_requests": 4,
        "faults": 0,
    }
    assert line["duration_ms"] > 0
    assert line["stage"] == "dev"


def test_joining_and_leaving_are_logged(socket: Any, room: Room, gateway: Gateway, logged: Any) -> None:
    member: Socket = socket("a")
    member.connect(roomId=room.room_id)
    assert _facts(logged()).items() >= {"function": "websocket_connect", "outcome": "joined"}.items()
    member.disconnect()
    assert _facts(logged()).items() >= {"function": "websocket_disconnect", "outcome": "left"}.items()
    member.disconnect()
    assert _facts(logged())["outcome"] == "not in a room"
    member.connect(roomId="nosuchroom")
    assert _facts(logged()) == {"function": "websocket_connect", "outcome": "404", "dynamodb_requests": 1, "faults": 0}


def test_a_refused_frame_logs_its_error_code(socket: Any, tables: None, gateway: Gateway, logged: Any) -> None:
    socket("a").send("hello")
    assert _facts(logged()) == {
        "function": "websocket_message",
        "outcome": "invalid_json",
        "delivered": 1,
        "gone": 0,
        "failed": 0,
        "dynamodb_requests": 0,
        "faults": 0,
    }


def test_a_rest_request_logs_its_route_and_status_and_never_its_query(client: Client, logged: Any) -> None:
    room = rooms.create("Party", private=True)
    client.http.get(f"/rooms/{room.room_id}?token={room.join_token}")
    line = logged()
    assert _facts(line) == {
        "function": "api_handler",
        "outcome": "GET /rooms/{room_id} 200",
        "room_id": room.room_id,
        "dynamodb_requests": 1,
        "faults": 0,
    }
    assert room.join_token not in json.dumps(line)


def test_a_fault_of_ours_logs_the_reference_that_the_member_was_told(
    socket: Any, room: Room, gateway: Gateway, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.rate_limit, "record_message", lambda _: 1 / 0)
    socket("a").say("hi")
    line = logged()
    assert (line["outcome"], line["faults"]) == ("internal", 1)
    assert line["reference"] in gateway.frames["a"][0]["error"]["message"]


@pytest.mark.parametrize("path", ["/rooms", "/rooms/some"])
def test_a_fault_in_a_route_is_counted(client: Client, logged: Any, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.setattr(rooms, "list_public", lambda *_: 1 / 0)
    monkeypatch.setattr(rooms, "get", lambda *_: 1 / 0)
    client.http.get(path)
    line = logged()
    assert line["faults"] == 1
    assert line["outcome"].endswith(" 500")


def test_a_function_that_fails_is_logged_all_the_same(
    socket: Any, tables: None, gateway: Gateway, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rooms, "get_connection", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        socket("a").disconnect()
    assert _facts(logged()) == {
        "function": "websocket_disconnect",
        "outcome": "fault",
        "dynamodb_requests": 0,
        "faults": 1,
    }


def test_cloudwatch_makes_metrics_of_the_numbers_by_stage(
    socket: Any, room: Room, gateway: Gateway, logged: Any
) -> None:
    socket("a").connect(roomId=room.room_id)
    logged()
    gateway.answer("a", GONE)
    socket("a").say("hi")
    line = logged()
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ChaliceChat"
    assert directive["Dimensions"] == [["stage"]]
    assert [metric["Name"] for metric in directive["Metrics"]] == [
        "delivered",
        "dynamodb_requests",
        "failed",
        "faults",
        "gone",
    ]
    assert all(isinstance(line[metric["Name"]], int) for metric in directive["Metrics"])
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_a_batch_of_a_large_room_is_logged(gateway: Gateway, room: Room, logged: Any) -> None:
    batch = json.dumps([gateway.url, room.room_id, '{"pong":true}', ["a", "b"], 1])
    chat_app.fan_out({"Records": [{"body": batch, "receiptHandle": "r"}]}, None)
    assert _facts(logged()).items() >= {"function": "fan_out", "room_id": room.room_id, "delivered": 2}.items()
