"""PynamoDB models of the tables and their indexes. docs/architecture.md describes the data model.

CloudFormation creates the tables from .chalice/resources.json. A test compares the models with that file.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Self

from pynamodb.attributes import (
    Attribute,
    BooleanAttribute,
    JSONAttribute,
    ListAttribute,
    NumberAttribute,
    NumberSetAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.expressions.condition import Condition
from pynamodb.indexes import GlobalSecondaryIndex, IncludeProjection
from pynamodb.pagination import ResultIterator

from chalicelib import limits, settings
from chalicelib.storage.base import ExpiryMixin, RetentionMixin, Table
from chalicelib.storage.transactions import UpdateAction

LISTED = "public"
"""The only value of Room.listed, and so the only partition of the sparse index of listed rooms."""


class ListedRoomsIndex(GlobalSecondaryIndex[Any]):
    """Sparse index of the listed rooms by age.

    It projects only attributes that rarely change: with member_count in it, every join would write to this partition.
    listed_until lets a query leave out the rooms that have expired.
    """

    class Meta:
        index_name = "listed-created_at-index"
        projection = IncludeProjection(["name", "listed_until"])

    listed = UnicodeAttribute(hash_key=True)
    created_at = UTCDateTimeAttribute(range_key=True)
    listed_until = UTCDateTimeAttribute(null=True)


class Room(ExpiryMixin, RetentionMixin, Table):
    """A room, the number of connections in it, and its expiry.

    listed_until: a time after which the room is not listed any more, never before expires_at. A join rarely changes it.

    owner_version: the number of owner's tokens before the present one. former_owner_hash: that of the last one, with
    which an owner who has not received the present one can get another until former_owner_until.

    roles: the role of each owner with an identity, moderator and webhook by its id, and the skeleton of its name
    (`names.py`), which guests cannot take, also while they are away.

    keep_days_changed_at: when keep_days was changed last, None for never. hidden: the ids of removed members whose
    messages are being erased, with the last sequence that is.

    source: the pseudonym of the source address that has created the room, None if sources are not known.

    closed: the owner has closed the room. Only this, the number of connections and the expiry are left of it, and every
    write that could revive it is conditional on this attribute.
    """

    class Meta:
        table_name = settings.ROOMS_TABLE

    room_id = UnicodeAttribute(hash_key=True)
    name = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    member_count = NumberAttribute(default=0)
    listed = UnicodeAttribute(null=True)
    listed_until = UTCDateTimeAttribute(null=True)
    token_hash = UnicodeAttribute(null=True)
    owner_hash = UnicodeAttribute()
    owner_version = NumberAttribute(default=0)
    former_owner_hash = UnicodeAttribute(null=True)
    former_owner_until = UTCDateTimeAttribute(null=True)
    locked = BooleanAttribute(default=False)
    locked_at = UTCDateTimeAttribute(null=True)
    salt = UnicodeAttribute()
    keep_days = NumberAttribute(default=0)
    keep_days_changed_at = UTCDateTimeAttribute(null=True)
    slow_seconds = NumberAttribute(default=0)
    roles = JSONAttribute(null=True)
    hidden = JSONAttribute(null=True)
    webhook_count = NumberAttribute(default=0)
    source = UnicodeAttribute(null=True)
    closed = BooleanAttribute(null=True)
    expires_at = TTLAttribute()

    join_token: str | None = None
    """The token of a private room. It exists only in the process that creates the room, and is never stored."""

    owner_token: str | None = None
    """The token of the room's owner. The same applies to it."""

    by_age = ListedRoomsIndex()

    def list_until(self, expires_at: datetime) -> list[UpdateAction]:
        """Return the change of listed_until, if any, that a new expires_at requires.

        It is ten minutes more than required, so that not every join writes to the index of listed rooms.
        """
        if self.listed_until is not None and self.listed_until >= expires_at:
            return []
        return [Room.listed_until.set(expires_at + timedelta(minutes=10))]

    @property
    def is_alive(self) -> bool:
        """Whether the room has neither expired nor been closed."""
        return not self.closed and super().is_alive

    def is_unchanged(self, *attributes: Attribute[Any]) -> Condition:
        """Return the condition that attributes have the same values as here, in a room that is open."""
        condition = Room.is_open(datetime.now(UTC))
        for attribute in attributes:
            value = getattr(self, attribute.attr_name)
            same = attribute.does_not_exist() if value is None else attribute == value
            condition &= same | attribute.does_not_exist() if value == attribute.default else same
        return condition

    @property
    def has_mixed_retention(self) -> bool:
        """Whether newer messages may expire before older ones, because keep_days was changed."""
        longest = max(timedelta(days=limits.MAX_KEEP_DAYS), self.retention)
        return self.keep_days_changed_at is not None and self.keep_days_changed_at + longest > datetime.now(UTC)

    @property
    def shortest_retention(self) -> timedelta:
        """The shortest time for which a message that may still exist could be read."""
        return timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS) if self.has_mixed_retention else self.retention

    def role_of(self, id_: str) -> str | None:
        """Return the role of a member or webhook by its id: OWNER, MODERATOR, WEBHOOK or None."""
        roles: dict[str, list[str]] = self.roles or {}
        return roles[id_][0] if id_ in roles else None

    @property
    def has_former_owner_token(self) -> bool:
        """Whether the last owner's token can still request another one."""
        return self.former_owner_until is not None and self.former_owner_until > datetime.now(UTC)

    @property
    def locked_since(self) -> datetime:
        """The time from which the room is locked."""
        return self.created_at if self.locked_at is None else self.locked_at

    @classmethod
    def is_open(cls, now: datetime) -> Condition:
        """Return the condition of a write that must not revive a room."""
        condition: Condition = (cls.expires_at > now) & cls.closed.does_not_exist()
        return condition

    @staticmethod
    def is_valid_id(room_id: str) -> bool:
        """Return whether a string can be the id of a room."""
        return re.fullmatch(r"[\w-]{1,64}", room_id, re.ASCII) is not None


