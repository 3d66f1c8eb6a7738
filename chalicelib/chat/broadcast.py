"""Delivery of frames to the members of a room, and removal of members whose connection is closed.

Messages and stored events reach large rooms in ticks (`ticks.py`), all other frames at once.

API Gateway invokes `$disconnect` on a best-effort basis. If it did not, the first sign of a closed connection is a
status 410 when a frame is sent to it. The connection is then removed from its room.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence, Set

from chalicelib import limits, request_log, settings
from chalicelib.chat import admission, members, presence, rooms, ticks
from chalicelib.chat.presence import Announcement
from chalicelib.delivery import jobs
from chalicelib.delivery.jobs import Batch, Delivery, Erasure, Presence, Removal, Summary, Tick
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.errors import AccessTokenExpired, ConnectionReplaced
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Error, Joined, Left, Reactions
from chalicelib.protocol.responses import history_item
from chalicelib.storage import models
from chalicelib.storage.models import Connection, Message, Recipient

BATCH_SECONDS = 10
"""Time after which a function passes the rest of a batch on. Together with the payload in progress, that is less than
the timeout of fan_out."""

log = logging.getLogger(f"{settings.APP_NAME}.broadcast")


def send_to_room(
    websocket_api: BroadcastWebsocketAPI,
    room_id: str,
    payloads: Sequence[str],
    recipients: Mapping[str, Recipient],
) -> None:
    """Send payloads, each of them a frame, to connections of a room.

    Up to FANOUT_BATCH recipients receive them at once. For more, they are queued in batches, and `send_batch`
    sends them. Connections that have expired or are closed are removed from the room, and the others receive their
    leave frames. Connections whose access token has expired receive the error `unauthorized`, and are closed.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    open_, gone = _split(recipients)
    if len(open_) > settings.FANOUT_BATCH:
        jobs.enqueue(websocket_api.endpoint, room_id, payloads, open_)
        _remove_closed(websocket_api, room_id, gone)
        return
    reachable = set(open_)
    for payload in payloads:
        result = websocket_api.broadcast(reachable, payload)
        # A connection that failed once would only delay the frames after it.
        reachable -= {*result.gone, *result.failed}
        gone += result.gone
    _remove_closed(websocket_api, room_id, gone, unreachable=open_.keys() - reachable)


def send_stored(websocket_api: BroadcastWebsocketAPI, message: Message, recipients: Mapping[str, Recipient]) -> None:
    """Send a stored message or event to connections of its room: at once, or to large rooms in the next tick.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    open_, _ = _split(recipients)
    if len(open_) > settings.FANOUT_BATCH:
        ticks.schedule(websocket_api.endpoint, message.room_id, int(message.sequence), len(open_))
    else:
        send_to_room(websocket_api, message.room_id, [frames.serialize(history_item(message))], recipients)


def send_batch(websocket_api: BroadcastWebsocketAPI, batch: Batch) -> None:
    """Send a batch of the fan-out queue, and requeue its failed connections with the payloads that they miss.

    After BATCH_SECONDS, the rest is queued for another function. Connections that have expired or are closed are
    removed from the room.
    """
    room_id, ends_at = batch.room_id, time.monotonic() + BATCH_SECONDS
    request_log.append_keys(room_id=room_id)
    websocket_api.endpoint = batch.endpoint
    open_, gone = _split({id_: Recipient(until) for id_, until in batch.recipients.items()})
    reachable = set(open_)
    for number, payload in enumerate(batch.payloads):
        if number and time.monotonic() > ends_at:
            rest = {id_: open_[id_] for id_ in reachable}
            jobs.enqueue_rest(batch._replace(payloads=batch.payloads[number:], recipients=rest))
            break
        result = websocket_api.broadcast(reachable, payload, rate=batch.rate)
        gone += result.gone
        jobs.requeue(batch.next_attempt(batch.payloads[number:], result.failed))
        reachable -= {*result.gone, *result.failed}
    _remove_closed(websocket_api, room_id, gone, unreachable=open_.keys() - reachable)


def send_tick(websocket_api: BroadcastWebsocketAPI, tick: Tick) -> None:
    """Queue batches with what a large room has to deliver.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    room_id = tick.room_id
    request_log.append_keys(room_id=room_id)
    websocket_api.endpoint = tick.endpoint
    content = ticks.begin(tick)
    if content is None:
        return
    recipients = Connection.recipients_in(room_id)
    open_, expired = _split(recipients)
    joined, singles = frames.serialize_messages(content.items), list(map(frames.serialize, content.items))
    batched = {id_: until for id_, until in open_.items() if recipients[id_].takes_batches}
    others = {id_: until for id_, until in open_.items() if id_ not in batched}
    total = len(joined) * len(batched) + len(singles) * len(others)
    for payloads, targets in ((joined, batched), (singles, others)):
        if payloads and targets:
            rate = ticks.MAX_RATE * len(payloads) * len(targets) / total
            jobs.enqueue(websocket_api.endpoint, room_id, payloads, targets, rate)
    ticks.finish(tick, content, len(open_), posts=max(1, len(joined)))
    _remove_closed(websocket_api, room_id, expired)


