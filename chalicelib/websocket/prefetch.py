"""Prefetch of `sendMessage`: it takes a sequence and reads the recipients while the rate limit is checked.

So a message waits for two round trips to DynamoDB instead of three. Both need the room of the connection, which the row
that the rate limit reads contains. Each process therefore remembers the rooms of the connections that have sent a
message before.

    with prefetch(connection_id) as prefetched:
        context.check_rate_limit()
        sequence, recipients = prefetched.results(context.sender)

A rejected message leaves its sequence as a gap, as after a crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

from chalicelib.chat import messages
from chalicelib.storage.models import Connection

MAX_KNOWN_ROOMS = 10_000

_Requests = tuple[Future[int], Future[dict[str, int]]]

_executor = ThreadPoolExecutor(2)
known_rooms: dict[str, str] = {}
"""The room id of each connection by connection id."""


class Prefetch:
    """The requests that have started."""

    def __init__(self, room_id: str | None) -> None:
        self._room_id = room_id
        self._requests: _Requests | None = None if room_id is None else _start(room_id)

    def results(self, sender: Connection) -> tuple[int, Future[dict[str, int]]]:
        """Return a sequence of the sender's room, and the future of the recipients in it.

        If the recipients cannot be read, the message is stored all the same.
        """
        if self._requests is None or self._room_id != sender.joined_room_id:
            self.wait()
            self._requests = _start(sender.joined_room_id)
        if len(known_rooms) >= MAX_KNOWN_ROOMS:
            known_rooms.clear()
        known_rooms[sender.connection_id] = sender.joined_room_id
        sequence, recipients = self._requests
        return sequence.result(), recipients

    def wait(self) -> None:
        """Wait until the requests have ended."""
        if self._requests is not None:
            requests: tuple[Future[Any], ...] = self._requests
            wait(requests)


@contextmanager
def prefetch(connection_id: str) -> Iterator[Prefetch]:
    """Start the requests for the next message of a connection, if its room is known, and wait for them at the end."""
    # A connection is forgotten until its message is accepted: only the first of many rejected frames prefetches.
    started = Prefetch(known_rooms.pop(connection_id, None))
    try:
        yield started
    finally:
        started.wait()  # because Lambda freezes the process when the handler returns


def _start(room_id: str) -> _Requests:
    return _executor.submit(messages.take_sequence, room_id), _executor.submit(Connection.recipients_in, room_id)
