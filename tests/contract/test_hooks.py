"""Incoming webhooks: creation, messages, delivery, limits, and what a wrong token gets."""

from __future__ import annotations

import hmac
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import pytest
import time_machine
from botocore.exceptions import ClientError
from chalice.test import Client, HTTPResponse
from moto.core.botocore_stubber import BotocoreStubber

import app as chat_app
from chalicelib import hooks, limits, messages, rooms, settings
from chalicelib.delivery import fanout
from chalicelib.errors import HookNotFound, InvalidInput, RateLimitExceeded
from chalicelib.storage.models import Connection, HookRecord, Message, Room
from tests.conftest import Socket, members_of
from tests.dynamodb import WRITES, Crash, inject_faults
from tests.gateway import Gateway
from tests.rooms import fill_room

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOST = "abcdef1234.execute-api.us-east-1.amazonaws.com"
NOT_FOUND = {
    "Code": "NotFoundError",
    "Message": "hook not found: it does not exist, was deleted, or its room does not exist any more",
}

Sockets = Callable[[str], Socket]


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    """Stop the time. Only the test moves it."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def _function(on_lambda: None, connections_url: None) -> None:
    """Every request runs as on Lambda."""


@pytest.fixture(autouse=True)
def fanout_queue(queue: Any) -> Any:
    """Every test has a queue."""
    return queue


@pytest.fixture
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulator handle one request at a time: moto's transactions are not atomic otherwise."""
    process, lock = BotocoreStubber.process_request, Lock()

    def process_alone(stubber: BotocoreStubber, request: Any) -> Any:
        with lock:
            return process(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", process_alone)


class Hooks:
    """A client of the routes, for the owner of a room."""

    def __init__(self, client: Client, room: Room) -> None:
        self.client, self.room = client, room

    def request(self, method: str, path: str = "", token: str | None = None, body: Any = None) -> HTTPResponse:
        authorization = f"Bearer {self.room.owner_token if token is None else token}"
        return self.client.http.request(
            method,
            f"/rooms/{self.room.room_id}/hooks{path}",
            headers={"Host": HOST, "X-Forwarded-Proto": "https", "Authorization": authorization},
            body=b"" if body is None else json.dumps(body).encode(),
        )

    def create(self, name: str = "Builds") -> str:
        """Create a hook, and return the path of its url."""
        created = self.request("POST", body={"name": name})
        assert created.status_code == 201
        return urlsplit(created.json_body["url"]).path

    def list(self) -> Any:
        return self.request("GET").json_body["hooks"]

    def post(self, path: str, text: Any, **more: object) -> HTTPResponse:
        return self.send(path, json.dumps({"text": text, **more}).encode())

    def send(self, path: str, body: bytes, content_type: str = "application/json") -> HTTPResponse:
        return self.client.http.post(path, headers={"Content-Type": content_type}, body=body)


@pytest.fixture
def owner(client: Client, room: Room) -> Hooks:
    return Hooks(client, room)


def deliver(client: Client, queue: Any) -> None:
    """Invoke the function for each message on the queue, as Lambda does."""
    while found := queue.receive_messages(MaxNumberOfMessages=1):
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            message.delete()


def texts(room: Room) -> list[str | None]:
    return [row.text for row in messages.history(room.room_id, None, None, 100, room.join_token).messages]


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


def test_hooks_are_listed_oldest_first_without_their_tokens(owner: Hooks, clock: time_machine.Coordinates) -> None:
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
    assert "at most 20 hooks" in refused.json_body["Message"]
    owner.request("DELETE", f"/{paths[0].split('.')[1]}")
    owner.create("instead")
    assert len(owner.list()) == 20


@pytest.mark.usefixtures("one_at_a_time")
def test_concurrent_creations_do_not_exceed_20_hooks(owner: Hooks) -> None:
    token = owner.room.owner_token or ""

    def create(number: int) -> bool:
        try:
            hooks.create(owner.room.room_id, token, str(number))
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
            hook = HookRecord(
                owner.room.room_id,
                HookRecord.sort_key_of(f"{number:016}"),
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
    read = hooks._read_hooks

    def close_first(room_id: str) -> list[HookRecord]:
        rooms.close(room_id)
        return read(room_id)

    monkeypatch.setattr(hooks, "_read_hooks", close_first)
    assert owner.request("POST", body={"name": "Builds"}).status_code == 404
    assert read(owner.room.room_id) == []


# The owner's token


@pytest.mark.parametrize(
    ("method", "path", "body"), [("GET", "", None), ("POST", "", {"name": "Builds"}), ("DELETE", "/{}", None)]
)
def test_only_the_owner_may(
    owner: Hooks, method: str, path: str, body: Any, requests: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hook_id = hooks.create(owner.room.room_id, owner.room.owner_token or "", "Builds")[0]
    right, compare, compared = owner.room.owner_token or "", hmac.compare_digest, []
    monkeypatch.setattr(hmac, "compare_digest", lambda *texts: compared.append(texts) or compare(*texts))
    answers = set()
    url = f"/rooms/{owner.room.room_id}/hooks{path.format(hook_id)}"
    given = [None, "", right, f"Basic {right}", "Bearer", "Bearer ", "Bearer x", f"Bearer {right[:-1]}", "Bearer \xff"]
    given += [f"Bearer {right}x", f"Bearer {rooms.create('Coffee').owner_token}", f"Bearer{right}"]
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
    owner: Hooks, clock: time_machine.Coordinates, method: str, path: str, body: Any, end: str
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
    owner = Hooks(client, rooms.create("Party", private=True))
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
    path, get = owner.create(), rooms.get_or_none
    (hook,) = owner.list()
    room = owner.room

    with monkeypatch.context() as patch:

        def delete_first(room_id: str) -> Room | None:
            patch.undo()
            hooks.delete(room.room_id, room.owner_token or "", hook["hookId"])
            return get(room_id)

        patch.setattr(rooms, "get_or_none", delete_first)
        with pytest.raises(HookNotFound):
            hooks.post(path.rpartition("/")[2], "hi", None)
    assert hooks._read_hooks(room.room_id) == []
    assert texts(room) == []


# Messages


def test_message_of_a_hook_is_stored_and_delivered(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any, clock: time_machine.Coordinates
) -> None:
    path = owner.create("Builds")
    socket("a").connect(roomId=owner.room.room_id, name="Aki")
    answer = owner.post(path, "Build 57 passed", clientId="c-1", channel="#builds")
    assert (answer.status_code, answer.json_body) == (201, {"sequence": 1, "sentAt": "2026-11-23T12:00:00.000Z"})
    assert gateway.frames["a"] == []
    deliver(owner.client, fanout_queue)
    frame = {
        "type": "message",
        "message": "Build 57 passed",
        "sender": {"id": owner.list()[0]["hookId"], "name": "Builds", "bot": True},
        "sequence": 1,
        "sentAt": "2026-11-23T12:00:00.000Z",
    }
    assert gateway.frames["a"] == [{"message": frame}]
    history = owner.client.http.get(f"/rooms/{owner.room.room_id}/messages").json_body
    assert history["messages"] == [frame]


def test_only_messages_of_hooks_say_so(owner: Hooks, socket: Sockets, gateway: Gateway) -> None:
    socket("a").connect(roomId=owner.room.room_id)
    socket("a").say("hi")
    assert gateway.frames["a"][-1]["message"]["sender"].keys() == {"id", "name"}
    assert Message.get(owner.room.room_id, Message.sort_key_of(1), consistent_read=True).sender_is_bot is None


def test_message_reaches_a_large_room_in_batches(
    owner: Hooks, gateway: Gateway, fanout_queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 10)
    fill_room(owner.room, [f"m{number}" for number in range(25)])
    monkeypatch.setattr(chat_app.websocket_api, "_endpoint", None)  # fan_out has no WebSocket event
    owner.post(owner.create(), "hi")
    deliver(owner.client, fanout_queue)
    assert {id_: gateway.texts(id_) for id_ in members_of(owner.room.room_id)} == {
        f"m{number}": ["hi"] for number in range(25)
    }


def test_queue_is_addressed_without_a_lookup(owner: Hooks, monkeypatch: pytest.MonkeyPatch, fanout_queue: Any) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fanout, "_queue_url", lambda: pytest.fail("looked up the queue"))
        assert owner.post(owner.create(), "hi").status_code == 201
    (message,) = fanout_queue.receive_messages()
    job = fanout.parse(message.body)
    assert job == fanout.Delivery(chat_app.websocket_api.endpoint, owner.room.room_id, job.frame)


def test_chalice_local_looks_the_queue_up(fanout_queue: Any) -> None:
    fanout.enqueue_delivery(fanout.Delivery("http://127.0.0.1", "r", "{}"), function_arn="")
    assert len(fanout_queue.receive_messages()) == 1


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"text": "hi", "username": "ci", "blocks": [], "icon_emoji": ":x:"}', "hi"),
        (b' \n{"text": "a&payload=b"}', "a&payload=b"),
        (urlencode({"payload": json.dumps({"text": "50 % & <b>é</b>"})}).encode(), "50 % & <b>é</b>"),
        (urlencode({"token": "x", "payload": json.dumps({"text": "hi"}), "user": "ci"}).encode(), "hi"),
        ('payload={"text": "é"}'.encode(), "é"),
        (b'{"text": "one\\r\\ntwo\\rthree\\n\\tfour"}', "one\ntwo\nthree\n\tfour"),
        (json.dumps({"text": "x\r\n" * 2_000}).encode(), "x\n" * 2_000),
        (json.dumps({"text": "\U0001f44d" * 4_000}).encode(), "\U0001f44d" * 4_000),
    ],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain"])
