"""WebSocket events and actions: connect, frames from clients, disconnect."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Literal

from chalice.app import WebsocketDisconnectedError

from chalicelib import frames, limits, members, messages, moderation, rate_limit, request_log, rooms, settings
from chalicelib.actions import Context, action, dispatch
from chalicelib.composite_fields import Object
from chalicelib.delivery import fanout
from chalicelib.delivery.broadcast import BroadcastWebsocketAPI
from chalicelib.delivery.fanout import Removal
from chalicelib.errors import ChatError, NotInRoom, RateLimitExceeded, report_internal_error
from chalicelib.frame_schemas import (
    CLOSED_FRAME,
    DELETED_FRAME,
    LEAVE_FRAME,
    MESSAGE_FRAME,
    PONG_FRAME,
    REMOVED_FRAME,
    RENAME_FRAME,
    UPDATED_FRAME,
    WELCOME_FRAME,
)
from chalicelib.parameters import (
    CLIENT_ID,
    DISPLAY_NAME,
    KEY,
    LOCKED,
    MEMBER_ID,
    MESSAGE_TEXT,
    NEW_NAME,
    NEW_ROOM_NAME,
    OWNER,
    ROOM_ID_PARAMETER,
    TARGET,
    TOKEN,
)
from chalicelib.presence import announced_count, presence_frames
from chalicelib.room_delivery import end_connections, send_to_room
from chalicelib.storage.models import Connection

__all__ = ["CONNECT_QUERY", "connect", "disconnect", "receive"]

CONNECT_QUERY = Object({"roomId": ROOM_ID_PARAMETER, "name": DISPLAY_NAME, "token": TOKEN, "key": KEY, "owner": OWNER})
"""The query string of the WebSocket's address."""

log = logging.getLogger(f"{settings.APP_NAME}.chat")


def connect(websocket_api: BroadcastWebsocketAPI, connection_id: str, query: Mapping[str, str]) -> None:
    """Add a connection to the room that the query names, and notify the other members. An empty parameter is absent.

    The client itself is not notified: API Gateway answers 410 to a post before `$connect` has returned.

    Raises InvalidInput if the query is not as declared, and what `members.join` raises.
    """
    parameters = CONNECT_QUERY.parse_query({name: value for name, value in query.items() if value})
    connection = members.join(connection_id, parameters.pop("roomId"), **parameters)
    request_log.append_keys(outcome="joined")
    _notify(websocket_api, "join", connection.joined_room_id, [connection])


def disconnect(websocket_api: BroadcastWebsocketAPI, connection_id: str) -> None:
    """Remove a connection from its room, if it is still in one, and notify the other members."""
    connection = rooms.get_connection(connection_id)
    request_log.append_keys(outcome="not in a room" if connection is None else "left")
    if connection is not None:
        room_id = connection.joined_room_id
        request_log.append_keys(room_id=room_id)
        _notify(websocket_api, "leave", room_id, rooms.leave(room_id, [connection_id]))


def receive(websocket_api: BroadcastWebsocketAPI, connection_id: str, body: str) -> None:
    """Handle a frame from a client, or answer with an error frame."""
    if rate_limit.count_frame(connection_id):
        _close(websocket_api, connection_id, f"more than {limits.MAX_FRAMES_PER_WINDOW} frames")
        return
    context = Context(websocket_api, connection_id)
    try:
        name, data = frames.parse(body)
        dispatch(context, name, data)
    except RateLimitExceeded as error:
        _handle_rate_limit(context, error, body)
    except ChatError as error:
        _reply_error(context, error, body)
    except Exception:  # noqa: BLE001 - report_internal_error logs it
        # If the handler raised, API Gateway would send the client a frame that contains the connection id.
        _reply_error(context, report_internal_error(f"a frame from {connection_id}"), body)


_executor = ThreadPoolExecutor(2)


def _prefetch(room_id: str) -> Sequence[Future[Any]]:
    """Take a sequence and read the recipients. If the message is rejected, the sequence is a gap, as after a crash."""
    return (
        _executor.submit(messages.take_sequence, room_id),
        _executor.submit(Connection.recipients_in, room_id),
    )


@action(
    "sendMessage",
    "onMessage",
    data={"message": MESSAGE_TEXT, "clientId": CLIENT_ID},
    sends=[MESSAGE_FRAME],
    prefetch=_prefetch,
)
def send_message(context: Context, data: dict[str, Any]) -> None:
    """Send a message to everyone in the room.

    The message is stored, and then delivered to everyone in the room, its sender included. That echo is the
    acknowledgement. A client that receives no answer sends the same frame again: within 10 minutes a repeated
    `clientId` stores nothing, and the stored message is delivered again under the same sequence.
    """
    sequence, recipients = context.prefetched or _prefetch(context.sender.joined_room_id)
    message = messages.store(context.sender, data["message"], data["clientId"], sequence.result())
    context.broadcast(frames.message(message), recipients.result())


@action("deleteMessage", data={"sequence": TARGET}, sends=[DELETED_FRAME])
def delete_message(context: Context, data: dict[str, Any]) -> None:
    """Delete a message of one's own, or as the owner any message.

    Its text is erased. Everyone receives the event, which has a sequence of its own. Repeated, it sends the same event
    again.
    """
    context.broadcast(frames.message(moderation.delete_message(context.sender, data["sequence"])))


