"""The JSON objects of the API, as `schemas.py` describes them. REST responses and frames contain the same objects."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from chalicelib import settings
from chalicelib.chat.members import Member
from chalicelib.storage.models import Connection, HookRecord, Message, Room


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
    return {
        "room_id": room.room_id,
        "name": room.name,
        "private": room.token_hash is not None,
        "locked": room.locked,
    }


def serialize_config(websocket_url: str) -> dict[str, Any]:
    """Return the configuration of clients."""
    sign_in = {
        "issuer": settings.AUTH_ISSUER,
        "clientId": settings.AUTH_CLIENT_ID,
        "required": settings.AUTH_REQUIRED,
    }
    return {"webSocketUrl": websocket_url} | ({"signIn": sign_in} if settings.AUTH_CLIENT_ID else {})


def serialize_created_room(room: Room) -> dict[str, Any]:
    """Return a new room as the response to its creation. Only this response contains the tokens."""
    join_token = {} if room.join_token is None else {"joinToken": room.join_token}
    created = {"message": "Room created successfully", "roomId": room.room_id, "ownerToken": room.owner_token}
    return created | join_token


def serialize_room_page(rooms: Iterable[Room], next_cursor: str | None) -> dict[str, Any]:
    """Return a page of the list of rooms."""
    return {"rooms": [serialize_room(room) for room in rooms], "nextCursor": next_cursor}


def serialize_member(connection: Connection) -> dict[str, str]:
    """Return the member of a connection as a `Member` object. The connection id never leaves the server."""
    return {"id": connection.member_id, "name": connection.name}


def serialize_member_list(members: Iterable[Member]) -> dict[str, Any]:
    """Return the list of the members of a room."""
    return {"members": [_serialize_listed_member(member) for member in members]}


def serialize_message(message: Message) -> dict[str, Any]:
    """Return a message as a `Message` object, or an event as a `Deletion`, `RoomUpdate` or `Removal`."""
    return (
        {
            "type": message.event or "message",
            "message": message.text,
            "sender": {"id": message.sender_id, "name": message.sender_name}
            | ({"bot": True} if message.sender_is_bot else {}),
            "sequence": int(message.sequence),
            "sentAt": format_timestamp(message.sent_at),
        }
        | (message.details or {})
        | ({} if message.client_id is None else {"clientId": message.client_id})
    )


def serialize_message_page(messages: Iterable[Message], last_sequence: int, complete: bool) -> dict[str, Any]:
    """Return a page of a room's history."""
    return {
        "messages": [serialize_message(message) for message in messages],
        "lastSequence": last_sequence,
        "complete": complete,
    }


def serialize_hook_list(hooks: Iterable[HookRecord]) -> dict[str, Any]:
    """Return the list of the hooks of a room, without their tokens."""
    return {
        "hooks": [
            {"hookId": hook.hook_id, "name": hook.name, "createdAt": format_timestamp(hook.created_at)}
            for hook in hooks
        ]
    }


def serialize_posted_message(message: Message) -> dict[str, Any]:
    """Return the response to a message of a hook."""
    return {"sequence": int(message.sequence), "sentAt": format_timestamp(message.sent_at)}


def format_timestamp(moment: datetime) -> str:
    """Return a moment in ISO 8601 with milliseconds, in UTC: 2026-11-22T10:00:00.000Z."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _serialize_listed_member(member: Member) -> dict[str, Any]:
    connections = {"connections": member.connections} if member.connections > 1 else {}
    return {"id": member.member_id, "name": member.name} | connections
