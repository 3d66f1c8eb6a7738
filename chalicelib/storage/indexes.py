"""Global secondary indexes of the tables. `models.py` has the models."""

from __future__ import annotations

from typing import Any

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection


class ListedRoomsIndex(GlobalSecondaryIndex[Any]):
    """Sparse index of the listed rooms by age.

    It projects only attributes that rarely change: with member_count in it, every join would write to this partition.
    """

    class Meta:
        index_name = "listed-created_at-index"
        projection = IncludeProjection(["name"])

    listed = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)


class JoinedRoomIndex(GlobalSecondaryIndex[Any]):
    """Index of the connections by room.

    It is eventually consistent: it may select recipients, but must not decide whether a room is empty.
    """

    class Meta:
        index_name = "joined_room_id-index"
        projection = IncludeProjection(["member_id", "name", "joined_at", "authorized_until", "expires_at"])

    joined_room_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute()
    member_id = UnicodeAttribute()
    name = UnicodeAttribute()
    joined_at = UTCDateTimeAttribute()
    authorized_until = NumberAttribute(null=True)
    expires_at = TTLAttribute()
