"""What the owner of a room may do to it, and the deletion of messages.

Each of these actions is an event with a sequence of its own: clients that catch up read it in the history. One
transaction stores the event and makes the change, so neither exists without the other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib import members, messages, rooms
from chalicelib.errors import Forbidden, InvalidInput, NotInRoom
from chalicelib.serializers import serialize_room_summary
from chalicelib.storage.models import Connection, Message, Room
from chalicelib.storage.transactions import UpdateAction, retry_on_conflict, transaction

__all__ = ["delete_message", "remove_member", "require_owner", "update_room"]

_LOCK_VERBS = {True: "locked the room", False: "unlocked the room"}


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
    event = _event(sender, "deleted", "deleted a message", {"target": sequence})
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
    changes: list[UpdateAction] = []
    if name is not None:
        changes.append(Room.name.set(name))
    if locked is not None:
        changes.append(Room.locked.set(locked))
    if not changes:
        raise InvalidInput("expected roomName, locked or both")
    room = rooms.get_or_none(sender.joined_room_id)
    if room is None:
        raise NotInRoom
    is_unchanged = (Room.name == room.name) & (Room.locked == room.locked)
    room.name = room.name if name is None else name
    room.locked = room.locked if locked is None else locked
    done = [f"named the room {name}"] * (name is not None) + [_LOCK_VERBS[room.locked]] * (locked is not None)
    event = _event(sender, "updated", " and ".join(done), {"room": serialize_room_summary(room)})
    with transaction() as writes:
        writes.save(event, Message.sort_key.does_not_exist())
        writes.update(Room(room.room_id), changes, is_unchanged & (Room.expires_at > event.sent_at))
    return event


def remove_member(sender: Connection, member_id: str) -> Message:
    """Ban a member from the sender's room, and return the event. The member's connections have to be ended, too.

    Raises Forbidden unless the sender is the owner, and InvalidInput if that is the sender or nobody who was here.
    """
    require_owner(sender)
    if member_id == sender.member_id:
        raise InvalidInput("memberId must be that of another member")
    room_id = sender.joined_room_id
    name = members.ban(room_id, member_id, next(iter(members.connections(room_id, member_id).values()), None))
    return _save(sender, "removed", f"removed {name}", {"member": {"id": member_id, "name": name}})


@retry_on_conflict
def _save(sender: Connection, event: str, deed: str, details: dict[str, Any]) -> Message:
    """Store an event that changes nothing else."""
    row = _event(sender, event, deed, details)
    with transaction() as writes:
        writes.save(row, Message.sort_key.does_not_exist())
    return row


def _event(sender: Connection, event: str, deed: str, details: dict[str, Any]) -> Message:
    """Return the row of an event under a new sequence. It still has to be saved.

    deed: what the sender has done, as the rest of a sentence that starts with their name.
    """
    sequence, now = messages.take_sequence(sender.joined_room_id), datetime.now(UTC)
    return Message(
        room_id=sender.joined_room_id,
        sort_key=Message.sort_key_of(sequence),
        sequence=sequence,
        event=event,
        text=f"{sender.name} {deed}",
        details=details,
        sender_id=sender.member_id,
        sender_name=sender.name,
        sent_at=now,
        expires_at=now + sender.retention,
    )
