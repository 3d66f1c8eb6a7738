"""Bounds of a history read in requests and time, whatever a room contains."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from pynamodb.connection import Connection as DynamoDB

from chalicelib import limits, settings
from chalicelib.chat import history, messages
from chalicelib.chat.history import History
from chalicelib.errors import InvalidInput
from chalicelib.storage import base
from chalicelib.storage.models import Connection, Message, Room, RoomSequence
from tests.support.dynamodb import WRITES, Meanwhile, inject_faults
from tests.support.effort import examples
from tests.support.messages import sequences, store_late, store_texts, take_sequence
from tests.support.projects import PROJECT
from tests.support.rooms import fill_room, message_item

pytestmark = pytest.mark.usefixtures("clock")

Pages = list[tuple[History, int]]
"""Pages of a history, and the number of requests to DynamoDB that each took."""


@pytest.fixture
def requests_of_threads(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """Count the requests to DynamoDB by thread."""
    dispatch, counts = DynamoDB.dispatch, Counter[int]()

    def counted(connection: DynamoDB, operation: str, arguments: dict[str, Any]) -> Any:
        counts[threading.get_ident()] += 1
        return dispatch(connection, operation, arguments)

    monkeypatch.setattr(DynamoDB, "dispatch", counted)
    return counts


@pytest.fixture
def read_page(requests_of_threads: Counter[int]) -> Callable[..., tuple[History, int]]:
    """Return a function that reads a page, and returns it and the number of its requests."""

    def read(room: Room, after: int | None = None, before: int | None = None, limit: int = 100) -> tuple[History, int]:
        requests_of_threads[threading.get_ident()] = 0
        page = history.read(room.room_id, after, before, limit)
        return page, requests_of_threads[threading.get_ident()]

    return read


ReadPage = Callable[..., tuple[History, int]]


def catch_up(read_page: ReadPage, room: Room, limit: int = 100) -> Pages:
    """Read the pages after sequence 0, as a client does, until one reaches the last sequence."""
    pages, after = Pages(), 0
    while True:
        page, requests = read_page(room, after, limit=limit)
        pages.append((page, requests))
        if page.next_after is not None:
            assert page.last_sequence == page.next_after >= after
            after = page.next_after
        elif len(page.messages) == limit:
            after = int(page.messages[-1].sequence)
        else:
            return pages


def texts_of(pages: Pages) -> list[str | None]:
    return [message.text for page, _ in pages for message in page.messages]


def write_rows(room: Room, numbers: range, text: str | None) -> None:
    """Write messages, or tombstones if there is no text, directly to the table."""
    expires_at = datetime.now(UTC) + timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS)
    with Message.batch_write() as batch:
        for number in numbers:
            tombstone = messages.tombstone(room.room_id, number, expires_at)
            batch.save(tombstone if text is None else message_item(room.room_id, number, text))


def take_sequences(room: Room, count: int) -> range:
    """Take sequences like messages that are stored late or never."""
    first = take_sequence(room)
    RoomSequence(room.room_id).update([RoomSequence.last_sequence.add(count - 1)])
    return range(first, first + count)


EXPIRED = examples(test=1_000, fuzz=10_000)


def test_page_over_thousands_of_expired_messages_takes_few_requests(
    room: Room, aki: Connection, clock: time_machine.Traveller, read_page: ReadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "SECOND_PAGE_SIZE", EXPIRED // 20)  # 500 of 10,000
    store_texts(room, EXPIRED)
    clock.shift(timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS))
    Room(room.room_id).update([Room.expires_at.set(datetime.now(UTC) + timedelta(hours=1))])
    messages.store(aki, "alive", None)
    pages = catch_up(read_page, room)
    assert (texts_of(pages), len(pages)) == (["alive"], 1)
    assert max(requests for _, requests in pages) <= limits.MAX_READ_REQUESTS
    newest, requests = read_page(room)
    assert [message.text for message in newest.messages] == ["alive"]
    assert requests <= 4


def test_page_over_more_expired_messages_than_its_requests_can_read_continues_from_there(
    room: Room, aki: Connection, clock: time_machine.Traveller, read_page: ReadPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_READ_REQUESTS", 8)
    write_rows(room, range(1, 900), "é" * 4_000)  # 8 KB each
    clock.shift(timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS))
    Room(room.room_id).update([Room.expires_at.set(datetime.now(UTC) + timedelta(hours=1))])
    write_rows(room, range(900, 903), "alive")
    pages = catch_up(read_page, room)
    assert texts_of(pages) == ["alive"] * 3
    assert len(pages) > 2
    assert max(requests for _, requests in pages) <= limits.MAX_READ_REQUESTS
    assert not any(page.complete for page, _ in pages[:-1])


def test_page_over_thousands_of_tombstones_takes_few_requests(room: Room, aki: Connection, read_page: ReadPage) -> None:
    write_rows(room, range(1, 2), "first")
    write_rows(room, range(2, 1_000), None)
    write_rows(room, range(1_000, 1_001), "last")
    newest, requests = read_page(room)
    assert [message.text for message in newest.messages] == ["first", "last"]
    assert requests <= limits.MAX_READ_REQUESTS
    pages = catch_up(read_page, room)
    assert (texts_of(pages), len(pages)) == (["first", "last"], 1)


def read_back(read_page: ReadPage, room: Room) -> Pages:
    """Read the pages from the newest message back to the first."""
    pages = [read_page(room)]
    while (before := pages[-1][0].next_before) is not None:
        pages.append(read_page(room, before=before))
    return pages


@pytest.fixture
def small_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a request close at most 5 gaps."""
    monkeypatch.setattr(history, "MAX_CLOSED", 5)