@action("updateRoom", data={"roomName": NEW_ROOM_NAME, "locked": LOCKED}, sends=[UPDATED_FRAME])
def update_room(context: Context, data: dict[str, Any]) -> None:
    """Rename, lock or unlock the room, as the owner. A locked room admits only its owner and those who were in it."""
    context.broadcast(frames.message(moderation.update_room(context.sender, data["roomName"], data["locked"])))


@action("removeMember", data={"memberId": MEMBER_ID}, sends=[REMOVED_FRAME, LEAVE_FRAME])
def remove_member(context: Context, data: dict[str, Any]) -> None:
    """Remove a member from the room, as the owner, and keep it out for an hour. Its connections are closed."""
    event = frames.message(moderation.remove_member(context.sender, data["memberId"]))
    removal = Removal(context.websocket_api.endpoint, context.sender.joined_room_id, event, data["memberId"])
    fanout.enqueue_removal(removal)
    context.broadcast(event)
    end_connections(context.websocket_api, removal)


@action("closeRoom", sends=[CLOSED_FRAME])
def close_room(context: Context, data: dict[str, Any]) -> None:
    """Close the room, as the owner. It cannot be found any more, and all connections are closed."""
    moderation.require_owner(context.sender)
    room_id = context.sender.joined_room_id
    removal = Removal(context.websocket_api.endpoint, room_id, frames.closed(context.sender), None)
    # The queue comes first: it completes what a crash of this function leaves undone.
    fanout.enqueue_removal(removal)
    rooms.close(room_id)
    end_connections(context.websocket_api, removal)


@action("rename", data={"name": NEW_NAME}, sends=[RENAME_FRAME])
def rename(context: Context, data: dict[str, Any]) -> None:
    """Change the name of the member, in all its connections.

    The new name is announced to everyone in the room, the sender included: that echo is the acknowledgement. Earlier
    messages keep the name under which they were sent.
    """
    former_name = context.sender.name
    members.rename(context.sender, data["name"])
    frame = frames.rename(context.sender, former_name)
    if former_name == data["name"] or not announced_count(context.sender.joined_room_id):
        context.reply(frame)
    else:
        context.broadcast(frame)


@action("ping", rate_limited=False, sends=[PONG_FRAME])
def ping(context: Context, data: dict[str, Any]) -> None:
    """Keep an idle connection open. API Gateway closes a connection after 10 minutes without a frame."""
    context.reply(frames.PONG)


@action("hello", rate_limited=False, sends=[WELCOME_FRAME])
def hello(context: Context, data: dict[str, Any]) -> None:
    """Return the member and the room of the connection.

    Clients send it as their first frame, because the server cannot send anything while the connection opens. Like
    pings, it does not count against the rate limit of messages.
    """
    # It reads from DynamoDB: MAX_FRAMES_PER_WINDOW limits how often, as count_frame counts every frame.
    room = rooms.get_or_none(context.sender.joined_room_id)
    if room is None:
        raise NotInRoom
    request_log.append_keys(room_id=room.room_id)
    context.reply(frames.welcome(context.sender, room, messages.last_sequence(room)))


def _notify(
    websocket_api: BroadcastWebsocketAPI, change: Literal["join", "leave"], room_id: str, connections: list[Connection]
) -> None:
    """Notify the other members of a room of a join or leave.

    Best effort: a failed notification is logged and does not undo the join or leave.
    """
    try:
        if notifications := presence_frames(change, room_id, connections):
            recipients = Connection.recipients_in(room_id)
            for connection in connections:
                recipients.pop(connection.connection_id, None)
            send_to_room(websocket_api, room_id, notifications, recipients)
    except Exception:
        request_log.add_metric(faults=1)
        log.exception("could not notify room %s of a %s", room_id, change)


def _handle_rate_limit(context: Context, error: RateLimitExceeded, body: str) -> None:
    """Reply with the error if a warning is due. Close the connection of a client that ignores its warnings."""
    request_log.append_keys(outcome=error.code)
    if error.warnings is None:
        return
    if error.warnings > limits.MAX_RATE_LIMIT_WARNINGS:
        ignored = f"messages after {limits.MAX_RATE_LIMIT_WARNINGS} warnings"
        _close(context.websocket_api, context.connection_id, ignored)
    else:
        _reply_error(context, error, body)


def _reply_error(context: Context, error: ChatError, body: str) -> None:
    request_log.append_keys(outcome=error.code)
    context.reply(frames.error(error, body))


def _close(websocket_api: BroadcastWebsocketAPI, connection_id: str, sent: str) -> None:
    request_log.append_keys(outcome="closed")
    log.warning("closing %s, which sent %s", connection_id, sent)
    try:
        with suppress(WebsocketDisconnectedError):  # the client has closed it already
            websocket_api.close(connection_id)
    except Exception:
        # It must not reach API Gateway, as in `receive`. The next frame tries again.
        request_log.add_metric(faults=1)
        log.exception("could not close %s", connection_id)
