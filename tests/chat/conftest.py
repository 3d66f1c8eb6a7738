"""Fixtures of the tests of messages and of their history."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pynamodb.connection import Connection as DynamoDB

from chalicelib.chat import members
from chalicelib.storage.models import Connection, Room
from tests.support.messages import store_texts


@pytest.fixture
def aki(room: Room) -> Connection:
    """Add a member to the room."""
    return members.join("a", room.room_id, "Aki")


@pytest.fixture
def ten_messages(room: Room, aki: Connection) -> None:
    """Store messages with the texts 1 to 10."""
    store_texts(room, 10)


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the items that queries read, by room."""
    query, items = DynamoDB.query, Counter[str]()

    def count_items(connection: DynamoDB, table: str, hash_key: str, *arguments: Any, **options: Any) -> Any:
        response = query(connection, table, hash_key, *arguments, **options)
        items[hash_key] += response["ScannedCount"]
        return response

    monkeypatch.setattr(DynamoDB, "query", count_items)
    return items
