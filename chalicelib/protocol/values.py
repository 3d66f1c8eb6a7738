"""Values of the JSON objects: annotated types with their limits, descriptions and examples.

A pattern is a regular expression of Python, and validates input. Values that only the server creates have their pattern
in `extra_json_schema`, so that cold starts do not compile it. A value with `clean` in its `extra` is passed through
that function before it is validated. Limits that other modules or settings depend on are in limits.py.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from msgspec import Meta

from chalicelib.auth.identity import MEMBER_ID_LENGTH
from chalicelib.limits import (
    MAX_ACTION_NAME_LENGTH,
    MAX_CLIENT_ID_LENGTH,
    MAX_DISPLAY_NAME_LENGTH,
    MAX_KEEP_DAYS,
    MAX_MENTIONS,
    MAX_MESSAGE_LENGTH,
    MAX_PAGE_SIZE,
    MAX_REACTION_LENGTH,
    MAX_REASON_LENGTH,
    MAX_ROOM_NAME_LENGTH,
    MAX_SEQUENCE,
    MAX_SIGNAL_NAME_LENGTH,
    MAX_SLOW_SECONDS,
)
from chalicelib.protocol.glyphs import BIDI_CONTROLS, BLANK, IGNORABLE

# Control characters, and lone surrogates, which UTF-8 cannot encode. A name is part of sentences: it must neither turn
# them around nor break their line.
_CONTROL_IN_LINE = rf"\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029{BIDI_CONTROLS}"
_CONTROL_IN_LINES = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"  # without tab and line feed
_CONTROL = r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"

# Of ECMA-48: control sequences, such as colours; control strings, such as titles of windows; and all other ones. A
# string ends before the start of another one: otherwise, many starts without an end would take quadratic time.
_STRING_STARTS = r"\x90\x98\x9d-\x9f"
_TERMINAL_SEQUENCE = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    rf"|(?:\x1b[\]PX^_]|[{_STRING_STARTS}])[^\x07\x1b\x9c\n{_STRING_STARTS}]*(?:\x07|\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)

# Unassigned characters count as visible: an emoji may be newer than Unicode 14, the version of Python 3.11.
_INVISIBLE = IGNORABLE + BLANK

_BLANK = rf"[{_INVISIBLE}]*\Z"
_BLANK_LINES = rf"[\t\n{_INVISIBLE}]*\Z"

# The lookahead rejects blank text. A visible character in the middle would take quadratic time to search for.
LINE = rf"^(?!{_BLANK})[^{_CONTROL_IN_LINE}]*\Z"
LINES = rf"^(?!{_BLANK_LINES})[^{_CONTROL_IN_LINES}]*\Z"
IDENTIFIER = r"^[A-Za-z0-9_-]+\Z"

BLANK_TEXTS = {LINE: _BLANK, LINES: _BLANK_LINES}
"""The pattern of the texts that a pattern rejects as blank."""

RULES = {
    LINE: "must not contain control characters, such as line feeds and tabs, characters that change the direction of "
    "text, such as U+202E, or lone surrogates",
    LINES: "may contain line feeds and tabs, but no other control characters, such as carriage returns, or lone "
    "surrogates",
}
"""Error text of each pattern, for a text that is not blank. The name of the property precedes it."""


def strip_spaces(text: str) -> str:
    """Remove the spaces around a name."""
    return text.strip(" ")


def repair(text: str) -> str:
    """Return a text as programs send it without what a message may not contain.

    Control sequences of terminals and control characters are removed, carriage returns become line feeds, and lone
    surrogates U+FFFD.
    """
    lines = re.sub(_TERMINAL_SEQUENCE, "", text).replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"[\ud800-\udfff]", "\ufffd", re.sub(_CONTROL, "", lines))


def is_blank(text: str) -> bool:
    """Return whether a text in lines has no visible character."""
    return re.match(_BLANK_LINES, text) is not None


# Rooms

RoomId = Annotated[
    str,
    Meta(
        description="Id of a room.",
        examples=["Zk3vQ0pXcT9aLm2B"],
        extra_json_schema={"pattern": r"^[A-Za-z0-9_-]{1,64}$"},
    ),
]
AnyRoomId = Annotated[str, Meta(description="Id of a room. An unknown id returns 404.", examples=["Zk3vQ0pXcT9aLm2B"])]
RoomName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_ROOM_NAME_LENGTH,
        pattern=LINE,
        description="Name of the room, in any script. Spaces around it are removed.",
        examples=["Tea"],
        extra={"clean": strip_spaces},
    ),
]
KeepDays = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_KEEP_DAYS,
        description="Days for which the room stays listed after its last member has left. Its messages are kept as "
        "long.",
    ),
]
KeptDays = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_KEEP_DAYS,
        description="Days for which the room stays after its last member has left, 0 for a few minutes.",
        examples=[7],
    ),
]
SlowSeconds = Annotated[
    int,
    Meta(
        ge=0,
        le=MAX_SLOW_SECONDS,
        description="Slow mode: seconds between two messages of a connection, 0 for none. It does not apply to owners "
        "and moderators.",
        examples=[10],
    ),
]
Private = Annotated[
    bool,
    Meta(
        description="A private room is never listed. Its joinToken is required to join and to read it.", examples=[True]
    ),
]
Locked = Annotated[bool, Meta(description="Whether only the owner and existing members can join.")]
MemberCount = Annotated[int, Meta(ge=0, description="Number of connections in the room.", examples=[2])]

# Members

MemberId = Annotated[
    str,
    Meta(
        min_length=MEMBER_ID_LENGTH,
        max_length=MEMBER_ID_LENGTH,
        pattern=IDENTIFIER,
        description="Public id of the member in this room. It stays the same for the same key.",
        examples=["8hVt2mQwXz0sY4bN"],
    ),
]
DisplayName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_DISPLAY_NAME_LENGTH,
        pattern=LINE,
        description="Name that the other members see. Spaces around it are removed.",
        examples=["Aki"],
        extra={"clean": strip_spaces},
    ),
]
Role = Annotated[
    Literal["owner", "moderator"], Meta(description="What the member may do. Absent for most.", examples=["moderator"])
]
Verified = Annotated[Literal[True], Meta(description="Present if the member has signed in.")]
Key = Annotated[
    str,
    Meta(
        min_length=22,
        max_length=64,
        pattern=IDENTIFIER,
        description="Secret that makes the client the same member in each of its connections to a room. Generate it "
        "once, at random, and keep it. Without a key, each connection is a new member.",
    ),
]
Secret = Annotated[
    str,
    Meta(
        examples=["v7Qd1mXr4KpZc0TgYwB9sHfEjLuN2aIoR5tC8eVxW6k"],
        extra_json_schema={"pattern": "^[A-Za-z0-9_-]{43}$"},
    ),
]
"""An owner token or a join token, as the server creates them."""

JoinToken = Annotated[str, Meta(description="The joinToken of a private room. Public rooms ignore it.")]
OwnerToken = Annotated[
    str,
    Meta(
        description="The ownerToken of the room. Without it, the connection has no special rights.",
    ),
]

# Messages

MessageText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_MESSAGE_LENGTH,
        pattern=LINES,
        description="Text of the message, of any script. Line feeds and tabs are allowed, other control characters are "
        "not.",
        examples=["hi"],
    ),
]
ClientId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_CLIENT_ID_LENGTH,
        pattern=LINE,
        description="The sender's own id of a message, such as a UUID: new for each new message, the same for a retry.",
        examples=["6f1c0de2-5a7b-4f3e-9c1d-2b8a4e6f0d93"],
    ),
]
Sequence = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_SEQUENCE,
        description="Position in the room's history. It is unique in the room, and increases.",
        examples=[1],
    ),
]
LastSequence = Annotated[
    int, Meta(ge=0, description="Highest sequence in the room, 0 if it never had a message.", examples=[12])
]
ReplyTo = Annotated[
    Sequence, Meta(description="Sequence of an earlier message, which this one answers. It may be deleted.")
]
Mentions = Annotated[
    list[MemberId],
    Meta(
        max_length=MAX_MENTIONS,
        description="Ids of the members that the message is meant for.",
        examples=[["8hVt2mQwXz0sY4bN"]],
    ),
]
Reaction = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_REACTION_LENGTH,
        pattern=LINE,
        description="One visible character as readers see it, such as an emoji, or a name such as `:tada:`.",
        examples=["👍"],
    ),
]
SignalName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_SIGNAL_NAME_LENGTH,
        pattern=LINE,
        description="Name of the signal. The client library sends `typing`.",
        examples=["typing"],
    ),
]
Reason = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_REASON_LENGTH,
        pattern=LINE,
        description="Why the message is reported.",
        examples=["an insult"],
        extra={"clean": strip_spaces},
    ),
]
Timestamp = Annotated[
    str,
    Meta(
        description="Time in UTC with milliseconds.",
        examples=["2026-11-22T10:00:00.000Z"],
        extra_json_schema={"format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"},
    ),
]
Sentence = Annotated[str, Meta(min_length=1, description="The event as a sentence.")]

# Pages

PageSize = Annotated[int, Meta(ge=1, le=MAX_PAGE_SIZE, description="Maximum number of items.")]
After = Annotated[int, Meta(ge=0, le=MAX_SEQUENCE, description="Return the oldest messages after this sequence.")]
Before = Annotated[int, Meta(ge=1, le=MAX_SEQUENCE, description="Return only messages before this sequence.")]

# Frames

ActionName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_ACTION_NAME_LENGTH,
        pattern=LINE,
        description="The action of the rejected frame.",
        examples=["sendMessage"],
    ),
]

# Webhooks

WebhookId = Annotated[
    str,
    Meta(
        min_length=MEMBER_ID_LENGTH,
        max_length=MEMBER_ID_LENGTH,
        pattern=IDENTIFIER,
        description="Id of the webhook, and of the sender of its messages.",
        examples=["Tq4zM8vKc1Xn7RbW"],
    ),
]
WebhookName = Annotated[
    DisplayName,
    Meta(
        description="Name of the webhook, the sender of its messages. Spaces around it are removed.",
        examples=["Builds"],
    ),
]
AnyWebhookId = Annotated[
    str, Meta(description="Id of a webhook. An unknown id returns 404.", examples=["Tq4zM8vKc1Xn7RbW"])
]
AnyWebhookToken = Annotated[
    str,
    Meta(
        description="The last part of the webhook's url. An unknown token returns 404.",
        examples=["Zk3vQ0pXcT9aLm2B.Tq4zM8vKc1Xn7RbW.h2Fq9LwXv0RkT5bYc7MzPd3NsJ8gUaEo1iQtK6rVxB4"],
    ),
]
WebhookText = Annotated[
    str,
    Meta(
        description="Text of the message, also with Slack's markup for links, mentions and escaped characters. Control "
        "characters are removed. A text of more than 4,000 characters is sent in up to four parts.",
        examples=["Build 57 passed"],
    ),
]
WebhookBlocks = Annotated[Any, Meta(description="Slack's blocks, an array. What is not readable in them is left out.")]
WebhookAttachments = Annotated[
    Any, Meta(description="Slack's attachments, an array. What is not readable in them is left out.")
]

# The page

FileName = Annotated[
    str, Meta(description="Name of a file of the page. An unknown name returns 404.", examples=["index.html"])
]
