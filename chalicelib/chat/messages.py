"""Message storage: sequences and idempotency. `history.py` reads what is stored.

A message is stored before anyone sees it, in two writes. The first takes the next sequence of the room from a counter.
The second is a transaction that stores the message under that sequence, and an idempotency record for its clientId.

- If a handler crashes between the two writes, the sequence has no message. Nobody has seen it. When the client retries,
  the message gets a new sequence.
- If a handler crashes after the second write, the message is stored. When the client retries, the idempotency record
  leads to it, and it is delivered under its stored sequence.

A sequence that gets no message is closed by a tombstone, because readers would have to close it. A message whose
sequence was closed by a reader (`history.py`) gets a new one. The counter never goes back: a sequence is taken before
any higher one is stored.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from chalicelib import limits, settings
from chalicelib.chat import rate_limit
from chalicelib.errors import Forbidden, InvalidInput, NotInRoom, SlowModeLimitExceeded
from chalicelib.storage.models import Connection, IdempotencyRecord, Message, Reactions, Room, RoomSequence
from chalicelib.storage.transactions import (
    StorageError,
    Transaction,
    UpdateAction,
    condition_failed,
    failed_conditions,
    had_conflict,
    retry_on_conflict,
    transaction,
    was_cancelled,
)

log = logging.getLogger(f"{settings.APP_NAME}.messages")

NO_SUCH_MESSAGE = "sequence must be that of a message in this room"
"""Error text of the actions on a message that does not exist, or not any more."""

MAX_REPEATING_SENDERS = 10_000

repeating_senders: set[tuple[str, str]] = set()
"""Rooms and members whose last message had a clientId that was used before. This process looks for the earlier message
of their next one before it takes a sequence: many such messages leave no gaps."""


class WebhookSender(NamedTuple):
    """A webhook as the sender of a message, with the same attributes as a connection."""

    joined_room_id: str
    member_id: str
    name: str
    retention: timedelta
    is_verified: bool = False

    def role_in(self, _: RoomSequence) -> str | None:
        """Return no role."""
        return None


class Part(NamedTuple):
    """A part of a text that is sent in several messages with the same clientId."""

    number: int = 1
    total: int = 1

    def client_id(self, client_id: str) -> str:
        """Return the clientId of this part. No sender can use those of further parts: they contain a line feed."""
        return client_id if self.number == 1 else f"{client_id}\n{self.number}"


WHOLE = Part()


class _Content(NamedTuple):
    """The content of a message to store, as the parameters of `store` describe it."""

    text: str
    reply_to: int | None = None
    mentions: tuple[str, ...] = ()
    part: Part = WHOLE


def find_message(room_id: str, sequence: int) -> Message:
    """Return a message by consistent reads: one of the message, and one of the room.

    Raises InvalidInput if there is none, or it was deleted, also if it was not erased yet.
    """
    message = Message.find(room_id, Message.sort_key_of(sequence))
    if message is None or message.event is not None or not _is_shown(message):
        raise InvalidInput(NO_SUCH_MESSAGE)
    return message


def store(
    sender: Connection | WebhookSender,
    text: str,
    client_id: str | None,
    sequence: RoomSequence | None = None,
    *,
    reply_to: int | None = None,
    mentions: Sequence[str] = (),
    part: Part = WHOLE,
) -> Message:
    """Store a message in its sender's room, and return the stored message.

    Idempotent: if the sender used client_id in the room within IDEMPOTENCY_TTL_SECONDS, nothing is stored, and the
    message stored for it is returned. Users, guests with a key, and webhooks have client_ids of their own; all other
    guests of a room share theirs. Messages of webhooks omit it: a member could mistake one for the acknowledgement of
    its own. Costs two requests; for a repeated client_id five, or two if the sender's last one was repeated, too; and
    one more if the sender has joined since.

    sequence: a sequence already taken by the caller; saves one request. It is closed if it gets no message.
    reply_to: the sequence of the message that it answers. mentions: the ids of the members that it is meant for,
    repeated ones once.
    part: which part of a longer text this one is. Each part has an idempotency record.

    Retries conflicts with transactions for up to 10 seconds. Raises InvalidInput if the earlier message has another
    text and was not edited, or if reply_to is not that of an earlier message, Forbidden if the message was deleted,
    SlowModeLimitExceeded, NotInRoom if the room is closed, and StorageError if DynamoDB fails.
    """
    content = _Content(text, reply_to, tuple(dict.fromkeys(mentions)), part)
    return _store(sender, content, client_id, [] if sequence is None else [sequence])


@retry_on_conflict
def _store(
    sender: Connection | WebhookSender, content: _Content, client_id: str | None, taken: list[RoomSequence]
) -> Message:
    """Store a message under the sequence in taken. Retries use it again unless another row has taken its place."""
    room_id, now = sender.joined_room_id, datetime.now(UTC)
    webhook_id = sender.member_id if isinstance(sender, WebhookSender) else None
    record_key = IdempotencyRecord.sort_key_of(content.part.client_id(client_id or ""), _sender_of_client_ids(sender))
    if not taken:
        earlier = _earlier_message(room_id, record_key) if client_id is not None and is_repeating(sender) else None
        if earlier is not None:
            return _repeated(sender, earlier, content)
    try:
        _take_in_slow_mode(sender, taken)
    except SlowModeLimitExceeded:
        earlier = None if client_id is None else _earlier_message(room_id, record_key)
        if earlier is None:
            raise
        return _repeated(sender, earlier, content)
    sequence = int(taken[0].last_sequence)
    expires_at = now + _retention(sender, taken[0])
    if content.reply_to is not None and content.reply_to >= sequence:
        _close(tombstone(room_id, sequence, expires_at))
        raise InvalidInput("replyTo must be the sequence of an earlier message")
    message = Message(
        room_id=room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        text=content.text,
        **sender_attributes(sender, taken[0]),
        sent_at=now,
        client_id=client_id if webhook_id is None else None,
        reply_to=content.reply_to,
        mentions=list(content.mentions) or None,
        expires_at=expires_at,
    )
    try:
        with transaction() as writes:
            writes.save(message, Message.sort_key.does_not_exist())
            if client_id is not None:
                is_new = IdempotencyRecord.sort_key.does_not_exist() | (IdempotencyRecord.expires_at <= now)
                writes.save(_idempotency_record(message, record_key, content.part), is_new)
    except StorageError as error:
        is_taken, *is_used = failed_conditions(error) or [False]
        earlier = _earlier_message(room_id, record_key) if any(is_used) else None
        if earlier is not None:
            _remember_repetition(sender)
            if not is_taken:
                _close(tombstone(room_id, sequence, expires_at))
            return _repeated(sender, earlier, content)
        if is_taken:
            taken.clear()
        raise
    repeating_senders.discard((room_id, sender.member_id))
    return message


def _take_in_slow_mode(sender: Connection | WebhookSender, taken: list[RoomSequence]) -> None:
    """Take a sequence, unless the caller has, and check slow mode. A sequence that is not used is closed.

    No sequence is taken for a sender who is known to wait. Raises SlowModeLimitExceeded and NotInRoom.
    """
    room_id = sender.joined_room_id
    if isinstance(sender, WebhookSender):
        taken += [] if taken else [take_sequence(room_id)]
        return
    if not taken and rate_limit.waits_for_slow_mode(sender):
        counter = RoomSequence.find(room_id, RoomSequence.SORT_KEY)
        if counter is not None:
            rate_limit.check_slow_mode(sender, counter)
    taken += [] if taken else [take_sequence(room_id)]
    try:
        rate_limit.check_slow_mode(sender, taken[0])
    except SlowModeLimitExceeded:
        expires_at = datetime.now(UTC) + _retention(sender, taken[0])
        _close(tombstone(room_id, int(taken.pop().last_sequence), expires_at))
        raise


@retry_on_conflict
def take_sequence(room_id: str, count: int = 1) -> RoomSequence:
    """Take the next sequences of a room, and return the counter, whose last_sequence is the last of them.

    Raises NotInRoom if the room is closed, and StorageError if DynamoDB fails.
    """
    sequence = RoomSequence(room_id)
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.SEQUENCE_TTL_SECONDS)
    changes: list[UpdateAction] = [RoomSequence.last_sequence.add(count), RoomSequence.expires_at.set(expires_at)]
    try:
        sequence.update(changes, RoomSequence.closed.does_not_exist())
    except StorageError as error:
        if condition_failed(error):
            raise NotInRoom from error
        raise
    return sequence


@contextmanager
def storing(*events: Message) -> Iterator[Transaction]:
    """Return a context manager that collects writes, and commits all of them with these events, or none, at its end.

    If DynamoDB cancels the transaction, the sequences of the events are closed: a retry takes others, or stores none.
    """
    try:
        with transaction() as writes:
            for event in events:
                writes.save(event, Message.sort_key.does_not_exist())
            yield writes
    except StorageError as error:
        if was_cancelled(error):
            for event in events:
                close_sequence(event.room_id, int(event.sequence))
        raise


def close_sequence(room_id: str, sequence: int) -> None:
    """Close a sequence that was taken and gets no message. Best effort, because readers close what is left."""
    room = Room.find(room_id)
    if room is not None and room.is_alive:
        _close(tombstone(room_id, sequence, datetime.now(UTC) + room.retention))


def tombstone(room_id: str, sequence: int, expires_at: datetime) -> Message:
    """Return a tombstone. Save it on the condition that the sequence has no row."""
    sort_key = Message.sort_key_of(sequence)
    return Message(room_id, sort_key, sequence=sequence, is_tombstone=True, expires_at=expires_at)


def event(
    sender: Connection,
    type_: str,
    predicate: str,
    details: dict[str, Any],
    taken: RoomSequence | None = None,
    offset: int = 0,
) -> Message:
    """Return the row of an event under a sequence, by default a new one. It still has to be saved.

    predicate: what the sender has done, as the rest of a sentence that starts with their name.
    offset: what to add to the taken sequence.
    """
    now = datetime.now(UTC)
    taken = taken or take_sequence(sender.joined_room_id)
    sequence = int(taken.last_sequence) + offset
    return Message(
        room_id=sender.joined_room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        event=type_,
        text=f"{sender.name} {predicate}",
        details=details,
        **sender_attributes(sender, taken),
        sent_at=now,
        expires_at=now + _retention(sender, taken),
    )


def sender_attributes(sender: Connection | WebhookSender, room: RoomSequence) -> dict[str, Any]:
    """Return the attributes of a message that say who has sent it."""
    return {
        "sender_id": sender.member_id,
        "sender_name": sender.name,
        "sender_is_bot": isinstance(sender, WebhookSender) or None,
        "sender_role": sender.role_in(room),
        "sender_is_verified": sender.is_verified or None,
    }


def _retention(sender: Connection | WebhookSender, room: RoomSequence) -> timedelta:
    """Return the time for which a message can be read. The room's may have changed since its sender has joined."""
    return sender.retention if room.keep_days is None else room.retention


