"""Client of the chat on the local cloud: the one of the smoke test."""

from __future__ import annotations

from deployment.smoke import client
from deployment.smoke.client import SECONDS, drain, message, receive, until
from localcloud.cloud import LocalCloud

__all__ = ["SECONDS", "Chat", "drain", "message", "receive", "until"]


class Chat(client.Chat):
    """Client of the REST API and the WebSocket API of a local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        super().__init__(cloud.rest_url, cloud.websocket_url)

    def create(self, name: str) -> str:
        """Create a public room, and return its id."""
        return self.create_room(roomName=name)["roomId"]