class Recipient(NamedTuple):
    """A connection that receives frames.

    until: the time in Unix seconds at which it stops receiving. takes_batches: whether several messages or joins may
    come in one frame.
    """

    until: int
    takes_batches: bool = False


class JoinedRoomIndex(GlobalSecondaryIndex[Any]):
    """Index of the connections by room.

    It is eventually consistent: it may select recipients, but must not decide whether a room is empty.

    It also projects verified, which no row has: a projection cannot change in place.
    """

    class Meta:
        index_name = "joined_room_id-index"
        projection = IncludeProjection(
            ["member_id", "name", "joined_at", "authorized_until", "expires_at", "role", "verified", "batch"]
        )

    joined_room_id = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute()
    member_id = UnicodeAttribute()
    name = UnicodeAttribute()
    joined_at = UTCDateTimeAttribute()
    authorized_until = NumberAttribute(null=True)
    role = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()


OWNER, MODERATOR, FORMER_OWNER, WEBHOOK = "owner", "moderator", "former-owner", "webhook"
"""The roles in a room. A former owner has connected with an owner's token that was replaced, and can only request
another one."""


class Connection(ExpiryMixin, RetentionMixin, Table):
    """An open WebSocket connection, its room, and its member's public id and name.

    Several connections can belong to one member. has_record: the member has a MemberRecord, and so comes back with the
    same id. role: OWNER, MODERATOR, FORMER_OWNER, or None. owner_version: that of the owner's token with which it has
    connected. authorized_until: the end of the access token of a user who has signed in, in Unix seconds; None for a
    guest. It is not the TTL, which would delete the rows of open connections. last_message_at, previous_message_at:
    the times of its last two messages, refused ones included. slow_until: before this time, slow mode has refused one.
    batch: see Recipient.takes_batches.
    """

    class Meta:
        table_name = settings.CONNECTIONS_TABLE

    connection_id = UnicodeAttribute(hash_key=True)
    joined_room_id = UnicodeAttribute()
    member_id = UnicodeAttribute()
    name = UnicodeAttribute()
    owner_version = NumberAttribute(null=True)
    has_record = BooleanAttribute(default=False)
    message_times: ListAttribute[Any] = ListAttribute(of=NumberAttribute)
    owner_action_times: ListAttribute[Any] = ListAttribute(of=NumberAttribute, null=True)
    warnings = NumberAttribute(default=0)
    warned_at = NumberAttribute(default=0)
    retry_at = NumberAttribute(default=0)
    last_message_at = NumberAttribute(default=0)
    previous_message_at = NumberAttribute(default=0)
    slow_until = NumberAttribute(default=0)
    report_times: ListAttribute[Any] = ListAttribute(of=NumberAttribute, null=True)
    muted_until = UTCDateTimeAttribute(null=True)
    keep_days = NumberAttribute(default=0)
    joined_at = UTCDateTimeAttribute()
    authorized_until = NumberAttribute(null=True)
    role = UnicodeAttribute(null=True)
    batch = BooleanAttribute(null=True)
    expires_at = TTLAttribute()

    by_room = JoinedRoomIndex()

    @classmethod
    def recipients_in(cls, room_id: str) -> dict[str, Recipient]:
        """Return the connections in a room that receive messages, by connection id.

        It reads all pages, and skips PynamoDB's models: building a thousand of them takes longer than sending to their
        connections.
        """
        attributes = ["connection_id", "authorized_until", "expires_at", "role", "batch"]
        options = {"index_name": JoinedRoomIndex.Meta.index_name, "attributes_to_get": attributes}
        rows: ResultIterator[Any] = ResultIterator(cls._get_connection().query, (room_id,), options)
        return {
            row["connection_id"]["S"]: Recipient(
                min(int(row[name]["N"]) for name in attributes[1:3] if name in row), "batch" in row
            )
            for row in rows
            if row.get("role", {}).get("S") != FORMER_OWNER
        }

    @property
    def is_owner(self) -> bool:
        """Whether the connection has connected with an owner's rights. A new owner's token ends them."""
        return self.role in (OWNER, FORMER_OWNER)

    def is_owner_of(self, room: Room | RoomSequence) -> bool:
        """Return whether the connection has the owner's rights in its room at present."""
        return self.role == OWNER and self.owner_version in (None, room.owner_version)

    def role_in(self, room: Room | RoomSequence) -> str | None:
        """Return the role that others see, OWNER or MODERATOR, or None."""
        return self.role if self.role == MODERATOR or self.is_owner_of(room) else None

    @property
    def is_verified(self) -> bool:
        """Whether the member has signed in."""
        return self.authorized_until is not None

    @property
    def recipient(self) -> Recipient:
        """The connection as a recipient."""
        expires_at = int(self.expires_at.timestamp())
        until = expires_at if self.authorized_until is None else min(expires_at, int(self.authorized_until))
        return Recipient(until, bool(self.batch))

    @property
    def is_token_expired(self) -> bool:
        """Whether the access token of the connection's user has expired."""
        return self.authorized_until is not None and self.authorized_until <= time.time()

    @property
    def may_be_connecting(self) -> bool:
        """Whether the `$connect` of this connection may still be running. Until it returns, API Gateway returns 410."""
        return self.joined_at + timedelta(seconds=limits.MAX_CONNECT_SECONDS) > datetime.now(UTC)


