"""Users with tokens, the keys of their tokens, and guests."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
from chalice.test import Client, HTTPResponse

import app as chat_app
from chalicelib.storage.models import Connection, Room
from tests.support.issuer import Key
from tests.support.sockets import Socket

Sockets = Callable[[str], Socket]

SECRET = "a secret of a back end of one's own"
KEY = Key("first")
OTHER_KEY = Key("first")
"""A key of another issuer with the same id."""

EC_KEY = Key("ec", "ES256")


def own_token(**claims: Any) -> str:
    """Return a token as a back end of one's own makes it."""
    return jwt.encode({"sub": "aki", "exp": int(time.time()) + 600} | claims, SECRET, "HS256")


def get(client: Client, path: str, token: str | None = None) -> HTTPResponse:
    return client.http.get(path, headers={} if token is None else {"Authorization": f"Bearer {token}"})


def post_room(client: Client, token: str | None = None) -> HTTPResponse:
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    return client.http.post("/rooms", headers=headers, body=b'{"roomName": "Coffee"}')


def rejection(ws_event: Any, **query: str) -> tuple[int, str]:
    response = chat_app.connect(ws_event("$connect", "rejected", query=query), None)
    return response["statusCode"], response.get("body", "")


def connection(connection_id: str) -> Connection:
    found = Connection.find(connection_id)
    assert found is not None
    return found


def paths(room: Room) -> list[str]:
    """Return the paths that only users may read."""
    return ["/rooms", *(f"/rooms/{room.room_id}{path}" for path in ("", "/members", "/messages"))]
