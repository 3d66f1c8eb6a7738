"""Clients of the soak test: members that act, and listeners. Their connections break again and again."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

import requests
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from localcloud.cloud import LocalCloud

SECONDS = 30
PAGE = 100
REACTIONS = ("👍", "🎉", ":tada:")

Shown = dict[int, tuple[str, dict[str, list[str]]]]
"""The text of each message, and the ids of the members who have each reaction, by the sequence of the message."""


class Room:
    """A new room, its addresses, and the sequences of the messages that members have sent and deleted."""

    def __init__(self, cloud: LocalCloud) -> None:
        created = requests.post(f"{cloud.rest_url}/rooms", json={"roomName": "Soak"}, timeout=SECONDS).json()
        self.room_id = created["roomId"]
        self.messages_url = f"{cloud.rest_url}/rooms/{self.room_id}/messages"
        self.websocket_url = f"{cloud.websocket_url}?roomId={self.room_id}"
        self.sent: list[int] = []
        self.deleted: set[int] = set()

    async def connect(self, **identity: str) -> ClientConnection:
        """Open a connection."""
        return await connect(f"{self.websocket_url}&{urlencode(identity)}", open_timeout=SECONDS, max_queue=None)

    async def read(self, **query: int) -> Any:
        """Return a page of the history."""
        query |= {"limit": PAGE}
        return (await asyncio.to_thread(requests.get, self.messages_url, params=query, timeout=SECONDS)).json()


def cut(connection: ClientConnection) -> None:
    """Drop a connection without a closing handshake."""
    connection.transport.abort()


class Timeline:
    """The messages and reactions that a client knows, from frames in any order and from the history."""

    def __init__(self) -> None:
        self._texts: dict[int, str] = {}
        self._edits: dict[int, tuple[int, str]] = {}
        self._deleted: set[int] = set()
        self._reactions: dict[int, tuple[int, dict[str, list[str]]]] = {}

    @property
    def shown(self) -> Shown:
        """The messages that are not deleted."""
        shown = {}
        for sequence in sorted(self._texts.keys() - self._deleted):
            _, text = self._edits.get(sequence, (0, self._texts[sequence]))
            _, reactions = self._reactions.get(sequence, (0, {}))
            shown[sequence] = (text, reactions)
        return shown

    def take(self, content: Any) -> None:
        """Learn of a message or an event."""
        match content:
            case {"type": "message", "sequence": sequence}:
                self._texts[sequence] = content["message"]
                self.take_reactions(content)
            case {"type": "edited", "target": target, "text": text, "sequence": sequence}:
                self._edits[target] = max(self._edits.get(target, (0, "")), (sequence, text))
            case {"type": "deleted", "target": target}:
                self._deleted.add(target)

    def take_reactions(self, content: Any) -> None:
        """Learn of the reactions to a message, from a frame or from the history. A frame of a message has none."""
        target = content.get("target", content.get("sequence"))
        version = content.get("version", content.get("reactionsVersion"))
        if version is None or version < self._reactions.get(target, (0, {}))[0]:
            return
        counted = content.get("reactions", [])
        assert all(one["count"] == len(one["members"]) for one in counted)
        self._reactions[target] = (version, {one["reaction"]: sorted(one["members"]) for one in counted})


class Listener:
    """Client that listens, loses the connection, and catches up over REST."""

    def __init__(self, room: Room) -> None:
        self.room, self.timeline = room, Timeline()
        self.position = 0
        self.cuts = 0

    async def run(self, all_done: asyncio.Event, seconds: tuple[float, float]) -> None:
        """Listen until all is done, for some seconds at a time."""
        while not all_done.is_set():
            connection = await self.room.connect()
            await self.come_back()
            try:
                async with asyncio.timeout(random.uniform(*seconds)):
                    async for frame in connection:
                        await self.hear(json.loads(frame))
            except TimeoutError:
                self.cuts += 1
            cut(connection)
        await self.come_back()

    async def stay(self, expected: asyncio.Future[Shown]) -> None:
        """Listen without interruption until the frames have told what is expected."""
        connection = await self.room.connect()
        await self.come_back()
        expected.add_done_callback(lambda _: asyncio.ensure_future(connection.send('{"action": "ping"}')))
        async for frame in connection:
            await self.hear(json.loads(frame))
            if expected.done() and self.timeline.shown == expected.result():
                return await connection.close()

    async def come_back(self) -> None:
        """Read what was missed. Reactions have no sequence, so those of the messages that are known are read again."""
        before = self.position
        await self.catch_up()
        while before > 0:
            page = await self.room.read(before=before + 1)
            for content in page["messages"]:
                self.timeline.take_reactions(content)
            before = page.get("nextBefore", page["messages"][0]["sequence"] if page["messages"] else 1) - 1

    async def catch_up(self) -> None:
        """Read the history after the position."""
        while True:
            page = await self.room.read(after=self.position)
            for content in page["messages"]:
                self.timeline.take(content)
                self.position = content["sequence"]
            if "nextAfter" in page:
                self.position = page["nextAfter"]
            elif not page["messages"] or self.position == page["lastSequence"]:
                self.position = page["lastSequence"]
                return

    async def hear(self, frame: Any) -> None:
        """Learn from a frame. If it leaves a gap, read the history."""
        match frame:
            case {"message": {"sequence": sequence} as content}:
                self.timeline.take(content)
                if sequence > self.position + 1:
                    await self.catch_up()
                self.position = max(self.position, sequence)
            case {"reactions": content}:
                self.timeline.take_reactions(content)


class Member:
    """Client that acts, one action after the other, and repeats each until a frame confirms it.

    texts: its messages that are not deleted. erased: all texts of the deleted ones. reactions: those that it has not
    taken back. echoed: the sequences of its messages by their number.
    """

    def __init__(self, room: Room, name: str, cuts: float) -> None:
        self.room, self.name, self._share = room, name, cuts
        self._identity = {"name": name, "key": name.ljust(22, "-")}
        self.texts: dict[int, str] = {}
        self._former: dict[int, list[str]] = {}
        self.erased: list[str] = []
        self.reactions: dict[tuple[int, str], int] = {}
        self._taken: set[tuple[int, str]] = set()
        self.echoed: dict[int, int] = {}
        self.id = ""
        self.read_sequence = 0
        self.cuts = 0

    async def run(self, messages: int, **shares: float) -> None:
        """Send messages, and between them do other things, in random order. shares: those of all actions, by name."""
        total = messages / (1 - sum(shares.values()))
        others: list[Callable[[], Coroutine[Any, Any, None]]] = []
        for name, share in shares.items():
            others += [getattr(self, name)] * round(total * share)
        plan = [self.send, *random.sample([self.send] * (messages - 1) + others, messages - 1 + len(others))]
        self._connection = await self.room.connect(**self._identity)
        self.id = (await self._act("hello", is_confirmed=lambda frame: "welcome" in frame))["welcome"]["member"]["id"]
        for act in plan:
            await act()
        await self._connection.close()

    async def welcome(self) -> Any:
        """Return what the server tells in a new connection."""
        self._connection = await self.room.connect(**self._identity)
        self._share = 0
        frame = await self._act("hello", is_confirmed=lambda frame: "welcome" in frame)
        await self._connection.close()
        return frame["welcome"]

    async def send(self) -> None:
        """Send a message. Some answer another one."""
        number = len(self.echoed)
        data: dict[str, Any] = {"message": f"<{self.name}, {number}>", "clientId": f"{self.name}-{number}"}
        if self.room.sent and random.random() < 0.3:
            data |= {"replyTo": random.choice(self.room.sent), "mentions": [self.id]}
        frame = await self._act(
            "sendMessage", is_confirmed=lambda frame: self._content(frame).get("clientId") == data["clientId"], **data
        )
        sequence = frame["message"]["sequence"]
        self.echoed[number] = sequence
        self.texts[sequence] = data["message"]
        self.room.sent.append(sequence)

    async def edit(self) -> None:
        """Edit one of the last messages."""
        if self.texts:
            sequence = random.choice(list(self.texts)[-20:])
            text = f"{self.texts[sequence]}, <edited>"
            await self._act(
                "editMessage",
                is_confirmed=lambda frame: (
                    (self._content(frame).get("target"), self._content(frame).get("text")) == (sequence, text)
                ),
                sequence=sequence,
                message=text,
            )
            self._former.setdefault(sequence, []).append(self.texts[sequence])
            self.texts[sequence] = text

    async def react(self) -> None:
        """React to a message, or take a reaction back. One that was taken back is not added again."""
        if self.reactions and random.random() < 0.5:
            (target, reaction), version = random.choice(list(self.reactions.items()))
            await self._react(target, reaction, version, remove=True)
            del self.reactions[target, reaction]
        else:
            target, reaction = random.choice(self.room.sent[-20:]), random.choice(REACTIONS)
            if (target, reaction) not in self._taken:
                self._taken.add((target, reaction))
                if (new := await self._react(target, reaction)) is not None:
                    self.reactions[target, reaction] = new

    async def _react(self, target: int, reaction: str, version: int = 0, *, remove: bool = False) -> int | None:
        """Add or remove a reaction, and return the version that has it. None if the message is deleted."""

        def is_confirmed(frame: Any) -> bool:
            found = frame.get("reactions", {"target": None})
            if found["target"] != target or found["version"] <= version:
                return bool(frame.get("error", {}).get("code") == "invalid_message")
            members = {one["reaction"]: one["members"] for one in found["reactions"]}
            return (self.id in members.get(reaction, [])) != remove

        data = {"sequence": target, "reaction": reaction} | ({"remove": True} if remove else {})
        frame = await self._act("react", is_confirmed=is_confirmed, **data)
        return frame["reactions"]["version"] if "reactions" in frame else None

    async def delete(self) -> None:
        """Delete a message."""
        if self.texts:
            sequence = random.choice(list(self.texts))
            await self._act(
                "deleteMessage",
                is_confirmed=lambda frame: (
                    (self._content(frame).get("type"), self._content(frame).get("target")) == ("deleted", sequence)
                ),
                sequence=sequence,
            )
            self.erased += [*self._former.pop(sequence, []), self.texts.pop(sequence)]
            self.room.deleted.add(sequence)

    async def mark(self) -> None:
        """Mark what was sent so far as read, or less. No frame confirms that, but `hello` tells the position."""
        sequence = random.choice(self.room.sent)
        position = 0
        while position < sequence:
            frame = await self._act(
                "markRead", "hello", is_confirmed=lambda frame: "welcome" in frame, sequence=sequence
            )
            position = frame["welcome"].get("readSequence", 0)
        self.read_sequence = max(self.read_sequence, sequence)

    async def _act(self, action: str, *more: str, is_confirmed: Callable[[Any], bool], **data: Any) -> Any:
        """Send frames until a frame confirms the action, and return that one."""
        while True:
            try:
                for name, content in ((action, data), *((name, {}) for name in more)):
                    await self._connection.send(json.dumps({"action": name, "data": content}))
                if random.random() < self._share:
                    self.cuts += 1
                    cut(self._connection)
                frame = await self._await(is_confirmed)
                if frame is not None:
                    return frame
            except ConnectionClosed:
                self._connection = await self.room.connect(**self._identity)

    async def _await(self, is_confirmed: Callable[[Any], bool]) -> Any:
        """Return the frame that confirms an action, None if it has to be repeated."""
        async with asyncio.timeout(SECONDS):
            async for received in self._connection:
                frame = json.loads(received)
                if is_confirmed(frame):
                    return frame
                if "error" in frame:
                    assert frame["error"]["code"] == "rate_limited", frame
                    await asyncio.sleep(frame["error"]["retryAfter"])
                    return None
        raise ConnectionClosed(None, None)

    @staticmethod
    def _content(frame: Any) -> Any:
        return frame.get("message", {})