class _MessagesTable:
    """Meta of the models that share the messages table. The prefix of sort_key tells them apart."""

    table_name = settings.MESSAGES_TABLE


class Message(ExpiryMixin, Table):
    """A message, an event, or a tombstone: a placeholder for a sequence that has no message.

    event: the type of an event, None for a message. details: what the event is about, as the event's frame has it.
    deleted_by: in the tombstone of a deleted message, the sequence of the event. edited_by: in an edited message, the
    sequence of the event of the last edit.
    """

    class Meta(_MessagesTable):
        pass

    PREFIX = "message#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    sequence = NumberAttribute()
    is_tombstone = BooleanAttribute(default=False)
    event = UnicodeAttribute(null=True)
    details = JSONAttribute(null=True)
    deleted_by = NumberAttribute(null=True)
    text = UnicodeAttribute(null=True)
    sender_id = UnicodeAttribute(null=True)
    sender_name = UnicodeAttribute(null=True)
    sender_is_bot = BooleanAttribute(null=True)
    sender_role = UnicodeAttribute(null=True)
    sender_is_verified = BooleanAttribute(null=True)
    sent_at = UTCDateTimeAttribute(null=True)
    client_id = UnicodeAttribute(null=True)
    reply_to = NumberAttribute(null=True)
    mentions = JSONAttribute(null=True)
    edited_at = UTCDateTimeAttribute(null=True)
    edited_by = NumberAttribute(null=True)
    expires_at = TTLAttribute()

    edited_text: str | None = None
    """Of the event of an edit: the text of the message. It is stored with the message only."""

    reactions: Reactions | None = None
    """The reactions to a message, which are stored beside it."""

    @classmethod
    def keys_in(cls, room_id: str) -> Iterator[str]:
        """Return the sort keys of all rows of a room, messages or not, by consistent reads."""
        options = {"attributes_to_get": ["sort_key"], "consistent_read": True}
        rows: ResultIterator[Any] = ResultIterator(cls._get_connection().query, (room_id,), options)
        return (row["sort_key"]["S"] for row in rows)

    @classmethod
    def sort_key_of(cls, sequence: int) -> str:
        """Return the sort key of a sequence. Zero padding gives strings the order of their numbers."""
        return f"{cls.PREFIX}{sequence:015d}"

    @classmethod
    def sequence_of(cls, sort_key: str) -> int:
        """Return the sequence of a sort key."""
        return int(sort_key.removeprefix(cls.PREFIX))

    def is_shown(self, hidden: Mapping[str, int]) -> bool:
        """Return whether readers of the room see the row. hidden: its Room.hidden."""
        is_hidden = self.event is None and self.sequence <= hidden.get(self.sender_id, 0)
        return self.is_alive and not self.is_tombstone and not is_hidden


