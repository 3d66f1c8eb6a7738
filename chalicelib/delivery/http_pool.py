"""Keep-alive connection pool for one server. One thread and one selector run all its requests concurrently.

benchmarks/README.md compares it with libraries: they cost more CPU than the rest of a broadcast, or do not fit into the
package.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import random
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from typing import NamedTuple
from urllib.parse import urlsplit

from chalicelib import settings
from chalicelib.delivery.http_connection import Exchange, HTTPConnection
from chalicelib.delivery.name_resolution import Resolver
from chalicelib.delivery.tls import tls_context

MAX_CONNECTIONS = 256
"""Maximum number of open connections, and so of posts in progress: a quarter of the file descriptors that a Lambda
function may open."""

MAX_CONNECTING = 32
"""Maximum number of connections being opened. A TLS handshake takes milliseconds of CPU: with all of them at once, the
last ones would time out before their turn."""

POST_TIMEOUT_SECONDS = 2.0
"""Timeout of one post, including the opening of its connection."""

BROADCAST_TIMEOUT_SECONDS = 10.0
"""Timeout of a whole broadcast, including name resolution and retries."""

MAX_POST_ATTEMPTS = 3
BACKOFF_SECONDS = 0.1
POLL_SECONDS = 0.02

log = logging.getLogger(f"{settings.APP_NAME}.http_pool")


class BroadcastResult(NamedTuple):
    """Connection ids by result: delivered, gone (status 410), and failed."""

    delivered: list[str]
    gone: list[str]
    failed: list[str]


class ConnectionPool:
    """Keep-alive connections to one server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._context = None
        if parts.scheme == "https":
            self._context = tls_context()
        self._host = parts.hostname or ""
        self._resolver = Resolver(self._host, parts.port or (443 if self._context else 80))
        self._idle: list[HTTPConnection] = []

    def post_all(
        self, connection_ids: Collection[str], build_request: Callable[[str], bytes], rate: float | None = None
    ) -> BroadcastResult:
        """Send the request that build_request makes for each connection id, and return the results.

        429, 5xx and broken HTTP connections are retried with jittered exponential backoff, up to 3 attempts. 410 counts
        as gone; any other status fails at once. An attempt times out after 2 seconds, and all posts together after 10.

        rate: the maximum number of requests that begin per second, without retries. None for no limit.
        """
        now = time.monotonic()
        idle = [connection for connection in self._idle if connection.is_usable(now)]
        addresses = deque(self._resolver.addresses())

        def new_connection() -> HTTPConnection:
            addresses.rotate()  # so that all addresses get connections
            return HTTPConnection(self._host, tuple(addresses), self._context)

        times_out_at = now + BROADCAST_TIMEOUT_SECONDS
        with _Broadcast(connection_ids, build_request, idle, new_connection, times_out_at, rate) as broadcast:
            broadcast.run()
        self._idle = broadcast.idle
        return broadcast.result

    def close(self) -> None:
        """Close the idle connections."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()


class _Post(NamedTuple):
    connection_id: str
    attempt: int


class _InProgress(NamedTuple):
    """The post that a connection is working on."""

    post: _Post
    exchange: Exchange
    times_out_at: float


class _Broadcast:
    """The event loop of one broadcast."""

    def __init__(
        self,
        connection_ids: Collection[str],
        build_request: Callable[[str], bytes],
        idle: list[HTTPConnection],
        new_connection: Callable[[], HTTPConnection],
        times_out_at: float,
        rate: float | None,
    ) -> None:
        self.result = BroadcastResult([], [], [])
        self.idle = idle
        self._build_request, self._new_connection = build_request, new_connection
        self._waiting = deque(_Post(connection_id, 1) for connection_id in connection_ids)
        self._rate, self._began_at, self._admitted = rate, time.monotonic(), 0
        self._pending = deque[_Post]()
        self._retries: list[tuple[float, int, _Post]] = []
        self._retry_order = itertools.count()
        self._busy: dict[HTTPConnection, _InProgress] = {}
        self._registered: dict[HTTPConnection, tuple[socket.socket, int]] = {}
        self._selector = selectors.DefaultSelector()
        self._times_out_at = times_out_at
        self._failures = Counter[str]()

    def __enter__(self) -> _Broadcast:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def run(self) -> None:
        """Run until every post has a result."""
        next_check = 0.0
        while self._waiting or self._pending or self._retries or self._busy:
            self._admit()
            self._dispatch()
            for key, _ in self._selector.select(POLL_SECONDS):
                self._advance(key.data)
            if (now := time.monotonic()) >= next_check:
                next_check = now + POLL_SECONDS
                self._check_times(now)
        self._log_failures()

    def _admit(self) -> None:
        """Let as many posts begin as the rate allows by now."""
        if self._rate is None:
            due = len(self._waiting)
        else:
            allowed = 1 + int((time.monotonic() - self._began_at) * self._rate)
            due = min(len(self._waiting), allowed - self._admitted)
        self._admitted += due
        self._pending.extend(self._waiting.popleft() for _ in range(due))

    def _dispatch(self) -> None:
        """Start pending posts on idle connections, then on new ones."""
        while self._pending and self.idle:
            self._start(self.idle.pop(), self._pending.popleft())
        connecting = sum(not connection.is_open for connection in self._busy)
        while self._pending and connecting < MAX_CONNECTING and len(self._busy) < MAX_CONNECTIONS:
            self._start(self._new_connection(), self._pending.popleft())
            connecting += 1

    def _start(self, connection: HTTPConnection, post: _Post) -> None:
        exchange = connection.exchange(self._build_request(post.connection_id))
        self._busy[connection] = _InProgress(post, exchange, time.monotonic() + POST_TIMEOUT_SECONDS)
        self._advance(connection)

    def _advance(self, connection: HTTPConnection, timeout: TimeoutError | None = None) -> None:
        """Continue the exchange of a connection whose socket is ready, or whose attempt to connect has timed out."""
        in_progress = self._busy[connection]
        try:
            event = in_progress.exchange.throw(timeout) if timeout else next(in_progress.exchange)
        except StopIteration as finished:
            self._handle_status(in_progress.post, finished.value)
            self._release(connection)
        except OSError as error:
            self._retry(in_progress.post, error)
            self._drop(connection)
        else:
            self._register(connection, event)

    def _register(self, connection: HTTPConnection, event: int) -> None:
        if self._registered.get(connection) != (connection.socket, event):
            self._unregister(connection)
            self._selector.register(connection.socket, event, connection)
            self._registered[connection] = connection.socket, event

    def _handle_status(self, post: _Post, status: int) -> None:
        if status in (200, 204):
            self.result.delivered.append(post.connection_id)
        elif status == 410:
            self.result.gone.append(post.connection_id)
        elif status == 429 or status >= 500:
            self._retry(post, f"status {status}")
        else:
            self._fail(post, f"status {status}")

    def _retry(self, post: _Post, reason: object) -> None:
        if post.attempt == MAX_POST_ATTEMPTS:
            self._fail(post, reason)
        else:
            due = time.monotonic() + random.uniform(0, BACKOFF_SECONDS * 2**post.attempt)  # noqa: S311
            heapq.heappush(self._retries, (due, next(self._retry_order), post._replace(attempt=post.attempt + 1)))

    def _fail(self, post: _Post, reason: object) -> None:
        self._failures[str(reason)] += 1
        self.result.failed.append(post.connection_id)

    def _log_failures(self) -> None:
        """Log one line with the number of failures by their reason."""
        if self._failures:
            reasons = ", ".join(f"{count} with {reason}" for reason, count in self._failures.most_common())
            log.warning("could not reach %d connections: %s", self._failures.total(), reasons)

    def _release(self, connection: HTTPConnection) -> None:
        """Start the next post on a connection that has finished one, or keep it idle."""
        if not connection.is_reusable:
            self._drop(connection)
        elif self._pending:
            self._start(connection, self._pending.popleft())
        else:
            del self._busy[connection]
            self._unregister(connection)
            connection.last_used = time.monotonic()
            self.idle.append(connection)

    def _drop(self, connection: HTTPConnection) -> None:
        del self._busy[connection]
        self._unregister(connection)
        connection.close()

    def _unregister(self, connection: HTTPConnection) -> None:
        if registered := self._registered.pop(connection, None):
            self._selector.unregister(registered[0])

    def _check_times(self, now: float) -> None:
        """Queue the retries that are due, and fail what has timed out."""
        while self._retries and self._retries[0][0] <= now:
            self._pending.append(heapq.heappop(self._retries)[2])
        for connection, in_progress in list(self._busy.items()):
            if now >= min(in_progress.times_out_at, self._times_out_at):
                self._fail(in_progress.post, "timeout")
                self._drop(connection)
            elif now >= connection.connect_times_out_at:
                self._advance(connection, TimeoutError("timeout of the connection"))
        if now >= self._times_out_at:
            for post in [*self._waiting, *self._pending, *(post for _, _, post in self._retries)]:
                self._fail(post, "timeout of the broadcast")
            self._waiting.clear()
            self._pending.clear()
            self._retries.clear()
