"""One payload to many connections, through a real HTTP server in place of @connections."""

from __future__ import annotations

import logging
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from chalicelib.delivery import http_pool
from chalicelib.delivery.broadcast import BroadcastWebsocketAPI
from tests.conftest import free_port
from tests.gateway import BREAK, GARBAGE, GONE, HANG, Gateway

PAYLOAD = '{"message": {"message": "hi"}}'


Open = Callable[[str], BroadcastWebsocketAPI]


@pytest.fixture
def open_api() -> Iterator[Open]:
    """Makes the sockets of a Lambda function whose @connections are at a URL."""
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
def api(open_api: Open, gateway: Gateway) -> BroadcastWebsocketAPI:
    return open_api(gateway.url)


def test_broadcast_to_nobody_sends_nothing(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    assert api.broadcast([], PAYLOAD) == ([], [], [])
    assert not gateway.attempts


def test_broadcast_reaches_each_connection_once(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    ids = [f"L0SM9cO{number:03}vHcCIhw=" for number in range(100)]
    outcome = api.broadcast(ids, PAYLOAD)
    assert (sorted(outcome.delivered), outcome.gone, outcome.failed) == (ids, [], [])
    assert gateway.attempts == dict.fromkeys(ids, 1)
    assert all(frames == [{"message": {"message": "hi"}}] for frames in gateway.frames.values())


def test_broadcast_reaches_the_others_when_some_are_gone_and_some_fail(
    api: BroadcastWebsocketAPI, gateway: Gateway
) -> None:
    gateway.answer("gone", GONE)
    gateway.answer("forbidden", 403)
    gateway.answer("broken", 500)
    gateway.answer("hanging", HANG)
    ids = ["a", "gone", "forbidden", "b", "broken", "hanging", "c"]
    outcome = api.broadcast(ids, PAYLOAD)
    assert [sorted(ids) for ids in outcome] == [["a", "b", "c"], ["gone"], ["broken", "forbidden", "hanging"]]
    assert [len(gateway.frames[id_]) for id_ in ("a", "b", "c")] == [1, 1, 1]


def test_broadcast_logs_whom_it_could_not_reach(
    api: BroadcastWebsocketAPI, gateway: Gateway, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("chalice-chat"), "propagate", True)
    gateway.answer("gone", GONE)
    gateway.answer("forbidden", 403)
    api.broadcast(["a", "b", "gone", "forbidden"], PAYLOAD)
    assert set(caplog.messages) == {"could not reach forbidden: status 403"}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_broadcast_tries_again_what_may_pass(api: BroadcastWebsocketAPI, gateway: Gateway, status: int) -> None:
    gateway.answer("a", status, 200)
    assert api.broadcast(["a"], PAYLOAD).delivered == ["a"]
    assert gateway.attempts == {"a": 2}


@pytest.mark.parametrize("status", [GONE, 403, 413])
def test_broadcast_does_not_repeat_what_cannot_pass(api: BroadcastWebsocketAPI, gateway: Gateway, status: int) -> None:
    gateway.answer("a", status)
    api.broadcast(["a"], PAYLOAD)
    assert gateway.attempts == {"a": 1}


def test_broadcast_gives_up_after_its_attempts(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.answer("a", 500)
    assert api.broadcast(["a"], PAYLOAD).failed == ["a"]
    assert gateway.attempts == {"a": http_pool.MAX_POST_ATTEMPTS}


def test_a_post_that_hangs_costs_its_own_time_and_no_more(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    for number in range(10):
        gateway.answer(f"hanging-{number}", HANG)
    started = time.monotonic()
    outcome = api.broadcast([f"hanging-{number}" for number in range(10)] + ["a"], PAYLOAD)
    assert (outcome.delivered, len(outcome.failed)) == (["a"], 10)
    assert time.monotonic() - started < 2 * http_pool.POST_TIMEOUT_SECONDS
    assert gateway.attempts["hanging-0"] == 1


def test_a_broadcast_ends_with_its_budget(
    api: BroadcastWebsocketAPI, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_pool, "BROADCAST_TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(http_pool, "MAX_CONNECTIONS", 2)
    ids = [f"hanging-{number}" for number in range(20)]
    for id_ in ids:
        gateway.answer(id_, HANG)
    outcome = api.broadcast(ids, PAYLOAD)
    assert sorted(outcome.failed) == sorted(ids)
    assert len(gateway.attempts) <= 2


def test_connections_are_kept_open_between_broadcasts(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    ids = [f"m{number}" for number in range(30)]
    api.broadcast(ids, PAYLOAD)
    opened = gateway.opened
    api.broadcast(ids, PAYLOAD)
    assert gateway.opened == opened <= 30 + http_pool.MAX_CONNECTIONS


def test_connections_that_the_server_closed_meanwhile_are_not_used(
    api: BroadcastWebsocketAPI, gateway: Gateway
) -> None:
    api.broadcast(["a", "b"], PAYLOAD)
    gateway.hang_up()
    assert sorted(api.broadcast(["a", "b"], PAYLOAD).delivered) == ["a", "b"]
    assert gateway.attempts == {"a": 2, "b": 2}


def test_a_connection_that_breaks_is_opened_again(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.answer("a", BREAK, 200)
    assert api.broadcast(["a", "b"], PAYLOAD).failed == []
    assert gateway.attempts == {"a": 2, "b": 1}


def test_an_answer_that_is_not_http_costs_nobody_else_a_message(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.answer("a", GARBAGE)
    assert api.broadcast(["a", "b"], PAYLOAD) == (["b"], [], ["a"])


def test_nobody_there_is_a_failure_of_each(open_api: Open) -> None:
    api = open_api(f"http://127.0.0.1:{free_port()}")
    assert sorted(api.broadcast(["a", "b"], PAYLOAD).failed) == ["a", "b"]


def test_no_more_connections_are_opened_at_once_than_can_shake_hands_in_time(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
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


@pytest.fixture
def tls() -> Iterator[tuple[trustme.CA, Gateway]]:
    """A certificate authority of our own, and a server that it vouches for as localhost."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    gateway = Gateway(context)
    yield authority, gateway
    gateway.close()


def test_broadcast_over_tls(
    open_api: Open, tls: tuple[trustme.CA, Gateway], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, gateway = tls
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    ids = [f"m{number}" for number in range(200)]
    api = open_api(gateway.url.replace("http://127.0.0.1", "https://localhost"))
    for _ in range(2):
        assert sorted(api.broadcast(ids, PAYLOAD).delivered) == sorted(ids)
    assert gateway.opened <= http_pool.MAX_CONNECTIONS


def test_a_certificate_that_nobody_vouches_for_is_refused(open_api: Open, tls: tuple[trustme.CA, Gateway]) -> None:
    _, gateway = tls
    assert open_api(gateway.url.replace("http://127.0.0.1", "https://localhost")).broadcast(["a"], PAYLOAD).failed == [
        "a"
    ]
    assert not gateway.attempts


def test_a_certificate_of_another_host_is_refused(
    open_api: Open, tls: tuple[trustme.CA, Gateway], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    authority, gateway = tls
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    assert open_api(gateway.url.replace("http", "https")).broadcast(["a"], PAYLOAD).failed == ["a"]
    assert not gateway.attempts


def test_the_endpoint_is_api_gateways_own_without_the_variable() -> None:
    api = BroadcastWebsocketAPI(env={"AWS_REGION": "eu-west-1"})
    api.configure_from_api_id("abcdef1234", "prod")
    assert api._get_client().meta.endpoint_url == "https://abcdef1234.execute-api.eu-west-1.amazonaws.com/prod"


def test_a_broadcast_before_its_endpoint_is_known_says_what_to_do() -> None:
    with pytest.raises(ValueError, match="set the endpoint or call configure_from_api_id"):
        BroadcastWebsocketAPI(env={}).broadcast(["a"], PAYLOAD)
