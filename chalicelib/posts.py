"""Many HTTP posts at once, over connections that are kept open: one thread, one selector.

A library that is made for it costs more than all the rest of a broadcast, or does not fit into the package;
benchmarks/README.md has the figures.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import os
import random
import selectors
import ssl
import time
from collections import deque
from collections.abc import Callable, Collection
from typing import NamedTuple
from urllib.parse import urlsplit

from chalicelib import settings
from chalicelib.channel import Channel, Waiting

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
TICK_SECONDS = 0.02

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
        self._idle: list[Channel] = []

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

    def _open(self) -> Channel:
        return Channel(self._address, self._context)


class _Post(NamedTuple):
    connection_id: str
    attempt: int


class _Work(NamedTuple):
    """What a channel is busy with."""

    post: _Post
    steps: Waiting
    gives_up_at: float


class _Broadcast:
    """One broadcast under way."""

    def __init__(
        self,
        connection_ids: Collection[str],
        write: Callable[[str], bytes],
        idle: list[Channel],
        open_channel: Callable[[], Channel],
    ) -> None:
        self.outcome = Outcome([], [], [])
        self.idle = idle
        self._write, self._open = write, open_channel
        self._to_do = deque(_Post(connection_id, 1) for connection_id in connection_ids)
        self._later: list[tuple[float, int, _Post]] = []
        self._order = itertools.count()
        self._busy: dict[Channel, _Work] = {}
        self._watched: dict[Channel, int] = {}
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

    def _start(self, channel: Channel, post: _Post) -> None:
        steps = channel.exchange(self._write(post.connection_id))
        self._busy[channel] = _Work(post, steps, time.monotonic() + POST_SECONDS)
        self._go_on(channel)

    def _go_on(self, channel: Channel) -> None:
        work = self._busy[channel]
        try:
            event = next(work.steps)
        except StopIteration as answered:
            self._settle(work.post, answered.value)
            self._free(channel)
        except OSError as error:
            self._try_again(work.post, error)
            self._drop(channel)
        else:
            self._watch(channel, event)

    def _watch(self, channel: Channel, event: int) -> None:
        if channel not in self._watched:
            self._selector.register(channel.socket, event, channel)
        elif self._watched[channel] != event:
            self._selector.modify(channel.socket, event, channel)
        self._watched[channel] = event

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

    def _free(self, channel: Channel) -> None:
        """Let a channel do what is next."""
        if not channel.can_go_on:
            self._drop(channel)
        elif self._to_do:
            self._start(channel, self._to_do.popleft())
        else:
            self._forget(channel)
            channel.used_at = time.monotonic()
            self.idle.append(channel)

    def _drop(self, channel: Channel) -> None:
        self._forget(channel)
        channel.close()

    def _forget(self, channel: Channel) -> None:
        del self._busy[channel]
        if self._watched.pop(channel, None) is not None:
            self._selector.unregister(channel.socket)

    def _tick(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            self._to_do.append(heapq.heappop(self._later)[2])
        for channel, work in list(self._busy.items()):
            if now >= min(work.gives_up_at, self._ends_at):
                self._fail(work.post, "no answer in time")
                self._drop(channel)
        if now >= self._ends_at:
            for post in [*self._to_do, *(post for _, _, post in self._later)]:
                self._fail(post, "the broadcast took too long")
            self._to_do.clear()
            self._later.clear()
