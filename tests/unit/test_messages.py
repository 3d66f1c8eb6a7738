"""Message storage: sequences, idempotency, history, tombstones, expiry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pynamodb.connection import Connection as DynamoDB

from chalicelib import members, message_history, messages, rooms, settings
from chalicelib.errors import InvalidInput, RoomNotFound
from chalicelib.storage.models import Connection, Message, Room, RoomSequence
from chalicelib.storage.transactions import StorageError
from tests.dynamodb import WRITES

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    """Stop the time. Only the test moves it."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def aki(room: Room) -> Connection:
    """Add a member to the room."""
    return members.join("a", room.room_id, "Aki")


def texts(room: Room, after: int | None = None, before: int | None = None, limit: int = 50) -> list[str | None]:
    return [message.text for message in message_history.read(room.room_id, after, before, limit).messages]


def sequences(room: Room, after: int | None = None, before: int | None = None, limit: int = 50) -> list[int]:
    return [int(message.sequence) for message in message_history.read(room.room_id, after, before, limit).messages]


# Storing


def test_sequences_start_at_1_and_rise_by_1_in_each_room(aki: Connection) -> None:
    cy = members.join("c", rooms.create("Coffee").room_id, "Cy")
    assert [messages.store(aki, text, None).sequence for text in ("a", "b", "c")] == [1, 2, 3]
    assert messages.store(cy, "a", None).sequence == 1


def test_message_costs_two_requests_however_many_are_stored(aki: Connection, requests: Counter[str]) -> None:
    for number in range(10):
        requests.clear()
        messages.store(aki, "hi", f"c-{number}")
        assert requests == {"UpdateItem": 1, "TransactWriteItems": 1}


def test_repeated_client_id_returns_the_stored_message(room: Room, aki: Connection) -> None:
    first = messages.store(aki, "hi", "c-1")
    repeated = messages.store(aki, "hi", "c-1")
    from_another_connection = messages.store(members.join("b", room.room_id, "Aki"), "hi", "c-1")
    assert repeated.sequence == from_another_connection.sequence == first.sequence
    assert (repeated.sender_id, repeated.sent_at) == (first.sender_id, first.sent_at)
    assert texts(room) == ["hi"]


def test_client_id_is_unique_per_room(room: Room, aki: Connection) -> None:
    other = rooms.create("Coffee")
    messages.store(aki, "hi", "c-1")
    messages.store(members.join("c", other.room_id, "Cy"), "ho", "c-1")
    assert (texts(room), texts(other)) == (["hi"], ["ho"])


def test_client_id_with_another_text_is_rejected(room: Room, aki: Connection) -> None:
    messages.store(aki, "hi", "1")
    with pytest.raises(InvalidInput, match="clientId belongs to another message"):
        messages.store(aki, "something else", "1")
    assert texts(room) == ["hi"]


def test_client_id_can_be_used_again_after_ten_minutes(
    room: Room, aki: Connection, clock: time_machine.Coordinates
) -> None:
    messages.store(aki, "hi", "c-1")
    clock.shift(timedelta(minutes=10) - timedelta(seconds=1))
    messages.store(aki, "hi", "c-1")
    assert texts(room) == ["hi"]
    clock.shift(timedelta(seconds=1))
    messages.store(aki, "hi", "c-1")
    assert texts(room) == ["hi", "hi"]


def test_client_id_that_can_be_used_again_belongs_to_the_new_message(
    room: Room, aki: Connection, clock: time_machine.Coordinates
) -> None:
    messages.store(aki, "hi", "c-1")
    message_history._write_tombstone(room, 2, [])
    clock.shift(timedelta(minutes=10))
    assert messages.store(aki, "hi", "c-1").sequence == 3


def test_client_id_can_be_used_again_after_its_message_has_expired(
    room: Room, aki: Connection, clock: time_machine.Coordinates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 60)
    messages.store(aki, "hi", "c-1")
    clock.shift(timedelta(seconds=60))
    assert messages.store(aki, "hi", "c-1").sequence == 2
    assert texts(room) == ["hi"]


def test_message_that_loses_its_sequence_to_a_tombstone_gets_another(room: Room, aki: Connection) -> None:
    messages.store(aki, "a", None)
    message_history._write_tombstone(room, 2, [])
    assert messages.store(aki, "b", "c-1").sequence == 3
    assert texts(room) == ["a", "b"]


