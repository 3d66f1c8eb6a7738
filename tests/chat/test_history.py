"""Reading of the history of a room."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pynamodb.connection import Connection as DynamoDB

from chalicelib.chat import history
from chalicelib.errors import InvalidInput, RoomNotFound
from chalicelib.storage.models import Message, Room
from tests.support.messages import sequences, store_texts, texts
from tests.support.rooms import create_room

pytestmark = pytest.mark.usefixtures("clock")


@pytest.mark.parametrize(
    ("after", "before", "limit", "expected"),
    [
        (None, None, 50, range(1, 11)),
        (None, None, 3, range(8, 11)),
        (None, 8, 3, range(5, 8)),
        (None, 3, 50, range(1, 3)),
        (None, 1, 50, []),
        (None, 11, 2, range(9, 11)),
        (0, None, 50, range(1, 11)),
        (0, None, 4, range(1, 5)),
        (4, None, 4, range(5, 9)),
        (8, None, 4, range(9, 11)),
        (10, None, 4, []),
        (3, 7, 50, range(4, 7)),
        (3, 7, 2, range(4, 6)),
        (7, 3, 2, []),
    ],
)
def test_history_returns_the_messages_of_a_range(
    room: Room, ten_messages: None, after: int | None, before: int | None, limit: int, expected: range
) -> None:
    page = history.read(room.room_id, after, before, limit)
    assert [message.sequence for message in page.messages] == list(expected)
    assert (page.last_sequence, page.complete) == (10, True)


def test_history_of_a_new_room_is_empty(room: Room) -> None:
    assert history.read(room.room_id, None, None, 50)[:3] == ([], 0, True)
    assert history.read(room.room_id, 0, None, 50)[:3] == ([], 0, True)


@pytest.mark.parametrize(("after", "before"), [(11, None), (None, 12), (10**17, None)])
def test_range_beyond_the_last_sequence_is_rejected(room: Room, ten_messages: None, after: int, before: int) -> None:
    with pytest.raises(InvalidInput, match=r"must be at most 1[01]"):
        history.read(room.room_id, after, before, 50)


def test_history_of_an_unknown_room_is_not_found(tables: None) -> None:
    with pytest.raises(RoomNotFound):
        history.read("nosuchroom", None, None, 50)


def test_range_that_ends_before_it_starts_is_a_valid_query(
    room: Room, ten_messages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch, ranges = DynamoDB.dispatch, []

    def record_range(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        if " BETWEEN " in arguments.get("KeyConditionExpression", ""):
            values = arguments["ExpressionAttributeValues"].values()
            ranges.append([value["S"] for value in values if value.get("S", "").startswith("message#")])
        return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", record_range)
    assert sequences(room, after=7, before=3) == []
    # DynamoDB rejects a lower bound above the upper one. The emulators do not.
    assert ranges == [[Message.sort_key_of(7)] * 2]


def test_page_of_history_reads_the_same_items_however_long_the_history_is(room: Room, items: Counter[str]) -> None:
    longer = create_room("Longer")
    store_texts(room, 120)
    store_texts(longer, 360)
    for page in ({}, {"before": 61}, {"after": 60}, {"after": 0}):
        items.clear()
        assert len(texts(room, **page)) == len(texts(longer, **page)) == 50
        # The last message, the page, and the message at `after`.
        assert items[room.room_id] == items[longer.room_id] <= 1 + 50 + 1