def erase(writes: Transaction, message: Message, deleted_by: int) -> None:
    """Add the erasure of a message with its reactions, or of an event, to a transaction, unless it was erased before.

    deleted_by: the sequence of the event that tells of it.
    """
    writes.update(message, _erased(deleted_by), Message.text.exists())
    if message.event is None:
        writes.save(Reactions.closed_for(message))


def _erased(deleted_by: int) -> list[UpdateAction]:
    """Return the changes that erase a message, and leave a tombstone."""
    kept = {"room_id", "sort_key", "sequence", "is_tombstone", "deleted_by", "expires_at"}
    removed = [attribute.remove() for name, attribute in Message.get_attributes().items() if name not in kept]
    return [Message.is_tombstone.set(True), Message.deleted_by.set(deleted_by), *removed]


def is_repeating(sender: Connection | WebhookSender) -> bool:
    """Return whether the last message of a sender in this process had a clientId that was used before."""
    return (sender.joined_room_id, sender.member_id) in repeating_senders


def is_accepted(sender: Connection) -> bool:
    """Return whether the next message of a sender is likely to be stored: it neither repeats one nor comes too soon."""
    return not (is_repeating(sender) or rate_limit.waits_for_slow_mode(sender))


def _remember_repetition(sender: Connection | WebhookSender) -> None:
    if len(repeating_senders) >= MAX_REPEATING_SENDERS:
        repeating_senders.clear()
    repeating_senders.add((sender.joined_room_id, sender.member_id))


