"""Incoming webhooks: the owner of a room creates them, and programs post messages with their tokens.

A token names the room and the hook, so that it is found by its key, and contains a secret. Only its hash is stored.
Every invalid token gets the same error text.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from chalicelib import limits, request_log, settings
from chalicelib.auth import identity
from chalicelib.chat import messages, rate_limit, rooms
from chalicelib.chat.messages import WebhookSender
from chalicelib.errors import InvalidInput, RateLimitExceeded, WebhookNotFound
from chalicelib.storage.models import Message, Room, WebhookRecord
from chalicelib.storage.transactions import StorageError, condition_failed, retry_on_conflict, transaction

_ID = re.compile(r"[\w-]{16}", re.ASCII)
_TOKEN = re.compile(r"([\w-]{1,64})\.([\w-]{16})\.[\w-]{43}", re.ASCII)


@retry_on_conflict
def create(room_id: str, owner_token: str, name: str) -> tuple[str, str]:
    """Create a hook, and return its id and its token, which only this function returns.

    Raises InvalidInput if the room has MAX_HOOKS, RoomNotFound, and Forbidden unless the token is the owner's.
    """
    room = rooms.authorize_owner(room_id, owner_token)
    if len(_read_webhooks(room_id)) >= limits.MAX_HOOKS:
        raise InvalidInput(f"a room can have at most {limits.MAX_HOOKS} hooks: delete one first")
    hook_id, now = identity.new_id(), datetime.now(UTC)
    token = f"{room_id}.{hook_id}.{identity.new_token()}"
    hook = WebhookRecord(
        room_id,
        WebhookRecord.sort_key_of(hook_id),
        name=name,
        token_hash=identity.hash_token(token),
        message_times=[0] * settings.MESSAGES_PER_WINDOW,
        created_at=now,
        expires_at=now + timedelta(seconds=limits.HOOK_TTL_SECONDS),
    )
    # Of two concurrent creations, the second one is cancelled, and counts the hooks again.
    is_unchanged = (
        Room.newest_hook.does_not_exist() if room.newest_hook is None else Room.newest_hook == room.newest_hook
    )
    with transaction() as writes:
        writes.save(hook, WebhookRecord.sort_key.does_not_exist())
        writes.update(Room(room_id), [Room.newest_hook.set(hook_id)], is_unchanged & (Room.expires_at > now))
    return hook_id, token


def list_webhooks(room_id: str, owner_token: str) -> list[WebhookRecord]:
    """Return the hooks of a room, oldest first. Raises RoomNotFound, and Forbidden unless the token is the owner's."""
    rooms.authorize_owner(room_id, owner_token)
    return sorted(_read_webhooks(room_id), key=lambda hook: (hook.created_at, hook.hook_id))


@retry_on_conflict
def delete(room_id: str, owner_token: str, hook_id: str) -> None:
    """Delete a hook. Raises WebhookNotFound, RoomNotFound, and Forbidden unless the token is the owner's."""
    rooms.authorize_owner(room_id, owner_token)
    if not _ID.fullmatch(hook_id):
        raise WebhookNotFound
    try:
        WebhookRecord(room_id, WebhookRecord.sort_key_of(hook_id)).delete(WebhookRecord.expires_at > datetime.now(UTC))
    except StorageError as error:
        if condition_failed(error):
            raise WebhookNotFound from error
        raise


def store_message(token: str, text: str, client_id: str | None) -> Message:
    """Store the message of a hook, and return it. It still has to be delivered. A room with keep_days is extended.

    Raises WebhookNotFound, RateLimitExceeded, and what `messages.store` raises.
    """
    hook = _find(token)
    room = None if hook is None else rooms.find(hook.room_id)
    if hook is None or room is None:
        raise WebhookNotFound
    request_log.append_keys(room_id=room.room_id)
    _record_message(hook)
    sender = WebhookSender(room.room_id, hook.hook_id, hook.name, room.retention)
    message = messages.store(sender, text, client_id)
    rooms.extend(room)
    return message


def _read_webhooks(room_id: str) -> list[WebhookRecord]:
    rows = WebhookRecord.query(room_id, WebhookRecord.sort_key.startswith(WebhookRecord.PREFIX), consistent_read=True)
    return [row for row in rows if row.is_alive]


def _find(token: str) -> WebhookRecord | None:
    """Return the hook of a token."""
    names = _TOKEN.fullmatch(token)
    hook = names and WebhookRecord.find(names[1], WebhookRecord.sort_key_of(names[2]))
    return hook if hook and identity.is_token(token, hook.token_hash) and hook.is_alive else None


@retry_on_conflict
def _record_message(hook: WebhookRecord) -> None:
    """Record a message of a hook, as `rate_limit.check_rate_limit` does, and keep the hook for another year.

    Raises RateLimitExceeded, and WebhookNotFound if the hook was deleted.
    """
    now = rate_limit.current_milliseconds()
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.HOOK_TTL_SECONDS)
    updates, is_allowed = rate_limit.slide_window(WebhookRecord.message_times, now)
    try:
        hook.update([*updates, WebhookRecord.expires_at.set(expires_at)], is_allowed)
    except StorageError as error:
        if not condition_failed(error):
            raise
        current = WebhookRecord.find(hook.room_id, hook.sort_key)
        if current is None:
            raise WebhookNotFound from error
        raise RateLimitExceeded(rate_limit.seconds_to_wait(current.message_times, now)) from error
