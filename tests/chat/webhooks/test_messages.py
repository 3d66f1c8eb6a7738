"""Messages of webhooks: their forms, their delivery, and their repetition."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from botocore.exceptions import ClientError
from chalice.test import Client

from chalicelib import settings
from chalicelib.chat import history, rooms, webhooks
from chalicelib.delivery import jobs
from chalicelib.storage.models import Message
from tests.support.clock import NOON
from tests.support.dynamodb import WRITES, Crash, inject_faults
from tests.support.gateway import Gateway
from tests.support.rooms import create_room, fill_room
from tests.support.sockets import Socket, members_of
from tests.support.webhooks import Hooks, deliver, texts

Sockets = Callable[[str], Socket]


# Messages


def test_message_of_a_hook_is_stored_and_delivered(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any, clock: time_machine.Traveller
) -> None:
    path = owner.create("Builds")
    socket("a").connect(roomId=owner.room.room_id, name="Aki")
    response = owner.post(path, "Build 57 passed", clientId="c-1", channel="#builds")
    assert (response.status_code, response.json_body) == (
        200,
        {"ok": True, "sequence": 1, "sentAt": "2026-11-23T12:00:00.000Z"},
    )
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
    page = owner.client.http.get(f"/rooms/{owner.room.room_id}/messages").json_body
    assert page["messages"] == [frame]


def test_only_hook_messages_are_marked_as_bot(owner: Hooks, socket: Sockets, gateway: Gateway) -> None:
    socket("a").connect(roomId=owner.room.room_id)
    socket("a").say("hi")
    assert gateway.frames["a"][-1]["message"]["sender"].keys() == {"id", "name"}
    assert Message.get(owner.room.room_id, Message.sort_key_of(1), consistent_read=True).sender_is_bot is None


def test_message_reaches_a_large_room_in_batches(
    owner: Hooks, gateway: Gateway, fanout_queue: Any, no_endpoint: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 10)
    fill_room(owner.room, [f"m{number}" for number in range(25)])
    owner.post(owner.create(), "hi")
    deliver(owner.client, fanout_queue)
    assert {id_: gateway.texts(id_) for id_ in members_of(owner.room.room_id)} == {
        f"m{number}": ["hi"] for number in range(25)
    }


def test_message_that_is_deleted_before_its_delivery_is_not_delivered(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any
) -> None:
    socket("a").connect(roomId=owner.room.room_id, owner=owner.room.owner_token or "")
    owner.post(owner.create(), "a secret")
    (message,) = fanout_queue.receive_messages(VisibilityTimeout=0)
    assert "a secret" not in message.body
    socket("a").send({"action": "deleteMessage", "data": {"sequence": 1}})
    deliver(owner.client, fanout_queue)
    assert [frame["message"]["type"] for frame in gateway.frames["a"]] == ["deleted"]


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
    rejected = owner.post(path, "secret words", clientId="c-1")
    assert (rejected.status_code, rejected.json_body["Code"]) == (403, "ForbiddenError")


# Idempotency


def test_repeated_client_id_delivers_the_stored_message_again(
    owner: Hooks, socket: Sockets, gateway: Gateway, fanout_queue: Any, clock: time_machine.Traveller
) -> None:
    path = owner.create()
    socket("a").connect(roomId=owner.room.room_id)
    first = owner.post(path, "hi", clientId="c-1")
    clock.shift(timedelta(minutes=9, seconds=59))
    again = owner.post(path, "hi", clientId="c-1")
    assert (again.status_code, again.json_body) == (200, first.json_body)
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
        assert post().status_code == 200
    for client_id in ("c-1", f"{hook_id}#c-1"):
        socket("a").say(client_id, clientId=client_id)
    assert texts(owner.room) == ["one", "two", "c-1", f"{hook_id}#c-1"]
    assert not any("error" in frame for frame in gateway.frames["a"])


def test_message_without_a_client_id_is_new_each_time(owner: Hooks) -> None:
    path = owner.create()
    for client_id in ({}, {}, {"clientId": None}):
        assert owner.post(path, "hi", **client_id).status_code == 200
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

        broken.setattr(jobs, "enqueue_delivery", fail)
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
    clock: time_machine.Traveller,
    fault: Any,
    fatal: int,
) -> None:
    owner = Hooks(client, create_room("Tea", keep_days=1))
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
        assert owner.post(path, "hi", clientId="c-1").status_code == 200
    assert texts(owner.room) == ["hi"]
    assert rooms.authorize(owner.room.room_id).expires_at == NOON + timedelta(days=1, hours=1)
    assert len(fanout_queue.receive_messages(MaxNumberOfMessages=10)) == 1


def test_message_costs_five_requests_to_dynamodb(owner: Hooks, requests: Counter[str]) -> None:
    path = owner.create()
    requests.clear()
    owner.post(path, "hi", clientId="c-1")
    assert requests == {"GetItem": 2, "UpdateItem": 2, "TransactWriteItems": 1}


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
        message = next(webhooks.store_messages(webhooks.find(token), f"{token} {number}", f"c-{number}"))
        delivery = jobs.Delivery(gateway.url, room_id, int(message.sequence))
        jobs.enqueue_delivery(delivery, "arn:aws:lambda:us-east-1:123456789012:function:f")

    with ThreadPoolExecutor(20) as executor:
        list(executor.map(post, posts))
    deliver(owner.client, fanout_queue)
    stored = history.read(room_id, 0, None, 100).messages
    assert Counter(row.text for row in stored) == Counter({f"{token} {n}": 1 for token in tokens for n in range(3)})
    order = {int(row.sequence): row.text for row in stored}
    assert len(order) == len(stored) == 60
    for id_ in ("a", "b"):
        received = {frame["message"]["sequence"]: frame["message"]["message"] for frame in gateway.frames[id_]}
        assert received == order
