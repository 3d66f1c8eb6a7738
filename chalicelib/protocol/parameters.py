"""Fields of what clients send: path and query parameters, bodies, and the data of frames."""

from __future__ import annotations

from chalicelib.auth.identity import MEMBER_ID_LENGTH
from chalicelib.limits import (
    MAX_CLIENT_ID_LENGTH,
    MAX_DISPLAY_NAME_LENGTH,
    MAX_KEEP_DAYS,
    MAX_MESSAGE_LENGTH,
    MAX_PAGE_SIZE,
    MAX_ROOM_NAME_LENGTH,
    MAX_SEQUENCE,
)
from chalicelib.protocol.fields import Boolean, Identifier, Integer, Lines, Name, String, Text

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
OWNER = String("The ownerToken of the room. Without it, the connection has no special rights.", required=False)
TARGET = Integer("Sequence of the message.", minimum=1, maximum=MAX_SEQUENCE, example=1)
MEMBER_ID = Identifier(
    "Id of the member.", min_length=MEMBER_ID_LENGTH, max_length=MEMBER_ID_LENGTH, example="Jq5xN7cRf2LkW8tD"
)
LOCKED = Boolean("Whether nobody new can join.", required=False, nullable=True)
NEW_ROOM_NAME = Name(
    ROOM_NAME.description, max_length=MAX_ROOM_NAME_LENGTH, required=False, nullable=True, example="Coffee"
)
ACCESS_TOKEN = String(
    "Access token of a user who signs in. Ignored where sign-in is not configured.",
    required=False,
)
TOKEN = String("The joinToken of a private room. Public rooms ignore it.", required=False)
LIMIT = Integer("Maximum number of items.", minimum=1, maximum=MAX_PAGE_SIZE, default=50)
CURSOR = String("The nextCursor of an earlier page.", required=False)
AFTER = Integer("Return the oldest messages after this sequence.", minimum=0, maximum=MAX_SEQUENCE, required=False)
BEFORE = Integer("Return only messages before this sequence.", minimum=1, maximum=MAX_SEQUENCE, required=False)
KEEP_DAYS = Integer(
    "Days for which the room stays listed after its last member has left. Its messages are kept as long.",
    minimum=1,
    maximum=MAX_KEEP_DAYS,
    required=False,
    nullable=True,
)
PAGE = {"limit": LIMIT, "cursor": CURSOR}
HISTORY_PAGE = {"after": AFTER, "before": BEFORE, "limit": LIMIT, "token": TOKEN}
PRIVATE = Boolean("A private room is never listed. Its joinToken is required to join and to read it.", default=False)
ROOM_ID_PARAMETER = String("Id of a room. Any other text gets a 404.", example="Zk3vQ0pXcT9aLm2B")
OWNER_TOKEN = String("The ownerToken of the room.", example="v7Qd1mXr4KpZc0TgYwB9sHfEjLuN2aIoR5tC8eVxW6k")
HOOK_ID = String("Id of a hook. Any other text gets a 404.", example="Tq4zM8vKc1Xn7RbW")
HOOK_NAME = Name(
    "Name of the hook, the sender of its messages; spaces around it are removed.",
    max_length=MAX_DISPLAY_NAME_LENGTH,
    example="Builds",
)
HOOK_TOKEN = String(
    "The last part of the hook's url. Any other text gets a 404.",
    example="Zk3vQ0pXcT9aLm2B.Tq4zM8vKc1Xn7RbW.h2Fq9LwXv0RkT5bYc7MzPd3NsJ8gUaEo1iQtK6rVxB4",
)
HOOK_TEXT = Lines(
    "Text of the message. Carriage returns become line feeds; other control characters except tabs are not allowed.",
    max_length=MAX_MESSAGE_LENGTH,
    example="Build 57 passed",
)
FILE_NAME = String("Name of a file of the page. Any other text gets a 404.", example="index.html")
