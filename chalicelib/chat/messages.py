"""Message storage: sequences and idempotency. `history.py` reads what is stored.

A message is stored before anyone sees it, in two writes. The first takes the next sequence of the room from a counter.
The second is a transaction that stores the message under that sequence, and an idempotency record for its clientId.

- If a handler crashes between the two writes, the sequence has no message. Nobody has seen it. When the client retries,
  the message gets a new sequence.
- If a handler crashes after the second write, the message is stored. When the client retries, the idempotency record
  leads to it, and it is delivered under its stored sequence. The sequence that the retry took has no message.

A message whose sequence was closed by a tombstone (`history.py`) gets a new one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chalicelib import limits, settings
from chalicelib.errors import Forbidden, InvalidInput, NotInRoom
from chalicelib.storage.models import Connection, IdempotencyRecord, Message, RoomSequence
from chalicelib.storage.transactions import (
    StorageError,
    UpdateAction,
    condition_failed,
    retry_on_conflict,
    transaction,
    was_cancelled,
)


class WebhookSender(NamedTuple):
    """A webhook as the sender of a message, with the same attributes as a connection."""

    joined_room_id: str
    member_id: str
    name: str
    retention: timedelta


def store(sender: Connection | WebhookSender, text: str, client_id: str | None, sequence: int | None = None) -> Message:
    """Store a message in its sender's room, and return the stored message.

    Idempotent: if the sender used client_id in the room within IDEMPOTENCY_TTL_SECONDS, nothing is stored, and the
    message stored for it is returned. Users, guests with a key, and webhooks have client_ids of their own; all other
    guests of a room share theirs. Messages of webhooks omit it: a member could mistake one for the acknowledgement of
    its own. Costs two requests, four for a client_id that was used before.

    sequence: a sequence already taken by the caller; saves one request.

    Retries conflicts with transactions for up to 10 seconds. Raises InvalidInput if the earlier message has another
    text, Forbidden if it was deleted, NotInRoom if the room is closed, and StorageError if DynamoDB fails.
    """
    return _store(sender, text, client_id, [] if sequence is None else [sequence])


@retry_on_conflict
def _store(sender: Connection | WebhookSender, text: str, client_id: str | None, taken: list[int]) -> Message:
    """Store a message under the sequence in taken, and take another one for each retry."""
    room_id, now = sender.joined_room_id, datetime.now(UTC)
    webhook_id = sender.member_id if isinstance(sender, WebhookSender) else None
    sequence = taken.pop() if taken else take_sequence(room_id)
    message = Message(
        room_id=room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        text=text,
        sender_id=sender.member_id,
        sender_name=sender.name,
        sender_is_bot=None if webhook_id is None else True,
        sent_at=now,
        client_id=client_id if webhook_id is None else None,
        expires_at=now + sender.retention,
    )
    record_key = IdempotencyRecord.sort_key_of(client_id or "", _sender_of_client_ids(sender))
    try:
        with transaction() as writes:
            writes.save(message, Message.sort_key.does_not_exist())
            if client_id is not None:
                is_new = IdempotencyRecord.sort_key.does_not_exist() | (IdempotencyRecord.expires_at <= now)
                writes.save(_idempotency_record(message, record_key), is_new)
    except StorageError as error:
        earlier = _earlier_message(room_id, record_key) if was_cancelled(error) and client_id is not None else None
        if earlier is None:
            raise
        if earlier.is_tombstone:
            raise Forbidden("this message was deleted, and is not stored again") from error
        if earlier.text != text:
            raise InvalidInput("clientId belongs to another message: use a new one, such as a UUID") from error
        return earlier
    return message


@retry_on_conflict
def take_sequence(room_id: str, count: int = 1) -> int:
    """Take the next sequences of a room, and return the last of them.

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
    return int(sequence.last_sequence)


def _sender_of_client_ids(sender: Connection | WebhookSender) -> str | None:
    """Return the id of a sender that has clientIds of its own: a stranger cannot use them up."""
    return sender.member_id if isinstance(sender, WebhookSender) or sender.has_record else None


def _idempotency_record(message: Message, sort_key: str) -> IdempotencyRecord:
    ttl = min(limits.IDEMPOTENCY_TTL_SECONDS, settings.MESSAGE_RETENTION_SECONDS)
    return IdempotencyRecord(
        room_id=message.room_id,
        sort_key=sort_key,
        sequence=message.sequence,
        expires_at=message.sent_at + timedelta(seconds=ttl),
    )


def _earlier_message(room_id: str, record_key: str) -> Message | None:
    record = IdempotencyRecord.find(room_id, record_key)
    if record is None or not record.is_alive:
        return None
    return Message.find(room_id, Message.sort_key_of(int(record.sequence)))
