"""Stand-in for a new AWS account: a reverse proxy with TLS in front of the local cloud.

The local cloud serves HTTP/1.1, to which a browser opens at most six connections, and runs any number of functions. On
AWS, a page's requests arrive at once, because browsers speak HTTP/2 to API Gateway. In a new account, Lambda runs at
most ten executions at once ("Lambda quotas"), and each new execution environment has a cold start.

The REST API and the WebSocket API have an address each, as on AWS: HTTP/2 for REST, HTTP/1.1 for the WebSocket. The
functions only know the WebSocket address of the local cloud. The proxy replaces it in the headers and the bodies of
responses, which it asks for without compression. It changes nothing else.

Requests, frames and closed connections start executions. The proxy does not see those that the queue starts, and has no
other limits of Lambda and API Gateway.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from threading import Event, Thread
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

import requests
import urllib3
from hypercorn.asyncio import serve as serve_http
from hypercorn.config import Config
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import connect as connect_in_thread

from localcloud.cloud import LocalCloud
from localcloud.stack import HOST
from tests.support.browser.certificate import Certificate
from tests.support.browser.executions import MAX_EXECUTIONS, Execution, FunctionName, Lambda
from tests.support.cloud import connection_ids

MESSAGE_SECONDS = 0.007
"""Simulated duration of an execution for a frame. The proxy does not see when the local cloud is done."""

OPEN_SECONDS = 20
"""Limit for the handshake of a connection."""

# For a throttled function, API Gateway responds with 500, sometimes with 429 ("How do I troubleshoot issues for API
# Gateway endpoints that integrate with Lambda?").
REFUSAL_STATUS = 500
REFUSAL = {"message": "Internal server error"}

NOT_FORWARDED = {"host", "connection", "keep-alive", "transfer-encoding", "content-length", "accept-encoding"}
"""Headers of one connection, the length, which the replacement changes, and what would hide the text from it."""

WITHOUT_BODY = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}

Headers = list[tuple[bytes, bytes]]


class NewAccount:
    """The proxy, and the executions that it has recorded."""

    def __init__(self, cloud: LocalCloud, certificate: Certificate) -> None:
        self._cloud = cloud
        self.certificate = certificate
        self._lambda = Lambda()
        # The local cloud starts a process for each concurrent request, which takes as long as a cold start. So it gets
        # one request at a time. The others wait, and occupy their environments.
        self._one_at_a_time: defaultdict[FunctionName, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pool = urllib3.PoolManager(retries=False)
        self._http, self._websocket = _listen(), _listen()
        self._stopped = Event()
        self._upstream: dict[ServerConnection, ClientConnection] = {}
        self.url = f"https://{HOST}:{_port(self._http)}{urlsplit(cloud.rest_url).path}/"
        """The address of the page."""
        self.websocket_url = f"wss://{HOST}:{_port(self._websocket)}{urlsplit(cloud.websocket_url).path}"

    def executions(self) -> list[Execution]:
        """Return all executions since the last reset, including rejected ones."""
        return list(self._lambda.executions)

    def requests(self) -> list[Execution]:
        """Return the executions that HTTP requests have started, including the handshakes of WebSockets."""
        return [one for one in self.executions() if one.function in ("api_handler", "websocket_connect")]

    def reset(self, max_executions: int = MAX_EXECUTIONS) -> None:
        """Forget all executions and environments. Executions in progress no longer count."""
        self._lambda = Lambda(max_executions)

    def stop(self) -> None:
        """Let `run` end."""
        self._stopped.set()

    async def run(self) -> None:
        """Serve both addresses until `stop` is called."""
        config = Config()
        config.bind = [f"fd://{self._http.detach()}"]
        config.certfile = config.keyfile = str(self.certificate.file)
        config.loglevel = "WARNING"
        config.keep_alive_timeout = 600
        config.include_server_header = config.include_date_header = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate.file)
        # With TLS 1.3, asyncio of CPython 3.11 left about 1 of 250 requests unread that arrived with the end of the
        # handshake. The client then waited until its time-out.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        async with serve_websocket(
            self._follow,
            sock=self._websocket,
            ssl=context,
            process_request=self._open,
            open_timeout=OPEN_SECONDS,
            ping_interval=None,
            max_queue=None,
            server_header=None,
        ):
            await serve_http(self._respond, config, shutdown_trigger=lambda: asyncio.to_thread(self._stopped.wait))

    async def _respond(self, scope: Any, receive: Any, send: Any) -> None:
        """Respond to a REST request (ASGI application)."""
        if scope["type"] != "http":
            return
        method, path = scope["method"], scope["raw_path"].decode()
        if query := scope["query_string"].decode():
            path += f"?{query}"
        body = await _read(receive)
        async with self._lambda.execute("api_handler", method, path) as execution:
            if execution.is_rejected:
                status, headers, content = (
                    REFUSAL_STATUS,
                    [(b"content-type", b"application/json")],
                    json.dumps(REFUSAL).encode(),
                )
            else:
                async with self._one_at_a_time["api_handler"]:
                    status, headers, content = await asyncio.to_thread(
                        self._forward, method, path, scope["headers"], body
                    )
            execution.status = status
        if status not in WITHOUT_BODY:
            headers.append((b"content-length", str(len(content)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _forward(self, method: str, path: str, headers: Headers, body: bytes) -> tuple[int, Headers, bytes]:
        """Send a request to the local cloud, and return the status, the headers and the body of the response."""
        given = {name.decode(): value.decode() for name, value in headers}
        response = self._pool.request(
            method,
            f"{self._cloud.endpoint}{path}",
            headers={name: value for name, value in given.items() if name not in NOT_FORWARDED},
            body=body,
            redirect=False,
            decode_content=False,
        )
        returned = [
            (name.lower().encode(), self._replace_address(value.encode()))
            for name, value in response.headers.items()
            if name.lower() not in NOT_FORWARDED
        ]
        return response.status, returned, self._replace_address(response.data)

    def _replace_address(self, content: bytes) -> bytes:
        before, after = map(_origin, (self._cloud.websocket_url, self.websocket_url))
        return content.replace(before.encode(), after.encode())

    async def _open(self, client: ServerConnection, request: Request) -> Response | None:
        """Open a connection to the local cloud, or return the response that rejects the handshake."""
        async with self._lambda.execute("websocket_connect", "GET", request.path) as execution:
            if execution.is_rejected:
                execution.status = REFUSAL_STATUS
                return client.respond(REFUSAL_STATUS, json.dumps(REFUSAL))
            url = f"ws://{HOST}:{self._cloud.port}{request.path}"
            origin: Any = request.headers.get("Origin")
            try:
                async with self._one_at_a_time["websocket_connect"]:
                    self._upstream[client] = await connect(
                        url,
                        origin=origin,
                        proxy=None,
                        open_timeout=OPEN_SECONDS,
                        ping_interval=None,
                        max_queue=None,
                    )
            except InvalidStatus as rejection:
                execution.status = rejection.response.status_code
                return client.respond(execution.status, (rejection.response.body or b"").decode())
            execution.status = HTTPStatus.SWITCHING_PROTOCOLS
        return None

    async def _follow(self, client: ServerConnection) -> None:
        """Relay the frames of a connection in both directions until one side closes it."""
        upstream = self._upstream.pop(client)
        path = client.request.path if client.request else ""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_relay(upstream, client))
            with suppress(ConnectionClosed):
                async for frame in client:
                    tasks.create_task(self._send(client, upstream, path, frame))
            async with self._lambda.execute("websocket_disconnect", "DISCONNECT", path):
                # Even if the execution is rejected: the local cloud would keep the connection otherwise.
                await upstream.close()

    async def _send(self, client: ServerConnection, upstream: ClientConnection, path: str, frame: str | bytes) -> None:
        """Send a frame to the local cloud, or an error to the client if the execution is rejected."""
        with suppress(ConnectionClosed):
            async with self._lambda.execute("websocket_message", "MESSAGE", path) as execution:
                if execution.is_rejected:
                    ids = {"connectionId": str(client.id), "requestId": str(uuid4())}
                    await client.send(json.dumps(REFUSAL | ids))
                else:
                    await upstream.send(frame)
                    await asyncio.sleep(MESSAGE_SECONDS)


async def _relay(source: ClientConnection, destination: ServerConnection) -> None:
    """Send each frame on, and close the destination when the source is closed."""
    with suppress(ConnectionClosed):
        async for frame in source:
            await destination.send(frame)
    await destination.close()


@contextmanager
def stand_in(cloud: LocalCloud, certificate: Certificate) -> Iterator[NewAccount]:
    """Run the proxy in a thread."""
    _start_functions(cloud)
    account = NewAccount(cloud, certificate)
    thread = Thread(target=asyncio.run, args=(account.run(),))
    thread.start()
    try:
        yield account
    finally:
        account.stop()
        thread.join()


def _start_functions(cloud: LocalCloud) -> None:
    """Let the local cloud start a process for each function now, because the starts would add to the cold starts."""
    room = requests.post(f"{cloud.rest_url}/rooms", json={"roomName": "First", "private": True}, timeout=20).json()
    query = urlencode({"roomId": room["roomId"], "token": room["joinToken"]})
    with connect_in_thread(f"{cloud.websocket_url}?{query}") as member:
        member.send('{"action": "ping"}')
        member.recv(20)
    # The member has left when the function for closed connections has run.
    has_members = retry_if_result(bool)
    Retrying(retry=has_members, wait=wait_fixed(0.05), stop=stop_after_delay(20))(connection_ids, cloud, room["roomId"])


async def _read(receive: Any) -> bytes:
    """Read the body of a request."""
    body = b""
    while (part := await receive()).get("more_body"):
        body += part["body"]
    return body + bytes(part.get("body", b""))


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _listen() -> socket.socket:
    listener = socket.socket()
    listener.bind((HOST, 0))
    listener.listen()
    return listener


def _port(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])
