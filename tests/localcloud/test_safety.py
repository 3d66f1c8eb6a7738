"""Frames that are too long for API Gateway but not for MiniStack, and tables and logs without tokens."""

from __future__ import annotations

import asyncio
import json

from deployment.smoke.client import rejected
from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.localcloud.client import Chat, drain, message, receive

TOO_LONG = '{"action": "sendMessage", "more": "%s", "data": {"message": "hi"}}' % ("é" * 16_400)


def test_frame_that_is_too_long_gets_an_error_and_the_connection_stays_open(chat: Chat) -> None:
    async def talk() -> None:
        async with chat.join(chat.create("Tea")) as member:
            await member.send(TOO_LONG)
            assert (await receive(member))["error"]["code"] == "invalid_message"
            await member.send(message("hi"))
            assert [frame["message"]["message"] for frame in await drain(member)] == ["hi"]

    asyncio.run(talk())


def test_tables_and_logs_contain_no_join_token(chat: Chat, cloud: LocalCloud) -> None:
    created = chat.create_room(roomName="Surprise party", private=True)
    room_id, token = created["roomId"], created["joinToken"]

    async def talk() -> None:
        await rejected(chat.join(room_id, "Eve", token[:-1]))
        async with chat.join(room_id, "Aki", token) as aki:
            await aki.send(message("hi"))
            assert (await receive(aki))["message"]["message"] == "hi"
            assert chat.get(f"/rooms/{room_id}", token=token)["member_count"] == 1

    asyncio.run(talk())
    rows_and_logs = _rows_and_logs(cloud)
    assert any(room_id in text for text in rows_and_logs)
    assert not any(token in text for text in rows_and_logs)


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
