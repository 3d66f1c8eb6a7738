"""Large rooms: batches of connection ids, handed to a queue, and posted by as many functions at once as there are.

A batch carries its frame and its connections. Those that could not be reached are handed over again, alone, so nobody
gets the frame twice whom one attempt knows to have it. A function that dies amid a batch has told nobody whom it
reached: the queue then gives the whole batch to another, and some members get the frame twice. The frame's sequence
tells a page so.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

from chalicelib import invocation, settings
from chalicelib.aws import session

__all__ = ["Batch", "hand_back", "hand_over"]

ATTEMPTS = 3
PAUSE_SECONDS = 2

log = logging.getLogger(f"{settings.APP_NAME}.fanout")


class Batch(NamedTuple):
    """One frame for some of the members of a room, and the endpoint at which they can be posted to."""

    endpoint: str
    room_id: str
    frame: str
    connection_ids: list[str]
    attempt: int = 1

    def without(self, done: Collection[str]) -> Batch:
        """Return what is left of a batch for the next attempt."""
        left = [connection_id for connection_id in self.connection_ids if connection_id not in done]
        return self._replace(connection_ids=left, attempt=self.attempt + 1)


def hand_over(endpoint: str, room_id: str, frame: str, connection_ids: Collection[str]) -> None:
    """Hand a frame for many connections to the queue, FANOUT_BATCH of them at a time."""
    ids = iter(connection_ids)
    while some := list(islice(ids, settings.FANOUT_BATCH)):
        _send(Batch(endpoint, room_id, frame, some))
    invocation.count(handed_over=len(connection_ids))


def hand_back(batch: Batch) -> None:
    """Hand over again, a little later, what an attempt left; after 3 attempts it is given up."""
    if not batch.connection_ids:
        return
    if batch.attempt > ATTEMPTS:
        log.warning("gave up %d connections of room %s", len(batch.connection_ids), batch.room_id)
    else:
        _send(batch, DelaySeconds=PAUSE_SECONDS)


def _send(batch: Batch, **options: Any) -> None:
    _client().send_message(QueueUrl=_queue_url(), MessageBody=json.dumps(batch, ensure_ascii=False), **options)


@cache
def _client() -> Any:
    return session().create_client("sqs")


@cache
def _queue_url() -> str:
    return str(_client().get_queue_url(QueueName=settings.FANOUT_QUEUE)["QueueUrl"])