class Reactions(ExpiryMixin, Table):
    """The reactions to a message.

    kinds: the reactions. members: for each, the members who have it. They are string sets, each an attribute of the
    item, because DynamoDB changes sets in top-level attributes only ("Update expressions"). total: the number of
    reactions of all members together. version: the number of changes. summary_due_at: when the queue sends the next
    summary to a large room, in Unix milliseconds.

    closed: the message is deleted.
    """

    class Meta(_MessagesTable):
        pass

    PREFIX = "reaction#"
    MEMBERS = "members#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    kinds = UnicodeSetAttribute(null=True)
    total = NumberAttribute(default=0)
    version = NumberAttribute(default=0)
    summary_due_at = NumberAttribute(default=0)
    closed = BooleanAttribute(null=True)
    expires_at = TTLAttribute()

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        self.members: dict[str, set[str]] = {}
        super().__init__(*arguments, **attributes)

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """Return the item that DynamoDB has returned."""
        row = super().from_raw_data(data)
        row._read_members(data)
        return row

    def deserialize(self, attribute_values: dict[str, dict[str, Any]]) -> None:
        """Replace the values by those that DynamoDB has returned."""
        super().deserialize(attribute_values)
        self._read_members(attribute_values)

    def _read_members(self, attribute_values: dict[str, dict[str, Any]]) -> None:
        self.members = {
            name.removeprefix(self.MEMBERS).replace("%5B", "[").replace("%5D", "]"): set(value["SS"])
            for name, value in attribute_values.items()
            if name.startswith(self.MEMBERS)
        }

    @property
    def target(self) -> int:
        """The sequence of the message."""
        return int(self.sort_key.removeprefix(self.PREFIX))

    @classmethod
    def members_of(cls, reaction: str) -> UnicodeSetAttribute:
        """Return the attribute with the members who have a reaction.

        Brackets are escaped: PynamoDB 6.1 takes them for the index of a list. No reaction contains their escapes.
        """
        escaped = reaction.replace("[", "%5B").replace("]", "%5D")
        return UnicodeSetAttribute(attr_name=f"{cls.MEMBERS}{escaped}")

    @classmethod
    def sort_key_of(cls, sequence: int) -> str:
        """Return the sort key of the reactions to the message with a sequence."""
        return f"{cls.PREFIX}{sequence:015d}"

    @classmethod
    def closed_for(cls, message: Message) -> Self:
        """Return the item that a deleted message leaves."""
        key = cls.sort_key_of(int(message.sequence))
        return cls(message.room_id, key, closed=True, expires_at=message.expires_at)


class MemberRecord(ExpiryMixin, Table):
    """A user, or a guest with a key, who was in the room. They may come back, unless they are banned.

    connection_ids: those of the member's connections. They are exact, but for rows that TTL has deleted.
    left_at: when the last one that left did so. read_sequence: the last sequence that the member has read.
    """

    class Meta(_MessagesTable):
        pass

    PREFIX = "member#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    banned_until = UTCDateTimeAttribute(null=True)
    muted_until = UTCDateTimeAttribute(null=True)
    first_joined_at = UTCDateTimeAttribute(null=True)
    left_at = UTCDateTimeAttribute(null=True)
    connection_ids = UnicodeSetAttribute(null=True)
    read_sequence = NumberAttribute(null=True)
    expires_at = TTLAttribute()

    @property
    def is_banned(self) -> bool:
        """Whether the member may not join at present."""
        return self.banned_until is not None and self.banned_until > datetime.now(UTC)

    @property
    def member_id(self) -> str:
        """The id of the member."""
        return self.sort_key.removeprefix(self.PREFIX)

    @classmethod
    def sort_key_of(cls, member_id: str) -> str:
        """Return the sort key of a member id."""
        return f"{cls.PREFIX}{member_id}"


