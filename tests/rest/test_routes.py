"""REST API: statuses, bodies and headers of the responses, and stored rooms."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from chalice.test import Client, HTTPResponse

import app as chat_app
from chalicelib import settings
from chalicelib.chat import members, messages, room_list
from chalicelib.limits import MAX_MESSAGE_LENGTH, MAX_PAGE_SIZE
from chalicelib.protocol import validation
from chalicelib.storage.models import Connection, Message, Room
from tests.support.page_files import SCRIPT
from tests.support.rooms import create_room, history_items

JSON = {"Content-Type": "application/json"}


def create(client: Client, body: Any) -> HTTPResponse:
    return client.http.post("/rooms", headers=JSON, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def test_created_room_can_be_read(client: Client) -> None:
    response = create(client, {"roomName": " Tea ", "more": 1})
    assert response.status_code == 201
    assert response.json_body == {
        "message": "Room created successfully",
        "roomId": response.json_body["roomId"],
        "ownerToken": response.json_body["ownerToken"],
    }
    room = client.http.get(f"/rooms/{response.json_body['roomId']}")
    assert room.status_code == 200
    assert room.json_body["name"] == "Tea"
    assert sorted(room.json_body) == ["created_at", "member_count", "name", "room_id"]


@pytest.mark.parametrize(("keep_days", "hours"), [(2, 48), (None, 1)])
def test_room_is_kept_for_days(client: Client, keep_days: int | None, hours: int) -> None:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        room_id = create(client, {"roomName": "Tea", "keepDays": keep_days}).json_body["roomId"]
        clock.shift(timedelta(hours=hours, seconds=-1))
        assert [room["room_id"] for room in client.http.get("/rooms").json_body["rooms"]] == [room_id]
        clock.shift(timedelta(seconds=2))
        assert client.http.get("/rooms").json_body["rooms"] == []
        assert client.http.get(f"/rooms/{room_id}").status_code == 404


def test_room_is_created_from_any_content_type(client: Client) -> None:
    response = client.http.post("/rooms", headers={"Content-Type": "text/plain"}, body=b'{"roomName": "Tea"}')
    assert response.status_code == 201


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "expected a JSON object"),
        (b"not json", "expected a JSON object"),
        (b"\xff", "expected a JSON object"),
        (b"[" * 60_000, "expected a JSON object"),
        ([], "expected a JSON object, not an array"),
        ("Tea", "expected a JSON object, not a string"),
        (None, "expected a JSON object, not null"),
        ({}, "roomName is missing"),
        ({"roomName": 5}, "roomName must be a string, not a number"),
        ({"roomName": {"S": "Tea"}}, "roomName must be a string, not an object"),
        ({"roomName": "   "}, "roomName must not be blank"),
        ({"roomName": "x" * 81}, "roomName must have at most 80 characters, not 81"),
        ({"roomName": "a\u0000b"}, "roomName must not contain control characters"),
        ({"roomName": "a\nb"}, "roomName must not contain control characters"),
        ({"roomName": "a\ud800b"}, "roomName must not contain control characters"),
        ({"roomName": "Tea", "keepDays": 0}, "keepDays must be an integer from 1 to 30"),
        ({"roomName": "Tea", "keepDays": 31}, "keepDays must be an integer from 1 to 30"),
        ({"roomName": "Tea", "keepDays": 1.5}, "keepDays must be an integer from 1 to 30"),
        ({"roomName": "Tea", "keepDays": "7"}, "keepDays must be an integer from 1 to 30"),
        ({"roomName": "Tea", "keepDays": True}, "keepDays must be an integer from 1 to 30"),
    ],
)
def test_invalid_room_is_rejected_and_stores_nothing(client: Client, body: Any, expected: str) -> None:
    response = create(client, body)
    assert response.status_code == 400
    assert response.json_body["Code"] == "BadRequestError"
    assert expected in response.json_body["Message"]
    assert list(Room.scan(consistent_read=True)) == []


def test_body_is_read_up_to_64_kib(client: Client) -> None:
    body = json.dumps({"roomName": "Tea", "more": ""}).encode()
    longest = body.replace(b'""', b'"%s"' % (b"x" * (65_536 - len(body))))
    assert len(longest) == 65_536
    assert create(client, longest).status_code == 201


@pytest.mark.parametrize(
    "body", [b" " * 65_537, b'{"roomName": "Tea", "more": "' + b"x" * 65_510 + b'"}', b"[" * 100_000]
)
def test_larger_body_is_rejected_before_it_is_parsed(
    client: Client, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    monkeypatch.setattr(validation, "json", SimpleNamespace(loads=lambda text, **_: parsed.append(text)))
    response = create(client, body)
    assert response.status_code == 413
    assert response.json_body == {"Code": "ContentTooLargeError", "Message": "expected a body of at most 65,536 bytes"}
    assert parsed == []
    assert list(Room.scan(consistent_read=True)) == []


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", "/", {}),
        ("GET", f"/static/{SCRIPT}", {}),
        ("GET", "/rooms", {}),
        ("GET", "/rooms", {"If-None-Match": "*"}),
        ("GET", "/rooms?limit=0", {}),
        ("GET", "/rooms/nosuchroom", {}),
        ("GET", "/rooms", {"Content-Type": "text/plain"}),
        ("POST", "/rooms", {}),
        ("DELETE", "/rooms", {}),
    ],
)
def test_browsers_trust_the_type_of_every_response(
    client: Client, method: str, path: str, headers: dict[str, str]
) -> None:
    assert client.http.request(method, path, headers).headers["X-Content-Type-Options"] == "nosniff"


def test_internal_error_and_page_of_another_origin_have_a_trusted_type(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", ("https://chat.example.org",))
    rejected = client.http.get("/rooms", headers={"Origin": "https://example.com"})
    monkeypatch.setattr(room_list, "list_public", None)
    failed = client.http.get("/rooms")
    assert (rejected.status_code, failed.status_code) == (403, 500)
    assert {one.headers["X-Content-Type-Options"] for one in (rejected, failed)} == {"nosniff"}


def test_request_without_a_body_is_rejected(client: Client) -> None:
    assert client.http.post("/rooms").status_code == 400


def test_rooms_are_listed_in_pages(client: Client) -> None:
    ids = [create(client, {"roomName": f"room {number}"}).json_body["roomId"] for number in range(3)]
    first = client.http.get("/rooms?limit=2").json_body
    second = client.http.get(f"/rooms?limit=2&cursor={first['nextCursor']}").json_body
    assert [room["room_id"] for room in first["rooms"] + second["rooms"]] == ids[::-1]
    assert second["nextCursor"] is None


def test_unchanged_list_of_rooms_gets_a_304(client: Client) -> None:
    create(client, {"roomName": "Tea"})
    etag = client.http.get("/rooms").headers["ETag"]
    unchanged = client.http.get("/rooms", headers={"If-None-Match": f'"other", {etag}'})
    assert (unchanged.status_code, unchanged.body) == (304, b"")
    assert unchanged.headers["ETag"] == etag
    assert unchanged.headers["Cache-Control"] == "no-cache"
    create(client, {"roomName": "Coffee"})
    changed = client.http.get("/rooms", headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert [room["name"] for room in changed.json_body["rooms"]] == ["Coffee", "Tea"]
    assert changed.headers["ETag"] != etag


def test_invalid_request_with_a_matching_etag_is_rejected(client: Client) -> None:
    assert client.http.get("/rooms?limit=0", headers={"If-None-Match": "*"}).status_code == 400


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=-1", "limit=many", "limit=", "limit=1.5"])
def test_invalid_limit_is_rejected(client: Client, query: str) -> None:
    response = client.http.get(f"/rooms?{query}")
    assert response.status_code == 400
    assert "limit must be an integer from 1 to 100" in response.json_body["Message"]


def test_invalid_cursor_is_rejected(client: Client) -> None:
    response = client.http.get("/rooms?cursor=bm9uc2Vuc2U")
    assert response.status_code == 400
    assert "cursor must be the nextCursor" in response.json_body["Message"]


@pytest.mark.parametrize(
    "path",
    [
        "/rooms/nosuchroom",
        "/rooms/nosuchroom/members",
        "/rooms/nosuchroom/messages",
        "/static/app.py",
        "/static/..%2fapp.py",
    ],
)
def test_unknown_resource_is_not_found(client: Client, path: str) -> None:
    response = client.http.get(path)
    assert response.status_code == 404
    assert response.json_body["Code"] == "NotFoundError"


def test_members_are_listed_without_connection_ids(client: Client) -> None:
    room = create_room("Tea")
    member = members.join("secret-id", room.room_id, "Aki")
    response = client.http.get(f"/rooms/{room.room_id}/members")
    assert response.json_body == {"members": [{"id": member.member_id, "name": "Aki"}]}


def test_config_contains_the_websocket_url_of_the_settings(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.com/live")
    assert client.http.get("/config").json_body == {"webSocketUrl": "wss://chat.example.com/live"}


@pytest.mark.parametrize("path", ["/", "/rooms", "/rooms/nosuchroom", "/rooms?limit=0", f"/static/{SCRIPT}"])
def test_every_response_can_be_read_by_pages_of_other_origins(client: Client, path: str) -> None:
    headers = client.http.get(path).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Expose-Headers"] == "ETag,Retry-After"
    unchanged = client.http.get(path, headers={"If-None-Match": "*"}).headers
    assert unchanged["Access-Control-Allow-Origin"] == "*"


def test_every_route_responses_cors_preflights() -> None:
    routes = [route for methods in chat_app.app.routes.values() for route in methods.values()]
    assert all(route.cors for route in routes)


@pytest.fixture
def tea(client: Client) -> Room:
    """Create a room in which Aki has sent three messages."""
    room = create_room("Tea")
    aki = members.join("secret-id", room.room_id, "Aki")
    for number in (1, 2, 3):
        messages.store(aki, f"message {number}", f"c-{number}")
    return room


def test_messages_are_listed_in_the_form_of_their_frames(client: Client, tea: Room) -> None:
    page = client.http.get(f"/rooms/{tea.room_id}/messages?after=2").json_body
    aki = Connection.get("secret-id", consistent_read=True)
    (message,) = page.pop("messages")
    assert page == {"lastSequence": 3, "complete": True}
    assert message | {"sentAt": ""} == {
        "type": "message",
        "message": "message 3",
        "sender": {"id": aki.member_id, "name": "Aki"},
        "sequence": 3,
        "sentAt": "",
        "clientId": "c-3",
    }


def test_messages_are_listed_in_pages(client: Client, tea: Room) -> None:
    def sequences(query: str) -> list[int]:
        response = client.http.get(f"/rooms/{tea.room_id}/messages{query}").json_body
        return [message["sequence"] for message in response["messages"]]

    assert sequences("") == [1, 2, 3]
    assert sequences("?limit=2") == [2, 3]
    assert sequences("?limit=2&before=2") == [1]
    assert sequences("?limit=2&after=0") == [1, 2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("after=4", "after must be at most 3, the last sequence in this room"),
        ("after=-1", "after must be an integer from 0 to 999999999999999"),
        ("after=two", "after must be an integer from 0 to 999999999999999"),
        ("after=1.5", "after must be an integer from 0 to 999999999999999"),
        ("after=", "after must be an integer from 0 to 999999999999999"),
        ("after=99999999999999999999", "after must be an integer from 0 to 999999999999999"),
        ("before=5", "before must be at most 4, one more than the last sequence in this room"),
        ("before=0", "before must be an integer from 1 to 999999999999999"),
        ("limit=0", "limit must be an integer from 1 to 100"),
        ("limit=101", "limit must be an integer from 1 to 100"),
    ],
)
def test_invalid_range_of_messages_is_rejected(client: Client, tea: Room, query: str, expected: str) -> None:
    response = client.http.get(f"/rooms/{tea.room_id}/messages?{query}")
    assert response.status_code == 400
    assert response.json_body["Message"] == expected


def test_page_of_long_messages_in_emoji_is_far_below_the_limit_of_lambda(tables: None) -> None:
    room = create_room("Tea")
    with Message.batch_write() as batch:
        for item in history_items(room.room_id, ["😀" * MAX_MESSAGE_LENGTH] * MAX_PAGE_SIZE):
            batch.save(item)
    event = {
        "requestContext": {"httpMethod": "GET", "resourcePath": "/rooms/{room_id}/messages", "identity": {}},
        "headers": {},
        "pathParameters": {"room_id": room.room_id},
        "multiValueQueryStringParameters": {"limit": [str(MAX_PAGE_SIZE)]},
        "stageVariables": None,
        "isBase64Encoded": False,
        "body": None,
    }
    result = chat_app.app(event, None)
    assert len(json.loads(result["body"])["messages"]) == MAX_PAGE_SIZE
    # The runtimes from python3.12 on do not escape characters (lambda_runtime_marshaller.py of awslambdaric).
    assert len(json.dumps(result, ensure_ascii=False).encode()) <= 1_800_000