def test_message_may_have_the_forms_of_slack(owner: Hooks, body: bytes, text: str, content_type: str) -> None:
    assert owner.send(owner.create(), body, content_type).status_code == 201
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
        b'{"text": 5}',
        b'{"text": ""}',
        b'{"text": " \\r\\n"}',
        b'{"text": "a\\u0000"}',
        b'{"text": "\\ud800"}',
        json.dumps({"text": "x" * 4_001}).encode(),
        b'{"text": "hi", "clientId": ""}',
        json.dumps({"text": "hi", "clientId": "x" * 65}).encode(),
        b"payload=",
        b"payload=hi",
        b"payload=%5B%5D",
        b"text=hi",
        b"&".join([b"a=1"] * 200),
    ],
)
def test_invalid_message_is_rejected_and_stores_nothing(owner: Hooks, fanout_queue: Any, body: bytes) -> None:
    answer = owner.send(owner.create(), body)
    assert (answer.status_code, answer.json_body["Code"]) == (400, "BadRequestError")
    assert texts(owner.room) == []
    assert fanout_queue.receive_messages() == []


def test_owner_deletes_the_message_of_a_hook(owner: Hooks, socket: Sockets, fanout_queue: Any) -> None:
    path = owner.create()
    owner.post(path, "secret words", clientId="c-1")
    socket("a").connect(roomId=owner.room.room_id, name="Aki")
    socket("b").connect(roomId=owner.room.room_id, name="Bo", owner=owner.room.owner_token or "")
    for member in (socket("a"), socket("b")):
        member.send({"action": "deleteMessage", "data": {"sequence": 1}})
    assert texts(owner.room) == ["Bo deleted a message"]
    row = Message.get(owner.room.room_id, Message.sort_key_of(1), consistent_read=True)
    assert "secret words" not in str(row.attribute_values)
    assert row.sender_is_bot is None
    refused = owner.post(path, "secret words", clientId="c-1")
    assert (refused.status_code, refused.json_body["Code"]) == (403, "ForbiddenError")


