"""Ticks: the delivery of messages and stored events to rooms of more than FANOUT_BATCH connections.

A post can carry several messages, but API Gateway limits the number of posts. So a large room collects what is stored,
and delivers it in ticks: each connection receives at most one post per tick, unless the messages are longer than a
frame. The first message after a quiet moment is delivered at once.

    schedule    after a message was stored: note its sequence, and queue a tick unless one is queued
    begin       when the queue starts the tick: release the claim, and read what the room has to deliver
    finish      after the batches of the tick were queued: forget what they contain

The claim is released before the messages are read: a message that is stored later finds no claim, and queues the next
tick. What was noted stays until a tick has queued it. A tick also reads messages that are stored but not noted yet, in
case their function has crashed. So a crash at any point loses no message: it is in the next tick, and the next message
can queue one after TAKEOVER_SECONDS at the latest. A crash may repeat messages.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from chalicelib import limits, request_log
from chalicelib.chat import rooms
from chalicelib.chat.history import add_edited_texts
from chalicelib.chat.rate_limit import current_milliseconds
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import Tick
from chalicelib.protocol.responses import STORED_EVENTS, HistoryItem, history_item
from chalicelib.storage.models import Message, Room, Ticks
from chalicelib.storage.transactions import Condition, StorageError, UpdateAction, condition_failed, size

MIN_INTERVAL_SECONDS = 1

POSTS_PER_SECOND = 5_000
"""The interval is longer in larger rooms, so that one room uses about half of an account's 10,000 posts per second
("Amazon API Gateway quotas"). docs/scaling.md compares other values."""

MAX_RATE = 15_000
"""Posts per second while a tick is sent: the account's burst of 5,000 posts (same AWS page) lasts for 10,000
connections."""

TAKEOVER_SECONDS = 5
"""Time after which a tick that was due has crashed. SQS and a cold start take less."""

QUIET_SECONDS = 60
"""After this time without a tick, the room may have been small, and messages delivered without ticks."""

STATE_TTL_SECONDS = 86_400

MAX_WAITING = 200
"""Maximum number of sequences in `Ticks.waiting`, so that a write of the item stays cheap. A tick finds further
messages behind its position."""

MAX_TICK_BYTES = 262_144
"""Maximum size of what one tick delivers. A queue message of 1 MiB contains it ("Amazon SQS message quotas"), also with
each character escaped, and FANOUT_BATCH connections. The next tick delivers the rest."""


class Content(NamedTuple):
    """The messages and events that a tick delivers, and the new values of Ticks. is_whole: whether nothing is left."""

    items: list[HistoryItem]
    position: int
    delivered: set[float]
    ahead: set[float]
    is_whole: bool


def schedule(endpoint: str, room_id: str, sequence: int, connections: int) -> None:
    """Have the next tick deliver a stored message or event.

    connections: the number of connections in the room. Costs one write, or two and a request to SQS if it queues a
    tick. Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    state = Ticks(room_id)
    expires_at = datetime.now(UTC) + timedelta(seconds=STATE_TTL_SECONDS)
    has_space = Ticks.waiting.does_not_exist() | (size(Ticks.waiting) < MAX_WAITING)
    if not _update(state, [Ticks.waiting.add({sequence}), Ticks.expires_at.set(expires_at)], has_space):
        state = Ticks.find(room_id, Ticks.SORT_KEY) or state
    _queue_tick(endpoint, state, connections)


def begin(tick: Tick) -> Content | None:
    """Begin a tick, and return what it has to deliver, None for nothing.

    A tick of which the claim was taken over goes on all the same: if jobs wait for longer than TAKEOVER_SECONDS, each
    tick is taken over before it begins. Raises StorageError if DynamoDB fails.
    """
    state = Ticks(tick.room_id)
    began: list[UpdateAction] = [Ticks.began_at.set(current_milliseconds())]
    is_begun = _update(state, [*began, Ticks.claimed_until.remove()], Ticks.number == tick.number) or _update(
        state, began, Ticks.number.exists()
    )
    room = rooms.find(tick.room_id) if is_begun else None
    content = None if room is None else _read(state, room)
    return content if content is not None and content.delivered else None


