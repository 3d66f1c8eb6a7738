"""ALLOWED_ORIGINS: pages of other origins cannot use the chat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.test import Client

import app as chat_app
from chalicelib import settings
from chalicelib.auth import origins
from chalicelib.storage.models import Connection, Room
from tests.support.sockets import WebSocketEvents

OURS, ALSO_OURS, THEIRS = "https://chat.example.org", "https://beta.example.org", "https://evil.example.com"


@pytest.fixture
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow two origins."""
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", (OURS, ALSO_OURS))


def _connect(ws_event: WebSocketEvents, room: Room, headers: dict[str, str]) -> int:
    event = ws_event("$connect", "a", query={"roomId": room.room_id})
    event["headers"] |= headers
    return int(chat_app.connect(event, None)["statusCode"])


@pytest.mark.usefixtures("only_ours")
@pytest.mark.parametrize("origin", [OURS, ALSO_OURS])
def test_page_of_an_allowed_origin_is_accepted(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents, origin: str
) -> None:
    response = client.http.get("/rooms", headers={"Origin": origin})
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == origin
    assert response.headers["Vary"] == "Origin"
    unchanged = client.http.get("/rooms", headers={"Origin": origin, "If-None-Match": response.headers["ETag"]})
    assert (unchanged.status_code, unchanged.headers["Access-Control-Allow-Origin"]) == (304, origin)
    assert unchanged.headers["Vary"] == "Origin"
    assert _connect(ws_event, room, {"Origin": origin}) == 200


@pytest.mark.usefixtures("only_ours")
@pytest.mark.parametrize("origin", [THEIRS, "null", OURS + ".example.com", OURS.upper(), "http://chat.example.org"])
@pytest.mark.parametrize("header", ["Origin", "origin"])
def test_page_of_another_origin_is_rejected_and_stores_nothing(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents, header: str, origin: str
) -> None:
    before = Room.count()
    body = json.dumps({"roomName": "Theirs"}).encode()
    response = client.http.post("/rooms", headers={header: origin, "Content-Type": "application/json"}, body=body)
    assert (response.status_code, response.json_body["Code"]) == (403, "ForbiddenError")
    assert response.headers.get("Access-Control-Allow-Origin") != origin
    assert Room.count() == before
    assert _connect(ws_event, room, {header: origin}) == 403
    assert list(Connection.scan(consistent_read=True)) == []


@pytest.mark.usefixtures("only_ours")
def test_client_without_an_origin_is_accepted(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents
) -> None:
    assert client.http.get("/rooms").status_code == 200
    assert _connect(ws_event, room, {}) == 200


def test_every_origin_is_accepted_without_the_setting(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents
) -> None:
    response = client.http.get("/rooms", headers={"Origin": THEIRS})
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert _connect(ws_event, room, {"Origin": THEIRS}) == 200


@pytest.mark.parametrize(("allowed", "named"), [((), "*"), ((OURS,), OURS), ((OURS, ALSO_OURS), "*")])
def test_preflight_names_the_only_origin_or_any(
    monkeypatch: pytest.MonkeyPatch, allowed: tuple[str, ...], named: str
) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", allowed)
    assert origins.preflight_origin() == named
