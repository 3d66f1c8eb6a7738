"""Admission to rooms: who may join and read them, bans, and the lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from chalicelib import limits
from chalicelib.auth import authentication
from chalicelib.auth.identity import GUEST, Credentials
from chalicelib.chat import rooms
from chalicelib.errors import Forbidden, MemberBanned, RoomLocked
from chalicelib.storage.models import OWNER, Connection, MemberRecord, Room
from chalicelib.storage.transactions import Condition, Transaction, size


def check(room_id: str, credentials: Credentials) -> Room:
    """Return a room that a client may see, and with an identity also join.

    Raises RoomNotFound, Forbidden, RoomLocked and MemberBanned.
    """
    room = rooms.authorize(room_id, credentials)
    if credentials.has_identity:
        check_ban_and_lock(room, credentials.member_id(room.salt), is_owner=credentials.is_owner)
    return room


def authorize_reader(room_id: str, credentials: Credentials = GUEST) -> Room:
    """Return a room whose members and messages a client may read: who may not join may not read.

    A locked room requires an identity or the owner's token. Raises RoomNotFound, Forbidden, RoomLocked and
    MemberBanned.
    """
    room = check(room_id, credentials)
    _check_reader(room, credentials)
    return room


def may_read(room: Room, record: MemberRecord | None, credentials: Credentials) -> bool:
    """Return whether a client may read a room that was read, as `authorize_reader` decides.

    record: that of the member with these credentials, None if there is none.
    """
    if not room.is_alive:  # a closed room has no attributes to check
        return False
    try:
        authentication.check_room(credentials.user, room.room_id)
        rooms.check_access(room, credentials)
        if credentials.has_identity:
            _check_record(room, record, is_owner=credentials.is_owner)
        _check_reader(room, credentials)
    except Forbidden:
        return False
    return True


def _check_reader(room: Room, credentials: Credentials) -> None:
    """Check what readers need besides the rights to join. Raises Forbidden."""
    if credentials.owner_token is not None:
        rooms.check_owner_token(room, credentials.owner_token)
    if room.locked and not credentials.has_identity and not credentials.is_owner:
        raise Forbidden("this room is locked: expected your key, the ownerToken or an access token, as when you join")


def is_banned(room_id: str, member_id: str) -> bool:
    """Return whether a member is banned from a room at present, by a consistent read."""
    record = MemberRecord.find(room_id, MemberRecord.sort_key_of(member_id))
    return record is not None and record.is_banned


def ban(writes: Transaction, room_id: str, member_id: str, name: str) -> None:
    """Add the ban of a member for BAN_SECONDS to a transaction.

    The member loses the right to come back to a locked room, also after the ban: the next join counts as the first. A
    longer muting outlasts the ban. The caller closes the member's connections.
    """
    now = datetime.now(UTC)
    banned_until = now + timedelta(seconds=limits.BAN_SECONDS)
    writes.update(
        MemberRecord(room_id, MemberRecord.sort_key_of(member_id)),
        [
            MemberRecord.name.set(name),
            MemberRecord.banned_until.set(banned_until),
            MemberRecord.first_joined_at.remove(),
            MemberRecord.expires_at.set(now + timedelta(seconds=max(limits.BAN_SECONDS, limits.MAX_MUTE_SECONDS))),
        ],
    )


def readmit(record: MemberRecord, room: Room) -> None:
    """End the ban of a member. The member may also come back if the room is locked, as if it had joined long before."""
    first_joined_at = room.created_at - timedelta(seconds=limits.LOCK_MIN_MEMBER_SECONDS)
    record.update(
        [
            MemberRecord.banned_until.remove(),
            MemberRecord.first_joined_at.set(first_joined_at),
            MemberRecord.expires_at.set(datetime.now(UTC) + timedelta(seconds=limits.MEMBER_TTL_SECONDS)),
        ],
        MemberRecord.name.exists(),
    )


def admits(room: Room, connection: Connection) -> Condition:
    """Return the condition under which the member of a new connection is admitted, and is muted as it says."""
    now = connection.joined_at
    has_room = MemberRecord.connection_ids.does_not_exist()
    has_room |= size(MemberRecord.connection_ids) < limits.MAX_CONNECTIONS_PER_MEMBER
    is_muted_as_known = MemberRecord.muted_until.does_not_exist() | (MemberRecord.muted_until <= now)
    if connection.muted_until is not None:
        is_muted_as_known |= MemberRecord.muted_until == connection.muted_until
    condition: Condition = has_room & is_muted_as_known
    if connection.role != OWNER:
        condition &= MemberRecord.banned_until.does_not_exist() | (MemberRecord.banned_until <= now)
    if room.locked and not connection.is_owner:
        condition &= _may_return(room, now)
    return condition


def check_ban_and_lock(room: Room, member_id: str, *, is_owner: bool) -> MemberRecord | None:
    """Return the record of a member. Raises MemberBanned or RoomLocked if the member may not join.

    is_owner: whether the client has the owner's rights. Neither a ban nor a lock applies to them.
    """
    record = MemberRecord.find(room.room_id, MemberRecord.sort_key_of(member_id))
    _check_record(room, record, is_owner=is_owner)
    return record


def _check_record(room: Room, record: MemberRecord | None, *, is_owner: bool) -> None:
    if record is not None and record.is_banned and not is_owner:
        raise MemberBanned
    if room.locked and not is_owner and (record is None or not _has_been_in(room, record)):
        raise RoomLocked


def _has_been_in(room: Room, record: MemberRecord) -> bool:
    """Return whether a member may come back to a locked room: `_may_return` is the same as a condition."""
    was_member = record.first_joined_at is not None and record.first_joined_at <= _latest_first_join(room)
    was_connected = record.left_at is not None and record.left_at > room.locked_since
    is_known = record.is_alive and record.banned_until is None
    return is_known and (was_member or was_connected or bool(record.connection_ids))


def _may_return(room: Room, now: datetime) -> Condition:
    """Return the condition under which a member may come back to a locked room.

    The lock admits those who were connected when it came, and those who had joined some time before: keys that somebody
    has used for a moment, to come back with them, are not enough.
    """
    was_member = MemberRecord.first_joined_at <= _latest_first_join(room)
    was_connected = (MemberRecord.left_at > room.locked_since) | MemberRecord.connection_ids.exists()
    is_known = (MemberRecord.expires_at > now) & MemberRecord.banned_until.does_not_exist()
    condition: Condition = is_known & (was_member | was_connected)
    return condition


def _latest_first_join(room: Room) -> datetime:
    latest: datetime = room.locked_since - timedelta(seconds=limits.LOCK_MIN_MEMBER_SECONDS)
    return latest
