"""The settings of a room, which its owner changes: name, lock and tokens.

A change of name or lock is an event with a sequence of its own, as in `moderation.py`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from chalicelib import limits
from chalicelib.auth import identity
from chalicelib.chat import members, messages, rights, webhooks
from chalicelib.errors import InvalidInput
from chalicelib.protocol.frames import Tokens
from chalicelib.protocol.responses import RoomSummary
from chalicelib.storage.models import OWNER, Connection, Message, Room, RoomSequence
from chalicelib.storage.transactions import UpdateAction, retry_on_conflict, transaction


@retry_on_conflict
def update_room(sender: Connection, name: str | None, locked: bool | None) -> Message:
    """Rename, lock or unlock the sender's room, and return the event. None leaves a value as it is.

    Raises Forbidden unless the sender is the owner, and NotInRoom if the room does not exist any more.
    """
    room = rights.require_owner(sender)
    is_unchanged = (Room.name == room.name) & (Room.locked == room.locked)
    now, summaries = datetime.now(UTC), []
    if name is not None:
        room.name = name
        summaries.append(f"named the room {name}")
    if locked is not None:
        if not room.locked:
            room.locked_at = now
        room.locked = locked
        summaries.append("locked the room" if locked else "unlocked the room")
    event = messages.event(
        sender, "updated", " and ".join(summaries), {"room": msgspec.to_builtins(RoomSummary.of(room))}
    )
    changes: list[UpdateAction] = [Room.name.set(room.name), Room.locked.set(room.locked)]
    if room.locked_at is not None:
        changes.append(Room.locked_at.set(room.locked_at))
    with transaction() as writes:
        writes.save(event, Message.sort_key.does_not_exist())
        writes.update(Room(room.room_id), changes, is_unchanged & Room.is_open(now))
    return event


@retry_on_conflict
def renew_tokens(sender: Connection, *, join: bool, owner: bool) -> Tokens:
    """Replace the join token or the owner's token of the sender's room, or both, and return the new ones.

    A new owner's token deletes the webhooks that the former one has created. The sender keeps the owner's rights, and
    other connections lose them. The former token can request another one for FORMER_OWNER_SECONDS.

    Raises Forbidden unless the sender is the owner, InvalidInput if a public room shall get a join token, and NotInRoom
    if the room does not exist any more.
    """
    room = rights.require_owner(sender, or_former=owner and not join)
    if join and room.token_hash is None:
        raise InvalidInput("newJoinToken must be absent: this room is public, and has no joinToken")
    tokens, now, changes = Tokens(), datetime.now(UTC), list[UpdateAction]()
    is_unchanged = Room.is_open(now) & (Room.owner_hash == room.owner_hash)
    with transaction() as writes:
        if join:
            tokens.join_token = identity.new_token()
            changes.append(Room.token_hash.set(identity.hash_token(tokens.join_token)))
        if owner:
            tokens.owner_token = identity.new_token()
            version = int(room.owner_version) + 1
            changes += [
                Room.owner_hash.set(identity.hash_token(tokens.owner_token)),
                Room.owner_version.set(version),
                Room.former_owner_hash.set(room.owner_hash),
                Room.former_owner_until.set(now + timedelta(seconds=limits.FORMER_OWNER_SECONDS)),
                Room.webhook_count.set(webhooks.delete_all(writes, room)),
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
    if owner:
        members.end_roles(room.room_id, version)
    if owner and sender.owner_version is not None:
        sender.owner_version, sender.role = version, OWNER
    return tokens
