"""A client of the hook routes, and the delivery of what the hooks say."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from chalice.test import Client, HTTPResponse

import app as chat_app
from chalicelib import settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import history
from chalicelib.storage.models import Room

HOST = "abcdef1234.execute-api.us-east-1.amazonaws.com"
NOT_FOUND = {
    "Code": "NotFoundError",
    "Message": "webhook not found: it does not exist, was deleted, or its room does not exist any more",
}


class Hooks:
    """A client of the routes, for the owner of a room."""

    def __init__(self, client: Client, room: Room) -> None:
        self.client, self.room = client, room

    def request(self, method: str, path: str = "", token: str | None = None, body: Any = None) -> HTTPResponse:
        authorization = f"Bearer {self.room.owner_token if token is None else token}"
        return self.client.http.request(
            method,
            f"/rooms/{self.room.room_id}/hooks{path}",
            headers={"Host": HOST, "X-Forwarded-Proto": "https", "Authorization": authorization},
            body=b"" if body is None else json.dumps(body).encode(),
        )

    def create(self, name: str = "Builds") -> str:
        """Create a hook, and return the path of its url."""
        created = self.request("POST", body={"name": name})
        assert created.status_code == 201
        return str(urlsplit(created.json_body["url"]).path)

    def list(self) -> Any:
        return self.request("GET").json_body["hooks"]

    def post(self, path: str, text: Any, **more: object) -> HTTPResponse:
        return self.send(path, json.dumps({"text": text, **more}).encode())

    def send(self, path: str, body: bytes, content_type: str = "application/json") -> HTTPResponse:
        return self.client.http.post(path, headers={"Content-Type": content_type}, body=body)


def deliver(client: Client, queue: Any) -> None:
    """Invoke the function for each message on the queue, as Lambda does."""
    while found := queue.receive_messages(MaxNumberOfMessages=1):
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            message.delete()


def texts(room: Room) -> list[str | None]:
    return [row.text for row in history.read(room.room_id, None, None, 100, Credentials(room.join_token)).messages]
