"""Requests of clients: the bodies and query strings of routes, and the data of actions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from chalicelib.auth.identity import Credentials, User
from chalicelib.limits import MAX_MUTE_SECONDS, MAX_REMOVED_MEMBERS, MAX_SIGNAL_BYTES, MAX_UNREAD_ROOMS
from chalicelib.protocol.values import (
    After,
    AnyRoomId,
    Before,
    ClientId,
    DisplayName,
    JoinToken,
    KeepDays,
    KeptDays,
    Key,
    Locked,
    MemberId,
    Mentions,
    MessageText,
    OwnerToken,
    PageSize,
    Private,
    Reaction,
    Reason,
    ReplyTo,
    RoomName,
    Sequence,
    SignalName,
    SlowSeconds,
    WebhookAttachments,
    WebhookBlocks,
    WebhookName,
    WebhookText,
)


class Request(Struct, kw_only=True, rename="camel"):
    """Base class of what clients send. Undeclared properties are ignored; null counts as absent if None is allowed."""


# Bodies


class NewRoom(Request):
    """A room to create."""

    room_name: RoomName
    private: Private = False
    keep_days: KeepDays | None = None


class NewWebhook(Request):
    """A webhook to create."""

    name: WebhookName


class WebhookMessage(Request):
    """A message of a webhook, also in the format of Slack: a text, blocks, attachments, or several of them."""

    text: WebhookText | None = None
    blocks: WebhookBlocks = None
    attachments: WebhookAttachments = None
    client_id: ClientId | None = None


class RoomToCheck(Request):
    """A room whose last sequence the client requests, and the credentials for it."""

    room_id: AnyRoomId
    token: JoinToken | None = None
    owner: OwnerToken | None = None

    def credentials(self, key: str | None, user: User | None) -> Credentials:
        """Return the credentials of a client for the room. As in $connect, empty ones are absent."""
        return Credentials(self.token or None, key, self.owner or None, user)


class UnreadRooms(Request):
    """Rooms whose last sequences the client requests."""

    rooms: Annotated[list[RoomToCheck], Meta(max_length=MAX_UNREAD_ROOMS)]
    key: Key | None = None


# Query strings


class RoomListQuery(Request):
    """A page of the list of rooms."""

    limit: PageSize = 50
    cursor: Annotated[str, Meta(description="The nextCursor of an earlier page.")] | None = None


class RoomQuery(Request):
    """Credentials for joining or reading a room."""

    token: JoinToken | None = None
    key: Key | None = None
    owner: OwnerToken | None = None

    def credentials(self, user: User | None, owner_token: str = "") -> Credentials:
        """Return the credentials of a client, who may have signed in. owner_token: that of the header Authorization."""
        return Credentials(self.token, self.key, owner_token or self.owner, user)


class OwnerQuery(Request):
    """Credentials for managing a room."""

    owner: (
        Annotated[
            str,
            Meta(
                description="The ownerToken of the room. If the header Authorization has it, or an access token whose "
                "claim chat_owner is true, it is not required."
            ),
        ]
        | None
    ) = None


class HistoryQuery(RoomQuery):
    """A range of messages."""

    after: After | None = None
    before: Before | None = None
    limit: PageSize = 50


class ConnectQuery(RoomQuery, kw_only=True):
    """The query string of the WebSocket's address."""

    room_id: AnyRoomId
    name: (
        Annotated[
            DisplayName,
            Meta(
                description="Name that the other members see. Spaces around it are removed. Without one, the member is "
                "`guest-` and the first four characters of its id."
            ),
        ]
        | None
    ) = None
    access_token: (
        Annotated[
            str, Meta(description="Access token of a user who signs in. Ignored where sign-in is not configured.")
        ]
        | None
    ) = field(default=None, name="access_token")
    batch: (
        Annotated[
            Literal["1"],
            Meta(description="The client accepts the frames `messages` and `presence`, which join several events."),
        ]
        | None
    ) = None


# Data of actions


class SendMessage(Request):
    """A message to send."""

    message: MessageText
    client_id: ClientId | None = None
    reply_to: ReplyTo | None = None
    mentions: Mentions | None = None


class EditMessage(Request):
    """The new text of a message."""

    sequence: Sequence
    message: Annotated[MessageText, Meta(examples=["hi there"])]


class React(Request):
    """A reaction to add or to remove."""

    sequence: Sequence
    reaction: Reaction
    remove: Annotated[bool, Meta(description="Remove the reaction.", examples=[True])] = False


class MarkRead(Request):
    """The last sequence that the member has read."""

    sequence: Sequence


class SendSignal(Request):
    """A signal to the others in the room."""

    name: SignalName
    data: Annotated[Any, Meta(description=f"Any JSON of at most {MAX_SIGNAL_BYTES:,} bytes.", examples=[True])] = None


class DeleteMessage(Request):
    """A message to delete."""

    sequence: Sequence


class UpdateRoom(Request):
    """At least one change of the room."""

    room_name: Annotated[RoomName, Meta(examples=["Coffee"])] | None = None
    locked: Locked | None = None
    keep_days: KeptDays | None = None
    slow_seconds: SlowSeconds | None = None
    new_join_token: Annotated[bool, Meta(description="Replace the joinToken of a private room.")] = False
    new_owner_token: Annotated[bool, Meta(description="Replace the ownerToken.", examples=[True])] = False


class RemoveMember(Request):
    """A member to remove, or several."""

    member_id: MemberId | None = None
    member_ids: Annotated[list[MemberId], Meta(min_length=1, max_length=MAX_REMOVED_MEMBERS)] | None = None
    delete_messages: Annotated[bool, Meta(description="Also delete their messages.", examples=[True])] = False


class UnbanMember(Request):
    """A member who may come back."""

    member_id: MemberId


class MuteMember(Request):
    """A member to mute."""

    member_id: MemberId
    seconds: Annotated[int, Meta(ge=0, le=MAX_MUTE_SECONDS, description="For how long. 0 ends it.", examples=[300])]


class SetRole(Request):
    """A member who gets another role."""

    member_id: MemberId
    role: Literal["moderator", "member"]


class ReportMessage(Request):
    """A message to report."""

    sequence: Sequence
    reason: Reason | None = None


class Rename(Request):
    """A new name."""

    name: Annotated[DisplayName, Meta(examples=["Bea"])]
