"""Closing of a room by its owner."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits, settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import erasure, members, messages, rooms, webhooks
from chalicelib.delivery import jobs
from chalicelib.errors import ChatError, NotInRoom
from chalicelib.storage.models import Connection, Message, Room
from tests.support.dynamodb import Crash, inject_faults
from tests.support.gateway import GONE, Gateway
from tests.support.messages import take_sequence
from tests.support.moderation import OWNERS, Sockets, act, complete, member_id, rejection
from tests.support.rooms import create_room, fill_room
from tests.support.sockets import Socket, members_of


def test_closed_room_is_gone_and_all_connections_are_closed(
    owner: Socket, bo: Socket, ws_event: Any, room: Room, gateway: Gateway, client: Client, queue: Any
) -> None:
    sender = {"id": member_id("a"), "name": "Aki", "role": "owner"}
    act(owner, "closeRoom")
    closed = {"message": {"type": "closed", "message": "Aki closed the room", "sender": sender}}
    assert gateway.frames == {"a": [closed], "b": [closed]}
    assert sorted(gateway.closed) == ["a", "b"]
    assert client.http.get("/rooms").json_body["rooms"] == []
    for path in ("", "/members", "/messages"):
        assert client.http.get(f"/rooms/{room.room_id}{path}").status_code == 404
    assert rejection(ws_event, "c", roomId=room.room_id, owner=room.owner_token or "")[0] == 404
    assert members_of(room.room_id) == set()
    assert complete(client, queue) == 3  # the last look at the connections, and two erasures
    assert gateway.frames == {"a": [closed], "b": [closed]}


def test_large_room_is_closed_in_batches(
    owner: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 12)
    fill_room(room, [f"m{number}" for number in range(30)])
    act(owner, "closeRoom")
    assert len(gateway.closed) == 12
    assert complete(client, queue) == 5  # two batches, and 5 seconds later the last look and two erasures
    assert len(gateway.closed) == len(set(gateway.closed)) == 31
    assert members_of(room.room_id) == set()
    assert not rooms.has_connections(room.room_id)


def test_rest_of_a_large_room_is_closed_without_a_delay(
    socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 2)
    queued = []
    monkeypatch.setattr(jobs, "enqueue_removal", lambda removal, **options: queued.append(options))
    socket("a").connect(roomId=room.room_id, owner=room.owner_token or "")
    for number in range(3):
        socket(f"b{number}").connect(roomId=room.room_id)
    act(socket("a"), "closeRoom")
    assert queued == [{}, {"at_once": True}]


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_closing_that_crashes_at_any_write_is_completed(
    socket: Sockets, gateway: Gateway, client: Client, queue: Any, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The function crashes at its first write, then at its second one, and so on."""
    for fatal in range(10):
        room = create_room("Tea")
        socket(f"a{fatal}").connect(roomId=room.room_id, key=OWNERS, owner=room.owner_token or "")
        socket(f"b{fatal}").connect(roomId=room.room_id)
        writes = 0

        def crash(operation: str, _: Any) -> Any:
            nonlocal writes
            writes += operation in ("UpdateItem", "TransactWriteItems", "PutItem")
            return fault if writes == fatal + 1 else None  # noqa: B023

        with monkeypatch.context() as patch:
            inject_faults(patch, crash)
            try:
                act(socket(f"a{fatal}"), "closeRoom")
                crashed = False
            except Crash:
                crashed = True
        complete(client, queue)
        is_closed = not rooms.find(room.room_id)
        assert is_closed == (members_of(room.room_id) == set()), "half closed"
        assert is_closed or fatal == 0, "the first write is the rate limit's"
        if not crashed:
            break
    assert fatal >= 3
    assert gateway.closed


