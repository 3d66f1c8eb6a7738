"""The WebSocket actions. `events.py` passes frames from clients to them."""

from chalicelib import limits, request_log, settings
from chalicelib.auth import authentication
from chalicelib.chat import (
    editing,
    erasure,
    history,
    members,
    messages,
    moderation,
    rate_limit,
    reactions,
    reports,
    rights,
    room_settings,
    rooms,
    unread,
)
from chalicelib.chat.broadcast import close_connections
from chalicelib.chat.presence import is_announced_in
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import MessageErasure, Removal, Summary
from chalicelib.errors import InvalidInput, NotInRoom, TooLarge
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Closed, Left, Pong, Reactions, Renamed, Reported, Signal, Tokens, Welcome
from chalicelib.protocol.requests import (
    DeleteMessage,
    EditMessage,
    MarkRead,
    MuteMember,
    React,
    RemoveMember,
    Rename,
    ReportMessage,
    SendMessage,
    SendSignal,
    SetRole,
    UnbanMember,
    UpdateRoom,
)
from chalicelib.protocol.responses import (
    Deleted,
    Edited,
    MemberMuted,
    Message,
    Removed,
    RoleChanged,
    Updated,
    history_item,
)
from chalicelib.protocol.validation import json_size
from chalicelib.storage import models
from chalicelib.websocket.dispatch import Context, Limit, action
from chalicelib.websocket.prefetch import prefetch


@action("sendMessage", "onMessage", sends=[Message], limit=Limit.BY_HANDLER)
def send_message(context: Context, data: SendMessage) -> None:
    """Send a message to everyone in the room.

    The message is stored, and then delivered to everyone in the room, its sender included. That echo is the
    acknowledgement. A client that receives no response sends the same frame again: within 10 minutes a repeated
    `clientId` stores nothing, and the stored message is delivered again under the same sequence.
    """
    with prefetch(context.connection_id) as prefetched:
        context.check_rate_limit(is_message=True)
        sequence, recipients = prefetched.results(context.sender)
        message = messages.store(
            context.sender,
            data.message,
            data.client_id,
            sequence,
            reply_to=data.reply_to,
            mentions=data.mentions or (),
        )
    context.broadcast_stored(message, recipients.result())


@action("editMessage", sends=[Edited])
def edit_message(context: Context, data: EditMessage) -> None:
    """Change the text of your own message, within EDIT_SECONDS.

    Everyone receives the event, which has a sequence of its own. The message keeps its own sequence, and its former
    text is not kept.
    """
    context.broadcast_stored(editing.edit_message(context.sender, data.sequence, data.message))


@action("react", sends=[Reactions])
def react(context: Context, data: React) -> None:
    """Add a reaction to a message, or remove your own.

    Everyone receives the reactions to the message, the sender alone if it never had one. In large rooms the sender
    receives them at once, and the others at most every 2 seconds.
    """
    row = reactions.react(context.sender, data.sequence, data.reaction, remove=data.remove)
    if not row.version:
        context.reply(Reactions.of(row))
        return
    recipients = models.Connection.recipients_in(row.room_id)
    if len(recipients) <= settings.FANOUT_BATCH:
        context.broadcast(Reactions.of(row), recipients)
        return
    context.reply(Reactions.of(row))
    if reactions.claim_summary(row):
        summary = Summary(context.websocket_api.endpoint, row.room_id, data.sequence)
        jobs.enqueue_later(summary, delay=reactions.SUMMARY_SECONDS)


@action("signal", limit=Limit.SIGNALS, sends=[Signal])
def signal(context: Context, data: SendSignal) -> None:
    """Send a signal to the others in the room, such as who is typing. It is not stored.

    A connection can send 10 signals in WINDOW_SECONDS. In rooms of more than SIGNAL_LIMIT connections, nobody receives
    them, and the sender gets the error `too_large`.
    """
    if (size := json_size(data.data, "data")) > limits.MAX_SIGNAL_BYTES:
        raise InvalidInput(f"data must be JSON of at most {limits.MAX_SIGNAL_BYTES:,} bytes, not {size:,}")
    rate_limit.check_mute(context.sender)
    recipients = models.Connection.recipients_in(context.sender.joined_room_id)
    if len(recipients) > settings.SIGNAL_LIMIT:
        raise TooLarge(f"signals are sent in rooms of at most {settings.SIGNAL_LIMIT} connections")
    context.broadcast(Signal.of(context.sender, data.name, data.data), recipients, include_sender=False)


