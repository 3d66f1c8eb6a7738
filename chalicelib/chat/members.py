"""The members of a room: join, leave, list, rename. `admission.py` says who may join.

A member is a user who has signed in, or a guest, identified by a key. A member may have several connections, such as
two tabs of one browser.

A room's member_count changes in one transaction with the connection row. So a `$disconnect` that arrives twice, or
races with the removal after a 410, counts once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chalicelib import limits, settings
from chalicelib.auth.identity import GUEST, Credentials, User
from chalicelib.chat import admission, rooms
from chalicelib.chat.names import is_numbered, numbered, reserved, skeleton
from chalicelib.errors import (
    AccessTokenExpired,
    Forbidden,
    InvalidInput,
    NotInRoom,
    RoomLocked,
    TooManyConnections,
)
from chalicelib.protocol.responses import ListedMember
from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import DisplayName
from chalicelib.storage.models import FORMER_OWNER, LISTED, MODERATOR, OWNER, Connection, MemberRecord, Room
from chalicelib.storage.transactions import (
    MAX_TRANSACTION_ITEMS,
    StorageError,
    Transaction,
    UpdateAction,
    condition_failed,
    retry_on_conflict,
    transaction,
    was_cancelled,
)

MAX_KNOWN_OWNERS = 20
"""Number of owners whose names a room keeps while they are away."""


def join(
    connection_id: str,
    room_id: str,
    name: str | None = None,
    credentials: Credentials = GUEST,
    *,
    takes_batches: bool = False,
) -> Connection:
    """Add a connection to a room, under `name` or a generated guest name.

    Connections with the same key, or of the same user, are the same member. A user has the name in the access token. An
    owner's token gives the connection the owner's rights. takes_batches: see Recipient.

    A name that looks like that of another member in the room gets a number, in rooms of up to PRESENCE_LIMIT
    connections. The same for guests, if it looks like that of an owner, a moderator or a webhook of the room.

    Retries conflicts with transactions for up to 10 seconds. Raises RoomNotFound, Forbidden, RoomLocked,
    MemberBanned, TooManyConnections, and StorageError if DynamoDB fails.
    """
    return _join(connection_id, room_id, name, credentials, takes_batches, [])


@retry_on_conflict
def _join(
    connection_id: str,
    room_id: str,
    name: str | None,
    credentials: Credentials,
    takes_batches: bool,
    records: list[MemberRecord],
) -> Connection:
    """Join a room. records: the member's record by the last attempt, if one has failed. Others do not read it."""
    room = rooms.authorize(room_id, credentials)
    user, owner_token, is_owner = credentials.user, credentials.owner_token, credentials.is_owner
    muted_until = records[-1].muted_until if records else None
    if room.locked and not is_owner and not credentials.has_identity:
        raise RoomLocked
    member_id, now = credentials.member_id(room.salt), datetime.now(UTC)
    role = _role(room, member_id, credentials)
    wanted_name = (name or f"guest-{member_id[:4]}") if user is None else _name_of_user(user, member_id)
    if muted_until is not None and muted_until > now and user is None:
        wanted_name = records[-1].name  # nor can a muted member take another name by joining again
    expires_at = now + timedelta(seconds=limits.CONNECTION_TTL_SECONDS)
    # If every disconnect is lost, the room expires as if its members had left when their connections expired.
    room_expires_at = expires_at + room.keep_time
    connection = Connection(
        connection_id=connection_id,
        joined_room_id=room_id,
        member_id=member_id,
        name=_free_name(room, member_id, wanted_name, is_guest=user is None and role is None),
        role=role,
        owner_version=None if owner_token is None else rooms.owner_version(room, owner_token),
        has_record=credentials.has_identity and role != FORMER_OWNER,  # a former owner gets no right to come back
        message_times=[0] * settings.MESSAGES_PER_WINDOW,
        owner_action_times=[0] * settings.MESSAGES_PER_WINDOW if is_owner else None,
        report_times=[0] * limits.MAX_REPORTS_PER_MINUTE,
        muted_until=muted_until,
        keep_days=room.keep_days,
        joined_at=now,
        authorized_until=None if user is None else int(user.expires_at.timestamp()),
        batch=takes_batches or None,
        expires_at=expires_at,
    )
    changes: list[UpdateAction] = [Room.member_count.add(1), Room.expires_at.set(room_expires_at)]
    if room.token_hash is None:
        changes += [Room.listed.set(LISTED), *room.list_until(room_expires_at)]
    changes += _role_changes(room, connection)
    record = MemberRecord(room_id, MemberRecord.sort_key_of(member_id))
    is_unchanged = room.is_unchanged(Room.locked, Room.roles)
    if owner_token is not None:
        is_unchanged &= Room.owner_hash == room.owner_hash
    elif room.token_hash is not None:
        is_unchanged &= Room.token_hash == room.token_hash
    try:
        with transaction() as writes:
            writes.save(connection, Connection.connection_id.does_not_exist())
            writes.update(Room(room_id), changes, is_unchanged)
            if connection.has_record:
                record_changes: list[UpdateAction] = [
                    MemberRecord.name.set(connection.name),
                    MemberRecord.connection_ids.add({connection_id}),
                    MemberRecord.first_joined_at.set(MemberRecord.first_joined_at | now),
                    MemberRecord.expires_at.set(now + timedelta(seconds=limits.MEMBER_TTL_SECONDS)),
                ]
                if role != OWNER:  # the ban, if there was one, is over
                    record_changes.append(MemberRecord.banned_until.remove())
                writes.update(record, record_changes, admission.admits(room, connection))
    except StorageError as error:
        if connection.has_record and was_cancelled(error):
            member = admission.check_ban_and_lock(room, member_id, is_owner=role == OWNER)
            if member is not None:
                records[:] = [member]
            if member is not None and len(member.connection_ids or ()) >= limits.MAX_CONNECTIONS_PER_MEMBER:
                raise TooManyConnections(member_id) from error
        raise
    return connection


