"""The packaged app on the local cloud, with a look at its tables. test_scenarios.py has what clients see."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from websockets.asyncio.client import ClientConnection

from localcloud.cloud import LocalCloud
from localcloud.stack import STACK, client
from tests.support.cloud import connection_ids
from tests.support.localcloud.client import Chat, message, receive, until
from tests.support.sockets import WebSocketEvents

CROWD = 12  # members who join at once; the local cloud starts two processes for each
MORE_THAN_A_BATCH = 25  # members; the FANOUT_BATCH of the stage local is 20


def test_member_count_is_exact_after_concurrent_joins_and_repeated_disconnects(
    chat: Chat, cloud: LocalCloud, ws_event: WebSocketEvents
) -> None:
    async def crowd() -> None:
        room_id = chat.create("Tea")
        members = await asyncio.gather(*(chat.join(room_id) for _ in range(CROWD)))
        assert chat.get(f"/rooms/{room_id}")["member_count"] == CROWD
        assert len(chat.get(f"/rooms/{room_id}/members")["members"]) == CROWD
        twice = [ws_event("$disconnect", id_) for id_ in connection_ids(cloud, room_id)[::3]]
        await asyncio.gather(*(member.close() for member in members), asyncio.to_thread(_disconnect, cloud, twice))
        await until(lambda: chat.get(f"/rooms/{room_id}")["member_count"] == 0, "all members have left")
        assert room_id not in chat.listed()

    asyncio.run(crowd())


def _disconnect(cloud: LocalCloud, events: list[dict[str, Any]]) -> None:
    (stack,) = client("cloudformation", cloud.port).describe_stacks(StackName=STACK)["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    for event in events:
        client("lambda", cloud.port).invoke(
            FunctionName=outputs["WebsocketDisconnectHandlerName"], Payload=json.dumps(event)
        )


def test_message_reaches_all_members_through_the_fanout_queue(chat: Chat) -> None:
    async def crowd() -> None:
        room_id = chat.create("Large")
        members = [await chat.join(room_id) for _ in range(MORE_THAN_A_BATCH)]
        await members[0].send(message("hi", clientId="c-1"))

        async def hear(member: ClientConnection) -> Any:
            while (frame := await receive(member))["message"]["type"] != "message":
                pass
            return frame["message"]["message"]

        assert await asyncio.gather(*map(hear, members)) == ["hi"] * MORE_THAN_A_BATCH
        await asyncio.gather(*(member.close() for member in members))

    asyncio.run(crowd())


def test_gone_member_is_removed_by_the_next_message(chat: Chat, cloud: LocalCloud) -> None:
    async def outlive() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            _forget_a_disconnect(cloud, room_id, "Bo")
            await aki.send(message("anybody?"))
            assert (await receive(aki))["message"]["message"] == "anybody?"
            left = await receive(aki)
            assert (left["message"]["message"], left["message"]["memberCount"]) == ("Bo left", 1)
            assert chat.get(f"/rooms/{room_id}")["member_count"] == 1

    asyncio.run(outlive())


def _forget_a_disconnect(cloud: LocalCloud, room_id: str, name: str) -> None:
    """Store a member whose `$disconnect` never came."""
    expires_at = datetime.now(UTC) + timedelta(hours=1)
    row = {
        "connection_id": "0123456789abcdef",
        "joined_room_id": room_id,
        "member_id": "8hVt2mQwXz0sY4bN",
        "name": name,
        "joined_at": "2026-11-22T10:00:00.000000+0000",
    }
    database = client("dynamodb", cloud.port)
    database.put_item(
        TableName="chalice-chat-local-connections",
        Item={key: {"S": value} for key, value in row.items()}
        | {"expires_at": {"N": str(int(expires_at.timestamp()))}},
    )
    database.update_item(
        TableName="chalice-chat-local-rooms",
        Key={"room_id": {"S": room_id}},
        UpdateExpression="ADD member_count :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def test_tables_have_a_ttl(cloud: LocalCloud) -> None:
    for table in ("rooms", "connections"):
        ttl = client("dynamodb", cloud.port).describe_time_to_live(TableName=f"chalice-chat-local-{table}")
        assert ttl["TimeToLiveDescription"] == {"AttributeName": "expires_at", "TimeToLiveStatus": "ENABLED"}
