"""Rooms: creating, joining, leaving, and who may."""

from __future__ import annotations

from deployment.smoke.client import AKI, Chat, drain, hear, hello, message, receive, rejected, until
from deployment.smoke.differences import Difference, expect
from deployment.smoke.scenario import scenario


@scenario()
async def messages_stay_in_their_room(chat: Chat) -> None:
    tea, coffee = chat.create_room(roomName="Tea"), chat.create_room(roomName="Coffee")
    async with chat.pair(tea) as (aki, bo), chat.own(coffee, "Cy") as cy:
        await chat.settle(coffee, 1)
        welcome = await hello(aki)
        expect("the members and rights in welcome", (welcome["memberCount"], welcome["owner"]), (2, True))
        if not chat.access_token:
            expect("the name of the member", welcome["member"]["name"], "Aki")
        for action in ("sendMessage", "onMessage"):
            await aki.send(message("hi", action, clientId=f"c-{action}"))
            echo = await hear(aki, "message")
            expect("the clientId of the echo", echo["clientId"], f"c-{action}")
            expect("the text and sender of the echo", (echo["message"], echo["sender"]), ("hi", welcome["member"]))
            expect("the message to another member", await hear(bo, "message"), echo)
        expect("what another room hears", await drain(cy), [])
        for connection in (aki, bo):
            expect("what the members hear after the messages", await drain(connection), [])
        await bo.close()
        left = await hear(aki, "leave")
        expect("the number of members after one has left", left["memberCount"], 1)


@scenario()
async def empty_room_leaves_the_list_and_can_be_joined_by_its_id(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    room_id = room["roomId"]
    async with chat.own(room, "Aki"):
        await until(lambda: room_id in chat.listed(), "a room with a member is listed")
    await until(lambda: room_id not in chat.listed(), "an empty room is not listed")
    expect("the members of the empty room", chat.get(f"/rooms/{room_id}").get("member_count"), 0)
    async with chat.own(room, "Aki"):
        await until(lambda: room_id in chat.listed(), "a room that was joined again is listed")
        await chat.settle(room, 1)


@scenario()
async def unknown_room_is_rejected(chat: Chat) -> None:
    # API Gateway may replace the status of the handshake, so clients ask for the reason over REST.
    await rejected(chat.join("nosuchroom"))
    for path in ("", "/members", "/messages"):
        missing = chat.request("GET", f"/rooms/nosuchroom{path}")
        given = (missing.status_code, missing.json().get("Code"))
        expect(f"GET {path or 'of a room'} for an unknown room", given, (404, "NotFoundError"))


@scenario(needs_guests=True)  # a user may have the rights of an owner, who needs no token
async def private_room_requires_its_token_and_never_reveals_it(chat: Chat) -> None:
    room = chat.create_room(roomName="Surprise party", private=True)
    room_id, token = room["roomId"], room["joinToken"]
    for wrong in ("", "wrong", token[:-1]):
        await rejected(chat.join(room_id, "Eve", wrong))
    async with chat.pair(room) as (aki, bo):
        await aki.send(message("hi"))
        heard = [await receive(aki), await receive(bo)]
        expect("the texts that members hear", [frame["message"]["message"] for frame in heard], ["hi", "hi"])
        if token in str(heard):
            raise Difference("a frame contains the token of the room")
        for path in ("", "/members", "/messages"):
            for query in ({}, {"token": "wrong"}):
                response = chat.request("GET", f"/rooms/{room_id}{path}", params=query)
                given = (response.status_code, response.json().get("Code"), "Surprise" in response.text)
                expect(f"GET {path or 'of a room'} without the token", given, (403, "ForbiddenError", False))
            admitted = chat.request("GET", f"/rooms/{room_id}{path}", params={"token": token, "key": AKI})
            expect(f"GET {path or 'of a room'} with the token", admitted.status_code, 200)
            expect("that a response contains the token", token in admitted.text, False)
    expect("that the private room is listed", room_id in chat.listed(), False)