@pytest.mark.parametrize("count", [1, 4, 5, 6, 120])
def test_gaps_are_closed_in_pages_that_take_few_requests_each(
    room: Room, aki: Connection, count: int, read_page: ReadPage, small_transactions: None
) -> None:
    messages.store(aki, "first", None)
    late = take_sequences(room, count)
    messages.store(aki, "last", None)
    pages = catch_up(read_page, room)
    assert texts_of(pages) == ["first", "last"]
    assert (len(pages) > 1) is (count == 120)
    assert max(requests for _, requests in pages) <= limits.MAX_READ_REQUESTS
    assert all(page.complete for page, _ in pages)
    assert not any(store_late(room, sequence) for sequence in late)
    assert len(catch_up(read_page, room)) == 1


def test_gaps_are_closed_from_the_newest_back(
    room: Room, aki: Connection, read_page: ReadPage, small_transactions: None
) -> None:
    late = [*take_sequences(room, 60)]
    messages.store(aki, "first", None)
    late += take_sequences(room, 60)
    messages.store(aki, "last", None)
    pages = read_back(read_page, room)
    assert texts_of(pages) == ["last", "first"]
    assert {page.last_sequence for page, _ in pages} == {122}
    assert len(pages) > 2
    assert max(requests for _, requests in pages) <= limits.MAX_READ_REQUESTS
    assert not any(store_late(room, sequence) for sequence in late)


def test_page_that_ends_early_leaves_the_gaps_beyond_it_open(
    room: Room, aki: Connection, read_page: ReadPage, small_transactions: None
) -> None:
    take_sequences(room, 120)
    messages.store(aki, "last", None)
    page, _ = read_page(room, 0)
    reached = page.next_after or 0
    assert 0 < reached < 120
    assert not page.messages
    assert store_late(room, reached) is False
    assert store_late(room, reached + 1) is True
    assert texts_of(catch_up(read_page, room)) == ["late", "last"]


def test_a_hundred_gaps_are_closed_by_one_request(room: Room, aki: Connection, requests: Counter[str]) -> None:
    take_sequences(room, 100)
    messages.store(aki, "last", None)
    requests.clear()
    assert sequences(room, after=0) == [101]
    assert requests == {"GetItem": 1, "Query": 3, "TransactWriteItems": 1}


def test_five_clients_that_catch_up_after_three_hundred_gaps_get_every_message(
    room: Room, aki: Connection, read_page: ReadPage
) -> None:
    for number in range(10):
        messages.store(aki, str(number), None)
        for _ in range(30):
            take_sequence(room)
    messages.store(aki, "last", None)
    start = threading.Barrier(5)

    def read_together(_: int) -> Pages:
        start.wait(10)
        return catch_up(read_page, room)

    with ThreadPoolExecutor(5) as executor:
        for pages in executor.map(read_together, range(5)):
            assert texts_of(pages) == [*map(str, range(10)), "last"]
            assert max(requests for _, requests in pages) <= limits.MAX_READ_REQUESTS


