"""The rooms of a stage: list, close and export them, and delete the messages of a member."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from chalicelib import limits, settings
from chalicelib.auth import identity
from chalicelib.chat import members, moderation, reactions, rooms
from chalicelib.delivery import addresses, jobs
from chalicelib.delivery.jobs import Delivery, Removal
from chalicelib.errors import RoomNotFound
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Closed
from chalicelib.protocol.responses import history_item
from chalicelib.storage.models import OWNER, Connection, Message, Room, RoomSequence
from deployment.config import LOCAL_STAGE
from operations.errors import OperationError

THREADS = 16
"""Number of rooms that are read at once."""

RATED_MESSAGES = 100
"""The rate of a room is that of its newest messages, up to this number."""


class Summary(NamedTuple):
    """A room, the number of its messages and events so far, and their rate at present, per minute."""

    room: Room
    messages: int
    rate: float


SORT_KEYS: dict[str, Callable[[Summary], Any]] = {
    "age": lambda summary: summary.room.created_at,
    "members": lambda summary: -summary.room.member_count,
    "traffic": lambda summary: -summary.rate,
}
"""The orders of the list. Age is the order of creation, the others begin with the highest number."""


def list_rooms(sort: str) -> Iterator[str]:
    """Yield the lines of a table of all rooms, including private ones. In the local chat, the members follow each room.

    Raises OperationError if sort is not in SORT_KEYS.
    """
    if sort not in SORT_KEYS:
        raise OperationError(f"SORT must be {', '.join(SORT_KEYS)}, not {sort}")
    with ThreadPoolExecutor(THREADS) as pool:
        summaries = list(pool.map(_summarize, (room for room in Room.scan(consistent_read=True) if room.is_alive)))
    if not summaries:
        yield "There are no rooms."
        return
    yield _row("ROOM", "AGE", "MEMBERS", "MESSAGES", "PER MINUTE", "NAME")
    for room, messages, rate in sorted(summaries, key=SORT_KEYS[sort]):
        marks = [mark for mark, holds in (("private", room.token_hash is not None), ("locked", room.locked)) if holds]
        name = room.name + (f"  ({', '.join(marks)})" if marks else "")
        age = _duration(datetime.now(UTC) - room.created_at)
        yield _row(room.room_id, age, f"{room.member_count:,}", f"{messages:,}", f"{rate:,.1f}", name)
        if settings.STAGE == LOCAL_STAGE:
            yield from sorted(f"    {connection.name}" for connection in members.connections(room.room_id))


def close_room(room_id: str) -> Iterator[str]:
    """Close a room for ever. The queue's jobs close its connections, and delete what it has stored.

    Raises RoomNotFound if it does not exist. A room that is closed already is closed again, if a job was lost.
    """
    room = _existing(room_id)
    operator = _operator(room)
    removal = Removal(addresses.connections_url(), room_id, frames.serialize(Closed.of(operator)), None)
    jobs.enqueue_removal(removal, at_once=True)
    rooms.close(room_id)
    yield f"Closed the room {room_id}. Its connections and what it has stored are removed within minutes."


def export_room(room_id: str) -> Iterator[str]:
    """Yield the messages and events of a room in ascending order, each as JSON, as the history returns them.

    Raises RoomNotFound if there are none, and the room does not exist.
    """
    is_empty, edited_texts = True, dict[int, str | None]()
    pages = reactions.pages_between(room_id, 0, limits.MAX_SEQUENCE)
    reactions_to = {row.target: row for page in pages for row in page}
    for row in _history(room_id):
        is_empty = False
        if row.edited_by is not None:
            edited_texts[int(row.sequence)] = row.text
        if row.event == "edited":
            row.edited_text = edited_texts.get(row.details["target"])
        row.reactions = reactions_to.get(int(row.sequence))
        yield msgspec.json.encode(history_item(row)).decode()
    if is_empty:
        _existing(room_id)


def delete_messages(room_id: str, member_id: str) -> Iterator[str]:
    """Delete all messages of a member, and tell the room of each. Raises RoomNotFound if the room does not exist."""
    room, count = _existing(room_id), 0
    endpoint, operator = addresses.connections_url(), _operator(room)
    for row in list(_history(room_id)):
        if row.event is None and row.sender_id == member_id:
            event = moderation.delete_message(operator, int(row.sequence))
            jobs.enqueue_delivery(Delivery(endpoint, room_id, int(event.sequence)), "")
            count += 1
    yield f"Deleted {count} messages of the member {member_id} in the room {room_id}."


def _existing(room_id: str) -> Room:
    room = Room.find(room_id) if Room.is_valid_id(room_id) else None
    if room is None:
        raise RoomNotFound
    return room


def _history(room_id: str) -> Iterator[Message]:
    """Yield the messages and events of a room that can be read."""
    room = Room.find(room_id)
    hidden = {} if room is None else room.hidden or {}
    is_message = Message.sort_key.startswith(Message.PREFIX)
    for row in Message.query(room_id, is_message, consistent_read=True):
        if row.is_shown(hidden):
            yield row


def _operator(room: Room) -> Connection:
    """Return a connection of the operator, who has the owner's rights. It is not stored."""
    return Connection(
        "operator",
        joined_room_id=room.room_id,
        member_id=identity.new_id(),
        name="Operator",
        role=OWNER,
        keep_days=room.keep_days,
    )


def _summarize(room: Room) -> Summary:
    sequence = RoomSequence.find(room.room_id, RoomSequence.SORT_KEY)
    last = 0 if sequence is None else int(sequence.last_sequence)
    return Summary(room, last, _rate(room.room_id, last) if last else 0.0)


def _rate(room_id: str, last: int) -> float:
    """Return the number of messages per minute since the first of the newest RATED_MESSAGES."""
    first = Message.sort_key_of(max(1, last - RATED_MESSAGES + 1))
    for row in Message.query(room_id, Message.sort_key.between(first, Message.sort_key_of(last)), page_size=1):
        if row.sent_at is not None:  # a tombstone has no time
            minutes = (datetime.now(UTC) - row.sent_at) / timedelta(minutes=1)
            return (last - int(row.sequence) + 1) / max(1.0, minutes)
    return 0.0


def _row(room_id: str, age: str, members: str, messages: str, rate: str, name: str) -> str:
    return f"{room_id:16}  {age:>8}  {members:>7}  {messages:>8}  {rate:>10}  {name}"


def _duration(duration: timedelta) -> str:
    """Return a duration in its largest unit."""
    for unit, length in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if duration >= length:
            return f"{duration // length} {unit}"
    return f"{duration // timedelta(seconds=1)} s"
