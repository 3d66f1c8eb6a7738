"""The client library as it was before edits, reactions, replies and signals, beside newer clients.

tests/web/former-client/ contains it. It shows the messages, and nothing of what it does not know.
"""

from __future__ import annotations

import asyncio
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from websockets.asyncio.client import ClientConnection

from deployment.smoke.client import BO, act, hear
from localcloud.cloud import LocalCloud
from tests.support.localcloud.client import SECONDS, Chat, receive
from tests.support.projects import PROJECT

NOBODY = "8hVt2mQwXz0sY4bN"


class Former:
    """A member with the former library, and the events that it has seen."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.events: list[Any] = []

    async def until(self, event: str, **value: object) -> Any:
        """Return the value of the next event that has these properties."""
        assert self._process.stdout is not None
        async with asyncio.timeout(SECONDS):
            while line := await self._process.stdout.readline():
                self.events.append(json.loads(line))
                found = self.events[-1]["value"]
                if self.events[-1]["event"] == event and value.items() <= found.items():
                    return found
        raise AssertionError(f"the process has ended before {event}: {self.events}")

    def command(self, name: str) -> None:
        """Send a command to the process."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name}\n".encode())

    async def shown(self) -> list[str]:
        """Return the texts of the messages."""
        self.command("snapshot")
        return [message["message"] for message in (await self.until("snapshot"))["messages"]]


@asynccontextmanager
async def former_client(cloud: LocalCloud, room_id: str) -> AsyncIterator[Former]:
    """Let a member with the former library join a room, and check that it ends well and has printed nothing else."""
    program = PROJECT / "tests/web/former-client/member.mjs"
    process = await asyncio.create_subprocess_exec(
        "node", "--unhandled-rejections=strict", program, cloud.rest_url, room_id, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    former = Former(process)
    try:
        await former.until("state", status="open")
        yield former
        _, errors = await asyncio.wait_for(process.communicate(b""), SECONDS)
        assert (process.returncode, errors) == (0, b"")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    told = [event["value"] for event in former.events if event["event"] in ("message", "notice")]
    assert all(value["message"].strip() for value in told)
    assert [event for event in former.events if event["event"] in ("error", "expired", "reported")] == []


async def say(member: ClientConnection, text: str, **data: object) -> int:
    """Send a message, and return its sequence."""
    await member.send(act("sendMessage", message=text, **data))
    while (message := await hear(member, "message"))["message"] != text:
        pass
    return int(message["sequence"])


async def live(member: ClientConnection, sequence: int, text: str) -> None:
    """Edit a message, react to it, and do everything else that the former library does not know."""
    await member.send(act("editMessage", sequence=sequence, message=text))
    await hear(member, "edited")
    for remove in (False, True):
        await member.send(act("react", sequence=sequence, reaction="👍", remove=remove))
        while "reactions" not in await receive(member):
            pass
    await member.send(act("signal", name="typing", data={"seconds": 10}))
    await member.send(act("markRead", sequence=sequence))


def test_former_library_shows_the_messages_and_nothing_of_what_it_does_not_know(cloud: LocalCloud) -> None:
    async def scenario(chat: Chat) -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Bo", key=BO) as bo, former_client(cloud, room_id) as former:
            one = await say(bo, "one")
            await live(bo, one, "one, edited")
            two = await say(bo, "two", replyTo=one, mentions=[NOBODY])
            three = await say(bo, "three")
            await bo.send(act("react", sequence=three, reaction="🎉"))
            await bo.send(act("deleteMessage", sequence=three))
            await hear(bo, "deleted")
            four = await say(bo, "four")
            await former.until("message", message="four")
            assert await former.shown() == ["one", "two", "four"]

            former.command("offline")
            await former.until("state", status="lost")
            await live(bo, two, "two, edited")
            five = await say(bo, "five", replyTo=three)
            await live(bo, five, "five, edited")
            await bo.send(act("react", sequence=four, reaction="🎉"))
            former.command("online")
            await former.until("message", message="five, edited")
            async with former_client(cloud, room_id) as late:
                await say(bo, "six")
                for member, texts in ((former, ["one", "two"]), (late, ["one, edited", "two, edited"])):
                    await member.until("message", message="six")
                    assert await member.shown() == [*texts, "four", "five, edited", "six"]

    with closing(Chat(cloud)) as chat:
        asyncio.run(scenario(chat))
