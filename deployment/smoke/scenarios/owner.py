"""Owners and moderators: removing and muting members, slow mode, locking and closing a room."""

from __future__ import annotations

import asyncio

from deployment.smoke.client import BO, CY, Chat, act, hear, hello, message, receive, rejected, until, until_closed
from deployment.smoke.differences import expect
from deployment.smoke.scenario import scenario

CONNECTIONS = 5  # of the member that is removed


@scenario(needs_guests=True)
async def removed_member_loses_its_connections_and_cannot_come_back(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    room_id = room["roomId"]
    async with chat.own(room, "Aki") as aki:
        bo = [await chat.join(room_id, "Bo", key=BO) for _ in range(CONNECTIONS)]
        await chat.settle(room, 1 + CONNECTIONS)
        await aki.send(act("removeMember", memberId=(await hello(bo[0]))["member"]["id"]))
        for connection in bo:
            expect("the event of the removal", (await hear(connection, "removed"))["message"], "Aki removed Bo")
            await until_closed(connection)
        await rejected(chat.join(room_id, "Bob", key=BO))
        expect("why the key is rejected", chat.get(f"/rooms/{room_id}", key=BO).get("Code"), "MemberBannedError")
        for path in ("members", "messages"):
            code = chat.get(f"/rooms/{room_id}/{path}", key=BO).get("Code")
            expect(f"why the key may not read the {path}", code, "MemberBannedError")
        expect("the number of members", chat.get(f"/rooms/{room_id}").get("member_count"), 1)
        async with chat.join(room_id, "Cy", key=CY) as cy:
            await cy.send(message("hi"))
            expect("the message of another member", (await hear(aki, "message"))["message"], "hi")


@scenario(needs_guests=True)
async def locked_room_admits_only_who_was_in_it(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    room_id = room["roomId"]
    async with chat.pair(room) as (aki, bo):
        await aki.send(act("updateRoom", locked=True))
        expect("that the room is locked", (await hear(bo, "updated"))["room"]["locked"], True)
        for stranger in ({}, {"key": CY}):
            await rejected(chat.join(room_id, "Cy", **stranger))
        expect("why a key is rejected", chat.get(f"/rooms/{room_id}", key=CY).get("Code"), "RoomLockedError")
        await bo.close()
        async with chat.join(room_id, "Bo", key=BO) as again:
            expect("the number of members", (await hello(again))["memberCount"] >= 2, True)


@scenario(needs_guests=True)
async def moderator_mutes_a_member_and_slow_mode_holds_back_others(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    async with chat.pair(room) as (aki, bo), chat.join(room["roomId"], "Cy", key=CY) as cy:
        await chat.settle(room, 3)
        await aki.send(act("setRole", memberId=(await hello(bo))["member"]["id"], role="moderator"))
        expect("the new role of the second member", (await hear(bo, "role"))["role"], "moderator")
        await bo.send(act("muteMember", memberId=(await hello(cy))["member"]["id"], seconds=600))
        expect("the event of the muting", (await hear(cy, "muted"))["message"], "Bo muted Cy for 10 minutes")
        await cy.send(message("one"))
        expect("why a muted member may not send", (await receive(cy))["error"]["code"], "muted")
        await bo.send(act("muteMember", memberId=(await hello(cy))["member"]["id"], seconds=0))
        await hear(cy, "muted")
        await aki.send(act("updateRoom", slowSeconds=60))
        expect("the slow mode", (await hear(cy, "updated"))["room"]["slowSeconds"], 60)
        await cy.send(message("two"))
        expect("the first message in slow mode", (await hear(cy, "message"))["message"], "two")
        await cy.send(message("three"))
        expect("why the second one is rejected", (await receive(cy))["error"]["code"], "rate_limited")


@scenario()
async def closed_room_ends_all_connections(chat: Chat) -> None:
    await close_with_members(chat, 3)


async def close_with_members(chat: Chat, count: int) -> None:
    """Close a room of so many members, and check that nothing of it is left."""
    room = chat.create_room(roomName="Tea")
    room_id = room["roomId"]
    members = [await chat.own(room, "Aki")]
    await chat.settle(room, 1)
    members += await chat.join_many(room_id, count - 1)
    name = (await hello(members[0]))["member"]["name"]
    await members[0].send(act("closeRoom"))
    expect("the event of the owner", (await hear(members[0], "closed"))["message"], f"{name} closed the room")
    expect("the closed room", chat.get(f"/rooms/{room_id}").get("Code"), "NotFoundError")
    await until(lambda: room_id not in chat.listed(), "a closed room is not listed")
    await asyncio.gather(*map(until_closed, members))
    await rejected(chat.own(room, "Aki"))
