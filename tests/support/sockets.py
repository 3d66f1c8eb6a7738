"""A client of the WebSocket API that needs no connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import app as chat_app
from chalicelib.storage.models import Connection

WebSocketEvents = Callable[..., dict[str, Any]]


class Socket:
    """A WebSocket client. It calls the handlers of app.py with the events that API Gateway would send."""

    def __init__(self, ws_event: WebSocketEvents, connection_id: str) -> None:
        self._event = ws_event
        self.id = connection_id

    def connect(self, **query: str) -> int:
        return int(chat_app.connect(self._event("$connect", self.id, query=query or None), None)["statusCode"])

    def send(self, frame: Any) -> None:
        body = frame if isinstance(frame, str | None) else json.dumps(frame)
        assert chat_app.message(self._event("$default", self.id, body=body), None) == {"statusCode": 200}

    def say(self, message: str, **data: str) -> None:
        self.send({"action": "sendMessage", "data": {"message": message, **data}})

    def disconnect(self) -> None:
        chat_app.disconnect(self._event("$disconnect", self.id), None)


def members_of(room_id: str) -> set[str]:
    """List the ids of the connections in a room."""
    return {
        connection.connection_id
        for connection in Connection.scan(consistent_read=True)
        if connection.joined_room_id == room_id
    }
