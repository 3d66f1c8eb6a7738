"""The JSON objects in responses and frames: rooms, members, messages, stored events, webhooks.

`of` builds an object from a row of a table. Absent properties are UNSET. Connection ids never leave the server.
"""

from __future__ import annotations

import collections.abc
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

from chalicelib import settings
from chalicelib.limits import MAX_LISTED_REACTIONS, MAX_PAGE_SIZE, MAX_REACTION_KINDS, MAX_WEBHOOKS
from chalicelib.protocol.values import (
    ClientId,
    DisplayName,
    KeptDays,
    LastSequence,
    Locked,
    MemberCount,
    MemberId,
    Mentions,
    MessageText,
    Private,
    Reaction,
    Reason,
    ReplyTo,
    Role,
    RoomId,
    RoomName,
    Secret,
    Sentence,
    Sequence,
    SlowSeconds,
    Timestamp,
    Verified,
    WebhookId,
    WebhookName,
)
from chalicelib.storage import models

R = TypeVar("R", bound="Response")


class Response(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base class of what the server sends. It has no other properties than the declared ones."""


# Rooms


class Room(Response, rename={}):
    """A room. Its properties are in snake case: existing front ends use them."""

    room_id: RoomId
    name: RoomName
    member_count: MemberCount
    created_at: Timestamp

    @classmethod
    def of(cls, room: models.Room) -> Self:
        """Return the object of a room."""
        return cls(
            room_id=room.room_id,
            name=room.name,
            member_count=int(room.member_count),
            created_at=format_timestamp(room.created_at),
        )


class RoomSummary(Response, rename={}):
    """A room, as its members see it. The older ones of its properties are in snake case, like those of Room."""

    room_id: RoomId
    name: RoomName
    private: Private
    locked: Locked
    keep_days: KeptDays = field(default=0, name="keepDays")
    slow_seconds: SlowSeconds = field(default=0, name="slowSeconds")

    @classmethod
    def of(cls, room: models.Room) -> Self:
        """Return the summary of a room."""
        return cls(
            room_id=room.room_id,
            name=room.name,
            private=room.token_hash is not None,
            locked=room.locked,
            keep_days=int(room.keep_days),
            slow_seconds=int(room.slow_seconds),
        )


class CreatedRoom(Response):
    """A new room. Only this response contains its tokens."""

    message: Literal["Room created successfully"]
    room_id: RoomId
    owner_token: Annotated[
        Secret, Meta(description="The token that makes a connection that of the owner. Only this response contains it.")
    ]
    join_token: (
        Annotated[
            Secret,
            Meta(
                description="The token that is required to join a private room. Only this response contains it.",
                examples=["h2Fq9LwXv0RkT5bYc7MzPd3NsJ8gUaEo1iQtK6rVxB4"],
            ),
        ]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, room: models.Room) -> Self:
        """Return the response to the creation of a room."""
        return cls(
            message="Room created successfully",
            room_id=room.room_id,
            owner_token=room.owner_token or "",
            join_token=room.join_token or UNSET,
        )


class RoomPage(Response):
    """A page of the list of rooms."""

    rooms: Annotated[list[Room], Meta(max_length=MAX_PAGE_SIZE)]
    next_cursor: (
        Annotated[str, Meta(min_length=1, description="`null` on the last page.", examples=["WyIyMDI2LTEx"])] | None
    )

    @classmethod
    def of(cls, rooms: Iterable[models.Room], next_cursor: str | None) -> Self:
        """Return a page of rooms."""
        return cls(rooms=[Room.of(room) for room in rooms], next_cursor=next_cursor)


# Members


class Member(Response):
    """A member of a room, or a webhook, as the sender of messages."""

    id: MemberId
    name: DisplayName
    bot: Annotated[Literal[True], Meta(description="Present if the sender is a webhook.")] | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    verified: Verified | UnsetType = UNSET

    @classmethod
    def of(cls, connection: models.Connection | models.PresenceChange) -> Self:
        """Return the member of a connection."""
        return cls(
            id=connection.member_id,
            name=connection.name,
            role=_shown_role(connection.role),
            verified=True if connection.is_verified else UNSET,
        )


class ListedMember(Response):
    """A member of a room, with the number of its connections."""

    id: MemberId
    name: DisplayName
    role: Role | UnsetType = UNSET
    verified: Verified | UnsetType = UNSET
    connections: (
        Annotated[int, Meta(ge=2, description="Number of connections of the member, if it has several.")] | UnsetType
    ) = UNSET

    @classmethod
    def of(cls, rows: collections.abc.Sequence[models.Connection]) -> Self:
        """Return the member of connections, which has the name of the last one, and the role of any."""
        roles = [_shown_role(row.role) for row in rows]
        return cls(
            id=rows[-1].member_id,
            name=rows[-1].name,
            role=next((role for role in roles if role), UNSET),
            verified=True if rows[-1].is_verified else UNSET,
            connections=len(rows) if len(rows) > 1 else UNSET,
        )


def _shown_role(role: str | None) -> Literal["owner", "moderator"] | UnsetType:
    """Return a role that others see."""
    match role:
        case "owner" | "moderator":
            return role
    return UNSET


class MemberList(Response):
    """The members of a room."""

    members: list[ListedMember]


class Ban(Response):
    """A member who may not join."""

    id: MemberId
    name: DisplayName
    until: Timestamp


class BanList(Response):
    """The members who may not join."""

    bans: list[Ban]

    @classmethod
    def of(cls, records: Iterable[models.MemberRecord]) -> Self:
        """Return the list of banned members."""
        return cls(
            bans=[Ban(id=row.member_id, name=row.name, until=format_timestamp(row.banned_until)) for row in records]
        )


# Messages and stored events


class Event(Response, tag_field="type"):
    """Base class of what happens in a room: the `message` of a frame. The type of a class is its tag."""

    envelope: ClassVar[str] = "message"

    message: Sentence
    sender: Member


class StoredEvent(Event):
    """Base class of the events that are stored in the history."""

    sequence: Sequence
    sent_at: Timestamp


class ReactionCount(Response):
    """A reaction to a message, and who has it."""

    reaction: Reaction
    count: Annotated[int, Meta(ge=1, description="Number of members.", examples=[1])]
    members: Annotated[
        list[MemberId],
        Meta(
            max_length=MAX_LISTED_REACTIONS,
            description=f"The ids of at most {MAX_LISTED_REACTIONS} of them. In the history, that of the reader comes "
            "first.",
        ),
    ]


ReactionCounts = Annotated[
    list[ReactionCount],
    Meta(max_length=MAX_REACTION_KINDS, description="The reactions to the message, the most frequent ones first."),
]
ReactionsVersion = Annotated[
    int,
    Meta(ge=0, description="It increases with each change of the reactions to a message. A lower one is outdated."),
]


def reaction_counts(row: models.Reactions, reader_id: str | None = None) -> list[ReactionCount]:
    """Return the reactions to a message. reader_id: the member whose id comes first."""
    return [
        ReactionCount(
            reaction=reaction,
            count=len(ids),
            members=sorted(ids, key=lambda id_: (id_ != reader_id, id_))[:MAX_LISTED_REACTIONS],
        )
        for reaction, ids in sorted(row.members.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


class Message(StoredEvent, tag="message"):
    """A stored message. It may arrive twice, and after a message with a higher sequence. Sequences may have gaps."""

    message: MessageText
    client_id: ClientId | UnsetType = UNSET
    reply_to: ReplyTo | UnsetType = UNSET
    mentions: Mentions | UnsetType = UNSET
    edited_at: (
        Annotated[Timestamp, Meta(description="When its author has edited it last. Absent if never.")] | UnsetType
    ) = UNSET
    reactions: ReactionCounts | UnsetType = UNSET
    reactions_version: ReactionsVersion | UnsetType = UNSET


class Edited(StoredEvent, tag="edited"):
    """A message was edited. Of several edits, the one with the highest sequence holds."""

    target: Annotated[Sequence, Meta(description="Sequence of the edited message.")]
    text: (
        Annotated[
            MessageText,
            Meta(description="The new text; in the history, the present one. Absent if the message no longer exists."),
        ]
        | UnsetType
    ) = UNSET


class Deleted(StoredEvent, tag="deleted"):
    """A message was deleted."""

    target: Annotated[Sequence, Meta(description="Sequence of the deleted message.")]
    client_id: (
        Annotated[
            ClientId,
            Meta(description="The clientId of the deleted message, if it had one: the message must not be sent again."),
        ]
        | UnsetType
    ) = UNSET


class Updated(StoredEvent, tag="updated"):
    """The owner has renamed, locked or unlocked the room."""

    room: RoomSummary


class Removed(StoredEvent, tag="removed"):
    """A member was removed. The connections of the member are then closed."""

    member: Member
    messages_deleted: (
        Annotated[
            Literal[True],
            Meta(description="Present if the earlier messages of the member are deleted: clients remove them."),
        ]
        | UnsetType
    ) = UNSET


class MemberMuted(StoredEvent, tag="muted"):
    """A member was muted, or is not muted any more."""

    member: Member
    until: Annotated[Timestamp, Meta(description="The end. It is not later than sentAt if the muting was ended.")]


class RoleChanged(StoredEvent, tag="role"):
    """A member has another role."""

    member: Member
    role: Literal["moderator", "member"]


HistoryItem = Message | Deleted | Edited | Updated | Removed | MemberMuted | RoleChanged


STORED_EVENTS = {"deleted", "edited", "updated", "removed", "muted", "role"}


def history_item(row: models.Message, reader_id: str | None = None) -> HistoryItem:
    """Return the object of a stored message or event. reader_id: the member who reads it.

    Raises ValueError unless its type is one of STORED_EVENTS.
    """
    details: dict[str, Any] = row.details or {}
    shared: dict[str, Any] = {
        "message": row.text,
        "sender": _sender(row),
        "sequence": int(row.sequence),
        "sent_at": format_timestamp(row.sent_at),
    }
    match row.event:
        case "deleted":
            return Deleted(**shared, target=details["target"], client_id=details.get("clientId", UNSET))
        case "edited":
            return Edited(**shared, target=details["target"], text=row.edited_text or UNSET)
        case "updated":
            return Updated(**shared, room=_restored(RoomSummary, details["room"]))
        case "removed":
            member, is_erased = _restored(Member, details["member"]), details.get("messagesDeleted")
            return Removed(**shared, member=member, messages_deleted=True if is_erased else UNSET)
        case "muted":
            return MemberMuted(**shared, member=_restored(Member, details["member"]), until=details["until"])
        case "role":
            return RoleChanged(**shared, member=_restored(Member, details["member"]), role=details["role"])
        case None:
            reactions = row.reactions if row.reactions is not None and row.reactions.members else None
            return Message(
                **shared,
                client_id=row.client_id or UNSET,
                reply_to=UNSET if row.reply_to is None else int(row.reply_to),
                mentions=row.mentions or UNSET,
                edited_at=UNSET if row.edited_at is None else format_timestamp(row.edited_at),
                reactions=UNSET if reactions is None else reaction_counts(reactions, reader_id),
                reactions_version=UNSET if row.reactions is None else int(row.reactions.version),
            )
    raise ValueError(f"expected a stored event, not {row.event}")


def _sender(row: models.Message | models.Report) -> Member:
    """Return the sender of a stored message, event or report."""
    return Member(
        id=row.sender_id,
        name=row.sender_name,
        bot=True if isinstance(row, models.Message) and row.sender_is_bot else UNSET,
        role=_shown_role(row.sender_role),
        verified=True if row.sender_is_verified else UNSET,
    )


def _restored(declared: type[R], details: dict[str, Any]) -> R:
    """Return a stored object, without properties that only another version of the app knows."""
    names = zip(declared.__struct_fields__, declared.__struct_encode_fields__, strict=True)
    return declared(**{field: details[name] for field, name in names if name in details})


class Report(Response):
    """A report of a message."""

    target: Annotated[Sequence, Meta(description="Sequence of the reported message.")]
    sender: Member
    sent_at: Timestamp
    reason: Reason | UnsetType = UNSET

    @classmethod
    def of(cls, row: models.Report) -> Self:
        """Return the report of a row."""
        return cls(
            target=int(row.target),
            reason=row.reason or UNSET,
            sender=_sender(row),
            sent_at=format_timestamp(row.sent_at),
        )


class ReportList(Response):
    """The reports of messages, newest first."""

    reports: list[Report]

    @classmethod
    def of(cls, rows: Iterable[models.Report]) -> Self:
        """Return the list of reports."""
        return cls(reports=[Report.of(row) for row in rows])


class MessagePage(Response):
    """A page of a room's history, in ascending order."""

    messages: Annotated[list[HistoryItem], Meta(max_length=MAX_PAGE_SIZE)]
    last_sequence: LastSequence
    complete: Annotated[bool, Meta(description="True if no message after `after` can have expired.")]
    next_after: (
        Annotated[
            int,
            Meta(
                ge=0,
                description="Present if a page of the oldest messages ends early: continue with it as `after`. "
                "`lastSequence` is the same. If it equals `after`, wait before you repeat the request.",
            ),
        ]
        | UnsetType
    ) = UNSET
    next_before: (
        Annotated[
            int,
            Meta(
                ge=1,
                description="Present if a page of the newest messages ends early: continue with it as `before`. "
                "If it equals `before`, wait before you repeat the request.",
            ),
        ]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(
        cls,
        messages: Iterable[models.Message],
        last_sequence: int,
        complete: bool,
        next_after: int | None = None,
        next_before: int | None = None,
        reader_id: str | None = None,
    ) -> Self:
        """Return a page of messages and events. reader_id: the member who reads them."""
        # An event that only another version of the app knows is left out, like a tombstone.
        items = [history_item(row, reader_id) for row in messages if row.event is None or row.event in STORED_EVENTS]
        return cls(
            messages=items,
            last_sequence=last_sequence,
            complete=complete,
            next_after=UNSET if next_after is None else next_after,
            next_before=UNSET if next_before is None else next_before,
        )


# Unread rooms


class RoomPosition(Response):
    """The last sequence of a room, and the last one that the member has read."""

    room_id: RoomId
    last_sequence: LastSequence
    read_sequence: (
        Annotated[
            Sequence,
            Meta(description="The last sequence that the member has read, as sent with markRead. Absent if not known."),
        ]
        | UnsetType
    ) = UNSET


class UnreadList(Response):
    """The positions in those rooms that the client may read."""

    rooms: list[RoomPosition]

    @classmethod
    def of(cls, positions: collections.abc.Mapping[str, tuple[int, int | None]]) -> Self:
        """Return the list of rooms. positions: the last sequence of each, and the last one read, by its id."""
        return cls(
            rooms=[
                RoomPosition(room_id=room_id, last_sequence=last, read_sequence=read or UNSET)
                for room_id, (last, read) in positions.items()
            ]
        )


# Webhooks


class Webhook(Response):
    """A webhook of a room, without its token."""

    hook_id: WebhookId
    name: WebhookName
    created_at: Timestamp


class WebhookList(Response):
    """The webhooks of a room, oldest first."""

    hooks: Annotated[list[Webhook], Meta(max_length=MAX_WEBHOOKS)]

    @classmethod
    def of(cls, webhooks: Iterable[models.WebhookRecord]) -> Self:
        """Return the list of webhooks."""
        return cls(
            hooks=[
                Webhook(hook_id=row.webhook_id, name=row.name, created_at=format_timestamp(row.created_at))
                for row in webhooks
            ]
        )


class CreatedWebhook(Response):
    """A new webhook."""

    hook_id: WebhookId
    url: Annotated[
        str,
        Meta(
            description="The address to send messages to. It contains a secret. Only this response contains it.",
            examples=[
                "https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev/hooks/"
                "Zk3vQ0pXcT9aLm2B.Tq4zM8vKc1Xn7RbW.h2Fq9LwXv0RkT5bYc7MzPd3NsJ8gUaEo1iQtK6rVxB4"
            ],
            extra_json_schema={
                "pattern": r"^https?://[^/\s]+(/\S*)?/hooks/[A-Za-z0-9_-]{1,64}\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{43}$"
            },
        ),
    ]


class PostedMessage(Response):
    """A stored message of a webhook. Of several parts, the first one."""

    ok: Annotated[Literal[True], Meta(description="The message is stored. Programs that send to Slack expect this.")]
    sequence: Sequence
    sent_at: Timestamp

    @classmethod
    def of(cls, message: models.Message) -> Self:
        """Return the response to a message of a webhook."""
        return cls(ok=True, sequence=int(message.sequence), sent_at=format_timestamp(message.sent_at))


# Configuration


class SignIn(Response):
    """How the page signs users in."""

    issuer: Annotated[
        str,
        Meta(
            description="The OpenID Connect provider.",
            examples=["https://id.example.org"],
            extra_json_schema={"pattern": "^https?://"},
        ),
    ]
    client_id: Annotated[str, Meta(description="The id of the page at the provider.", examples=["chat"])]
    required: Annotated[bool, Meta(description="Whether guests are rejected.")]


class Config(Response):
    """The addresses that a client needs."""

    web_socket_url: Annotated[
        str, Meta(examples=["wss://chat.example.org/dev"], extra_json_schema={"pattern": "^wss?://"})
    ]
    sign_in: Annotated[SignIn, Meta(description="Absent unless AUTH_CLIENT_ID is set.")] | UnsetType = UNSET

    @classmethod
    def of(cls, websocket_url: str) -> Self:
        """Return the configuration of clients."""
        sign_in = SignIn(
            issuer=settings.AUTH_ISSUER, client_id=settings.AUTH_CLIENT_ID, required=settings.AUTH_REQUIRED
        )
        return cls(web_socket_url=websocket_url, sign_in=sign_in if settings.AUTH_CLIENT_ID else UNSET)


def format_timestamp(moment: datetime) -> str:
    """Return a moment in ISO 8601 with milliseconds, in UTC: 2026-11-22T10:00:00.000Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
