"""Fixtures and helpers of all tests. No test connects to any host but 127.0.0.1."""

from __future__ import annotations

import json
import os
import socket as socket_module
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

os.environ.pop("AWS_PROFILE", None)
# Set before the app is imported, because botocore reads these when it creates clients.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)

import boto3
import pytest
from chalice.test import Client
from moto import mock_aws
from pynamodb.connection import Connection as DynamoDB

import app as chat_app
from chalicelib import discovery, rate_limit, rooms
from chalicelib.storage.models import Connection, Room
from localcloud.cloud import LocalCloud, local_cloud
from localcloud.cloud import client as aws_client
from tests.gateway import Gateway
from tests.tables import create_tables

PROJECT = Path(__file__).parent.parent

WebSocketEvents = Callable[..., dict[str, Any]]


@pytest.fixture
def tables() -> Iterator[None]:
    """Create empty tables in moto."""
    with mock_aws():
        create_dev_tables()
        yield


@cache
def _dynamodb() -> Any:
    return boto3.client("dynamodb")


def create_dev_tables() -> None:
    """Create the tables of the stage dev in moto."""
    create_tables(_dynamodb(), "dev")


@pytest.fixture
def client(tables: None) -> Iterator[Client]:
    """Return Chalice's test client."""
    discovery.websocket_url.cache_clear()
    with Client(chat_app.app, project_dir=str(PROJECT)) as client:
        yield client


@pytest.fixture(scope="session")
def _gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    chat_app.websocket_api.close_pools()
    gateway.close()


@pytest.fixture
def gateway(_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Direct the posts of app.websocket_api to a fake of @connections."""
    monkeypatch.setattr(chat_app.websocket_api, "_endpoint", _gateway.url)
    yield _gateway
    _gateway.reset()


@pytest.fixture
def room(tables: None) -> Room:
    """Create an empty room."""
    return rooms.create("Tea")


@pytest.fixture
def ws_event() -> WebSocketEvents:
    """Return a function that creates the events of a WebSocket API ("WebSocket integration request")."""

    def event(route: str, connection_id: str, *, body: str | None = None, query: dict[str, str] | None = None) -> Any:
        kind = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(route, "MESSAGE")
        context = {
            "routeKey": route,
            "eventType": kind,
            "extendedRequestId": "DdhPAEv3IAMFeNA=",
            "requestTime": "23/Nov/2026:10:00:00 +0000",
            "messageDirection": "IN",
            "stage": "test",
            "connectedAt": 1795514400000,
            "requestTimeEpoch": 1795514400000,
            "identity": {"userAgent": "test", "sourceIp": "127.0.0.1"},
            "requestId": "DdhPAEv3IAMFeNA=",
            "domainName": "abcdef1234.execute-api.us-east-1.amazonaws.com",
            "connectionId": connection_id,
            "apiId": "abcdef1234",
        }
        made: dict[str, Any] = {"requestContext": context, "isBase64Encoded": False}
        if kind == "CONNECT":
            made["headers"] = {"Host": context["domainName"]}
            if query is not None:
                made["queryStringParameters"] = query
        if body is not None:
            made["body"] = body
            context["messageId"] = "DdhPBdGSoAMCFdg="
        return made

    return event


class Socket:
    """A WebSocket client. It calls the handlers of app.py with the events that API Gateway would send."""

    def __init__(self, ws_event: WebSocketEvents, connection_id: str) -> None:
        self._event = ws_event
        self.id = connection_id

    def connect(self, **query: str) -> int:
        return int(chat_app.connect(self._event("$connect", self.id, query=query or None), None)["statusCode"])

    def send(self, frame: Any) -> None:
        body = frame if isinstance(frame, str | None) else json.dumps(frame)
        assert chat_app.message(self._event("$default", self.id, body=body), None) == {"statusCode": 200}

    def say(self, message: str, **data: str) -> None:
        self.send({"action": "sendMessage", "data": {"message": message, **data}})

    def disconnect(self) -> None:
        chat_app.disconnect(self._event("$disconnect", self.id), None)


@pytest.fixture
def socket(ws_event: WebSocketEvents, gateway: Gateway) -> Callable[[str], Socket]:
    """Return a function that creates a client for a connection id."""
    rate_limit._frame_counts.clear()
    return lambda connection_id: Socket(ws_event, connection_id)


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the requests to DynamoDB by operation."""
    dispatch, counts = DynamoDB.dispatch, Counter[str]()

    def counted(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        counts[operation] += 1
        return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", counted)
    return counts


def members_of(room_id: str) -> set[str]:
    """List the ids of the connections in a room."""
    return {connection.connection_id for connection in Connection.scan() if connection.joined_room_id == room_id}


def free_port() -> int:
    with socket_module.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def node_tools() -> Path:
    """The folder of the tests' own Node.js programs, with the packages that they need."""
    folder = PROJECT / "tests/node"
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)  # noqa: S607
    return folder


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """The packaged app on the local cloud, started once for all the tests that want it."""
    with local_cloud(free_port(), tmp_path_factory.mktemp("cloud"), print) as cloud:
        yield cloud


def connection_ids(cloud: LocalCloud, room_id: str) -> list[str]:
    """List the ids of the connections in a room of the local cloud."""
    found = aws_client("dynamodb", cloud.port).query(
        TableName="chalice-chat-local-connections",
        IndexName="joined_room_id-index",
        KeyConditionExpression="joined_room_id = :room",
        ExpressionAttributeValues={":room": {"S": room_id}},
    )
    return [item["connection_id"]["S"] for item in found["Items"]]
