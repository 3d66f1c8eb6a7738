"""Webhooks: creation, listing and deletion by the owner of the room."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from chalicelib.chat import rooms, webhooks
from chalicelib.chat.names import skeleton
from chalicelib.errors import InvalidInput, WebhookNotFound
from chalicelib.storage.models import Room, WebhookRecord
from tests.support.clock import NOON
from tests.support.dynamodb import Meanwhile
from tests.support.webhooks import NOT_FOUND, Hooks, texts


def stored_hooks(room: Room) -> list[WebhookRecord]:
    return list(
        WebhookRecord.query(room.room_id, WebhookRecord.sort_key.startswith(WebhookRecord.PREFIX), consistent_read=True)
    )


# Creation


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
    rejected = owner.request("POST", body={"name": "one more"})
    assert (rejected.status_code, rejected.json_body["Code"]) == (400, "BadRequestError")
    assert "at most 20 webhooks" in rejected.json_body["Message"]
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

    with ThreadPoolExecutor(30) as executor:
        assert sum(executor.map(create, range(30))) == 20
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
    Room(owner.room.room_id).update([Room.webhook_count.set(20)])
    owner.create()
    assert [hook["name"] for hook in owner.list()] == ["Builds"]


def test_name_of_an_expired_hook_is_free_again(owner: Hooks, clock: time_machine.Traveller) -> None:
    for number in range(19):
        owner.create(str(number))
    clock.shift(timedelta(days=30))
    Room(owner.room.room_id).update([Room.expires_at.set(datetime.now(UTC) + timedelta(days=400))])
    owner.create("new")
    clock.shift(timedelta(days=340))
    owner.create("newer")
    roles = Room.get(owner.room.room_id, consistent_read=True).roles
    assert sorted(name for _, name in roles.values()) == sorted(skeleton(name) for name in ("new", "newer"))


def test_hook_that_another_request_creates_meanwhile_counts(owner: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the expired ones are counted."""
    Room(owner.room.room_id).update([Room.webhook_count.set(20)])
    read = webhooks._read_webhooks

    def create_another(room_id: str) -> list[WebhookRecord]:
        found = read(room_id)
        monkeypatch.setattr(webhooks, "_read_webhooks", read)
        owner.create("first")
        return found

    monkeypatch.setattr(webhooks, "_read_webhooks", create_another)
    owner.create("second")
    assert sorted(hook["name"] for hook in owner.list()) == ["first", "second"]
    assert Room.get(owner.room.room_id, consistent_read=True).webhook_count == 2
    assert owner.request("DELETE", f"/{0:016}").status_code == 404


def test_room_that_is_closed_during_a_creation_gets_no_hook(owner: Hooks, meanwhile: Meanwhile) -> None:
    meanwhile(lambda: rooms.close(owner.room.room_id), before="TransactWriteItems")
    assert owner.request("POST", body={"name": "Builds"}).status_code == 404
    assert stored_hooks(owner.room) == []


# The owner's token


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
    response = owner.request(method, path, body=body)
    assert response.status_code == 404
    assert response.json_body["Message"] == "room not found: it does not exist or has expired"


# Deletion


def test_deleted_hook_is_gone(owner: Hooks) -> None:
    path = owner.create()
    assert owner.post(path, "hi").status_code == 201
    (hook,) = owner.list()
    deleted = owner.request("DELETE", f"/{hook['hookId']}")
    assert (deleted.status_code, deleted.body) == (204, b"")
    assert deleted.headers["Access-Control-Allow-Origin"] == "*"
    rejected = owner.post(path, "again")
    assert (rejected.status_code, rejected.json_body) == (404, NOT_FOUND)
    again = owner.request("DELETE", f"/{hook['hookId']}")
    assert (again.status_code, again.json_body) == (404, NOT_FOUND)
    assert (owner.list(), texts(owner.room)) == ([], ["hi"])


@pytest.mark.parametrize("hook_id", ["nosuchhook", "h" * 16, "h" * 3_000, "%C3%BC" * 16])
def test_unknown_hook_is_not_deleted(owner: Hooks, hook_id: str) -> None:
    owner.create()
    response = owner.request("DELETE", f"/{hook_id}")
    assert (response.status_code, response.json_body) == (404, NOT_FOUND)
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
            webhooks.store_message(webhooks.find(path.rpartition("/")[2]), "hi", None)
    assert stored_hooks(room) == []
    assert texts(room) == []
