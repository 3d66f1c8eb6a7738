"""Incoming webhooks: the owner of a room creates them, and programs send messages with their tokens.

A token names the room and the webhook, so that it is found by its key, and contains a secret. Only its hash is stored.
Every invalid token gets the same error text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chalicelib import limits, request_log, settings
from chalicelib.auth import identity
from chalicelib.auth.identity import User
from chalicelib.chat import messages, rate_limit, rooms
from chalicelib.chat.messages import Part, WebhookSender
from chalicelib.chat.names import reserved
from chalicelib.errors import InvalidInput, NotInRoom, RateLimitExceeded, UnreadableMessage, WebhookNotFound
from chalicelib.graphemes import cut, is_boundary
from chalicelib.protocol.values import is_blank
from chalicelib.storage.models import WEBHOOK, Message, Room, WebhookRecord
from chalicelib.storage.transactions import (
    StorageError,
    Transaction,
    UpdateAction,
    condition_failed,
    retry_on_conflict,
    transaction,
)

_ID = re.compile(r"[\w-]{16}", re.ASCII)
_TOKEN = re.compile(r"([\w-]{1,64})\.([\w-]{16})\.[\w-]{43}", re.ASCII)


@retry_on_conflict
def create(room_id: str, owner_token: str, name: str, user: User | None = None) -> tuple[str, str]:
    """Create a webhook, and return its id and its token, which only this function returns.

    Raises InvalidInput if the room has MAX_WEBHOOKS, RoomNotFound, and Forbidden unless the token is the owner's.
    """
    room, owner_version = rooms.authorize_owner(room_id, owner_token, user)
    if room.webhook_count >= limits.MAX_WEBHOOKS:
        _correct_count(room)
    webhook_id, now = identity.new_id(), datetime.now(UTC)
    token = f"{room_id}.{webhook_id}.{identity.new_token()}"
    webhook = WebhookRecord(
        room_id,
        WebhookRecord.sort_key_of(webhook_id),
        name=name,
        token_hash=identity.hash_token(token),
        message_times=[0] * settings.MESSAGES_PER_WINDOW,
        owner_version=owner_version,
        created_at=now,
        expires_at=now + timedelta(seconds=limits.WEBHOOK_TTL_SECONDS),
    )
    is_unchanged = room.is_unchanged(Room.owner_hash, Room.roles)  # with the roles, the number of webhooks changes
    roles = (room.roles or {}) | {webhook_id: [WEBHOOK, reserved(name)]}
    with transaction() as writes:
        writes.save(webhook, WebhookRecord.sort_key.does_not_exist())
        writes.update(Room(room_id), [Room.webhook_count.add(1), Room.roles.set(roles)], is_unchanged)
    return webhook_id, token


def _correct_count(room: Room) -> None:
    """Count the webhooks of a room that seems to have too many: some may have expired.

    Raises InvalidInput if it has MAX_WEBHOOKS.
    """
    found = {webhook.webhook_id for webhook in _read_webhooks(room.room_id)}
    count = len(found)
    if count >= limits.MAX_WEBHOOKS:
        raise InvalidInput(f"a room can have at most {limits.MAX_WEBHOOKS} webhooks: delete one first")
    try:
        roles = {id_: entry for id_, entry in (room.roles or {}).items() if entry[0] != WEBHOOK or id_ in found}
        Room(room.room_id).update(
            [Room.webhook_count.set(count), Room.roles.set(roles)], room.is_unchanged(Room.webhook_count, Room.roles)
        )
        room.roles = roles
    except StorageError as error:
        if not condition_failed(error):  # otherwise the webhooks have changed, and the caller notices
            raise


def list_webhooks(room_id: str, owner_token: str, user: User | None = None) -> list[WebhookRecord]:
    """Return the webhooks of a room, oldest first.

    Raises RoomNotFound, and Forbidden unless the token is the owner's.
    """
    rooms.authorize_owner(room_id, owner_token, user)
    return sorted(_read_webhooks(room_id), key=lambda webhook: (webhook.created_at, webhook.webhook_id))


@retry_on_conflict
def delete(room_id: str, owner_token: str, webhook_id: str, user: User | None = None) -> None:
    """Delete a webhook. Raises WebhookNotFound, RoomNotFound, and Forbidden unless the token is the owner's."""
    room, _ = rooms.authorize_owner(room_id, owner_token, user)
    if not _ID.fullmatch(webhook_id):
        raise WebhookNotFound
    webhook = WebhookRecord.find(room_id, WebhookRecord.sort_key_of(webhook_id))
    if webhook is None or not webhook.is_alive:
        raise WebhookNotFound
    with transaction() as writes:
        writes.delete(webhook, WebhookRecord.sort_key.exists())
        roles = {id_: entry for id_, entry in (room.roles or {}).items() if id_ != webhook_id}
        changes: list[UpdateAction] = [Room.webhook_count.add(-1), Room.roles.set(roles)]
        writes.update(Room(room_id), changes, room.is_unchanged(Room.roles))