def test_messages_that_are_stored_while_their_gaps_are_closed_are_returned(
    room: Room, aki: Connection, read_page: ReadPage, meanwhile: Meanwhile
) -> None:
    late = [take_sequence(room) for _ in range(5)]
    messages.store(aki, "last", None)
    meanwhile(lambda: (store_late(room, late[1]), store_late(room, late[3])))
    page, requests = read_page(room, 0)
    assert [message.sequence for message in page.messages] == [2, 4, 6]
    assert requests <= limits.MAX_READ_REQUESTS


@pytest.mark.parametrize(
    ("after", "limit", "expected"), [(0, 1, [2]), (0, 2, [2, 4]), (None, 1, [6]), (None, 2, [4, 6])]
)
def test_page_keeps_its_limit_when_messages_are_stored_while_its_gaps_are_closed(
    room: Room, aki: Connection, after: int | None, limit: int, expected: list[int], meanwhile: Meanwhile
) -> None:
    late = take_sequences(room, 5)
    messages.store(aki, "last", None)
    meanwhile(lambda: (store_late(room, late[1]), store_late(room, late[3])))
    assert sequences(room, after, None, limit) == expected


@pytest.fixture
def room_with_gaps(room: Room, aki: Connection, request: pytest.FixtureRequest) -> Room:
    """Store messages 1 to 9 with the gaps that the test names."""
    for sequence in range(1, 10):
        if sequence in request.param:
            take_sequence(room)
        else:
            messages.store(aki, str(sequence), None)
    return room


@pytest.mark.parametrize(
    ("room_with_gaps", "after", "before", "expected", "continue_at"),
    [
        ([4], 1, None, [2, 3], 3),
        ([3, 4], 1, None, [2], 2),
        ([2], 1, None, [], 1),
        ([4], None, None, [5, 6, 7, 8, 9], 5),
        ([3, 4], None, None, [5, 6, 7, 8, 9], 5),
        ([4], None, 5, [], 5),
        ([4], None, 7, [5, 6], 5),
    ],
    indirect=["room_with_gaps"],
)
def test_page_ends_at_a_gap_that_cannot_be_closed(
    room_with_gaps: Room,
    after: int | None,
    before: int | None,
    expected: list[int],
    continue_at: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: "conflict" if operation in WRITES else None)
        page = history.read(room_with_gaps.room_id, after, before)
    assert [message.sequence for message in page.messages] == expected
    if after is None:
        assert (page.next_after, page.next_before, page.last_sequence) == (None, continue_at, 9)
    else:
        assert (page.next_after, page.next_before, page.last_sequence) == (continue_at, None, continue_at)


@pytest.mark.parametrize("room_with_gaps", [[4], [3, 4, 5]], indirect=True)
def test_gap_before_a_settled_message_needs_no_tombstone(
    room_with_gaps: Room, clock: time_machine.Traveller, requests: Counter[str]
) -> None:
    clock.shift(limits.SETTLE_SECONDS + 1)
    requests.clear()
    for page in ({"after": 1}, {}, {"before": 8}, {"before": 5}, {"before": 6}, {"after": 2, "before": 7}):
        sequences(room_with_gaps, **page)
    assert not requests.keys() & WRITES


@pytest.mark.parametrize("room_with_gaps", [[4]], indirect=True)
def test_gap_between_settled_messages_needs_no_tombstone_although_there_are_new_ones(
    room_with_gaps: Room, aki: Connection, clock: time_machine.Traveller, requests: Counter[str]
) -> None:
    clock.shift(limits.SETTLE_SECONDS + 1)
    messages.store(aki, "new", None)
    requests.clear()
    assert sequences(room_with_gaps, after=1) == [2, 3, 5, 6, 7, 8, 9, 10]
    assert not requests.keys() & WRITES


@pytest.mark.parametrize("room_with_gaps", [[4]], indirect=True)
@pytest.mark.parametrize("expired", [4, 5])
def test_expired_message_among_others_is_neither_returned_nor_replaced(room_with_gaps: Room, expired: int) -> None:
    row = message_item(room_with_gaps.room_id, expired, "expired")
    row.expires_at = row.sent_at
    row.save()
    assert sequences(room_with_gaps, after=0) == [number for number in range(1, 10) if number not in {4, expired}]
    kept = Message.find(room_with_gaps.room_id, Message.sort_key_of(expired))
    assert kept is not None
    assert kept.text == "expired"


