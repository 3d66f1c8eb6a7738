"""Message history: pages of a room's messages and events, without gaps that are filled later.

A higher sequence may be stored before a lower one. A reader that has seen the higher one would miss the lower one when
it is stored later. So readers fill each gap with a tombstone, on the condition that it has no row. A message that loses
the race against a tombstone gets a new sequence. What a reader has read stays complete.

A gap before a message that is older than SETTLE_SECONDS needs no tombstone: its sequence was taken before that message
was stored, by a function that has ended since.

A read takes at most MAX_READ_REQUESTS and about MAX_READ_SECONDS. If there are more gaps or expired rows than that, the
page ends early, before the first gap that it could not close, and says where to continue.
"""

from __future__ import annotations

import random
import time
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from chalicelib import limits
from chalicelib.auth.identity import GUEST, Credentials
from chalicelib.chat import admission, reactions
from chalicelib.chat.messages import tombstone
from chalicelib.errors import InvalidInput
from chalicelib.storage.models import Message, Room, RoomSequence
from chalicelib.storage.transactions import (
    MAX_TRANSACTION_ITEMS,
    StorageError,
    condition_failed,
    had_conflict,
    transaction,
)

MIN_PAGE_SIZE = 50
"""Minimum number of rows that one request reads: of many deleted messages, a smaller page would read few at a time."""

MAX_CLOSED = MAX_TRANSACTION_ITEMS
"""Maximum number of gaps that one request closes."""

DETAIL_REQUESTS = 2
"""Requests of a read that are left for the texts of edited messages and for reactions."""

CLOSING_REQUESTS = 3
"""Requests of a read that are reserved for closing gaps, so that the next page continues further, unless every write
conflicts."""

MAX_PAUSE_SECONDS = 0.05
"""Longest pause after a conflict with another reader, or with a message that is being stored."""


class History(NamedTuple):
    """A page of messages in ascending order.

    last_sequence: the highest sequence in the room; of a page that ends early, next_after.
    complete: true if no message after `after` can have expired.
    next_after: the sequence after which to continue, if a page of the oldest messages ends early.
    next_before: the sequence before which to continue, if a page of the newest messages ends early.
    reader_id: the member id of the reader, None for one without an identity.
    """

    messages: list[Message]
    last_sequence: int
    complete: bool
    next_after: int | None = None
    next_before: int | None = None
    reader_id: str | None = None


def read(
    room_id: str,
    after: int | None = None,
    before: int | None = None,
    limit: int = 50,
    credentials: Credentials = GUEST,
) -> History:
    """Return at most limit messages between two sequences, both exclusive: with after the oldest, otherwise the newest.

    Writes tombstones into the gaps that it finds.

    Raises InvalidInput if after or before is beyond the last message, and the errors of `admission.authorize_reader`.
    """
    room, budget = admission.authorize_reader(room_id, credentials), _Budget()
    last, last_sent_at, taken = _last(room, budget)
    if after is not None and last < after <= taken:  # newer messages have expired before older ones
        last = after
    if after is not None and after > last:
        raise InvalidInput(f"after must be at most {last}, the last sequence in this room")
    if before is not None and before > last + 1:
        raise InvalidInput(f"before must be at most {last + 1}, one more than the last sequence in this room")
    end = last if before is None else before - 1
    # DynamoDB rejects a BETWEEN whose lower bound is above the upper one ("Query", "Key condition expressions").
    wanted = _Range(room_id, after, max(end, after or 0), limit, room.hidden or {}, not room.has_mixed_retention)
    rows, reached = _read(wanted, budget)
    # Nothing has expired in a young room. Otherwise rows expire in their order, unless keep_days was changed.
    is_young = room.created_at + room.shortest_retention > datetime.now(UTC)
    if after is None:
        complete = True
        floor = 0 if is_young else None
    else:
        has_expired_none = wanted.expires_in_order and bool(rows) and rows[0].sequence <= after + 1
        complete = after == last or is_young or has_expired_none
        floor = after if complete else None
    while gaps := _open_gaps(wanted, rows, reached, floor, last_sent_at):
        if not budget.allows(2):  # one to write tombstones, one to read what came first
            break
        rows = sorted([*rows, *_close(room, gaps[:MAX_CLOSED], rows, budget)], key=lambda row: row.sequence)
    messages, continue_at = _page(wanted, rows, reached, gaps)
    add_edited_texts(room_id, messages, wanted.hidden)
    _add_reactions(wanted, messages, budget)
    reader_id = credentials.member_id(room.salt) if credentials.has_identity else None
    if continue_at is None:
        return History(messages, last, complete, reader_id=reader_id)
    if after is None:
        return History(messages, last, complete, next_before=continue_at, reader_id=reader_id)
    return History(messages, continue_at, complete, next_after=continue_at, reader_id=reader_id)


