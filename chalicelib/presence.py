"""Join and leave notifications."""

from __future__ import annotations

from typing import Literal

from chalicelib import frames, rooms, settings
from chalicelib.storage.models import Connection

__all__ = ["presence_frames"]


def presence_frames(change: Literal["join", "leave"], room_id: str, connections: list[Connection]) -> list[str]:
    """Return the frames that announce joins or leaves to the other members of a room.

    There are none if nobody is in the room, or if it has more than PRESENCE_LIMIT members.
    """
    room = rooms.get_or_none(room_id) if connections else None
    if room is None or not 0 < (member_count := int(room.member_count)) <= settings.PRESENCE_LIMIT:
        return []
    return [frames.presence(change, connection, member_count) for connection in connections]
