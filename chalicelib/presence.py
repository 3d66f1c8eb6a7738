"""Join and leave notifications, and delivery to the members who are present.

Delivery finds out who is gone. A closed tab may never send `$disconnect`: the first sign of it is that a post to its
connection gets a 410. Such a connection is removed from its room, and the others receive its leave frame.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Literal

from chalicelib import frames, request_log, rooms, settings
from chalicelib.delivery import fanout
from chalicelib.delivery.broadcast import BroadcastWebsocketAPI
from chalicelib.delivery.fanout import Batch
from chalicelib.storage.models import Connection
from chalicelib.storage.transactions import StorageError

__all__ = ["notify", "send_batch", "send_to_room"]

log = logging.getLogger(f"{settings.APP_NAME}.presence")


def notify(
    websocket_api: BroadcastWebsocketAPI, change: Literal["join", "leave"], room_id: str, connections: list[Connection]
) -> None:
    """Notify the other members of a room of joins or leaves.

    Best effort: a failed notification is logged and does not undo the join or leave.
    """
    try:
        if notifications := _presence_frames(change, room_id, connections):
            recipients = Connection.expiries_in(room_id)
            for connection in connections:
                recipients.pop(connection.connection_id, None)
            send_to_room(websocket_api, room_id, notifications, recipients)
    except Exception:
        request_log.add_metric(faults=1)
        log.exception("could not notify room %s of a %s", room_id, change)


def send_to_room(
    websocket_api: BroadcastWebsocketAPI, room_id: str, to_send: Iterable[str], recipients: Mapping[str, int]
) -> None:
    """Send frames to connections of a room, given the expiry of each in Unix seconds.

    Above FANOUT_BATCH recipients, the fan-out queue delivers them. Expired and closed connections are removed from the
    room, and the others receive their leave frames.
    """
    now = time.time()
    expired = [id_ for id_, expires_at in recipients.items() if expires_at <= now]
    reachable = recipients.keys() - expired
    queue = deque([*to_send, *_remove_gone(room_id, expired)])
    if len(reachable) > settings.FANOUT_BATCH:
        for frame in queue:
            fanout.enqueue(websocket_api.endpoint, room_id, frame, reachable)
        return
    while queue:
        result = websocket_api.broadcast(reachable, queue.popleft())
        # A connection that failed once would only delay the leave frames after it.
        reachable -= {*result.gone, *result.failed}
        queue += _remove_gone(room_id, result.gone)


def send_batch(websocket_api: BroadcastWebsocketAPI, batch: Batch) -> None:
    """Deliver a batch of the fan-out queue, requeue its failed connections, and remove those that are gone."""
    request_log.append_keys(room_id=batch.room_id)
    websocket_api.endpoint = batch.endpoint
    result = websocket_api.broadcast(batch.connection_ids, batch.payload)
    fanout.requeue(batch.without({*result.delivered, *result.gone}))
    if leaves := _remove_gone(batch.room_id, result.gone):
        send_to_room(websocket_api, batch.room_id, leaves, Connection.expiries_in(batch.room_id))


def _remove_gone(room_id: str, connection_ids: list[str]) -> list[str]:
    """Remove connections from a room, and return their leave frames."""
    try:
        return _presence_frames("leave", room_id, rooms.leave(room_id, connection_ids, skip_connecting=True))
    except StorageError:
        # The delivery to the other members stands.
        request_log.add_metric(faults=1)
        log.exception("could not remove gone connections from room %s; the next broadcast retries", room_id)
        return []


def _presence_frames(change: Literal["join", "leave"], room_id: str, connections: list[Connection]) -> list[str]:
    """Return the frames that announce joins or leaves: none if the room is empty or above PRESENCE_LIMIT."""
    room = rooms.get_or_none(room_id) if connections else None
    if room is None or not 0 < (member_count := int(room.member_count)) <= settings.PRESENCE_LIMIT:
        return []
    return [frames.presence(change, connection, member_count) for connection in connections]
