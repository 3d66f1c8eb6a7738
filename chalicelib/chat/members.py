"""The members of a room: join, leave, list, rename, ban.

A member is a user who has signed in, or a guest, identified by a key. A member may have several connections, such as
two tabs of one browser.

A room's member_count changes in one transaction with the connection row. So a `$disconnect` that arrives twice, or
races with the removal after a 410, counts once.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec import UNSET

from chalicelib import limits, settings
from chalicelib.auth import identity
from chalicelib.auth.identity import User
from chalicelib.chat import rooms
from chalicelib.errors import AccessTokenExpired, Forbidden, MemberBanned, NotInRoom, RoomLocked
from chalicelib.protocol.responses import ListedMember
from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import DisplayName
from chalicelib.storage.models import LISTED, Connection, MemberRecord, Room
from chalicelib.storage.transactions import (
    StorageError,
    Transaction,
    UpdateAction,
    condition_failed,
    retry_on_conflict,
    transaction,
    was_cancelled,
)

MAX_TRANSACTION_ITEMS = 100
"""Maximum number of items in one transaction ("Amazon DynamoDB Transactions: How it works")."""


def check_admission(
    room_id: str,
    token: str | None = None,
    key: str | None = None,
    owner: str | None = None,
    user: User | None = None,
) -> Room:
    """Return a room that a client may read, and as a user or with a key also join.

    Raises RoomNotFound, Forbidden, RoomLocked and MemberBanned.
    """
    room = rooms.authorize(room_id, token, user)
    is_owner = _is_owner(room, owner, user)
    if key is not None or user is not None:
        _check_ban_and_lock(room, identity.member_id(room.salt, key, user), is_owner=is_owner)
    return room


@retry_on_conflict
def join(
    connection_id: str,
    room_id: str,
    name: str | None = None,
    token: str | None = None,
    key: str | None = None,
    owner: str | None = None,
    user: User | None = None,
) -> Connection:
    """Add a connection to a room, under `name` or a generated guest name.

    key: connections with the same key are the same member.
    owner: the owner's token, which gives the connection the owner's rights.
    user: who has signed in. Their connections are the same member, under the name in their access token.

    Retries conflicts with transactions for up to 10 seconds. Raises RoomNotFound, Forbidden, RoomLocked,
    MemberBanned, and StorageError if DynamoDB fails.
    """
    room = rooms.authorize(room_id, token, user)
    is_owner, has_identity = _is_owner(room, owner, user), key is not None or user is not None
    if room.locked and not is_owner and not has_identity:
        raise RoomLocked
    member_id, now = identity.member_id(room.salt, key, user), datetime.now(UTC)
    expires_at = now + timedelta(seconds=limits.CONNECTION_TTL_SECONDS)
    # If every disconnect is lost, the room expires as if its members had left when their connections expired.
    room_expires_at = expires_at + room.keep_time
    connection = Connection(
        connection_id=connection_id,
        joined_room_id=room_id,
        member_id=member_id,
        name=(name or f"guest-{secrets.token_hex(2)}") if user is None else _name_of_user(user, member_id),
        is_owner=is_owner,
        message_times=[0] * settings.MESSAGES_PER_WINDOW,
        keep_days=room.keep_days,
        joined_at=now,
        authorized_until=None if user is None else int(user.expires_at.timestamp()),
        expires_at=expires_at,
    )
    changes: list[UpdateAction] = [Room.member_count.add(1), Room.expires_at.set(room_expires_at)]
    if room.token_hash is None:
        changes.append(Room.listed.set(LISTED))
    record = MemberRecord(room_id, MemberRecord.sort_key_of(member_id))
    is_admitted = MemberRecord.banned_until.does_not_exist() | (MemberRecord.banned_until <= now)
    if room.locked and not is_owner:
        is_admitted = (MemberRecord.expires_at > now) & is_admitted
    try:
        with transaction() as writes:
            writes.save(connection, Connection.connection_id.does_not_exist())
            writes.update(Room(room_id), changes, Room.is_open(now) & (Room.locked == room.locked))
            if has_identity:
                record_changes: list[UpdateAction] = [
                    MemberRecord.name.set(connection.name),
                    MemberRecord.expires_at.set(now + timedelta(seconds=limits.MEMBER_TTL_SECONDS)),
                ]
                writes.update(record, record_changes, is_admitted)
    except StorageError as error:
        if has_identity and was_cancelled(error):
            _check_ban_and_lock(room, member_id, is_owner=is_owner)
        raise
    return connection


def leave(room_id: str, connection_ids: Sequence[str], *, skip_connecting: bool = False) -> list[Connection]:
    """Remove connections from a room, and return those that were in it.

    With skip_connecting, connections whose `$connect` may still be running stay. API Gateway returns 410 for them, too.
    Removing them would leave them open but in no room.

    The transaction that removes the last member also unlists the room. The room can still be joined by its id for
    EMPTY_ROOM_GRACE_SECONDS. A room with keep_days stays listed for that time.

    One transaction removes up to 99 connections, and is retried for up to 10 seconds if it is cancelled. Raises
    StorageError if DynamoDB fails.
    """
    batch_size = MAX_TRANSACTION_ITEMS - 1  # the room is an item of the transaction, too
    return [
        connection
        for start in range(0, len(connection_ids), batch_size)
        for connection in _leave(room_id, connection_ids[start : start + batch_size], skip_connecting)
    ]


@retry_on_conflict
def _leave(room_id: str, connection_ids: Sequence[str], skip_connecting: bool) -> list[Connection]:
    rows = Connection.batch_get(list(connection_ids), consistent_read=True)
    leaving = [row for row in rows if row.joined_room_id == room_id and not (skip_connecting and row.may_be_connecting)]
    if not leaving:
        return []
    room = Room.find(room_id)
    with transaction() as writes:
        for connection in leaving:
            writes.delete(connection, Connection.connection_id.exists())
        if room is not None:
            _subtract_members(writes, room, len(leaving))
    return leaving


def _subtract_members(writes: Transaction, room: Room, leaving: int) -> None:
    last_members_leave = Room.member_count <= leaving
    if room.closed:
        writes.update(room, [Room.member_count.add(-leaving)], Room.closed.exists())
    elif room.member_count > leaving:
        writes.update(room, [Room.member_count.add(-leaving)], Room.member_count > leaving)
    elif settings.EMPTY_ROOM_GRACE_SECONDS == 0 and not room.keep_days:
        writes.delete(room, last_members_leave)
    else:
        changes: list[UpdateAction] = [Room.member_count.set(0)]
        if room.is_alive:  # a late leave must not revive an expired room
            empty_time = room.keep_time or timedelta(seconds=settings.EMPTY_ROOM_GRACE_SECONDS)
            changes.append(Room.expires_at.set(datetime.now(UTC) + empty_time))
        if not room.keep_days:
            changes.append(Room.listed.remove())
        # A room that was closed since it was read must not be revived.
        writes.update(room, changes, last_members_leave & (Room.expires_at == room.expires_at))


def find_connection(connection_id: str) -> Connection | None:
    """Return a connection by a consistent read, None if it has no row. It may have expired."""
    return Connection.find(connection_id)


def require_connection(connection: Connection | None) -> Connection:
    """Return a connection that is in a room.

    Raises NotInRoom if it has no row or has expired, and AccessTokenExpired if that is why.
    """
    if connection is None:
        raise NotInRoom
    if connection.is_token_expired:
        raise AccessTokenExpired
    if not connection.is_alive:
        raise NotInRoom
    return connection


def list_members(room_id: str, token: str | None = None, user: User | None = None) -> list[ListedMember]:
    """Return the members of a room, in the order of joining, each once.

    A member whose connections have different names has the name of the newest one. The index is eventually consistent:
    recent joins and leaves may be missing. Raises RoomNotFound and Forbidden.
    """
    rooms.authorize(room_id, token, user)
    # A query on an index without a sort key returns items in no order ("Query").
    now = time.time()
    rows = [row for row in connections(room_id) if row.receives_until > now]
    rows.sort(key=lambda row: (row.joined_at, row.connection_id))
    names = {row.member_id: row.name for row in rows}
    counts = Counter(row.member_id for row in rows)
    return [
        ListedMember(id=id_, name=name, connections=counts[id_] if counts[id_] > 1 else UNSET)
        for id_, name in names.items()
    ]


def rename(connection: Connection, name: str) -> None:
    """Change the name of a member in all its connections, `connection` included.

    Raises NotInRoom if `connection` has left its room, Forbidden if it is that of a user who has signed in, and
    StorageError if DynamoDB fails.
    """
    if connection.authorized_until is not None:
        raise Forbidden("your name comes from your access token: change it where you signed in")
    rows = connections(connection.joined_room_id, connection.member_id)
    if not _rename(connection, name):
        raise NotInRoom
    for row in rows:
        if row.connection_id != connection.connection_id:
            _rename(Connection(row.connection_id), name)
    _rename(MemberRecord(connection.joined_room_id, MemberRecord.sort_key_of(connection.member_id)), name)


def connections(room_id: str, member_id: str | None = None) -> list[Connection]:
    """Return the connections of a member, or of everyone in a room, in no order.

    The index is eventually consistent: recent joins and leaves may be missing. It lacks some of the attributes.
    """
    rows = Connection.by_room.query(room_id)
    return [row for row in rows if row.is_alive and member_id in (None, row.member_id)]


def name_of(room_id: str, member_id: str) -> str | None:
    """Return the name of a member who is or was in a room, None if there is none.

    A guest without a key is not found after leaving.
    """
    for row in connections(room_id, member_id):
        return str(row.name)
    record = MemberRecord.find(room_id, MemberRecord.sort_key_of(member_id))
    return None if record is None else record.name


def is_banned(room_id: str, member_id: str) -> bool:
    """Return whether a member is banned from a room at present, by a consistent read."""
    record = MemberRecord.find(room_id, MemberRecord.sort_key_of(member_id))
    return record is not None and record.is_banned


def ban(writes: Transaction, room_id: str, member_id: str, name: str) -> None:
    """Add the ban of a member for BAN_SECONDS to a transaction.

    The member loses the right to come back to a locked room, also after the ban. The caller closes the member's
    connections.
    """
    banned_until = datetime.now(UTC) + timedelta(seconds=limits.BAN_SECONDS)
    writes.update(
        MemberRecord(room_id, MemberRecord.sort_key_of(member_id)),
        [
            MemberRecord.name.set(name),
            MemberRecord.banned_until.set(banned_until),
            MemberRecord.expires_at.set(banned_until),
        ],
    )


@retry_on_conflict
def _rename(row: Connection | MemberRecord, name: str) -> bool:
    """Change the name in a row. Returns False if the table does not contain it."""
    try:
        row.update([type(row).name.set(name)], type(row).name.exists())
    except StorageError as error:
        if condition_failed(error):
            return False
        raise
    return True


def _name_of_user(user: User, member_id: str) -> str:
    """Return the first name of a user that is valid as a display name, or a generated one."""
    return next((name for name in user.names if is_valid(name, DisplayName)), f"user-{member_id[:4]}")


def _is_owner(room: Room, owner_token: str | None, user: User | None) -> bool:
    """Return whether a client has the owner's rights. Raises Forbidden if its token is not the owner's."""
    if owner_token is not None:
        rooms.check_owner_token(room, owner_token)
    return owner_token is not None or (user is not None and user.is_owner)


def _check_ban_and_lock(room: Room, member_id: str, *, is_owner: bool) -> None:
    """Raise MemberBanned or RoomLocked if a member may not join."""
    record = MemberRecord.find(room.room_id, MemberRecord.sort_key_of(member_id))
    if record is not None and record.is_banned:
        raise MemberBanned
    if room.locked and not is_owner and (record is None or not record.is_alive):
        raise RoomLocked