def leave(room_id: str, connection_ids: Sequence[str], *, skip_connecting: bool = False) -> list[Connection]:
    """Remove connections from a room, and return those that were in it.

    With skip_connecting, connections whose `$connect` may still be running stay. API Gateway returns 410 for them, too.
    Removing them would leave them open but in no room.

    The transaction that removes the last member also unlists the room. The room can still be joined by its id for
    EMPTY_ROOM_GRACE_SECONDS. A room with keep_days stays listed for that time.

    One transaction removes up to 49 connections, and is retried for up to 10 seconds if it is cancelled. Raises
    StorageError if DynamoDB fails.
    """
    # A connection may have a member record. The room is an item of the transaction, too.
    batch_size = (MAX_TRANSACTION_ITEMS - 1) // 2
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
            _subtract_connections(writes, room, leaving)
    return leaving


def _subtract_connections(writes: Transaction, room: Room, connections: Sequence[Connection]) -> None:
    """Add the changes of a room and of its member records to the transaction that removes connections."""
    leaving = len(connections)
    if room.closed:  # its member records are erased
        writes.update(room, [Room.member_count.add(-leaving)], Room.closed.exists())
        return
    now = datetime.now(UTC)
    for member_id, name in {row.member_id: row.name for row in connections if row.has_record}.items():
        ids = {row.connection_id for row in connections if row.member_id == member_id}
        record = MemberRecord(room.room_id, MemberRecord.sort_key_of(member_id))
        # TTL may have deleted the record. Then this creates one that has expired, too.
        record_changes: list[UpdateAction] = [
            MemberRecord.connection_ids.delete(ids),
            MemberRecord.left_at.set(now),
            MemberRecord.name.set(MemberRecord.name | name),
            MemberRecord.expires_at.set(MemberRecord.expires_at | now),
        ]
        writes.update(record, record_changes)
    # Otherwise the room was closed since it was read, and its member records may be erased.
    is_not_closed = Room.closed.does_not_exist()
    last_members_leave = (Room.member_count <= leaving) & is_not_closed
    if room.member_count > leaving:
        writes.update(room, [Room.member_count.add(-leaving)], (Room.member_count > leaving) & is_not_closed)
    elif settings.EMPTY_ROOM_GRACE_SECONDS == 0 and not room.keep_days:
        writes.delete(room, last_members_leave)
    else:
        changes: list[UpdateAction] = [Room.member_count.set(0)]
        if room.is_alive:  # a late leave must not revive an expired room
            empty_time = room.keep_time or timedelta(seconds=settings.EMPTY_ROOM_GRACE_SECONDS)
            expires_at = now + empty_time
            # An exact end, so that the list of rooms leaves out the room as soon as it has expired.
            changes += [Room.expires_at.set(expires_at), Room.listed_until.set(expires_at)]
        if not room.keep_days:
            changes.append(Room.listed.remove())
        writes.update(room, changes, last_members_leave & (Room.expires_at == room.expires_at))