@action("markRead", limit=Limit.SIGNALS)
def mark_read(context: Context, data: MarkRead) -> None:
    """Store the last sequence that the member has read, for its other connections and for later. It sends nothing.

    The position never goes back. Members without an identity have none. A connection can send 10 in WINDOW_SECONDS.
    """
    unread.mark_read(context.sender, data.sequence)


@action("deleteMessage", sends=[Deleted])
def delete_message(context: Context, data: DeleteMessage) -> None:
    """Delete your own message, as the owner any message or event, or as a moderator one of a plain member.

    Its text is erased. Everyone receives the event, which has a sequence of its own. Repeated, it sends the same event
    again.
    """
    event = moderation.delete_message(context.sender, data.sequence)
    if event.sender_id == context.sender.member_id:
        context.broadcast_stored(event)
    else:  # somebody else has deleted the message before, and everyone has been told
        context.reply(history_item(event))


@action("updateRoom", limit=Limit.OWNER_ACTIONS, sends=[Updated, Tokens])
def update_room(context: Context, data: UpdateRoom) -> None:
    """Rename, lock or unlock the room, set keepDays or slow mode, or replace tokens, as the owner.

    A locked room admits only its owner and existing members. `keepDays` applies to messages from then on. The owner
    alone receives new tokens. The former `joinToken` stops working at once. The former `ownerToken` can only request
    another one for 10 minutes, and the webhooks that it has created are deleted.
    """
    changes_room = (data.room_name, data.locked, data.keep_days, data.slow_seconds) != (None,) * 4
    if not (changes_room or data.new_join_token or data.new_owner_token):
        rights.require_owner(context.sender)
        raise InvalidInput("expected roomName, locked, keepDays, slowSeconds, newJoinToken or newOwnerToken")
    if data.new_join_token or data.new_owner_token:
        context.reply(room_settings.renew_tokens(context.sender, join=data.new_join_token, owner=data.new_owner_token))
    if changes_room:
        context.broadcast_stored(room_settings.update_room(context.sender, data))


@action("removeMember", limit=Limit.OWNER_ACTIONS, sends=[Removed, Left])
def remove_member(context: Context, data: RemoveMember) -> None:
    """Remove members from the room, as the owner or a moderator, and ban them for an hour.

    Their connections are closed. A moderator can remove plain members only. With `deleteMessages`, nobody can read
    their earlier messages any more.
    """
    if (data.member_id is None) == (data.member_ids is None):
        raise InvalidInput("expected memberId or memberIds")
    member_ids = list(dict.fromkeys(data.member_ids or [data.member_id or ""]))

    def removals(events: list[models.Message]) -> list[Removal]:
        endpoint, room_id = context.websocket_api.endpoint, context.sender.joined_room_id
        frames_ = [frames.serialize(history_item(event)) for event in events]
        return [Removal(endpoint, room_id, frame, id_) for frame, id_ in zip(frames_, member_ids, strict=True)]

    def enqueue(events: list[models.Message]) -> None:
        for removal in removals(events):
            jobs.enqueue_removal(removal)
        if data.delete_messages:
            jobs.enqueue_message_erasure(MessageErasure(context.sender.joined_room_id, member_ids))

    # The queue comes first: it completes what a crash of this function leaves undone.
    events = moderation.remove_members(
        context.sender, member_ids, before_write=enqueue, delete_messages=data.delete_messages
    )
    recipients = models.Connection.recipients_in(context.sender.joined_room_id)
    for event in events:
        context.broadcast_stored(event, recipients)
    close_connections(context.websocket_api, *removals(events))
    if data.delete_messages:
        erasure.erase_newest(context.sender.joined_room_id, member_ids)


