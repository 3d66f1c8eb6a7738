"""Moderation of a room: delete messages, remove and mute members, and give them roles.

Each of these actions is an event with a sequence of its own: clients that catch up read it in the history. One
transaction stores the event and makes the change, so neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from chalicelib import limits
from chalicelib.auth.identity import Credentials
from chalicelib.chat import admission, members, messages, names, reports, rights
from chalicelib.errors import Forbidden, InvalidInput
from chalicelib.protocol.responses import format_timestamp
from chalicelib.storage.models import MODERATOR, OWNER, Connection, MemberRecord, Message, Room
from chalicelib.storage.transactions import Transaction, UpdateAction, retry_on_conflict

ERASED_NAME = "somebody"
"""The name in an event whose names the owner has erased."""

FIRST_PAGE_SIZE = 100
"""Number of members that the first request of the list of bans reads."""


@retry_on_conflict
def delete_message(sender: Connection, sequence: int) -> Message:
    """Erase a message, and return the event. If the message was deleted before, return the event of that time.

    The owner can also delete events, whose texts contain names. Those that tell of edits and deletions lose only the
    names. A moderator can delete the messages of plain members and webhooks.

    Raises InvalidInput if there is no such message, and Forbidden if the sender may not delete it.
    """
    room_id = sender.joined_room_id
    target = Message.find(room_id, Message.sort_key_of(sequence))
    if target is not None and target.deleted_by is not None:
        event = Message.find(room_id, Message.sort_key_of(int(target.deleted_by)))
        if event is not None and event.event == "deleted":
            reports.erase_reasons(room_id, [sequence])  # a crash may have come between
            return event
    if target is None or not target.is_alive or target.is_tombstone:
        raise InvalidInput(messages.NO_SUCH_MESSAGE)
    _check_deletion(sender, target)
    details = {"target": sequence} | ({} if target.client_id is None else {"clientId": target.client_id})
    event = messages.event(sender, "deleted", "deleted a message", details)
    with messages.storing(event) as writes:
        _erase(writes, target, int(event.sequence))
    if target.event is None:
        reports.erase_reasons(room_id, [sequence])
    return event


def _check_deletion(sender: Connection, target: Message) -> None:
    """Raise Forbidden if a connection may not delete a message or an event."""
    if target.sender_id == sender.member_id and target.event is None:
        return
    try:
        room = rights.require_moderator(sender)
    except Forbidden as error:
        raise Forbidden("only the author of a message, the owner and the moderators may delete it") from error
    if sender.is_owner_of(room):
        return
    roles = (target.sender_role, room.role_of(target.sender_id))
    if target.event is not None or OWNER in roles or MODERATOR in roles:
        raise Forbidden("a moderator may delete only messages of members without a role")


def _erase(writes: Transaction, target: Message, deleted_by: int) -> None:
    """Add the erasure of a message or an event to a transaction."""
    details: dict[str, Any] = target.details or {}
    if target.event in ("deleted", "edited"):
        predicate = f"{target.event} a message"
    elif "messagesDeleted" in details:
        predicate, details = f"removed {ERASED_NAME}", details | {"member": details["member"] | {"name": ERASED_NAME}}
    else:
        messages.erase(writes, target, deleted_by)
        return
    changes: list[UpdateAction] = [  # clients that catch up still have to learn which messages have changed
        Message.deleted_by.set(deleted_by),
        Message.text.set(f"{ERASED_NAME} {predicate}"),
        Message.sender_name.set(ERASED_NAME),
        Message.details.set(details),
    ]
    writes.update(target, changes, Message.text.exists())


@retry_on_conflict
def remove_members(
    sender: Connection,
    member_ids: Sequence[str],
    before_write: Callable[[list[Message]], None],
    *,
    delete_messages: bool = False,
) -> list[Message]:
    """Ban members from the sender's room, and return the events. The caller closes the members' connections.

    before_write: called with the events before each attempt to store them, so that the queue completes a removal that
        crashes.
    delete_messages: whether to delete what the members have sent so far. Nobody can read it from then on;
        `erasure.erase_messages` erases it.

    Raises Forbidden unless the sender is the owner or a moderator, and InvalidInput if a member is the sender or an
    owner, or has never been in the room: then nobody is removed.
    """
    room = rights.require_moderator(sender)
    found = members.known_members(room.room_id, member_ids)
    for id_ in member_ids:
        if id_ not in found:
            rights.check_target(room, sender, id_, None)
            raise InvalidInput(f"memberId must be the id of somebody who is or was in this room, not {id_}")
        role = found[id_].role
        if role == OWNER and not members.find_member(room.room_id, id_).is_owner_of(room):
            role = None  # the owner's token was replaced
        rights.check_target(room, sender, id_, role)
    taken = messages.take_sequence(room.room_id, len(member_ids))
    events = []
    for offset, id_ in enumerate(member_ids, 1 - len(member_ids)):
        name = found[id_].name
        details: dict[str, Any] = {"member": {"id": id_, "name": name}}
        if delete_messages:
            details["messagesDeleted"] = True
        events.append(messages.event(sender, "removed", f"removed {name}", details, taken, offset))
    before_write(events)
    changes: list[UpdateAction] = []
    if any(id_ in (room.roles or {}) for id_ in member_ids):
        changes.append(Room.roles.set({id_: role for id_, role in room.roles.items() if id_ not in member_ids}))
    if delete_messages:
        removed_at = {id_: int(event.sequence) for event, id_ in zip(events, member_ids, strict=True)}
        changes.append(Room.hidden.set((room.hidden or {}) | removed_at))
    with messages.storing(*events) as writes:
        for id_ in member_ids:
            admission.ban(writes, room.room_id, id_, found[id_].name)
        # An update needs a change. The condition excludes a member who becomes a moderator meanwhile.
        changes = changes or [Room.name.set(room.name)]
        writes.update(Room(room.room_id), changes, room.is_unchanged(Room.name, Room.roles, Room.hidden))
    return events


def list_banned(room_id: str, credentials: Credentials) -> list[MemberRecord]:
    """Return the records of the banned members of a room, those whose ban ends last first.

    Raises RoomNotFound, and Forbidden unless the client has the rights of an owner or a moderator.
    """
    rights.authorize_moderator(room_id, credentials)
    is_banned = MemberRecord.banned_until > datetime.now(UTC)
    is_member = MemberRecord.sort_key.startswith(MemberRecord.PREFIX)
    query = MemberRecord.query(room_id, is_member, is_banned, consistent_read=True, page_size=FIRST_PAGE_SIZE)
    pages = islice(MemberRecord.pages(query), limits.MAX_READ_REQUESTS - limits.ADMISSION_REQUESTS)
    rows = [row for page in pages for row in page.rows]
    return sorted(rows, key=lambda record: record.banned_until, reverse=True)


@retry_on_conflict
def unban_member(sender: Connection, member_id: str) -> None:
    """Let a removed member come back to the sender's room, as its owner, also if the room is locked.

    Raises Forbidden unless the sender is the owner, and InvalidInput if the member is not known.
    """
    room = rights.require_owner(sender)
    record = MemberRecord.find(room.room_id, MemberRecord.sort_key_of(member_id))
    if record is None:
        raise InvalidInput("memberId must be the id of somebody who was removed from this room")
    admission.readmit(record, room)


@retry_on_conflict
def mute_member(sender: Connection, member_id: str, seconds: int) -> Message:
    """Mute a member in all connections, also later ones, and return the event. 0 seconds end it.

    Raises Forbidden unless the sender is the owner or a moderator, and InvalidInput if the member is the sender or an
    owner, or is not known.
    """
    room = rights.require_moderator(sender)
    member = members.find_member(room.room_id, member_id)
    rights.check_target(room, sender, member_id, OWNER if member.is_owner_of(room) else None)
    name = member.name
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    details = {"member": {"id": member_id, "name": name}, "until": format_timestamp(until)}
    predicate = f"muted {name} for {_duration(seconds)}" if seconds else f"ended the muting of {name}"
    event = messages.event(sender, "muted", predicate, details)
    with messages.storing(event) as writes:
        member.update(writes, [Connection.muted_until.set(until)], [MemberRecord.muted_until.set(until)])
    return event


@retry_on_conflict
def set_role(sender: Connection, member_id: str, role: str) -> Message:
    """Make a member of the sender's room a moderator, or a plain member again, and return the event.

    Raises Forbidden unless the sender is the owner, and InvalidInput if the member is the sender or an owner, has
    neither a key nor signed in, or would be one of more than MAX_MODERATORS.
    """
    room = rights.require_owner(sender)
    member = members.find_member(room.room_id, member_id)
    rights.check_target(room, sender, member_id, OWNER if member.is_owner_of(room) else None)
    if member.record is None:
        raise InvalidInput("memberId must be that of a member who has a key or has signed in")
    roles: dict[str, list[str]] = {id_: entry for id_, entry in (room.roles or {}).items() if id_ != member_id}
    if role == MODERATOR:
        if sum(entry[0] == MODERATOR for entry in roles.values()) >= limits.MAX_MODERATORS:
            raise InvalidInput(f"a room can have at most {limits.MAX_MODERATORS} moderators")
        roles[member_id] = [MODERATOR, names.reserved(member.name)]
    details = {"member": {"id": member_id, "name": member.name}, "role": role}
    predicate = f"made {member.name} a moderator" if role == MODERATOR else f"made {member.name} a plain member"
    event = messages.event(sender, "role", predicate, details)
    with messages.storing(event) as writes:
        writes.update(Room(room.room_id), [Room.roles.set(roles)], room.is_unchanged(Room.roles))
        change: UpdateAction = Connection.role.set(MODERATOR) if role == MODERATOR else Connection.role.remove()
        member.update(writes, [change])
    return event


def _duration(seconds: int) -> str:
    """Return a duration in words, in the largest unit that fits."""
    for unit, length in (("hour", 3_600), ("minute", 60)):
        if seconds % length == 0:
            number = seconds // length
            return f"1 {unit}" if number == 1 else f"{number} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"
