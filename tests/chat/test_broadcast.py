"""Fan-out of large rooms: batches on the queue, requeued connections, and connections that are gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from chalice.test import Client

import app as chat_app
from chalicelib import settings
from chalicelib.chat import rooms
from chalicelib.delivery import jobs
from chalicelib.protocol import frames
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import GONE, Gateway
from tests.support.rooms import fill_room
from tests.support.sockets import Socket, members_of

MEMBERS = [f"m{number:02}" for number in range(35)]

Sockets = Callable[[str], Socket]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split rooms into batches of 10 connections, and requeue failed ones without a delay."""
    monkeypatch.setattr(settings, "FANOUT_BATCH", 10)
    monkeypatch.setattr(jobs, "RETRY_DELAY_SECONDS", 0)


@pytest.fixture
def large_room(room: Room, queue: Any, gateway: Gateway) -> Room:
    """Create a room of 35 members, who joined a minute ago."""
    fill_room(room, MEMBERS)
    return room


def process_queue(client: Client, queue: Any) -> list[int]:
    """Invoke the function for each job on the queue, as Lambda does, and return the numbers of their recipients."""
    sizes = []
    while found := queue.receive_messages(MaxNumberOfMessages=1):
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            sizes.append(len(getattr(jobs.parse(message.body), "recipients", ())))
            message.delete()
    return sizes


def test_message_to_a_large_room_is_delivered_in_batches(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    socket("m00").say("hi")
    assert not gateway.attempts
    assert process_queue(client, queue) == [0, 10, 10, 10, 5]  # the tick, and its batches
    assert {id_: gateway.texts(id_) for id_ in gateway.attempts} == {id_: ["hi"] for id_ in MEMBERS}


def test_message_to_a_room_of_one_batch_is_delivered_without_the_queue(
    queue: Any, room: Room, socket: Sockets, gateway: Gateway
) -> None:
    fill_room(room, MEMBERS[:10])
    socket("m00").say("hi")
    assert set(gateway.attempts) == set(MEMBERS[:10])


def test_only_failed_connections_are_requeued(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    gateway.respond("m03", 403, 200)
    gateway.respond("m07", 403)
    socket("m00").say("hi")
    assert sum(process_queue(client, queue)) == len(MEMBERS) + 1 + 2
    assert gateway.attempts == dict.fromkeys(MEMBERS, 1) | {"m03": 2, "m07": jobs.MAX_BATCH_ATTEMPTS}
    assert gateway.texts("m03") == ["hi"]


def test_gone_connections_leave_a_large_room_and_are_announced(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    for id_ in ("m05", "m06", "m20"):
        gateway.respond(id_, GONE)
    socket("m00").say("hi")
    process_queue(client, queue)
    assert members_of(large_room.room_id) == set(MEMBERS) - {"m05", "m06", "m20"}
    assert rooms.authorize(large_room.room_id).member_count == 32
    assert len([text for text in gateway.texts("m00") if text.endswith("left")]) == 3


def test_expired_connections_leave_a_large_room_without_being_sent_to(
    client: Client, queue: Any, large_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    for id_ in MEMBERS[:12]:
        Connection(id_).update([Connection.expires_at.set(datetime.now(UTC) - timedelta(seconds=1))])
    socket("m34").say("hi")
    process_queue(client, queue)
    assert gateway.attempts.keys() == set(MEMBERS[12:])
    assert members_of(large_room.room_id) == set(MEMBERS[12:])
    assert rooms.authorize(large_room.room_id).member_count == 23


def test_gone_connections_are_not_requeued(
    client: Client, queue: Any, large_room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 0)
    gateway.respond("m05", GONE)
    jobs.enqueue(gateway.url, large_room.room_id, [frames.serialize(frames.Pong())], {"m04": 2**33, "m05": 2**33})
    assert process_queue(client, queue) == [2]
    assert gateway.attempts == {"m04": 1, "m05": 1}


def test_batch_is_posted_to_its_endpoint(
    client: Client, queue: Any, room: Room, gateway: Gateway, no_endpoint: None
) -> None:
    jobs.enqueue(gateway.url, room.room_id, [frames.serialize(frames.Pong())], {"a": 2**33})
    process_queue(client, queue)
    assert gateway.frames["a"] == [{"pong": True}]


def test_requeued_batch_is_delayed(
    client: Client, queue: Any, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "RETRY_DELAY_SECONDS", 900)
    gateway.respond("a", 403)
    jobs.enqueue(gateway.url, room.room_id, [frames.serialize(frames.Pong())], {"a": 2**33})
    assert process_queue(client, queue) == [1]
    queue.reload()
    assert queue.attributes["ApproximateNumberOfMessagesDelayed"] == "1"


def test_queue_message_consists_of_characters_that_sqs_accepts() -> None:
    batch = jobs.Batch("https://x", "r", ["\ud800 \uffff \ufffe \U0001f44d"], {"a": 2**33})
    body = jobs.serialize(batch)
    assert body.isascii()
    assert body.isprintable()
    assert jobs.parse(body) == batch


def test_largest_batch_fits_into_one_sqs_message() -> None:
    batch = jobs.Batch(
        "https://x" * 10, "r" * 16, "\U0001f44d" * 4_000, {f"L0SM9cOFvHcC{number:04}": 2**33 for number in range(2_000)}
    )
    assert len(jobs.serialize(batch).encode()) < 256 * 1024
