"""The packaged app on the local cloud, over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from localcloud.cloud import LocalCloud
from localcloud.stack import STACK, client
from tests.support.cloud import connection_ids
from tests.support.localcloud.client import SECONDS, Chat, drain, message, receive, until
from tests.support.page_files import SCRIPT
from tests.support.sockets import WebSocketEvents

CROWD = 12  # members who join at once; the local cloud starts two processes for each
MORE_THAN_A_BATCH = 25  # members; the FANOUT_BATCH of the stage local is 20


def test_messages_stay_in_their_room(chat: Chat) -> None:
    async def talk() -> None:
        tea, coffee = chat.create("Tea"), chat.create("Coffee")
        async with chat.join(tea, "Aki") as aki, chat.join(tea, "Bo") as bo, chat.join(coffee, "Cy") as cy:
            joined = await receive(aki)
            assert joined["message"]["message"] == "Bo joined"
            assert joined["message"]["memberCount"] == 2
            for action in ("sendMessage", "onMessage"):
                await aki.send(message("hi", action, clientId=f"c-{action}"))
                echo, heard = await receive(aki), await receive(bo)
                assert echo == heard
                assert echo["message"]["clientId"] == f"c-{action}"
                assert echo["message"]["sender"]["name"] == "Aki"
            await bo.close()
            left = await receive(aki)
            assert (left["message"]["type"], left["message"]["memberCount"]) == ("leave", 1)
            assert await drain(aki) == []
            assert await drain(cy) == []

    asyncio.run(talk())


def test_invalid_json_gets_an_error_and_the_connection_stays_open(chat: Chat) -> None:
    async def talk() -> None:
        async with chat.join(chat.create("Tea")) as member:
            await member.send("not json")
            assert (await receive(member))["error"]["code"] == "invalid_json"
            await member.send(message("hi"))
            assert (await receive(member))["message"]["message"] == "hi"

    asyncio.run(talk())


def test_empty_room_leaves_the_list_and_can_be_joined_by_its_id(chat: Chat) -> None:
    async def come_and_go() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki"):
            assert room_id in chat.listed()
        await until(lambda: room_id not in chat.listed(), seconds=3)
        assert chat.get(f"/rooms/{room_id}")["member_count"] == 0
        async with chat.join(room_id, "Aki"):
            assert room_id in chat.listed()
            assert [member["name"] for member in chat.get(f"/rooms/{room_id}/members")["members"]] == ["Aki"]

    asyncio.run(come_and_go())


def test_unknown_room_is_rejected_at_the_handshake(chat: Chat) -> None:
    async def knock() -> None:
        with pytest.raises(InvalidStatus) as rejected:
            await chat.join("nosuchroom")
        # The handler returns 404; MiniStack shows every rejected client 403.
        assert rejected.value.response.status_code == 403

    asyncio.run(knock())


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
        await until(lambda: chat.get(f"/rooms/{room_id}")["member_count"] == 0)
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


def test_page_opens_at_an_address_without_its_last_slash(cloud: LocalCloud) -> None:
    page = requests.get(cloud.rest_url, timeout=SECONDS)
    assert [redirect.status_code for redirect in page.history] == [302]
    assert (page.url, page.status_code) == (f"{cloud.rest_url}/", 200)
    assert "<!doctype html>" in page.text.lower()


def test_tables_have_a_ttl(cloud: LocalCloud) -> None:
    for table in ("rooms", "connections"):
        ttl = client("dynamodb", cloud.port).describe_time_to_live(TableName=f"chalice-chat-local-{table}")
        assert ttl["TimeToLiveDescription"] == {"AttributeName": "expires_at", "TimeToLiveStatus": "ENABLED"}


@pytest.mark.parametrize("path", ["/rooms", "/rooms/any", "/rooms/any/members", "/config", "/", f"/static/{SCRIPT}"])
def test_cors_allows_a_page_of_another_origin(chat: Chat, path: str) -> None:
    asked = {"Origin": "http://localhost:5173", "Access-Control-Request-Method": "GET"}
    preflight = requests.options(chat.rest + path, headers=asked, timeout=SECONDS)
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "GET" in preflight.headers["Access-Control-Allow-Methods"]
    assert "Content-Type" in preflight.headers["Access-Control-Allow-Headers"]
    response = requests.get(chat.rest + path, headers=asked, timeout=SECONDS)
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Access-Control-Expose-Headers"] == "ETag,Retry-After"


@pytest.mark.parametrize(
    ("path", "caching"), [("/", "no-cache"), (f"/static/{SCRIPT}", "public, max-age=31536000, immutable")]
)
def test_unchanged_file_of_the_page_gets_a_304(chat: Chat, path: str, caching: str) -> None:
    file = requests.get(chat.rest + path, timeout=SECONDS)
    assert file.headers["Cache-Control"] == caching
    unchanged = requests.get(chat.rest + path, headers={"If-None-Match": file.headers["ETag"]}, timeout=SECONDS)
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    for name in ("ETag", "Cache-Control", "Content-Type", "Access-Control-Allow-Origin"):
        assert unchanged.headers[name] == file.headers[name]


def test_page_contains_the_websocket_url(chat: Chat) -> None:
    page = requests.get(f"{chat.rest}/", timeout=SECONDS).text
    assert f'<meta name="websocket-url" content="{chat.websocket}">' in page
