"""Join and leave notifications, and the size of rooms up to which changes are announced."""

from __future__ import annotations

from typing import Literal

from chalicelib import settings
from chalicelib.chat import rooms
from chalicelib.protocol import frames
from chalicelib.storage.models import Connection


def presence_count(room_id: str) -> int:
    """Return the number of connections in a room, or 0 if joins, leaves and new names are not announced in it.

    They are not if the room is gone, empty, or has more than PRESENCE_LIMIT connections.
    """
    room = rooms.get_or_none(room_id)
    member_count = 0 if room is None else int(room.member_count)
    return member_count if member_count <= settings.PRESENCE_LIMIT else 0


def presence_frames(change: Literal["join", "leave"], room_id: str, connections: list[Connection]) -> list[str]:
    """Return the frames that announce joins or leaves to the other members of a room, if they are announced."""
    member_count = presence_count(room_id) if connections else 0
    return [frames.presence(change, connection, member_count) for connection in connections if member_count]