def end_roles(room_id: str) -> None:
    """Remove the role of those who have connected with an owner's token that was replaced.

    They have lost their rights already. A connection that the index does not contain yet keeps the role in lists.
    """
    room = rooms.find(room_id)
    for row in connections(room_id) if room is not None else ():
        if row.role == OWNER and room is not None:
            is_former = Connection.owner_version < room.owner_version  # not that of a user with an owner's rights
            try:
                Connection(row.connection_id).update([Connection.role.remove()], is_former)
            except StorageError as error:
                if not condition_failed(error):
                    raise


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


def list_members(room_id: str, credentials: Credentials = GUEST) -> list[ListedMember]:
    """Return the members of a room, in the order of joining, each once.

    A member whose connections have different names has the name of the newest one. The index is eventually consistent:
    recent joins and leaves may be missing. Raises RoomNotFound, Forbidden, RoomLocked and MemberBanned.
    """
    admission.authorize_reader(room_id, credentials)
    # A query on an index without a sort key returns items in no order ("Query").
    now = time.time()
    rows = [row for row in connections(room_id) if row.recipient.until > now]
    rows.sort(key=lambda row: (row.joined_at, row.connection_id))
    of_member: defaultdict[str, list[Connection]] = defaultdict(list)
    for row in rows:
        of_member[row.member_id].append(row)
    return [ListedMember.of(rows) for rows in of_member.values()]


@retry_on_conflict
def rename(connection: Connection, name: str) -> Room:
    """Change the name of a member in all its connections, `connection` included, in one transaction.

    The name may get a number, as in `join`. Return the room.

    Raises NotInRoom if `connection` has left its room, Forbidden if it is that of a user who has signed in, and
    StorageError if DynamoDB fails.
    """
    if connection.authorized_until is not None:
        raise Forbidden("your name comes from your access token: change it where you signed in")
    room = rooms.find(connection.joined_room_id)
    if room is None:
        raise NotInRoom
    member = find_member(room.room_id, connection.member_id)
    is_erased = connection.has_record and member.record is None  # with the room, which was closed
    if is_erased or connection.connection_id not in {row.connection_id for row in member.connections}:
        raise NotInRoom
    name = _free_name(room, connection.member_id, name, is_guest=connection.role is None)
    former_name, connection.name = connection.name, name
    try:
        with transaction() as writes:
            member.update(writes, [Connection.name.set(name)], [MemberRecord.name.set(name)])
            if changes := _role_changes(room, connection):
                writes.update(Room(room.room_id), changes, room.is_unchanged(Room.roles))
    except BaseException:
        connection.name = former_name
        raise
    return room


def connections(room_id: str, member_id: str | None = None) -> list[Connection]:
    """Return the connections of a member, or of everyone in a room, in no order.

    The index is eventually consistent: recent joins and leaves may be missing. It lacks some of the attributes.
    """
    rows = Connection.by_room.query(room_id)
    return [row for row in rows if row.is_alive and member_id in (None, row.member_id)]


def connection_ids(room_id: str, member_ids: Sequence[str]) -> dict[str, set[str]]:
    """Return the ids of the connections of members who have a record, by a consistent read."""
    keys = [(room_id, MemberRecord.sort_key_of(member_id)) for member_id in member_ids]
    records = MemberRecord.batch_get(keys, consistent_read=True)
    return {record.member_id: set(record.connection_ids or ()) for record in records}


class KnownMember(NamedTuple):
    """A member who is or was in a room. role: that of a connection."""

    name: str
    role: str | None = None


def known_members(room_id: str, member_ids: Sequence[str]) -> dict[str, KnownMember]:
    """Return those of the members who are or were in a room.

    A guest without a key is not found after leaving.
    """
    keys = [(room_id, MemberRecord.sort_key_of(member_id)) for member_id in member_ids]
    found = {row.member_id: KnownMember(row.name) for row in MemberRecord.batch_get(keys, consistent_read=True)}
    for row in connections(room_id):
        if row.member_id in member_ids and found.get(row.member_id, KnownMember("")).role is None:
            found[row.member_id] = KnownMember(row.name, row.role)
    return found


