"""Soak test: senders and listeners lose their connections again and again, and all end with the same history.

The functions use the strict DynamoDB, in which many writes meet a transaction in progress.

`make soak` runs it with the numbers that you choose.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
import requests
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chalicelib.storage.models import Reactions
from localcloud.cloud import LocalCloud
from localcloud.stack import STAGE
from tests.support.localcloud.running import copy_runnable_project, lines_until, running
from tests.support.localcloud.strict import strict_dynamodb
from tests.support.ports import free_port

SENDERS = int(os.environ.get("SENDERS", "3"))
LISTENERS = int(os.environ.get("LISTENERS", "3"))
MESSAGES = int(os.environ.get("MESSAGES", "10"))
CUTS = float(os.environ.get("CUTS", "0.2"))
DELETIONS = float(os.environ.get("DELETIONS", "0.1"))
EDITS = float(os.environ.get("EDITS", "0.1"))
REACTIONS = float(os.environ.get("REACTIONS", "0.1"))
# The client library waits longer after each connection that breaks at once, so fewer cuts take as long.
CLIENT_CUTS = min(CUTS, 0.05)
SECONDS = 30
LISTENING_SECONDS = (0.2, 1.5)


class Room:
    """A new room, and its addresses."""

    def __init__(self, cloud: LocalCloud) -> None:
        created = requests.post(f"{cloud.rest_url}/rooms", json={"roomName": "Soak"}, timeout=SECONDS).json()
        self.messages_url = f"{cloud.rest_url}/rooms/{created['roomId']}/messages"
        self.websocket_url = f"{cloud.websocket_url}?roomId={created['roomId']}"

    async def connect(self) -> ClientConnection:
        return await connect(self.websocket_url, open_timeout=SECONDS)

    async def after(self, position: int) -> Any:
        query = {"after": position, "limit": 100}
        return (await asyncio.to_thread(requests.get, self.messages_url, params=query, timeout=SECONDS)).json()


def cut(connection: ClientConnection) -> None:
    """Drop a connection without a closing handshake."""
    connection.transport.abort()


class Sender:
    """Client that sends one message after the other, and repeats each until its echo comes."""

    def __init__(self, room: Room, name: str) -> None:
        self.room, self.name = room, name
        self.echoed: dict[str, int] = {}
        self.cuts = 0

    async def run(self) -> None:
        connection = await self.room.connect()
        for number in range(MESSAGES):
            text = f"{self.name}-{number}"
            while text not in self.echoed:
                try:
                    await connection.send(
                        json.dumps({"action": "sendMessage", "data": {"message": text, "clientId": text}})
                    )
                    if random.random() < CUTS:
                        self.cuts += 1
                        cut(connection)
                    await self._await_echo(connection, text)
                except ConnectionClosed:
                    connection = await self.room.connect()
        await connection.close()

    async def _await_echo(self, connection: ClientConnection, text: str) -> None:
        async with asyncio.timeout(SECONDS):
            async for frame in connection:
                received = json.loads(frame)
                if received.get("error", {}).get("code") == "rate_limited":
                    await asyncio.sleep(received["error"]["retryAfter"])
                    return
                if received.get("message", {}).get("clientId") == text:
                    self.echoed[text] = received["message"]["sequence"]
                    return
        raise ConnectionClosed(None, None)


class Listener:
    """Client that listens, loses the connection, and catches up over REST."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.heard: dict[int, str] = {}
        self.position = 0
        self.cuts = 0

    async def run(self, all_sent: asyncio.Event) -> None:
        while not all_sent.is_set():
            connection = await self.room.connect()
            await self.catch_up()
            try:
                async with asyncio.timeout(random.uniform(*LISTENING_SECONDS)):
                    async for frame in connection:
                        await self._hear(json.loads(frame)["message"])
            except TimeoutError:
                self.cuts += 1
            cut(connection)
        await self.catch_up()

    async def catch_up(self) -> None:
        while True:
            page = await self.room.after(self.position)
            for content in page["messages"]:
                self._take(content)
                self.position = content["sequence"]
            if "nextAfter" in page:
                self.position = page["nextAfter"]
            elif not page["messages"] or self.position == page["lastSequence"]:
                self.position = page["lastSequence"]
                return

    async def _hear(self, content: Any) -> None:
        if content["type"] == "message":
            self._take(content)
            if content["sequence"] > self.position + 1:
                await self.catch_up()
            self.position = max(self.position, content["sequence"])

    def _take(self, content: Any) -> None:
        assert self.heard.setdefault(content["sequence"], content["message"]) == content["message"]


