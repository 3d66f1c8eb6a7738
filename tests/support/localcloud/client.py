"""Client of the chat, independent of the web page."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import requests
from websockets.asyncio.client import ClientConnection, connect

from localcloud.cloud import LocalCloud
from tests.support import asyncapi

SECONDS = 20  # the longest wait for a frame: a cold start takes about one


class Chat:
    """Client of the REST API and the WebSocket API of a local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.rest, self.websocket = cloud.rest_url, cloud.websocket_url

    def create(self, name: str) -> str:
        return str(self.create_room(roomName=name)["roomId"])

    def create_room(self, **body: Any) -> Any:
        response = requests.post(f"{self.rest}/rooms", json=body, timeout=SECONDS)
        assert response.status_code == 201
        return response.json()

    def get(self, path: str) -> Any:
        return requests.get(f"{self.rest}{path}", timeout=SECONDS).json()

    def listed(self) -> set[str]:
        return {room["room_id"] for room in self.get("/rooms?limit=100")["rooms"]}

    def join(self, room_id: str, name: str = "", token: str = "", **more: str) -> connect:
        """Open a connection. Frames that no test reads must not delay its end, so the queue has no limit."""
        query = {"roomId": room_id, "name": name, "token": token} | more
        given = urlencode({key: value for key, value in query.items() if value})
        return connect(f"{self.websocket}?{given}", max_queue=None)


async def receive(member: ClientConnection) -> Any:
    """Return the next frame. Fail unless docs/asyncapi.yaml describes it."""
    async with asyncio.timeout(SECONDS):
        frame = json.loads(await member.recv())
    asyncapi.kind_of(frame, asyncapi.SENT)
    return frame


async def drain(member: ClientConnection) -> list[Any]:
    """Return the frames received so far: all that come before the response to a ping."""
    await member.send(json.dumps({"action": "ping"}))
    frames = []
    while (frame := await receive(member)) != {"pong": True}:
        frames.append(frame)
    return frames


async def until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Poll until the condition holds: no frame tells that a `$disconnect` handler has ended."""
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(condition):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def message(text: str, action: str = "sendMessage", **data: str) -> str:
    return json.dumps({"action": action, "data": {"message": text, **data}})
