"""Fake of API Gateway's @connections API on 127.0.0.1. It records the frames, and responds as a test configures it."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections import defaultdict
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

GONE = 410
HANG = 0
"""Send no response."""
DISCONNECT = -1
"""Close the connection without a response."""
NOT_HTTP = -2
"""Respond with bytes that are not HTTP."""
CLOSE = -3
"""Respond with status 200 and `Connection: close`."""
NO_LENGTH = -4
"""Respond with status 200 and a body that ends when the connection is closed."""
LATE_BODY = -5
"""Respond with status 200 whose body is sent 50 ms after its head."""
ERROR_TYPES = {
    403: "ForbiddenException",
    410: "GoneException",
    413: "PayloadTooLargeException",
    429: "LimitExceededException",
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """Ignore clients that close the connection or reject the certificate."""


class Gateway:
    """The fake.

    frames: the frames that each connection received.
    closed: the connections that were closed.
    attempts: the number of requests for each connection, whatever their responses.
    opened: the number of HTTP connections that clients opened.
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.opened = 0
        self.frames: dict[str, list[Any]] = defaultdict(list)
        self.closed: list[str] = []
        self.attempts: dict[str, int] = defaultdict(int)
        self._responses: dict[str, list[int]] = {}
        self._released = threading.Event()
        self._open: set[Any] = set()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if context:
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/test"

    def respond(self, connection_id: str, *statuses: int) -> None:
        """Respond to the requests for a connection with these statuses in order, and to further ones with the last."""
        self._responses[connection_id] = list(statuses)

    def texts(self, connection_id: str) -> list[str]:
        """List the texts of the messages, joins and leaves that a connection received."""
        return [frame["message"]["message"] for frame in self.frames[connection_id] if "message" in frame]

    def close_connections(self) -> None:
        """Close every HTTP connection, as servers close idle ones."""
        for connection in list(self._open):
            with suppress(OSError):  # it has just been closed
                connection.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Forget all records and responses, and end the requests that hang."""
        self.opened = 0
        self.frames.clear()
        self.closed.clear()
        self.attempts.clear()
        self._responses.clear()
        self._released.set()
        self._released = threading.Event()

    def close(self) -> None:
        """Stop the server."""
        self.reset()
        self._server.shutdown()
        self._server.server_close()

    def _next_response(self, connection_id: str) -> int:
        self.attempts[connection_id] += 1
        responses = self._responses.get(connection_id, [200])
        return responses.pop(0) if len(responses) > 1 else responses[0]

    def _handler(gateway) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                gateway.opened += 1
                gateway._open.add(self.connection)

            def finish(self) -> None:
                gateway._open.discard(self.connection)
                super().finish()

            def do_DELETE(self) -> None:
                gateway.closed.append(self._connection_id())
                # "Use @connections commands": a connection that was closed is answered 204.
                status = gateway._next_response(self._connection_id())
                self._respond(204 if status == 200 else status)

            def do_POST(self) -> None:
                connection_id = self._connection_id()
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = gateway._next_response(connection_id)
                if status == HANG:
                    gateway._released.wait()
                if status == NOT_HTTP:
                    self.wfile.write(b"SSH-2.0-gateway\r\n\r\n")
                if status in (HANG, DISCONNECT, NOT_HTTP):
                    self.close_connection = True
                    return
                if status in (200, CLOSE, NO_LENGTH, LATE_BODY):
                    gateway.frames[connection_id].append(json.loads(body))
                self._respond(status)

            def _connection_id(self) -> str:
                return unquote(self.path).removeprefix("/test/@connections/")

            def _respond(self, status: int) -> None:
                self.send_response(200 if status in (CLOSE, NO_LENGTH, LATE_BODY) else status)
                if status in ERROR_TYPES:
                    self.send_header("x-amzn-ErrorType", ERROR_TYPES[status])
                if status == CLOSE:
                    self.send_header("Connection", "close")
                if status == NO_LENGTH:
                    self.close_connection = True
                elif status != 204:
                    self.send_header("Content-Length", "2" if status == LATE_BODY else "0")
                self.end_headers()
                if status == LATE_BODY:
                    self.wfile.flush()
                    time.sleep(0.05)
                    self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                """Log nothing."""

        return Handler
