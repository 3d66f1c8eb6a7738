"""Connection pool: results, retries, timeouts, limits and reuse of connections."""

from __future__ import annotations

import logging
import random
import socket
from contextlib import suppress

import pytest

from chalicelib.delivery import http_connection, http_pool
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from tests.delivery.conftest import OpenAPI
from tests.support.gateway import CLOSE, DISCONNECT, GONE, HANG, LATE_BODY, NO_LENGTH, Gateway
from tests.support.ports import free_port

PAYLOAD = '{"message": {"message": "hi"}}'

# Results


def test_gone_and_failed_connections_do_not_affect_the_others(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.respond("gone", GONE)
    gateway.respond("forbidden", 403)
    gateway.respond("broken", 500)
    gateway.respond("hanging", HANG)
    ids = ["a", "gone", "forbidden", "b", "broken", "hanging", "c"]
    result = api.broadcast(ids, PAYLOAD)
    assert [sorted(ids) for ids in result] == [["a", "b", "c"], ["gone"], ["broken", "forbidden", "hanging"]]
    assert [len(gateway.frames[id_]) for id_ in ("a", "b", "c")] == [1, 1, 1]


def test_failed_connections_are_counted_in_one_line_of_the_log(
    api: BroadcastWebsocketAPI, gateway: Gateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("chalice-chat"), "propagate", True)
    gateway.respond("gone", GONE)
    for number in range(3):
        gateway.respond(f"forbidden {number}", 403)
    gateway.respond("large", 413)
    api.broadcast(["a", "b", "gone", "forbidden 0", "forbidden 1", "forbidden 2", "large"], PAYLOAD)
    assert set(caplog.messages) == {"could not reach 4 connections: 3 with status 403, 1 with status 413"}


def test_unreachable_server_fails_every_post(open_api: OpenAPI) -> None:
    api = open_api(f"http://127.0.0.1:{free_port()}")
    assert sorted(api.broadcast(["a", "b"], PAYLOAD).failed) == ["a", "b"]


def test_response_whose_body_comes_after_its_head_is_complete(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    """The next response on the connection must not begin with the late body."""
    for id_ in ("a", "b"):
        gateway.respond(id_, LATE_BODY)
    for _ in range(3):
        assert sorted(api.broadcast(["a", "b"], PAYLOAD).delivered) == ["a", "b"]
    assert gateway.opened == 2


# Retries


@pytest.mark.parametrize("status", [429, 500, 503])
def test_temporary_error_is_retried(api: BroadcastWebsocketAPI, gateway: Gateway, status: int) -> None:
    gateway.respond("a", status, 200)
    assert api.broadcast(["a"], PAYLOAD).delivered == ["a"]
    assert gateway.attempts == {"a": 2}


@pytest.mark.parametrize("status", [GONE, 403, 413])
def test_permanent_error_is_not_retried(api: BroadcastWebsocketAPI, gateway: Gateway, status: int) -> None:
    gateway.respond("a", status)
    api.broadcast(["a"], PAYLOAD)
    assert gateway.attempts == {"a": 1}


def test_post_fails_after_its_last_attempt(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.respond("a", 500)
    assert api.broadcast(["a"], PAYLOAD).failed == ["a"]
    assert gateway.attempts == {"a": http_pool.MAX_POST_ATTEMPTS}


def test_post_on_a_broken_connection_is_retried(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.respond("a", DISCONNECT, 200)
    assert api.broadcast(["a", "b"], PAYLOAD).failed == []
    assert gateway.attempts == {"a": 2, "b": 1}


def test_retries_wait_longer_each_time(api: BroadcastWebsocketAPI, gateway: Gateway, backoffs: list[float]) -> None:
    gateway.respond("a", 500)
    api.broadcast(["a"], PAYLOAD)
    assert backoffs == [2 * http_pool.BACKOFF_SECONDS, 4 * http_pool.BACKOFF_SECONDS]


# Timeouts


def test_retry_that_is_due_after_the_timeout_of_the_broadcast_has_failed(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_pool, "BROADCAST_TIMEOUT_SECONDS", 2)
    monkeypatch.setattr(random, "uniform", lambda *_: 3_600)
    gateway.respond("a", 500)
    assert api.broadcast(["a", "b"], PAYLOAD) == (["b"], [], ["a"])
    assert gateway.attempts == {"a": 1, "b": 1}


def test_post_times_out_before_its_broadcast(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_pool, "POST_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(http_pool, "BROADCAST_TIMEOUT_SECONDS", 3_600)
    gateway.respond("a", HANG)
    assert api.broadcast(["a"], PAYLOAD).failed == ["a"]


def test_hanging_posts_time_out_concurrently(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    # One after the other, they would take longer than the whole broadcast may.
    hanging = [f"hanging-{number}" for number in range(10)]
    for id_ in hanging:
        gateway.respond(id_, HANG)
    result = api.broadcast([*hanging, "a"], PAYLOAD)
    assert (result.delivered, sorted(result.failed)) == (["a"], hanging)
    assert gateway.attempts == dict.fromkeys([*hanging, "a"], 1)


def test_broadcast_fails_the_remaining_posts_at_its_timeout(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_pool, "BROADCAST_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(http_pool, "MAX_CONNECTIONS", 2)
    ids = [f"hanging-{number}" for number in range(20)]
    for id_ in ids:
        gateway.respond(id_, HANG)
    result = api.broadcast(ids, PAYLOAD)
    assert sorted(result.failed) == sorted(ids)
    assert len(gateway.attempts) <= 2


# Rate


def test_rate_limits_how_many_posts_begin(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_pool, "BROADCAST_TIMEOUT_SECONDS", 0.5)
    ids = [f"c{number}" for number in range(20)]
    result = api.broadcast(ids, PAYLOAD, rate=10)
    assert 1 <= len(result.delivered) <= 1 + 0.5 * 10 + 1  # one in the last moment
    assert sorted([*result.delivered, *result.failed]) == sorted(ids)
    assert api.broadcast(ids, PAYLOAD).delivered


def test_rate_reaches_everyone(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.respond("c3", 500, 200)
    ids = [f"c{number}" for number in range(20)]
    assert sorted(api.broadcast(ids, PAYLOAD, rate=200).delivered) == sorted(ids)


# Connections


def test_connections_stay_open_between_broadcasts(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    ids = [f"m{number}" for number in range(30)]
    api.broadcast(ids, PAYLOAD)
    opened = gateway.opened
    api.broadcast(ids, PAYLOAD)
    assert gateway.opened == opened <= 30


def test_connections_that_the_server_closed_are_not_reused(
    api: BroadcastWebsocketAPI, gateway: Gateway, backoffs: list[float]
) -> None:
    api.broadcast(["a", "b"], PAYLOAD)
    gateway.close_connections()
    assert sorted(api.broadcast(["a", "b"], PAYLOAD).delivered) == ["a", "b"]
    assert gateway.attempts == {"a": 2, "b": 2}
    assert backoffs == []


def test_connection_is_reused_after_a_response_without_content(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.respond("a", 204)
    for _ in range(2):
        assert api.broadcast(["a"], PAYLOAD).delivered == ["a"]
    assert gateway.opened == 1


@pytest.mark.parametrize("response", [CLOSE, NO_LENGTH])
def test_connection_that_the_server_will_close_is_not_reused(
    api: BroadcastWebsocketAPI,
    gateway: Gateway,
    backoffs: list[float],
    monkeypatch: pytest.MonkeyPatch,
    response: int,
) -> None:
    monkeypatch.setattr(http_pool, "MAX_CONNECTIONS", 1)
    for id_ in ("a", "b"):
        gateway.respond(id_, response)
    assert sorted(api.broadcast(["a", "b"], PAYLOAD).delivered) == ["a", "b"]
    assert gateway.opened == 2
    assert backoffs == []


def test_connection_that_was_idle_for_long_is_not_reused(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.broadcast(["a"], PAYLOAD)
    monkeypatch.setattr(http_connection, "MAX_IDLE_SECONDS", 0)
    assert api.broadcast(["a"], PAYLOAD).delivered == ["a"]
    assert gateway.opened == 2


def test_number_of_connections_being_opened_is_limited(open_api: OpenAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_pool, "BROADCAST_TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        api = open_api(f"https://127.0.0.1:{silent.getsockname()[1]}")
        assert len(api.broadcast([f"m{number}" for number in range(100)], PAYLOAD).failed) == 100
        silent.setblocking(False)
        opened = 0
        with suppress(BlockingIOError):
            while True:
                silent.accept()[0].close()
                opened += 1
    assert opened == http_pool.MAX_CONNECTING
