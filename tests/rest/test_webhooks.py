"""Routes of webhooks: the address of a new one, the token of the owner, and the forms of messages."""

from __future__ import annotations

import hmac
import json
import re
from collections import Counter
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from chalice.test import Client, HTTPResponse

import app as chat_app
from chalicelib import settings
from chalicelib.chat import webhooks
from chalicelib.delivery import jobs
from chalicelib.rest import message_forms
from chalicelib.storage.models import Room
from tests.support.iam import RequestRecorder, queue
from tests.support.rooms import create_room
from tests.support.webhooks import HOST, NOT_FOUND, Hooks, texts

pytestmark = pytest.mark.usefixtures("clock", "on_lambda", "connections_url")


@pytest.fixture(autouse=True)
def fanout_queue(queue: Any) -> Any:
    """Every test has a queue."""
    return queue


@pytest.fixture
def owner(client: Client, room: Room) -> Hooks:
    return Hooks(client, room)


def assert_names_forms(response: HTTPResponse) -> None:
    for form in ("JSON", "blocks", "attachments", "payload", "multipart/form-data", "text/plain"):
        assert form in response.json_body["Message"]


def test_created_hook_has_a_url_with_a_secret(owner: Hooks) -> None:
    created = owner.request("POST", body={"name": " Builds "}).json_body
    assert created.keys() == {"hookId", "url"}
    secret = rf"https://{re.escape(HOST)}/hooks/{owner.room.room_id}\.{created['hookId']}\.[\w-]{{43}}"
    assert re.fullmatch(secret, created["url"])
    assert re.fullmatch(r"[\w-]{16}", created["hookId"])
    token = created["url"].rpartition("/")[2]
    assert quote(token, safe="") == token
    assert owner.list()[0]["name"] == "Builds"


@pytest.mark.parametrize(
    ("path", "headers", "base"),
    [
        ("/dev/rooms/R/hooks", {"host": HOST, "x-forwarded-proto": "https"}, f"https://{HOST}/dev"),
        ("/rooms/R/hooks", {"host": "chat.example.org", "x-forwarded-proto": "https"}, "https://chat.example.org"),
        ("/rooms/R/hooks/", {"host": "chat.example.org", "x-forwarded-proto": "https"}, "https://chat.example.org"),
        ("/base/rooms/R/hooks", {"host": "example.org", "x-forwarded-proto": "https"}, "https://example.org/base"),
        ("/_aws/execute-api/x/local/rooms/R/hooks", {"host": "[::1]:80"}, "http://[::1]:80/_aws/execute-api/x/local"),
        ("/rooms/R/hooks", {"host": "127.0.0.1:8001"}, "http://127.0.0.1:8001"),
    ],
)
def test_url_has_the_address_of_the_request(room: Room, path: str, headers: dict[str, str], base: str) -> None:
    context = {"httpMethod": "POST", "resourcePath": "/rooms/{room_id}/hooks", "path": path, "identity": {}}
    event = {
        "requestContext": context,
        "headers": headers | {"authorization": f"Bearer {room.owner_token}"},
        "pathParameters": {"room_id": room.room_id},
        "multiValueQueryStringParameters": None,
        "stageVariables": None,
        "body": '{"name": "Builds"}',
        "isBase64Encoded": False,
    }
    url = json.loads(chat_app.app(event, None)["body"])["url"]
    assert url.startswith(f"{base}/hooks/{room.room_id}.")


