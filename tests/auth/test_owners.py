"""Management of webhooks with access tokens and the owner's token."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from chalicelib import settings
from chalicelib.chat import admission, webhooks
from chalicelib.storage.models import Room
from chalicelib.storage.transactions import transaction
from tests.support.issuer import Issuer
from tests.support.rooms import create_room
from tests.support.users import Sockets, connection

Manage = Callable[..., set[int]]


@pytest.fixture
def manage(client: Client, room: Room) -> Manage:
    """Return a function that calls each route of webhooks, and returns the statuses, 200 for all that succeeded."""

    def manage(authorization: str = "", owner: str = "") -> set[int]:
        hook_id, _ = webhooks.create(room.room_id, room.owner_token or "", "Alerts")
        path, query = f"/rooms/{room.room_id}/hooks", "?" + urlencode({"owner": owner} if owner else {})
        headers = {"Host": "chat.example.org"} | ({"Authorization": authorization} if authorization else {})
        statuses = {
            client.http.request(method, path + part + query, headers, body).status_code
            for method, part, body in (
                ("POST", "", json.dumps({"name": "Builds"}).encode()),
                ("GET", "", b""),
                ("DELETE", f"/{hook_id}", b""),
            )
        }
        return {200} if statuses == {200, 201, 204} else statuses

    return manage


def test_owner_is_a_user_where_sign_in_is_required(issuer: Issuer, manage: Manage, room: Room) -> None:
    user, owner = f"Bearer {issuer.token()}", room.owner_token or ""
    assert manage(user, owner) == {200}
    assert manage(user) == {403}
    assert manage(user, "another") == {403}
    assert manage(user, create_room("Coffee").owner_token or "") == {403}


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer OWNER", "OWNER", "Basic OWNER", "Bearer x.y.z"])
@pytest.mark.parametrize("owner", ["", "OWNER"])
def test_owner_without_an_access_token_is_told_to_sign_in(
    issuer: Issuer, manage: Manage, room: Room, authorization: str, owner: str
) -> None:
    token = room.owner_token or ""
    assert manage(authorization.replace("OWNER", token), owner.replace("OWNER", token)) == {401}


def test_access_token_with_the_rights_of_an_owner_suffices(issuer: Issuer, manage: Manage, room: Room) -> None:
    assert manage(f"Bearer {issuer.token(chat_owner=True)}") == {200}
    assert manage(f"Bearer {issuer.token(chat_owner=True)}", "another") == {200}
    assert manage(f"Bearer {issuer.token(chat_owner='true')}") == {403}


def test_access_token_that_is_not_valid_or_for_other_rooms_is_rejected_beside_the_owners_token(
    issuer: Issuer, manage: Manage, room: Room
) -> None:
    owner = room.owner_token or ""
    for rights in (True, False):
        assert manage(f"Bearer {issuer.token(chat_rooms=['other'], chat_owner=rights)}", owner) == {403}
        assert manage(f"Bearer {issuer.token(chat_rooms=[], chat_owner=rights)}", owner) == {403}
        assert manage(f"Bearer {issuer.token(aud='other', chat_owner=rights)}", owner) == {401}
    assert manage(f"Bearer {issuer.token(chat_rooms=[room.room_id])}", owner) == {200}


def test_provider_that_fails_is_reported_to_the_owner(issuer: Issuer, manage: Manage, room: Room) -> None:
    issuer.status = 500
    assert manage(f"Bearer {issuer.token()}", room.owner_token or "") == {503}


def test_owners_token_has_one_of_two_places_where_guests_are_allowed(
    issuer: Issuer, guests_allowed: None, manage: Manage, room: Room
) -> None:
    owner = room.owner_token or ""
    assert manage(f"Bearer {owner}") == {200}
    assert manage("", owner) == {200}
    assert manage(f"Bearer {issuer.token()}", owner) == {200}
    assert manage(f"Bearer {issuer.token(chat_owner=True)}") == {200}
    assert manage(f"Bearer {issuer.token()}") == {403}
    assert manage() == {403}
    # A token that is not valid does not make its bearer a guest.
    for authorization in ("Bearer x.y.z", "Bearer another", f"Basic {owner}", "Bearer"):
        assert manage(authorization, owner) == {401}, authorization


def test_owners_token_has_one_of_two_places_without_sign_in(manage: Manage, room: Room) -> None:
    owner = room.owner_token or ""
    assert manage(f"Bearer {owner}") == {200}
    for authorization in ("", "Bearer", "Bearer not.a.token", f"Basic {owner}"):
        assert manage(authorization, owner) == {200}, authorization
        assert manage(authorization) == {403}, authorization
    assert manage(f"Bearer {owner}", "another") == {403}


def test_ban_does_not_apply_to_the_owners_token(issuer: Issuer, manage: Manage, socket: Sockets, room: Room) -> None:
    socket("a").connect(roomId=room.room_id, access_token=issuer.token())
    with transaction() as writes:
        admission.ban(writes, room.room_id, connection("a").member_id, "Aki")
    assert manage(f"Bearer {issuer.token()}", room.owner_token or "") == {200}


def test_message_of_a_webhook_needs_no_sign_in(
    issuer: Issuer, client: Client, room: Room, on_lambda: None, connections_url: None, queue: Any
) -> None:
    _, token = webhooks.create(room.room_id, room.owner_token or "", "Builds")
    assert settings.AUTH_REQUIRED
    assert client.http.post(f"/hooks/{token}", body=b'{"text": "hi"}').status_code == 200
