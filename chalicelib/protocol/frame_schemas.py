"""Schemas of the frames that the server sends, for docs/asyncapi.yaml. `frames.py` serializes the frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.errors import (
    ChatError,
    Forbidden,
    InternalError,
    InvalidInput,
    InvalidJSON,
    NotInRoom,
    RateLimitExceeded,
    Unauthorized,
    UnknownAction,
)
from chalicelib.limits import MAX_CLIENT_ID_LENGTH
from chalicelib.protocol.composite_fields import Object
from chalicelib.protocol.fields import Boolean, Choice, Field, Integer, ServerValue, Text
from chalicelib.protocol.parameters import CLIENT_ID
from chalicelib.protocol.schemas import (
    DELETION,
    LAST_SEQUENCE,
    MEMBER,
    MESSAGE,
    REMOVAL,
    ROOM_SUMMARY,
    ROOM_UPDATE,
    event,
)


@dataclass(frozen=True)
class FrameSchema:
    """Schema of a frame that the server sends: its name in docs/asyncapi.yaml, its meaning, and its fields."""

    name: str
    description: str
    content: Object


def _event_frame(kind: str, sentence: str, fields: Mapping[str, Field], description: str) -> FrameSchema:
    return FrameSchema(kind, description, Object({"message": event(kind, sentence, fields)}))


_MEMBER_COUNT = {"memberCount": Integer("Exact number of connections in the room now.", minimum=1)}

MESSAGE_FRAME = FrameSchema(
    "message",
    "A stored message. It may arrive twice, and after a message with a higher sequence. Sequences may have gaps.",
    Object({"message": MESSAGE}),
)
DELETED_FRAME = FrameSchema("deleted", DELETION.description, Object({"message": DELETION}))
UPDATED_FRAME = FrameSchema("updated", ROOM_UPDATE.description, Object({"message": ROOM_UPDATE}))
REMOVED_FRAME = FrameSchema(
    "removed", "The owner has removed a member, whose connections are then closed.", Object({"message": REMOVAL})
)
CLOSED_FRAME = _event_frame(
    "closed", "Aki closed the room", {}, "The owner has closed the room. All connections are then closed."
)
JOIN_FRAME = _event_frame(
    "join", "Bo joined", _MEMBER_COUNT, "A connection has joined. Sent to the others; a member may have several."
)
LEAVE_FRAME = _event_frame(
    "leave",
    "Bo left",
    _MEMBER_COUNT,
    "A connection has left. Sent to the other connections. The leave of a connection that broke without a close frame "
    "is noticed when the next frame cannot be delivered to it.",
)
RENAME_FRAME = _event_frame(
    "rename",
    "guest-f02c is now Bea",
    {"formerName": ServerValue(MEMBER.fields["name"].schema(), example="guest-f02c")},
    "A member has a new name. Sent to everyone in the room, the member included; in larger rooms to the sender only.",
)
PONG_FRAME = FrameSchema("pong", "The answer to a ping.", Object({"pong": ServerValue({"const": True}, example=True)}))
WELCOME_FRAME = FrameSchema(
    "welcome",
    "The answer to hello: the member that the connection is, and its room.",
    Object(
        {
            "welcome": Object(
                {
                    "member": MEMBER,
                    "room": ROOM_SUMMARY,
                    "memberCount": Integer("Number of connections in the room.", minimum=0, example=2),
                    "lastSequence": LAST_SEQUENCE,
                    "owner": Boolean("Whether the connection has the owner's rights.", example=False),
                }
            )
        }
    ),
)

FRAME_ERRORS: tuple[type[ChatError], ...] = (
    InvalidJSON,
    UnknownAction,
    InvalidInput,
    RateLimitExceeded,
    NotInRoom,
    Unauthorized,
    Forbidden,
    InternalError,
)
"""The errors that an error frame reports."""

ACTION_NAME = Text("The action that the error answers.", max_length=64, required=False, example="sendMessage")

ERROR_FRAME = FrameSchema(
    "error",
    "The reason why a frame was rejected.",
    Object(
        {
            "error": Object(
                {
                    "code": Choice([error.code for error in FRAME_ERRORS], example=InvalidInput.code),
                    "message": ServerValue(
                        {"type": "string", "minLength": 1},
                        "What was expected, as a sentence.",
                        example="message must not be blank",
                    ),
                    "action": ACTION_NAME,
                    "clientId": Text(
                        "The clientId of the frame that the error answers.",
                        max_length=MAX_CLIENT_ID_LENGTH,
                        required=False,
                        example=CLIENT_ID.example,
                    ),
                    "retryAfter": Integer("Seconds, with rate_limited only.", minimum=1, required=False, example=None),
                },
                title="Error",
            )
        }
    ),
)
