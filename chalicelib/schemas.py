"""Schemas of the JSON objects of the API: rooms, members and messages. `serializers.py` builds the objects."""

from __future__ import annotations

from chalicelib.fields import Array, Boolean, Choice, Identifier, Integer, Name, Object, ServerValue, String, Text
from chalicelib.limits import (
    MAX_CLIENT_ID_LENGTH,
    MAX_DISPLAY_NAME_LENGTH,
    MAX_KEEP_DAYS,
    MAX_MESSAGE_LENGTH,
    MAX_PAGE_SIZE,
    MAX_ROOM_NAME_LENGTH,
)

__all__ = [
    "AFTER",
    "BEFORE",
    "CLIENT_ID",
    "CREATED_ROOM",
    "CURSOR",
    "DISPLAY_NAME",
    "KEEP_DAYS",
    "KEY",
    "LAST_SEQUENCE",
    "LIMIT",
    "LISTED_MEMBER",
    "MEMBER",
    "MESSAGE",
    "MESSAGE_PAGE",
    "MESSAGE_TEXT",
    "NEW_NAME",
    "PRIVATE",
    "ROOM",
    "ROOM_ID",
    "ROOM_ID_PARAMETER",
    "ROOM_NAME",
    "ROOM_PAGE",
    "ROOM_SUMMARY",
    "TIMESTAMP",
    "TOKEN",
]

ROOM_NAME = Name("Any script; spaces around it are removed.", max_length=MAX_ROOM_NAME_LENGTH, example="Tea")
DISPLAY_NAME = Name(
    "Name that the other members see; spaces around it are removed. Without one, the member is `guest-xxxx`.",
    max_length=MAX_DISPLAY_NAME_LENGTH,
    required=False,
    example="Aki",
)
NEW_NAME = Name(DISPLAY_NAME.description, max_length=MAX_DISPLAY_NAME_LENGTH, example="Bea")
KEY = Identifier(
    "Secret that makes the client the same member in each of its connections to a room. Generate it once, at random, "
    "and keep it. Without a key, each connection is a new member.",
    min_length=22,
    max_length=64,
    required=False,
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
KEEP_DAYS = Integer(
    "Days for which the room stays listed after its last member has left. Its messages are kept as long.",
    minimum=1,
    maximum=MAX_KEEP_DAYS,
    required=False,
    nullable=True,
)
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
            {"type": "string", "pattern": r"^[\w-]{16}$"},
            "Public id of the member in this room. It stays the same for the same key.",
            example="8hVt2mQwXz0sY4bN",
        ),
        "name": ServerValue({"type": "string", "minLength": 1, "maxLength": MAX_DISPLAY_NAME_LENGTH}, example="Aki"),
    },
    title="Member",
)
LISTED_MEMBER = Object(
    MEMBER.fields
    | {
        "connections": Integer(
            "Number of connections of the member, if it has several.", minimum=2, required=False, example=None
        )
    },
    title="ListedMember",
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