class FoundMember(NamedTuple):
    """A member of a room by consistent reads: the record, None for a guest without a key, and the connections.

    The connections of a guest without a key come from the index, which may not contain a very recent one.
    """

    record: MemberRecord | None
    connections: list[Connection]

    @property
    def name(self) -> str:
        """The name of the member. Raises InvalidInput if there is no such member."""
        if self.connections:
            return str(self.connections[-1].name)
        if self.record is None:
            raise InvalidInput("memberId must be the id of somebody who is or was in this room")
        return str(self.record.name)

    def is_owner_of(self, room: Room) -> bool:
        """Return whether a connection of the member has the owner's rights."""
        return any(row.is_owner_of(room) for row in self.connections)

    def update(
        self, writes: Transaction, changes: list[UpdateAction], record_changes: Sequence[UpdateAction] = ()
    ) -> None:
        """Add changes of all connections, and of the record, to a transaction. A join or leave meanwhile cancels it."""
        for row in self.connections:
            writes.update(row, changes, Connection.name.exists())
        if self.record is not None:
            ids = self.record.connection_ids
            is_unchanged = MemberRecord.connection_ids == ids if ids else MemberRecord.connection_ids.does_not_exist()
            changes = [*record_changes] or [MemberRecord.name.set(self.record.name)]  # an update needs one
            writes.update(self.record, changes, MemberRecord.name.exists() & is_unchanged)

    @retry_on_conflict
    def forget_lost_connections(self) -> None:
        """Remove connections whose rows TTL has deleted from the record. Their ids are never used again."""
        lost = set() if self.record is None else set(self.record.connection_ids or ())
        lost -= {row.connection_id for row in self.connections}
        if self.record is not None and lost:
            self.record.update([MemberRecord.connection_ids.delete(lost)], MemberRecord.name.exists())


def find_member(room_id: str, member_id: str) -> FoundMember:
    """Return a member by consistent reads, with its connections, the oldest first."""
    record = MemberRecord.find(room_id, MemberRecord.sort_key_of(member_id))
    if record is None:
        ids = [row.connection_id for row in connections(room_id, member_id)]
    else:
        ids = list(record.connection_ids or ())
    rows = Connection.batch_get(ids, consistent_read=True) if ids else ()
    return FoundMember(record, sorted(rows, key=lambda row: row.joined_at))


def _role(room: Room, member_id: str, credentials: Credentials) -> str | None:
    """Return the role of a connection with these credentials, which `rooms.authorize` has checked."""
    if not credentials.is_owner:
        return MODERATOR if room.role_of(member_id) == MODERATOR else None
    is_current = credentials.owner_token is None or rooms.is_owner_token(room, credentials.owner_token)
    return OWNER if is_current else FORMER_OWNER


def _role_changes(room: Room, connection: Connection) -> list[UpdateAction]:
    """Return the change of Room.roles, if any, that the name and role of a connection require.

    An owner without an identity has an entry of all such owners.
    """
    if connection.role not in (OWNER, MODERATOR):
        return []
    id_, entry = connection.member_id if connection.has_record else OWNER, [connection.role, reserved(connection.name)]
    roles: dict[str, list[str]] = room.roles or {}
    if roles.get(id_) == entry:
        return []
    owners = [known for known, (role, _) in roles.items() if role == OWNER and known != id_]
    outdated = {id_, *owners[: max(0, len(owners) + 1 - MAX_KNOWN_OWNERS)]}
    return [Room.roles.set({known: value for known, value in roles.items() if known not in outdated} | {id_: entry})]


def _free_name(room: Room, member_id: str, name: str, *, is_guest: bool) -> str:
    """Return the name, or a numbered one if it looks like that of somebody else.

    A member who has a number in another connection keeps it.
    """
    others = connections(room.room_id) if room.member_count <= settings.PRESENCE_LIMIT else []
    taken = {skeleton(row.name) for row in others if row.member_id != member_id}
    if is_guest:
        taken |= {known for id_, (_, known) in (room.roles or {}).items() if id_ != member_id}
    own = (row.name for row in others if row.member_id == member_id)
    kept = (given for given in own if is_numbered(given, name) and skeleton(given) not in taken)
    return next(kept, None) or numbered(name, taken)


def _name_of_user(user: User, member_id: str) -> str:
    """Return the first name of a user that is valid as a display name, or a generated one."""
    return next((name for name in user.names if is_valid(name, DisplayName)), f"user-{member_id[:4]}")
