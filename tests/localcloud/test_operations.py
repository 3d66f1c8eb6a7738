"""The operator's commands, `make rooms` and others, with a running local cloud."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.localcloud.client import SECONDS, Chat, message, receive
from tests.support.projects import PROJECT
from tests.support.tables import create_tables, tables

ADDRESS = "127.0.0.2"
"""A source address that no other test uses: the functions remember bans until the end of the minute."""


def operate(command: str, port: int | str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "operations", command],
        cwd=PROJECT,
        env=os.environ | {"PORT": str(port)} | variables,
        text=True,
        capture_output=True,
        timeout=SECONDS,
    )


def _respond(server: socket.socket, response: bytes) -> None:
    connection, _ = server.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(response)


def test_rooms_are_listed_with_members_and_private_ones_marked(chat: Chat, cloud: LocalCloud) -> None:
    async def talk() -> None:
        tea, plans = chat.create("Tea"), chat.create_room(roomName="Plans", private=True)
        async with (
            chat.join(tea, "Bo") as bo,
            chat.join(tea, "Aki"),
            chat.join(plans["roomId"], "Cy", plans["joinToken"]),
        ):
            await bo.send(message("hi"))
            while "sequence" not in (await receive(bo))["message"]:
                pass
            listed = await asyncio.to_thread(operate, "rooms", cloud.port)
        assert (listed.returncode, listed.stderr) == (0, "")
        expected = (
            rf"{tea} +\d+ s +2 +1 +1\.0  Tea\n    Aki\n    Bo\n"
            rf"{plans['roomId']} +\d+ s +1 +0 +0\.0  Plans  \(private\)\n    Cy\n$"
        )
        assert re.search(expected, listed.stdout)
        assert plans["joinToken"] not in listed.stdout

    asyncio.run(talk())


def test_room_is_exported_cleaned_and_closed(chat: Chat, cloud: LocalCloud) -> None:
    async def close() -> None:
        room_id = chat.create("Tea")
        async with chat.join(room_id, "Aki") as aki:
            await aki.send(message("hi"))
            echo = (await receive(aki))["message"]
            exported = await asyncio.to_thread(operate, "export-room", cloud.port, ROOM=room_id)
            assert [json.loads(line) for line in exported.stdout.splitlines()] == [echo]
            bad = echo["sender"]["id"]
            cleaned = await asyncio.to_thread(operate, "delete-messages", cloud.port, ROOM=room_id, MEMBER=bad)
            assert (cleaned.returncode, cleaned.stdout.split()[:2]) == (0, ["Deleted", "1"]), cleaned.stderr
            assert (await receive(aki))["message"]["type"] == "deleted"
            closed = await asyncio.to_thread(operate, "close-room", cloud.port, ROOM=room_id)
            assert (closed.returncode, closed.stderr) == (0, "")
            assert (await receive(aki))["message"]["message"] == "Operator closed the room"
            async with asyncio.timeout(SECONDS):
                await aki.wait_closed()
        assert chat.get(f"/rooms/{room_id}")["Code"] == "NotFoundError"

    asyncio.run(close())


def test_banned_source_cannot_join_create_or_post(chat: Chat, cloud: LocalCloud) -> None:
    room_id = chat.create("Tea")
    assert _is_admitted(chat, room_id)
    banned = operate("ban-source", cloud.port, SOURCE=ADDRESS, DAYS="1")
    assert (banned.returncode, banned.stderr) == (0, "")
    assert not _is_admitted(chat, room_id)
    for method, path, body in (
        ("GET", f"rooms/{room_id}", None),
        ("POST", "rooms", {"roomName": "Coffee"}),
        ("POST", "hooks/nonsense", {"text": "hi"}),
    ):
        response = _request(chat, method, path, body)
        assert (response.status_code, response.json()["Code"]) == (403, "SourceBannedError")
    assert chat.get(f"/rooms/{room_id}")["name"] == "Tea"
    lifted = operate("unban-source", cloud.port, SOURCE=ADDRESS)
    assert lifted.stdout == f"The ban of {ADDRESS} ends within a minute.\n"
    assert _request(chat, "GET", f"rooms/{room_id}").status_code == 200


def _is_admitted(chat: Chat, room_id: str) -> bool:
    """Return whether ADDRESS may join a room."""
    try:
        with connect(f"{chat.websocket}?roomId={room_id}", source_address=(ADDRESS, 0)):
            return True
    except InvalidStatus:
        return False


def _request(chat: Chat, method: str, path: str, body: object = None) -> requests.Response:
    """Send a request from ADDRESS."""
    source = {"X-Forwarded-For": ADDRESS}
    return requests.request(method, f"{chat.rest}/{path}", json=body, headers=source, timeout=SECONDS)


@pytest.fixture
def stage_on_aws(cloud: LocalCloud, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Create the tables of the stage dev, and yield the variables of an operator with credentials."""
    dynamodb = client("dynamodb", cloud.port)
    create_tables(dynamodb, "dev")
    yield {
        "STAGE": "dev",
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for table in tables("dev"):
        dynamodb.delete_table(TableName=table["TableName"])


def test_stage_on_aws_is_chosen_by_its_name(cloud: LocalCloud, stage_on_aws: dict[str, str]) -> None:
    """PORT names no local cloud, so nothing but the credentials leads to the tables."""
    listed = operate("rooms", 1, **stage_on_aws)
    assert (listed.returncode, listed.stdout) == (0, "There are no rooms.\n")
    assert listed.stderr == "The stage dev in the account 000000000000, us-east-1:\n"


def test_stage_that_is_not_deployed_is_reported(cloud: LocalCloud, stage_on_aws: dict[str, str]) -> None:
    listed = operate("rooms", 1, **stage_on_aws | {"STAGE": "prod"})
    assert listed.returncode == 1
    assert re.search(r"^error: .*ResourceNotFoundException", listed.stderr, re.MULTILINE)
    assert "Traceback" not in listed.stderr


@pytest.mark.parametrize("response", [None, b"", b"no HTTP\r\n"])
def test_missing_local_cloud_is_reported_with_the_command_that_starts_it(response: bytes | None) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        if response is not None:
            server.listen()
            threading.Thread(target=lambda: _respond(server, response)).start()
        listed = operate("rooms", port)
    expected = (
        f"error: no local cloud responds at port {port}: start it with `make run`,"
        " or name another port: PORT=8080 make rooms\n"
    )
    assert (listed.returncode, listed.stdout, listed.stderr) == (1, "", expected)


@pytest.mark.parametrize("port", ["0", "http"])
def test_invalid_port_is_reported_in_one_sentence(port: str) -> None:
    assert operate("rooms", port).stderr == f"error: PORT must be a number from 1 to 65,535, not {port!r}\n"


@pytest.mark.parametrize(
    ("command", "variables", "error"),
    [
        ("close-room", {"ROOM": "nosuchroom"}, "room not found: it does not exist or has expired"),
        ("rooms", {"STAGE": "beta"}, ".chalice/config.json has no stage beta, only dev, prod, local"),
    ],
)
def test_invalid_request_is_reported_in_one_sentence(
    cloud: LocalCloud, command: str, variables: dict[str, str], error: str
) -> None:
    failed = operate(command, cloud.port, **variables)
    assert (failed.returncode, failed.stdout, failed.stderr) == (1, "", f"error: {error}\n")
