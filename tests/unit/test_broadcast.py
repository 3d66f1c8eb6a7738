"""One payload to many connections, through a real HTTP server in place of @connections."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from chalicelib import broadcast
from chalicelib.broadcast import MemberSockets
from tests.gateway import GONE, HANG, Gateway

PAYLOAD = '{"message": {"message": "hi"}}'


@pytest.fixture(scope="module")
def _sockets(_gateway: Gateway) -> MemberSockets:
    sockets = MemberSockets(env={"AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI": _gateway.url, "AWS_REGION": "us-east-1"})
    sockets.configure_from_api_id("abcdef1234", "test")
    return sockets


@pytest.fixture
def sockets(_sockets: MemberSockets, gateway: Gateway) -> Iterator[MemberSockets]:
    return _sockets


def test_broadcast_to_nobody_sends_nothing(sockets: MemberSockets, gateway: Gateway) -> None:
    assert sockets.broadcast([], PAYLOAD) == ([], [], [])
    assert not gateway.attempts


def test_broadcast_reaches_each_connection_once(sockets: MemberSockets, gateway: Gateway) -> None:
    ids = [f"L0SM9cO{number:03}vHcCIhw=" for number in range(100)]
    assert sockets.broadcast(ids, PAYLOAD) == (ids, [], [])
    assert gateway.attempts == dict.fromkeys(ids, 1)
    assert all(frames == [{"message": {"message": "hi"}}] for frames in gateway.frames.values())


def test_broadcast_reaches_the_others_when_some_are_gone_and_some_fail(
    sockets: MemberSockets, gateway: Gateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway.answer("gone", GONE)
    gateway.answer("forbidden", 403)
    gateway.answer("broken", 500)
    gateway.answer("hanging", HANG)
    ids = ["a", "gone", "forbidden", "b", "broken", "hanging", "c"]
    outcome = sockets.broadcast(ids, PAYLOAD)
    assert outcome == (["a", "b", "c"], ["gone"], ["forbidden", "broken", "hanging"])
    assert [len(gateway.frames[id_]) for id_ in ("a", "b", "c")] == [1, 1, 1]


def test_broadcast_logs_how_many_it_reached(
    sockets: MemberSockets, gateway: Gateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("chalice-chat"), "propagate", True)
    gateway.answer("gone", GONE)
    gateway.answer("forbidden", 403)
    with caplog.at_level(logging.INFO):
        sockets.broadcast(["a", "b", "gone", "forbidden"], PAYLOAD)
    assert "broadcast: 2 delivered, 1 gone, 1 failed" in caplog.messages
    assert any("could not reach forbidden" in message for message in caplog.messages)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_broadcast_tries_again_what_may_pass(sockets: MemberSockets, gateway: Gateway, status: int) -> None:
    gateway.answer("a", status, 200)
    assert sockets.broadcast(["a"], PAYLOAD).delivered == ["a"]
    assert gateway.attempts == {"a": 2}


@pytest.mark.parametrize("status", [GONE, 403, 413])
def test_broadcast_does_not_repeat_what_cannot_pass(sockets: MemberSockets, gateway: Gateway, status: int) -> None:
    gateway.answer("a", status)
    sockets.broadcast(["a"], PAYLOAD)
    assert gateway.attempts == {"a": 1}


def test_broadcast_gives_up_after_its_attempts(sockets: MemberSockets, gateway: Gateway) -> None:
    gateway.answer("a", 500)
    assert sockets.broadcast(["a"], PAYLOAD).failed == ["a"]
    assert gateway.attempts == {"a": broadcast.ATTEMPTS}


def test_the_endpoint_is_api_gateways_own_without_the_variable() -> None:
    sockets = MemberSockets(env={"AWS_REGION": "eu-west-1"})
    sockets.configure_from_api_id("abcdef1234", "prod")
    assert sockets._get_client().meta.endpoint_url == "https://abcdef1234.execute-api.eu-west-1.amazonaws.com/prod"


def test_the_clients_settings_are_explicit(sockets: MemberSockets) -> None:
    config = sockets._get_client().meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": broadcast.ATTEMPTS}
    assert (config.connect_timeout, config.read_timeout) == (2, 2)
    assert config.max_pool_connections == broadcast.CONCURRENCY
