"""What DynamoDB remembers: rooms, the connections in them, and what was said.

The tables themselves are made from .chalice/resources.json; a test holds these classes against it.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.connection import TableConnection
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.models import Model
from pynamodb.pagination import ResultIterator

from chalicelib import settings
from chalicelib.aws import dynamodb

__all__ = ["LISTED", "Claim", "Connection", "Counter", "Message", "Room", "utc_text"]

LISTED = "public"
"""The one value of Room.listed: the sparse index holds the rooms that have it, under this key."""


def utc_text(moment: datetime) -> str:
    """Write a moment as the wire has it: 2026-11-22T10:00:00.000Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


class _Table(Model):
    """A model whose requests go over the client that all models share."""

    @classmethod
    def _get_connection(cls) -> TableConnection:
        table = super()._get_connection()
        if table.connection is not dynamodb:
            with suppress(ValueError):  # another model of the same table has told it the keys
                dynamodb.add_meta_table(table.get_meta_table())
            table.connection = dynamodb
        return table


class _Expiring:
    """An item that DynamoDB deletes some time after expires_at."""

    expires_at: TTLAttribute

    @property
    def is_alive(self) -> bool:
        # Deletion is late, typically within two days ("Working with expired items"), so every read asks this.
        return self.expires_at > datetime.now(UTC)


class ListedRoomsIndex(GlobalSecondaryIndex["Room"]):
    """The public rooms that are to be seen, by age.

    It projects nothing that changes: a projected member_count would send every join anywhere to this one partition.
    """

    class Meta:
        index_name = "listed-created_at-index"
        projection = IncludeProjection(["name"])

    listed = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class Room(_Expiring, _Table):
    """A room, how many are in it, and when it may go."""

    class Meta:
        table_name = settings.ROOMS_TABLE

    room_id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    member_count = NumberAttribute(default=0)
    listed = UnicodeAttribute(null=True)
    token_hash = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()

    join_token: str | None = None
    """What opens a private room: known in the moment of its creation, and stored nowhere."""

    newest_listed = ListedRoomsIndex()

    def to_dict(self) -> dict[str, Any]:
        return {
            "room_id": self.room_id,
            "name": self.name,
            "member_count": int(self.member_count),
            "created_at": utc_text(self.created_at),
        }


class JoinedRoomIndex(GlobalSecondaryIndex["Connection"]):
    """Who is in a room: eventually consistent, so it may choose whom to send to, never whether a room is empty."""

    class Meta:
        index_name = "joined_room_id-index"
        projection = IncludeProjection(["member_id", "name", "expires_at"])

    joined_room_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute()
    member_id = UnicodeAttribute()
    name = UnicodeAttribute()
    expires_at = TTLAttribute()


class Connection(_Expiring, _Table):
    """One open socket, the room it is in, and the member that it shows to the others."""

    class Meta:
        table_name = settings.CONNECTIONS_TABLE

    connection_id = UnicodeAttribute(hash_key=True)
    joined_room_id = UnicodeAttribute()
    member_id = UnicodeAttribute()
    name = UnicodeAttribute()
    recent: ListAttribute[Any] = ListAttribute(of=NumberAttribute)
    warnings = NumberAttribute(default=0)
    warned_at = NumberAttribute(default=0)
    held_until = NumberAttribute(default=0)
    expires_at = TTLAttribute()

    by_room = JoinedRoomIndex()

    @classmethod
    def expiries_in(cls, room_id: str) -> dict[str, int]:
        """Return when each connection in a room expires, in seconds since 1970, by its id: all pages of the index.

        It reads the rows as they come: to make models of a thousand takes longer than to post to them.
        """
        wanted = {"index_name": JoinedRoomIndex.Meta.index_name, "attributes_to_get": ["connection_id", "expires_at"]}
        rows: ResultIterator[Any] = ResultIterator(cls._get_connection().query, (room_id,), wanted)
        return {row["connection_id"]["S"]: int(row["expires_at"]["N"]) for row in rows}

    @property
    def may_be_connecting(self) -> bool:
        """Whether the row is so young that its `$connect` may not have returned: every post is then answered 410."""
        joined_at = self.expires_at - timedelta(seconds=settings.CONNECTION_SECONDS)
        return joined_at + timedelta(seconds=settings.CONNECT_SECONDS) > datetime.now(UTC)

    def to_dict(self) -> dict[str, str]:
        """Tell the others who this is; the connection's id never leaves the server."""
        return {"id": self.member_id, "name": self.name}


class _MessagesTable:
    """One table for three kinds of items, which their positions tell apart."""

    table_name = settings.MESSAGES_TABLE


class Message(_Expiring, _Table):
    """What a member said, or the mark that nothing will ever be said under this sequence."""

    class Meta(_MessagesTable):
        pass

    room_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    sequence = NumberAttribute()
    is_void = BooleanAttribute(default=False)
    text = UnicodeAttribute(null=True)
    sender_id = UnicodeAttribute(null=True)
    sender_name = UnicodeAttribute(null=True)
    sent_at = UTCDateTimeAttribute(null=True)
    client_id = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()

    @staticmethod
    def position_of(sequence: int) -> str:
        """Return where a sequence stands: as texts, positions have the order of their numbers."""
        return f"message#{sequence:015d}"


class Counter(_Table):
    """The last sequence that was taken in a room. An item of its own, so that talking and joining do not contend."""

    class Meta(_MessagesTable):
        pass

    room_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True, default="counter")
    last_sequence = NumberAttribute(default=0)
    expires_at = TTLAttribute()


class Claim(_Expiring, _Table):
    """Which message a client's own id stands for in a room."""

    class Meta(_MessagesTable):
        pass

    room_id = UnicodeAttribute(hash_key=True)
    position = UnicodeAttribute(range_key=True)
    sequence = NumberAttribute()
    expires_at = TTLAttribute()

    @staticmethod
    def position_of(client_id: str) -> str:
        return f"client#{client_id}"
