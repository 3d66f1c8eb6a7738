"""Update of a room by its owner: its name, and whether it is locked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits
from chalicelib.chat import room_list, rooms
from chalicelib.storage.models import Room
from tests.support.gateway import Gateway
from tests.support.moderation import BOS, CYS, OWNERS, Sockets, act, error_code, history_of, member_id, rejection
from tests.support.sockets import Socket, members_of


def test_owner_renames_and_locks_the_room(owner: Socket, bo: Socket, room: Room, gateway: Gateway) -> None:
    act(owner, "updateRoom", roomName=" Coffee ")
    act(owner, "updateRoom", locked=True)
    act(owner, "updateRoom", roomName="Water", locked=False)
    assert gateway.texts("b") == [
        "Aki named the room Coffee",
        "Aki locked the room",
        "Aki named the room Water and unlocked the room",
    ]
    assert [frame["message"]["room"] for frame in gateway.frames["b"]] == [
        {
            "room_id": room.room_id,
            "name": name,
            "private": False,
            "locked": locked,
            "keepDays": 0,
            "slowSeconds": 0,
        }
        for name, locked in (("Coffee", False), ("Coffee", True), ("Water", False))
    ]
    assert [frame["message"]["sequence"] for frame in gateway.frames["b"]] == [1, 2, 3]
    assert [text for _, text in history_of(room)] == gateway.texts("b")
    assert [listed.name for listed in room_list.list_public(10)[0]] == ["Water"]


@pytest.mark.parametrize("data", [{}, {"roomName": ""}, {"roomName": 5}, {"locked": "yes"}, {"locked": None}])
def test_invalid_update_is_rejected(owner: Socket, room: Room, gateway: Gateway, data: dict[str, object]) -> None:
    act(owner, "updateRoom", **data)
    assert error_code(gateway, "a") == "invalid_message"
    assert history_of(room) == []


def test_locked_room_admits_those_who_were_connected_at_the_lock(
    owner: Socket, bo: Socket, socket: Sockets, ws_event: Any, room: Room, client: Client, clock: Any
) -> None:
    act(owner, "updateRoom", locked=True)
    for query in ({}, {"key": CYS}, {"name": "Bo"}):
        assert rejection(ws_event, "c", roomId=room.room_id, **query) == (
            403,
            "this room is locked: only those who have been in it can join",
        )
    response = client.http.get(f"/rooms/{room.room_id}?key={CYS}")
    assert (response.status_code, response.json_body["Code"]) == (403, "RoomLockedError")
    clock.shift(1)
    bo.disconnect()
    clock.shift(timedelta(hours=1))
    assert client.http.get(f"/rooms/{room.room_id}?key={BOS}").status_code == 200
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200
    assert socket("c").connect(roomId=room.room_id, key=CYS, owner=room.owner_token or "") == 200
    assert client.http.get(f"/rooms/{room.room_id}?owner={room.owner_token}").status_code == 200
    act(owner, "updateRoom", locked=False)
    assert socket("d").connect(roomId=room.room_id) == 200


def test_one_of_two_connections_that_was_open_at_the_lock_suffices(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: Any
) -> None:
    socket("b2").connect(roomId=room.room_id, key=BOS)
    bo.disconnect()
    clock.shift(1)
    act(owner, "updateRoom", locked=True)
    assert socket("b3").connect(roomId=room.room_id, key=BOS) == 200
    clock.shift(1)
    for one in ("b2", "b3"):
        socket(one).disconnect()
    assert socket("b4").connect(roomId=room.room_id, key=BOS) == 200


@pytest.mark.parametrize(("seconds", "is_admitted"), [(299, False), (300, True)])
def test_member_who_had_left_before_the_lock_is_admitted_if_it_joined_five_minutes_before(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: Any, seconds: int, is_admitted: bool
) -> None:
    clock.shift(1)
    bo.disconnect()
    clock.shift(seconds - 1)
    act(owner, "updateRoom", locked=True)
    act(owner, "updateRoom", locked=True)  # again, which changes nothing
    clock.shift(1_000)
    assert (socket("b2").connect(roomId=room.room_id, key=BOS) == 200) is is_admitted


def test_new_lock_does_not_admit_those_whom_the_former_one_has_admitted(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: Any
) -> None:
    act(owner, "updateRoom", locked=True)
    clock.shift(1)
    bo.disconnect()
    clock.shift(1)
    act(owner, "updateRoom", locked=False)
    act(owner, "updateRoom", locked=True)
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 403


def test_removed_member_does_not_come_back_to_a_locked_room(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, client: Client, clock: Any
) -> None:
    act(owner, "updateRoom", locked=True)
    clock.shift(1)
    act(owner, "removeMember", memberId=member_id("b"))
    codes = []
    for seconds in (limits.BAN_SECONDS - 1, 1):
        clock.shift(seconds)
        assert socket("b2").connect(roomId=room.room_id, key=BOS) == 403
        codes.append(client.http.get(f"/rooms/{room.room_id}?key={BOS}").json_body["Code"])
    assert codes == ["MemberBannedError", "RoomLockedError"]


def test_member_counts_as_new_after_a_ban(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: time_machine.Traveller
) -> None:
    act(owner, "removeMember", memberId=member_id("b"))
    clock.shift(timedelta(minutes=90))
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200
    clock.shift(1)
    socket("b2").disconnect()
    clock.shift(1)
    act(socket("a"), "updateRoom", locked=True)
    assert socket("b3").connect(roomId=room.room_id, key=BOS) == 403


def test_member_comes_back_to_a_locked_room_that_was_in_use_for_hours(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: time_machine.Traveller
) -> None:
    act(owner, "updateRoom", locked=True)
    clock.shift(1)
    bo.disconnect()
    for hour in range(3):
        clock.shift(timedelta(hours=1))
        query = {"key": OWNERS, "owner": room.owner_token or ""}
        assert socket(f"a{hour}").connect(roomId=room.room_id, **query) == 200
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200


def test_room_that_is_locked_during_a_join_is_not_joined(
    owner: Socket, ws_event: Any, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = rooms.authorize(room.room_id)
    act(owner, "updateRoom", locked=True)
    responses = iter([stale])
    get = rooms.authorize
    monkeypatch.setattr(rooms, "authorize", lambda *arguments: next(responses, None) or get(*arguments))
    assert rejection(ws_event, "c", roomId=room.room_id)[0] == 403
    assert members_of(room.room_id) == {"a"}


def test_room_of_an_earlier_version_can_be_changed(owner: Socket, room: Room, gateway: Gateway) -> None:
    """Its row lacks later attributes."""
    Room(room.room_id).update([Room.slow_seconds.remove(), Room.keep_days.remove()])
    act(owner, "updateRoom", slowSeconds=10, keepDays=1)
    changed = gateway.frames["a"][-1]["message"]["room"]
    assert (changed["slowSeconds"], changed["keepDays"]) == (10, 1)
