"""Webhooks: the rate limit, wrong tokens, and the end of a hook."""

from __future__ import annotations

import hmac
import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits
from chalicelib.chat import history, rooms, webhooks
from chalicelib.errors import RateLimitExceeded
from chalicelib.storage.models import Connection, Message, Room, WebhookRecord
from tests.support.clock import NOON
from tests.support.gateway import Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket
from tests.support.webhooks import NOT_FOUND, Hooks, texts

Sockets = Callable[[str], Socket]


# Rate limit


def test_message_above_the_limit_is_rejected_with_the_delay_to_wait(
    owner: Hooks, fanout_queue: Any, clock: time_machine.Traveller
) -> None:
    path, other = owner.create(), owner.create()
    owner.post(path, "first")
    clock.shift(3.5)
    for number in range(19):
        assert owner.post(path, str(number)).status_code == 200
    rejected = owner.post(path, "too much", clientId="c-1")
    assert (rejected.status_code, rejected.json_body["Code"]) == (429, "TooManyRequestsError")
    assert rejected.headers["Retry-After"] == "7"
    assert "too much" not in texts(owner.room)
    assert owner.post(other, "from another hook").status_code == 200
    clock.shift(6.4)
    rejected = owner.post(path, "too much", clientId="c-1")
    assert (rejected.status_code, rejected.headers["Retry-After"]) == (429, "1")
    clock.shift(0.1)
    assert owner.post(path, "too much", clientId="c-1").status_code == 200


def test_concurrent_messages_of_a_hook_are_limited(owner: Hooks) -> None:
    token = owner.create().rpartition("/")[2]

    def post(number: int) -> bool:
        try:
            list(webhooks.store_messages(webhooks.find(token), str(number), None))
        except RateLimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(8) as executor:
        assert sum(executor.map(post, range(30))) == 20


# Wrong tokens


def test_every_invalid_token_gets_the_same_error(
    owner: Hooks, monkeypatch: pytest.MonkeyPatch, fanout_queue: Any, clock: time_machine.Traveller
) -> None:
    token = owner.create().rpartition("/")[2]
    hook_id, other = owner.list()[0]["hookId"], Hooks(owner.client, create_room("Coffee"))
    row = WebhookRecord.get(owner.room.room_id, WebhookRecord.sort_key_of(hook_id), consistent_read=True)
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
    responses = [owner.post(f"/hooks/{one}", "hi") for one in wrong]
    assert {(one.status_code, json.dumps(one.json_body)) for one in responses} == {(404, json.dumps(NOT_FOUND))}
    assert texts(owner.room) == texts(other.room) == []
    assert fanout_queue.receive_messages() == []
    compared: list[tuple[str, str]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda *hashes: bool(compared.append(hashes)))
    assert owner.post(f"/hooks/{token}", "hi").status_code == 404
    assert compared == [(row.token_hash, row.token_hash)]


@pytest.mark.parametrize("end", ["closed", "expired", "deleted"])
def test_hook_of_a_room_that_is_gone_is_rejected(owner: Hooks, clock: time_machine.Traveller, end: str) -> None:
    path = owner.create()
    if end == "closed":
        rooms.close(owner.room.room_id)
    elif end == "expired":
        clock.shift(timedelta(hours=1))
    else:
        Room(owner.room.room_id).delete()
    response = owner.post(path, "hi")
    assert (response.status_code, response.json_body) == (404, NOT_FOUND)
    assert not [key for key in Message.keys_in(owner.room.room_id) if key.startswith("message#")]


# Expiry


def test_hook_message_extends_a_kept_room(client: Client, clock: time_machine.Traveller) -> None:
    owner = Hooks(client, create_room("Tea", keep_days=2))
    path = owner.create()
    for hours in (47, 47, 47):
        clock.shift(timedelta(hours=hours))
        assert owner.post(path, "hi").status_code == 200
        now = datetime.now(UTC)
        assert rooms.authorize(owner.room.room_id).expires_at == now + timedelta(days=2)
        row = history.read(owner.room.room_id).messages[-1]
        assert row.expires_at == now + timedelta(days=2)
    clock.shift(timedelta(hours=48))
    assert owner.post(path, "hi").status_code == 404


def test_hook_message_does_not_shorten_the_life_of_a_room(
    client: Client, socket: Sockets, clock: time_machine.Traveller, requests: Counter[str]
) -> None:
    owner = Hooks(client, create_room("Tea", keep_days=2))
    path = owner.create()
    socket("a").connect(roomId=owner.room.room_id)
    expires_at = rooms.authorize(owner.room.room_id).expires_at
    requests.clear()
    owner.post(path, "hi")
    assert requests["UpdateItem"] == 2
    assert rooms.authorize(owner.room.room_id).expires_at == expires_at


def test_hook_message_does_not_extend_another_room(owner: Hooks, clock: time_machine.Traveller) -> None:
    path = owner.create()
    clock.shift(timedelta(minutes=59))
    assert owner.post(path, "hi").status_code == 200
    assert rooms.authorize(owner.room.room_id).expires_at == NOON + timedelta(hours=1)


@pytest.mark.parametrize("change", ["closed", "joined"])
def test_extension_neither_revives_nor_shortens_a_room_that_has_changed(
    tables: None, clock: time_machine.Traveller, change: str
) -> None:
    room = create_room("Tea", keep_days=2)
    read = rooms.authorize(room.room_id)
    clock.shift(timedelta(hours=1))
    later = datetime.now(UTC) + (timedelta() if change == "closed" else timedelta(days=3))
    Room(room.room_id).update([Room.expires_at.set(later)])
    rooms.extend(read)
    assert Room.get(room.room_id, consistent_read=True).expires_at == later


def test_hook_expires_a_year_after_its_last_message(client: Client, clock: time_machine.Traveller) -> None:
    owner = Hooks(client, create_room("Tea"))
    path = owner.create()

    def keep_room() -> None:
        Room(owner.room.room_id).update([Room.expires_at.set(datetime.now(UTC) + timedelta(days=1))])

    for _ in range(2):
        clock.shift(timedelta(days=364))
        keep_room()
        assert owner.post(path, "hi").status_code == 200
    clock.shift(timedelta(seconds=limits.WEBHOOK_TTL_SECONDS))
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