def send_presence(websocket_api: BroadcastWebsocketAPI, job: Presence) -> None:
    """Send the joins and leaves of a few seconds to those in a room who receive them in one frame.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    room_id = job.room_id
    request_log.append_keys(room_id=room_id)
    websocket_api.endpoint = job.endpoint
    if payloads := presence.collect(room_id, job.slot):
        recipients = Connection.recipients_in(room_id)
        batched = {id_: recipient for id_, recipient in recipients.items() if recipient.takes_batches}
        send_to_room(websocket_api, room_id, payloads, batched)


def deliver(websocket_api: BroadcastWebsocketAPI, delivery: Delivery) -> None:
    """Send a stored message to everyone in its room, unless it was deleted.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    room_id = delivery.room_id
    request_log.append_keys(room_id=room_id)
    websocket_api.endpoint = delivery.endpoint
    message = Message.find(room_id, Message.sort_key_of(delivery.sequence))
    if message is not None and message.is_alive and not message.is_tombstone:
        send_stored(websocket_api, message, Connection.recipients_in(room_id))


def deliver_summary(websocket_api: BroadcastWebsocketAPI, summary: Summary) -> None:
    """Send the reactions to a message to everyone in its room, unless it was deleted.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    room_id = summary.room_id
    request_log.append_keys(room_id=room_id)
    websocket_api.endpoint = summary.endpoint
    row = models.Reactions.find(room_id, models.Reactions.sort_key_of(summary.target))
    if row is not None and not row.closed:
        send_to_room(websocket_api, room_id, [frames.serialize(Reactions.of(row))], Connection.recipients_in(room_id))


def close_connections(websocket_api: BroadcastWebsocketAPI, *removals: Removal) -> bool:
    """Tell the connections of a room or of members why they are removed, close them, and remove them from the room.

    For each removal, it closes up to FANOUT_BATCH of the connections that the index contains, and queues the others. It
    also closes those of a member with a record that the index does not contain yet.

    Return whether a removal has to be repeated later: a connection could not be closed, or a closed room still has one.

    removals: one or more of the same room.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    room_id, has_to_be_repeated = removals[0].room_id, False
    rows = members.connections(room_id)
    recorded = members.connection_ids(room_id, [removal.member_id for removal in removals if removal.member_id])
    for removal in removals:
        found = {row.connection_id for row in rows if removal.member_id in (None, row.member_id)}
        found |= recorded.get(removal.member_id or "", set())
        has_to_be_repeated |= _close(websocket_api, removal, sorted(found))
    return has_to_be_repeated


def _close(websocket_api: BroadcastWebsocketAPI, removal: Removal, found: list[str]) -> bool:
    room_id, connection_ids = removal.room_id, found[: settings.FANOUT_BATCH]
    websocket_api.broadcast(connection_ids, removal.frame)
    result = websocket_api.close_all(connection_ids)
    # Connections that could not be closed stay in the room, so that the next attempt finds them.
    left = members.leave(room_id, result.delivered) + members.leave(room_id, result.gone, skip_connecting=True)
    if removal.attempt == jobs.MAX_REMOVAL_ATTEMPTS - 1:
        left += members.leave(room_id, result.failed)  # they stay open, but are in no room
    announce(websocket_api, Left, room_id, left)
    if left and len(found) > len(connection_ids):
        jobs.enqueue_removal(removal._replace(attempt=max(removal.attempt, 1)), at_once=True)
        return False
    return len(left) < len(found) or (removal.member_id is None and rooms.has_connections(room_id))


