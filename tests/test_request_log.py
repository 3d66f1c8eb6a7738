"""Log line of an invocation: its fields, and the metrics that CloudWatch extracts from it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.test import Client

import app as chat_app
from chalicelib import request_log, settings
from chalicelib.chat import members, rate_limit, room_list, rooms
from chalicelib.delivery import jobs
from chalicelib.storage.models import Room
from tests.support.gateway import GONE, Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket
from tests.support.webhooks import Hooks

Line = dict[str, Any]


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Any:
    """Return a function that returns the only JSON line that was logged since its last call."""

    def line() -> Line:
        lines = [json.loads(line) for line in capfd.readouterr().out.splitlines() if line.startswith("{")]
        assert len(lines) == 1
        return dict(lines[0])

    return line


def _fields(line: Line) -> Line:
    return {name: value for name, value in line.items() if name not in ("_aws", "duration_ms", "stage")}


def test_line_of_a_message_contains_deliveries_and_requests(
    socket: Any, room: Room, gateway: Gateway, logged: Any
) -> None:
    for id_ in ("a", "b"):
        socket(id_).connect(roomId=room.room_id)
        logged()
    gateway.respond("b", 400)
    socket("a").say("hi")
    line = logged()
    assert _fields(line) == {
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


def test_line_of_a_join_and_a_leave_contains_the_outcome(
    socket: Any, room: Room, gateway: Gateway, logged: Any
) -> None:
    member: Socket = socket("a")
    member.connect(roomId=room.room_id)
    assert _fields(logged()).items() >= {"function": "websocket_connect", "outcome": "joined"}.items()
    member.disconnect()
    assert _fields(logged()).items() >= {"function": "websocket_disconnect", "outcome": "left"}.items()
    member.disconnect()
    assert _fields(logged())["outcome"] == "not in a room"
    member.connect(roomId="nosuchroom")
    assert _fields(logged()) == {"function": "websocket_connect", "outcome": "404", "dynamodb_requests": 1, "faults": 0}


def test_line_of_a_rejected_frame_contains_its_error_code(
    socket: Any, tables: None, gateway: Gateway, logged: Any
) -> None:
    socket("a").send("hello")
    assert _fields(logged()) == {
        "function": "websocket_message",
        "outcome": "invalid_json",
        "delivered": 1,
        "gone": 0,
        "failed": 0,
        "dynamodb_requests": 0,
        "faults": 0,
    }


def test_line_of_a_rest_request_contains_route_and_status_without_the_query(client: Client, logged: Any) -> None:
    room = create_room("Party", private=True)
    client.http.get(f"/rooms/{room.room_id}?token={room.join_token}")
    line = logged()
    assert _fields(line) == {
        "function": "api_handler",
        "outcome": "GET /rooms/{room_id} 200",
        "room_id": room.room_id,
        "dynamodb_requests": 1,
        "faults": 0,
    }
    assert room.join_token not in json.dumps(line)


def test_line_of_an_internal_error_contains_the_reference_of_the_error_frame(
    socket: Any, room: Room, gateway: Gateway, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limit, "check_rate_limit", lambda _: 1 / 0)
    socket("a").say("hi")
    line = logged()
    assert (line["outcome"], line["faults"]) == ("internal", 1)
    assert line["reference"] in gateway.frames["a"][0]["error"]["message"]


@pytest.mark.parametrize("path", ["/rooms", "/rooms/some"])
def test_line_of_a_failed_route_counts_a_fault(
    client: Client, logged: Any, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(room_list, "list_public", lambda **_: 1 / 0)
    monkeypatch.setattr(rooms, "authorize", lambda *_: 1 / 0)
    client.http.get(path)
    line = logged()
    assert line["faults"] == 1
    assert line["outcome"].endswith(" 500")


def test_failed_function_is_logged(
    socket: Any, tables: None, gateway: Gateway, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "find_connection", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        socket("a").disconnect()
    assert _fields(logged()) == {
        "function": "websocket_disconnect",
        "outcome": "fault",
        "dynamodb_requests": 0,
        "faults": 1,
    }


def test_line_declares_its_metrics_by_stage(socket: Any, room: Room, gateway: Gateway, logged: Any) -> None:
    socket("a").connect(roomId=room.room_id)
    logged()
    gateway.respond("a", GONE)
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
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert line["_aws"]["Timestamp"] > 1_700_000_000_000


def test_line_of_a_fan_out_batch_contains_room_and_deliveries(gateway: Gateway, room: Room, logged: Any) -> None:
    batch = jobs.Batch(gateway.url, room.room_id, ['{"pong":true}'], {"a": 2**33, "b": 2**33})
    chat_app.fan_out({"Records": [{"body": jobs.serialize(batch), "receiptHandle": "r"}]}, None)
    assert _fields(logged()).items() >= {"function": "fan_out", "room_id": room.room_id, "delivered": 2}.items()


@pytest.mark.parametrize("kind", [jobs.Delivery, jobs.Removal])
def test_line_of_a_job_contains_the_room(
    queue: Any, gateway: Gateway, room: Room, logged: Any, kind: type[jobs.Job]
) -> None:
    job = kind(gateway.url, room.room_id, *{jobs.Delivery: [1], jobs.Removal: ['{"pong":true}', None]}[kind])
    chat_app.fan_out({"Records": [{"body": jobs.serialize(job), "receiptHandle": "r"}]}, None)
    assert logged()["room_id"] == room.room_id


def test_line_of_a_webhook_message_contains_the_room(
    on_lambda: None, connections_url: None, queue: Any, client: Client, room: Room, logged: Any
) -> None:
    path = Hooks(client, room).create()
    logged()
    assert Hooks(client, room).post(path, "hi").status_code == 200
    assert logged()["room_id"] == room.room_id


def test_line_of_each_frame_of_a_member_contains_the_room(
    socket: Any, room: Room, gateway: Gateway, logged: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGES_PER_WINDOW", 2)
    member: Socket = socket("a")
    member.connect(roomId=room.room_id)
    assert logged()["room_id"] == room.room_id
    for frame in ({"action": "hello"}, {"action": "rename", "data": {"name": "Bo"}}):
        member.send(frame)
        assert logged()["room_id"] == room.room_id
    for outcome in ("sendMessage", "rate_limited", "rate_limited"):  # the client is told of the first only
        member.say("hi")
        line = logged()
        assert (line["outcome"], line["room_id"]) == (outcome, room.room_id)
    member.disconnect()
    assert logged()["room_id"] == room.room_id


def test_line_of_an_unknown_event_type_names_the_type(logged: Any) -> None:
    class ScheduledEvent:
        pass

    assert request_log.log_middleware(ScheduledEvent(), lambda _: "response") == "response"
    assert _fields(logged()) == {
        "function": "unknown function for ScheduledEvent",
        "outcome": "done",
        "dynamodb_requests": 0,
        "faults": 0,
    }


def test_line_is_readable_in_any_script(capsys: pytest.CaptureFixture[str]) -> None:
    request_log.log_middleware(object(), lambda _: request_log.append_keys(outcome="日本語"))
    assert "日本語" in capsys.readouterr().out
