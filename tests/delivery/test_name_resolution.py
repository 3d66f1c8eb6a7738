"""Name resolution: one lookup per server and minute, other addresses, failures."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from chalicelib.delivery import http_connection, name_resolution
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from tests.delivery.conftest import OpenAPI
from tests.support.gateway import Gateway
from tests.support.ports import free_port

PAYLOAD = '{"message": {"message": "hi"}}'
IDS = [f"m{number}" for number in range(100)]


class DNS:
    """The responses to lookups: ports of 127.0.0.1."""

    def __init__(self, *ports: int) -> None:
        self.ports = ports
        self.requested: list[tuple[str, int]] = []

    @property
    def lookups(self) -> int:
        return len(self.requested)

    def getaddrinfo(self, host: str, port: int, **_: Any) -> list[Any]:
        self.requested.append((host, port))
        if not self.ports:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in self.ports]


@pytest.fixture
def dns(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> DNS:
    dns = DNS(int(gateway.url.split(":")[2].split("/")[0]))
    monkeypatch.setattr(socket, "getaddrinfo", dns.getaddrinfo)
    return dns


@pytest.fixture
def api(open_api: OpenAPI, dns: DNS) -> BroadcastWebsocketAPI:
    """Return a client of the fake of @connections that looks up its name."""
    return open_api("http://chat.example.org/test")


@pytest.fixture
def second_gateway() -> Iterator[Gateway]:
    """Start another fake of @connections."""
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def silent() -> Iterator[int]:
    """Return a port that does not respond: the queue of its connections is full."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(2):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def test_broadcasts_to_many_connections_need_one_lookup(api: BroadcastWebsocketAPI, gateway: Gateway, dns: DNS) -> None:
    assert len(api.broadcast(IDS, PAYLOAD).delivered) == 100
    gateway.close_connections()
    assert len(api.broadcast(IDS, PAYLOAD).delivered) == 100
    assert gateway.opened > 1
    assert dns.lookups == 1


@pytest.mark.parametrize(
    ("url", "port"),
    [("https://chat.example.org/test", 443), ("http://chat.example.org", 80), ("https://chat.example.org:8443", 8443)],
)
def test_port_of_an_address_is_that_of_its_scheme(open_api: OpenAPI, dns: DNS, url: str, port: int) -> None:
    dns.ports = ()
    open_api(url).broadcast(["a"], PAYLOAD)
    assert dns.requested == [("chat.example.org", port)]


def test_name_is_looked_up_again_after_its_time_to_live(
    api: BroadcastWebsocketAPI, dns: DNS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_resolution, "TTL_SECONDS", 0)
    api.broadcast(["a"], PAYLOAD)
    api.broadcast(["a"], PAYLOAD)
    assert dns.lookups == 2


def test_connections_are_spread_over_all_addresses(
    api: BroadcastWebsocketAPI, gateway: Gateway, second_gateway: Gateway, dns: DNS
) -> None:
    dns.ports = (*dns.ports, int(second_gateway.url.split(":")[2].split("/")[0]))
    assert sorted(api.broadcast(IDS, PAYLOAD).delivered) == sorted(IDS)
    assert gateway.attempts
    assert second_gateway.attempts


def test_address_that_rejects_is_passed_over(
    api: BroadcastWebsocketAPI, gateway: Gateway, dns: DNS, backoffs: list[float]
) -> None:
    dns.ports = (free_port(), *dns.ports)
    assert sorted(api.broadcast(IDS, PAYLOAD).delivered) == sorted(IDS)
    assert set(gateway.attempts.values()) == {1}
    assert backoffs == []


def test_address_that_does_not_respond_is_passed_over(
    api: BroadcastWebsocketAPI,
    gateway: Gateway,
    dns: DNS,
    silent: int,
    backoffs: list[float],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(http_connection, "CONNECT_TIMEOUT_SECONDS", 0.5)
    dns.ports = (silent, *dns.ports)
    assert sorted(api.broadcast(IDS, PAYLOAD).delivered) == sorted(IDS)
    assert set(gateway.attempts.values()) == {1}
    assert backoffs == []


def test_unknown_name_fails_every_post_after_one_lookup(
    api: BroadcastWebsocketAPI, dns: DNS, caplog: pytest.LogCaptureFixture
) -> None:
    dns.ports = ()
    assert sorted(api.broadcast(["a", "b"], PAYLOAD).failed) == ["a", "b"]
    assert dns.lookups == 1
    assert "Name or service not known" in caplog.text


def test_failed_lookup_leaves_the_earlier_addresses(
    api: BroadcastWebsocketAPI, gateway: Gateway, dns: DNS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(name_resolution, "TTL_SECONDS", 0)
    api.broadcast(["a"], PAYLOAD)
    gateway.close_connections()
    dns.ports = ()
    assert api.broadcast(["a"], PAYLOAD).delivered == ["a"]


def test_failed_lookup_is_not_repeated_at_once(
    api: BroadcastWebsocketAPI, dns: DNS, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns.ports = ()
    for _ in range(3):
        api.broadcast(["a"], PAYLOAD)
    assert dns.lookups == 1
    clock = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: clock() + name_resolution.RETRY_SECONDS)
    api.broadcast(["a"], PAYLOAD)
    assert dns.lookups == 2


def test_lookup_that_hangs_fails_every_post_at_its_timeout(
    api: BroadcastWebsocketAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    end_of_test = threading.Event()
    monkeypatch.setattr(name_resolution, "TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: end_of_test.wait() and [])
    try:
        assert api.broadcast(["a"], PAYLOAD).failed == ["a"]
        assert "could not look up chat.example.org: timeout" in caplog.text
    finally:
        end_of_test.set()