def last_sequence(room: Room) -> int:
    """Return the highest sequence that has a row. Higher ones may be taken, but nothing is stored under them yet.

    If all messages have expired, it writes a tombstone under the last sequence that was taken.
    """
    return _last(room, _Budget())[0]


def add_edited_texts(room_id: str, messages: Sequence[Message], hidden: Mapping[str, int]) -> None:
    """Add the present texts of the edited messages to the events of edits. Costs at most one request.

    hidden: see Room.hidden.
    """
    edits = [row for row in messages if row.event == "edited"]
    targets = {int(row.sequence): row for row in messages if row.is_shown(hidden)}
    missing = {Message.sort_key_of(row.details["target"]) for row in edits if row.details["target"] not in targets}
    if missing:
        rows = Message.batch_get([(room_id, key) for key in sorted(missing)], consistent_read=True)
        targets |= {int(row.sequence): row for row in rows if row.is_shown(hidden)}
    for row in edits:
        target = targets.get(row.details["target"])
        row.edited_text = None if target is None else target.text


class _Budget:
    """The requests and the time that a read may still take."""

    def __init__(self) -> None:
        self._requests = limits.MAX_READ_REQUESTS - limits.ADMISSION_REQUESTS - DETAIL_REQUESTS
        self._ends_at = time.monotonic() + limits.MAX_READ_SECONDS

    def spend(self) -> None:
        """Count a request."""
        self._requests -= 1

    def allows(self, requests: int) -> bool:
        """Return whether this number of requests and some time are left."""
        return self._requests >= requests and time.monotonic() < self._ends_at


class _Range(NamedTuple):
    """A range of sequences up to end: the oldest above after, or the newest if after is None; up to limit messages.

    hidden: Room.hidden. expires_in_order: whether no row expires before an older one.
    """

    room_id: str
    after: int | None
    end: int
    limit: int
    hidden: dict[str, int]
    expires_in_order: bool

    def select(self, rows: Iterable[Message]) -> list[Message]:
        """Return the messages that the range asks for among rows in ascending order."""
        found = [row for row in rows if row.is_shown(self.hidden) and row.sequence != self.after]
        return found[-self.limit :] if self.after is None else found[: self.limit]


def _last(room: Room, budget: _Budget) -> tuple[int, datetime | None, int]:
    """Return the last sequence of a room, the time of its message, if it is kept, and the last sequence that was taken.

    If newer messages may have expired before older ones, the last sequence is that of the counter, once nothing is in
    progress: the tombstone below would take the sequence of every message that is being stored.
    """
    budget.spend()
    query = Message.query(
        room.room_id,
        Message.sort_key.startswith(Message.PREFIX),
        consistent_read=True,
        scan_index_forward=False,
        limit=1,
    )
    newest = next(query, None)
    if newest is not None and newest.is_alive and not room.has_mixed_retention:
        return int(newest.sequence), newest.sent_at, int(newest.sequence)
    budget.spend()
    sequence = RoomSequence.find(room.room_id, RoomSequence.SORT_KEY)
    if sequence is None or not sequence.last_sequence:
        return 0, None, 0
    # All messages have expired, or newer ones have. A message may be in progress under this sequence: the tombstone
    # moves it to the next.
    taken, taken_at = int(sequence.last_sequence), sequence.taken_at
    age = datetime.now(UTC) - taken_at
    if newest is not None and newest.is_alive and age < timedelta(seconds=limits.MAX_FUNCTION_SECONDS):
        return int(newest.sequence), newest.sent_at, taken
    if newest is None or newest.sequence != taken:
        closing = tombstone(room.room_id, taken, datetime.now(UTC) + room.retention)
        while error := _save([closing], budget):
            if condition_failed(error):  # a message came first
                break
            if not budget.allows(1 + CLOSING_REQUESTS):
                raise error
    is_settled = age > timedelta(seconds=limits.SETTLE_SECONDS)
    return taken, taken_at if is_settled else None, taken


def _read(wanted: _Range, budget: _Budget) -> tuple[list[Message], int | None]:
    """Return the rows of a range in ascending order: messages, tombstones, and the row at `after`, if it exists.

    Also return the sequence that the requests have reached, None if they have found all that is wanted.
    """
    query = Message.query(
        wanted.room_id,
        Message.sort_key.between(Message.sort_key_of(wanted.after or 0), Message.sort_key_of(wanted.end)),
        filter_condition=Message.expires_at > datetime.now(UTC),
        consistent_read=True,
        scan_index_forward=wanted.after is not None,
        page_size=max(wanted.limit, MIN_PAGE_SIZE) + 1,
    )
    rows: list[Message] = []
    reached = None
    for page in Message.pages(query):
        budget.spend()
        rows += page.rows
        reached = None if page.last_key is None else Message.sequence_of(page.last_key["sort_key"]["S"])
        # Rows expire in their order: below an expired one, there are only expired ones.
        ends_at_expired = wanted.after is None and wanted.expires_in_order and page.scanned > len(page.rows)
        if ends_at_expired or len(wanted.select(rows)) == wanted.limit:
            reached = None
        if reached is None or not budget.allows(1 + CLOSING_REQUESTS):
            break
    return sorted(rows, key=lambda row: row.sequence), reached


