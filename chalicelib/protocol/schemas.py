"""Schemas of the JSON objects that the server sends: rooms, members, messages. `serializers.py` builds the objects."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.limits import (
    MAX_CLIENT_ID_LENGTH,
    MAX_DISPLAY_NAME_LENGTH,
    MAX_HOOKS,
    MAX_MESSAGE_LENGTH,
    MAX_PAGE_SIZE,
    MAX_ROOM_NAME_LENGTH,
)
from chalicelib.protocol.composite_fields import Array, Object, OneOf
from chalicelib.protocol.fields import Boolean, Choice, Field, Integer, Schema, ServerValue

ROOM_ID = ServerValue({"type": "string", "pattern": r"^[\w-]{1,64}$"}, "Id of a room.", example="Zk3vQ0pXcT9aLm2B")
TIMESTAMP = ServerValue(
    {"type": "string", "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
    example="2026-11-22T10:00:00.000Z",
)

MEMBER = Object(
    {
        "id": ServerValue(
            {"type": "string", "pattern": r"^[\w-]{16}$"},
            "Public id of the member in this room. It stays the same for the same key.",
            example="8hVt2mQwXz0sY4bN",
        ),
        "name": ServerValue({"type": "string", "minLength": 1, "maxLength": MAX_DISPLAY_NAME_LENGTH}, example="Aki"),
        "bot": ServerValue({"const": True}, "Present if the sender is a webhook.", required=False),
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
        "locked": Boolean("Whether only the owner and those who have been in the room can join.", example=False),
    },
    title="RoomSummary",
)
_CLIENT_ID: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_CLIENT_ID_LENGTH}
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
            _CLIENT_ID,
            "The sender's own id of the message, if it sent one.",
            required=False,
            example="6f1c0de2-5a7b-4f3e-9c1d-2b8a4e6f0d93",
        ),
    },
    title="Message",
)


def event(
    kind: str, sentence: str, fields: Mapping[str, Field], description: str = "", *, title: str | None = None
) -> Object:
    """Return the schema of an event. `sentence` is the example of its message."""
    return Object(
        {
            "type": Choice([kind]),
            "message": ServerValue({"type": "string", "minLength": 1}, "The event as a sentence.", example=sentence),
            "sender": MEMBER,
            **fields,
        },
        description,
        title=title,
    )


_STORED: dict[str, Field] = {"sequence": MESSAGE.fields["sequence"], "sentAt": TIMESTAMP}


DELETION = event(
    "deleted",
    "Aki deleted a message",
    {
        "target": Integer("Sequence of the deleted message.", minimum=1, example=11),
        "clientId": ServerValue(
            _CLIENT_ID,
            "The clientId of the deleted message, if it had one: the message must not be sent again.",
            required=False,
            example=None,
        ),
    }
    | _STORED,
    "A message was deleted.",
    title="Deletion",
)
ROOM_UPDATE = event(
    "updated",
    "Aki locked the room",
    {"room": ROOM_SUMMARY} | _STORED,
    "The owner has renamed, locked or unlocked the room.",
    title="RoomUpdate",
)
REMOVAL = event(
    "removed", "Aki removed Bo", {"member": MEMBER} | _STORED, "The owner has removed a member.", title="Removal"
)
HISTORY_ITEM = OneOf([MESSAGE, DELETION, ROOM_UPDATE, REMOVAL])

LAST_SEQUENCE = Integer("Highest sequence in the room, 0 if it never had a message.", minimum=0, example=12)

CREATED_ROOM = Object(
    {
        "message": Choice(["Room created successfully"]),
        "roomId": ROOM_ID,
        "ownerToken": ServerValue(
            {"type": "string", "pattern": r"^[\w-]{43}$"},
            "The token that makes a connection that of the owner. Only this response contains it.",
            example="v7Qd1mXr4KpZc0TgYwB9sHfEjLuN2aIoR5tC8eVxW6k",
        ),
        "joinToken": ServerValue(
            {"type": "string", "pattern": r"^[\w-]{43}$"},
            "The token that is required to join a private room. Only this response contains it.",
            required=False,
        ),
    }
)
SIGN_IN = Object(
    {
        "issuer": ServerValue(
            {"type": "string", "pattern": "^https?://"},
            "The OpenID Connect provider.",
            example="https://id.example.org",
        ),
        "clientId": ServerValue({"type": "string"}, "The id of the page at the provider.", example="chat"),
        "required": ServerValue({"type": "boolean"}, "Whether guests are kept out.", example=True),
    },
    "How the page signs users in. It is absent unless AUTH_CLIENT_ID is set.",
    required=False,
)
CONFIG = Object(
    {
        "webSocketUrl": ServerValue({"type": "string", "pattern": "^wss?://"}, example="wss://chat.example.org/dev"),
        "signIn": SIGN_IN,
    }
)
HOOK = Object(
    {
        "hookId": ServerValue(
            {"type": "string", "pattern": r"^[\w-]{16}$"},
            "Id of the hook, and of the sender of its messages.",
            example="Tq4zM8vKc1Xn7RbW",
        ),
        "name": ServerValue(MEMBER.fields["name"].schema(), example="Builds"),
        "createdAt": TIMESTAMP,
    },
    title="Hook",
)
CREATED_HOOK = Object(
    {
        "hookId": HOOK.fields["hookId"],
        "url": ServerValue(
            {"type": "string", "pattern": r"^https?://[^/\s]+(/\S*)?/hooks/[\w-]{1,64}\.[\w-]{16}\.[\w-]{43}$"},
            "The address to post messages to. It contains a secret. Only this response contains it.",
            example="https://abcdef1234.execute-api.us-east-1.amazonaws.com/dev/hooks/"
            "Zk3vQ0pXcT9aLm2B.Tq4zM8vKc1Xn7RbW.h2Fq9LwXv0RkT5bYc7MzPd3NsJ8gUaEo1iQtK6rVxB4",
        ),
    }
)
HOOK_LIST = Object({"hooks": Array(HOOK, max_items=MAX_HOOKS)})
POSTED_MESSAGE = Object({"sequence": MESSAGE.fields["sequence"], "sentAt": TIMESTAMP})
MEMBER_LIST = Object({"members": Array(LISTED_MEMBER)})
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
        "messages": Array(HISTORY_ITEM, max_items=MAX_PAGE_SIZE),
        "lastSequence": LAST_SEQUENCE,
        "complete": Boolean("True if no message after `after` can have expired."),
    }
)
