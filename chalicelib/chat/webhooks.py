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
from chalicelib.chat.messages import HookSender
from chalicelib.errors import HookNotFound, InvalidInput, RateLimitExceeded
from chalicelib.storage.models import HookRecord, Message, Room
from chalicelib.storage.transactions import StorageError, condition_failed, retry_on_conflict, transaction

_ID = re.compile(r"[\w-]{16}", re.ASCII)
_TOKEN = re.compile(r"([\w-]{1,64})\.([\w-]{16})\.[\w-]{43}", re.ASCII)


@retry_on_conflict
def create(room_id: str, owner_token: str, name: str) -> tuple[str, str]:
    """Create a hook, and return its id and its token, which only this function returns.

    Raises InvalidInput if the room has MAX_HOOKS, RoomNotFound, and Forbidden unless the token is the owner's.
    """
    room = rooms.authorize_owner(room_id, owner_token)
    if len(_read_hooks(room_id)) >= limits.MAX_HOOKS:
        raise InvalidInput(f"a room can have at most {limits.MAX_HOOKS} hooks: delete one first")
    hook_id, now = identity.new_id(), datetime.now(UTC)
    token = f"{room_id}.{hook_id}.{identity.new_token()}"
    hook = HookRecord(
        room_id,
        HookRecord.sort_key_of(hook_id),
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
        writes.save(hook, HookRecord.sort_key.does_not_exist())
        writes.update(Room(room_id), [Room.newest_hook.set(hook_id)], is_unchanged & (Room.expires_at > now))
    return hook_id, token


def list_hooks(room_id: str, owner_token: str) -> list[HookRecord]:
    """Return the hooks of a room, oldest first. Raises RoomNotFound, and Forbidden unless the token is the owner's."""
    rooms.authorize_owner(room_id, owner_token)
    return sorted(_read_hooks(room_id), key=lambda hook: (hook.created_at, hook.hook_id))


@retry_on_conflict
def delete(room_id: str, owner_token: str, hook_id: str) -> None:
    """Delete a hook. Raises HookNotFound, RoomNotFound, and Forbidden unless the token is the owner's."""
    rooms.authorize_owner(room_id, owner_token)
    if not _ID.fullmatch(hook_id):
        raise HookNotFound
    try:
        HookRecord(room_id, HookRecord.sort_key_of(hook_id)).delete(HookRecord.expires_at > datetime.now(UTC))
    except StorageError as error:
        if condition_failed(error):
            raise HookNotFound from error
        raise


def post(token: str, text: str, client_id: str | None) -> Message:
    """Store the message of a hook, and return it. It still has to be delivered. A room with keep_days is extended.

    Raises HookNotFound, RateLimitExceeded, and what `messages.store` raises.
    """
    hook = _find(token)
    room = None if hook is None else rooms.find(hook.room_id)
    if hook is None or room is None:
        raise HookNotFound
    request_log.append_keys(room_id=room.room_id)
    _record_message(hook)
    sender = HookSender(room.room_id, hook.hook_id, hook.name, room.retention)
    message = messages.store(sender, text, client_id)
    rooms.extend(room)
    return message


def _read_hooks(room_id: str) -> list[HookRecord]:
    rows = HookRecord.query(room_id, HookRecord.sort_key.startswith(HookRecord.PREFIX), consistent_read=True)
    return [row for row in rows if row.is_alive]


def _find(token: str) -> HookRecord | None:
    """Return the hook of a token."""
    names = _TOKEN.fullmatch(token)
    hook = names and HookRecord.find(names[1], HookRecord.sort_key_of(names[2]))
    return hook if hook and identity.is_token(token, hook.token_hash) and hook.is_alive else None


@retry_on_conflict
def _record_message(hook: HookRecord) -> None:
    """Record a message of a hook, as `rate_limit.record_message` does, and keep the hook for another year.

    Raises RateLimitExceeded, and HookNotFound if the hook was deleted.
    """
    now = rate_limit.current_milliseconds()
    expires_at = datetime.now(UTC) + timedelta(seconds=limits.HOOK_TTL_SECONDS)
    updates, is_allowed = rate_limit.slide_window(HookRecord.message_times, now)
    try:
        hook.update([*updates, HookRecord.expires_at.set(expires_at)], is_allowed)
    except StorageError as error:
        if not condition_failed(error):
            raise
        current = HookRecord.find(hook.room_id, hook.sort_key)
        if current is None:
            raise HookNotFound from error
        raise RateLimitExceeded(rate_limit.seconds_to_wait(current.message_times, now), warnings=None) from error
