"""Steps of the tests of messages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.chat import history, messages
from chalicelib.storage.models import Connection, Message, Room
from chalicelib.storage.transactions import StorageError
from tests.support.rooms import history_items, message_item


def texts(room: Room, after: int | None = None, before: int | None = None, limit: int = 50) -> list[str | None]:
    return [message.text for message in history.read(room.room_id, after, before, limit).messages]


def sequences(room: Room, after: int | None = None, before: int | None = None, limit: int = 50) -> list[int]:
    return [int(message.sequence) for message in history.read(room.room_id, after, before, limit).messages]


def items(client: Client, room: Room, query: str = "after=0") -> Any:
    """Return the messages and events of a page of the history."""
    return client.http.get(f"/rooms/{room.room_id}/messages?{query}").json_body["messages"]


def store_texts(room: Room, count: int) -> None:
    """Store messages with the texts 1 to count."""
    with Message.batch_write() as batch:
        for item in history_items(room.room_id, map(str, range(1, count + 1))):
            batch.save(item)


def store_as(connection_id: str, *texts: str) -> list[Message]:
    """Store messages of a connection, without the rate limit."""
    sender = Connection.get(connection_id, consistent_read=True)
    return [messages.store(sender, text, None) for text in texts]


def stored_items() -> str:
    """Return all items of the table of messages as text, with the attributes that no model declares."""
    return str(Message._get_connection().scan(consistent_read=True)["Items"])


def take_sequence(room: Room) -> int:
    """Take a sequence like a message that is stored late or never."""
    return int(messages.take_sequence(room.room_id).last_sequence)


def before_next_event(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Make a change before the next event takes its sequence."""
    event = messages.event

    def late(*arguments: Any, **options: Any) -> Message:
        monkeypatch.setattr(messages, "event", event)
        change()
        return event(*arguments, **options)

    monkeypatch.setattr(messages, "event", late)


def fill_gap(room: Room, sequence: int) -> None:
    """Store the tombstone of a sequence, as a reader does that has found a gap."""
    expires_at = datetime.now(UTC) + room.retention
    sort_key = Message.sort_key_of(sequence)
    Message(room.room_id, sort_key, sequence=sequence, is_tombstone=True, expires_at=expires_at).save()


def store_late(room: Room, sequence: int) -> bool:
    """Store a message under a sequence that was taken before, and return whether it was free."""
    try:
        message_item(room.room_id, sequence, "late").save(Message.sort_key.does_not_exist())
    except StorageError:
        return False
    return True