@pytest.mark.parametrize("room_with_gaps", [[4, 5]], indirect=True)
def test_gap_before_a_young_message_gets_a_tombstone(room_with_gaps: Room, clock: time_machine.Traveller) -> None:
    clock.shift(limits.SETTLE_SECONDS - 1)
    sequences(room_with_gaps, after=1)
    assert store_late(room_with_gaps, 4) is False


def test_sequences_are_used_before_they_count_as_settled() -> None:
    config = json.loads((PROJECT / ".chalice/config.json").read_text())
    timeouts = [function["lambda_timeout"] for function in config["lambda_functions"].values()]
    assert max(timeouts) <= limits.MAX_FUNCTION_SECONDS
    # One for the function that took the sequence, one for that which stored the message above, and a margin for clocks.
    assert limits.SETTLE_SECONDS >= 2 * limits.MAX_FUNCTION_SECONDS + 120


@pytest.mark.parametrize("room_with_gaps", [[4]], indirect=True)
def test_page_ends_early_when_its_time_is_up(room_with_gaps: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_READ_SECONDS", 0)
    page = history.read(room_with_gaps.room_id, 0)
    assert ([message.sequence for message in page.messages], page.next_after) == ([1, 2, 3], 3)
    page = history.read(room_with_gaps.room_id, 4)
    assert ([message.sequence for message in page.messages], page.next_after) == ([5, 6, 7, 8, 9], None)


REFUSED = examples(test=200, fuzz=4_000)


def test_history_read_takes_few_requests_while_forty_members_repeat_client_ids(room: Room, read_page: ReadPage) -> None:
    names = [f"c{number}" for number in range(40)]
    fill_room(room, names)
    senders = [Connection.get(name, consistent_read=True) for name in names]
    for sender in senders:
        messages.store(sender, "first", sender.connection_id)
    pages = catch_up(read_page, room)

    def repeat(sender: Connection) -> None:
        for number in range(REFUSED // len(senders)):
            with pytest.raises(InvalidInput, match="clientId belongs to another message"):
                messages.store(sender, f"another text {number}", sender.connection_id)
            if number == 0:
                take_sequence(room)

    with ThreadPoolExecutor(5) as executor:
        repeating = [executor.submit(repeat, sender) for sender in senders]
        while not all(future.done() for future in repeating):
            pages += catch_up(read_page, room) + read_back(read_page, room)
    pages += catch_up(read_page, room)
    assert [future.exception() for future in repeating] == [None] * len(senders)
    assert max(requests for _, requests in pages) <= limits.MAX_READ_REQUESTS
    # The first repetition of each member takes a sequence, besides what the test has taken.
    assert take_sequence(room) == 3 * len(senders) + 1


@pytest.mark.parametrize("max_closed", [2, 100])
def test_readers_miss_no_message_that_is_stored_out_of_order(
    room: Room, monkeypatch: pytest.MonkeyPatch, max_closed: int
) -> None:
    monkeypatch.setattr(history, "MAX_CLOSED", max_closed)
    fill_room(room, ["a", "b", "c"])
    senders = [Connection.get(name, consistent_read=True) for name in ("a", "b", "c")]
    are_done = threading.Event()

    def write(sender: Connection) -> list[str]:
        texts = []
        for number in range(4):
            for taken in reversed([messages.take_sequence(room.room_id) for _ in range(4)][1:]):
                texts.append(f"{sender.name} {number} {taken.last_sequence}")
                messages.store(sender, texts[-1], None, taken)
        return texts

    def read(limit: int) -> list[str | None]:
        position, found = 0, list[Message]()
        while True:
            is_last_round = are_done.is_set()
            page = history.read(room.room_id, position, None, limit)
            found += page.messages
            if page.next_after is not None or len(page.messages) < limit:
                position = page.last_sequence
            else:
                position = int(page.messages[-1].sequence)
            if is_last_round and position == history.read(room.room_id, limit=1).last_sequence:
                assert [row.sequence for row in found] == sorted({row.sequence for row in found})
                return [row.text for row in found]

    with ThreadPoolExecutor(6) as executor:
        reading = [executor.submit(read, limit) for limit in (1, 7, 100)]
        written = [text for texts in executor.map(write, senders) for text in texts]
        are_done.set()
        for future in reading:
            assert sorted(map(str, future.result())) == sorted(written)
