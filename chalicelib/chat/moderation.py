"""Moderation of a room: remove a member, delete a message.

Each of these actions is an event with a sequence of its own: clients that catch up read it in the history. One
transaction stores the event and makes the change, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.chat import members, messages, rights
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.storage.models import Connection, Message
from chalicelib.storage.transactions import UpdateAction, retry_on_conflict, transaction

ERASED_NAME = "somebody"
"""The name in a `deleted` event whose names the owner has erased."""

KEPT_WHEN_DELETED = {"room_id", "sort_key", "sequence", "is_tombstone", "deleted_by", "expires_at"}
"""The attributes of a message that its deletion does not erase."""


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
            rights.require_owner(sender)
        except Forbidden as error:
            raise Forbidden("only the author of a message or the owner of the room may delete it") from error
    details = {"target": sequence} | ({} if target.client_id is None else {"clientId": target.client_id})
    event = messages.event(sender, "deleted", "deleted a message", details)
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
def remove_members(
    sender: Connection, member_ids: Sequence[str], before_write: Callable[[list[Message]], None]
) -> list[Message]:
    """Ban members from the sender's room, and return the events. The caller closes the members' connections.

    before_write: called with the events before each attempt to store them, so that the queue completes a removal that
        crashes.

    Raises Forbidden unless the sender is the owner, and InvalidInput if a member is the sender or has never been in the
    room: then nobody is removed.
    """
    rights.require_owner(sender)
    if sender.member_id in member_ids:
        raise InvalidInput("memberId must be that of another member")
    names = members.names_of(sender.joined_room_id, member_ids)
    if missing := [member_id for member_id in member_ids if member_id not in names]:
        raise InvalidInput(f"memberId must be the id of somebody who is or was in this room, not {missing[0]}")
    taken = messages.take_sequence(sender.joined_room_id, len(member_ids))
    events = [
        messages.event(
            sender, "removed", f"removed {names[id_]}", {"member": {"id": id_, "name": names[id_]}}, taken, offset
        )
        for offset, id_ in enumerate(member_ids, 1 - len(member_ids))
    ]
    before_write(events)
    with transaction() as writes:
        for event, member_id in zip(events, member_ids, strict=True):
            writes.save(event, Message.sort_key.does_not_exist())
            members.ban(writes, sender.joined_room_id, member_id, names[member_id])
    return events
