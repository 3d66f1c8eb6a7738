"""The members of a room: list and rename them.

A member is a person, or more exactly a key: it may have several connections, such as two tabs of one browser.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chalicelib import rooms
from chalicelib.errors import NotInRoom
from chalicelib.storage.models import Connection
from chalicelib.storage.transactions import StorageError, condition_failed, retry_on_conflict

__all__ = ["Member", "list_members", "rename"]


class Member(NamedTuple):
    """A member of a room, with the number of its connections."""

    member_id: str
    name: str
    connections: int


def list_members(room_id: str, token: str | None = None) -> list[Member]:
    """Return the members of a room, in the order of joining, each once.

    A member whose connections have different names has the name of the newest one. The index is eventually consistent:
    recent joins and leaves may be missing. Raises what `rooms.get` raises.
    """
    rooms.get(room_id, token)
    # A query on an index without a sort key returns items in no order ("Query").
    connections = sorted(_connections(room_id), key=lambda row: (row.joined_at, row.connection_id))
    members: dict[str, Member] = {}
    for row in connections:
        earlier = members.get(row.member_id)
        members[row.member_id] = Member(row.member_id, row.name, earlier.connections + 1 if earlier else 1)
    return list(members.values())


def rename(connection: Connection, name: str) -> None:
    """Change the name of a member in all its connections, `connection` included.

    Raises NotInRoom if `connection` has left its room, and StorageError if DynamoDB fails.
    """
    others = {
        row.connection_id for row in _connections(connection.joined_room_id) if row.member_id == connection.member_id
    } - {connection.connection_id}
    if not _rename(connection, name):
        raise NotInRoom
    for connection_id in others:
        _rename(Connection(connection_id), name)


@retry_on_conflict
def _rename(connection: Connection, name: str) -> bool:
    """Change the name in a connection's row. Returns False if it has none, because it has left."""
    try:
        connection.update([Connection.name.set(name)], Connection.connection_id.exists())
    except StorageError as error:
        if condition_failed(error):
            return False
        raise
    return True


def _connections(room_id: str) -> Iterable[Connection]:
    """Return the connections in a room, in no order, by an eventually consistent read."""
    return (row for row in Connection.by_room.query(room_id) if row.is_alive)