# Idempotency


def test_repeated_client_id_delivers_the_stored_message_again(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any, clock: time_machine.Coordinates
) -> None:
    path = owner.create()
    socket("a").connect(roomId=owner.room.room_id)
    first = owner.post(path, "hi", clientId="c-1")
    clock.shift(timedelta(minutes=9, seconds=59))
    again = owner.post(path, "hi", clientId="c-1")
    assert (again.status_code, again.json_body) == (201, first.json_body)
    deliver(owner.client, fanout_queue)
    assert [frame["message"]["sequence"] for frame in gateway.frames["a"]] == [1, 1]
    changed = owner.post(path, "ho", clientId="c-1")
    assert changed.status_code == 400
    assert "clientId belongs to another message" in changed.json_body["Message"]
    clock.shift(timedelta(seconds=1))
    assert owner.post(path, "hi", clientId="c-1").json_body["sequence"] > 1
    assert texts(owner.room) == ["hi", "hi"]


def test_client_ids_of_hooks_and_members_do_not_collide(owner: Hooks, socket: Sockets, gateway: Gateway) -> None:
    one, two = owner.create(), owner.create()
    (hook_id, *_) = [hook["hookId"] for hook in owner.list()]
    socket("a").connect(roomId=owner.room.room_id)
    for post in (lambda: owner.post(one, "one", clientId="c-1"), lambda: owner.post(two, "two", clientId="c-1")):
        assert post().status_code == 201
    for client_id in ("c-1", f"{hook_id}#c-1"):
        socket("a").say(client_id, clientId=client_id)
    assert texts(owner.room) == ["one", "two", "c-1", f"{hook_id}#c-1"]
    assert not any("error" in frame for frame in gateway.frames["a"])


