"""Flood control: how much one connection may say, so that nobody drowns the others.

The row of a connection holds the times of its last MESSAGES_PER_WINDOW messages. One write reads who speaks, sees
whether the oldest of those times is out of the window, and puts the time of this message in its place. A message that
is refused changes nothing there: it costs the others nothing, and its sender no time.

What is no message, pings and whatever is refused, costs no write, and so is counted in each function's memory alone.
That is enough to end a connection that sends nothing else, and never exact.
"""

from __future__ import annotations

import time
from collections import Counter

from pynamodb.exceptions import UpdateError
from pynamodb.expressions.update import Action

from chalicelib import rooms, settings
from chalicelib.models import Connection

__all__ = ["FloodError", "admit", "overruns"]

WARNING_SECONDS = 1
"""How long a warning holds for the messages after it, which then get none of their own."""


FRAMES_PER_WINDOW = 500
"""How many frames of one connection, of all kinds, one process takes in WINDOW_SECONDS."""

_frames: Counter[str] = Counter()
_counted_since = 0


class FloodError(Exception):
    """One message too many within WINDOW_SECONDS.

    retry_after: in how many seconds there is room for the next. warnings: how many the sender has had without waiting
    that long, with the one due now; None when none is, so soon after the last.
    """

    def __init__(self, retry_after: int, warnings: int | None):
        super().__init__(
            f"expected at most {settings.MESSAGES_PER_WINDOW} messages in {settings.WINDOW_SECONDS} seconds; "
            f"send this one again in {retry_after}"
        )
        self.retry_after = retry_after
        self.warnings = warnings


def overruns(connection_id: str) -> bool:
    """Count a frame, and say whether its connection has sent more of them than anybody could read."""
    global _counted_since
    now = _milliseconds()
    if not 0 <= now - _counted_since < settings.WINDOW_SECONDS * 1000:
        _frames.clear()
        _counted_since = now
    _frames[connection_id] += 1
    return _frames[connection_id] > FRAMES_PER_WINDOW


def admit(connection_id: str) -> Connection | None:
    """Read who speaks through a connection and count their message, None when it is in no room.

    Raises FloodError.
    """
    now, sender = _milliseconds(), Connection(connection_id)
    # Whichever of the two DynamoDB does first, the list keeps its length: an element set beyond the end of a list is
    # appended, and those after a removed one move up ("Update expressions").
    slide: list[Action] = [Connection.recent[settings.MESSAGES_PER_WINDOW].set(now), Connection.recent[0].remove()]
    try:
        sender.update(slide, Connection.recent[0] <= now - settings.WINDOW_SECONDS * 1000)
    except UpdateError as error:
        _raise_unless_refused(error)
        found = rooms.find_member(connection_id)
        if found is not None and found.recent:  # whose $connect counted nothing yet has to connect again
            retry_after = _retry_after(found, now)
            raise FloodError(retry_after, _warnings(found, now, retry_after)) from error
        return None
    return sender


def _retry_after(sender: Connection, now: int) -> int:
    milliseconds = int(sender.recent[0]) + settings.WINDOW_SECONDS * 1000 - now
    return max(1, -(-milliseconds // 1000))


def _warnings(sender: Connection, now: int, retry_after: int) -> int | None:
    """Count a warning, when one is due: one more in vain, when the sender has not waited as the last one told them.

    Several messages at once warn once: the first to write it down.
    """
    if now - int(sender.warned_at) < WARNING_SECONDS * 1000:
        return None
    warnings = int(sender.warnings) + 1 if now < sender.held_until else 1
    try:
        sender.update(
            [
                Connection.warnings.set(warnings),
                Connection.warned_at.set(now),
                Connection.held_until.set(now + retry_after * 1000),
            ],
            Connection.warned_at == sender.warned_at,
        )
    except UpdateError as error:
        _raise_unless_refused(error)
        return None
    return warnings


def _raise_unless_refused(error: UpdateError) -> None:
    if error.cause_response_code != "ConditionalCheckFailedException":
        raise error


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
