"""Webhooks of the packaged app on the local cloud: several batches, Slack's client, charsets, and no stored tokens."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import quote

import pytest
import requests
from slack_sdk.webhook import WebhookClient

from deployment.smoke.scenarios.hooks import create_hook
from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.localcloud.client import SECONDS, Chat, receive

MORE_THAN_A_BATCH = 25  # members; the FANOUT_BATCH of the stage local is 20


def texts(chat: Chat, room: Any) -> list[str]:
    """Return the texts of the messages in a room."""
    page = requests.get(f"{chat.rest}/rooms/{room['roomId']}/messages", timeout=SECONDS).json()
    return [message["message"] for message in page["messages"]]


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


def test_program_that_sends_to_slack_is_satisfied(chat: Chat) -> None:
    hook = create_hook(chat, room := chat.create_room(roomName="Tea"))
    client = WebhookClient(hook)
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "See <https://ci.example/7|build 7> &amp; *log*"}}
    for response in (client.send(text="Hello!"), client.send(text="fallback", blocks=[section])):
        assert response.status_code == 200
        assert json.loads(response.body)["ok"] is True
    text = "fallback\nSee build 7: https://ci.example/7 & *log*"
    assert texts(chat, room) == ["Hello!", text]
    rejected = client.send_dict({})
    assert rejected.status_code == 400


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "utf-16"])
def test_form_and_text_reach_the_function_in_their_charset(chat: Chat, charset: str) -> None:
    hook = create_hook(chat, room := chat.create_room(roomName="Tea"))
    part = (None, "é ü".encode(charset), f"text/plain; charset={charset}")
    plain = {"Content-Type": f"text/plain; charset={charset}"}
    form = {"Content-Type": f"application/x-www-form-urlencoded; charset={charset}"}
    quoted = "text=" + quote("é ü", encoding=charset)
    assert requests.post(hook, files={"text": part}, timeout=SECONDS).status_code == 200
    assert requests.post(hook, files={"payload": (None, '{"text": "é ü"}')}, timeout=SECONDS).status_code == 200
    assert requests.post(hook, data="é ü".encode(charset), headers=plain, timeout=SECONDS).status_code == 200
    assert requests.post(hook, data=quoted, headers=form, timeout=SECONDS).status_code == 200
    assert requests.post(hook, data=b"text=" + "é ü".encode(charset), headers=form, timeout=SECONDS).status_code == 200
    assert texts(chat, room) == ["é ü"] * 5


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
