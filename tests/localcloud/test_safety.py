"""Invalid frames, floods and private rooms: bad input gets one clear error and affects no other member."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from typing import Any

import pytest
import requests
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.protocol import State

from chalicelib import settings
from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.localcloud.client import SECONDS, Chat, drain, message, receive

PAUSE_SECONDS = 0.1  # between messages: five times as fast as the rate limit admits
BAD_FRAMES = {
    "": "invalid_json",
    " ": "invalid_json",
    "hello": "invalid_json",
    "null": "invalid_json",
    "[]": "invalid_json",
    '"sendMessage"': "invalid_json",
    "1e999": "invalid_json",
    '{"action": "ping"': "invalid_json",
    "{'action': 'ping'}": "invalid_json",
    '{"action": NaN}': "invalid_json",
    # tests/faults/test_fuzz.py has deeper ones: MiniStack closes the connection on those.
    "[" * 500 + "]" * 500: "invalid_json",
    '{"action": ' + "[" * 500 + "]" * 500 + "}": "unknown_action",
    "\x00": "invalid_json",
    "{}": "unknown_action",
    '{"action": null}': "unknown_action",
    '{"action": 5}': "unknown_action",
    '{"action": "nick", "data": {"message": "hi"}}': "unknown_action",
    '{"action": "__init__"}': "unknown_action",
    '{"action": "sendMessage"}': "invalid_message",
    '{"action": "sendMessage", "data": "hi"}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": 7}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": ""}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "\\u0000"}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "\\ud800"}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "\\n"}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "%s"}}' % ("x" * 4_001): "invalid_message",
    '{"action": "sendMessage", "data": {"message": "hi", "clientId": 1}}': "invalid_message",
    '{"action": "sendMessage", "data": {"message": "hi", "clientId": "%s"}}' % ("c" * 65): "invalid_message",
    '{"action": "sendMessage", "more": "%s", "data": {"message": "hi"}}' % ("é" * 16_400): "invalid_message",
}


def test_invalid_frame_gets_one_error_and_the_next_valid_frame_works(chat: Chat) -> None:
    async def talk() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id) as sender, chat.join(room_id) as other:
            await drain(sender)
            for number, (frame, code) in enumerate(BAD_FRAMES.items()):
                await sender.send(frame)
                (response,) = await drain(sender)
                assert response["error"]["code"] == code, frame[:80]
                assert set(response["error"]) <= {"code", "message", "action"}
                if number % 15 == 14:
                    # Not more often: the rate limit admits 20 messages.
                    await sender.send(message(f"good {number}"))
                    assert (await receive(other))["message"]["message"] == f"good {number}"
                    await drain(sender)
            await sender.send(message("hi"))
            assert [frame["message"]["message"] for frame in await drain(sender)] == ["hi"]
            assert (await receive(other))["message"]["message"] == "hi"
            assert await drain(other) == []

    assert len(BAD_FRAMES) >= 20
    asyncio.run(talk())


def test_rate_limit_holds_back_one_member_and_the_others_are_heard(chat: Chat) -> None:
    async def flood() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id) as flooder, chat.join(room_id) as other:
            started = time.monotonic()
            for number in range(3 * settings.MESSAGES_PER_WINDOW):
                await flooder.send(message(f"flood {number}"))
            await other.send(message("can you hear me?"))
            heard = ""
            while heard != "can you hear me?":
                heard = (await receive(other)).get("message", {}).get("message")
            # A slow machine takes long enough for five warnings, and the flooder is then disconnected.
            warned = [frame["error"] for frame in await drain_until_closed(flooder) if "error" in frame]
            assert {error["code"] for error in warned} == {"rate_limited"}
            assert all(1 <= error["retryAfter"] <= 10 for error in warned)
            took = time.monotonic() - started
            assert len(warned) <= 1 + took
            said = chat.get(f"/rooms/{room_id}/messages?limit=100")["messages"]
            flooded = [content for content in said if content["message"].startswith("flood")]
            limit = settings.MESSAGES_PER_WINDOW
            assert limit <= len(flooded) <= limit * (1 + took // settings.WINDOW_SECONDS)

    asyncio.run(flood())


def test_member_who_ignores_five_warnings_is_disconnected(chat: Chat) -> None:
    async def flood() -> None:
        async with chat.join(chat.create("Tea")) as flooder:
            warned = 0
            async with asyncio.timeout(SECONDS):
                while flooder.state is State.OPEN:
                    with suppress(ConnectionClosed):
                        await flooder.send(message("more"))
                        await asyncio.sleep(PAUSE_SECONDS)
                    warned += sum("error" in frame for frame in await drain_until_closed(flooder))
            assert warned == 5

    asyncio.run(flood())


async def drain_until_closed(member: ClientConnection) -> list[Any]:
    """Return the frames received so far, on a connection that the server may have closed."""
    frames = []
    with suppress(ConnectionClosed):
        await member.send(json.dumps({"action": "ping"}))
        while (frame := await receive(member)) != {"pong": True}:
            frames.append(frame)
    return frames


def test_private_room_requires_its_token_and_never_reveals_it(chat: Chat, cloud: LocalCloud) -> None:
    created = chat.create_room(roomName="Surprise party", private=True)
    room_id, token = created["roomId"], created["joinToken"]
    paths = [f"/rooms/{room_id}", f"/rooms/{room_id}/members", f"/rooms/{room_id}/messages"]

    async def talk() -> None:
        for wrong in ("", "wrong", token[:-1]):
            with pytest.raises(InvalidStatus) as rejected:
                await chat.join(room_id, "Eve", wrong)
            assert rejected.value.response.status_code == 403
        async with chat.join(room_id, "Aki", token) as aki, chat.join(room_id, "Bo", token) as bo:
            await aki.send(message("hi"))
            heard = [*await drain(aki), *await drain(bo)]
        assert [frame["message"]["message"] for frame in heard] == ["Bo joined", "hi", "hi"]
        assert token not in str(heard)

    asyncio.run(talk())
    for path in paths:
        for query in ("", "?token=wrong"):
            rejected = requests.get(f"{cloud.rest_url}{path}{query}", timeout=SECONDS)
            assert (rejected.status_code, rejected.json()["Code"]) == (403, "ForbiddenError")
            assert "Surprise" not in rejected.text
        welcomed = requests.get(f"{cloud.rest_url}{path}", params={"token": token}, timeout=SECONDS)
        assert welcomed.status_code == 200
        assert token not in welcomed.text
    assert room_id not in chat.listed()
    assert not any(token in text for text in _rows_and_logs(cloud))


def _rows_and_logs(cloud: LocalCloud) -> list[str]:
    dynamodb, logs = client("dynamodb", cloud.port), client("logs", cloud.port)
    tables = [json.dumps(dynamodb.scan(TableName=name)) for name in dynamodb.list_tables()["TableNames"]]
    lines = [
        json.dumps(page)
        for group in logs.describe_log_groups()["logGroups"]
        for page in [logs.filter_log_events(logGroupName=group["logGroupName"])]
    ]
    assert len(tables) == 3
    assert any("START" in line for line in lines)
    return tables + lines
