"""Client of a chat, independent of the web page and of the client library."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlencode

import requests
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from deployment.smoke import asyncapi
from deployment.smoke.differences import Difference, Disconnected, expect

SECONDS = 20  # the longest wait for a frame: a cold start takes about one
POLL_SECONDS = 0.05
JOINING_AT_ONCE = 10
AKI, BO, CY = "a" * 22, "b" * 22, "c" * 22
"""Keys of members. The ids that follow from them differ from room to room."""

Room = dict[str, str]
"""The response to the creation of a room."""


class Chat:
    """Client of a chat's REST API and WebSocket API, as a user with an access token, or as a guest without one.

    Keeps the rooms that it has created, so that `close_rooms` can close them. Its REST requests block the event loop.
    """

    def __init__(self, rest: str, websocket: str, access_token: str = "") -> None:
        self.rest, self.websocket, self.access_token = rest, websocket, access_token
        self.rooms: list[Room] = []
        self._connections: list[ClientConnection] = []
        self._session = requests.Session()
        if access_token:
            self._session.headers["Authorization"] = f"Bearer {access_token}"

    @classmethod
    def at(cls, rest: str, access_token: str = "") -> Self:
        """Return a client of the chat whose REST API has this address. Raises Difference if there is none."""
        chat = cls(rest.rstrip("/"), "", access_token)
        response = chat.request("GET", "/config")
        expect("the status of GET /config", response.status_code, 200)
        chat.websocket = response.json()["webSocketUrl"]
        return chat

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """Send a request to the REST API."""
        return self._session.request(method, f"{self.rest}{path}", timeout=SECONDS, **options)

    def post(self, url: str, **body: Any) -> requests.Response:
        """Send a request to a webhook, whose url is all that it needs."""
        return requests.post(url, timeout=SECONDS, **body)

    def get(self, path: str, **query: Any) -> Any:
        """Return the JSON that the REST API returns, also if it is an error."""
        return self.request("GET", path, params=query).json()

    def create_room(self, **body: Any) -> Room:
        """Create a room."""
        response = self.request("POST", "/rooms", json=body)
        expect("the status of POST /rooms", response.status_code, 201)
        room: Room = response.json()
        self.rooms.append(room)
        return room

    def listed(self) -> set[str]:
        """Return the ids of the newest public rooms."""
        return {room["room_id"] for room in self.get("/rooms", limit=100)["rooms"]}

    def manage_hooks(self, method: str, room: Room, path: str = "", **options: Any) -> requests.Response:
        """Send a request for the webhooks of a room, as its owner."""
        # Where users sign in, their access token is in the header, and the owner's token in the query string.
        credentials: dict[str, Any] = {"params": {"owner": room["ownerToken"]}}
        if not self.access_token:
            credentials = {"headers": {"Authorization": f"Bearer {room['ownerToken']}"}}
        return self.request(method, f"/rooms/{room['roomId']}/hooks{path}", **credentials, **options)

    def join(self, room_id: str, name: str = "", token: str = "", **more: str) -> connect:
        """Open a connection. Frames that nobody reads must not delay its end, so the queue has no limit."""
        query = {"roomId": room_id, "name": name, "token": token, "access_token": self.access_token} | more
        given = urlencode({key: value for key, value in query.items() if value})
        url = f"{self.websocket}?{given}"
        # websockets calls it to create a connection, so any function serves.
        new: Any = self._connection
        return connect(url, max_queue=None, open_timeout=SECONDS, create_connection=new)

    async def join_many(self, room_id: str, count: int) -> list[ClientConnection]:
        """Open connections, ten at a time: a new AWS account runs ten executions at a time."""
        members: list[ClientConnection] = []
        while len(members) < count:
            joining = range(min(JOINING_AT_ONCE, count - len(members)))
            members += await asyncio.gather(*(self.join(room_id) for _ in joining))
        return members

    def _connection(self, *arguments: Any, **options: Any) -> ClientConnection:
        connection = ClientConnection(*arguments, **options)
        self._connections.append(connection)
        return connection

    async def disconnect(self) -> None:
        """End the connections that are still open: a part that has failed leaves some."""
        for connection in self._connections:
            connection.transport.abort()
            await connection.wait_closed()
        self._connections.clear()

    def own(self, room: Room, name: str) -> connect:
        """Open a connection of the owner of a room."""
        return self.join(room["roomId"], name, room.get("joinToken", ""), owner=room["ownerToken"], key=AKI)

    def access(self, room: Room) -> dict[str, str]:
        """Return the query with which the owner reads a room."""
        return {"owner": room["ownerToken"]} | ({"token": room["joinToken"]} if "joinToken" in room else {})

    async def settle(self, room: Room, connections: int) -> None:
        """Wait until the member list shows this number of connections.

        Until then, messages may not reach a connection: the index of the connections is eventually consistent.
        """

        def count() -> int:
            members = self.get(f"/rooms/{room['roomId']}/members", **self.access(room))["members"]
            return sum(member.get("connections", 1) for member in members)

        await until(lambda: count() == connections, f"the member list shows {connections} connections")

    @asynccontextmanager
    async def pair(self, room: Room) -> AsyncIterator[tuple[ClientConnection, ClientConnection]]:
        """Let two members join an empty room: Aki, the owner, and then Bo. Check what Aki hears of it."""
        async with self.own(room, "Aki") as aki:
            await self.settle(room, 1)
            async with self.join(room["roomId"], "Bo", room.get("joinToken", ""), key=BO) as bo:
                joined = (await receive(aki))["message"]
                expect("the event of the second member", (joined["type"], joined["memberCount"]), ("join", 2))
                await self.settle(room, 2)
                yield aki, bo

    async def close_rooms(self) -> None:
        """Close the rooms that this client has created. Raises Difference if one stays open."""
        left = [room["roomId"] for room in self.rooms if not await self._close(room)]
        await self.disconnect()
        self.rooms.clear()
        expect("the rooms that stay open", left, [])

    async def _close(self, room: Room) -> bool:
        """Close a room unless it is closed, and return whether it is."""
        path = f"/rooms/{room['roomId']}"
        if self.request("GET", path, params=self.access(room)).status_code == 404:
            return True
        try:
            async with self.own(room, "Aki") as owner:
                await owner.send(act("closeRoom"))
                await until(lambda: self.request("GET", path).status_code == 404, "the room is closed")
        except (Difference, ConnectionClosed, InvalidStatus):
            return self.request("GET", path).status_code == 404
        return True

    def close(self) -> None:
        """Close the connections of the REST API."""
        self._session.close()


async def receive(connection: ClientConnection) -> Any:
    """Return the next frame.

    Raises Disconnected if the connection ends, Difference if none comes or docs/asyncapi.yaml does not describe it.
    """
    try:
        async with asyncio.timeout(SECONDS):
            frame = json.loads(await connection.recv())
    except TimeoutError as cause:
        raise Difference(f"expected a frame, got none within {SECONDS} seconds") from cause
    except ConnectionClosed as cause:
        raise Disconnected(f"expected a frame, got the end of the connection: {cause}") from cause
    asyncapi.kind_of(frame, asyncapi.SENT)
    return frame


async def hear(connection: ClientConnection, kind: str) -> Any:
    """Return the next event of this type, such as `message` or `join`."""
    while (frame := await receive(connection)).get("message", {}).get("type") != kind:
        pass
    return frame["message"]


async def hello(connection: ClientConnection) -> Any:
    """Return the contents of the next welcome frame, after a `hello`."""
    await connection.send(act("hello"))
    while "welcome" not in (frame := await receive(connection)):
        pass
    return frame["welcome"]


async def drain(connection: ClientConnection) -> list[Any]:
    """Return the frames received so far: all that come before the response to a ping."""
    await connection.send(act("ping"))
    frames = []
    while (frame := await receive(connection)) != {"pong": True}:
        frames.append(frame)
    return frames


async def until_closed(connection: ClientConnection) -> None:
    """Wait until the server has closed a connection."""
    try:
        async with asyncio.timeout(SECONDS):
            await connection.wait_closed()
    except TimeoutError as cause:
        raise Difference(f"expected the end of the connection, which is open after {SECONDS} seconds") from cause


async def until(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds: no frame tells that an index is up to date or a `$disconnect` handler has ended.

    Raises Difference with what has not come true.
    """
    try:
        async with asyncio.timeout(SECONDS):
            while not await asyncio.to_thread(condition):  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as cause:
        raise Difference(f"expected within {SECONDS} seconds that {what}") from cause


async def rejected(joining: connect) -> int:
    """Return the HTTP status with which a handshake is rejected. Raises Difference if it succeeds."""
    try:
        await (await joining).close()
    except InvalidStatus as rejection:
        return rejection.response.status_code
    raise Difference("expected that the handshake is rejected, but it succeeded")


def act(action: str, **data: Any) -> str:
    """Return the frame of an action."""
    return json.dumps({"action": action, "data": data} if data else {"action": action})


def message(text: str, action: str = "sendMessage", **data: str) -> str:
    """Return the frame that sends a message."""
    return act(action, message=text, **data)
