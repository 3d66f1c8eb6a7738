"""Addresses of a server, resolved without blocking a broadcast for long."""

from __future__ import annotations

import logging
import socket
import time
from concurrent.futures import ThreadPoolExecutor
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


_executor = ThreadPoolExecutor()  # getaddrinfo has no timeout


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
            lookup = _executor.submit(socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM)
            try:
                found = lookup.result(TIMEOUT_SECONDS)
            except OSError as error:
                self._expires_at = time.monotonic() + RETRY_SECONDS
                log.warning("could not look up %s: %s", self._host, str(error) or "timeout")
            else:
                self._found = [(family, kind, protocol, address) for family, kind, protocol, _, address in found]
                self._expires_at = time.monotonic() + TTL_SECONDS
        return self._found
