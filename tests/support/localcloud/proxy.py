"""Proxy in front of the local cloud that changes requests, responses and frames: deliberate faults of a chat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import SHUT_RDWR
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import urllib3
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve

from localcloud.cloud import LocalCloud
from localcloud.stack import HOST

NOT_FORWARDED = {"connection", "content-encoding", "content-length", "date", "server", "transfer-encoding"}


class Page:
    """A response of the REST API that a fault may change."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class Relay:
    """A connection of a client, and the one to the local cloud. `sent` are the clientIds that the client has sent."""

    def __init__(self, client: ServerConnection, server: ClientConnection, room_id: str) -> None:
        self.client, self.server, self.room_id = client, server, room_id
        self.sent: list[str] = []

    def deliver(self, frame: Any) -> None:
        """Send a frame to the client, if it is still there."""
        with suppress(ConnectionClosed):
            self.client.send(json.dumps(frame))


class Fault:
    """A fault. This one changes nothing; subclasses override the methods. `relays` are the connections."""

    def __init__(self) -> None:
        self.relays: list[Relay] = []

    def admits(self) -> bool:
        """Return whether connections can be opened."""
        return True

    def change_response(self, path: str, page: Page) -> None:
        """Change the response for a path, which begins after the stage."""

    def send(self, relay: Relay, frame: Any) -> list[Any]:
        """Return the frames that reach the local cloud if the client sends this one."""
        return [frame]

    def receive(self, relay: Relay, frame: Any) -> list[Any]:
        """Return the frames that reach the client if the local cloud sends this one."""
        return [frame]


class Outage(Fault):
    """An outage, which begins and ends when the test says so: no connection stays open, and none can be opened."""

    def __init__(self) -> None:
        super().__init__()
        self._is_on = False

    def begin(self) -> None:
        """Cut all connections, without a closing handshake."""
        self._is_on = True
        for relay in list(self.relays):
            with suppress(OSError):  # closed meanwhile
                relay.client.socket.shutdown(SHUT_RDWR)

    def end(self) -> None:
        """Admit connections again."""
        self._is_on = False

    def admits(self) -> bool:
        return not self._is_on

    def change_response(self, path: str, page: Page) -> None:
        if self._is_on and not path.startswith("/static/") and path != "/":
            page.status, page.body = HTTPStatus.SERVICE_UNAVAILABLE, b"{}"


@contextmanager
def proxy(cloud: LocalCloud, fault: Fault) -> Iterator[str]:
    """Serve the chat of a local cloud with a fault, and return the address of its REST API."""
    with ExitStack() as stack:
        websocket_port = stack.enter_context(_websocket_proxy(cloud, fault))
        rest_port = stack.enter_context(_rest_proxy(cloud, fault, websocket_port))
        yield _at(cloud.rest_url, rest_port)


def _at(url: str, port: int) -> str:
    """Return an address of the local cloud with the port of the proxy."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{HOST}:{port}").geturl()


@contextmanager
def _websocket_proxy(cloud: LocalCloud, fault: Fault) -> Iterator[int]:
    opened: dict[ServerConnection, tuple[Relay, ExitStack]] = {}

    def shake_hands(client: ServerConnection, request: Request) -> Response | None:
        if not fault.admits():
            return client.respond(HTTPStatus.SERVICE_UNAVAILABLE, "")
        query = urlsplit(request.path).query
        ending = ExitStack()  # websockets requires a context, and the handshake ends before `handle` begins
        try:
            url = f"{cloud.websocket_url}?{query}"
            server = ending.enter_context(connect(url, max_queue=None, ping_interval=None))
        except InvalidStatus as refusal:
            return client.respond(refusal.response.status_code, "")
        relay = Relay(client, server, parse_qs(query).get("roomId", [""])[0])
        fault.relays.append(relay)
        opened[client] = relay, ending
        return None

    def handle(client: ServerConnection) -> None:
        relay, ending = opened.pop(client)
        thread = Thread(target=forward, args=[relay])
        thread.start()
        with ending, suppress(ConnectionClosed):
            for text in client:
                for frame in _changed(text, lambda frame: _sent(fault, relay, frame)):
                    relay.server.send(frame)
        fault.relays.remove(relay)
        thread.join()

    def forward(relay: Relay) -> None:
        with relay.client, suppress(ConnectionClosed):
            for text in relay.server:
                for frame in _changed(text, lambda frame: fault.receive(relay, frame)):
                    relay.client.send(frame)

    with serve(handle, HOST, 0, process_request=shake_hands, ping_interval=None) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def _sent(fault: Fault, relay: Relay, frame: Any) -> list[Any]:
    frames = fault.send(relay, frame)
    data = frame.get("data")
    if isinstance(data, dict) and "clientId" in data:
        relay.sent.append(data["clientId"])
    return frames


def _changed(text: str | bytes, change: Any) -> list[str | bytes]:
    """Return what becomes of a frame. One that is no JSON object stays as it is."""
    with suppress(ValueError):
        if isinstance(frame := json.loads(text), dict):
            return [text if one is frame else json.dumps(one) for one in change(frame)]
    return [text]


@contextmanager
def _rest_proxy(cloud: LocalCloud, fault: Fault, websocket_port: int) -> Iterator[int]:
    pool = urllib3.PoolManager(maxsize=8)
    prefix = urlsplit(cloud.rest_url).path
    own_address = f"{HOST}:{websocket_port}".encode()
    cloud_address = f"{HOST}:{cloud.port}".encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            url = f"http://{HOST}:{cloud.port}{self.path}"
            response = pool.request(self.command, url, body=body, headers=dict(self.headers), redirect=False)
            headers = {name: text for name, text in response.headers.items() if name.lower() not in NOT_FORWARDED}
            for name, text in headers.items():
                headers[name] = text.replace(cloud_address.decode(), own_address.decode())
            page = Page(response.status, headers, response.data.replace(cloud_address, own_address))
            fault.change_response(urlsplit(self.path).path.removeprefix(prefix), page)
            self.send_response(page.status)
            for name, text in page.headers.items():
                self.send_header(name, text)
            if page.status not in (204, 304):
                self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        do_POST = do_OPTIONS = do_DELETE = do_GET  # noqa: N815 - names of BaseHTTPRequestHandler

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        pool.clear()
