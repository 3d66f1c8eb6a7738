"""What the contenders run against: DynamoDB as MiniStack has it, @connections as gateway.py has it, and full rooms."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gateway import HOST
from chalicelib import settings
from localcloud import cloud

__all__ = ["PROJECT", "Stage", "message_event", "stage"]

PROJECT = Path(__file__).parent.parent
TABLES = "chalice-chat-dev"
TABLE_KEYS = {"TableName", "BillingMode", "AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes"}
BATCH_LIMIT = 25

ROW_AGE_SECONDS = 60
"""How long ago the members joined. To the program, one who has only just joined may answer 410 and yet not be gone."""


@dataclass(frozen=True)
class Stage:
    """The servers that are running."""

    dynamodb_port: int
    gateway_port: int

    @property
    def environment(self) -> dict[str, str]:
        """What a contender's process needs to find the servers, and nothing else of AWS."""
        gateway = f"http://{HOST}:{self.gateway_port}"
        # Python may keep what it compiles: the package has it, too.
        left_out = ("AWS_", "PYTHONDONTWRITEBYTECODE")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return inherited | {
            "AWS_ENDPOINT_URL": f"http://{HOST}:{self.dynamodb_port}",
            "AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": gateway,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CONNECTIONS_TABLE": f"{TABLES}-connections",
            "MESSAGES_TABLE": f"{TABLES}-messages",
            "ROOMS_TABLE": f"{TABLES}-rooms",
            # One process does all the posts of a room, as the other contenders do: nothing goes to the queue.
            "FANOUT_BATCH": "1000000",
            # One member sends all the messages.
            "WINDOW_SECONDS": "0",
        }

    def report(self) -> dict[str, int]:
        """Ask the gateway what it has been asked since the last time."""
        with urllib.request.urlopen(f"http://{HOST}:{self.gateway_port}/report", timeout=10) as answer:
            return dict(json.load(answer))

    def fill_room(self, room_id: str, kinds: Iterable[str]) -> str:
        """Make a room with a member for each kind, and return the connection id of the first."""
        dynamodb, now = cloud.client("dynamodb", self.dynamodb_port), int(time.time())
        ids = [f"{kind}-{room_id}-{number:05d}=" for number, kind in enumerate(kinds)]
        room = {"name": room_id, "created_at": "2026-11-22T10:00:00.000000+0000", "listed": "public"}
        numbers = {"member_count": {"N": str(len(ids))}, "expires_at": {"N": str(now + 7_800)}}
        item = {name: {"S": value} for name, value in {"room_id": room_id, **room}.items()} | numbers
        dynamodb.put_item(TableName=f"{TABLES}-rooms", Item=item)
        rows = [_member(room_id, id_, now) for id_ in ids]
        for start in range(0, len(rows), BATCH_LIMIT):
            puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + BATCH_LIMIT]]
            left = dynamodb.batch_write_item(RequestItems={f"{TABLES}-connections": puts})["UnprocessedItems"]
            if left:
                raise RuntimeError(f"the emulator has left out {len(left)} rows")
        return ids[0]


def message_event(connection_id: str) -> dict[str, Any]:
    """Write the event by which API Gateway brings a message from a member."""
    data = {"message": "Who will have tea, and who will have coffee?", "clientId": str(uuid.uuid4())}
    context = {
        "routeKey": "$default",
        "eventType": "MESSAGE",
        "stage": "test",
        "domainName": "abcdef1234.execute-api.us-east-1.amazonaws.com",
        "apiId": "abcdef1234",
        "requestId": "DdhPAEv3IAMFeNA=",
        "connectionId": connection_id,
        "messageId": "DdhPBdGSoAMCFdg=",
    }
    body = json.dumps({"action": "sendMessage", "data": data})
    return {"requestContext": context, "body": body, "isBase64Encoded": False}


@contextmanager
def stage(folder: Path, delay_ms: int) -> Iterator[Stage]:
    """Start both servers on free ports, with empty tables, and stop them at the end."""
    port = _free_port()
    with cloud.emulator(port, folder / "emulator"), _gateway(delay_ms) as gateway_port:
        _make_tables(port)
        yield Stage(port, gateway_port)


@contextmanager
def _gateway(delay_ms: int) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.gateway", str(delay_ms)]
    process: Any
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())


def _make_tables(port: int) -> None:
    dynamodb = cloud.client("dynamodb", port)
    for resource in json.loads((PROJECT / ".chalice/resources.json").read_text())["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            table = {key: value for key, value in resource["Properties"].items() if key in TABLE_KEYS}
            dynamodb.create_table(**table | {"TableName": table["TableName"]["Fn::Sub"].replace("${Stage}", "dev")})


def _member(room_id: str, connection_id: str, now: int) -> dict[str, Any]:
    texts = {
        "connection_id": connection_id,
        "joined_room_id": room_id,
        "member_id": f"m-{connection_id[-6:-1]}",
        "name": "guest-4f7a",
    }
    expires_at = now + 7_800 - ROW_AGE_SECONDS
    recent = {"L": [{"N": "0"}] * settings.MESSAGES_PER_WINDOW}
    return {name: {"S": value} for name, value in texts.items()} | {
        "expires_at": {"N": str(expires_at)},
        "recent": recent,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
