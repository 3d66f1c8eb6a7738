"""Servers and data for a benchmark run: DynamoDB, a `@connections` stub, the package, and rooms with members."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.gateway import HOST
from chalicelib import settings
from deployment.config import LOCAL_STAGE
from deployment.package import package
from localcloud import stack
from tests.support.dynoxide import strict_emulator
from tests.support.tables import create_tables

PROJECT = Path(__file__).parent.parent
STAGE = "dev"
TABLES = f"chalice-chat-{STAGE}"
BATCH_WRITE_LIMIT = 25

CONNECTION_AGE_SECONDS = 60
"""Age of the connection rows. The program does not remove connections of the last 30 seconds after a 410, because they
may still be running `$connect`."""


@dataclass(frozen=True)
class Environment:
    """The running servers."""

    dynamodb_port: int
    gateway_port: int
    package: Path
    """The folder of the extracted package, from which the program is imported."""

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables for a contender's process: the servers, test credentials, and no other AWS settings."""
        gateway = f"http://{HOST}:{self.gateway_port}"
        # Python may write bytecode: the package for AWS contains bytecode, too.
        excluded = ("AWS_", "PYTHONDONTWRITEBYTECODE")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(excluded)}
        return inherited | {
            "PYTHONPATH": os.pathsep.join(map(str, [self.package, PROJECT])),
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
            # One process posts to the whole room, as the other contenders do. Nothing goes to the queue.
            "FANOUT_BATCH": "1000000",
            # No rate limit: one member sends all the messages.
            "WINDOW_SECONDS": "0",
        }

    def report(self) -> dict[str, int]:
        """Return the gateway's counts since the last report."""
        with urllib.request.urlopen(f"http://{HOST}:{self.gateway_port}/report", timeout=10) as response:
            return dict(json.load(response))

    def create_room(self, room_id: str, kinds: Iterable[str]) -> str:
        """Create a room with one member for each kind, and return the first member's connection id."""
        dynamodb, now = stack.client("dynamodb", self.dynamodb_port), int(time.time())
        ids = [f"{kind}-{room_id}-{number:05d}=" for number, kind in enumerate(kinds)]
        room = {"name": room_id, "created_at": "2026-11-22T10:00:00.000000+0000", "listed": "public"}
        numbers = {"member_count": {"N": str(len(ids))}, "expires_at": {"N": str(now + 7_800)}}
        item = {name: {"S": value} for name, value in {"room_id": room_id, **room}.items()} | numbers
        dynamodb.put_item(TableName=f"{TABLES}-rooms", Item=item)
        rows = [_connection_row(room_id, id_, now) for id_ in ids]
        for start in range(0, len(rows), BATCH_WRITE_LIMIT):
            puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + BATCH_WRITE_LIMIT]]
            unprocessed = dynamodb.batch_write_item(RequestItems={f"{TABLES}-connections": puts})["UnprocessedItems"]
            if unprocessed:
                raise RuntimeError(f"expected DynamoDB to write all {len(puts)} rows; some are unprocessed")
        return ids[0]


def message_event(connection_id: str) -> dict[str, Any]:
    """Build the Lambda event of a `sendMessage` frame, with a new clientId."""
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
def start_environment(folder: Path, delay_ms: int) -> Iterator[Environment]:
    """Package the program, start both servers on free ports, with empty tables, and stop them at the end."""
    package(LOCAL_STAGE, folder / "package")  # without compiled modules, which are for Lambda's processors
    zipfile.ZipFile(folder / "package/deployment.zip").extractall(folder / "code")
    with strict_emulator(folder / "emulator") as port, _server("gateway", str(delay_ms)) as gateway_port:
        create_tables(stack.client("dynamodb", port), STAGE)
        yield Environment(port, gateway_port, folder / "code")


@contextmanager
def delay_dynamodb(environment: Environment, milliseconds: float) -> Iterator[Environment]:
    """Return the environment with a DynamoDB that delays each response."""
    with _server("delay", str(environment.dynamodb_port), str(milliseconds)) as port:
        yield replace(environment, dynamodb_port=port)


@contextmanager
def _server(module: str, *arguments: str) -> Iterator[int]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    process: Any
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield int(process.stdout.readline())


def _connection_row(room_id: str, connection_id: str, now: int) -> dict[str, Any]:
    texts = {
        "connection_id": connection_id,
        "joined_room_id": room_id,
        "member_id": f"m-{connection_id[-6:-1]}",
        "name": "guest-4f7a",
    }
    joined_at = datetime.fromtimestamp(now - CONNECTION_AGE_SECONDS, UTC)
    expires_at = now + 7_800 - CONNECTION_AGE_SECONDS
    return {name: {"S": value} for name, value in texts.items()} | {
        "joined_at": {"S": joined_at.strftime("%Y-%m-%dT%H:%M:%S.%f%z")},
        "expires_at": {"N": str(expires_at)},
        "message_times": {"L": [{"N": "0"}] * settings.MESSAGES_PER_WINDOW},
    }
