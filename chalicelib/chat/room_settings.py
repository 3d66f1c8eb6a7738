"""The settings of a room, which its owner changes: name, lock, keep_days, slow mode and tokens.

A change is an event with a sequence of its own, as in `moderation.py`, except new tokens.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib import limits, request_log, settings
from chalicelib.auth import identity
from chalicelib.chat import members, messages, rights, rooms, webhooks
from chalicelib.errors import InvalidInput
from chalicelib.protocol.frames import Tokens
from chalicelib.protocol.requests import UpdateRoom
from chalicelib.protocol.responses import RoomSummary
from chalicelib.storage.models import MODERATOR, OWNER, Connection, Message, Room, RoomSequence
from chalicelib.storage.transactions import StorageError, UpdateAction, retry_on_conflict, transaction

log = logging.getLogger(f"{settings.APP_NAME}.room_settings")


@retry_on_conflict
def update_room(sender: Connection, data: UpdateRoom) -> Message:
    """Change the name, the lock, keep_days or slow mode of the sender's room, and return the event.

    None leaves a value as it is. A change of keep_days applies to messages from now on.

    Raises Forbidden unless the sender is the owner, or if keep_days requires a user who has signed in, and NotInRoom if
    the room does not exist any more.
    """
    room = rights.require_owner(sender)
    if data.keep_days:
        rooms.check_keep_days(is_signed_in=sender.is_verified)
    is_unchanged = room.is_unchanged(Room.name, Room.locked, Room.keep_days, Room.slow_seconds)
    changes, counter = list[UpdateAction](), list[UpdateAction]()
    now, summaries = datetime.now(UTC), []
    if data.room_name is not None:
        room.name = data.room_name
        changes.append(Room.name.set(room.name))
        summaries.append(f"named the room {room.name}")
    if data.locked is not None:
        if not room.locked:
            changes.append(Room.locked_at.set(now))
        room.locked = data.locked
        changes.append(Room.locked.set(room.locked))
        summaries.append("locked the room" if room.locked else "unlocked the room")
    if data.keep_days is not None:
        changes += _keep(room, data.keep_days, now)
        counter.append(RoomSequence.keep_days.set(data.keep_days))
        summaries.append(
            f"keeps the room for {_days(data.keep_days)}" if data.keep_days else "no longer keeps the room"
        )
    if data.slow_seconds is not None:
        room.slow_seconds = data.slow_seconds
        changes.append(Room.slow_seconds.set(room.slow_seconds))
        counter.append(RoomSequence.slow_seconds.set(data.slow_seconds))
        slow_mode = f"turned on slow mode: {room.slow_seconds} seconds between two messages"
        summaries.append(slow_mode if room.slow_seconds else "turned off slow mode")
    details = {"room": msgspec.to_builtins(RoomSummary.of(room))}
    event = messages.event(sender, "updated", " and ".join(summaries), details)
    event.expires_at = now + room.retention
    with messages.storing(event) as writes:
        writes.update(Room(room.room_id), changes, is_unchanged)
        if counter:
            writes.update(RoomSequence(room.room_id), counter, RoomSequence.closed.does_not_exist())
    return event


def _keep(room: Room, keep_days: int, now: datetime) -> list[UpdateAction]:
    """Return the changes of a room that has members and gets another keep_days."""
    changes: list[UpdateAction] = [Room.keep_days.set(keep_days)]
    if room.keep_days == keep_days:
        return changes
    room.keep_days = keep_days
    changes.append(Room.keep_days_changed_at.set(now))
    expires_at = now + timedelta(seconds=limits.CONNECTION_TTL_SECONDS) + room.keep_time
    if expires_at > room.expires_at:  # the last leave sets an earlier end
        changes.append(Room.expires_at.set(expires_at))
        if room.token_hash is None:
            changes += room.list_until(expires_at)
    return changes


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def renew_tokens(sender: Connection, *, join: bool, owner: bool) -> Tokens:
    """Replace the join token or the owner's token of the sender's room, or both, and return the new ones.

    A new owner's token deletes the webhooks that the former one has created. The sender keeps the owner's rights, and
    other connections lose them. The former token can request another one for FORMER_OWNER_SECONDS.

    Raises Forbidden unless the sender is the owner, InvalidInput if a public room shall get a join token, and NotInRoom
    if the room does not exist any more.
    """
    tokens = _renew_tokens(sender, join=join, owner=owner)
    if owner:
        try:
            members.end_roles(sender.joined_room_id)
        except StorageError:  # the rights have ended, and the tokens must not get lost
            request_log.add_metric(faults=1)
            log.exception("could not end the roles of former owners in room %s", sender.joined_room_id)
    return tokens


@retry_on_conflict
def _renew_tokens(sender: Connection, *, join: bool, owner: bool) -> Tokens:
    room = rights.require_owner(sender, or_former=owner and not join)
    if join and room.token_hash is None:
        raise InvalidInput("newJoinToken must be absent: this room is public, and has no joinToken")
    tokens, now, changes = Tokens(), datetime.now(UTC), list[UpdateAction]()
    is_unchanged = room.is_unchanged(Room.owner_hash, Room.roles)
    with transaction() as writes:
        if join:
            tokens.join_token = identity.new_token()
            changes.append(Room.token_hash.set(identity.hash_token(tokens.join_token)))
        if owner:
            tokens.owner_token = identity.new_token()
            version = int(room.owner_version) + 1
            remaining = webhooks.delete_all(writes, room)
            changes += [
                Room.owner_hash.set(identity.hash_token(tokens.owner_token)),
                Room.owner_version.set(version),
                Room.former_owner_hash.set(room.owner_hash),
                Room.former_owner_until.set(now + timedelta(seconds=limits.FORMER_OWNER_SECONDS)),
                Room.webhook_count.set(len(remaining)),
                Room.roles.set(
                    {
                        id_: entry
                        for id_, entry in (room.roles or {}).items()
                        if entry[0] == MODERATOR or id_ in (*remaining, sender.member_id)
                    }
                ),
            ]
            is_unchanged &= Room.webhook_count.does_not_exist() | (Room.webhook_count == room.webhook_count)
            if sender.owner_version is not None:
                has_new_token: list[UpdateAction] = [Connection.owner_version.set(version), Connection.role.set(OWNER)]
                writes.update(sender, has_new_token, Connection.name.exists())
            # Messages carry the sender's role: they learn with their sequence that an owner's token was replaced.
            counter: list[UpdateAction] = [
                RoomSequence.current_owner_version.set(version),
                RoomSequence.last_sequence.add(0),
            ]
            writes.update(RoomSequence(room.room_id), counter, RoomSequence.closed.does_not_exist())
        writes.update(Room(room.room_id), changes, is_unchanged)
    if owner and sender.owner_version is not None:
        sender.owner_version, sender.role = version, OWNER
    return tokens
