"""Settings: environment variables, read once at import. `limits.py` has the limits that are not configurable.

The stages in .chalice/config.json set these variables. The defaults suit tests.
"""

import os
import re


def _integer(name: str, default: int, minimum: int = 0) -> int:
    value = os.environ.get(name, str(default))
    if not value.isascii() or not value.isdigit() or int(value) < minimum:
        raise ValueError(f"the environment variable {name} must be an integer of at least {minimum}, not {value!r}")
    return int(value)


def _boolean(name: str, default: bool) -> bool:
    value = os.environ.get(name, str(default)).lower()
    if value not in ("true", "false"):
        raise ValueError(f"the environment variable {name} must be true or false, not {value!r}")
    return value == "true"


def _origins(name: str) -> tuple[str, ...]:
    origins = tuple(origin.strip() for origin in os.environ.get(name, "").split(",") if origin.strip())
    for origin in origins:
        # The form that browsers send: lower case, without the default port of the scheme.
        if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?", origin) or re.fullmatch(
            r"https:.*:443|http:.*:80", origin
        ):
            raise ValueError(
                f"the environment variable {name} must list origins such as https://chat.example.org, not {origin!r}"
            )
    return origins


APP_NAME = "chalice-chat"
"""The app_name in .chalice/config.json. Chalice uses it for its resources and its logger."""

STAGE = os.environ.get("STAGE", "dev")
ROOMS_TABLE = os.environ.get("ROOMS_TABLE", f"{APP_NAME}-{STAGE}-rooms")
CONNECTIONS_TABLE = os.environ.get("CONNECTIONS_TABLE", f"{APP_NAME}-{STAGE}-connections")
MESSAGES_TABLE = os.environ.get("MESSAGES_TABLE", f"{APP_NAME}-{STAGE}-messages")
FANOUT_QUEUE = os.environ.get("FANOUT_QUEUE", f"{APP_NAME}-{STAGE}-fanout")

WEBSOCKET_URL = os.environ.get("WEBSOCKET_URL", "")
"""Address of the WebSocket API, wss://…/STAGE. If empty, it is read from API Gateway."""

ALLOWED_ORIGINS = _origins("ALLOWED_ORIGINS")
"""Comma-separated origins of the web pages that may use the chat. If empty, all may. List the origin of the stage's own
page, too."""

EMPTY_ROOM_GRACE_SECONDS = _integer("EMPTY_ROOM_GRACE_SECONDS", 1_800)
"""Time during which an empty room can still be joined by its id, so that it survives locked phones. 0 deletes a room
with its last member. Rooms with keep_days stay longer."""

UNUSED_ROOM_SECONDS = _integer("UNUSED_ROOM_SECONDS", 3_600)
"""Time until a new room that nobody joins expires."""

FANOUT_BATCH = _integer("FANOUT_BATCH", 2_000, minimum=1)
"""Maximum number of connections that one invocation sends to. Larger rooms are split into batches. The size of an SQS
message, 1 MiB ("Amazon SQS message quotas"), permits four times as many. But larger batches take longer, and when one
fails, more connections receive its frame late, or twice."""

MESSAGE_RETENTION_SECONDS = _integer("MESSAGE_RETENTION_SECONDS", 86_400)
"""Time during which a message can be read."""

EDIT_SECONDS = _integer("EDIT_SECONDS", 900)
"""Time for which the author of a message can edit it. 0 disables edits."""

SIGNAL_LIMIT = _integer("SIGNAL_LIMIT", 25)
"""Largest room, in connections, that receives signals, such as who is typing. Each one costs as many posts as a
message."""

MESSAGES_PER_WINDOW = _integer("MESSAGES_PER_WINDOW", 20, minimum=1)
"""Rate limit: number of messages that a connection may send in any WINDOW_SECONDS. It applies to new connections."""

WINDOW_SECONDS = _integer("WINDOW_SECONDS", 10)
"""Length of the rate limit's window. 0 disables the rate limit and MAX_FRAMES_PER_WINDOW."""

PRESENCE_LIMIT = _integer("PRESENCE_LIMIT", 100)
"""Largest room, in members, that receives join and leave frames. N joins cost about N² frames."""

SOURCE_SECRET = os.environ.get("SOURCE_SECRET", "")
"""Secret of at least 32 bytes for the pseudonyms of source addresses, given like AUTH_SECRET. If empty, the limits per
source and the bans of sources are off."""

ROOMS_PER_SOURCE = _integer("ROOMS_PER_SOURCE", 0)
"""Number of rooms that a source address may create per minute. Here and below, 0 is no limit."""

CONNECTS_PER_SOURCE = _integer("CONNECTS_PER_SOURCE", 0)
"""Number of WebSocket connections that a source address may open per minute."""

HOOK_POSTS_PER_SOURCE = _integer("HOOK_POSTS_PER_SOURCE", 0)
"""Number of requests that a source address may send to webhooks per minute."""

UNUSED_ROOMS_PER_SOURCE = _integer("UNUSED_ROOMS_PER_SOURCE", 0)
"""Number of public rooms that a source address has created, that nobody has joined, and that have not expired."""

KEEP_DAYS_REQUIRES_SIGN_IN = _boolean("KEEP_DAYS_REQUIRES_SIGN_IN", default=False)
"""Create rooms with keepDays for signed-in users only."""

AUTH_ISSUER = os.environ.get("AUTH_ISSUER", "")
"""Address of the OpenID Connect provider whose tokens users sign in with, exactly as in its tokens. If this and
AUTH_SECRET are empty, everyone is a guest."""

AUTH_AUDIENCE = tuple(
    audience.strip() for audience in os.environ.get("AUTH_AUDIENCE", "").split(",") if audience.strip()
)
"""Comma-separated values, of which a token has to contain one in its claim `aud`. Required with AUTH_ISSUER."""

AUTH_SECRET = os.environ.get("AUTH_SECRET", "")
"""Secret of at least 32 bytes with which your own back end signs tokens (HS256): the ARN of a secret in AWS
Secrets Manager, or of a parameter in AWS Systems Manager. For local use, the secret itself."""

AUTH_REQUIRED = _boolean("AUTH_REQUIRED", default=bool(AUTH_ISSUER or AUTH_SECRET))
"""Reject guests. The default is true if sign-in is configured."""

AUTH_ROOMS_REQUIRED = _boolean("AUTH_ROOMS_REQUIRED", default=False)
"""Allow a token without the claim `chat_rooms` no room, instead of all rooms."""

SIGN_IN = _boolean("SIGN_IN", default=False)
"""Whether users can sign in, for the functions that verify no tokens: packaging gives them this instead of the
settings of sign-in."""

AUTH_CLIENT_ID = os.environ.get("AUTH_CLIENT_ID", "")
"""Client id with which the page signs in at AUTH_ISSUER. If empty, the page does not offer it."""
