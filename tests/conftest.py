"""Fixtures of all tests. No test connects to any host but 127.0.0.1."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.pop("AWS_PROFILE", None)
# Some tests run make, which would take over the options of a make that runs the tests.
os.environ.pop("MAKEFLAGS", None)
os.environ.pop("MAKELEVEL", None)
# Set before the app is imported, because botocore reads these when it creates clients.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
)

# moto handles the requests of clients that are created after its import, and the app creates one when it is imported.
import hypothesis
import moto.core  # noqa: F401
import pytest
from chalice.test import Client
from pynamodb.connection import Connection as DynamoDB

import app as chat_app
from chalicelib.chat import messages, rate_limit
from chalicelib.delivery import addresses
from chalicelib.storage.models import Room
from chalicelib.websocket import prefetch
from tests.support.gateway import Gateway
from tests.support.invocations import mark_invocation
from tests.support.projects import PROJECT
from tests.support.rooms import create_room
from tests.support.sockets import Socket, WebSocketEvents

pytest_plugins = [
    "tests.support.shared_folders",  # before the others, which import it
    "tests.support.browser.installed",
    "tests.support.clock",
    "tests.support.cloud",
    "tests.support.described_frames",
    "tests.support.dynamodb",
    "tests.support.functions",
    "tests.support.nodejs",
    "tests.support.scheduling",
    "tests.support.temporary",
    "tests.support.timeline",
]

FOLDER_MARKERS = {"browser": "browser", "localcloud": "localcloud", "web": "node"}
"""The markers of all tests in a folder. pyproject.toml describes them."""

chat_app.app.register_middleware(mark_invocation)

# No test asserts a duration.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if folder in FOLDER_MARKERS:
            item.add_marker(FOLDER_MARKERS[folder])


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run the tests of named files in one process, which starts sooner."""
    return 0 if any(".py" in name for name in config.args) else None


@pytest.fixture
def client(tables: None) -> Iterator[Client]:
    """Return Chalice's test client."""
    addresses.websocket_url.cache_clear()
    with Client(chat_app.app, project_dir=str(PROJECT)) as client:
        yield client


@pytest.fixture(scope="session")
def _gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    chat_app.websocket_api.close_pools()
    gateway.close()


@pytest.fixture
def gateway(_gateway: Gateway, described_frames: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Direct the posts of app.websocket_api to a fake of @connections."""
    monkeypatch.setattr(chat_app.websocket_api, "_endpoint", _gateway.url)
    yield _gateway
    _gateway.reset()


@pytest.fixture
def room(tables: None) -> Room:
    """Create an empty room."""
    return create_room("Tea")


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


@pytest.fixture
def socket(ws_event: WebSocketEvents, gateway: Gateway) -> Callable[[str], Socket]:
    """Return a function that creates a client for a connection id."""
    rate_limit.frame_counts.clear()
    rate_limit.refused_counts.clear()
    messages.repeating_senders.clear()
    prefetch.known_rooms.clear()
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