class RoomSequence(RetentionMixin, Table):
    """The last sequence taken in a room. It is not part of Room, so messages and joins write to different items.

    closed: as in Room. No sequence can be taken any more. The other attributes are copies of the room's, which messages
    learn with their sequence; None if they were never changed.
    """

    class Meta(_MessagesTable):
        pass

    SORT_KEY = "sequence"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True, default=SORT_KEY)
    last_sequence = NumberAttribute(default=0)
    current_owner_version = NumberAttribute(attr_name="owner_version", null=True)
    keep_days = NumberAttribute(null=True)
    slow_seconds = NumberAttribute(null=True)
    closed = BooleanAttribute(null=True)
    expires_at = TTLAttribute()

    @property
    def taken_at(self) -> datetime:
        """The time at which the last sequence was taken."""
        expires_at: datetime = self.expires_at
        return expires_at - timedelta(seconds=limits.SEQUENCE_TTL_SECONDS)

    @property
    def owner_version(self) -> int:
        """The number of owner's tokens before the present one."""
        return int(self.current_owner_version or 0)


class Ticks(Table):
    """The state of a large room's ticks. It is not part of RoomSequence: each item has its own limit of writes.

    position: everything up to this sequence was delivered, except what is waiting. waiting: the sequences of messages
    and events that were stored. ahead: those that the last tick has delivered before they were waiting. number: that of
    the last tick that was queued. claimed_until: before this time, nobody queues another one. began_at: when the last
    tick began. posts: the number of its frames for each connection. The times are in Unix milliseconds.
    """

    class Meta(_MessagesTable):
        pass

    SORT_KEY = "ticks"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True, default=SORT_KEY)
    position = NumberAttribute(default=0)
    waiting = NumberSetAttribute(null=True)
    ahead = NumberSetAttribute(null=True)
    number = NumberAttribute(default=0)
    claimed_until = NumberAttribute(default=0)
    began_at = NumberAttribute(default=0)
    posts = NumberAttribute(default=1)
    expires_at = TTLAttribute()


class PresenceCount(Table):
    """The number of joins and leaves of a room in a window of time. Further attributes count those in its parts."""

    class Meta(_MessagesTable):
        pass

    PREFIX = "presence-count#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    expires_at = TTLAttribute()

    @classmethod
    def add(cls, room_id: str, window: int, parts: Sequence[str], count: int, expires_at: datetime) -> list[int]:
        """Add a number to the counters of parts of a window, and return the sums.

        It skips PynamoDB's models, which have no attributes with variable names.
        """
        counters: list[NumberAttribute] = [NumberAttribute(attr_name=part) for part in parts]
        actions: list[UpdateAction] = [counter.add(count) for counter in counters]
        response: dict[str, Any] = cls._get_connection().update_item(
            room_id,
            f"{cls.PREFIX}{window}",
            actions=[*actions, cls.expires_at.set(expires_at)],
            return_values="ALL_NEW",
        )
        return [int(response["Attributes"][part]["N"]) for part in parts]


class PresenceChange(ExpiryMixin, Table):
    """A connection that has joined or left in a slot of time, and is announced at its end."""

    class Meta(_MessagesTable):
        pass

    PREFIX = "presence#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    member_id = UnicodeAttribute()
    name = UnicodeAttribute()
    role = UnicodeAttribute(null=True)
    is_verified = BooleanAttribute(default=False)
    expires_at = TTLAttribute()

    @classmethod
    def of(cls, connection: Connection, slot: int, expires_at: datetime) -> Self:
        """Return the change of a connection."""
        return cls(
            connection.joined_room_id,
            f"{cls.prefix_of(slot)}{connection.connection_id}",
            member_id=connection.member_id,
            name=connection.name,
            role=connection.role,
            is_verified=connection.is_verified,
            expires_at=expires_at,
        )

    @property
    def connection_id(self) -> str:
        """The id of the connection."""
        return self.sort_key.split("#", 2)[2]

    @classmethod
    def prefix_of(cls, slot: int) -> str:
        """Return the prefix of the sort keys of the changes in a slot."""
        return f"{cls.PREFIX}{slot}#"


