"""Non-blocking HTTP/1.1 connection. An exchange is a generator that yields the selector event it waits for."""

from __future__ import annotations

import errno
import logging
import math
import os
import re
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

from chalicelib import settings
from chalicelib.delivery.name_resolution import Address

MAX_IDLE_SECONDS = 20.0

CONNECT_TIMEOUT_SECONDS = 1.0
"""Timeout of the TCP handshake with one address. The next address is tried after it."""

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Exchange = Generator[int, None, Any]
"""A generator that runs an exchange or a part of it: yields selector events, and returns the result."""

log = logging.getLogger(f"{settings.APP_NAME}.http_connection")


class HTTPConnection:
    """One connection to a server. It opens when the first request is sent."""

    def __init__(self, host: str, addresses: Sequence[Address], context: ssl.SSLContext | None) -> None:
        self._host, self._addresses, self._context = host, addresses, context
        self.socket: Any = None
        self.connect_times_out_at = math.inf
        self.is_open = False
        self.is_reusable = True
        self.last_used = 0.0

    def exchange(self, request: bytes) -> Exchange:
        """Send a request, and return the status code of its response. Raises OSError if the connection fails.

        The caller throws TimeoutError into it at connect_times_out_at.
        """
        if not self.is_open:
            yield from self._open()
            self.is_open = True
        while request:
            request = request[(yield from _when_ready(WRITE, self.socket.send, request)) :]
        yield READ
        response = b""
        while not (status := self._parse_status(response)):
            received = yield from _when_ready(READ, self.socket.recv, 65_536)
            if not received:
                raise ConnectionResetError(errno.ECONNRESET, "the server closed the connection before it responded")
            response += received
        return status

    def is_usable(self, now: float) -> bool:
        """Return whether an idle connection can be reused: open, and idle for less than 20 seconds. Otherwise close it.

        A network device may have dropped a connection that was idle for longer, without a notice.
        """
        if now - self.last_used < MAX_IDLE_SECONDS:
            try:
                # An idle socket must not be readable: empty means closed, data is unsolicited.
                self.socket.recv(1)
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            except OSError as error:
                log.debug("idle connection failed: %s", error)
        self.close()
        return False

    def close(self) -> None:
        """Close the socket."""
        if self.socket is not None:
            self.socket.close()

    def _open(self) -> Exchange:
        yield from self._connect()
        if self._context is not None:
            self.socket = self._context.wrap_socket(
                self.socket, server_hostname=self._host, do_handshake_on_connect=False
            )
            yield from _when_ready(READ, self.socket.do_handshake)

    def _connect(self) -> Exchange:
        """Connect to the first address that accepts."""
        failure = OSError(errno.EHOSTUNREACH, f"no address of {self._host} is known")
        for *kind, address in self._addresses:
            self.close()
            self.socket = socket.socket(*kind)
            self.socket.setblocking(False)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connect_times_out_at = time.monotonic() + CONNECT_TIMEOUT_SECONDS
            try:
                error = self.socket.connect_ex(address)
                if error == errno.EINPROGRESS:
                    yield WRITE
                    error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not error:
                    self.connect_times_out_at = math.inf
                    return
                failure = OSError(error, os.strerror(error))
            except TimeoutError as timeout:
                failure = timeout
        raise failure

    def _parse_status(self, response: bytes) -> int:
        """Return the status code of a complete response, 0 if it is incomplete."""
        head, separator, body = response.partition(b"\r\n\r\n")
        if not separator:
            return 0
        status = _STATUS.match(head)
        if status is None:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the response is not HTTP")
        length = _LENGTH.search(head)
        # Without a content length, the body lasts until the connection is closed, except that a 204 has none (RFC 9112,
        # "Message Body Length"). Nothing here reads bodies.
        has_end = length is not None or status[1] == b"204"
        self.is_reusable = has_end and b"\r\nconnection: close" not in head.lower()
        if length is not None and len(body) < int(length[1]):
            return 0
        return int(status[1])


def _when_ready(event: int, operate: Callable[..., Any], *arguments: Any) -> Exchange:
    while True:
        try:
            return operate(*arguments)
        except ssl.SSLWantReadError:
            yield READ
        except ssl.SSLWantWriteError:
            yield WRITE
        except BlockingIOError:
            yield event
