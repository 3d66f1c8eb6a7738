"""Owners on the local cloud, over HTTP and WebSocket: removal, locks, and the end of a room."""

from __future__ import annotations

import asyncio
import json
import os
from time import monotonic
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from tests.support.localcloud.client import SECONDS, Chat, message, receive

CROWD = int(
    os.environ.get("CROWD", "45")
)  # more than two batches of removals; the FANOUT_BATCH of the stage local is 20
JOINING_AT_ONCE = 10
BO, CY = "b" * 22, "c" * 22


def act(action: str, **data: object) -> str:
    return json.dumps({"action": action, "data": data})


async def hear(member: ClientConnection, kind: str) -> Any:
    """Return the next event of this type."""
    while (frame := await receive(member)).get("message", {}).get("type") != kind:
        pass
    return frame["message"]


async def until_closed(member: ClientConnection) -> None:
    async with asyncio.timeout(SECONDS):
        await member.wait_closed()


def test_member_with_five_connections_is_removed(chat: Chat) -> None:
    async def remove() -> None:
        created = chat.create_room(roomName="Tea")
        room_id = created["roomId"]
        async with chat.join(room_id, "Aki", owner=created["ownerToken"]) as aki:
            connections = [await chat.join(room_id, "Bo", key=BO) for _ in range(5)]
            await connections[0].send(act("hello"))
            while "welcome" not in (frame := await receive(connections[0])):
                pass
            started = monotonic()
            await aki.send(act("removeMember", memberId=frame["welcome"]["member"]["id"]))
            for connection in connections:
                assert (await hear(connection, "removed"))["message"] == "Aki removed Bo"
                await until_closed(connection)
            print(f"5 connections ended within {monotonic() - started:.1f} s")
            with pytest.raises(InvalidStatus):
                await chat.join(room_id, "Bob", key=BO)
            assert chat.get(f"/rooms/{room_id}?key={BO}")["Code"] == "MemberBannedError"
            assert chat.get(f"/rooms/{room_id}")["member_count"] == 1
            async with chat.join(room_id, "Cy", key=CY) as cy:
                await cy.send(message("hi"))
                assert (await hear(aki, "message"))["message"] == "hi"

    asyncio.run(remove())


def test_locked_room_admits_only_who_was_in_it(chat: Chat) -> None:
    async def lock() -> None:
        created = chat.create_room(roomName="Tea")
        room_id = created["roomId"]
        async with chat.join(room_id, "Aki", owner=created["ownerToken"]) as aki:
            await (await chat.join(room_id, "Bo", key=BO)).close()
            await aki.send(act("updateRoom", locked=True))
            assert (await hear(aki, "updated"))["room"]["locked"]
            for stranger in ({}, {"key": CY}):
                with pytest.raises(InvalidStatus):
                    await chat.join(room_id, "Cy", **stranger)
            assert chat.get(f"/rooms/{room_id}?key={CY}")["Code"] == "RoomLockedError"
            await (await chat.join(room_id, "Bo", key=BO)).close()

    asyncio.run(lock())


def test_closing_a_room_ends_all_connections(chat: Chat) -> None:
    async def close() -> None:
        created = chat.create_room(roomName="Tea")
        room_id = created["roomId"]
        members = [await chat.join(room_id, "Aki", owner=created["ownerToken"])]
        while len(members) < CROWD:
            members += await asyncio.gather(
                *(chat.join(room_id) for _ in range(min(JOINING_AT_ONCE, CROWD - len(members))))
            )
        await members[0].send(act("closeRoom"))
        started = monotonic()
        assert (await hear(members[0], "closed"))["message"] == "Aki closed the room"
        assert chat.get(f"/rooms/{room_id}")["Code"] == "NotFoundError"
        assert room_id not in chat.listed()
        await asyncio.gather(*map(until_closed, members))
        print(f"{CROWD} connections ended within {monotonic() - started:.1f} s")
        with pytest.raises(InvalidStatus):
            await chat.join(room_id, "Aki", owner=created["ownerToken"])

    asyncio.run(close())
