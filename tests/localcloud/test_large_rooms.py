"""A room of more than FANOUT_BATCH connections on the local cloud: messages in ticks, joins in bursts."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection

from tests.support.localcloud.client import Chat, message, receive

BATCH, SINGLE = 22, 3
"""Members with and without `batch=1`; the FANOUT_BATCH of the stage local is 20."""

TEXTS = [f"message {number:02}" for number in range(30)]
SECONDS = 3
MAX_POSTS = 6


async def _hear(member: ClientConnection) -> tuple[list[str], int]:
    """Receive frames until all texts have arrived. Return them without repeats, and the number of frames."""
    texts: dict[int, str] = {}
    posts = 0
    while len(texts) < len(TEXTS):
        frame = await receive(member)
        items = frame.get("messages") or [frame.get("message", {})]
        sent = [item for item in items if item.get("type") == "message"]
        posts += bool(sent)
        for item in sent:
            texts.setdefault(item["sequence"], item["message"])
    return list(texts.values()), posts


def test_thirty_messages_in_three_seconds_reach_everyone_in_few_posts(chat: Chat) -> None:
    async def crowd() -> None:
        room_id = chat.create("Large")
        batch = [await chat.join(room_id, batch="1") for _ in range(BATCH)]
        single = [await chat.join(room_id) for _ in range(SINGLE)]
        await batch[0].send(json.dumps({"action": "hello"}))
        while "welcome" not in (frame := await receive(batch[0])):
            pass
        assert frame["welcome"]["batch"] is True
        heard = [asyncio.create_task(_hear(member)) for member in [*batch, *single]]
        started = asyncio.get_running_loop().time()
        for number, text in enumerate(TEXTS):
            # No event to await: the rate of the messages is the input of this test.
            await asyncio.sleep(started + number * SECONDS / len(TEXTS) - asyncio.get_running_loop().time())
            await batch[number % BATCH].send(message(text, clientId=text))
        results = await asyncio.gather(*heard)
        for texts, posts in results[:BATCH]:
            assert sorted(texts) == TEXTS
            assert posts <= MAX_POSTS
        for texts, posts in results[BATCH:]:
            assert (sorted(texts), posts) == (TEXTS, len(TEXTS))
        await asyncio.gather(*(member.close() for member in [*batch, *single]))

    asyncio.run(crowd())


def test_joins_in_a_burst_come_together(chat: Chat) -> None:
    async def crowd() -> None:
        room_id = chat.create("Tea")
        watcher = await chat.join(room_id, "Aki", batch="1")
        names = [f"m{number:02}" for number in range(22)]  # more than ten twice: another window may begin meanwhile
        members = await asyncio.gather(*(chat.join(room_id, name) for name in names))
        joined: set[str] = set()
        frames: list[dict[str, Any]] = []
        while len(joined) < len(names):
            frames.append(await receive(watcher))
            one = frames[-1]
            found = one["presence"]["joined"] if "presence" in one else [one["message"]["sender"]]
            joined |= {member["name"] for member in found}
        assert joined == set(names)
        assert [list(frame) for frame in frames[:9]] == [["message"]] * 9
        assert len(frames) < len(names)
        await asyncio.gather(*(member.close() for member in [watcher, *members]))

    asyncio.run(crowd())
