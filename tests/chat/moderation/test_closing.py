"""Closing of a room by its owner."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits, settings
from chalicelib.chat import rooms
from chalicelib.storage.models import Connection, Room
from tests.support.dynamodb import Crash, inject_faults
from tests.support.gateway import GONE, Gateway
from tests.support.moderation import OWNERS, Sockets, act, complete, member_id, rejection
from tests.support.rooms import create_room, fill_room
from tests.support.sockets import Socket, members_of


def test_closed_room_is_gone_and_all_connections_are_closed(
    owner: Socket, bo: Socket, ws_event: Any, room: Room, gateway: Gateway, client: Client, queue: Any
) -> None:
    sender = {"id": member_id("a"), "name": "Aki"}
    act(owner, "closeRoom")
    closed = {"message": {"type": "closed", "message": "Aki closed the room", "sender": sender}}
    assert gateway.frames == {"a": [closed], "b": [closed]}
    assert sorted(gateway.closed) == ["a", "b"]
    assert client.http.get("/rooms").json_body["rooms"] == []
    for path in ("", "/members", "/messages"):
        assert client.http.get(f"/rooms/{room.room_id}{path}").status_code == 404
    assert rejection(ws_event, "c", roomId=room.room_id, owner=room.owner_token or "")[0] == 404
    assert members_of(room.room_id) == set()
    assert complete(client, queue) == 1
    assert gateway.frames == {"a": [closed], "b": [closed]}


def test_large_room_is_closed_in_batches(
    owner: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 12)
    fill_room(room, [f"m{number}" for number in range(30)])
    act(owner, "closeRoom")
    assert len(gateway.closed) == 12
    assert complete(client, queue) == 3  # two batches, and the last look 5 seconds later
    assert len(gateway.closed) == len(set(gateway.closed)) == 31
    assert members_of(room.room_id) == set()
    assert not rooms.has_connections(room.room_id)


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