def _close(row: Message) -> None:
    try:
        row.save(Message.sort_key.does_not_exist())
    except StorageError as error:
        if not (condition_failed(error) or had_conflict(error)):  # otherwise a reader closes it at the same time
            log.warning("could not close sequence %s of room %s", row.sequence, row.room_id, exc_info=True)


def _repeated(sender: Connection | WebhookSender, earlier: tuple[Message, int], content: _Content) -> Message:
    """Return the earlier message of a clientId. Raises Forbidden or InvalidInput if it is not the same message.

    Only the message of a sender who has joined again since may be hidden: a removal closes all connections.
    """
    message, part_count = earlier
    has_joined_since = isinstance(sender, Connection) and sender.joined_at > (message.sent_at or sender.joined_at)
    if message.is_tombstone or (has_joined_since and not _is_shown(message)):
        raise Forbidden("this message was deleted, and is not stored again")
    if part_count != content.part.total or (message.text != content.text and message.edited_by is None):
        raise InvalidInput("clientId belongs to another message: use a new one, such as a UUID")
    return message


def _is_shown(message: Message) -> bool:
    """Return whether readers see a message, by a consistent read of its room: a removal may have hidden it."""
    room = Room.find(message.room_id)
    return message.is_shown({} if room is None else room.hidden or {})


def _sender_of_client_ids(sender: Connection | WebhookSender) -> str | None:
    """Return the id of a sender that has clientIds of its own: a stranger cannot use them up."""
    return sender.member_id if isinstance(sender, WebhookSender) or sender.has_record else None


def _idempotency_record(message: Message, sort_key: str, part: Part) -> IdempotencyRecord:
    ttl = min(limits.IDEMPOTENCY_TTL_SECONDS, settings.MESSAGE_RETENTION_SECONDS)
    return IdempotencyRecord(
        room_id=message.room_id,
        sort_key=sort_key,
        sequence=message.sequence,
        part_count=part.total if part.total > 1 else None,
        expires_at=message.sent_at + timedelta(seconds=ttl),
    )


def _earlier_message(room_id: str, record_key: str) -> tuple[Message, int] | None:
    """Return the message that was stored for a clientId, and the number of its parts."""
    record = IdempotencyRecord.find(room_id, record_key)
    if record is None or not record.is_alive:
        return None
    message = Message.find(room_id, Message.sort_key_of(int(record.sequence)))
    return None if message is None else (message, int(record.part_count or 1))
