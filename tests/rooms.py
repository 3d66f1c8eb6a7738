"""Rooms with many members, written directly to the tables."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from chalicelib import limits, settings
from chalicelib.storage.models import Connection, Room

__all__ = ["fill_room"]


def fill_room(room: Room, connection_ids: Iterable[str]) -> None:
    """Add members, named like their connections, who joined a minute ago.

    It writes what `members.join` writes, in batches: one transaction per member takes longer.
    """
    joined_at = datetime.now(UTC) - timedelta(minutes=1)
    expires_at = joined_at + timedelta(seconds=limits.CONNECTION_TTL_SECONDS)
    connections = [
        Connection(
            connection_id,
            joined_room_id=room.room_id,
            member_id=secrets.token_urlsafe(12),
            name=connection_id,
            message_times=[0] * settings.MESSAGES_PER_WINDOW,
            joined_at=joined_at,
            expires_at=expires_at,
        )
        for connection_id in connection_ids
    ]
    with Connection.batch_write() as batch:
        for connection in connections:
            batch.save(connection)
    Room(room.room_id).update([Room.member_count.add(len(connections)), Room.expires_at.set(expires_at)])