@pytest.mark.parametrize("name", [None, "", " ", "x" * 41, "a\nb", 5])
def test_invalid_name_is_rejected(owner: Hooks, name: object) -> None:
    assert owner.request("POST", body={"name": name}).status_code == 400
    assert owner.list() == []


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "", None), ("POST", "", {"name": "Builds"}), ("DELETE", "/{}", None)]
)
def test_routes_of_the_owner_are_forbidden_to_others(
    owner: Hooks, method: str, path: str, body: Any, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook_id = webhooks.create(owner.room.room_id, owner.room.owner_token or "", "Builds")[0]
    right, compare, compared = owner.room.owner_token or "", hmac.compare_digest, []
    monkeypatch.setattr(hmac, "compare_digest", lambda *texts: compared.append(texts) or compare(*texts))
    responses = set()
    url = f"/rooms/{owner.room.room_id}/hooks{path.format(hook_id)}"
    given = [None, "", right, f"Basic {right}", "Bearer", "Bearer ", "Bearer x", f"Bearer {right[:-1]}", "Bearer \xff"]
    given += [f"Bearer {right}x", f"Bearer {create_room('Coffee').owner_token}", f"Bearer{right}"]
    requests.clear()
    for authorization in given:
        headers = {"Host": HOST} | ({} if authorization is None else {"Authorization": authorization})
        response = owner.client.http.request(method, url, headers=headers, body=json.dumps(body).encode())
        responses.add((response.status_code, response.body))
    ((status, text),) = responses
    assert status == 403
    assert json.loads(text) == {
        "Code": "ForbiddenError",
        "Message": "expected the ownerToken of this room, which the response to its creation contained",
    }
    assert requests == {"GetItem": len(given)}
    assert len(compared) == len(given)
    assert [hook["hookId"] for hook in owner.list()] == [hook_id]


@pytest.mark.parametrize("authorization", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_scheme_of_the_token_is_not_case_sensitive(owner: Hooks, authorization: str) -> None:
    headers = {"Authorization": authorization.format(owner.room.owner_token)}
    assert owner.client.http.get(f"/rooms/{owner.room.room_id}/hooks", headers=headers).status_code == 200


def test_private_room_needs_no_join_token(client: Client) -> None:
    owner = Hooks(client, create_room("Party", private=True))
    path = owner.create()
    assert owner.post(path, "hi").status_code == 200
    assert texts(owner.room) == ["hi"]
    assert owner.request("DELETE", f"/{owner.list()[0]['hookId']}").status_code == 204


def test_queue_is_addressed_without_a_lookup(
    new_process: None, owner: Hooks, monkeypatch: pytest.MonkeyPatch, fanout_queue: Any
) -> None:
    recorder = RequestRecorder(monkeypatch)
    recorder.record("api_handler", owner, "post")
    assert owner.post(owner.create(), "hi").status_code == 200
    assert ("sqs:GetQueueUrl", queue(settings.FANOUT_QUEUE)) not in recorder.permissions("api_handler")
    (message,) = fanout_queue.receive_messages()
    job = jobs.parse(message.body)
    assert job == jobs.Delivery(chat_app.websocket_api.endpoint, owner.room.room_id, 1)


def test_chalice_local_looks_the_queue_up(fanout_queue: Any) -> None:
    jobs.enqueue_delivery(jobs.Delivery("http://127.0.0.1", "r", 1), function_arn="")
    assert len(fanout_queue.receive_messages()) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"text": "hi", "username": "ci", "blocks": [], "icon_emoji": ":x:"}', "hi"),
        (b' \n{"text": "a&payload=b"}', "a&payload=b"),
        (urlencode({"payload": json.dumps({"text": "50 % & <b>é</b>"})}).encode(), "50 % & <b>é</b>"),
        (urlencode({"token": "x", "payload": json.dumps({"text": "hi"}), "user": "ci"}).encode(), "hi"),
        ('payload={"text": "é"}'.encode(), "é"),
        (b'payload={"text": "one"}&payload={"text": "two"}', "one"),
        (b'{"text": "one\\r\\ntwo\\rthree\\n\\tfour"}', "one\ntwo\nthree\n\tfour"),
        (json.dumps({"text": "x\r\n" * 2_000}).encode(), "x\n" * 2_000),
        (json.dumps({"text": "\U0001f44d" * 4_000}).encode(), "\U0001f44d" * 4_000),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_message_may_have_the_forms_of_slack(owner: Hooks, body: bytes, text: str, content_type: str) -> None:
    assert owner.send(owner.create(), body, content_type).status_code == 200
    assert texts(owner.room) == [text]


@pytest.mark.parametrize("body", [b"", b"hi", b"[]", b"payload=hi", b'{"text": "hi"}'])
def test_token_is_checked_before_the_body_is_parsed(owner: Hooks, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    path, parsed = owner.create(), []
    wrong = path[:-1] + ("a" if path[-1] != "a" else "b")
    assert owner.send(path, b'{"text": "hi"}').status_code == 200
    for name in ("parse_object", "parse_qsl", "_parameter"):
        monkeypatch.setattr(message_forms, name, parsed.append)
    response = owner.send(wrong, body)
    assert (response.status_code, response.json_body) == (404, NOT_FOUND)
    assert parsed == []


@pytest.mark.parametrize("body", [b" " * 262_145, b"payload=" + b"%41" * 90_000, b"a&" * 500_000])
def test_larger_body_is_rejected_before_it_is_parsed(
    owner: Hooks, monkeypatch: pytest.MonkeyPatch, body: bytes, fanout_queue: Any
) -> None:
    path, parsed = owner.create(), []
    for name in ("parse_object", "parse_qsl", "_parameter"):
        monkeypatch.setattr(message_forms, name, parsed.append)
    for url in (path, "/hooks/unknown"):
        response = owner.send(url, body)
        assert (response.status_code, response.json_body["Code"]) == (413, "ContentTooLargeError")
    assert (parsed, texts(owner.room), fanout_queue.receive_messages()) == ([], [], [])


def test_longest_message_may_be_a_form_with_every_character_escaped(owner: Hooks) -> None:
    text = "\U0001f44d" * 4_000
    assert owner.send(owner.create(), urlencode({"payload": json.dumps({"text": text})}).encode()).status_code == 200
    assert texts(owner.room) == [text]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hi",
        b"\xff",
        b"[]",
        b"{}",
        b'{"text": null}',
        b'{"text": ""}',
        b'{"text": " \\r\\n"}',
        b'{"text": "\\u0000\\u001b[0m"}',
        b'{"text": "\\u3164\\u2800"}',
        b'{"text": "\xe9"}',
        b'{"text": "", "blocks": [{"type": "divider"}], "attachments": [{"text": null}, 5]}',
        b"[" * 100_000,
        b'{"text": ' + b"[" * 100_000,
        b"payload=",
        b"payload=hi",
        b"payload=%5B%5D",
        b"text=hi",
        b"&".join([b"a=1"] * 200),
    ],
)
def test_message_without_a_known_form_or_a_text_is_rejected_with_the_accepted_forms(
    owner: Hooks, fanout_queue: Any, body: bytes
) -> None:
    response = owner.send(owner.create(), body)
    assert (response.status_code, response.json_body["Code"]) == (400, "BadRequestError")
    assert_names_forms(response)
    assert texts(owner.room) == []
    assert fanout_queue.receive_messages() == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"text": 5}', "text"),
        (b'{"text": ["hi"], "attachments": [{"text": "hi"}]}', "text"),
        (b'payload={"text": {"text": "hi"}}', "text"),
        (b'{"text": "hi", "clientId": ""}', "clientId"),
        (json.dumps({"text": "hi", "clientId": "x" * 65}).encode(), "clientId"),
    ],
)
def test_invalid_property_is_named_with_the_accepted_forms(owner: Hooks, body: bytes, name: str) -> None:
    response = owner.send(owner.create(), body)
    assert (response.status_code, response.json_body["Code"]) == (400, "BadRequestError")
    assert response.json_body["Message"].startswith(f"{name} must")
    assert_names_forms(response)
    assert texts(owner.room) == []
