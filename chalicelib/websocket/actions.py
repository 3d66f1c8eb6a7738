"""The WebSocket actions. `websocket_events.py` passes frames from clients to them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from chalicelib import request_log
from chalicelib.auth import authentication
from chalicelib.chat import history, members, messages, moderation, rooms
from chalicelib.chat.broadcast import end_connections, presence_count
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import Removal
from chalicelib.errors import NotInRoom
from chalicelib.protocol import frames
from chalicelib.protocol.frame_schemas import (
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
from chalicelib.protocol.parameters import CLIENT_ID, LOCKED, MEMBER_ID, MESSAGE_TEXT, NEW_NAME, NEW_ROOM_NAME, TARGET
from chalicelib.storage.models import Connection, Message
from chalicelib.websocket.dispatch import Context, action

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
    context.prefetched = context.prefetched or _prefetch(context.sender.joined_room_id)
    sequence, recipients = context.prefetched
    message = messages.store(context.sender, data["message"], data["clientId"], sequence.result())
    context.broadcast(frames.message(message), recipients.result())


@action("deleteMessage", data={"sequence": TARGET}, sends=[DELETED_FRAME])
def delete_message(context: Context, data: dict[str, Any]) -> None:
    """Delete your own message, or as the owner any message.

    Its text is erased. Everyone receives the event, which has a sequence of its own. Repeated, it sends the same event
    again.
    """
    event = moderation.delete_message(context.sender, data["sequence"])
    if context.sender.is_owner or event.sender_id == context.sender.member_id:
        context.broadcast(frames.message(event))
    else:  # somebody else has deleted the message before, and everyone has been told
        context.reply(frames.message(event))


@action("updateRoom", data={"roomName": NEW_ROOM_NAME, "locked": LOCKED}, sends=[UPDATED_FRAME])
def update_room(context: Context, data: dict[str, Any]) -> None:
    """Rename, lock or unlock the room, as the owner. A locked room admits only its owner and those who were in it."""
    context.broadcast(frames.message(moderation.update_room(context.sender, data["roomName"], data["locked"])))


@action("removeMember", data={"memberId": MEMBER_ID}, sends=[REMOVED_FRAME, LEAVE_FRAME])
def remove_member(context: Context, data: dict[str, Any]) -> None:
    """Remove a member from the room, as the owner, and keep it out for an hour. Its connections are closed."""

    def removal(event: Message) -> Removal:
        endpoint, room_id = context.websocket_api.endpoint, context.sender.joined_room_id
        return Removal(endpoint, room_id, frames.message(event), data["memberId"])

    # The queue comes first: it completes what a crash of this function leaves undone.
    event = moderation.remove_member(
        context.sender, data["memberId"], before_write=lambda event: jobs.enqueue_removal(removal(event))
    )
    context.broadcast(frames.message(event))
    end_connections(context.websocket_api, removal(event))


@action("closeRoom", sends=[CLOSED_FRAME])
def close_room(context: Context, data: dict[str, Any]) -> None:
    """Close the room, as the owner. It cannot be found any more, and all connections are closed."""
    moderation.require_owner(context.sender)
    room_id = context.sender.joined_room_id
    removal = Removal(context.websocket_api.endpoint, room_id, frames.closed(context.sender), None)
    jobs.enqueue_removal(removal)  # first, as in remove_member
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
    if former_name == data["name"] or not presence_count(context.sender.joined_room_id):
        context.reply(frame)
    else:
        context.broadcast(frame)


@action("ping", rate_limited=False, sends=[PONG_FRAME])
def ping(context: Context, data: dict[str, Any]) -> None:
    """Keep an idle connection open. API Gateway closes a connection after 10 minutes without a frame."""
    if authentication.is_configured():
        context.sender  # noqa: B018 - it raises Unauthorized when the access token has expired
    context.reply(frames.PONG)


@action("hello", rate_limited=False, sends=[WELCOME_FRAME])
def hello(context: Context, data: dict[str, Any]) -> None:
    """Return the member and the room of the connection.

    Clients send it as their first frame, because the server cannot send anything while the connection opens. Like
    pings, it does not count against the rate limit of messages.
    """
    # It reads from DynamoDB: MAX_FRAMES_PER_WINDOW limits how often, as count_frame counts every frame.
    room = rooms.find(context.sender.joined_room_id)
    if room is None:
        raise NotInRoom
    request_log.append_keys(room_id=room.room_id)
    context.reply(frames.welcome(context.sender, room, history.last_sequence(room)))
