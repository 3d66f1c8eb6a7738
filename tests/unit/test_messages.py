"""What was said in a room: stored once, under a sequence, and read back in order."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pynamodb.connection import Connection as DynamoDB

from chalicelib import messages, rooms, settings
from chalicelib.errors import InvalidInput, RoomNotFound
from chalicelib.storage.models import Connection, Message, Room, RoomSequence
from chalicelib.storage.transactions import StorageError

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def aki(room: Room) -> Connection:
    return rooms.join("a", room.room_id, "Aki")


def texts(room: Room, after: int | None = None, before: int | None = None, limit: int = 50) -> list[str | None]:
    return [message.text for message in messages.history(room.room_id, after, before, limit).messages]


def sequences(room: Room, after: int | None = None, before: int | None = None, limit: int = 50) -> list[int]:
    return [int(message.sequence) for message in messages.history(room.room_id, after, before, limit).messages]


# Storing


def test_sequences_start_at_1_and_rise_by_1_in_each_room(aki: Connection) -> None:
    cy = rooms.join("c", rooms.create("Coffee").room_id, "Cy")
    assert [messages.post(aki, text, None).sequence for text in ("a", "b", "c")] == [1, 2, 3]
    assert messages.post(cy, "a", None).sequence == 1


def test_a_message_costs_two_requests_whatever_came_before_it(aki: Connection, requests: Tally[str]) -> None:
    for number in range(30):
        requests.clear()
        messages.post(aki, "hi", f"c-{number}")
        assert requests == {"UpdateItem": 1, "TransactWriteItems": 1}


def test_sending_again_is_stored_once_and_has_the_same_sequence(room: Room, aki: Connection) -> None:
    first = messages.post(aki, "hi", "c-1")
    again = messages.post(aki, "hi", "c-1")
    from_elsewhere = messages.post(rooms.join("b", room.room_id, "Aki"), "hi", "c-1")
    assert again.sequence == from_elsewhere.sequence == first.sequence
    assert (again.sender_id, again.sent_at) == (first.sender_id, first.sent_at)
    assert texts(room) == ["hi"]


def test_the_same_client_id_in_another_room_is_another_message(room: Room, aki: Connection) -> None:
    other = rooms.create("Coffee")
    messages.post(aki, "hi", "c-1")
    messages.post(rooms.join("c", other.room_id, "Cy"), "ho", "c-1")
    assert (texts(room), texts(other)) == (["hi"], ["ho"])


def test_a_client_id_for_another_message_is_refused_and_nothing_lost(room: Room, aki: Connection) -> None:
    messages.post(aki, "hi", "1")
    with pytest.raises(InvalidInput, match="clientId must be new for a new message"):
        messages.post(aki, "something else", "1")
    assert texts(room) == ["hi"]


def test_a_client_id_stands_for_its_message_for_ten_minutes(
    room: Room, aki: Connection, clock: time_machine.Coordinates
) -> None:
    messages.post(aki, "hi", "c-1")
    clock.shift(timedelta(minutes=10) - timedelta(seconds=1))
    messages.post(aki, "hi", "c-1")
    assert texts(room) == ["hi"]
    clock.shift(timedelta(seconds=1))
    messages.post(aki, "hi", "c-1")
    assert texts(room) == ["hi", "hi"]


def test_a_message_that_meets_a_void_takes_another_sequence(room: Room, aki: Connection) -> None:
    messages.post(aki, "a", None)
    messages._write_tombstones(room.room_id, [2])
    assert messages.post(aki, "b", "c-1").sequence == 3
    assert texts(room) == ["a", "b"]


def test_many_who_speak_at_once_get_sequences_of_their_own(
    room: Room, aki: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatch, one_at_a_time = DynamoDB.dispatch, threading.Lock()

    def in_turn(*arguments: Any) -> Any:
        with one_at_a_time:  # moto's requests are not safe beside one another
            return dispatch(*arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", in_turn)
    with ThreadPoolExecutor(8) as at_once:
        taken = [message.sequence for message in at_once.map(lambda n: messages.post(aki, str(n), f"c-{n}"), range(60))]
    assert sorted(taken) == list(range(1, 61))
    assert sequences(room, limit=100) == list(range(1, 61))


# Reading


@pytest.fixture
def spoken(aki: Connection) -> Connection:
    """Aki, who has said "1" to "10"."""
    for number in range(1, 11):
        messages.post(aki, str(number), None)
    return aki


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
def test_history_is_read_between_positions(
    room: Room, spoken: Connection, after: int | None, before: int | None, limit: int, expected: range
) -> None:
    page = messages.history(room.room_id, after, before, limit)
    assert [message.sequence for message in page.messages] == list(expected)
    assert (page.last_sequence, page.complete) == (10, True)


def test_the_history_of_a_silent_room_is_empty(room: Room) -> None:
    assert messages.history(room.room_id, None, None, 50) == ([], 0, True)
    assert messages.history(room.room_id, 0, None, 50) == ([], 0, True)


@pytest.mark.parametrize(("after", "before"), [(11, None), (None, 12), (10**17, None)])
def test_a_position_beyond_the_end_is_refused(room: Room, spoken: Connection, after: int, before: int) -> None:
    with pytest.raises(InvalidInput, match=r"must be at most 1[01]"):
        messages.history(room.room_id, after, before, 50)


def test_the_history_of_an_unknown_room_is_not_found(tables: None) -> None:
    with pytest.raises(RoomNotFound):
        messages.history("nosuchroom", None, None, 50)


def test_a_page_of_a_long_history_reads_no_more_than_the_page(
    room: Room, aki: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Message.batch_write() as batch:
        for number in range(1, 10_001):
            batch.save(_stored(room, number, str(number)))
    RoomSequence(room.room_id, last_sequence=10_000, expires_at=timedelta(days=30)).save()
    query, items = DynamoDB.query, []

    def counted(*arguments: Any, **options: Any) -> Any:
        answer = query(*arguments, **options)
        items.append(answer["ScannedCount"])
        return answer

    monkeypatch.setattr(DynamoDB, "query", counted)
    for page in ({}, {"before": 5_001}, {"after": 5_000}, {"after": 0}):
        items.clear()
        assert len(texts(room, **page)) == 50
        assert sum(items) <= 1 + 51  # the last message, then the page with the position itself


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


# Sequences that were taken and never used


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
def test_a_gap_that_was_read_over_stays_a_gap(room: Room, aki: Connection, read: Callable[[Room], list[int]]) -> None:
    messages.post(aki, "a", None)
    late = _take(room)
    messages.post(aki, "c", None)
    seen = read(room)
    assert late not in seen
    assert _store_late(room, late) is False
    assert sequences(room) == [1, 3]


def test_a_gap_at_the_beginning_that_was_read_over_stays_a_gap(room: Room, aki: Connection) -> None:
    late = _take(room)
    messages.post(aki, "b", None)
    assert sequences(room, after=0) == [2]
    assert _store_late(room, late) is False


@pytest.mark.parametrize("read", [lambda room: sequences(room, after=3), lambda room: sequences(room, before=2)])
def test_a_gap_that_was_not_read_over_stays_open(
    room: Room, aki: Connection, read: Callable[[Room], list[int]]
) -> None:
    messages.post(aki, "a", None)
    late = _take(room)
    messages.post(aki, "c", None)
    read(room)
    assert _store_late(room, late) is True
    assert sequences(room) == [1, 2, 3]


def test_what_was_taken_last_and_is_not_stored_yet_is_not_the_last_sequence(room: Room, aki: Connection) -> None:
    messages.post(aki, "a", None)
    late = _take(room)
    assert messages.history(room.room_id, None, None, 50).last_sequence == 1
    assert _store_late(room, late) is True
    assert sequences(room, after=1) == [2]


def test_gaps_stall_no_reader(room: Room, aki: Connection) -> None:
    for number in range(1, 31):
        if number % 3:
            messages.post(aki, str(number), None)
        else:
            _take(room)
    position, seen = 0, []
    while position < messages.history(room.room_id, position, None, 4).last_sequence:
        page = sequences(room, after=position, limit=4)
        seen += page
        position = page[-1]
    assert seen == [number for number in range(1, 31) if number % 3]


def test_a_message_that_comes_while_a_reader_closes_its_gap_is_in_the_page(
    room: Room, aki: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages.post(aki, "a", None)
    late = _take(room)
    messages.post(aki, "c", None)
    write_tombstones = messages._write_tombstones

    def just_before(room_id: str, gaps: list[int]) -> None:
        assert _store_late(room, late)
        write_tombstones(room_id, gaps)

    monkeypatch.setattr(messages, "_write_tombstones", just_before)
    assert sequences(room) == [1, 2, 3]


def _take(room: Room) -> int:
    """Die after taking a sequence, or be slow."""
    return messages._take_sequence(room.room_id, datetime.now(UTC))


def _store_late(room: Room, sequence: int) -> bool:
    try:
        _stored(room, sequence, "late").save(Message.sort_key.does_not_exist())
    except StorageError:
        return False
    return True


# Expiry


def test_expired_messages_are_absent(room: Room, spoken: Connection, clock: time_machine.Coordinates) -> None:
    _stay(room, clock, hours=24)
    assert messages.history(room.room_id, None, None, 50) == ([], 10, True)
    assert messages.post(spoken, "11", None).sequence == 11
    assert sequences(room) == [11]


def test_a_reader_is_told_when_messages_that_it_missed_have_expired(
    room: Room, spoken: Connection, clock: time_machine.Coordinates
) -> None:
    _stay(room, clock, hours=23)
    messages.post(spoken, "11", None)
    messages.post(spoken, "12", None)
    _stay(room, clock, hours=1)
    complete = {after: messages.history(room.room_id, after, None, 50).complete for after in (0, 5, 9, 10, 11, 12)}
    assert complete == {0: False, 5: False, 9: False, 10: True, 11: True, 12: True}
    _stay(room, clock, hours=23)
    complete = {after: messages.history(room.room_id, after, None, 50).complete for after in (0, 11, 12)}
    assert complete == {0: False, 11: False, 12: True}


def test_a_young_room_has_lost_nothing_whatever_its_gaps(room: Room, aki: Connection) -> None:
    _take(room)
    messages.post(aki, "b", None)
    assert messages.history(room.room_id, 0, None, 50).complete is True


def test_a_position_in_a_room_where_all_has_expired_is_still_good(
    room: Room, spoken: Connection, clock: time_machine.Coordinates
) -> None:
    _stay(room, clock, hours=24)
    late = _take(room)
    assert messages.history(room.room_id, 10, None, 50).last_sequence == late
    assert _store_late(room, late) is False


def _stay(room: Room, clock: time_machine.Coordinates, hours: int) -> None:
    """Let hours pass in a room that somebody is in."""
    for _ in range(hours):
        clock.shift(timedelta(hours=1))
        rooms.join(f"visitor-{datetime.now(UTC).isoformat()}", room.room_id, None)