def _open_gaps(
    wanted: _Range, rows: list[Message], reached: int | None, floor: int | None, last_sent_at: datetime | None
) -> list[int]:
    """Return the sequences of a page without a row, under which a message may still be stored, in reading order.

    A sequence is settled if a message above it is older than SETTLE_SECONDS.

    floor: the sequence at which the range starts, None if the rows above it can have expired.
    """
    messages, is_forward = wanted.select(rows), wanted.after is not None
    is_full = len(messages) == wanted.limit
    if is_forward:
        lowest, highest = floor, wanted.end + 1 if reached is None else reached
        highest = int(messages[-1].sequence) if is_full else highest
    else:
        lowest, highest = floor if reached is None else reached, wanted.end + 1
        lowest = int(messages[0].sequence) if is_full else lowest
    sent_at = {row.sequence: row.sent_at for row in rows if (lowest or 0) <= row.sequence <= highest}
    bounds = sorted({*map(int, sent_at), highest} | (set() if lowest is None else {lowest}))
    settled_at, gaps = datetime.now(UTC) - timedelta(seconds=limits.SETTLE_SECONDS), list[int]()
    oldest_above = last_sent_at
    for lower, upper in reversed(list(pairwise(bounds))):
        oldest_above = min((time for time in (oldest_above, sent_at.get(upper)) if time is not None), default=None)
        if oldest_above is None or oldest_above > settled_at:
            gaps += range(upper - 1, lower, -1)
    return gaps[::-1] if is_forward else gaps


def _close(room: Room, gaps: Sequence[int], rows: list[Message], budget: _Budget) -> list[Message]:
    """Write tombstones into gaps, and return the new rows. If a row came first, write none, and return what is there.

    A tombstone expires with the row that follows it: `read` relies on rows that expire in their order.
    """
    following, expiries = [int(row.sequence) for row in rows], [row.expires_at for row in rows]
    expiries.append(expiries[-1] if expiries else datetime.now(UTC) + room.retention)
    tombstones = [tombstone(room.room_id, gap, expiries[bisect(following, gap)]) for gap in gaps]
    if _save(tombstones, budget) is None:
        return tombstones
    budget.spend()
    lowest, highest = Message.sort_key_of(min(gaps)), Message.sort_key_of(max(gaps))
    page = next(
        Message.pages(Message.query(room.room_id, Message.sort_key.between(lowest, highest), consistent_read=True))
    )
    return [row for row in page.rows if row.sequence in set(gaps)]


def _save(tombstones: list[Message], budget: _Budget) -> StorageError | None:
    """Save all of the tombstones and return None, or the error if one of the sequences has a row or gets one."""
    budget.spend()
    is_free = Message.sort_key.does_not_exist()
    try:
        if len(tombstones) == 1:  # half the price of a transaction
            tombstones[0].save(is_free)
        else:
            with transaction() as writes:
                for row in tombstones:
                    writes.save(row, is_free)
    except StorageError as error:
        if had_conflict(error):
            time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311
        elif not condition_failed(error):
            raise
        return error
    return None


def _page(
    wanted: _Range, rows: list[Message], reached: int | None, gaps: list[int]
) -> tuple[list[Message], int | None]:
    """Return the messages before the first open gap, and the sequence from which to continue if the page ends early."""
    messages, is_forward = wanted.select(rows), wanted.after is not None
    if not gaps:
        return messages, None if len(messages) == wanted.limit else reached
    if is_forward:
        return [row for row in messages if row.sequence < gaps[0]], gaps[0] - 1
    return [row for row in messages if row.sequence > gaps[0]], gaps[0] + 1


def _add_reactions(wanted: _Range, messages: Sequence[Message], budget: _Budget) -> None:
    """Add their reactions to messages. Costs one request for each MB of reactions, also to deleted messages between.

    If the budget ends before, the last messages get none.
    """
    targets = {int(row.sequence): row for row in messages if row.event is None}
    for found in reactions.pages_between(wanted.room_id, min(targets), max(targets)) if targets else ():
        for row in found:
            if row.target in targets:
                targets[row.target].reactions = row
        if not budget.allows(1):
            break
        budget.spend()
