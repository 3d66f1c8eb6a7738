"""The fan-out queue: jobs on an SQS queue, one invocation per job.

- Batch: payloads for up to FANOUT_BATCH connections of a large room.
- Tick: the due messages of a large room. The function that takes the job reads them, and queues the batches.
- Presence: the joins and leaves of a few seconds, for those who receive them in one frame.
- Delivery: a webhook's message for everyone in a room. The function that takes the job reads message and connections.
- Summary: the reactions to a message, for everyone in a large room.
- Removal: the end of the connections of a room or of a member.
- Erasure: the deletion of what a closed room has stored.
- MessageErasure: the deletion of what removed members have sent.

A batch contains its payloads and its connections. Only failed connections are requeued; confirmed deliveries are not
repeated. But if a function crashes mid-batch, SQS redelivers the whole batch (at-least-once), and some connections
receive the payload twice.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, NamedTuple, get_args

from chalicelib import request_log, settings
from chalicelib.aws import session

MAX_BATCH_ATTEMPTS = 3
RETRY_DELAY_SECONDS = 2

MAX_REMOVAL_ATTEMPTS = 8
"""Together, the attempts take longer than a `$connect`, during which a connection cannot be closed."""

REMOVAL_DELAY_SECONDS = 5
"""The index of the connections is eventually consistent. After this time it contains every connection."""

log = logging.getLogger(f"{settings.APP_NAME}.fanout")


class Batch(NamedTuple):
    """Payloads for some connections of an endpoint, in their order. room_id is only logged and passed on.

    recipients: the time in Unix seconds at which each connection stops receiving, by connection id. rate: the maximum
    number of posts per second, None for no limit.
    """

    endpoint: str
    room_id: str
    payloads: list[str]
    recipients: dict[str, int]
    attempt: int = 1
    rate: float | None = None

    def next_attempt(self, payloads: list[str], connection_ids: Iterable[str]) -> Batch:
        """Return the batch for the next attempt: payloads for those connections to which the first one failed."""
        remaining = {id_: self.recipients[id_] for id_ in connection_ids}
        return self._replace(payloads=payloads, recipients=remaining, attempt=self.attempt + 1)


class Tick(NamedTuple):
    """A tick of a large room, with its number since the room was created."""

    endpoint: str
    room_id: str
    number: int


class Presence(NamedTuple):
    """The joins and leaves of a slot of time."""

    endpoint: str
    room_id: str
    slot: int


class Removal(NamedTuple):
    """The removal of all connections of a room, or of those of one member: tell them why, and close them.

    attempt: the number of jobs before this one. Jobs that follow at once, because there are many connections, count as
    one.
    """

    endpoint: str
    room_id: str
    frame: str
    member_id: str | None
    attempt: int = 0


class Delivery(NamedTuple):
    """A stored message for everyone in a room. It does not contain the text, which may be deleted while it waits."""

    endpoint: str
    room_id: str
    sequence: int


class Summary(NamedTuple):
    """The reactions to a message, for everyone in a room. The function that takes the job reads them."""

    endpoint: str
    room_id: str
    target: int


class MessageErasure(NamedTuple):
    """The deletion of what removed members have sent.

    after: the sequence after which the job continues another one. attempt: the number of jobs before this one that did
    not find the removal. is_last: whether everything that was in progress at the removal has been written.
    """

    room_id: str
    member_ids: list[str]
    after: int = 0
    attempt: int = 0
    is_last: bool = False


class Erasure(NamedTuple):
    """The deletion of the rows of a closed room. is_last: whether everything that was in progress has been written."""

    room_id: str
    is_last: bool = False


Job = Batch | Delivery | Erasure | MessageErasure | Presence | Removal | Summary | Tick

_KINDS: dict[str, Callable[..., Job]] = {kind.__name__: kind for kind in get_args(Job)}


def serialize(job: Job) -> str:
    """Return a job as the body of a message on the queue.

    It is ASCII: SQS rejects some characters that names and messages may contain, such as U+FFFF ("SendMessage").
    """
    return json.dumps([type(job).__name__, *job])


def parse(body: str) -> Job:
    """Return the job that the body of a message on the queue contains."""
    kind, *fields = json.loads(body)
    job = _KINDS[kind](*fields)
    if isinstance(job, Batch) and isinstance(job.payloads, str):  # queued by an earlier version, with one payload
        return job._replace(payloads=[job.payloads])
    return job


def enqueue_delivery(delivery: Delivery, function_arn: str) -> None:
    """Send a delivery to the queue.

    function_arn: ARN of the running function. The queue belongs to the same account, so its URL follows from the ARN,
    and the function needs no permission to look it up. `chalice local` has no ARN, and looks it up.
    """
    account = function_arn.split(":")[4] if function_arn else None
    # "Amazon SQS queue and message identifiers" describes this form.
    url = f"{_client().meta.endpoint_url}/{account}/{settings.FANOUT_QUEUE}" if account else _queue_url()
    _send(delivery, url)


def enqueue_removal(removal: Removal, *, at_once: bool = False) -> None:
    """Send a removal to the queue, with a delay of 5 seconds unless at_once. After 8 attempts, log and drop it."""
    if removal.attempt >= MAX_REMOVAL_ATTEMPTS:
        log.warning("dropped the removal of connections from room %s", removal.room_id)
    else:
        _send(removal, _queue_url(), DelaySeconds=0 if at_once else REMOVAL_DELAY_SECONDS)


def enqueue_later(job: Presence | Summary | Tick, *, delay: int) -> None:
    """Send a job to the queue, with a delay in seconds."""
    _send(job, _queue_url(), DelaySeconds=delay)


def enqueue_erasure(erasure: Erasure, *, delay: int = 0) -> None:
    """Send an erasure to the queue, with a delay in seconds."""
    _send(erasure, _queue_url(), DelaySeconds=delay)


def enqueue_message_erasure(erasure: MessageErasure, *, delay: int = REMOVAL_DELAY_SECONDS) -> None:
    """Send the erasure of messages to the queue, with a delay in seconds."""
    _send(erasure, _queue_url(), DelaySeconds=delay)


def enqueue(
    endpoint: str, room_id: str, payloads: Sequence[str], recipients: Mapping[str, int], rate: float | None = None
) -> None:
    """Send payloads for many connections to the queue, in batches of FANOUT_BATCH connections.

    rate: the maximum number of posts per second of all batches together, None for no limit.
    """
    remaining = iter(recipients.items())
    while batch := dict(islice(remaining, settings.FANOUT_BATCH)):
        share = None if rate is None else rate * len(batch) / len(recipients)
        _send(Batch(endpoint, room_id, list(payloads), batch, rate=share), _queue_url())
    request_log.add_metric(queued=len(recipients) * len(payloads))


def enqueue_rest(batch: Batch) -> None:
    """Send the rest of a batch to the queue, for another function."""
    _send(batch, _queue_url())


def requeue(batch: Batch) -> None:
    """Send the rest of a batch to the queue again, with a delay of 2 seconds. After 3 attempts, log and drop it."""
    if not batch.recipients:
        return
    if batch.attempt > MAX_BATCH_ATTEMPTS:
        log.warning("dropped %d connections of room %s", len(batch.recipients), batch.room_id)
    else:
        _send(batch, _queue_url(), DelaySeconds=RETRY_DELAY_SECONDS)


def _send(job: Job, url: str, **options: Any) -> None:
    _client().send_message(QueueUrl=url, MessageBody=serialize(job), **options)


@cache
def _client() -> Any:
    return session().create_client("sqs")


@cache
def _queue_url() -> str:
    return str(_client().get_queue_url(QueueName=settings.FANOUT_QUEUE)["QueueUrl"])