def finish(tick: Tick, content: Content, connections: int, posts: int) -> None:
    """Forget what the batches of a tick contain, and queue the next tick if there is more.

    posts: the number of frames for each connection. A slow tick may set the position back. Then the next one repeats
    messages. Raises StorageError if DynamoDB fails.
    """
    state = Ticks(tick.room_id)
    changes: list[UpdateAction] = [
        Ticks.waiting.delete(content.delivered),
        Ticks.position.set(content.position),
        Ticks.posts.set(posts),
        Ticks.ahead.set(content.ahead) if content.ahead else Ticks.ahead.remove(),
    ]
    is_open = _update(state, changes, Ticks.number.exists())
    if is_open and (state.waiting or not content.is_whole):
        _queue_tick(tick.endpoint, state, connections)


def _update(state: Ticks, changes: list[UpdateAction], condition: Condition) -> bool:
    """Change the item, and return whether the condition holds."""
    try:
        state.update(changes, condition)
    except StorageError as error:
        if not condition_failed(error):
            raise
        return False
    return True


def _queue_tick(endpoint: str, state: Ticks, connections: int) -> None:
    """Queue a tick, unless one is queued. It is due at once, or when the interval since the last one is over."""
    now = current_milliseconds()
    if state.claimed_until > now:
        return
    interval = max(MIN_INTERVAL_SECONDS, connections * state.posts / POSTS_PER_SECOND)
    remaining = (state.began_at - now) / 1000 + interval
    delay = max(round(remaining), 1) if remaining > 0 else 0
    changes: list[UpdateAction] = [
        Ticks.claimed_until.set(now + (delay + TAKEOVER_SECONDS) * 1000),
        Ticks.number.add(1),
    ]
    if state.waiting and state.began_at < now - QUIET_SECONDS * 1000:
        changes.append(Ticks.position.set(max(state.position, min(state.waiting) - 1)))
    if _update(state, changes, Ticks.claimed_until.does_not_exist() | (Ticks.claimed_until <= now)):
        jobs.enqueue_later(Tick(endpoint, state.room_id, int(state.number)), delay=delay)


def _read(state: Ticks, room: Room) -> Content:
    """Read what follows the position, up to MAX_PAGE_SIZE rows, and what was stored under lower sequences later."""
    position, waiting, ahead = int(state.position), set(map(int, state.waiting or ())), set(map(int, state.ahead or ()))
    following = Message.sort_key.between(Message.sort_key_of(position + 1), Message.sort_key_of(limits.MAX_SEQUENCE))
    rows = list(Message.query(room.room_id, following, consistent_read=True, limit=limits.MAX_PAGE_SIZE))
    is_whole = len(rows) < limits.MAX_PAGE_SIZE
    if sent_at := [row.sent_at for row in rows if row.sent_at is not None]:
        delay = datetime.now(UTC) - min(sent_at)
        request_log.add_metric(ticks=1, tick_delay_ms=delay // timedelta(milliseconds=1))
    late = [(room.room_id, Message.sort_key_of(sequence)) for sequence in waiting - ahead if sequence <= position]
    if late:
        rows += Message.batch_get(late, consistent_read=True)
    rows.sort(key=lambda row: row.sequence)
    hidden = room.hidden or {}
    add_edited_texts(room.room_id, rows, hidden)
    items, delivered, total = list[HistoryItem](), set[float](), 0
    for row in rows:
        if row.is_shown(hidden) and (row.event is None or row.event in STORED_EVENTS):
            item = history_item(row)
            total += len(msgspec.json.encode(item))
            if total > MAX_TICK_BYTES:
                is_whole = False
                break
            items.append(item)
        delivered.add(int(row.sequence))
    reached = int(max(delivered, default=0))
    known = waiting if is_whole else {sequence for sequence in waiting if sequence <= reached}
    return Content(items, max(position, reached), delivered | known, delivered - waiting, is_whole)
