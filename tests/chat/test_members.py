"""Members: the key that makes several connections one member, their list, and new names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import broadcast, messages, rooms
from chalicelib.chat.members import join
from chalicelib.storage.models import Connection, Room
from chalicelib.websocket import events
from tests.support.gateway import Gateway
from tests.support.rooms import create_room
from tests.support.sockets import Socket

Sockets = Callable[[str], Socket]

AKIS, BOS = "aki" * 8, "bo-_" * 16


@pytest.fixture
def members(client: Client, room: Room) -> Callable[[], Any]:
    """Return a function that lists the members over REST."""
    return lambda: client.http.get(f"/rooms/{room.room_id}/members").json_body["members"]


def welcome(member: Socket, gateway: Gateway) -> Any:
    member.send({"action": "hello"})
    return gateway.frames[member.id][-1]["welcome"]


def test_key_keeps_the_member_id_across_connections(socket: Sockets, room: Room, gateway: Gateway) -> None:
    first, second, other, guest = (socket(id_) for id_ in "abcd")
    first.connect(roomId=room.room_id, key=AKIS)
    second.connect(roomId=room.room_id, key=AKIS)
    other.connect(roomId=room.room_id, key=BOS)
    guest.connect(roomId=room.room_id)
    ids = [welcome(member, gateway)["member"]["id"] for member in (first, second, other, guest)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    first.disconnect()
    again = socket("e")
    again.connect(roomId=room.room_id, key=AKIS)
    assert welcome(again, gateway)["member"]["id"] == ids[0]


def test_key_gives_unrelated_ids_in_two_rooms(socket: Sockets, room: Room, gateway: Gateway) -> None:
    other = create_room("Coffee")
    socket("a").connect(roomId=room.room_id, key=AKIS)
    socket("b").connect(roomId=other.room_id, key=AKIS)
    assert welcome(socket("a"), gateway)["member"]["id"] != welcome(socket("b"), gateway)["member"]["id"]


@pytest.mark.parametrize("key", ["k" * 21, "k" * 65, "k" * 21 + "é", "k" * 21 + "/", "k" * 21 + " ", "k" * 22 + "\n"])
def test_key_of_another_form_is_rejected_without_being_quoted(ws_event: Any, room: Room, key: str) -> None:
    response = chat_app.connect(ws_event("$connect", "a", query={"roomId": room.room_id, "key": key}), None)
    assert response["statusCode"] == 400
    assert "22 to 64 characters" in response["body"]
    assert key not in response["body"]
    assert list(Connection.scan(consistent_read=True)) == []


def test_empty_key_is_no_key(socket: Sockets, room: Room) -> None:
    assert socket("a").connect(roomId=room.room_id, key="") == 200


def test_member_with_several_connections_is_listed_once(
    socket: Sockets, room: Room, members: Callable[[], Any], gateway: Gateway
) -> None:
    for id_, key in (("a", AKIS), ("b", BOS), ("c", AKIS), ("d", AKIS)):
        socket(id_).connect(roomId=room.room_id, name=f"name {id_}", key=key)
    aki, bo = (welcome(socket(id_), gateway)["member"]["id"] for id_ in "ab")
    assert members() == [{"id": aki, "name": "name d", "connections": 3}, {"id": bo, "name": "name b"}]
    assert rooms.authorize(room.room_id).member_count == 4
    socket("d").disconnect()
    assert members() == [{"id": aki, "name": "name c", "connections": 2}, {"id": bo, "name": "name b"}]
    socket("c").disconnect()
    assert members() == [{"id": aki, "name": "name a"}, {"id": bo, "name": "name b"}]
    assert rooms.authorize(room.room_id).member_count == 2


def test_reload_of_one_of_two_tabs_keeps_the_list_and_the_count(
    socket: Sockets, room: Room, members: Callable[[], Any], gateway: Gateway
) -> None:
    socket("tab").connect(roomId=room.room_id, name="Aki", key=AKIS)
    for number in range(10):
        reloaded = socket(f"tab {number}")
        reloaded.connect(roomId=room.room_id, name="Aki", key=AKIS)
        assert [member["name"] for member in members()] == ["Aki"]
        assert rooms.authorize(room.room_id).member_count == 2
        reloaded.disconnect()
        assert [member["name"] for member in members()] == ["Aki"]
        assert rooms.authorize(room.room_id).member_count == 1


# Rename


@pytest.fixture
def trio(socket: Sockets, room: Room, gateway: Gateway) -> tuple[Socket, Socket, Socket]:
    """Connect Aki twice and Bo once, and forget the frames."""
    for id_, name, key in (("a", "Aki", AKIS), ("a2", "Aki", AKIS), ("b", "Bo", BOS)):
        socket(id_).connect(roomId=room.room_id, name=name, key=key)
    gateway.reset()
    return socket("a"), socket("a2"), socket("b")


def rename(member: Socket, name: object) -> None:
    member.send({"action": "rename", "data": {"name": name}})


def test_new_name_is_announced_to_everyone(
    trio: tuple[Socket, Socket, Socket], gateway: Gateway, members: Callable[[], Any]
) -> None:
    rename(trio[0], " Bea ")
    (frame,) = gateway.frames["b"]
    assert frame == {
        "message": {
            "type": "rename",
            "message": "Aki is now Bea",
            "sender": {"id": members()[0]["id"], "name": "Bea"},
            "formerName": "Aki",
        }
    }
    assert gateway.frames["a"] == gateway.frames["a2"] == [frame]


def test_new_name_belongs_to_all_connections_of_the_member(
    trio: tuple[Socket, Socket, Socket], gateway: Gateway, members: Callable[[], Any]
) -> None:
    trio[1].say("before")
    rename(trio[0], "Bea")
    trio[1].say("after")
    names = [
        frame["message"]["sender"]["name"] for frame in gateway.frames["b"] if frame["message"]["type"] == "message"
    ]
    assert names == ["Aki", "Bea"]
    assert [member["name"] for member in members()] == ["Bea", "Bo"]


def test_same_name_is_acknowledged_but_not_announced(trio: tuple[Socket, Socket, Socket], gateway: Gateway) -> None:
    rename(trio[0], "Aki")
    assert gateway.texts("a") == ["Aki is now Aki"]
    assert gateway.texts("b") == []


@pytest.mark.parametrize("name", [None, 5, "", " ", "x" * 41, "a\nb", [], {}])
def test_invalid_name_is_rejected(
    trio: tuple[Socket, Socket, Socket], gateway: Gateway, members: Callable[[], Any], name: object
) -> None:
    rename(trio[0], name)
    assert gateway.frames["a"][0]["error"]["code"] == "invalid_message"
    assert gateway.frames["a"][0]["error"]["action"] == "rename"
    assert gateway.frames["b"] == []
    assert [member["name"] for member in members()] == ["Aki", "Bo"]


def test_rename_counts_against_the_rate_limit(trio: tuple[Socket, Socket, Socket], gateway: Gateway) -> None:
    for number in range(settings.MESSAGES_PER_WINDOW):
        rename(trio[0], f"name {number}")
    rename(trio[0], "one too many")
    assert gateway.frames["a"][-1]["error"]["code"] == "rate_limited"
    assert (
        gateway.texts("b")[-1]
        == f"name {settings.MESSAGES_PER_WINDOW - 2} is now name {settings.MESSAGES_PER_WINDOW - 1}"
    )


def test_rename_in_a_room_above_the_presence_limit_is_not_announced(
    trio: tuple[Socket, Socket, Socket], gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 2)
    rename(trio[0], "Bea")
    assert gateway.texts("a") == ["Aki is now Bea"]
    assert gateway.texts("b") == []


def test_connection_that_left_is_told_so(trio: tuple[Socket, Socket, Socket], gateway: Gateway) -> None:
    trio[0].disconnect()
    gateway.reset()
    rename(trio[0], "Bea")
    assert gateway.frames["a"][0]["error"]["code"] == "not_in_room"
    assert gateway.texts("b") == []


def test_connection_that_left_during_a_rename_is_not_stored_again(
    trio: tuple[Socket, Socket, Socket], room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = list(Connection.by_room.query(room.room_id))
    trio[1].disconnect()
    monkeypatch.setattr(Connection.by_room, "query", lambda *_: iter(stale))
    rename(trio[0], "Bea")
    assert Connection.find("a2") is None
    assert gateway.texts("b")[-1] == "Aki is now Bea"


# Several connections


def test_member_has_at_most_20_connections_and_the_oldest_is_closed(
    socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    socket("other").connect(roomId=room.room_id, key=BOS)
    for number in range(22):
        assert socket(f"a{number}").connect(roomId=room.room_id, key=AKIS) == 200
        clock.shift(1)
    assert gateway.closed == ["a0", "a1"]
    assert [frame["error"]["code"] for frame in gateway.frames["a0"] if "error" in frame] == ["replaced"]
    assert rooms.authorize(room.room_id).member_count == 21
    assert gateway.frames["other"][-1]["message"]["memberCount"] == 21


def test_join_is_admitted_although_others_of_its_member_come_first(
    socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        socket(f"a{number}").connect(roomId=room.room_id, key=AKIS)
        clock.shift(1)
    others = iter(["b0", "b1", "b2"])

    def close_oldest(*arguments: Any) -> None:
        broadcast.close_oldest(*arguments)
        for other in islice(others, 1):
            join(other, room.room_id, None, Credentials(key=AKIS))

    monkeypatch.setattr(events, "close_oldest", close_oldest)
    assert socket("c").connect(roomId=room.room_id, key=AKIS) == 200
    assert rooms.authorize(room.room_id).member_count == 20
    assert sorted(gateway.closed) == ["a0", "a1", "a2", "a3"]


def test_member_that_joins_faster_than_the_index_has_at_most_20_connections(
    socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Connection.by_room, "query", lambda *_: iter(()))
    statuses = [socket(f"a{number}").connect(roomId=room.room_id, key=AKIS) for number in range(40)]
    assert statuses == [200] * 40
    assert Connection.count() == 20


def test_member_whose_other_connections_always_come_first_is_rejected(
    socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        socket(f"a{number}").connect(roomId=room.room_id, key=AKIS)
    monkeypatch.setattr(events, "close_oldest", lambda *_: None)
    assert socket("b").connect(roomId=room.room_id, key=AKIS) == 429
    assert Connection.count() == 20


def test_connections_whose_rows_were_deleted_do_not_count(
    socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    """TTL deletes the rows of connections whose `$disconnect` was lost."""
    for number in range(20):
        socket(f"a{number}").connect(roomId=room.room_id, key=AKIS)
        clock.shift(1)
    for number in range(15):
        Connection(f"a{number}").delete()
    for number in range(20, 36):
        assert socket(f"a{number}").connect(roomId=room.room_id, key=AKIS) == 200
    assert len(gateway.closed) == 1


def test_connections_of_guests_without_a_key_are_no_member(socket: Sockets, room: Room, gateway: Gateway) -> None:
    for number in range(25):
        assert socket(f"a{number}").connect(roomId=room.room_id) == 200
    assert gateway.closed == []


def test_rename_costs_the_same_with_20_connections(
    socket: Sockets, room: Room, gateway: Gateway, requests: Counter[str]
) -> None:
    counts = []
    for number in range(20):
        socket(f"a{number}").connect(roomId=room.room_id, name="Aki", key=AKIS)
        if number in (0, 19):
            requests.clear()
            rename(socket("a0"), f"Bea {number}")
            counts.append(requests.copy())
    assert counts[0] == counts[1]
    assert counts[0].total() <= 7
    assert {row.name for row in Connection.scan(consistent_read=True)} == {"Bea 19"}


def test_rename_beside_a_lock_leaves_the_lock(
    socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The room is locked while its owner gives it another name."""
    owner, other = socket("a"), socket("b")
    for one in (owner, other):
        one.connect(roomId=room.room_id, owner=room.owner_token or "")
    take_sequence = messages.take_sequence

    def lock_first(*arguments: Any) -> int:
        monkeypatch.setattr(messages, "take_sequence", take_sequence)
        other.send({"action": "updateRoom", "data": {"locked": True}})
        return take_sequence(*arguments)

    monkeypatch.setattr(messages, "take_sequence", lock_first)
    owner.send({"action": "updateRoom", "data": {"roomName": "Coffee"}})
    updated = rooms.authorize(room.room_id)
    assert (updated.name, updated.locked) == ("Coffee", True)