def close_oldest(websocket_api: BroadcastWebsocketAPI, room_id: str, member_id: str) -> None:
    """Close the oldest connection of a member that has too many, so that another one can join.

    Raises StorageError if DynamoDB fails.
    """
    member = members.find_member(room_id, member_id)
    member.forget_lost_connections()
    if len(member.connections) < limits.MAX_CONNECTIONS_PER_MEMBER:
        return
    oldest = [member.connections[0].connection_id]
    websocket_api.broadcast(oldest, frames.serialize(Error.of(ConnectionReplaced())))
    websocket_api.close_all(oldest)
    left = members.leave(room_id, oldest)
    announce(websocket_api, Left, room_id, left)


def retry_removal(websocket_api: BroadcastWebsocketAPI, removal: Removal) -> None:
    """Close the connections that a removal has missed, and those of a removal that was interrupted.

    The first job also queues the erasure of a closed room. The removal is repeated until a closed room has no
    connections, by their exact number, and a member none that the index contains. The removal of a member is also
    repeated while the ban is not stored: the queue may be faster.
    """
    room_id, member_id = removal.room_id, removal.member_id
    request_log.append_keys(room_id=room_id)
    websocket_api.endpoint = removal.endpoint
    if member_id is None:
        rooms.close(room_id)
        if removal.attempt == 0:
            jobs.enqueue_erasure(Erasure(room_id))
        is_due = True
    else:
        is_due = admission.is_banned(room_id, member_id)
    if not is_due or close_connections(websocket_api, removal):
        jobs.enqueue_removal(removal._replace(attempt=removal.attempt + 1))


def announce(
    websocket_api: BroadcastWebsocketAPI, event: type[Joined] | type[Left], room_id: str, connections: list[Connection]
) -> None:
    """Notify the other members of a room of joins or leaves.

    Best effort: a failed notification is logged and does not undo the join or leave.
    """
    try:
        announcement = presence.announcement(websocket_api.endpoint, event, room_id, connections)
        _send_announcement(websocket_api, room_id, announcement, {one.connection_id for one in connections})
    except Exception:
        request_log.add_metric(faults=1)
        log.exception("could not notify room %s: %s", room_id, event.__name__)


def _send_announcement(
    websocket_api: BroadcastWebsocketAPI, room_id: str, announcement: Announcement, excluded: Set[str]
) -> None:
    """Send joins or leaves to everyone in a room but the excluded connections."""
    if announcement.payloads:
        recipients = {
            id_: recipient
            for id_, recipient in Connection.recipients_in(room_id).items()
            if id_ not in excluded and not (announcement.is_partial and recipient.takes_batches)
        }
        send_to_room(websocket_api, room_id, announcement.payloads, recipients)


def _split(recipients: Mapping[str, Recipient]) -> tuple[dict[str, int], list[str]]:
    """Return the times until which the open connections receive frames, and the ids of the expired ones."""
    now = time.time()
    open_ = {id_: recipient.until for id_, recipient in recipients.items() if recipient.until > now}
    return open_, [id_ for id_ in recipients if id_ not in open_]


def _remove_closed(
    websocket_api: BroadcastWebsocketAPI, room_id: str, connection_ids: list[str], unreachable: Set[str] = frozenset()
) -> None:
    """Remove closed or expired connections from a room, and notify the others, but the unreachable ones.

    Those whose access token has expired receive the error `unauthorized`, and are closed.
    """
    try:
        left = members.leave(room_id, connection_ids, skip_connecting=True)
        if unauthorized := [connection.connection_id for connection in left if connection.is_token_expired]:
            websocket_api.broadcast(unauthorized, frames.serialize(Error.of(AccessTokenExpired())))
            websocket_api.close_all(unauthorized)
        announcement = presence.announcement(websocket_api.endpoint, Left, room_id, left)
        _send_announcement(websocket_api, room_id, announcement, unreachable | set(connection_ids))
    except Exception:
        # The frame has been delivered to the other members; the next broadcast retries the removal.
        request_log.add_metric(faults=1)
        log.exception("could not remove closed connections from room %s", room_id)
