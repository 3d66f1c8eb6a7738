"""Addresses of a server, resolved without blocking a broadcast for long."""

from __future__ import annotations

import logging
import socket
import threading
import time
from concurrent.futures import Future
from typing import Any

from chalicelib import settings

TTL_SECONDS = 60.0
"""Time for which a result is reused."""

TIMEOUT_SECONDS = 2.0

RETRY_SECONDS = 5.0
"""Minimum time between a lookup that failed and the next one."""

Address = tuple[Any, ...]
"""The first three arguments of `socket.socket`, and the argument of `connect`."""

log = logging.getLogger(f"{settings.APP_NAME}.name_resolution")


class Resolver:
    """The addresses of one server."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._found: list[Address] = []
        self._expires_at = 0.0

    def addresses(self) -> list[Address]:
        """Return the addresses of the server. Looks them up once in 60 seconds.

        A lookup that fails, or takes longer than 2 seconds, is logged. It leaves the earlier addresses, if any.
        """
        if time.monotonic() >= self._expires_at:
            try:
                self._found = self._look_up()
                self._expires_at = time.monotonic() + TTL_SECONDS
            except OSError as error:
                self._expires_at = time.monotonic() + RETRY_SECONDS
                log.warning("could not look up %s: %s", self._host, str(error) or "timeout")
        return self._found

    def _look_up(self) -> list[Address]:
        """Call getaddrinfo in a thread of its own, because it has no timeout."""
        result: Future[list[Address]] = Future()

        def look_up() -> None:
            try:
                found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
                result.set_result([(family, kind, protocol, address) for family, kind, protocol, _, address in found])
            except OSError as error:
                result.set_exception(error)

        threading.Thread(target=look_up, daemon=True).start()
        return result.result(TIMEOUT_SECONDS)
