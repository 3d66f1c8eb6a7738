"""JSON frames of the WebSocket protocol.

A client sends:

    {"action": NAME, "data": {…}}                                   chat.py declares the actions

The server sends ("?" marks a field that may be absent):

    {"message": {"type": "message", "message", "sender": {"id", "name"}, "sequence", "sentAt", "clientId"?}}
    {"message": {"type": "join" | "leave", "message", "sender": {"id", "name"}, "memberCount"}}
    {"error": {"code", "message", "action"?, "clientId"?, "retryAfter"?}}
    {"pong": true}
    {"welcome": {"member": {"id", "name"}, "room": {"room_id", "name", "private"}, "memberCount", "lastSequence"}}

A new event of a room is another type of `message`. Clients ignore types that they do not know. Each frame has a schema
here, for docs/asyncapi.yaml, and a function that serializes it; the tests compare the two.

Frames are serialized without ASCII escapes: a message of 4,000 characters then stays within API Gateway's 32 KiB per
frame, whatever its script.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

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
from chalicelib.limits import MAX_CLIENT_ID_LENGTH, MAX_FRAME_BYTES
from chalicelib.schemas import (
    CLIENT_ID,
    LAST_SEQUENCE,
    MEMBER,
    MESSAGE,
    ROOM_SUMMARY,
    serialize_member,
    serialize_message,
    serialize_room_summary,
)
from chalicelib.storage.models import Connection, Message, Room
from chalicelib.validation import parse_object

__all__ = [
    "ERROR_FRAME",
    "FRAME_ERRORS",
    "JOIN_FRAME",
    "LEAVE_FRAME",
    "MESSAGE_FRAME",
    "PONG",
    "PONG_FRAME",
    "WELCOME_FRAME",
    "FrameSchema",
    "error",
    "message",
    "parse",
    "presence",
    "serialize",
    "welcome",
]


@dataclass(frozen=True)
class FrameSchema:
    """Schema of a frame that the server sends: its name in docs/asyncapi.yaml, its meaning, and its fields."""

    name: str
    description: str
    content: Object


_PRESENCE_VERBS = {"join": "joined", "leave": "left"}


def _presence_frame(change: str, description: str) -> FrameSchema:
    fields: dict[str, Field] = {
        "type": Choice([change]),
        "message": ServerValue(
            {"type": "string", "minLength": 1}, "The event as a sentence.", example=f"Bo {_PRESENCE_VERBS[change]}"
        ),
        "sender": MEMBER,
        "memberCount": Integer("Number of connections in the room now.", minimum=1),
    }
    return FrameSchema(change, description, Object({"message": Object(fields)}))


MESSAGE_FRAME = FrameSchema(
    "message",
    "A stored message. It may arrive twice, and after a message with a higher sequence. Sequences may have gaps.",
    Object({"message": MESSAGE}),
)
JOIN_FRAME = _presence_frame("join", "A member has joined. Sent to the other members.")
LEAVE_FRAME = _presence_frame(
    "leave",
    "A member has left. Sent to the other members. The leave of a connection that broke without a close frame is "
    "noticed when the next frame cannot be delivered to it.",
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

_ACTION_NAME = Text("The action that the error answers.", max_length=64, required=False, example="sendMessage")

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
                    "action": _ACTION_NAME,
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


def message(message: Message) -> str:
    """Return the frame of a stored message."""
    return serialize({"message": serialize_message(message)})


def presence(change: Literal["join", "leave"], member: Connection, member_count: int) -> str:
    """Return the frame that announces a join or leave, and the number of members after it."""
    text = f"{member.name} {_PRESENCE_VERBS[change]}"
    return serialize(
        {
            "message": {
                "type": change,
                "message": text,
                "sender": serialize_member(member),
                "memberCount": member_count,
            }
        }
    )


def welcome(member: Connection, room: Room, last_sequence: int) -> str:
    """Return the frame that tells a member who it is, and the state of its room."""
    return serialize(
        {
            "welcome": {
                "member": serialize_member(member),
                "room": serialize_room_summary(room),
                "memberCount": int(room.member_count),
                "lastSequence": last_sequence,
            }
        }
    )


def error(error: ChatError, request: str) -> str:
    """Return the frame that reports an error, with the action and clientId of the request frame, where it has them."""
    content = {"code": error.code, "message": str(error)} | _references(request)
    if isinstance(error, RateLimitExceeded):
        content["retryAfter"] = error.retry_after
    return serialize({"error": content})


def _references(request: str) -> dict[str, Any]:
    """Return the valid action and clientId of a frame that may be invalid in every other way."""
    try:
        frame = parse_object(request)
    except InvalidJSON:
        return {}
    data = frame.get("data")
    values = {"action": frame.get("action"), "clientId": data.get("clientId") if isinstance(data, dict) else None}
    references = {}
    for name, field in (("action", _ACTION_NAME), ("clientId", CLIENT_ID)):
        try:
            references[name] = field.validate(values[name], name)
        except InvalidInput:
            continue
    return references


def serialize(frame: dict[str, Any]) -> str:
    """Return a frame as JSON."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


PONG = serialize({"pong": True})