class Report(ExpiryMixin, Table):
    """A report of a message to the owner and the moderators, stored for as long as the message."""

    class Meta(_MessagesTable):
        pass

    PREFIX = "report#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    target = NumberAttribute()
    reason = UnicodeAttribute(null=True)
    sender_id = UnicodeAttribute()
    sender_name = UnicodeAttribute()
    sender_role = UnicodeAttribute(null=True)
    sender_is_verified = BooleanAttribute(null=True)
    sent_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()

    @classmethod
    def sort_key_of(cls, target: int, sender_id: str) -> str:
        """Return the sort key of the report of a message by a member."""
        return f"{cls.PREFIX}{target:015d}#{sender_id}"


class WebhookRecord(ExpiryMixin, Table):
    """An incoming webhook of a room, and the times of its last messages.

    owner_version: that of the owner's token that created it, None for an access token with an owner's rights.
    """

    class Meta(_MessagesTable):
        pass

    PREFIX = "hook#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    name = UnicodeAttribute()
    token_hash = UnicodeAttribute()
    owner_version = NumberAttribute(null=True)
    message_times: ListAttribute[Any] = ListAttribute(of=NumberAttribute)
    created_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()

    @property
    def webhook_id(self) -> str:
        """The id of the webhook, which is also the member id in its messages."""
        return self.sort_key.removeprefix(self.PREFIX)

    @classmethod
    def sort_key_of(cls, webhook_id: str) -> str:
        """Return the sort key of a webhook id."""
        return f"{cls.PREFIX}{webhook_id}"


class IdempotencyRecord(ExpiryMixin, Table):
    """The sequence of the message that was stored for a clientId.

    part_count: the number of parts of a longer text, each of which has a record.
    """

    class Meta(_MessagesTable):
        pass

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    sequence = NumberAttribute()
    part_count = NumberAttribute(null=True)
    expires_at = TTLAttribute()

    @staticmethod
    def sort_key_of(client_id: str, sender_id: str | None = None) -> str:
        """Return the sort key of a clientId: of a sender with ids of its own, or of the guests who share theirs."""
        return f"client#{client_id}" if sender_id is None else f"sender-client#{sender_id}#{client_id}"


class SourceRecord(Table):
    """The numbers of requests of a source address in a minute, and its ban. Its partition contains its pseudonym.

    minute: the minute that the counters are for, in minutes since 1970. banned_until: in Unix seconds.
    """

    class Meta(_MessagesTable):
        pass

    PREFIX = "source#"
    SORT_KEY = "source"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True, default=SORT_KEY)
    minute = NumberAttribute(null=True)
    rooms = NumberAttribute(default=0)
    connects = NumberAttribute(default=0)
    hook_posts = NumberAttribute(default=0)
    banned_until = NumberAttribute(null=True)
    expires_at = TTLAttribute()

    @property
    def is_banned(self) -> bool:
        """Whether the source is banned at present."""
        return self.banned_until is not None and self.banned_until > time.time()

    @classmethod
    def partition_of(cls, source: str) -> str:
        """Return the partition of a source's pseudonym."""
        return f"{cls.PREFIX}{source}"


class UnusedRoom(ExpiryMixin, Table):
    """A public room that a source address has created. It expires with the room, unless somebody joins the room."""

    class Meta(_MessagesTable):
        pass

    PREFIX = "room#"

    room_id = UnicodeAttribute(hash_key=True)
    sort_key = UnicodeAttribute(range_key=True)
    expires_at = TTLAttribute()

    @classmethod
    def of(cls, source: str, room_id: str, **attributes: Any) -> Self:
        """Return the item of a room."""
        return cls(SourceRecord.partition_of(source), f"{cls.PREFIX}{room_id}", **attributes)

    @property
    def created_room_id(self) -> str:
        """The id of the room."""
        return self.sort_key.removeprefix(self.PREFIX)

    def is_unused(self, room: Room | None) -> bool:
        """Return whether nobody has joined the room, as it is now: a join changes its expiry."""
        return room is not None and room.is_alive and room.expires_at == self.expires_at
