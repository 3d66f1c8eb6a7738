"""Webhooks: messages of other programs."""

from __future__ import annotations

import asyncio
import json

from deployment.smoke.client import Chat, Room, hear
from deployment.smoke.differences import expect
from deployment.smoke.scenario import scenario

MORE_THAN_THE_LIMIT = 25  # messages, of which 20 in 10 seconds are accepted


def create_hook(chat: Chat, room: Room) -> str:
    """Create a webhook, and return its url."""
    created = chat.manage_hooks("POST", room, json={"name": "Builds"})
    expect("the status of the creation of a webhook", created.status_code, 201)
    listed = chat.manage_hooks("GET", room).json().get("hooks", [])
    expect("the webhooks of the room", [hook["hookId"] for hook in listed], [created.json()["hookId"]])
    return str(created.json()["url"])


@scenario()
async def message_of_a_hook_reaches_a_member(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea", private=True)
    url = create_hook(chat, room)
    expect("that the url begins with the address of the chat", url.startswith(f"{chat.rest}/hooks/"), True)
    async with chat.pair(room) as (_, bo):
        attachment = {"title": "Build 57", "title_link": "https://ci.example.org/57", "text": "passed &amp; stored\r\n"}
        posted = chat.post(url, data={"payload": json.dumps({"attachments": [attachment]})})
        expect("the status of a message of a webhook", posted.status_code, 200)
        expect("that the response is that of Slack", posted.json()["ok"], True)
        heard = await hear(bo, "message")
        sender = heard["sender"]
        given = (heard["message"], sender["name"], sender.get("bot"))
        text = "Build 57: https://ci.example.org/57\npassed & stored"
        expect("the message of a webhook", given, (text, "Builds", True))
        expect("the sequence of the message", heard["sequence"], posted.json()["sequence"])
        expect("the time of the message", heard["sentAt"], posted.json()["sentAt"])


@scenario()
async def deleted_hook_is_rejected(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    url = create_hook(chat, room)
    deleted = chat.manage_hooks("DELETE", room, f"/{url.split('.')[-2]}")
    expect("the response to the deletion", (deleted.status_code, deleted.content), (204, b""))
    posted = chat.post(url, json={"text": "again"})
    expect("the status of a message of a deleted webhook", posted.status_code, 404)


@scenario()
async def hook_above_the_rate_limit_gets_a_429(chat: Chat) -> None:
    url = create_hook(chat, chat.create_room(roomName="Tea"))
    posts = (asyncio.to_thread(chat.post, url, json={"text": str(number)}) for number in range(MORE_THAN_THE_LIMIT))
    responses = await asyncio.gather(*posts)
    rejected = [response for response in responses if response.status_code != 200]
    expect("the statuses above the rate limit", {response.status_code for response in rejected}, {429})
    waits = [int(response.headers.get("Retry-After", "0")) for response in rejected]
    expect("that Retry-After is 1 to 10 seconds", all(1 <= wait <= 10 for wait in waits), True)
