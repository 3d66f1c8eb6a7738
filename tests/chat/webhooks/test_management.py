"""Webhooks: creation, listing and deletion by the owner of the room."""

from __future__ import annotations

import hmac
import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib.chat import rooms, webhooks
from chalicelib.errors import InvalidInput, WebhookNotFound
from chalicelib.storage.models import Room, WebhookRecord
from tests.support.clock import NOON
from tests.support.rooms import create_room
from tests.support.webhooks import HOST, NOT_FOUND, Hooks, texts

# Creation


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


def test_hooks_are_listed_oldest_first_without_their_tokens(owner: Hooks, clock: time_machine.Traveller) -> None:
    names = ["Builds", "Alerts", "Shop", "Mail", "Tests", "Deployments"]
    for name in names:
        owner.create(name)
        clock.shift(timedelta(seconds=1))
    listed = owner.list()
    assert [hook["name"] for hook in listed] == names
    assert listed[1] == {"hookId": listed[1]["hookId"], "name": "Alerts", "createdAt": "2026-11-23T12:00:01.000Z"}


def test_room_has_at_most_20_hooks(owner: Hooks) -> None:
    paths = [owner.create(str(number)) for number in range(20)]
    refused = owner.request("POST", body={"name": "one more"})
    assert (refused.status_code, refused.json_body["Code"]) == (400, "BadRequestError")
    assert "at most 20 webhooks" in refused.json_body["Message"]
    owner.request("DELETE", f"/{paths[0].split('.')[1]}")
    owner.create("instead")
    assert len(owner.list()) == 20


def test_concurrent_creations_do_not_exceed_20_hooks(owner: Hooks) -> None:
    token = owner.room.owner_token or ""

    def create(number: int) -> bool:
        try:
            webhooks.create(owner.room.room_id, token, str(number))
        except InvalidInput:
            return False
        return True

    for number in range(18):
        create(number)
    with ThreadPoolExecutor(5) as executor:
        assert sum(executor.map(create, range(5))) == 2
    assert len(owner.list()) == 20


def test_expired_hooks_do_not_count(owner: Hooks) -> None:
    with time_machine.travel(NOON - timedelta(days=366)):
        for number in range(20):
            hook = WebhookRecord(
                owner.room.room_id,
                WebhookRecord.sort_key_of(f"{number:016}"),
                name="old",
                token_hash="h",
                message_times=[0],
                created_at=datetime.now(UTC),
                expires_at=datetime.now(UTC) + timedelta(days=1),
            )
            hook.save()
    owner.create()
    assert [hook["name"] for hook in owner.list()] == ["Builds"]
    assert owner.request("DELETE", f"/{0:016}").status_code == 404


def test_room_that_is_closed_during_a_creation_gets_no_hook(owner: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    read = webhooks._read_webhooks

    def close_first(room_id: str) -> list[WebhookRecord]:
        rooms.close(room_id)
        return read(room_id)

    monkeypatch.setattr(webhooks, "_read_webhooks", close_first)
    assert owner.request("POST", body={"name": "Builds"}).status_code == 404
    assert read(owner.room.room_id) == []


# The owner's token


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "", None), ("POST", "", {"name": "Builds"}), ("DELETE", "/{}", None)]
)
def test_routes_of_the_owner_are_forbidden_to_others(
    owner: Hooks, method: str, path: str, body: Any, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook_id = webhooks.create(owner.room.room_id, owner.room.owner_token or "", "Builds")[0]
    right, compare, compared = owner.room.owner_token or "", hmac.compare_digest, []
    monkeypatch.setattr(hmac, "compare_digest", lambda *texts: compared.append(texts) or compare(*texts))
    answers = set()
    url = f"/rooms/{owner.room.room_id}/hooks{path.format(hook_id)}"
    given = [None, "", right, f"Basic {right}", "Bearer", "Bearer ", "Bearer x", f"Bearer {right[:-1]}", "Bearer \xff"]
    given += [f"Bearer {right}x", f"Bearer {create_room('Coffee').owner_token}", f"Bearer{right}"]
    requests.clear()
    for authorization in given:
        headers = {"Host": HOST} | ({} if authorization is None else {"Authorization": authorization})
        answer = owner.client.http.request(method, url, headers=headers, body=json.dumps(body).encode())
        answers.add((answer.status_code, answer.body))
    ((status, text),) = answers
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


@pytest.mark.parametrize("end", ["never", "closed", "expired"])
@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "", None), ("POST", "", {"name": "Builds"}), ("DELETE", "/" + "h" * 16, None)]
)
def test_room_that_is_gone_has_no_hooks(
    owner: Hooks, clock: time_machine.Traveller, method: str, path: str, body: Any, end: str
) -> None:
    if end == "never":
        owner.room.room_id = "nosuchroom"
    elif end == "closed":
        rooms.close(owner.room.room_id)
    else:
        clock.shift(timedelta(days=1))
    answer = owner.request(method, path, body=body)
    assert answer.status_code == 404
    assert answer.json_body["Message"] == "room not found: it does not exist or has expired"


def test_private_room_needs_no_join_token(client: Client) -> None:
    owner = Hooks(client, create_room("Party", private=True))
    path = owner.create()
    assert owner.post(path, "hi").status_code == 201
    assert texts(owner.room) == ["hi"]
    assert owner.request("DELETE", f"/{owner.list()[0]['hookId']}").status_code == 204


# Deletion


def test_deleted_hook_is_gone(owner: Hooks) -> None:
    path = owner.create()
    assert owner.post(path, "hi").status_code == 201
    (hook,) = owner.list()
    deleted = owner.request("DELETE", f"/{hook['hookId']}")
    assert (deleted.status_code, deleted.body) == (204, b"")
    assert deleted.headers["Access-Control-Allow-Origin"] == "*"
    refused = owner.post(path, "again")
    assert (refused.status_code, refused.json_body) == (404, NOT_FOUND)
    again = owner.request("DELETE", f"/{hook['hookId']}")
    assert (again.status_code, again.json_body) == (404, NOT_FOUND)
    assert (owner.list(), texts(owner.room)) == ([], ["hi"])


@pytest.mark.parametrize("hook_id", ["nosuchhook", "h" * 16, "h" * 3_000, "%C3%BC" * 16])
def test_unknown_hook_is_not_deleted(owner: Hooks, hook_id: str) -> None:
    owner.create()
    answer = owner.request("DELETE", f"/{hook_id}")
    assert (answer.status_code, answer.json_body) == (404, NOT_FOUND)
    assert len(owner.list()) == 1


def test_hook_that_is_deleted_while_it_posts_stores_nothing(owner: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    path, get = owner.create(), rooms.find
    (hook,) = owner.list()
    room = owner.room

    with monkeypatch.context() as patch:

        def delete_first(room_id: str) -> Room | None:
            patch.undo()
            webhooks.delete(room.room_id, room.owner_token or "", hook["hookId"])
            return get(room_id)

        patch.setattr(rooms, "find", delete_first)
        with pytest.raises(WebhookNotFound):
            webhooks.store_message(path.rpartition("/")[2], "hi", None)
    assert webhooks._read_webhooks(room.room_id) == []
    assert texts(room) == []
