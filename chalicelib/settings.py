"""What the environment decides, read once when a function starts.

The stages in .chalice/config.json set these; each default here suits a test or a first try.
"""

import os
import re

__all__ = [
    "ALLOWED_ORIGINS",
    "APP_NAME",
    "CLIENT_ID_SECONDS",
    "CONNECTIONS_TABLE",
    "CONNECTION_SECONDS",
    "CONNECT_SECONDS",
    "EMPTY_ROOM_GRACE_SECONDS",
    "FANOUT_BATCH",
    "FANOUT_QUEUE",
    "FLOOD_WARNINGS",
    "MESSAGES_PER_WINDOW",
    "MESSAGES_TABLE",
    "MESSAGE_RETENTION_SECONDS",
    "PRESENCE_LIMIT",
    "ROOMS_TABLE",
    "SILENCE_SECONDS",
    "STAGE",
    "UNUSED_ROOM_SECONDS",
    "WEBSOCKET_URL",
    "WINDOW_SECONDS",
]


def _whole_number(name: str, default: int, least: int = 0) -> int:
    value = os.environ.get(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < least:
        raise ValueError(f"the environment variable {name} must be a whole number of {least} or more, not {value!r}")
    return int(value)


def _origins(name: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in os.environ.get(name, "").split(",") if origin.strip())
    for origin in origins:
        # As browsers send it: in lower case, and without the port that the scheme has by itself.
        if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?", origin) or re.fullmatch(
            r"https:.*:443|http:.*:80", origin
        ):
            raise ValueError(f"the environment variable {name} must be as https://chat.example.org, not {origin!r}")
    return origins


APP_NAME = "chalice-chat"
"""The name in .chalice/config.json, which Chalice gives its resources, and the logger that Chalice sets up."""

STAGE = os.environ.get("STAGE", "dev")
ROOMS_TABLE = os.environ.get("ROOMS_TABLE", f"{APP_NAME}-{STAGE}-rooms")
CONNECTIONS_TABLE = os.environ.get("CONNECTIONS_TABLE", f"{APP_NAME}-{STAGE}-connections")
MESSAGES_TABLE = os.environ.get("MESSAGES_TABLE", f"{APP_NAME}-{STAGE}-messages")
FANOUT_QUEUE = os.environ.get("FANOUT_QUEUE", f"{APP_NAME}-{STAGE}-fanout")

WEBSOCKET_URL = os.environ.get("WEBSOCKET_URL", "")
"""Where members connect, wss://…/STAGE; empty to find it through API Gateway's list of its APIs."""

ALLOWED_ORIGINS = _origins("ALLOWED_ORIGINS")
"""The origins of the web pages that may use the chat, separated by commas; empty for any. The page that the stage
itself serves has an origin, too."""

EMPTY_ROOM_GRACE_SECONDS = _whole_number("EMPTY_ROOM_GRACE_SECONDS", 60)
"""How long an emptied room can still be joined by its id; 0 deletes it with its last member."""

UNUSED_ROOM_SECONDS = _whole_number("UNUSED_ROOM_SECONDS", 3_600)
"""How long a new room waits for its first member."""

FANOUT_BATCH = _whole_number("FANOUT_BATCH", 2_000, least=1)
"""How many members one function posts to; a larger room is shared out among several. 2,000 connection ids and the
longest frame are within the 256 KiB of one message ("Amazon SQS message quotas")."""

MESSAGE_RETENTION_SECONDS = _whole_number("MESSAGE_RETENTION_SECONDS", 86_400)
"""How long a message can be read."""

MESSAGES_PER_WINDOW = _whole_number("MESSAGES_PER_WINDOW", 20, least=1)
"""How many messages one connection may send in any WINDOW_SECONDS."""

WINDOW_SECONDS = _whole_number("WINDOW_SECONDS", 10)
"""How long a message counts against its sender; 0 lets everyone send as much as they like."""

PRESENCE_LIMIT = _whole_number("PRESENCE_LIMIT", 100)
"""The largest room, in members, that is told of each join and leave: a crowd arriving would cost its square."""

CONNECTION_SECONDS = 7_800
"""How long a connection row may live: API Gateway ends every connection after 2 hours ("Quotas for configuring
and running a WebSocket API in API Gateway"); ten minutes more cover clocks that differ."""

FLOOD_WARNINGS = 5
"""How often a member is told that they send too much, before a further time closes their connection."""

CLIENT_ID_SECONDS = 600
"""How long a client's own id for a message stands for that message, however often it is sent."""

SILENCE_SECONDS = 2_592_000
"""How long a room remembers its last sequence without a new message: 30 days, so that no room forgets it in use."""

CONNECT_SECONDS = 30
"""How long a `$connect` may take: API Gateway waits at most 29 seconds for an integration (same page)."""
