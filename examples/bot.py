"""Chat bot that answers `/roll` and mentions in a room, as a starting point for clients in Python: docs/protocol.md.

Install its requirement with `pip install websockets`. The page of a room is at REST_URL#/rooms/ROOM_ID. Ctrl-C ends it.
"""

import asyncio
import json
import random
import secrets
import sys
from contextlib import suppress
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

from websockets import ClientConnection, ConnectionClosed, connect


def get(url: str) -> Any:
    """Return the JSON of a response. Ends the bot if the room is gone or private."""
    try:
        return json.load(urlopen(url, timeout=20))
    except HTTPError as error:
        raise SystemExit(json.load(error).get("Message", error)) if error.code in (403, 404) else error from None


class Bot:
    async def run(self, rest_url: str, room_id: str) -> None:
        """Answer what is sent from now on, including what is sent while the connection is lost."""
        self.room_url = f"{rest_url.rstrip('/')}/rooms/{room_id}"
        self.position = (await asyncio.to_thread(get, f"{self.room_url}/messages?limit=1"))["lastSequence"]
        self.answers: dict[str, dict[str, Any]] = {}  # data by clientId, until the history contains it
        url = (await asyncio.to_thread(get, f"{rest_url.rstrip('/')}/config"))["webSocketUrl"]
        url += f"?roomId={room_id}&name=Dice&key={secrets.token_urlsafe(24)}"  # the same member after a reconnect
        async for connection in connect(url, process_exception=self.check_room):
            with suppress(ConnectionClosed, OSError):  # OSError: a request failed, or took too long
                await self.talk(connection)
            await asyncio.sleep(random.uniform(1, 3))  # connect() backs off only if it cannot connect

    def check_room(self, failure: Exception) -> None:
        """End the bot if connect() failed because the room is gone. Otherwise, connect() retries."""
        with suppress(OSError):
            get(self.room_url)

    async def talk(self, connection: ClientConnection) -> None:
        """Read the history at first and for each new sequence: frames may be lost, repeated or out of order."""
        own_id = await self.say_hello(connection)
        while True:
            after = self.position
            page = await asyncio.to_thread(get, f"{self.room_url}/messages?after={after}&limit=100")
            for message in page["messages"]:
                self.position = message["sequence"]
                self.answers.pop(message.get("clientId"), None)
                name = message["sender"]["name"]
                if message.get("message") == "/roll":
                    number = random.Random(message["sentAt"]).randint(1, 6)  # a retry needs the same text
                    self.answer(f"{name} rolls a {number}")
                elif own_id in message.get("mentions", ()):
                    self.answer(f"{name}, send /roll, and I roll a die for you")
            self.position = page.get("nextAfter", self.position)  # the page ended early
            if len(page["messages"]) < 100 and ("nextAfter" not in page or self.position == after):
                await self.send_or_wait(connection)

    async def say_hello(self, connection: ClientConnection) -> str:
        """Return the bot's member id in the room."""
        await connection.send('{"action": "hello"}')
        async with asyncio.timeout(10):
            while True:
                match json.loads(await connection.recv()):
                    case {"welcome": {"member": {"id": str(own_id)}}}:
                        return own_id

    def answer(self, text: str) -> None:
        """Keep an answer to the message at the position, which is sent until it comes back."""
        client_id = f"dice-{self.position}"
        self.answers[client_id] = {"message": text, "clientId": client_id, "replyTo": self.position}

    async def send_or_wait(self, connection: ClientConnection) -> None:
        """Send the oldest answer and wait until it comes back. Without an answer to send, wait for a new message."""
        if client_id := next(iter(self.answers), ""):
            await connection.send(json.dumps({"action": "sendMessage", "data": self.answers[client_id]}))
        try:
            async with asyncio.timeout(10 if client_id else 240) as limit:
                while True:
                    match json.loads(await connection.recv()):  # other frames are ignored
                        case {"message": {"sequence": sequence, **rest}} if sequence > self.position:
                            if client_id in ("", rest.get("clientId")):
                                return
                        case {"error": {"code": "rate_limited", "retryAfter": seconds}}:
                            limit.reschedule(asyncio.get_running_loop().time() + seconds)
                        case {"error": {"code": "not_in_room"}}:
                            await connection.close()  # recv() then raises ConnectionClosed
        except TimeoutError:
            await connection.send('{"action": "ping"}')  # API Gateway closes an idle connection after 10 minutes


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python examples/bot.py REST_URL ROOM_ID")
    with suppress(KeyboardInterrupt):
        asyncio.run(Bot().run(*sys.argv[1:]))
