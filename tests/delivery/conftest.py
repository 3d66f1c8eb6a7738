"""WebSocket APIs that send to fakes of @connections."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest

from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from tests.support.gateway import Gateway

OpenAPI = Callable[[str], BroadcastWebsocketAPI]


@pytest.fixture
def open_api() -> Iterator[OpenAPI]:
    """Return a function that creates the client of the API at a URL."""
    opened: list[BroadcastWebsocketAPI] = []

    def open_api(url: str) -> BroadcastWebsocketAPI:
        api = BroadcastWebsocketAPI(env={"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": url, "AWS_REGION": "us-east-1"})
        api.configure_from_api_id("abcdef1234", "test")
        opened.append(api)
        return api

    yield open_api
    for api in opened:
        api.close_pools()


@pytest.fixture
def api(open_api: OpenAPI, gateway: Gateway) -> BroadcastWebsocketAPI:
    """Return a client of the fake of @connections."""
    return open_api(gateway.url)


@pytest.fixture
def backoffs(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """List the longest time that each retry may wait. None waits."""
    longest: list[float] = []
    monkeypatch.setattr(random, "uniform", lambda _, high: longest.append(high) or 0.0)
    return longest
