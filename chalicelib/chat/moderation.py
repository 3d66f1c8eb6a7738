"""Moderation of a room: rename, lock, remove a member, delete a message.

Each of these actions is an event with a sequence of its own: clients that catch up read it in the history. One
transaction stores the event and makes the change, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from chalicelib import limits
from chalicelib.auth import identity
from chalicelib.chat import members, messages, rooms, webhooks
from chalicelib.errors import Forbidden, InvalidInput, NotInRoom
from chalicelib.protocol.frames import Tokens
from chalicelib.protocol.responses import RoomSummary
from chalicelib.storage.models import OWNER, Connection, Message, Room, RoomSequence
from chalicelib.storage.transactions import UpdateAction, retry_on_conflict, transaction

ERASED_NAME = "somebody"
"""The name in a `deleted` event whose names the owner has erased."""

KEPT_WHEN_DELETED = {"room_id", "sort_key", "sequence", "is_tombstone", "deleted_by", "expires_at"}
"""The attributes of a message that its deletion does not erase."""


def require_owner(sender: Connection, *, or_former: bool = False) -> Room:
    """Return the room of a connection that has the owner's rights, by a consistent read.

    or_former: whether the last owner's token suffices for FORMER_OWNER_SECONDS after it was replaced.

    Raises Forbidden unless it has them, and NotInRoom if the room does not exist any more.
    """
    expected = Forbidden("only the owner of this room may do this: connect with its ownerToken, as in &owner=…")
    if not sender.is_owner:
        raise expected
    room = rooms.find(sender.joined_room_id)
    if room is None:
        raise NotInRoom
    is_former = or_former and room.has_former_owner_token and sender.owner_version == room.owner_version - 1
    if not sender.is_owner_of(room) and not is_former:
        raise expected
    return room


@retry_on_conflict
def delete_message(sender: Connection, sequence: int) -> Message:
    """Erase a message, and return the event. If the message was deleted before, return the event of that time.

    The owner can also delete events, whose texts contain names. A `deleted` event loses only the names.

    Raises InvalidInput if there is no such message, and Forbidden unless the sender is its author or the owner.
    """
    room_id = sender.joined_room_id
    target = Message.find(room_id, Message.sort_key_of(sequence))
    if target is not None and target.deleted_by is not None:
        event = Message.find(room_id, Message.sort_key_of(int(target.deleted_by)))
        if event is not None:
            return event
    if target is None or not target.is_alive or target.is_tombstone:
        raise InvalidInput("sequence must be that of a message in this room")
    if target.sender_id != sender.member_id or target.event is not None:
        try:
            require_owner(sender)
        except Forbidden as error:
            raise Forbidden("only the author of a message or the owner of the room may delete it") from error
    details = {"target": sequence} | ({} if target.client_id is None else {"clientId": target.client_id})
    event = _event(sender, "deleted", "deleted a message", details)
    with transaction() as writes:
        writes.save(event, Message.sort_key.does_not_exist())
        writes.update(target, _erasure(target, int(event.sequence)), Message.text.exists())
    return event


def _erasure(target: Message, deleted_by: int) -> list[UpdateAction]:
    """Return the changes that erase a message or an event."""
    if target.event == "deleted":  # clients that catch up still have to learn what was deleted
        return [
            Message.deleted_by.set(deleted_by),
            Message.text.set(f"{ERASED_NAME} deleted a message"),
            Message.sender_name.set(ERASED_NAME),
        ]
    erased = [attribute for name, attribute in Message.get_attributes().items() if name not in KEPT_WHEN_DELETED]
    return [
        Message.is_tombstone.set(True),
        Message.deleted_by.set(deleted_by),
        *(attribute.remove() for attribute in erased),
    ]


@retry_on_conflict
def update_room(sender: Connection, name: str | None, locked: bool | None) -> Message:
    """Rename, lock or unlock the sender's room, and return the event. None leaves a value as it is.

    Raises Forbidden unless the sender is the owner, and NotInRoom if the room does not exist any more.
    """
    room = require_owner(sender)
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
    event = _event(sender, "updated", " and ".join(summaries), {"room": msgspec.to_builtins(RoomSummary.of(room))})
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
    room = require_owner(sender, or_former=owner and not join)
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


@retry_on_conflict
def remove_members(
    sender: Connection, member_ids: Sequence[str], before_write: Callable[[list[Message]], None]
) -> list[Message]:
    """Ban members from the sender's room, and return the events. The caller closes the members' connections.

    before_write: called with the events before each attempt to store them, so that the queue completes a removal that
        crashes.

    Raises Forbidden unless the sender is the owner, and InvalidInput if a member is the sender or has never been in the
    room: then nobody is removed.
    """
    require_owner(sender)
    if sender.member_id in member_ids:
        raise InvalidInput("memberId must be that of another member")
    names = members.names_of(sender.joined_room_id, member_ids)
    if missing := [member_id for member_id in member_ids if member_id not in names]:
        raise InvalidInput(f"memberId must be the id of somebody who is or was in this room, not {missing[0]}")
    taken = messages.take_sequence(sender.joined_room_id, len(member_ids))
    events = [
        _event(sender, "removed", f"removed {names[id_]}", {"member": {"id": id_, "name": names[id_]}}, taken, offset)
        for offset, id_ in enumerate(member_ids, 1 - len(member_ids))
    ]
    before_write(events)
    with transaction() as writes:
        for event, member_id in zip(events, member_ids, strict=True):
            writes.save(event, Message.sort_key.does_not_exist())
            members.ban(writes, sender.joined_room_id, member_id, names[member_id])
    return events


def _event(
    sender: Connection,
    event: str,
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
    taken = taken or messages.take_sequence(sender.joined_room_id)
    sequence = int(taken.last_sequence) + offset
    return Message(
        room_id=sender.joined_room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        event=event,
        text=f"{sender.name} {predicate}",
        details=details,
        **messages.sender_attributes(sender, taken),
        sent_at=now,
        expires_at=now + sender.retention,
    )
