"""A room of the local cloud, and other people in it, who need no page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import requests
from websockets.sync.client import ClientConnection, connect

from deployment.smoke.client import act, message

SECONDS = 20


class Room:
    """A room of the local cloud, with the link that opens it."""

    def __init__(self, rest_url: str, websocket_url: str, **options: Any) -> None:
        self._rest_url, self._websocket_url = rest_url, websocket_url
        created = requests.post(f"{rest_url}/rooms", json={"roomName": "Tea"} | options, timeout=SECONDS).json()
        self.id, self.owner_token = str(created["roomId"]), str(created["ownerToken"])
        self.token = str(created.get("joinToken", ""))

    def link(self, *, owner: bool = False, rest_url: str = "") -> str:
        """Return the address of the room, with its token, and for its owner with that, too."""
        given = {"token": self.token, "owner": self.owner_token if owner else ""}
        query = urlencode({name: value for name, value in given.items() if value})
        return f"{rest_url or self._rest_url}/#/rooms/{self.id}{query and '?'}{query}"

    @contextmanager
    def join(self, name: str, key: str = "", **more: str) -> Iterator[Member]:
        """Let somebody join."""
        query = urlencode({"roomId": self.id, "name": name, "key": key or name * 22, "token": self.token} | more)
        with connect(f"{self._websocket_url}?{query}", ping_interval=None, proxy=None) as connection:
            yield Member(connection)


class Member:
    """Somebody else in a room."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    def say(self, text: str) -> Any:
        """Send a message, wait until it is stored, and return it."""
        self._connection.send(message(text))
        while (stored := self.hear("message"))["message"] != text:
            pass
        return stored

    def act(self, action: str, **data: Any) -> None:
        """Send another action."""
        self._connection.send(act(action, **data))

    def hear(self, kind: str) -> Any:
        """Return the next event of a type, and until then pass over others."""
        while (event := json.loads(self._connection.recv(SECONDS)).get("message", {})).get("type") != kind:
            pass
        return event
