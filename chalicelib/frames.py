"""The JSON frames of the wire: what comes in is parsed here, and what goes out is built here.

From a member:

    {"action": "sendMessage", "data": {"message", "clientId"?}}    "onMessage" is the same action
    {"action": "ping"}

To a member:

    {"message": {"type": "message", "message", "sender": {"id", "name"}, "sequence", "sentAt", "clientId"?}}
    {"message": {"type": "join" | "leave", "message", "sender": {"id", "name"}, "memberCount"}}
    {"error": {"code", "message", "clientId"?, "retryAfter"?}}
    {"pong": true}

A frame is written without ASCII escapes: a message of 4,000 characters then stays within API Gateway's 32 KB for
one frame, whatever its script.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from chalice import BadRequestError

from chalicelib.checks import MESSAGE_LIMIT, checked_object, checked_text
from chalicelib.models import Connection, Message, utc_text

__all__ = [
    "PONG",
    "FrameError",
    "client_id",
    "error",
    "message",
    "message_content",
    "parse",
    "presence",
    "read_message",
]

CLIENT_ID_LIMIT = 64

FRAME_LIMIT = 32_768
"""The longest frame, in bytes, that API Gateway takes or brings ("Quotas for configuring and running a WebSocket
API"). A message of several frames, which it takes up to 128 KB, arrives here in one piece."""

ErrorCode = Literal["invalid_json", "unknown_action", "invalid_message", "rate_limited", "not_in_room", "internal"]


class FrameError(Exception):
    """A frame that cannot be acted on: its text says what was expected, retry_after after how many seconds to retry."""

    def __init__(self, code: ErrorCode, expected: str, client_id: str | None = None, retry_after: int | None = None):
        super().__init__(expected)
        self.code = code
        self.client_id = client_id
        self.retry_after = retry_after


def parse(body: str) -> tuple[str, dict[str, Any]]:
    """Parse a frame from a member into its action and its data.

    Raises FrameError: invalid_json when it is not a JSON object, unknown_action when it names no action,
    invalid_message when its data is not an object, or all of it longer than 32 KB.
    """
    if (length := len(body.encode("utf-8", "surrogatepass"))) > FRAME_LIMIT:
        raise FrameError("invalid_message", f"expected a frame of at most {FRAME_LIMIT:,} bytes, not {length:,}")
    try:
        frame = checked_object(body)
    except BadRequestError as cause:
        raise FrameError("invalid_json", str(cause)) from cause
    action, data = frame.get("action"), frame.get("data") or {}
    if not isinstance(action, str):
        raise FrameError("unknown_action", 'expected an action, as in {"action": "sendMessage"}')
    if not isinstance(data, dict):
        raise FrameError("invalid_message", 'expected "data" to be an object')
    return action, data


def read_message(data: dict[str, Any]) -> tuple[str, str | None]:
    """Read the message and the client's own id for it, None where there is none, from a frame's data.

    Raises FrameError, invalid_message.
    """
    try:
        if data.get("clientId") is not None:
            checked_text(data["clientId"], "clientId", CLIENT_ID_LIMIT)
        return checked_text(data.get("message"), "message", MESSAGE_LIMIT), data.get("clientId")
    except BadRequestError as cause:
        raise FrameError("invalid_message", str(cause), client_id(data)) from cause


def client_id(data: dict[str, Any]) -> str | None:
    """Return the client's own id in a frame's data, for an answer to it, and None where it is none."""
    try:
        return checked_text(data.get("clientId"), "clientId", CLIENT_ID_LIMIT)
    except BadRequestError:
        return None


def message(message: Message) -> str:
    """Write the frame that brings a message to everyone in the room, its sender included."""
    return _write({"message": message_content(message)})


def message_content(message: Message) -> dict[str, Any]:
    """Describe a message as its frame does, and as the history of its room does."""
    return {
        "type": "message",
        "message": message.text,
        "sender": {"id": message.sender_id, "name": message.sender_name},
        "sequence": int(message.sequence),
        "sentAt": utc_text(message.sent_at),
    } | _client_id(message.client_id)


def presence(change: Literal["join", "leave"], member: Connection, member_count: int) -> str:
    """Write the frame that tells the others who came or went, and how many are in the room now."""
    text = f"{member.name} {'joined' if change == 'join' else 'left'}"
    return _write(
        {"message": {"type": change, "message": text, "sender": member.to_dict(), "memberCount": member_count}}
    )


def error(problem: FrameError) -> str:
    """Write the frame that tells a member why theirs was not acted on."""
    content: dict[str, Any] = {"code": problem.code, "message": str(problem)} | _client_id(problem.client_id)
    if problem.retry_after is not None:
        content["retryAfter"] = problem.retry_after
    return _write({"error": content})


def _write(frame: dict[str, Any]) -> str:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


PONG = _write({"pong": True})


def _client_id(client_id: str | None) -> dict[str, str]:
    return {} if client_id is None else {"clientId": client_id}
