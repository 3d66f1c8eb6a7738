"""Rooms, and rooms with many members or messages, which are written directly to the tables."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from chalicelib import limits, settings
from chalicelib.auth.identity import User
from chalicelib.chat import rooms
from chalicelib.protocol.requests import NewRoom
from chalicelib.storage.models import Connection, Message, Room, RoomSequence


def create_room(name: str, private: bool = False, keep_days: int | None = None, user: User | None = None) -> Room:
    """Create a room as `POST /rooms` does."""
    return rooms.create(NewRoom(room_name=name, private=private, keep_days=keep_days or None), user)


def fill_room(room: Room, connection_ids: Iterable[str], *, takes_batches: bool = False) -> None:
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
            batch=takes_batches or None,
            expires_at=expires_at,
        )
        for connection_id in connection_ids
    ]
    with Connection.batch_write() as batch:
        for connection in connections:
            batch.save(connection)
    Room(room.room_id).update([Room.member_count.add(len(connections)), Room.expires_at.set(expires_at)])


def history_items(room_id: str, texts: Iterable[str]) -> list[Message | RoomSequence]:
    """Return the items that `messages.store` writes for the first messages of a room, sent now by Bo."""
    messages = [message_item(room_id, sequence, text) for sequence, text in enumerate(texts, 1)]
    sequence = RoomSequence(
        room_id, last_sequence=len(messages), expires_at=timedelta(seconds=limits.SEQUENCE_TTL_SECONDS)
    )
    return [*messages, sequence]


def message_item(room_id: str, sequence: int, text: str) -> Message:
    """Return the item of a message that Bo sends now."""
    sent_at = datetime.now(UTC)
    return Message(
        room_id,
        Message.sort_key_of(sequence),
        sequence=sequence,
        text=text,
        sender_id="bo",
        sender_name="Bo",
        sent_at=sent_at,
        expires_at=sent_at + timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS),
    )
