"""Many HTTP posts at once, over connections that are kept open: one thread, one selector.

A library that is made for it costs more than all the rest of a broadcast, or does not fit into the package;
benchmarks/README.md has the figures. A channel's work is a generator that yields the event that it waits for.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import logging
import os
import random
import re
import selectors
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Collection, Generator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from chalicelib import settings

__all__ = ["Outcome", "Posts"]

CHANNELS = 256
"""How many connections are kept to API Gateway, and so, how many posts are under way at once: a quarter of the files
that a Lambda function may have open."""

OPENING = 32
"""How many connections are opened at once: a TLS handshake takes milliseconds of a processor, and with all of them at
once, the last would be given up before its turn came."""

POST_SECONDS = 2.0
"""How long one post may take, with the opening of its connection, until it is given up."""

BUDGET_SECONDS = 10.0
"""How long a whole broadcast may take, with all that is tried again."""

ATTEMPTS = 3
BACKOFF_SECONDS = 0.1
IDLE_SECONDS = 20.0
TICK_SECONDS = 0.1

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Waiting = Generator[int, None, Any]

log = logging.getLogger(f"{settings.APP_NAME}.posts")


class Outcome(NamedTuple):
    """The connection ids that a broadcast reached, found closed (410), and could not reach."""

    delivered: list[str]
    gone: list[str]
    failed: list[str]


class Posts:
    """A way to one server, for as many posts as there are."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._context = None
        if parts.scheme == "https":
            self._context = ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE"))
        self._address = parts.hostname or "", parts.port or (443 if self._context else 80)
        self._idle: list[_Channel] = []

    def send(self, connection_ids: Collection[str], write: Callable[[str], bytes]) -> Outcome:
        """Send what write makes of each connection id, and say what became of it.

        429, 5xx and broken connections are tried again, up to 3 attempts in all and within 10 seconds for everything; a
        post without an answer is given up after 2 seconds.
        """
        now = time.monotonic()
        idle = [channel for channel in self._idle if channel.is_usable(now)]
        with _Broadcast(connection_ids, write, idle, self._open) as broadcast:
            broadcast.run()
        self._idle = broadcast.idle
        return broadcast.outcome

    def close(self) -> None:
        """Close the connections that are kept open."""
        for channel in self._idle:
            channel.close()
        self._idle.clear()

    def _open(self) -> _Channel:
        return _Channel(self._address, self._context)


class _Post(NamedTuple):
    connection_id: str
    attempt: int


class _Broadcast:
    """One broadcast under way."""

    def __init__(
        self,
        connection_ids: Collection[str],
        write: Callable[[str], bytes],
        idle: list[_Channel],
        open_channel: Callable[[], _Channel],
    ) -> None:
        self.outcome = Outcome([], [], [])
        self.idle = idle
        self._write, self._open = write, open_channel
        self._to_do = deque(_Post(connection_id, 1) for connection_id in connection_ids)
        self._later: list[tuple[float, int, _Post]] = []
        self._order = itertools.count()
        self._busy: set[_Channel] = set()
        self._selector = selectors.DefaultSelector()
        self._ends_at = time.monotonic() + BUDGET_SECONDS

    def __enter__(self) -> _Broadcast:
        return self

    def __exit__(self, *_: object) -> None:
        self._selector.close()

    def run(self) -> None:
        next_tick = 0.0
        while self._to_do or self._later or self._busy:
            self._put_to_work()
            for key, _ in self._selector.select(TICK_SECONDS):
                self._go_on(key.data)
            if (now := time.monotonic()) >= next_tick:
                next_tick = now + TICK_SECONDS
                self._tick(now)

    def _put_to_work(self) -> None:
        while self._to_do and self.idle:
            self._start(self.idle.pop(), self._to_do.popleft())
        opening = sum(not channel.is_open for channel in self._busy)
        while self._to_do and opening < OPENING and len(self._busy) < CHANNELS:
            self._start(self._open(), self._to_do.popleft())
            opening += 1

    def _start(self, channel: _Channel, post: _Post) -> None:
        channel.post, channel.gives_up_at = post, time.monotonic() + POST_SECONDS
        channel.work = channel.exchange(self._write(post.connection_id))
        self._busy.add(channel)
        self._go_on(channel)

    def _go_on(self, channel: _Channel) -> None:
        try:
            event = next(channel.work)
        except StopIteration as answered:
            self._settle(channel.post, answered.value)
            self._free(channel)
        except OSError as error:
            self._try_again(channel.post, error)
            self._drop(channel)
        else:
            self._watch(channel, event)

    def _watch(self, channel: _Channel, event: int) -> None:
        if channel.watched is None:
            self._selector.register(channel.socket, event, channel)
        elif channel.watched != event:
            self._selector.modify(channel.socket, event, channel)
        channel.watched = event

    def _settle(self, post: _Post, status: int) -> None:
        if status == 200:
            self.outcome.delivered.append(post.connection_id)
        elif status == 410:
            self.outcome.gone.append(post.connection_id)
        elif status == 429 or status >= 500:
            self._try_again(post, f"status {status}")
        else:
            self._fail(post, f"status {status}")

    def _try_again(self, post: _Post, reason: object) -> None:
        if post.attempt == ATTEMPTS:
            self._fail(post, reason)
        else:
            due = time.monotonic() + random.uniform(0, BACKOFF_SECONDS * 2**post.attempt)  # noqa: S311
            heapq.heappush(self._later, (due, next(self._order), post._replace(attempt=post.attempt + 1)))

    def _fail(self, post: _Post, reason: object) -> None:
        log.warning("could not reach %s: %s", post.connection_id, reason)
        self.outcome.failed.append(post.connection_id)

    def _free(self, channel: _Channel) -> None:
        """Let a channel do what is next."""
        if not channel.can_go_on:
            self._drop(channel)
        elif self._to_do:
            self._start(channel, self._to_do.popleft())
        else:
            self._forget(channel)
            channel.used_at = time.monotonic()
            self.idle.append(channel)

    def _drop(self, channel: _Channel) -> None:
        self._forget(channel)
        channel.close()

    def _forget(self, channel: _Channel) -> None:
        self._busy.discard(channel)
        if channel.watched is not None:
            self._selector.unregister(channel.socket)
            channel.watched = None

    def _tick(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            self._to_do.append(heapq.heappop(self._later)[2])
        for channel in [channel for channel in self._busy if now >= min(channel.gives_up_at, self._ends_at)]:
            self._fail(channel.post, "no answer in time")
            self._drop(channel)
        if now >= self._ends_at:
            for post in [*self._to_do, *(post for _, _, post in self._later)]:
                self._fail(post, "the broadcast took too long")
            self._to_do.clear()
            self._later.clear()


class _Channel:
    """One connection to the server, opened when it is first needed."""

    post: _Post
    work: Waiting
    gives_up_at: float
    used_at: float

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext | None) -> None:
        self._address, self._context = address, context
        self.socket: Any = None
        self.watched: int | None = None
        self.is_open = False
        self.can_go_on = True

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
        length = _LENGTH.search(head)
        # Without a length only the end of the connection ends a body, and nothing here reads bodies.
        self.can_go_on = length is not None and b"\r\nconnection: close" not in head.lower()
        if length is not None and len(body) < int(length[1]):
            return 0
        return int(head[9:12])


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