class Console(NamedTuple):
    """A local cloud, the list to which its console lines are added, and a client of its DynamoDB."""

    cloud: LocalCloud
    lines: list[str]
    dynamodb: Any


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Run a local cloud on the strict DynamoDB."""
    project, port, lines = copy_runnable_project(tmp_path_factory.mktemp("project")), free_port(), []
    with running(port, project) as process:
        lines_until(process, "Page:")
        reading = Thread(target=lambda: lines.extend(process.stdout or ()))
        reading.start()
        with strict_dynamodb(port, tmp_path_factory.mktemp("dynamodb") / "data") as dynamodb:
            yield Console(LocalCloud(port, process), lines, dynamodb)
        process.terminate()
        reading.join()


def test_all_clients_end_with_the_same_history_after_many_lost_connections(
    console: Console,
) -> None:
    cloud = console.cloud

    async def soak() -> None:
        room = Room(cloud)
        senders = [Sender(room, f"sender{number}") for number in range(SENDERS)]
        listeners = [Listener(room) for _ in range(LISTENERS)]
        all_sent = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for listener in listeners:
                group.create_task(listener.run(all_sent))
            async with asyncio.TaskGroup() as sending:
                for sender in senders:
                    sending.create_task(sender.run())
            all_sent.set()
        print(f"{sum(s.cuts for s in senders)} sends and {sum(x.cuts for x in listeners)} listeners cut off")
        _check(senders, listeners)

    asyncio.run(soak())
    _check_console(console.lines)


def test_client_library_ends_with_the_same_history_after_many_lost_connections(
    console: Console, client_tests: Path
) -> None:
    numbers = map(str, (SENDERS, LISTENERS, MESSAGES, CLIENT_CUTS, DELETIONS, EDITS, REACTIONS))
    soak = subprocess.run(
        ["node", client_tests / "soak.mjs", console.cloud.rest_url, *numbers],  # noqa: S607
        stdout=subprocess.PIPE,
        check=True,
    )
    result = json.loads(soak.stdout)
    print(
        f"{result['cuts']} connections cut off, {result['deletions']} messages deleted, {result['reactions']} reactions"
    )
    expected = result["expected"]
    assert len(expected) == SENDERS * MESSAGES - result["deletions"]
    assert result["heard"] == [expected] * (1 + SENDERS + LISTENERS)
    sent = {
        text: sequence
        for sender, echoes in enumerate(result["echoes"])
        for text, sequence in zip(
            [f"sender{sender}-{number}" for number in range(MESSAGES)], sorted(echoes.values()), strict=True
        )
    }
    assert sent == {text: sequence for echoes in result["echoes"] for text, sequence in echoes.items()}
    rows = console.dynamodb.scan(TableName=f"chalice-chat-{STAGE}-messages")
    assert "LastEvaluatedKey" not in rows
    stored = [row for row in rows["Items"] if row["room_id"]["S"] == result["roomId"]]
    texts = {text for _, text, _ in expected}
    assert texts <= {row["text"]["S"] for row in stored if "text" in row}
    former = {text for original in sent for text in (original, f"{original} edited")} - texts
    assert not [text for text in former if f'"{text}"' in json.dumps(stored)]
    with_members = [row for row in stored if any(name.startswith(Reactions.MEMBERS) for name in row)]
    reacted = {Reactions.sort_key_of(sequence) for sequence, _, count in expected if count}
    assert {row["sort_key"]["S"] for row in with_members} == reacted
    _check_console(console.lines)


def _check_console(lines: list[str]) -> None:
    assert [line for line in lines if "sendMessage" in line]
    assert [line for line in lines if "fault" in line] == []


def _check(senders: list[Sender], listeners: list[Listener]) -> None:
    history = dict(sorted(listeners[0].heard.items()))
    assert len(history) == SENDERS * MESSAGES
    for listener in listeners:
        assert dict(sorted(listener.heard.items())) == history
    for sender in senders:
        own = [text for text in history.values() if text.startswith(f"{sender.name}-")]
        assert own == [f"{sender.name}-{number}" for number in range(MESSAGES)]
        assert sender.echoed == {text: sequence for sequence, text in history.items() if text in sender.echoed}
