"""Chalice's WebSocket API with `broadcast`: endpoint, client, and one connection pool per endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import NoCredentialsError

from chalicelib.aws import session
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from tests.delivery.conftest import OpenAPI
from tests.support.gateway import Gateway

PAYLOAD = '{"message": {"message": "hi"}}'


@pytest.fixture
def second_gateway() -> Iterator[Gateway]:
    """Start another fake of @connections."""
    gateway = Gateway()
    yield gateway
    gateway.close()


def test_broadcast_to_no_connections_sends_nothing(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    assert api.broadcast([], PAYLOAD) == ([], [], [])
    assert not gateway.attempts


def test_broadcast_reaches_each_connection_once(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    ids = [f"L0SM9cO{number:03}vHcCIhw=" for number in range(100)]
    result = api.broadcast(ids, PAYLOAD)
    assert (sorted(result.delivered), result.gone, result.failed) == (ids, [], [])
    assert gateway.attempts == dict.fromkeys(ids, 1)
    assert all(frames == [{"message": {"message": "hi"}}] for frames in gateway.frames.values())


def test_endpoint_without_the_variable_is_that_of_api_gateway() -> None:
    api = BroadcastWebsocketAPI(env={"AWS_REGION": "eu-west-1"})
    api.configure_from_api_id("abcdef1234", "prod")
    assert api.endpoint == "https://abcdef1234.execute-api.eu-west-1.amazonaws.com/prod"


def test_endpoint_that_is_set_is_kept(api: BroadcastWebsocketAPI) -> None:
    api.endpoint = "https://chat.example.org/test"
    api.configure_from_api_id("abcdef1234", "test")
    assert api.endpoint == "https://chat.example.org/test"


def test_broadcast_without_an_endpoint_names_the_remedy() -> None:
    with pytest.raises(ValueError, match="set the endpoint or call configure_from_api_id"):
        BroadcastWebsocketAPI(env={}).broadcast(["a"], PAYLOAD)


def test_broadcast_without_credentials_is_an_error(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session(), "get_credentials", lambda: None)
    with pytest.raises(NoCredentialsError):
        api.broadcast(["a"], PAYLOAD)
    assert not gateway.attempts


def test_each_endpoint_has_its_own_connection_pool(
    open_api: OpenAPI, gateway: Gateway, second_gateway: Gateway
) -> None:
    api = open_api(gateway.url)
    for _ in range(2):
        for target in (gateway, second_gateway):
            api.endpoint = target.url
            api.broadcast(["a"], PAYLOAD)
    assert (gateway.attempts, second_gateway.attempts) == ({"a": 2}, {"a": 2})
    assert (gateway.opened, second_gateway.opened) == (1, 1)


def test_client_is_replaced_when_the_endpoint_changes(
    open_api: OpenAPI, gateway: Gateway, second_gateway: Gateway
) -> None:
    api = open_api(gateway.url)
    api.close("a")
    api.endpoint = second_gateway.url
    api.close("a")
    assert (gateway.closed, second_gateway.closed) == (["a"], ["a"])
