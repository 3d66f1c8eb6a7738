"""Delivery of frames to the members of a room, and removal of members whose connection is closed.

API Gateway invokes `$disconnect` on a best-effort basis. If it did not, the first sign of a closed connection is that a
post to it gets a 410. The connection is then removed from its room.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping

from chalicelib import request_log, rooms, settings
from chalicelib.delivery import fanout
from chalicelib.delivery.broadcast import BroadcastWebsocketAPI
from chalicelib.delivery.fanout import Batch
from chalicelib.presence import presence_frames
from chalicelib.storage.models import Connection
from chalicelib.storage.transactions import StorageError

__all__ = ["send_batch", "send_to_room"]

log = logging.getLogger(f"{settings.APP_NAME}.room_delivery")


def send_to_room(
    websocket_api: BroadcastWebsocketAPI, room_id: str, frames: Iterable[str], recipients: Mapping[str, int]
) -> None:
    """Send frames to connections of a room.

    recipients: the expiry of each connection in Unix seconds, by connection id.

    Up to FANOUT_BATCH recipients are posted to at once. For more, the frames are queued in batches, and `send_batch`
    posts them. Expired and closed connections are removed from the room, and the others receive their leave frames.

    Raises StorageError if DynamoDB fails, and botocore's errors if the queue fails.
    """
    now = time.time()
    expired = [id_ for id_, expires_at in recipients.items() if expires_at <= now]
    reachable = recipients.keys() - expired
    pending = deque([*frames, *_remove_gone(room_id, expired)])
    if len(reachable) > settings.FANOUT_BATCH:
        for frame in pending:
            fanout.enqueue(websocket_api.endpoint, room_id, frame, reachable)
        return
    while pending:
        result = websocket_api.broadcast(reachable, pending.popleft())
        # A connection that failed once would only delay the leave frames after it.
        reachable -= {*result.gone, *result.failed}
        pending += _remove_gone(room_id, result.gone)


def send_batch(websocket_api: BroadcastWebsocketAPI, batch: Batch) -> None:
    """Send a batch of the fan-out queue, requeue its failed connections, and remove the closed ones from their room."""
    request_log.append_keys(room_id=batch.room_id)
    websocket_api.endpoint = batch.endpoint
    result = websocket_api.broadcast(batch.connection_ids, batch.payload)
    fanout.requeue(batch.next_attempt({*result.delivered, *result.gone}))
    if leaves := _remove_gone(batch.room_id, result.gone):
        send_to_room(websocket_api, batch.room_id, leaves, Connection.recipients_in(batch.room_id))


def _remove_gone(room_id: str, connection_ids: list[str]) -> list[str]:
    """Remove closed or expired connections from a room, and return their leave frames."""
    try:
        return presence_frames("leave", room_id, rooms.leave(room_id, connection_ids, skip_connecting=True))
    except StorageError:
        # The frame has been delivered to the other members; the next broadcast retries the removal.
        request_log.add_metric(faults=1)
        log.exception("could not remove closed connections from room %s", room_id)
        return []
