"""Sliding-window rate limit per connection and per webhook.

The row of a connection contains the times of its last MESSAGES_PER_WINDOW messages. One conditional write checks that
the oldest time is outside the window, and replaces it by the time of this message. A rejected message is neither stored
nor delivered, and does not delay the sender's next message. At most once per second, the client receives a warning.

The list has its length since the connection joined, so a new MESSAGES_PER_WINDOW applies to new connections. The row of
a webhook has the same list; `webhooks.py` writes it.

All frames, pings and invalid ones included, are also counted in the memory of each process, in fixed windows. That is
enough to close a connection that floods the chat, but not exact. So are refused frames: a connection that sends many
of them and no accepted one in between is closed.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from chalicelib import limits, request_log, settings
from chalicelib.chat import members
from chalicelib.errors import Muted, NotInRoom, RateLimitExceeded, SlowModeLimitExceeded, TooManySignals
from chalicelib.storage.models import OWNER, Connection, RoomSequence
from chalicelib.storage.transactions import StorageError, UpdateAction, condition_failed, retry_on_conflict

WARNING_INTERVAL_SECONDS = 1
"""Minimum time between two warnings. The rejected messages in between get no response."""

Window = Literal["message_times", "owner_action_times"]
"""The attribute of a connection that contains the times of its last messages, or of its last actions as the owner."""

frame_counts: Counter[tuple[str, str]] = Counter()
"""The frames of each connection in the current window: of all kinds, and those of some actions."""

_counting_since = 0

MAX_COUNTED_CONNECTIONS = 10_000

refused_counts: dict[str, int] = {}
"""The number of frames of each connection that were refused since its last accepted one."""


def count_frame(connection_id: str) -> bool:
    """Count a frame in this process, and return whether its connection has exceeded MAX_FRAMES_PER_WINDOW."""
    return _count(connection_id, "")[0] > limits.MAX_FRAMES_PER_WINDOW


def count_signal(connection_id: str, action: str) -> None:
    """Count a frame of an action in this process. Raises TooManySignals above MAX_SIGNALS_PER_WINDOW.

    The client is told of the first one in each window.
    """
    count, retry_after = _count(connection_id, action)
    if count > limits.MAX_SIGNALS_PER_WINDOW:
        raise TooManySignals(retry_after, notify=count == limits.MAX_SIGNALS_PER_WINDOW + 1)


def _count(connection_id: str, action: str) -> tuple[int, int]:
    """Count a frame, and return the number in this window, and the seconds until the next window."""
    global _counting_since
    now = current_milliseconds()
    if not 0 <= now - _counting_since < settings.WINDOW_SECONDS * 1000:
        frame_counts.clear()
        _counting_since = now
    frame_counts[connection_id, action] += 1
    left = _counting_since + settings.WINDOW_SECONDS * 1000 - now
    return frame_counts[connection_id, action], max(1, -(-left // 1000))


def count_refused_frame(connection_id: str) -> bool:
    """Count a refused frame in this process, and return whether its connection has reached MAX_REFUSED_FRAMES."""
    if len(refused_counts) >= MAX_COUNTED_CONNECTIONS:
        refused_counts.clear()
    refused_counts[connection_id] = refused_counts.get(connection_id, 0) + 1
    return refused_counts[connection_id] >= limits.MAX_REFUSED_FRAMES


def forget_refused_frames(connection_id: str) -> None:
    """Start a new count of refused frames, because one was accepted."""
    refused_counts.pop(connection_id, None)


@retry_on_conflict
def check_rate_limit(connection_id: str, window: Window = "message_times", *, is_message: bool = False) -> Connection:
    """Record a message of a connection, and return the connection's row. Costs one request, if the limit allows it.

    window: the list of times that counts. The actions of an owner have one of their own.
    is_message: whether a muted member may not send it, and it counts for slow mode.

    Retries conflicts with transactions for up to 10 seconds. Raises RateLimitExceeded if the connection has sent
    MESSAGES_PER_WINDOW messages in the last WINDOW_SECONDS, Muted, NotInRoom and AccessTokenExpired.
    """
    now, sender = current_milliseconds(), Connection(connection_id)
    updates, is_allowed = slide_window(getattr(Connection, window), now)
    if is_message:  # both expressions refer to the values before the update ("Update expressions")
        updates.append(Connection.previous_message_at.set(Connection.last_message_at | 0))
        updates.append(Connection.last_message_at.set(now))
        is_unmuted = Connection.muted_until.does_not_exist() | (Connection.muted_until <= datetime.now(UTC))
        is_allowed &= is_unmuted | (Connection.role == OWNER)
    try:
        sender.update(updates, is_allowed)
    except StorageError as error:
        if not condition_failed(error):
            raise
        raise _rejection(connection_id, window, now, is_message=is_message) from error
    return members.require_connection(sender)


def check_mute(sender: Connection) -> None:
    """Raise Muted if a member is muted. An owner is not, whoever has muted the same person before."""
    if sender.muted_until is not None and sender.role != OWNER:
        seconds = (sender.muted_until - datetime.now(UTC)).total_seconds()
        if seconds > 0:
            raise Muted(math.ceil(seconds))


def waits_for_slow_mode(sender: Connection) -> bool:
    """Return whether slow mode has refused a message of a connection, and will refuse this one if it is still on."""
    return sender.slow_until > current_milliseconds()


def check_slow_mode(sender: Connection, room: RoomSequence) -> None:
    """Check that a connection may send another message if its room is in slow mode. Owners and moderators may.

    The first message that comes too soon records until when. Those that follow until then do not delay the next one.

    Raises SlowModeLimitExceeded.
    """
    if not room.slow_seconds or sender.role_in(room) is not None:
        return
    previous, now = int(sender.previous_message_at), int(sender.last_message_at)
    was_refused = previous < sender.slow_until
    due = int(sender.slow_until) if was_refused else previous + int(room.slow_seconds) * 1000
    if now >= due:
        return
    if not was_refused:
        sender.update([Connection.slow_until.set(due)], Connection.name.exists())
    raise SlowModeLimitExceeded(int(room.slow_seconds), -(-(due - now) // 1000))


def slide_window(
    times: Any, now: int, count: int | None = None, seconds: int | None = None
) -> tuple[list[UpdateAction], Any]:
    """Return the updates that record a message in the attribute with the last times, and their condition: the limit.

    By default, it allows MESSAGES_PER_WINDOW in WINDOW_SECONDS.
    """
    # Both orders of these two updates give the same list: an element that is set beyond the end of a list is appended,
    # and the elements after a removed one move up ("Update expressions").
    updates: list[UpdateAction] = [times[count or settings.MESSAGES_PER_WINDOW].set(now), times[0].remove()]
    return updates, times[0] <= now - (seconds or settings.WINDOW_SECONDS) * 1000


def seconds_to_wait(times: Sequence[Any], now: int) -> int:
    """Return the number of seconds, at least 1, until the limit allows the next message after the last times."""
    milliseconds = int(times[0]) + settings.WINDOW_SECONDS * 1000 - now
    return max(1, -(-milliseconds // 1000))


def current_milliseconds() -> int:
    """Return the time in milliseconds, as the lists of times contain it."""
    return time.time_ns() // 1_000_000


def _rejection(connection_id: str, window: Window, now: int, *, is_message: bool) -> NotInRoom | RateLimitExceeded:
    """Return why a message was rejected: the window is full, or the row has no times.

    Raises Muted, NotInRoom and AccessTokenExpired.
    """
    sender = members.require_connection(members.find_connection(connection_id))
    times = getattr(sender, window)
    if not times:
        return NotInRoom()
    request_log.append_keys(room_id=sender.joined_room_id)
    if is_message:
        check_mute(sender)
    retry_after = seconds_to_wait(times, now)
    count = _record_warning(sender, now, retry_after)
    return RateLimitExceeded(retry_after, notify=count > 0, count=count)


def _record_warning(sender: Connection, now: int, retry_after: int) -> int:
    """Record a warning, and return the number of consecutive warnings, this one included; 0 if none is due.

    A warning starts a new count if the sender has waited as long as the last one said. Of several concurrent messages,
    only the first to write its warning is due.
    """
    if now - int(sender.warned_at) < WARNING_INTERVAL_SECONDS * 1000:
        return 0
    warnings = int(sender.warnings) + 1 if now < sender.retry_at else 1
    try:
        sender.update(
            [
                Connection.warnings.set(warnings),
                Connection.warned_at.set(now),
                Connection.retry_at.set(now + retry_after * 1000),
            ],
            Connection.warned_at == sender.warned_at,
        )
    except StorageError as error:
        if not condition_failed(error):
            raise
        return 0
    return warnings
