"""One HTTP connection that never blocks: its work is a generator that yields the selector's event that it waits for."""

from __future__ import annotations

import errno
import logging
import os
import re
import selectors
import socket
import ssl
from collections.abc import Callable, Generator
from typing import Any

from chalicelib import settings

__all__ = ["Channel", "Waiting"]

IDLE_SECONDS = 20.0

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Waiting = Generator[int, None, Any]

log = logging.getLogger(f"{settings.APP_NAME}.channel")


class Channel:
    """One connection to the server, opened when it is first needed."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None) -> None:
        self._address, self._context = address, context
        self.socket: Any = None
        self.is_open = False
        self.can_go_on = True
        self.used_at = 0.0

    def exchange(self, request: bytes) -> Waiting:
        """Send a request, and return the status of the response."""
        if not self.is_open:
            yield from self._open()
            self.is_open = True
        while request:
            request = request[(yield from _when_ready(WRITE, self.socket.send, request)) :]
        yield READ
        response = b""
        while not (status := self._status(response)):
            received = yield from _when_ready(READ, self.socket.recv, 65_536)
            if not received:
                raise ConnectionResetError(errno.ECONNRESET, "the connection was closed instead of an answer")
            response += received
        return status

    def is_usable(self, now: float) -> bool:
        """Say whether an idle connection is still open. One that idled long may have been dropped without a word."""
        if now - self.used_at < IDLE_SECONDS:
            try:
                self.socket.recv(1)  # nothing and something are both wrong here: closed, or an answer to nothing
            except (BlockingIOError, ssl.SSLWantReadError):
                return True
            except OSError as error:
                log.debug("an idle connection is gone: %s", error)
        self.close()
        return False

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()

    def _open(self) -> Waiting:
        family, kind, protocol, _, address = socket.getaddrinfo(*self._address, type=socket.SOCK_STREAM)[0]
        self.socket = socket.socket(family, kind, protocol)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = self.socket.connect_ex(address)
        if error == errno.EINPROGRESS:
            yield WRITE
            error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        if self._context is not None:
            self.socket = self._context.wrap_socket(
                self.socket, server_hostname=self._address[0], do_handshake_on_connect=False
            )
            yield from _when_ready(READ, self.socket.do_handshake)

    def _status(self, response: bytes) -> int:
        """Return a response's status when it is whole, 0 while it is not."""
        head, ended, body = response.partition(b"\r\n\r\n")
        if not ended:
            return 0
        status = _STATUS.match(head)
        if status is None:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the answer is not HTTP")
        length = _LENGTH.search(head)
        # Without a length only the end of the connection ends a body, and nothing here reads bodies.
        self.can_go_on = length is not None and b"\r\nconnection: close" not in head.lower()
        if length is not None and len(body) < int(length[1]):
            return 0
        return int(status[1])


def _when_ready(event: int, operate: Callable[..., Any], *arguments: Any) -> Waiting:
    while True:
        try:
            return operate(*arguments)
        except ssl.SSLWantReadError:
            yield READ
        except ssl.SSLWantWriteError:
            yield WRITE
        except BlockingIOError:
            yield event
