"""Prefetch of `sendMessage`: it takes a sequence and reads the recipients while the rate limit is checked.

So a message waits for two round trips to DynamoDB instead of three. Both need the room of the connection, which the row
that the rate limit reads contains. Each process therefore remembers the rooms of the connections that have sent a
message before.

    with prefetch(connection_id) as prefetched:
        context.check_rate_limit()
        sequence, recipients = prefetched.results(context.sender)

The sequence of a message that is rejected before it is stored is closed. No sequence is taken ahead for a sender whose
last message had a clientId that was used before, or was refused by slow mode.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, cast

from chalicelib.chat import messages
from chalicelib.storage.models import Connection, Recipient, RoomSequence

MAX_KNOWN_ROOMS = 10_000

Recipients = Future[dict[str, Recipient]]

_executor = ThreadPoolExecutor(2)
known_rooms: dict[str, str] = {}
"""The room id of each connection by connection id."""


class Prefetch:
    """The requests that have started."""

    def __init__(self, room_id: str | None) -> None:
        self._room_id = room_id
        self._sender: Connection | None = None
        self._sequence: Future[RoomSequence] | None = None
        self._recipients: Recipients | None = None
        if room_id is not None:
            self._start(room_id)

    def results(self, sender: Connection) -> tuple[RoomSequence | None, Recipients]:
        """Return a sequence of the sender's room, and the future of the recipients in it.

        The sequence is None if the message is likely to need none. Otherwise the caller uses or closes it. If the
        recipients cannot be read, the message is stored all the same.
        """
        if self._recipients is None or self._room_id != sender.joined_room_id:
            self.discard()
            self._start(sender.joined_room_id, with_sequence=messages.is_accepted(sender))
        sequence = None if self._sequence is None else self._sequence.result()
        self._sender = sender
        return sequence, cast(Recipients, self._recipients)

    def remember(self) -> None:
        """Remember the room of the sender, whose message was accepted."""
        if self._sender is not None and not messages.is_repeating(self._sender):
            if len(known_rooms) >= MAX_KNOWN_ROOMS:
                known_rooms.clear()
            known_rooms[self._sender.connection_id] = self._sender.joined_room_id

    def discard(self) -> None:
        """Wait until the requests have ended, and close the sequence unless `results` has returned it."""
        self.wait()
        if self._room_id is None or self._sequence is None or self._sender is not None or self._sequence.exception():
            return
        messages.close_sequence(self._room_id, int(self._sequence.result().last_sequence))

    def wait(self) -> None:
        """Wait until the requests have ended."""
        requests: list[Future[Any]] = [request for request in (self._sequence, self._recipients) if request is not None]
        wait(requests)

    def _start(self, room_id: str, *, with_sequence: bool = True) -> None:
        self._room_id = room_id
        self._sequence = _executor.submit(messages.take_sequence, room_id) if with_sequence else None
        self._recipients = _executor.submit(Connection.recipients_in, room_id)


@contextmanager
def prefetch(connection_id: str) -> Iterator[Prefetch]:
    """Start the requests for the next message of a connection, if its room is known, and wait for them at the end."""
    # A connection is forgotten until its message is accepted: only the first of many rejected frames prefetches.
    started = Prefetch(known_rooms.pop(connection_id, None))
    try:
        yield started
        started.remember()
    except BaseException:
        started.discard()
        raise
    finally:
        started.wait()  # because Lambda freezes the process when the handler returns