def test_connection_that_joined_while_the_room_was_closed_is_ended(
    owner: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_room(room, ["late"])
    query, hidden = Connection.by_room.query, 2

    def stale(*arguments: Any) -> Any:
        nonlocal hidden
        hidden -= 1
        return (row for row in query(*arguments) if hidden < 0 or row.connection_id != "late")

    monkeypatch.setattr(Connection.by_room, "query", stale)
    act(owner, "closeRoom")
    assert gateway.closed == ["a"]
    complete(client, queue)
    assert gateway.closed == ["a", "late"]


def test_gone_connections_do_not_stop_the_closing(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    clock.shift(timedelta(seconds=limits.MAX_CONNECT_SECONDS))
    gateway.respond("b", GONE)
    act(owner, "closeRoom")
    assert members_of(room.room_id) == set()


# A closed room stays closed


@pytest.fixture
def busy_room(client: Client, socket: Sockets, gateway: Gateway) -> Room:
    """Create a kept room with an owner, a guest, messages, a gap, an event, a ban and a webhook."""
    room = create_room("Tea", keep_days=2)
    socket("a").connect(roomId=room.room_id, name="Aki", key=OWNERS, owner=room.owner_token or "")
    socket("b").connect(roomId=room.room_id, name="Bo", key="b" * 22)
    socket("c").connect(roomId=room.room_id, name="Cy", key="c" * 22)
    socket("b").say("hi", clientId="one")
    take_sequence(room)
    act(socket("a"), "updateRoom", roomName="Coffee")
    act(socket("a"), "removeMember", memberId=member_id("c"))
    _, token = webhooks.create(room.room_id, room.owner_token or "", "CI")
    list(webhooks.store_messages(webhooks.find(token), "built", "two"))
    gateway.reset()
    return room


def rows_of(room_id: str) -> list[Any]:
    """Return everything that the tables contain of a room."""
    found: list[Any] = [row for row in Connection.scan(consistent_read=True) if row.joined_room_id == room_id]
    found += Message.keys_in(room_id)
    return found + [row for row in Room.scan(consistent_read=True) if row.room_id == room_id]


def test_closing_erases_everything_but_the_state(busy_room: Room, socket: Sockets, client: Client, queue: Any) -> None:
    act(socket("a"), "closeRoom")
    complete(client, queue)
    sequence, room = rows_of(busy_room.room_id)
    assert sequence == "sequence"
    assert {name for name, value in room.attribute_values.items() if value} == {
        "room_id",
        "closed",
        "created_at",
        "expires_at",
    }


def test_rows_that_are_written_during_the_erasure_are_erased_later(
    busy_room: Room, socket: Sockets, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence = messages.take_sequence(busy_room.room_id)
    sender, batch_write = Connection.get("b"), Message.batch_write
    late: list[Message] = []

    def store_late() -> Any:
        if not late:
            late.append(messages.store(sender, "late", "three", sequence))
        return batch_write()

    act(socket("a"), "closeRoom")
    monkeypatch.setattr(Message, "batch_write", store_late)
    complete(client, queue)
    assert late
    assert len(rows_of(busy_room.room_id)) == 2


def test_erasure_of_many_rows_takes_several_jobs(
    busy_room: Room, socket: Sockets, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "MAX_SECONDS", 0)
    monkeypatch.setattr(erasure, "ROWS_PER_CHECK", 3)
    act(socket("a"), "closeRoom")
    assert complete(client, queue) > 5
    assert len(rows_of(busy_room.room_id)) == 2


def test_no_write_revives_a_closed_room(busy_room: Room, socket: Sockets, clock: time_machine.Traveller) -> None:
    """The writes have read the room before it was closed, and their clocks are behind."""
    before, sender = rooms.authorize(busy_room.room_id), Connection.get("b")
    rooms.close(busy_room.room_id)
    clock.shift(-0.5)
    with pytest.raises(NotInRoom):
        messages.store(sender, "late", None)
    rooms.extend(before)
    assert socket("d").connect(roomId=busy_room.room_id) == 404
    assert members.leave(busy_room.room_id, ["a", "b"])
    assert rooms.find(busy_room.room_id) is None
    assert Room.get(busy_room.room_id, consistent_read=True).closed


@pytest.mark.parametrize("grace", [0, 60])
def test_leave_that_has_read_the_room_before_it_was_closed_neither_revives_nor_refills_it(
    socket: Sockets, client: Client, queue: Any, gateway: Gateway, monkeypatch: pytest.MonkeyPatch, grace: int
) -> None:
    monkeypatch.setattr(settings, "EMPTY_ROOM_GRACE_SECONDS", grace)
    room = create_room("Tea")
    socket("b").connect(roomId=room.room_id, key="b" * 22)
    stale = iter([Room.get(room.room_id, consistent_read=True)])
    rooms.close(room.room_id)
    erasure.erase(jobs.Erasure(room.room_id, is_last=True))
    find = Room.find
    monkeypatch.setattr(Room, "find", lambda room_id: next(stale, None) or find(room_id))
    socket("b").disconnect()
    assert len(rows_of(room.room_id)) == 2
    assert Room.get(room.room_id, consistent_read=True).closed


def test_rename_in_a_room_that_is_being_erased_stores_nothing(
    busy_room: Room, socket: Sockets, gateway: Gateway
) -> None:
    rooms.close(busy_room.room_id)
    erasure.erase(jobs.Erasure(busy_room.room_id, is_last=True))
    act(socket("b"), "rename", name="Bea")
    assert gateway.frames["b"][-1]["error"]["code"] == "not_in_room"
    assert set(Message.keys_in(busy_room.room_id)) == {"sequence"}


@pytest.mark.parametrize("round_", range(3))
def test_concurrent_joins_and_hooks_do_not_revive_a_room(
    busy_room: Room, socket: Sockets, client: Client, queue: Any, round_: int
) -> None:
    tokens = [webhooks.create(busy_room.room_id, busy_room.owner_token or "", f"CI {number}")[1] for number in range(5)]
    owner = socket("a")

    def join(number: int) -> None:
        for attempt in range(3):
            with suppress(ChatError):
                members.join(
                    f"j{number}-{attempt}", busy_room.room_id, credentials=Credentials(key=str(number % 7) * 22)
                )

    def send(token: str) -> None:
        for attempt in range(3):
            with suppress(ChatError):
                list(webhooks.store_messages(webhooks.find(token), "hi", f"{attempt}"))

    with ThreadPoolExecutor(18) as pool:
        tasks = [pool.submit(join, number) for number in range(12)] + [pool.submit(send, token) for token in tokens]
        closing = pool.submit(act, owner, "closeRoom")
        for task in [*tasks, closing]:
            task.result()
    complete(client, queue)
    assert rooms.find(busy_room.room_id) is None
    assert len(rows_of(busy_room.room_id)) == 2


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_closing_is_completed_after_a_crash_at_any_write(
    busy_room: Room,
    gateway: Gateway,
    client: Client,
    queue: Any,
    fault: Any,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every other write crashes the function, and the queue delivers its job again."""
    writes = crashes = 0

    def crash(operation: str, _: Any) -> Any:
        nonlocal writes
        is_write = operation in ("UpdateItem", "TransactWriteItems", "BatchWriteItem")
        writes += is_write
        return fault if is_write and writes % 2 else None

    jobs.enqueue_removal(jobs.Removal(gateway.url, busy_room.room_id, json.dumps({"pong": True}), None))
    with monkeypatch.context() as patch:
        inject_faults(patch, crash)
        while True:
            try:
                complete(client, queue)
                break
            except Crash:
                crashes += 1
                clock.shift(timedelta(minutes=10))  # after which the queue delivers the job again
    assert crashes >= 2
    assert rooms.find(busy_room.room_id) is None
    assert set(Message.keys_in(busy_room.room_id)) == {"sequence"}