def test_concurrent_messages_get_different_sequences(room: Room, aki: Connection) -> None:
    with ThreadPoolExecutor(8) as executor:
        posted = list(executor.map(lambda number: messages.store(aki, str(number), f"c-{number}"), range(40)))
    assert sorted(message.sequence for message in posted) == list(range(1, 41))
    assert sequences(room, limit=100) == list(range(1, 41))


# Reading


@pytest.fixture
def ten_messages(room: Room, aki: Connection) -> None:
    """Store messages with the texts 1 to 10."""
    _store(room, 10)


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
    page = message_history.read(room.room_id, after, before, limit)
    assert [message.sequence for message in page.messages] == list(expected)
    assert (page.last_sequence, page.complete) == (10, True)


def test_history_of_a_new_room_is_empty(room: Room) -> None:
    assert message_history.read(room.room_id, None, None, 50) == ([], 0, True)
    assert message_history.read(room.room_id, 0, None, 50) == ([], 0, True)


@pytest.mark.parametrize(("after", "before"), [(11, None), (None, 12), (10**17, None)])
def test_range_beyond_the_last_sequence_is_rejected(room: Room, ten_messages: None, after: int, before: int) -> None:
    with pytest.raises(InvalidInput, match=r"must be at most 1[01]"):
        message_history.read(room.room_id, after, before, 50)


def test_history_of_an_unknown_room_is_not_found(tables: None) -> None:
    with pytest.raises(RoomNotFound):
        message_history.read("nosuchroom", None, None, 50)


