"""ALLOWED_ORIGINS: which web pages may use the chat."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.test import Client

import app as chat_app
from chalicelib import origins, settings
from chalicelib.storage.models import Connection, Room
from tests.conftest import WebSocketEvents

OURS, ALSO_OURS, THEIRS = "https://chat.example.org", "https://beta.example.org", "https://evil.example.com"


@pytest.fixture
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", (OURS, ALSO_OURS))


def _connect(ws_event: WebSocketEvents, room: Room, headers: dict[str, str]) -> int:
    event = ws_event("$connect", "a", query={"roomId": room.room_id})
    event["headers"] |= headers
    return int(chat_app.connect(event, None)["statusCode"])


@pytest.mark.usefixtures("only_ours")
@pytest.mark.parametrize("origin", [OURS, ALSO_OURS])
def test_pages_of_an_allowed_origin_use_the_chat(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents, origin: str
) -> None:
    answer = client.http.get("/rooms", headers={"Origin": origin})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert answer.headers["Vary"] == "Origin"
    assert _connect(ws_event, room, {"Origin": origin}) == 200


@pytest.mark.usefixtures("only_ours")
@pytest.mark.parametrize("origin", [THEIRS, "null", OURS + ".example.com", OURS.upper(), "http://chat.example.org"])
@pytest.mark.parametrize("header", ["Origin", "origin"])
def test_pages_of_another_origin_are_refused_and_nothing_is_stored(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents, header: str, origin: str
) -> None:
    before = Room.count()
    body = json.dumps({"roomName": "Theirs"}).encode()
    answer = client.http.post("/rooms", headers={header: origin, "Content-Type": "application/json"}, body=body)
    assert (answer.status_code, answer.json_body["Code"]) == (403, "ForbiddenError")
    assert answer.headers.get("Access-Control-Allow-Origin") != origin
    assert Room.count() == before
    assert _connect(ws_event, room, {header: origin}) == 403
    assert list(Connection.scan()) == []


@pytest.mark.usefixtures("only_ours")
def test_what_is_no_browser_says_no_origin_and_passes(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents
) -> None:
    assert client.http.get("/rooms").status_code == 200
    assert _connect(ws_event, room, {}) == 200


def test_any_page_uses_a_chat_that_lists_no_origins(
    client: Client, room: Room, gateway: Any, ws_event: WebSocketEvents
) -> None:
    answer = client.http.get("/rooms", headers={"Origin": THEIRS})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert _connect(ws_event, room, {"Origin": THEIRS}) == 200


@pytest.mark.parametrize(("allowed", "named"), [((), "*"), ((OURS,), OURS), ((OURS, ALSO_OURS), "*")])
def test_a_preflight_names_the_one_origin_or_any(
    monkeypatch: pytest.MonkeyPatch, allowed: tuple[str, ...], named: str
) -> None:
    monkeypatch.setattr(settings, "ALLOWED_ORIGINS", allowed)
    assert origins.preflight_origin() == named
