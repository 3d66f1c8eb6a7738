"""Schemas of the frames that the server sends, for docs/asyncapi.yaml. `frames.py` serializes the frames."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.errors import (
    ChatError,
    InternalError,
    InvalidInput,
    InvalidJSON,
    NotInRoom,
    RateLimitExceeded,
    UnknownAction,
)
from chalicelib.fields import Choice, Field, Integer, Object, ServerValue, Text
from chalicelib.limits import MAX_CLIENT_ID_LENGTH
from chalicelib.schemas import CLIENT_ID, LAST_SEQUENCE, MEMBER, MESSAGE, ROOM_SUMMARY

__all__ = [
    "ACTION_NAME",
    "ERROR_FRAME",
    "FRAME_ERRORS",
    "JOIN_FRAME",
    "LEAVE_FRAME",
    "MESSAGE_FRAME",
    "PONG_FRAME",
    "PRESENCE_VERBS",
    "RENAME_FRAME",
    "WELCOME_FRAME",
    "FrameSchema",
]


@dataclass(frozen=True)
class FrameSchema:
    """Schema of a frame that the server sends: its name in docs/asyncapi.yaml, its meaning, and its fields."""

    name: str
    description: str
    content: Object


PRESENCE_VERBS = {"join": "joined", "leave": "left"}


def _presence_frame(change: str, description: str) -> FrameSchema:
    fields: dict[str, Field] = {
        "type": Choice([change]),
        "message": ServerValue(
            {"type": "string", "minLength": 1}, "The event as a sentence.", example=f"Bo {PRESENCE_VERBS[change]}"
        ),
        "sender": MEMBER,
        "memberCount": Integer("Exact number of connections in the room now.", minimum=1),
    }
    return FrameSchema(change, description, Object({"message": Object(fields)}))


MESSAGE_FRAME = FrameSchema(
    "message",
    "A stored message. It may arrive twice, and after a message with a higher sequence. Sequences may have gaps.",
    Object({"message": MESSAGE}),
)
JOIN_FRAME = _presence_frame("join", "A connection has joined. Sent to the others; a member may have several.")
LEAVE_FRAME = _presence_frame(
    "leave",
    "A connection has left. Sent to the other connections. The leave of a connection that broke without a close frame "
    "is noticed when the next frame cannot be delivered to it.",
)
RENAME_FRAME = FrameSchema(
    "rename",
    "A member has a new name. Sent to everyone in the room, the member included; in larger rooms to the sender only.",
    Object(
        {
            "message": Object(
                {
                    "type": Choice(["rename"]),
                    "message": ServerValue(
                        {"type": "string", "minLength": 1}, "The event as a sentence.", example="guest-f02c is now Bea"
                    ),
                    "sender": MEMBER,
                    "formerName": ServerValue(MEMBER.fields["name"].schema(), example="guest-f02c"),
                }
            )
        }
    ),
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
