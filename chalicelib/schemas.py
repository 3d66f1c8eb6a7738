"""JSON objects of the API: rooms, members and messages. REST responses and frames contain the same objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from chalicelib.fields import Array, Boolean, Choice, Integer, Name, Object, ServerValue, String, Text
from chalicelib.limits import (
    MAX_CLIENT_ID_LENGTH,
    MAX_DISPLAY_NAME_LENGTH,
    MAX_MESSAGE_LENGTH,
    MAX_PAGE_SIZE,
    MAX_ROOM_NAME_LENGTH,
)
from chalicelib.storage.models import Connection, Message, Room

__all__ = [
    "AFTER",
    "BEFORE",
    "CLIENT_ID",
    "CREATED_ROOM",
    "CURSOR",
    "DISPLAY_NAME",
    "LAST_SEQUENCE",
    "LIMIT",
    "MEMBER",
    "MESSAGE",
    "MESSAGE_PAGE",
    "MESSAGE_TEXT",
    "PRIVATE",
    "ROOM",
    "ROOM_ID",
    "ROOM_ID_PARAMETER",
    "ROOM_NAME",
    "ROOM_PAGE",
    "ROOM_SUMMARY",
    "TIMESTAMP",
    "TOKEN",
    "format_timestamp",
    "serialize_created_room",
    "serialize_member",
    "serialize_message",
    "serialize_message_page",
    "serialize_room",
    "serialize_room_page",
    "serialize_room_summary",
]

ROOM_NAME = Name("Any script; spaces around it are removed.", max_length=MAX_ROOM_NAME_LENGTH, example="Tea")
DISPLAY_NAME = Name(
    "Name that the other members see; spaces around it are removed. Without one, the member is `guest-xxxx`.",
    max_length=MAX_DISPLAY_NAME_LENGTH,
    required=False,
    example="Aki",
)
MESSAGE_TEXT = Text(
    "Text of the message, of any script. Line feeds and tabs are allowed, other control characters are not.",
    max_length=MAX_MESSAGE_LENGTH,
    multiline=True,
    example="hi",
)
CLIENT_ID = Text(
    "The sender's own id of a message, such as a UUID: new for each new message, the same for a retry.",
    max_length=MAX_CLIENT_ID_LENGTH,
    required=False,
    nullable=True,
    example="6f1c0de2-5a7b-4f3e-9c1d-2b8a4e6f0d93",
)
TOKEN = String("The joinToken of a private room. Public rooms ignore it.", required=False)
LIMIT = Integer("Maximum number of items.", minimum=1, maximum=MAX_PAGE_SIZE, default=50)
CURSOR = String("The nextCursor of an earlier page.", required=False)
AFTER = Integer("Return the oldest messages after this sequence.", minimum=0, required=False)
BEFORE = Integer("Return only messages before this sequence.", minimum=1, required=False)
PRIVATE = Boolean("A private room is never listed. Its joinToken is required to join and to read it.", default=False)

ROOM_ID = ServerValue({"type": "string", "pattern": r"^[\w-]{1,64}$"}, "Id of a room.", example="Zk3vQ0pXcT9aLm2B")
TIMESTAMP = ServerValue(
    {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
    example="2026-11-22T10:00:00.000Z",
)

ROOM_ID_PARAMETER = String("Id of a room. Any other text gets a 404.", example=ROOM_ID.example)

MEMBER = Object(
    {
        "id": ServerValue(
            {"type": "string", "pattern": r"^[\w-]{12}$"}, "Public id of the member.", example="8hVt2mQwXz0s"
        ),
        "name": ServerValue({"type": "string", "minLength": 1, "maxLength": MAX_DISPLAY_NAME_LENGTH}, example="Aki"),
    },
    title="Member",
)
ROOM = Object(
    {
        "room_id": ROOM_ID,
        "name": ServerValue({"type": "string", "minLength": 1, "maxLength": MAX_ROOM_NAME_LENGTH}, example="Tea"),
        "member_count": Integer("Number of connections in the room.", minimum=0, example=2),
        "created_at": TIMESTAMP,
    },
    title="Room",
)
ROOM_SUMMARY = Object(
    {
        "room_id": ROOM_ID,
        "name": ROOM.fields["name"],
        "private": Boolean("Whether the joinToken is required to join and to read the room.", example=False),
    },
    title="RoomSummary",
)
MESSAGE = Object(
    {
        "type": Choice(["message"]),
        "message": ServerValue({"type": "string", "minLength": 1, "maxLength": MAX_MESSAGE_LENGTH}, example="hi"),
        "sender": MEMBER,
        "sequence": Integer(
            "Position in the room's history. It is unique in the room, and increases.", minimum=1, example=12
        ),
        "sentAt": TIMESTAMP,
        "clientId": ServerValue(
            {"type": "string", "minLength": 1, "maxLength": MAX_CLIENT_ID_LENGTH},
            "The sender's own id of the message, if it sent one.",
            required=False,
            example=CLIENT_ID.example,
        ),
    },
    title="Message",
)

LAST_SEQUENCE = Integer("Highest sequence in the room, 0 if it never had a message.", minimum=0, example=12)

CREATED_ROOM = Object(
    {
        "message": Choice(["Room created successfully"]),
        "roomId": ROOM_ID,
        "joinToken": ServerValue(
            {"type": "string", "pattern": r"^[\w-]{43}$"},
            "The token that is required to join a private room. Only this response contains it.",
            required=False,
        ),
    }
)
ROOM_PAGE = Object(
    {
        "rooms": Array(ROOM, max_items=MAX_PAGE_SIZE),
        "nextCursor": ServerValue(
            {"type": ["string", "null"], "minLength": 1}, "`null` on the last page.", example="WyIyMDI2LTEx"
        ),
    }
)
MESSAGE_PAGE = Object(
    {
        "messages": Array(MESSAGE, max_items=MAX_PAGE_SIZE),
        "lastSequence": LAST_SEQUENCE,
        "complete": Boolean("True if no message after `after` can have expired."),
    }
)


def serialize_room(room: Room) -> dict[str, Any]:
    """Return a room as a `Room` object."""
    return {
        "room_id": room.room_id,
        "name": room.name,
        "member_count": int(room.member_count),
        "created_at": format_timestamp(room.created_at),
    }


def serialize_room_summary(room: Room) -> dict[str, Any]:
    """Return a room as a `RoomSummary` object."""
    return {"room_id": room.room_id, "name": room.name, "private": room.token_hash is not None}


def serialize_created_room(room: Room) -> dict[str, Any]:
    """Return a new room as the response to its creation. Only this response contains the join token."""
    join_token = {} if room.join_token is None else {"joinToken": room.join_token}
    return {"message": "Room created successfully", "roomId": room.room_id} | join_token


def serialize_room_page(rooms: Iterable[Room], next_cursor: str | None) -> dict[str, Any]:
    """Return a page of the list of rooms."""
    return {"rooms": [serialize_room(room) for room in rooms], "nextCursor": next_cursor}


def serialize_member(connection: Connection) -> dict[str, str]:
    """Return the member of a connection as a `Member` object. The connection id never leaves the server."""
    return {"id": connection.member_id, "name": connection.name}


def serialize_message(message: Message) -> dict[str, Any]:
    """Return a message as a `Message` object."""
    return {
        "type": "message",
        "message": message.text,
        "sender": {"id": message.sender_id, "name": message.sender_name},
        "sequence": int(message.sequence),
        "sentAt": format_timestamp(message.sent_at),
    } | ({} if message.client_id is None else {"clientId": message.client_id})


def serialize_message_page(messages: Iterable[Message], last_sequence: int, complete: bool) -> dict[str, Any]:
    """Return a page of a room's history."""
    return {
        "messages": [serialize_message(message) for message in messages],
        "lastSequence": last_sequence,
        "complete": complete,
    }


def format_timestamp(moment: datetime) -> str:
    """Return a moment in ISO 8601 with milliseconds, in UTC: 2026-11-22T10:00:00.000Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
