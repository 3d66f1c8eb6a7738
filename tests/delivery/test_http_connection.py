"""HTTP connection: TLS and the parsing of responses."""

from __future__ import annotations

import select
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from chalicelib.delivery import http_pool
from chalicelib.delivery.http_connection import HTTPConnection
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from tests.delivery.conftest import OpenAPI
from tests.support.gateway import NOT_HTTP, Gateway

PAYLOAD = '{"message": {"message": "hi"}}'


def test_response_that_is_not_http_fails_its_post_only(api: BroadcastWebsocketAPI, gateway: Gateway) -> None:
    gateway.respond("a", NOT_HTTP)
    assert api.broadcast(["a", "b"], PAYLOAD) == (["b"], [], ["a"])


def test_idle_connection_that_the_server_has_reset_is_not_reused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, _ = server.accept()
        # Closing with a linger time of 0 resets the connection.
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        select.select([client], [], [])
        connection = HTTPConnection("127.0.0.1", [], None)
        connection.socket, connection.last_used = client, time.monotonic()
        assert connection.is_usable(time.monotonic()) is False
        assert client.fileno() == -1, "it is closed"


# TLS


@pytest.fixture
def tls() -> Iterator[tuple[trustme.CA, Gateway]]:
    """Create a certificate authority, and start a fake of @connections with its certificate for localhost."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    gateway = Gateway(context)
    yield authority, gateway
    gateway.close()


@pytest.fixture
def trusted(tls: tuple[trustme.CA, Gateway], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gateway:
    """Let clients trust the authority, and return the fake."""
    authority, gateway = tls
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    return gateway


def test_broadcast_over_tls_reaches_every_connection(open_api: OpenAPI, trusted: Gateway) -> None:
    ids = [f"m{number}" for number in range(200)]
    api = open_api(trusted.url.replace("http://127.0.0.1", "https://localhost"))
    for _ in range(2):
        assert sorted(api.broadcast(ids, PAYLOAD).delivered) == sorted(ids)
    assert trusted.opened <= http_pool.MAX_CONNECTIONS


def test_certificate_of_an_unknown_authority_is_rejected(open_api: OpenAPI, tls: tuple[trustme.CA, Gateway]) -> None:
    _, gateway = tls
    api = open_api(gateway.url.replace("http://127.0.0.1", "https://localhost"))
    assert api.broadcast(["a"], PAYLOAD).failed == ["a"]
    assert not gateway.attempts


def test_certificate_of_another_host_is_rejected(open_api: OpenAPI, trusted: Gateway) -> None:
    assert open_api(trusted.url.replace("http", "https")).broadcast(["a"], PAYLOAD).failed == ["a"]
    assert not trusted.attempts
