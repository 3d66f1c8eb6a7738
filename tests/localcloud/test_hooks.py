"""Webhooks of the packaged app on the local cloud, over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import json

import pytest
import requests

from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.localcloud.client import SECONDS, Chat, receive

MORE_THAN_A_BATCH = 25  # members; the FANOUT_BATCH of the stage local is 20


def create_hook(chat: Chat, room: dict[str, str]) -> str:
    """Create a webhook, and return its url."""
    url = f"{chat.rest}/rooms/{room['roomId']}/hooks"
    headers = {"Authorization": f"Bearer {room['ownerToken']}"}
    created = requests.post(url, json={"name": "Builds"}, headers=headers, timeout=SECONDS)
    assert created.status_code == 201
    listed = requests.get(url, headers=headers, timeout=SECONDS).json()["hooks"]
    assert [hook["hookId"] for hook in listed] == [created.json()["hookId"]]
    return str(created.json()["url"])


def test_message_of_a_hook_reaches_a_connected_member(chat: Chat) -> None:
    async def talk() -> None:
        room = chat.create_room(roomName="Tea", private=True)
        url = create_hook(chat, room)
        assert url.startswith(f"{chat.rest}/hooks/")
        async with chat.join(room["roomId"], "Aki", room["joinToken"]) as aki:
            form = {"payload": json.dumps({"text": "Build 57\r\npassed"})}
            posted = await asyncio.to_thread(requests.post, url, data=form, timeout=SECONDS)
            assert posted.status_code == 201
            message = (await receive(aki))["message"]
            assert message["message"] == "Build 57\npassed"
            assert (message["sender"]["name"], message["sender"]["bot"]) == ("Builds", True)
            assert {"sequence": message["sequence"], "sentAt": message["sentAt"]} == posted.json()

    asyncio.run(talk())


def test_deleted_hook_is_rejected(chat: Chat) -> None:
    room = chat.create_room(roomName="Tea")
    url = create_hook(chat, room)
    hook_id = url.split(".")[-2]
    deleted = requests.delete(
        f"{chat.rest}/rooms/{room['roomId']}/hooks/{hook_id}",
        headers={"Authorization": f"Bearer {room['ownerToken']}"},
        timeout=SECONDS,
    )
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert requests.post(url, json={"text": "again"}, timeout=SECONDS).status_code == 404


def test_message_of_a_hook_reaches_a_room_of_several_batches(chat: Chat) -> None:
    async def talk() -> None:
        room = chat.create_room(roomName="Large")
        url = create_hook(chat, room)
        members = [await chat.join(room["roomId"]) for _ in range(MORE_THAN_A_BATCH)]
        posted = await asyncio.to_thread(requests.post, url, json={"text": "hi"}, timeout=SECONDS)
        assert posted.status_code == 201
        for member in members:
            while (await receive(member))["message"]["type"] != "message":
                pass
        await asyncio.gather(*(member.close() for member in members))

    asyncio.run(talk())


def test_hook_above_the_rate_limit_gets_a_429(chat: Chat) -> None:
    url = create_hook(chat, chat.create_room(roomName="Tea"))
    with requests.Session() as session:
        responses = [session.post(url, json={"text": str(number)}, timeout=SECONDS) for number in range(25)]
    rejected = [response for response in responses if response.status_code != 201]
    assert rejected
    assert {response.status_code for response in rejected} == {429}
    assert all(1 <= int(response.headers["Retry-After"]) <= 10 for response in rejected)


@pytest.mark.parametrize(("path", "methods"), [("/rooms/r/hooks", {"GET", "POST"}), ("/rooms/r/hooks/h", {"DELETE"})])
def test_page_of_another_origin_may_send_the_owners_token(chat: Chat, path: str, methods: set[str]) -> None:
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Headers": "authorization"}
    preflight = requests.options(chat.rest + path, headers=asked, timeout=SECONDS)
    assert methods <= set(preflight.headers["Access-Control-Allow-Methods"].split(","))
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"].split(",")


def test_tables_contain_no_token(chat: Chat, cloud: LocalCloud) -> None:
    room = chat.create_room(roomName="Tea")
    token = create_hook(chat, room).rpartition("/")[2]
    for url in (f"{chat.rest}/hooks/{token}", f"{chat.rest}/hooks/{token}x"):
        requests.post(url, json={"text": "hi"}, timeout=SECONDS)
    database = client("dynamodb", cloud.port)
    tables = [database.scan(TableName=f"chalice-chat-local-{name}") for name in ("rooms", "messages")]
    everything = json.dumps(tables, default=str)
    assert room["roomId"] in everything
    for secret in (token, token.rpartition(".")[2], room["ownerToken"]):
        assert secret not in everything
