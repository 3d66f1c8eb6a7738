"""JSON frames of the WebSocket protocol.

A client sends:

    {"action": NAME, "data": {…}}                                   websocket/actions.py declares the actions

The server sends objects, each under the property that its class names in `envelope`:

    {"message": {"type": TAG, …}}                                   the subclasses of Event, here and in responses.py
    {"messages": [{"type": TAG, …}, …]}                             several of them, with batch=1 in large rooms
    {"presence": {…}}
    {"reactions": {…}}
    {"signal": {…}}
    {"tokens": {…}}
    {"welcome": {…}}
    {"error": {…}}
    {"pong": true}

A new event of a room is another subclass of `Event`. Clients ignore types and properties that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib import settings
from chalicelib.errors import (
    ChatError,
    ConnectionReplaced,
    Forbidden,
    InternalError,
    InvalidInput,
    InvalidJSON,
    Muted,
    NotInRoom,
    RateLimitExceeded,
    TooLarge,
    Unauthorized,
    UnknownAction,
)
from chalicelib.limits import MAX_FRAME_BYTES
from chalicelib.protocol.responses import (
    Event,
    HistoryItem,
    ListedMember,
    Member,
    ReactionCounts,
    ReactionsVersion,
    Response,
    RoomSummary,
    reaction_counts,
)
from chalicelib.protocol.validation import is_valid, parse_object
from chalicelib.protocol.values import (
    ActionName,
    ClientId,
    DisplayName,
    LastSequence,
    MemberCount,
    Reason,
    Secret,
    Sequence,
    SignalName,
)
from chalicelib.storage import models

FRAME_ERRORS: tuple[type[ChatError], ...] = (
    InvalidJSON,
    UnknownAction,
    InvalidInput,
    RateLimitExceeded,
    Muted,
    NotInRoom,
    ConnectionReplaced,
    Unauthorized,
    Forbidden,
    TooLarge,
    InternalError,
)
"""The errors that an error frame reports."""

RemainingCount = Annotated[int, Meta(ge=1, description="Exact number of connections in the room now.", examples=[2])]


class Closed(Event, tag="closed"):
    """The owner has closed the room. All connections are then closed."""

    @classmethod
    def of(cls, sender: models.Connection) -> Self:
        """Return the event of a room that sender has closed."""
        return cls(message=f"{sender.name} closed the room", sender=Member.of(sender))


class Joined(Event, tag="join"):
    """A connection has joined. Sent to the others; a member may have several."""

    member_count: RemainingCount

    @classmethod
    def of(cls, member: models.Connection, member_count: int) -> Self:
        """Return the event of a connection that has joined."""
        return cls(message=f"{member.name} joined", sender=Member.of(member), member_count=member_count)


class Left(Event, tag="leave"):
    """A connection has left. Sent to the other connections.

    The leave of a connection that broke without a close frame is noticed when the next frame cannot be delivered to it.
    """

    member_count: RemainingCount

    @classmethod
    def of(cls, member: models.Connection, member_count: int) -> Self:
        """Return the event of a connection that has left."""
        return cls(message=f"{member.name} left", sender=Member.of(member), member_count=member_count)


class Reported(Event, tag="reported"):
    """A member has reported a message. Sent to the owner and the moderators who are in the room."""

    target: Annotated[Sequence, Meta(description="Sequence of the reported message.")]
    reason: Reason | UnsetType = UNSET

    @classmethod
    def of(cls, sender: models.Connection, target: int, reason: str | None) -> Self:
        """Return the event of a message that sender has reported."""
        text = f"{sender.name} reported a message" + (f": {reason}" if reason else "")
        return cls(message=text, sender=Member.of(sender), target=target, reason=reason or UNSET)


class Renamed(Event, tag="rename"):
    """A member has a new name.

    Sent to everyone in the room, the member included; in larger rooms to the sender only.
    """

    former_name: Annotated[
        DisplayName, Meta(description="Name of the member before the change.", examples=["guest-Jq5x"])
    ]

    @classmethod
    def of(cls, member: models.Connection, former_name: str) -> Self:
        """Return the event of a member that has a new name."""
        text = f"{former_name} is now {member.name}"
        return cls(message=text, sender=Member.of(member), former_name=former_name)


class Messages(Response):
    """Messages and events of a large room, in ascending order. Sent to connections with `batch=1`.

    They may repeat earlier ones, and a later frame may contain lower sequences.
    """

    envelope: ClassVar[str] = "messages"

    messages: list[HistoryItem]


class Presence(Response):
    """Joins and leaves, of which there were too many to announce each. Sent to connections with `batch=1`."""

    envelope: ClassVar[str] = "presence"

    joined: Annotated[
        list[ListedMember],
        Meta(description="Members who have joined, as they are now. The client may know them already."),
    ]
    left: Annotated[list[Member], Meta(description="Members who have no connection any more.")]
    member_count: MemberCount


class Reactions(Response):
    """The reactions to a message, after one was added or removed. In large rooms at most every 2 seconds."""

    envelope: ClassVar[str] = "reactions"

    target: Annotated[Sequence, Meta(description="Sequence of the message.")]
    reactions: ReactionCounts
    version: ReactionsVersion

    @classmethod
    def of(cls, row: models.Reactions) -> Self:
        """Return the reactions of a row."""
        return cls(target=row.target, reactions=reaction_counts(row), version=int(row.version))


class Signal(Response):
    """A signal of another member, which is not stored."""

    envelope: ClassVar[str] = "signal"

    name: SignalName
    sender: Member
    data: Annotated[Any, Meta(description="The data of the signal, if it has any.")] | UnsetType = UNSET

    @classmethod
    def of(cls, sender: models.Connection, name: str, data: Any) -> Self:
        """Return a signal that sender has sent."""
        return cls(name=name, sender=Member.of(sender), data=UNSET if data is None else data)


class Tokens(Response):
    """The new tokens of the room, for the owner who has requested them. Only this frame contains them."""

    envelope: ClassVar[str] = "tokens"

    join_token: Secret | UnsetType = UNSET
    owner_token: Secret | UnsetType = UNSET


class Welcome(Response):
    """The response to hello: the member that the connection is, and its room."""

    envelope: ClassVar[str] = "welcome"

    member: Member
    room: RoomSummary
    member_count: MemberCount
    last_sequence: LastSequence
    owner: Annotated[bool, Meta(description="Whether the connection has the owner's rights.", examples=[False])]
    batch: (
        Annotated[
            Literal[True],
            Meta(description="Present in rooms that are so large that several messages come together."),
        ]
        | UnsetType
    ) = UNSET
    read_sequence: (
        Annotated[Sequence, Meta(description="The last sequence that the member has read, as sent with markRead.")]
        | UnsetType
    ) = UNSET

    @classmethod
    def of(
        cls, member: models.Connection, room: models.Room, last_sequence: int, read_sequence: int | None = None
    ) -> Self:
        """Return the member of a connection, and the state of its room."""
        return cls(
            member=Member.of(member),
            room=RoomSummary.of(room),
            member_count=int(room.member_count),
            last_sequence=last_sequence,
            owner=member.is_owner_of(room),
            batch=True if room.member_count > settings.FANOUT_BATCH else UNSET,
            read_sequence=read_sequence or UNSET,
        )


class Pong(Response):
    """The response to a ping."""

    envelope: ClassVar[str] = "pong"


class Error(Response):
    """The reason why a frame was rejected."""

    envelope: ClassVar[str] = "error"

    code: Annotated[str, Meta(examples=[InvalidInput.code], extra_json_schema={"enum": [e.code for e in FRAME_ERRORS]})]
    message: Annotated[
        str, Meta(min_length=1, description="What was expected, as a sentence.", examples=["message is missing"])
    ]
    action: ActionName | UnsetType = UNSET
    client_id: Annotated[ClientId, Meta(description="The clientId of the rejected frame.")] | UnsetType = UNSET
    retry_after: Annotated[int, Meta(ge=1, description="Seconds, with rate_limited and muted.")] | UnsetType = UNSET

    @classmethod
    def of(cls, error: ChatError, frame: str = "") -> Self:
        """Return an error, with the action and clientId of the rejected frame, if it has them.

        They are returned if they are valid, even if the rest of the frame is not.
        """
        try:
            rejected = parse_object(frame)
        except InvalidJSON:
            rejected = {}
        data = rejected.get("data")
        action: Any = rejected.get("action")
        client_id: Any = data.get("clientId") if isinstance(data, dict) else None
        return cls(
            code=error.code,
            message=str(error),
            action=action if is_valid(action, ActionName) else UNSET,
            client_id=client_id if is_valid(client_id, ClientId) else UNSET,
            retry_after=error.retry_after or UNSET,
        )


Frame = Event | Messages | Presence | Reactions | Signal | Tokens | Welcome | Pong | Error


def parse(body: str) -> tuple[str, dict[str, Any]]:
    """Return the action name and the data of a frame from a client.

    Raises InvalidJSON if the frame is not a JSON object, UnknownAction if it names no action, and InvalidInput if its
    `data` is neither empty nor an object, or it is longer than 32 KiB.
    """
    if (size := len(body.encode("utf-8", "surrogatepass"))) > MAX_FRAME_BYTES:
        raise InvalidInput(f"expected a frame of at most {MAX_FRAME_BYTES:,} bytes, not {size:,}")
    frame = parse_object(body)
    action, data = frame.get("action"), frame.get("data") or {}
    if not isinstance(action, str):
        raise UnknownAction('expected an action, as in {"action": "sendMessage"}')
    if not isinstance(data, dict):
        raise InvalidInput("data must be an object")
    return action, data


def serialize(frame: Frame) -> str:
    """Return a frame as JSON. An object without properties, such as Pong, is sent as true.

    Frames have no ASCII escapes: a message of MAX_MESSAGE_LENGTH characters then fits into MAX_FRAME_BYTES, whatever
    its script.
    """
    if isinstance(frame, Messages):
        return msgspec.json.encode(frame).decode()
    return msgspec.json.encode({frame.envelope: frame if frame.__struct_fields__ else True}).decode()


def serialize_messages(items: Iterable[HistoryItem]) -> list[str]:
    """Return messages and events, in their order, as one JSON frame, or as several of at most MAX_FRAME_BYTES."""
    parts, limit = list[list[HistoryItem]](), MAX_FRAME_BYTES - len(serialize(Messages(messages=[])))
    size = limit
    for item in items:
        item_size = len(msgspec.json.encode(item)) + len(",")
        if size + item_size > limit:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += item_size
    return [serialize(Messages(messages=part)) for part in parts]
