"""Large rooms: who is posted to by which function, and what becomes of those who cannot be reached."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import rooms, settings
from chalicelib.delivery import fanout
from chalicelib.storage.models import Room
from tests.conftest import Socket, members_of
from tests.gateway import GONE, Gateway

MEMBERS = [f"m{number:02}" for number in range(35)]


@pytest.fixture
def queue(tables: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The queue, in moto, of a chat in which one function posts to no more than ten."""
    monkeypatch.setattr(settings, "FANOUT_BATCH", 10)
    monkeypatch.setattr(fanout, "RETRY_DELAY_SECONDS", 0)
    queue = boto3.resource("sqs").create_queue(QueueName=settings.FANOUT_QUEUE)
    yield queue
    fanout._queue_url.cache_clear()


@pytest.fixture
def large_room(room: Room, queue: Any, gateway: Gateway) -> Room:
    """A room of 35, who have been in it for a minute."""
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=1)):
        for id_ in MEMBERS:
            rooms.join(id_, room.room_id, None)
    return room


def work_off(client: Client, queue: Any) -> list[int]:
    """Do the queue's work, as Lambda would, and list how many connections each batch had."""
    sizes = []
    while found := queue.receive_messages(MaxNumberOfMessages=1):
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            sizes.append(len(fanout.Batch(*json.loads(message.body)).connection_ids))
            message.delete()
    return sizes


Sockets = Callable[[str], Socket]


def test_a_large_room_is_shared_out_in_batches(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    socket("m00").say("hi")
    assert not gateway.attempts
    assert work_off(client, queue) == [10, 10, 10, 5]
    assert {id_: gateway.texts(id_) for id_ in gateway.attempts} == {id_: ["hi"] for id_ in MEMBERS}


def test_a_room_of_one_batch_is_posted_to_at_once(queue: Any, room: Room, socket: Sockets, gateway: Gateway) -> None:
    for id_ in MEMBERS[:10]:
        rooms.join(id_, room.room_id, None)
    socket("m00").say("hi")
    assert set(gateway.attempts) == set(MEMBERS[:10])


def test_only_those_who_could_not_be_reached_are_tried_again(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    gateway.answer("m03", 403, 200)
    gateway.answer("m07", 403)
    socket("m00").say("hi")
    assert sum(work_off(client, queue)) == len(MEMBERS) + 1 + 2
    assert gateway.attempts == dict.fromkeys(MEMBERS, 1) | {"m03": 2, "m07": fanout.MAX_ATTEMPTS}
    assert gateway.texts("m03") == ["hi"]


def test_those_who_are_gone_leave_the_room_and_the_others_hear_of_it(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    for id_ in ("m05", "m06", "m20"):
        gateway.answer(id_, GONE)
    socket("m00").say("hi")
    work_off(client, queue)
    assert members_of(large_room.room_id) == set(MEMBERS) - {"m05", "m06", "m20"}
    assert rooms.get(large_room.room_id).member_count == 32
    assert len([text for text in gateway.texts("m00") if text.endswith("left")]) == 3


def test_a_batch_of_the_most_members_and_the_longest_frame_fits_a_message() -> None:
    batch = fanout.Batch("https://x" * 10, "r" * 16, "\U0001f44d" * 4_000, ["L0SM9cOFvHcCIhw="] * 2_000)
    assert len(json.dumps(batch, ensure_ascii=False).encode()) < 256 * 1024