def test_message_without_a_client_id_is_new_each_time(owner: Hooks) -> None:
    path = owner.create()
    for client_id in ({}, {}, {"clientId": None}):
        assert owner.post(path, "hi", **client_id).status_code == 201
    assert texts(owner.room) == ["hi", "hi", "hi"]


def test_message_that_could_not_be_queued_is_delivered_by_its_repetition(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = owner.create()
    socket("a").connect(roomId=owner.room.room_id)
    with monkeypatch.context() as broken:
        error = ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")

        def fail(*_: Any) -> None:
            raise error

        broken.setattr(fanout, "enqueue_delivery", fail)
        failed = owner.post(path, "hi", clientId="c-1")
    assert (failed.status_code, failed.json_body["Code"]) == (500, "InternalServerError")
    assert texts(owner.room) == ["hi"]
    assert owner.post(path, "hi", clientId="c-1").json_body["sequence"] == 1
    deliver(owner.client, fanout_queue)
    assert gateway.texts("a") == ["hi"]
    assert texts(owner.room) == ["hi"]


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
@pytest.mark.parametrize("fatal", [1, 2, 3, 4])
def test_message_is_stored_once_after_a_crash_at_any_write(
    client: Client,
    fanout_queue: Any,
    monkeypatch: pytest.MonkeyPatch,
    clock: time_machine.Coordinates,
    fault: Any,
    fatal: int,
) -> None:
    owner = Hooks(client, rooms.create("Tea", keep_days=1))
    path = owner.create()
    clock.shift(timedelta(hours=1))
    writes: list[str] = []

    def select(operation: str, body: str) -> Any:
        if operation not in WRITES:
            return None
        writes.append(operation)
        return fault if len(writes) == fatal else None

    with monkeypatch.context() as patch:
        inject_faults(patch, select)
        with pytest.raises(Crash):
            owner.post(path, "hi", clientId="c-1")
        assert owner.post(path, "hi", clientId="c-1").status_code == 201
    assert texts(owner.room) == ["hi"]
    assert rooms.get(owner.room.room_id).expires_at == NOON + timedelta(days=1, hours=1)
    assert len(fanout_queue.receive_messages(MaxNumberOfMessages=10)) == 1


def test_message_costs_five_requests_to_dynamodb(owner: Hooks, requests: Counter[str]) -> None:
    path = owner.create()
    requests.clear()
    owner.post(path, "hi", clientId="c-1")
    assert requests == {"GetItem": 2, "UpdateItem": 2, "TransactWriteItems": 1}


@pytest.mark.usefixtures("one_at_a_time")
def test_concurrent_messages_of_20_hooks_are_stored_once_and_reach_everyone(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any
) -> None:
    room_id = owner.room.room_id
    for id_ in ("a", "b"):
        socket(id_).connect(roomId=room_id)
    gateway.frames.clear()
    tokens = [owner.create(str(number)).rpartition("/")[2] for number in range(20)]
    # Each hook sends three messages, the first one twice, under ids that all hooks use.
    posts = [(token, number) for number in (0, 1, 2, 0) for token in tokens]

    def post(one: tuple[str, int]) -> None:
        token, number = one
        message = hooks.post(token, f"{token} {number}", f"c-{number}")
        frame = chat_app.hook_routes.frames.message(message)
        fanout.enqueue_delivery(
            fanout.Delivery(gateway.url, room_id, frame), "arn:aws:lambda:us-east-1:123456789012:function:f"
        )

    with ThreadPoolExecutor(20) as executor:
        list(executor.map(post, posts))
    deliver(owner.client, fanout_queue)
    stored = messages.history(room_id, 0, None, 100).messages
    assert Counter(row.text for row in stored) == Counter({f"{token} {n}": 1 for token in tokens for n in range(3)})
    order = {int(row.sequence): row.text for row in stored}
    assert len(order) == len(stored) == 60
    for id_ in ("a", "b"):
        received = {frame["message"]["sequence"]: frame["message"]["message"] for frame in gateway.frames[id_]}
        assert received == order


# Rate limit


def test_message_above_the_limit_is_rejected_with_the_delay_to_wait(
    owner: Hooks, fanout_queue: Any, clock: time_machine.Coordinates
) -> None:
    path, other = owner.create(), owner.create()
    owner.post(path, "first")
    clock.shift(3.5)
    for number in range(19):
        assert owner.post(path, str(number)).status_code == 201
    refused = owner.post(path, "too much", clientId="c-1")
    assert (refused.status_code, refused.json_body["Code"]) == (429, "TooManyRequestsError")
    assert refused.headers["Retry-After"] == "7"
    assert "too much" not in texts(owner.room)
    assert owner.post(other, "from another hook").status_code == 201
    clock.shift(6.4)
    refused = owner.post(path, "too much", clientId="c-1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    clock.shift(0.1)
    assert owner.post(path, "too much", clientId="c-1").status_code == 201


@pytest.mark.usefixtures("one_at_a_time")
def test_concurrent_messages_of_a_hook_are_limited(owner: Hooks) -> None:
    token = owner.create().rpartition("/")[2]

    def post(number: int) -> bool:
        try:
            hooks.post(token, str(number), None)
        except RateLimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as executor:
        assert sum(executor.map(post, range(30))) == 20


# Wrong tokens


def test_wrong_token_is_refused_as_any_other(
    owner: Hooks, monkeypatch: pytest.MonkeyPatch, fanout_queue: Any, clock: time_machine.Coordinates
) -> None:
    token = owner.create().rpartition("/")[2]
    hook_id, other = owner.list()[0]["hookId"], Hooks(owner.client, rooms.create("Coffee"))
    row = HookRecord.get(owner.room.room_id, HookRecord.sort_key_of(hook_id), consistent_read=True)
    room_id, secret = owner.room.room_id, token.rpartition(".")[2]
    wrong = [
        "x",
        f"{token[:-1]}{'A' if token[-1] != 'A' else 'B'}",
        token[:-1],
        f"{token}x",
        f"{room_id}.{hook_id}.{'x' * 43}",
        f"{room_id}.{'x' * 16}.{secret}",
        f"{other.room.room_id}.{hook_id}.{secret}",
        f"nosuchroom.{hook_id}.{secret}",
        f"{room_id}.{hook_id}.{row.token_hash}",
        f"{room_id}.{hook_id}",
        secret,
        "..",
        "%00.%0A.%C3%BC",
        "x" * 5_000,
        owner.room.owner_token or "",
    ]
    answers = [owner.post(f"/hooks/{one}", "hi") for one in wrong]
    assert {(one.status_code, json.dumps(one.json_body)) for one in answers} == {(404, json.dumps(NOT_FOUND))}
    assert texts(owner.room) == texts(other.room) == []
    assert fanout_queue.receive_messages() == []
    compared: list[tuple[str, str]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *hashes: bool(compared.append(hashes)))
    assert owner.post(f"/hooks/{token}", "hi").status_code == 404
    assert compared == [(row.token_hash, row.token_hash)]


@pytest.mark.parametrize("end", ["closed", "expired", "deleted"])
def test_hook_of_a_room_that_is_gone_is_refused(owner: Hooks, clock: time_machine.Coordinates, end: str) -> None:
    path = owner.create()
    if end == "closed":
        rooms.close(owner.room.room_id)
    elif end == "expired":
        clock.shift(timedelta(hours=1))
    else:
        Room(owner.room.room_id).delete()
    answer = owner.post(path, "hi")
    assert (answer.status_code, answer.json_body) == (404, NOT_FOUND)
    assert messages.take_sequence(owner.room.room_id) == 1


# Expiry


def test_hook_message_extends_a_kept_room(client: Client, clock: time_machine.Coordinates) -> None:
    owner = Hooks(client, rooms.create("Tea", keep_days=2))
    path = owner.create()
    for hours in (47, 47, 47):
        clock.shift(timedelta(hours=hours))
        assert owner.post(path, "hi").status_code == 201
        now = datetime.now(UTC)
        assert rooms.get(owner.room.room_id).expires_at == now + timedelta(days=2)
        row = messages.history(owner.room.room_id).messages[-1]
        assert row.expires_at == now + timedelta(days=2)
    clock.shift(timedelta(hours=48))
    assert owner.post(path, "hi").status_code == 404


def test_hook_message_does_not_shorten_the_life_of_a_room(
    client: Client, socket: Sockets, clock: time_machine.Coordinates, requests: Counter[str]
) -> None:
    owner = Hooks(client, rooms.create("Tea", keep_days=2))
    path = owner.create()
    socket("a").connect(roomId=owner.room.room_id)
    expires_at = rooms.get(owner.room.room_id).expires_at
    requests.clear()
    owner.post(path, "hi")
    assert requests["UpdateItem"] == 2
    assert rooms.get(owner.room.room_id).expires_at == expires_at


def test_hook_message_does_not_extend_another_room(owner: Hooks, clock: time_machine.Coordinates) -> None:
    path = owner.create()
    clock.shift(timedelta(minutes=59))
    assert owner.post(path, "hi").status_code == 201
    assert rooms.get(owner.room.room_id).expires_at == NOON + timedelta(hours=1)


@pytest.mark.parametrize("change", ["closed", "joined"])
def test_extension_neither_revives_nor_shortens_a_room_that_has_changed(
    tables: None, clock: time_machine.Coordinates, change: str
) -> None:
    room = rooms.create("Tea", keep_days=2)
    read = rooms.get(room.room_id)
    clock.shift(timedelta(hours=1))
    later = datetime.now(UTC) + (timedelta() if change == "closed" else timedelta(days=3))
    Room(room.room_id).update([Room.expires_at.set(later)])
    rooms.extend(read)
    assert Room.get(room.room_id, consistent_read=True).expires_at == later


def test_hook_expires_a_year_after_its_last_message(client: Client, clock: time_machine.Coordinates) -> None:
    owner = Hooks(client, rooms.create("Tea"))
    path = owner.create()

    def keep_room() -> None:
        Room(owner.room.room_id).update([Room.expires_at.set(datetime.now(UTC) + timedelta(days=1))])

    for _ in range(2):
        clock.shift(timedelta(days=364))
        keep_room()
        assert owner.post(path, "hi").status_code == 201
    clock.shift(timedelta(seconds=limits.HOOK_TTL_SECONDS))
    keep_room()
    assert owner.post(path, "hi").status_code == 404
    assert owner.list() == []


# Names


def test_hook_is_not_a_member(owner: Hooks, socket: Sockets, gateway: Gateway) -> None:
    owner.post(owner.create(), "hi")
    socket("a").connect(roomId=owner.room.room_id, owner=owner.room.owner_token or "")
    hook_id = owner.list()[0]["hookId"]
    socket("a").send({"action": "removeMember", "data": {"memberId": hook_id}})
    assert gateway.frames["a"][-1]["error"]["code"] == "invalid_message"
    listed = owner.client.http.get(f"/rooms/{owner.room.room_id}/members").json_body["members"]
    assert [member["id"] for member in listed] == [Connection.get("a", consistent_read=True).member_id]