@action("unbanMember", limit=Limit.OWNER_ACTIONS)
def unban_member(context: Context, data: UnbanMember) -> None:
    """Let a removed member come back, as the owner, also to a locked room. It sends nothing if it succeeds."""
    moderation.unban_member(context.sender, data.member_id)


@action("muteMember", limit=Limit.OWNER_ACTIONS, sends=[MemberMuted])
def mute_member(context: Context, data: MuteMember) -> None:
    """Mute a member, as the owner or a moderator.

    The member can neither send or edit messages, react, send signals nor take another name, in any connection, and
    gets the error `muted`. A moderator can mute plain members only.
    """
    context.broadcast_stored(moderation.mute_member(context.sender, data.member_id, data.seconds))


@action("setRole", limit=Limit.OWNER_ACTIONS, sends=[RoleChanged])
def set_role(context: Context, data: SetRole) -> None:
    """Make a member a moderator, or a plain member again, as the owner.

    Moderators can delete messages of plain members, mute and remove them. The member needs a `key`, or has signed in.
    """
    context.broadcast_stored(moderation.set_role(context.sender, data.member_id, data.role))


@action("reportMessage", sends=[Reported])
def report_message(context: Context, data: ReportMessage) -> None:
    """Report a message to the owner and the moderators.

    Those who are in the room receive it at once, the others find it in the reports of the room, which are stored for as
    long as the message. A connection can report 5 messages per minute. Another report of the same message by the same
    member changes nothing.
    """
    if reports.report(context.sender, data.sequence, data.reason):
        frame = Reported.of(context.sender, data.sequence, data.reason)
        context.send(frame, reports.recipients(context.sender.joined_room_id))


@action("closeRoom", limit=Limit.OWNER_ACTIONS, sends=[Closed])
def close_room(context: Context) -> None:
    """Close the room, as the owner.

    It cannot be found any more, all connections are closed, and what it has stored is deleted.
    """
    rights.require_owner(context.sender)
    room_id, frame = context.sender.joined_room_id, frames.serialize(Closed.of(context.sender))
    removal = Removal(context.websocket_api.endpoint, room_id, frame, None)
    jobs.enqueue_removal(removal)  # first, as in remove_member
    rooms.close(room_id)
    close_connections(context.websocket_api, removal)


@action("rename", sends=[Renamed])
def rename(context: Context, data: Rename) -> None:
    """Change the name of the member, in all its connections.

    The new name is announced to everyone in the room, the sender included: that echo is the acknowledgement. It has a
    number if it looks like the name of another member. Earlier messages keep the name under which they were sent.
    """
    rate_limit.check_mute(context.sender)
    former_name = context.sender.name
    room = members.rename(context.sender, data.name)
    frame = Renamed.of(context.sender, former_name)
    if former_name == context.sender.name or not is_announced_in(room):
        context.reply(frame)
    else:
        context.broadcast(frame)


@action("ping", limit=Limit.NONE, sends=[Pong])
def ping(context: Context) -> None:
    """Keep an idle connection open.

    API Gateway closes a connection after 10 minutes without a frame.
    """
    if authentication.is_configured():
        context.sender  # noqa: B018 - it raises Unauthorized when the access token has expired
    context.reply(Pong())


@action("hello", limit=Limit.NONE, sends=[Welcome])
def hello(context: Context) -> None:
    """Return the member and the room of the connection.

    Clients send it as their first frame, because the server cannot send anything while the connection opens. Like
    pings, it does not count against the rate limit of messages.
    """
    # It reads from DynamoDB: MAX_FRAMES_PER_WINDOW limits how often, as count_frame counts every frame.
    room = rooms.find(context.sender.joined_room_id)
    if room is None:
        raise NotInRoom
    request_log.append_keys(room_id=room.room_id)
    last_sequence = history.last_sequence(room)
    context.reply(Welcome.of(context.sender, room, last_sequence, unread.read_sequence(context.sender)))
