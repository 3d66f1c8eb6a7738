"""What was said in a room: stored under a sequence, and read back in its order.

A message is stored before anyone sees it, in two writes. The first takes the room's next sequence from a counter. The
second is a transaction that stores the message under it and claims the client's own id for it.

- A handler that dies between the two leaves a sequence without a message. Nobody has seen it, and when the client sends
  again, the message gets another sequence: the claim stands with the message, or not at all.
- A handler that dies after the second has stored the message. When the client sends again, the claim leads to it, and
  it is delivered under the sequence that it has; the one that was taken in vain stays without a message.

Taking and storing are two writes, so a later sequence may be stored before an earlier one. A reader who has seen the
later one would then take the earlier one, when it comes, for something that it already had. Therefore whoever reads
over a missing sequence closes it, with a void in the message's place: of the two, the void and the message, the second
to be written is refused, and a refused message takes another sequence. What a reader has read stays all there is.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from chalice import BadRequestError
from pynamodb.exceptions import DoesNotExist, PutError, TransactWriteError

from chalicelib import rooms, settings
from chalicelib.models import Claim, Connection, Counter, Message, Room
from chalicelib.transactions import decide_again_when_cancelled, transaction, was_cancelled

__all__ = ["History", "history", "post"]


class History(NamedTuple):
    """A page of what was said, in ascending order."""

    messages: list[Message]
    last_sequence: int
    complete: bool


@decide_again_when_cancelled
def post(sender: Connection, text: str, client_id: str | None) -> Message:
    """Store a message in its sender's room, and return it as it is stored.

    When client_id was used in the room within 10 minutes, that is the message that was stored then. Raises
    BadRequestError when that was another message.
    """
    room_id, now = sender.joined_room_id, datetime.now(UTC)
    sequence = _take_sequence(room_id, now)
    message = Message(
        room_id=room_id,
        position=Message.position_of(sequence),
        sequence=sequence,
        text=text,
        sender_id=sender.member_id,
        sender_name=sender.name,
        sent_at=now,
        client_id=client_id,
        expires_at=_kept_until(now),
    )
    try:
        with transaction() as writes:
            writes.save(message, Message.position.does_not_exist())
            if client_id is not None:
                writes.save(_claim(message), Claim.position.does_not_exist() | (Claim.expires_at <= now))
    except TransactWriteError as error:
        earlier = _claimed(room_id, client_id) if was_cancelled(error) and client_id is not None else None
        if earlier is None:
            raise
        if earlier.text != text:
            raise BadRequestError("clientId must be new for a new message, such as a UUID") from error
        return earlier
    return message


def history(room_id: str, after: int | None, before: int | None, limit: int, token: str | None = None) -> History:
    """Read the messages between two sequences: the oldest of them with after, otherwise the newest, at most limit.

    It is complete unless messages that came after `after` have expired.

    Raises what `rooms.get` raises, for a visitor with this token, and BadRequestError when after or before is beyond
    the last message.
    """
    room, last = rooms.get(room_id, token), _last_sequence(room_id)
    if after is not None and after > last:
        raise BadRequestError(f"after must be at most {last}, the last sequence in this room")
    if before is not None and before > last + 1:
        raise BadRequestError(f"before must be at most {last + 1}, one more than the last sequence in this room")
    wanted = _Range(room_id, after, last if before is None else before - 1, limit)
    rows = _read(wanted)
    complete = after is None or after == last or _is_whole(room, after, rows)
    if gaps := _gaps(wanted, rows, complete):
        _close(room_id, gaps)
        rows = _read(wanted)
    return History([row for row in rows if _is_wanted(wanted, row)], last, complete)


class _Range(NamedTuple):
    """What to read: up to end, the oldest above after, or the newest where after is None; at most limit messages."""

    room_id: str
    after: int | None
    end: int
    limit: int


def _read(wanted: _Range) -> list[Message]:
    """Read the rows of a range in ascending order: messages, voids, and the one at `after`, where it is kept."""
    rows, messages = [], 0
    start = wanted.after or 0
    for row in Message.query(
        wanted.room_id,
        Message.position.between(Message.position_of(start), Message.position_of(wanted.end)),
        consistent_read=True,
        scan_index_forward=wanted.after is not None,
        page_size=wanted.limit + 1,
    ):
        if row.is_alive:
            rows.append(row)
            messages += _is_wanted(wanted, row)
        if messages == wanted.limit or (wanted.after is None and not row.is_alive):
            break
    return sorted(rows, key=lambda row: row.sequence)


def _is_wanted(wanted: _Range, row: Message) -> bool:
    return not row.is_void and row.sequence != wanted.after


def _is_whole(room: Room, after: int, rows: list[Message]) -> bool:
    """Say whether nothing after `after` can have expired, messages expiring in their order."""
    is_young = room.created_at + timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS) > datetime.now(UTC)
    return is_young or (bool(rows) and rows[0].sequence <= after + 1)


def _gaps(wanted: _Range, rows: list[Message], complete: bool) -> list[int]:
    """List the sequences of a range under which nothing is stored, though something is under a later one."""
    known = {int(row.sequence) for row in rows}
    if wanted.after is not None and complete:
        known.add(wanted.after)
    if wanted.after is None or sum(_is_wanted(wanted, row) for row in rows) < wanted.limit:
        known.add(wanted.end + 1)
    return [missing for one, next_ in pairwise(sorted(known)) for missing in range(one + 1, next_)]


def _close(room_id: str, sequences: list[int]) -> None:
    """Let nothing be stored under these sequences any more, where nothing is by now."""
    for sequence in sequences:
        void = Message(
            room_id=room_id,
            position=Message.position_of(sequence),
            sequence=sequence,
            is_void=True,
            expires_at=_kept_until(datetime.now(UTC)),
        )
        try:
            void.save(Message.position.does_not_exist())
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise


def _take_sequence(room_id: str, now: datetime) -> int:
    counter = Counter(room_id)
    forgotten_at = now + timedelta(seconds=settings.SILENCE_SECONDS)
    counter.update([Counter.last_sequence.add(1), Counter.expires_at.set(forgotten_at)])
    return int(counter.last_sequence)


def _last_sequence(room_id: str) -> int:
    """Return the highest sequence under which something is stored: those that were taken since may yet be."""
    newest = Message.query(
        room_id, Message.position.startswith("message#"), consistent_read=True, scan_index_forward=False, limit=1
    )
    for row in newest:
        if row.is_alive:
            return int(row.sequence)
    try:
        taken = int(Counter.get(room_id, "counter", consistent_read=True).last_sequence)
    except DoesNotExist:
        return 0
    # Everything has expired, but for what is being stored under this very sequence at this moment.
    _close(room_id, [taken])
    return taken


def _claim(message: Message) -> Claim:
    lasts = min(settings.CLIENT_ID_SECONDS, settings.MESSAGE_RETENTION_SECONDS)
    return Claim(
        room_id=message.room_id,
        position=Claim.position_of(message.client_id),
        sequence=message.sequence,
        expires_at=message.sent_at + timedelta(seconds=lasts),
    )


def _claimed(room_id: str, client_id: str) -> Message | None:
    try:
        claim = Claim.get(room_id, Claim.position_of(client_id), consistent_read=True)
        return (
            Message.get(room_id, Message.position_of(int(claim.sequence)), consistent_read=True)
            if claim.is_alive
            else None
        )
    except DoesNotExist:
        return None


def _kept_until(moment: datetime) -> datetime:
    return moment + timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS)
