"""Joins, leaves and new names, which are announced in rooms of up to PRESENCE_LIMIT connections.

N joins that are each announced to N members cost N² posts, for example when everybody reconnects after an outage. So
connections with `batch=1` receive only the first ones of a window at once, and the others in one frame per slot. Other
connections receive each, but none while there are too many in a second.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chalicelib import settings
from chalicelib.chat import members, rooms
from chalicelib.delivery import jobs
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Joined, Left, Presence
from chalicelib.protocol.responses import ListedMember, Member
from chalicelib.storage.models import Connection, PresenceChange, PresenceCount, Room
from chalicelib.storage.transactions import retry_on_conflict

WINDOW_SECONDS = 30
SLOT_SECONDS = 5
"""A window has several slots. docs/scaling.md compares other values."""

MAX_AT_ONCE = 10
"""Number of joins and leaves of a window that everybody receives at once, and of those of a second that connections
without `batch=1` receive."""

MARGIN_SECONDS = 1
"""Time for the changes of a slot to be stored, and for clocks that differ."""

MEMBERS_PER_FRAME = 100
"""So many members fit into MAX_FRAME_BYTES, whatever their names."""

STATE_TTL_SECONDS = 300


class Announcement(NamedTuple):
    """Frames to send now. is_partial: those who take batches receive them later, in one frame."""

    payloads: list[str]
    is_partial: bool = False


def is_announced_in(room: Room | None) -> bool:
    """Return whether joins, leaves and new names are announced in a room.

    They are not if the room is gone, empty, or has more than PRESENCE_LIMIT connections.
    """
    return room is not None and 0 < room.member_count <= settings.PRESENCE_LIMIT


def announcement(
    endpoint: str, event: type[Joined] | type[Left], room_id: str, connections: Sequence[Connection]
) -> Announcement:
    """Return the frames that announce joins or leaves to the other members of a room, if they are announced.

    Queue the frame for those who take batches, if they receive these joins or leaves later. Raises StorageError if
    DynamoDB fails, and botocore's errors if the queue fails.
    """
    room = rooms.find(room_id) if connections else None
    if room is None or not is_announced_in(room):
        return Announcement([])
    payloads = [frames.serialize(event.of(connection, int(room.member_count))) for connection in connections]
    now, count = time.time(), len(connections)
    window, slot, second = int(now // WINDOW_SECONDS), int(now // SLOT_SECONDS), int(now)
    expires_at = datetime.now(UTC) + timedelta(seconds=STATE_TTL_SECONDS)
    parts = ["window", f"slot{slot}", f"second{second}"]
    add = retry_on_conflict(PresenceCount.add)
    in_window, in_slot, in_second = add(room_id, window, parts, count, expires_at)
    if in_window <= MAX_AT_ONCE:
        return Announcement(payloads)
    with PresenceChange.batch_write() as batch:
        for connection in connections:
            batch.save(PresenceChange.of(connection, slot, expires_at))
    # The first of those that are sent later, or the first one in its slot.
    if in_window - count <= MAX_AT_ONCE or in_slot == count:
        delay = int((slot + 1) * SLOT_SECONDS - now) + 1 + MARGIN_SECONDS
        jobs.enqueue_later(jobs.Presence(endpoint, room_id, slot), delay=delay)
    return Announcement(payloads if in_second <= MAX_AT_ONCE else [], is_partial=True)


def collect(room_id: str, slot: int) -> list[str]:
    """Return the frames with the joins and leaves of a slot that were not sent at once.

    Those of the slot before are among them, in case they were stored late, or their job was not queued. Raises
    StorageError.
    """
    room = rooms.find(room_id)
    if room is None or not is_announced_in(room):
        return []
    first, last = PresenceChange.prefix_of(slot - 1), f"{PresenceChange.prefix_of(slot)}~"  # ids do not begin with ~
    in_slots = PresenceChange.sort_key.between(first, last)
    changes = {row.connection_id: row for row in PresenceChange.query(room_id, in_slots, consistent_read=True)}
    # The index is eventually consistent: it may lack these connections, or still contain them.
    connections = [row for row in members.connections(room_id) if row.connection_id not in changes]
    connections += Connection.batch_get(list(changes), consistent_read=True)
    of_member: defaultdict[str, list[Connection]] = defaultdict(list)
    for connection in sorted(connections, key=lambda row: row.joined_at):
        of_member[connection.member_id].append(connection)
    changed = {row.member_id: Member.of(row) for row in changes.values()}
    entries = [ListedMember.of(of_member[id_]) if id_ in of_member else member for id_, member in changed.items()]
    return [
        frames.serialize(
            Presence(
                joined=[entry for entry in part if isinstance(entry, ListedMember)],
                left=[entry for entry in part if isinstance(entry, Member)],
                member_count=int(room.member_count),
            )
        )
        for part in (entries[start : start + MEMBERS_PER_FRAME] for start in range(0, len(entries), MEMBERS_PER_FRAME))
    ]
