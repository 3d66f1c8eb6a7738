"""Moderation of a room: rename, lock, remove a member, delete a message.

Each of these actions is an event with a sequence of its own: clients that catch up read it in the history. One
transaction stores the event and makes the change, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from chalicelib.chat import members, messages, rooms
from chalicelib.errors import Forbidden, InvalidInput, NotInRoom
from chalicelib.protocol.responses import RoomSummary
from chalicelib.storage.models import Connection, Message, Room
from chalicelib.storage.transactions import UpdateAction, retry_on_conflict, transaction


def require_owner(sender: Connection) -> None:
    """Raise Forbidden unless a connection has the owner's rights."""
    if not sender.is_owner:
        raise Forbidden("only the owner of this room may do this: connect with its ownerToken, as in &owner=…")


@retry_on_conflict
def delete_message(sender: Connection, sequence: int) -> Message:
    """Erase a message, and return the event. If the message was deleted before, return the event of that time.

    Raises InvalidInput if there is no such message, and Forbidden unless the sender is its author or the owner.
    """
    room_id = sender.joined_room_id
    target = Message.find(room_id, Message.sort_key_of(sequence))
    if target is not None and target.deleted_by is not None:
        event = Message.find(room_id, Message.sort_key_of(int(target.deleted_by)))
        if event is not None:
            return event
    if target is None or not target.is_alive or target.is_tombstone or target.event is not None:
        raise InvalidInput("sequence must be that of a message in this room")
    if target.sender_id != sender.member_id and not sender.is_owner:
        raise Forbidden("only the author of a message or the owner of the room may delete it")
    details = {"target": sequence} | ({} if target.client_id is None else {"clientId": target.client_id})
    event = _event(sender, "deleted", "deleted a message", details)
    erase: list[UpdateAction] = [
        Message.is_tombstone.set(True),
        Message.deleted_by.set(event.sequence),
        Message.text.remove(),
        Message.sender_id.remove(),
        Message.sender_name.remove(),
        Message.sender_is_bot.remove(),
        Message.sent_at.remove(),
        Message.client_id.remove(),
    ]
    with transaction() as writes:
        writes.save(event, Message.sort_key.does_not_exist())
        writes.update(target, erase, Message.text.exists())
    return event


@retry_on_conflict
def update_room(sender: Connection, name: str | None, locked: bool | None) -> Message:
    """Rename, lock or unlock the sender's room, and return the event. None leaves a value as it is.

    Raises Forbidden unless the sender is the owner, InvalidInput if there is nothing to change, and NotInRoom if the
    room does not exist any more.
    """
    require_owner(sender)
    if name is None and locked is None:
        raise InvalidInput("expected roomName, locked or both")
    room = rooms.find(sender.joined_room_id)
    if room is None:
        raise NotInRoom
    is_unchanged = (Room.name == room.name) & (Room.locked == room.locked)
    summaries = []
    if name is not None:
        room.name = name
        summaries.append(f"named the room {name}")
    if locked is not None:
        room.locked = locked
        summaries.append("locked the room" if locked else "unlocked the room")
    now = datetime.now(UTC)
    event = _event(sender, "updated", " and ".join(summaries), {"room": msgspec.to_builtins(RoomSummary.of(room))})
    changes: list[UpdateAction] = [Room.name.set(room.name), Room.locked.set(room.locked)]
    with transaction() as writes:
        writes.save(event, Message.sort_key.does_not_exist())
        writes.update(Room(room.room_id), changes, is_unchanged & Room.is_open(now))
    return event


@retry_on_conflict
def remove_member(sender: Connection, member_id: str, before_write: Callable[[Message], None]) -> Message:
    """Ban a member from the sender's room, and return the event. The caller closes the member's connections.

    before_write: called with the event before each attempt to store it, so that the queue completes a removal that
        crashes.

    Raises Forbidden unless the sender is the owner, and InvalidInput if the member is the sender or has never
    been in the room.
    """
    require_owner(sender)
    if member_id == sender.member_id:
        raise InvalidInput("memberId must be that of another member")
    name = members.name_of(sender.joined_room_id, member_id)
    if name is None:
        raise InvalidInput("memberId must be the id of somebody who is or was in this room")
    event = _event(sender, "removed", f"removed {name}", {"member": {"id": member_id, "name": name}})
    before_write(event)
    with transaction() as writes:
        writes.save(event, Message.sort_key.does_not_exist())
        members.ban(writes, sender.joined_room_id, member_id, name)
    return event


def _event(sender: Connection, event: str, predicate: str, details: dict[str, Any]) -> Message:
    """Return the row of an event under a new sequence. It still has to be saved.

    predicate: what the sender has done, as the rest of a sentence that starts with their name.
    """
    sequence, now = messages.take_sequence(sender.joined_room_id), datetime.now(UTC)
    return Message(
        room_id=sender.joined_room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        event=event,
        text=f"{sender.name} {predicate}",
        details=details,
        sender_id=sender.member_id,
        sender_name=sender.name,
        sent_at=now,
        expires_at=now + sender.retention,
    )
