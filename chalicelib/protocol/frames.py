"""JSON frames of the WebSocket protocol.

A client sends:

    {"action": NAME, "data": {…}}                                   chat.py declares the actions

The server sends ("?" marks a field that may be absent):

    {"message": {"type": "message", "message", "sender": {"id", "name", "bot"?}, "sequence", "sentAt", "clientId"?}}
    {"message": {"type": "join" | "leave", "message", "sender": {"id", "name"}, "memberCount"}}
    {"message": {"type": "rename", "message", "sender": {"id", "name"}, "formerName"}}
    {"message": {"type": "deleted", "message", "sender": {"id", "name"}, "target", "sequence", "sentAt", "clientId"?}}
    {"message": {"type": "updated", "message", "sender": {"id", "name"}, "room": {…}, "sequence", "sentAt"}}
    {"message": {"type": "removed", "message", "sender": {"id", "name"}, "member": {…}, "sequence", "sentAt"}}
    {"message": {"type": "closed", "message", "sender": {"id", "name"}}}
    {"error": {"code", "message", "action"?, "clientId"?, "retryAfter"?}}
    {"pong": true}
    {"welcome": {"member": {"id", "name"}, "room": {"room_id", "name", "private", "locked"}, "memberCount",
                 "lastSequence", "owner"}}

A new event of a room is another type of `message`. Clients ignore types that they do not know. Each frame has a schema
in frame_schemas.py, and a function here that serializes it; the tests compare the two.

Frames are serialized without ASCII escapes: a message of 4,000 characters then stays within API Gateway's 32 KiB per
frame, whatever its script.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from chalicelib.errors import ChatError, InvalidInput, InvalidJSON, RateLimitExceeded, UnknownAction
from chalicelib.limits import MAX_FRAME_BYTES
from chalicelib.protocol.frame_schemas import ACTION_NAME
from chalicelib.protocol.parameters import CLIENT_ID
from chalicelib.protocol.serializers import serialize_member, serialize_message, serialize_room_summary
from chalicelib.protocol.validation import parse_object
from chalicelib.storage.models import Connection, Message, Room

PRESENCE_VERBS = {"join": "joined", "leave": "left"}


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
    """Return the frame of a stored message or event."""
    return serialize({"message": serialize_message(message)})


def presence(change: Literal["join", "leave"], member: Connection, member_count: int) -> str:
    """Return the frame that announces a join or leave, and the number of connections after it."""
    return _event(change, member, f"{member.name} {PRESENCE_VERBS[change]}", memberCount=member_count)


def rename(member: Connection, former_name: str) -> str:
    """Return the frame that announces the new name of a member."""
    return _event("rename", member, f"{former_name} is now {member.name}", formerName=former_name)


def closed(sender: Connection) -> str:
    """Return the frame that tells everyone that the owner has closed the room."""
    return _event("closed", sender, f"{sender.name} closed the room")


def _event(kind: str, sender: Connection, sentence: str, **fields: object) -> str:
    """Return the frame of an event that is not stored."""
    return serialize({"message": {"type": kind, "message": sentence, "sender": serialize_member(sender), **fields}})


def welcome(member: Connection, room: Room, last_sequence: int) -> str:
    """Return the frame that tells a member who it is, and the state of its room."""
    return serialize(
        {
            "welcome": {
                "member": serialize_member(member),
                "room": serialize_room_summary(room),
                "memberCount": int(room.member_count),
                "lastSequence": last_sequence,
                "owner": member.is_owner,
            }
        }
    )


def error(error: ChatError, request: str = "") -> str:
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
    for name, field in (("action", ACTION_NAME), ("clientId", CLIENT_ID)):
        try:
            references[name] = field.validate(values[name], name)
        except InvalidInput:
            continue
    return references


def serialize(frame: dict[str, Any]) -> str:
    """Return a frame as JSON."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


PONG = serialize({"pong": True})
