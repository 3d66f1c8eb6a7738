"""Access of users with a token, and of guests where they are allowed."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from chalice.test import Client

from chalicelib import settings
from chalicelib.storage.models import Room
from docs.openapi import operations
from tests.support.issuer import Issuer
from tests.support.projects import PROJECT
from tests.support.users import Sockets, connection, get, paths, post_room, rejection


@pytest.mark.parametrize(
    ("environment", "is_imported"),
    [({}, False), ({"SIGN_IN": "true"}, False), ({"AUTH_SECRET": "s" * 32}, True)],
)
def test_only_functions_that_verify_tokens_import_pyjwt(environment: dict[str, str], is_imported: bool) -> None:
    started = subprocess.run(
        [sys.executable, "-c", "import sys, app; print('jwt' in sys.modules)"],
        cwd=PROJECT,
        env=os.environ | {"AWS_DEFAULT_REGION": "us-east-1"} | environment,
        text=True,
        capture_output=True,
    )
    assert started.stdout == f"{is_imported}\n", started.stderr


def test_without_the_settings_everyone_is_a_guest(client: Client, socket: Sockets, room: Room) -> None:
    assert post_room(client, "not.a.token").status_code == 201
    assert socket("a").connect(roomId=room.room_id, access_token="not.a.token", name="Bo") == 200
    assert connection("a").name == "Bo"
    assert connection("a").authorized_until is None


def test_user_with_a_token_uses_every_route(issuer: Issuer, client: Client, socket: Sockets, room: Room) -> None:
    token = issuer.token()
    assert post_room(client, token).status_code == 201
    for path in paths(room):
        assert get(client, path, token).status_code == 200, path
    assert socket("a").connect(roomId=room.room_id, access_token=token) == 200


def test_guest_is_told_to_sign_in(issuer: Issuer, client: Client, ws_event: Any, room: Room) -> None:
    for path in paths(room):
        response = get(client, path)
        assert response.status_code == 401, path
        assert response.headers["WWW-Authenticate"] == "Bearer"
        assert response.json_body["Code"] == "UnauthorizedError"
        assert "expected an access token" in response.json_body["Message"]
    assert post_room(client).status_code == 401
    assert rejection(ws_event, roomId=room.room_id)[0] == 401
    assert [one.room_id for one in Room.scan(consistent_read=True)] == [room.room_id]


def test_every_route_of_rooms_requires_a_token() -> None:
    routes = [(method, path, endpoint) for method, path, endpoint in operations() if path.startswith("/rooms")]
    assert routes
    assert [(method, path) for method, path, endpoint in routes if "user" not in endpoint.types] == []


def test_page_and_configuration_need_no_token(issuer: Issuer, client: Client) -> None:
    assert {get(client, path).status_code for path in ("/", "/config", "/static/index.html")} == {200}


def test_configuration_tells_how_to_sign_in(issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "signIn" not in get(client, "/config").json_body
    monkeypatch.setattr(settings, "AUTH_CLIENT_ID", "page")
    sign_in = {"issuer": issuer.url, "clientId": "page", "required": True}
    assert get(client, "/config").json_body["signIn"] == sign_in
    assert f" {issuer.url};" in get(client, "/").headers["Content-Security-Policy"]


def test_guests_get_in_beside_users_where_they_are_allowed(
    issuer: Issuer, guests_allowed: None, client: Client, socket: Sockets, ws_event: Any, room: Room
) -> None:
    assert socket("guest").connect(roomId=room.room_id, name="Bo") == 200
    assert socket("user").connect(roomId=room.room_id, access_token=issuer.token()) == 200
    assert get(client, "/rooms").status_code == 200
    # A token that is not valid does not make its bearer a guest.
    assert get(client, "/rooms", "x.y.z").status_code == 401
    assert rejection(ws_event, roomId=room.room_id, access_token="x.y.z")[0] == 401


def test_authorization_of_another_form_does_not_make_its_bearer_a_guest(
    issuer: Issuer, guests_allowed: None, client: Client, room: Room
) -> None:
    token = issuer.token(chat_rooms=["other"])
    for value in (token, f"Basic {token}", f"Bearer\t{token}", "Bearer", "Bearer "):
        response = client.http.get(f"/rooms/{room.room_id}", headers={"Authorization": value})
        assert response.status_code == 401, value
        assert "Authorization" in response.json_body["Message"]
    assert client.http.get("/rooms", headers={"Authorization": f"bearer  {issuer.token()} "}).status_code == 200