def test_range_that_ends_before_it_starts_is_a_valid_query(
    room: Room, ten_messages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch, ranges = DynamoDB.dispatch, []

    def record_range(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        if " BETWEEN " in arguments.get("KeyConditionExpression", ""):
            ranges.append([value["S"] for value in arguments["ExpressionAttributeValues"].values()][1:])
        return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", record_range)
    assert sequences(room, after=7, before=3) == []
    # DynamoDB rejects a lower bound above the upper one. The emulators do not.
    assert ranges == [[Message.sort_key_of(7)] * 2]


@pytest.fixture
def items(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the items that queries read, by room."""
    query, items = DynamoDB.query, Counter[str]()

    def count_items(connection: DynamoDB, table: str, hash_key: str, *arguments: Any, **options: Any) -> Any:
        answer = query(connection, table, hash_key, *arguments, **options)
        items[hash_key] += answer["ScannedCount"]
        return answer

    monkeypatch.setattr(DynamoDB, "query", count_items)
    return items


def test_page_of_history_reads_the_same_items_however_long_the_history_is(room: Room, items: Counter[str]) -> None:
    longer = rooms.create("Longer")
    _store(room, 120)
    _store(longer, 360)
    for page in ({}, {"before": 61}, {"after": 60}, {"after": 0}):
        items.clear()
        assert len(texts(room, **page)) == len(texts(longer, **page)) == 50
        # The last message, the page, and the message at `after`.
        assert items[room.room_id] == items[longer.room_id] <= 1 + 50 + 1


def _store(room: Room, count: int) -> None:
    """Store messages with the texts 1 to count."""
    with Message.batch_write() as batch:
        for number in range(1, count + 1):
            batch.save(_stored(room, number, str(number)))
    RoomSequence(room.room_id, last_sequence=count, expires_at=timedelta(days=30)).save()


def _stored(room: Room, sequence: int, text: str, sent_at: datetime = NOON) -> Message:
    return Message(
        room_id=room.room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        text=text,
        sender_id="m1",
        sender_name="Aki",
        sent_at=sent_at,
        expires_at=sent_at + timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS),
    )


# Gaps: sequences that were taken, but have no message


@pytest.mark.parametrize(
    "read",
    [
        lambda room: sequences(room),
        lambda room: sequences(room, after=0),
        lambda room: sequences(room, after=1),
        lambda room: sequences(room, before=4),
        lambda room: sequences(room, after=1, before=3),
    ],
)
def test_gap_stays_empty_after_it_was_read(room: Room, aki: Connection, read: Callable[[Room], list[int]]) -> None:
    messages.store(aki, "a", None)
    late = _take(room)
    messages.store(aki, "c", None)
    seen = read(room)
    assert late not in seen
    assert _store_late(room, late) is False
    assert sequences(room) == [1, 3]


def test_gap_at_the_beginning_stays_empty_after_it_was_read(room: Room, aki: Connection) -> None:
    late = _take(room)
    messages.store(aki, "b", None)
    assert sequences(room, after=0) == [2]
    assert _store_late(room, late) is False


@pytest.mark.parametrize("read", [lambda room: sequences(room, after=3), lambda room: sequences(room, before=2)])
def test_gap_outside_the_range_that_was_read_can_be_filled(
    room: Room, aki: Connection, read: Callable[[Room], list[int]]
) -> None:
    messages.store(aki, "a", None)
    late = _take(room)
    messages.store(aki, "c", None)
    read(room)
    assert _store_late(room, late) is True
    assert sequences(room) == [1, 2, 3]


def test_last_sequence_is_that_of_the_last_stored_message(room: Room, aki: Connection) -> None:
    messages.store(aki, "a", None)
    late = _take(room)
    assert message_history.read(room.room_id, None, None, 50).last_sequence == 1
    assert _store_late(room, late) is True
    assert sequences(room, after=1) == [2]


def test_gaps_do_not_stop_a_reader(room: Room, aki: Connection) -> None:
    for number in range(1, 31):
        if number % 3:
            messages.store(aki, str(number), None)
        else:
            _take(room)
    position, seen = 0, []
    while position < message_history.read(room.room_id, position, None, 4).last_sequence:
        page = sequences(room, after=position, limit=4)
        seen += page
        position = page[-1]
    assert seen == [number for number in range(1, 31) if number % 3]


def test_message_that_is_stored_just_before_its_tombstone_is_returned(
    room: Room, aki: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages.store(aki, "a", None)
    late = _take(room)
    messages.store(aki, "c", None)
    write_tombstone = message_history._write_tombstone

    def store_first(room: Room, gap: int, rows: list[Message]) -> None:
        assert _store_late(room, late)
        write_tombstone(room, gap, rows)

    monkeypatch.setattr(message_history, "_write_tombstone", store_first)
    assert sequences(room) == [1, 2, 3]


def _take(room: Room) -> int:
    """Take a sequence like a message that is stored late or never."""
    return messages.take_sequence(room.room_id)


def _store_late(room: Room, sequence: int) -> bool:
    try:
        _stored(room, sequence, "late").save(Message.sort_key.does_not_exist())
    except StorageError:
        return False
    return True


# Expiry


def test_expired_messages_are_absent(
    room: Room, aki: Connection, ten_messages: None, clock: time_machine.Coordinates
) -> None:
    _stay(room, clock, hours=24)
    assert message_history.read(room.room_id, None, None, 50) == ([], 10, True)
    assert messages.store(aki, "11", None).sequence == 11
    assert sequences(room) == [11]


def test_history_ends_at_the_newest_expired_message(
    room: Room,
    aki: Connection,
    clock: time_machine.Coordinates,
    items: Counter[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 3_600)
    _store(room, 200)
    _stay(room, clock, hours=1)
    messages.store(aki, "new", None)
    assert texts(room) == ["new"]
    assert items[room.room_id] <= 1 + 50 + 1


def test_expired_messages_get_no_tombstones(
    room: Room,
    aki: Connection,
    ten_messages: None,
    clock: time_machine.Coordinates,
    requests: Counter[str],
) -> None:
    _stay(room, clock, hours=24)
    _delete_expired_items()
    messages.store(aki, "11", None)
    requests.clear()
    assert sequences(room, after=0) == [11]
    assert not requests.keys() & WRITES


def test_tombstone_expires_with_the_messages_around_it(
    room: Room, aki: Connection, clock: time_machine.Coordinates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 7_200)
    messages.store(aki, "a", None)
    late = _take(room)
    messages.store(aki, "c", None)
    assert texts(room) == ["a", "c"]
    _stay(room, clock, hours=1)
    assert texts(room) == ["a", "c"]
    assert _store_late(room, late) is False


def test_sequences_continue_after_ttl_has_deleted_every_message(
    room: Room, aki: Connection, clock: time_machine.Coordinates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGE_RETENTION_SECONDS", 3_600)
    messages.store(aki, "a", "c-1")
    _stay(room, clock, hours=1)
    _delete_expired_items()
    assert message_history.read(room.room_id) == ([], 1, True)
    assert messages.store(aki, "b", "c-1").sequence == 2


def test_messages_of_a_kept_room_are_kept_as_long(tables: None, clock: time_machine.Coordinates) -> None:
    room = rooms.create("Tea", keep_days=7)
    aki = members.join("a", room.room_id, "Aki")
    messages.store(aki, "a", None)
    late = _take(room)
    messages.store(aki, "c", None)
    assert texts(room) == ["a", "c"]
    rooms.leave(room.room_id, ["a"])
    clock.shift(timedelta(days=7, seconds=-1))
    assert message_history.read(room.room_id, 0).complete
    assert texts(room) == ["a", "c"]
    tombstone = Message.find(room.room_id, Message.sort_key_of(late))
    assert tombstone is not None
    assert tombstone.is_alive


def _delete_expired_items() -> None:
    """Delete what TTL deletes from the messages table."""
    for row in Message.scan(consistent_read=True):
        if not row.is_alive:
            row.delete()


def test_history_is_incomplete_after_missed_messages_have_expired(
    room: Room, aki: Connection, ten_messages: None, clock: time_machine.Coordinates
) -> None:
    _stay(room, clock, hours=23)
    messages.store(aki, "11", None)
    messages.store(aki, "12", None)
    _stay(room, clock, hours=1)
    complete = {after: message_history.read(room.room_id, after, None, 50).complete for after in (0, 5, 9, 10, 11, 12)}
    assert complete == {0: False, 5: False, 9: False, 10: True, 11: True, 12: True}
    _stay(room, clock, hours=23)
    complete = {after: message_history.read(room.room_id, after, None, 50).complete for after in (0, 11, 12)}
    assert complete == {0: False, 11: False, 12: True}


@pytest.mark.parametrize("before", [None, 3])
def test_history_is_incomplete_after_missed_messages_although_a_gap_before_them_was_read_late(
    room: Room, aki: Connection, clock: time_machine.Coordinates, requests: Counter[str], before: int | None
) -> None:
    messages.store(aki, "1", None)
    _take(room)
    for number in range(3, 30):
        messages.store(aki, str(number), None)
    _stay(room, clock, hours=23)
    message_history.read(room.room_id, None, before, 100)  # it writes a tombstone into the gap
    messages.store(aki, "30", None)
    _stay(room, clock, hours=2)
    assert message_history.read(room.room_id, 1).complete is False
    requests.clear()
    assert [row.text for row in message_history.read(room.room_id, 1).messages] == ["30"]
    assert requests["PutItem"] == 0


def test_small_page_over_many_deleted_messages_takes_few_requests(
    room: Room, aki: Connection, requests: Counter[str]
) -> None:
    for number in range(120):
        messages.store(aki, str(number), None)
        if number:
            Message(room.room_id, Message.sort_key_of(number + 1)).update([Message.is_tombstone.set(True)])
    requests.clear()
    assert [row.text for row in message_history.read(room.room_id, None, None, 1).messages] == ["0"]
    assert requests["Query"] <= 4


def test_history_of_a_young_room_is_complete_despite_gaps(room: Room, aki: Connection) -> None:
    _take(room)
    messages.store(aki, "b", None)
    assert message_history.read(room.room_id, 0, None, 50).complete is True


def test_last_sequence_is_kept_after_all_messages_have_expired(
    room: Room, ten_messages: None, clock: time_machine.Coordinates
) -> None:
    _stay(room, clock, hours=24)
    late = _take(room)
    assert message_history.read(room.room_id, 10, None, 50).last_sequence == late
    assert _store_late(room, late) is False


def _stay(room: Room, clock: time_machine.Coordinates, hours: int) -> None:
    """Let hours pass in a room that always has a member."""
    for _ in range(hours):
        clock.shift(timedelta(hours=1))
        members.join(f"visitor-{datetime.now(UTC).isoformat()}", room.room_id, None)
