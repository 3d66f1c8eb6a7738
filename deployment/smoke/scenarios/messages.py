"""Messages: catching up after a lost connection, and sending again."""

from __future__ import annotations

from deployment.smoke.client import BO, Chat, hear, hello, message
from deployment.smoke.differences import expect
from deployment.smoke.scenario import scenario

MISSED = ["one", "two", "three"]


@scenario()
async def missed_messages_are_in_the_history_after_a_cut(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    room_id = room["roomId"]
    async with chat.pair(room) as (aki, bo):
        await aki.send(message("zero"))
        position = (await hear(bo, "message"))["sequence"]
        bo.transport.abort()
        echoes = []
        for text in ("zero", *MISSED):
            if text != "zero":
                await aki.send(message(text, clientId=text))
            echoes.append(await hear(aki, "message"))
        async with chat.join(room_id, "Bo", key=BO) as again:
            last = (await hello(again))["lastSequence"]
            expect("lastSequence in welcome", last, echoes[-1]["sequence"])
            page = chat.get(f"/rooms/{room_id}/messages", after=position, limit=100, key=BO)
            expect("the messages after the cut", page["messages"], echoes[1:])
            expect("lastSequence and complete", (page["lastSequence"], page["complete"]), (last, True))


@scenario()
async def message_that_is_sent_again_is_stored_once(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    async with chat.pair(room) as (aki, bo):
        await aki.send(message("hi", clientId="c-1"))
        echo = await hear(aki, "message")
        await aki.send(message("hi", clientId="c-1"))
        expect("the echo of the message sent again", await hear(aki, "message"), echo)
        # From another connection of the same member, as after a reconnect.
        async with chat.own(room, "Aki") as again:
            await again.send(message("hi", clientId="c-1"))
            expect("the echo on the first connection", await hear(aki, "message"), echo)
        await bo.send(message("bye"))
        bye = await hear(bo, "message")
        while bye["message"] != "bye":
            bye = await hear(bo, "message")
    stored = chat.get(f"/rooms/{room['roomId']}/messages", **chat.access(room))["messages"]
    expect("the stored messages", stored, [echo, bye])
