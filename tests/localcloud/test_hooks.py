"""Webhooks of the packaged app on the local cloud: several batches, and tables without tokens."""

from __future__ import annotations

import asyncio
import json

import requests

from deployment.smoke.scenarios.hooks import create_hook
from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.localcloud.client import SECONDS, Chat, receive

MORE_THAN_A_BATCH = 25  # members; the FANOUT_BATCH of the stage local is 20


def test_message_of_a_hook_reaches_a_room_of_several_batches(chat: Chat) -> None:
    async def talk() -> None:
        room = chat.create_room(roomName="Large")
        url = create_hook(chat, room)
        members = [await chat.join(room["roomId"]) for _ in range(MORE_THAN_A_BATCH)]
        posted = await asyncio.to_thread(requests.post, url, json={"text": "hi"}, timeout=SECONDS)
        assert posted.status_code == 200
        for member in members:
            while (await receive(member))["message"]["type"] != "message":
                pass
        await asyncio.gather(*(member.close() for member in members))

    asyncio.run(talk())


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
