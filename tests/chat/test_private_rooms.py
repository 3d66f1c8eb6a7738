"""Private rooms: only clients with the join token can read or join them."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import boto3
import pytest
from chalice.test import Client

import app as chat_app
from chalicelib.auth.identity import Credentials
from chalicelib.chat import rooms
from chalicelib.storage.models import Connection, Message, Room
from tests.support.gateway import Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket

KEY = "k3Yof-The_member-0123456789"

PATHS = ["/rooms/{}", "/rooms/{}/members", "/rooms/{}/messages"]


@pytest.fixture
def secret(tables: None) -> Room:
    """Create a private room."""
    return create_room("Surprise party", private=True)


def _raw_rows(table: Any) -> Any:
    """Return the items of a table, as DynamoDB returns them."""
    return boto3.client("dynamodb").scan(TableName=table.Meta.table_name, ConsistentRead=True)["Items"]


def _create(client: Client, **body: object) -> Any:
    return client.http.post("/rooms", headers={"Content-Type": "application/json"}, body=json.dumps(body).encode())


def test_created_private_room_has_a_token_of_256_bits(client: Client) -> None:
    response = _create(client, roomName="Surprise party", private=True)
    assert response.status_code == 201
    assert set(response.json_body) == {"message", "roomId", "ownerToken", "joinToken"}
    assert len(base64.urlsafe_b64decode(response.json_body["joinToken"] + "=")) == 32
    another = _create(client, roomName="Surprise party", private=True)
    assert another.json_body["joinToken"] != response.json_body["joinToken"]


@pytest.mark.parametrize("body", [{}, {"private": False}])
def test_room_is_public_by_default(client: Client, body: dict[str, Any]) -> None:
    response = _create(client, roomName="Tea", **body)
    assert set(response.json_body) == {"message", "roomId", "ownerToken"}
    assert [room["name"] for room in client.http.get("/rooms").json_body["rooms"]] == ["Tea"]


@pytest.mark.parametrize("private", [None, 1, "true", [], {}])
def test_private_must_be_true_or_false(client: Client, private: object) -> None:
    response = _create(client, roomName="Tea", private=private)
    assert response.status_code == 400
    assert response.json_body["Message"].startswith("private must be true or false")
    assert list(Room.scan(consistent_read=True)) == []


def test_private_room_is_never_listed(socket: Any, client: Client, secret: Room, gateway: Gateway) -> None:
    a, b = socket("a"), socket("b")
    assert a.connect(roomId=secret.room_id, token=secret.join_token) == 200
    assert b.connect(roomId=secret.room_id, token=secret.join_token) == 200
    b.disconnect()
    assert client.http.get("/rooms").json_body["rooms"] == []
    a.disconnect()
    assert a.connect(roomId=secret.room_id, token=secret.join_token) == 200
    assert client.http.get("/rooms").json_body["rooms"] == []


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", "?token=%ED%A0%80", "?token=" + "x" * 2_000])
@pytest.mark.parametrize("path", PATHS)
def test_private_room_requires_its_token(client: Client, secret: Room, path: str, query: str) -> None:
    response = client.http.get(path.format(secret.room_id) + query)
    assert response.status_code == 403
    assert response.json_body == {
        "Code": "ForbiddenError",
        "Message": "this room is private: expected its joinToken in the query string, as in ?token=…",
    }


@pytest.mark.parametrize("token", [None, "", "wrong", "ünïcode \ud800"])
def test_connection_to_a_private_room_requires_its_token(
    socket: Any, secret: Room, gateway: Gateway, token: str | None
) -> None:
    query = {} if token is None else {"token": token}
    assert socket("a").connect(roomId=secret.room_id, **query) == 403
    assert list(Connection.scan(consistent_read=True)) == []
    assert rooms.authorize(secret.room_id, Credentials(secret.join_token)).member_count == 0


def test_token_of_another_room_is_rejected(client: Client, secret: Room) -> None:
    other = create_room("Other party", private=True)
    assert client.http.get(f"/rooms/{secret.room_id}?token={other.join_token}").status_code == 403


@pytest.mark.parametrize("path", PATHS)
def test_private_room_can_be_read_with_its_token(client: Client, secret: Room, path: str) -> None:
    assert client.http.get(f"{path.format(secret.room_id)}?token={secret.join_token}").status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_public_room_ignores_tokens(client: Client, room: Room, path: str) -> None:
    assert client.http.get(path.format(room.room_id) + "?token=whatever").status_code == 200


def test_members_of_a_private_room_receive_its_messages(socket: Any, secret: Room, gateway: Gateway) -> None:
    a, b = socket("a"), socket("b")
    for member in (a, b):
        member.connect(roomId=secret.room_id, token=secret.join_token)
    a.say("hi")
    assert gateway.texts("b") == ["hi"]


def test_tokens_are_compared_in_constant_time(client: Client, secret: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *texts: bool(compared.append(texts)))
    assert client.http.get(f"/rooms/{secret.room_id}?token={secret.join_token}").status_code == 403
    ((stored, given),) = compared
    assert stored == given == Room.get(secret.room_id, consistent_read=True).token_hash


def test_secrets_appear_only_in_the_responses_to_the_creation(
    socket: Any,
    client: Client,
    gateway: Gateway,
    queue: Any,
    on_lambda: None,
    connections_url: None,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    created = _create(client, roomName="Surprise party", private=True).json_body
    token, owner, room_id = created["joinToken"], created["ownerToken"], created["roomId"]
    member: Socket = socket("a")
    member.connect(roomId=room_id, token=token, key=KEY, owner=owner)
    socket("b").connect(roomId=room_id, token=token)
    member.say("hi")
    salt = Room.get(room_id, consistent_read=True).salt
    headers = {"Host": "localhost", "Authorization": f"Bearer {owner}"}
    hook = client.http.post(f"/rooms/{room_id}/hooks", headers=headers, body=b'{"name": "Builds"}').json_body
    hook_token = hook["url"].rpartition("/")[2]
    posts = [client.http.post(f"/hooks/{one}", body=b'{"text": "hi"}') for one in (hook_token, hook_token + "x")]
    assert [post.status_code for post in posts] == [200, 404]
    responses = [client.http.get(path.format(room_id) + f"?token={token}").body.decode() for path in PATHS]
    responses.append(client.http.get("/rooms").body.decode())
    responses.append(client.http.get(f"/rooms/{room_id}/hooks", headers=headers).body.decode())
    responses += [post.body.decode() for post in posts]
    responses += [message.body for message in queue.receive_messages(MaxNumberOfMessages=10)]
    with monkeypatch.context() as broken:
        broken.setattr(Room, "get", lambda *_, **__: 1 / 0)
        responses.append(client.http.get(f"/rooms/{room_id}?token={token}").body.decode())
        responses.append(client.http.post(f"/hooks/{hook_token}", body=b'{"text": "hi"}').body.decode())
        responses.append(client.http.get(f"/rooms/{room_id}/hooks", headers=headers).body.decode())
        assert socket("c").connect(roomId=room_id, token=token, key=KEY, owner=owner) == 500
    tables = (Room, Connection, Message)
    rows = [str(row) for table in tables for row in _raw_rows(table)]
    counters = [row for row in rows if "presence-count#" in row]
    assert len(rows) - len(counters) == 3 + 5  # the messages, the sequence, the member with the key, the hook
    everything = [*responses, *rows, *map(str, gateway.frames.values()), caplog.text, "".join(capfd.readouterr())]
    assert everything[-1].count('"function": "websocket_connect"') == 3
    for secret in (token, owner, KEY, hook_token, hook_token.rpartition(".")[2]):
        assert not any(secret in text for text in everything)
    assert sum(salt in text for text in everything) == 1  # the row of the room
    assert "division by zero" in caplog.text


def test_debug_mode_which_responses_with_tracebacks_is_off() -> None:
    assert chat_app.app.debug is False