def delete_all(writes: Transaction, room: Room) -> set[str]:
    """Add to a transaction the deletion of the webhooks that an owner's token has created.

    Return the ids of those that remain: those of users with an owner's rights.
    """
    found = _read_webhooks(room.room_id)
    deleted = [webhook for webhook in found if webhook.owner_version is not None]
    for webhook in deleted:
        writes.delete(webhook)
    return {webhook.webhook_id for webhook in found if webhook not in deleted}


def find(token: str) -> WebhookRecord:
    """Return the webhook of a token. Raises WebhookNotFound."""
    names = _TOKEN.fullmatch(token)
    webhook = names and WebhookRecord.find(names[1], WebhookRecord.sort_key_of(names[2]))
    if not webhook or not identity.is_token(token, webhook.token_hash) or not webhook.is_alive:
        raise WebhookNotFound
    return webhook


def store_messages(webhook: WebhookRecord, text: str, client_id: str | None) -> Iterator[Message]:
    """Store a message of a webhook, and yield it, so that the caller delivers it. A room with keep_days is extended.

    A long text becomes several messages: each part is yielded before the next one is stored. Together they count as one
    message for the rate limit. Each part has an idempotency record of its own, so that a repetition completes what a
    crash has interrupted.

    Raises UnreadableMessage, WebhookNotFound, RateLimitExceeded, InvalidInput and Forbidden.
    """
    parts = split(text)
    if not parts:
        raise UnreadableMessage
    room = rooms.find(webhook.room_id)
    if room is None:
        raise WebhookNotFound
    request_log.append_keys(room_id=room.room_id)
    _record_message(webhook)
    sender = WebhookSender(room.room_id, webhook.webhook_id, webhook.name, room.retention)
    for number, part in enumerate(parts, 1):
        try:
            message = messages.store(sender, part, client_id, part=Part(number, len(parts)))
        except NotInRoom as error:  # the room was closed a moment ago
            raise WebhookNotFound from error
        if number == 1:
            rooms.extend(room)
        yield message


def split(text: str) -> list[str]:
    """Return the parts in which a text is sent, without blank ones. If it is too long, the last one ends in "…".

    Parts end at line ends or spaces if possible, and never inside a grapheme.
    """
    parts: list[str] = []
    while text and len(parts) < limits.MAX_MESSAGE_PARTS:
        part, text = _split_once(text)
        if not is_blank(part):
            parts.append(part)
    if not is_blank(text):
        parts[-1] = _cut(parts[-1], limits.MAX_MESSAGE_LENGTH - 1) + "…"
    return parts


def _split_once(text: str) -> tuple[str, str]:
    """Return the longest start of a text that fits into a message, and the rest.

    A line end or space in its second half is preferred to one in its first half, so that few parts are needed.
    """
    length = limits.MAX_MESSAGE_LENGTH
    if len(text) <= length:
        return text, ""
    for least in (length // 2, 1):
        for separator in ("\n", " "):
            end = text.rfind(separator, least, length + 1)
            while 0 < end < len(text) - 1 and not is_boundary(text, end + 1):  # a space may carry a mark
                end = text.rfind(separator, least, end)
            if end > 0:
                return text[:end], text[end + 1 :]
    part = _cut(text, length)
    return part, text[len(part) :]


def _cut(text: str, length: int) -> str:
    """Return the longest start of a text that fits, with whole graphemes unless the first one is longer."""
    return cut(text, length) or text[:length]


def _read_webhooks(room_id: str) -> list[WebhookRecord]:
    rows = WebhookRecord.query(room_id, WebhookRecord.sort_key.startswith(WebhookRecord.PREFIX), consistent_read=True)
    return [row for row in rows if row.is_alive]


@retry_on_conflict
def _record_message(webhook: WebhookRecord) -> None:
    """Record a message of a webhook, as `rate_limit.check_rate_limit` does, and keep the webhook for another year.

    Raises RateLimitExceeded, and WebhookNotFound if the webhook was deleted.
    """
    now = rate_limit.current_milliseconds()
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.WEBHOOK_TTL_SECONDS)
    updates, is_allowed = rate_limit.slide_window(WebhookRecord.message_times, now)
    try:
        webhook.update([*updates, WebhookRecord.expires_at.set(expires_at)], is_allowed)
    except StorageError as error:
        if not condition_failed(error):
            raise
        current = WebhookRecord.find(webhook.room_id, webhook.sort_key)
        if current is None:
            raise WebhookNotFound from error
        raise RateLimitExceeded(rate_limit.seconds_to_wait(current.message_times, now)) from error
