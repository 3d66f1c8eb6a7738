"""Removal of members by the owner."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from chalice.test import Client

import app as chat_app
from chalicelib import limits, settings
from chalicelib.chat import presence, rooms
from chalicelib.delivery import jobs
from chalicelib.storage.models import Connection, Room
from tests.support.clock import NOON
from tests.support.dynamodb import Crash, inject_faults
from tests.support.gateway import GONE, Gateway
from tests.support.moderation import BOS, Sockets, act, complete, error_code, history_of, member_id, rejection
from tests.support.rooms import fill_room
from tests.support.sockets import Socket, members_of

ERASURES = 2
"""Number of jobs that erase a closed room."""


def test_removed_member_is_out_and_cannot_come_back_for_an_hour(
    owner: Socket, bo: Socket, socket: Sockets, ws_event: Any, room: Room, gateway: Gateway, client: Client, clock: Any
) -> None:
    for number in range(4):
        socket(f"b{number}").connect(roomId=room.room_id, name="Bo", key=BOS)
    gateway.frames.clear()
    bos = member_id("b")
    clock.shift(presence.WINDOW_SECONDS)  # so that the leaves are announced at once
    act(owner, "removeMember", memberId=bos)
    removed = {
        "type": "removed",
        "message": "Aki removed Bo",
        "sender": {"id": member_id("a"), "name": "Aki", "role": "owner"},
        "member": {"id": bos, "name": "Bo"},
        "sequence": 1,
        "sentAt": "2026-11-23T12:00:30.000Z",
    }
    assert gateway.frames["a"][0] == {"message": removed}
    assert all({"message": removed} in gateway.frames[id_] for id_ in ("b", "b0", "b1", "b2", "b3"))
    assert sorted(gateway.closed) == ["b", "b0", "b1", "b2", "b3"]
    assert members_of(room.room_id) == {"a"}
    assert rooms.authorize(room.room_id).member_count == 1
    assert gateway.frames["a"][-1]["message"]["memberCount"] == 1
    assert history_of(room) == [(1, "Aki removed Bo")]
    bo.say("I am still here")
    assert error_code(gateway, "b") == "not_in_room"
    clock.shift(timedelta(seconds=limits.BAN_SECONDS - 1))
    status, body = rejection(ws_event, "again", roomId=room.room_id, name="Bob", key=BOS)
    assert (status, body.split(";")[0]) == (403, "the owner or a moderator has removed you from this room")
    response = client.http.get(f"/rooms/{room.room_id}?key={BOS}")
    assert (response.status_code, response.json_body["Code"]) == (403, "MemberBannedError")
    assert members_of(room.room_id) == {"a"}
    clock.shift(timedelta(seconds=1))
    assert socket("again").connect(roomId=room.room_id, key=BOS) == 200


def test_removed_member_does_not_come_back_to_a_locked_room(
    owner: Socket, bo: Socket, ws_event: Any, room: Room, clock: Any
) -> None:
    act(owner, "removeMember", memberId=member_id("b"))
    act(owner, "updateRoom", locked=True)
    clock.shift(timedelta(seconds=limits.BAN_SECONDS))
    assert rejection(ws_event, "b2", roomId=room.room_id, key=BOS)[1].startswith("this room is locked")


def test_connection_that_the_index_does_not_contain_yet_is_closed_at_once(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    bos, query = member_id("b"), Connection.by_room.query
    with monkeypatch.context() as patch:
        patch.setattr(
            Connection.by_room, "query", lambda *key: (row for row in query(*key) if row.connection_id != "b2")
        )
        act(owner, "removeMember", memberId=bos)
    assert sorted(gateway.closed) == ["b", "b2"]
    assert members_of(room.room_id) == {"a"}


def test_member_who_was_banned_once_comes_back_to_a_locked_room_only_as_a_member_again(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: Any
) -> None:
    act(owner, "removeMember", memberId=member_id("b"))
    clock.shift(timedelta(seconds=limits.BAN_SECONDS))
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200
    clock.shift(timedelta(minutes=6))
    act(owner, "updateRoom", locked=True)
    socket("b2").disconnect()
    assert socket("b3").connect(roomId=room.room_id, key=BOS) == 200


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_removal_that_crashes_happens_completely_or_not_at_all(
    owner: Socket,
    bo: Socket,
    ws_event: Any,
    room: Room,
    gateway: Gateway,
    client: Client,
    queue: Any,
    fault: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bos = member_id("b")
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: fault if operation == "TransactWriteItems" else None)
        with pytest.raises(Crash):
            act(owner, "removeMember", memberId=bos)
    is_removed = fault == "crash after"
    assert len(history_of(room)) == is_removed
    assert complete(client, queue) == (1 if is_removed else jobs.MAX_REMOVAL_ATTEMPTS)
    assert members_of(room.room_id) == ({"a"} if is_removed else {"a", "b"})
    assert gateway.closed == (["b"] if is_removed else [])
    response = chat_app.connect(ws_event("$connect", "b2", query={"roomId": room.room_id, "key": BOS}), None)
    assert response["statusCode"] == (403 if is_removed else 200)


def test_removal_that_cannot_be_queued_is_not_stored(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "enqueue_removal", lambda *_: 1 / 0)
        act(owner, "removeMember", memberId=member_id("b"))
    assert error_code(gateway, "a") == "internal"
    assert (history_of(room), members_of(room.room_id)) == ([], {"a", "b"})


@pytest.mark.parametrize("action", ["removeMember", "closeRoom"])
@pytest.mark.parametrize("failure", [500, GONE])
def test_connection_that_cannot_be_closed_at_first_is_closed_later(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, action: str, failure: int
) -> None:
    """API Gateway fails, or the connection's `$connect` is still running."""
    data = {"memberId": member_id("b")} if action == "removeMember" else {}
    others = 2 if action == "removeMember" else 1  # posts: the event for everyone, the one for the removed
    gateway.respond("b", *[200] * others, *[failure] * 3, 200)
    act(owner, action, **data)
    assert "b" in members_of(room.room_id)
    complete(client, queue)
    assert "b" not in members_of(room.room_id)
    assert gateway.closed[-1] == "b"
    assert rooms.has_connections(room.room_id) is (action == "removeMember")


def test_member_whose_connection_cannot_be_closed_is_out_of_the_room_in_the_end(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, client: Client, queue: Any
) -> None:
    gateway.respond("b", 403)
    act(owner, "removeMember", memberId=member_id("b"))
    complete(client, queue)
    gateway.respond("b", 200)
    gateway.frames.clear()
    owner.say("without Bo")
    bo.say("still here")
    assert [list(frame) for frame in gateway.frames["b"]] == [["error"]]
    assert gateway.texts("a") == ["without Bo"]


def test_batches_whose_connections_cannot_be_closed_are_given_up(
    owner: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 2)
    ids = ["a", "m1", "m2", "m3", "m4"]
    fill_room(room, ids[1:])
    for id_ in ids:
        gateway.respond(id_, 403)
    act(owner, "closeRoom")
    assert complete(client, queue) >= jobs.MAX_REMOVAL_ATTEMPTS + ERASURES
    assert members_of(room.room_id) == set()


def test_member_without_a_key_is_removed(owner: Socket, socket: Sockets, room: Room, gateway: Gateway) -> None:
    socket("g").connect(roomId=room.room_id, name="Guest")
    act(owner, "removeMember", memberId=member_id("g"))
    assert gateway.closed == ["g"]
    assert members_of(room.room_id) == {"a"}


def test_member_who_has_just_left_is_kept_out(owner: Socket, bo: Socket, ws_event: Any, room: Room) -> None:
    bos = member_id("b")
    act(bo, "rename", name="Bea")
    bo.disconnect()
    act(owner, "removeMember", memberId=bos)
    assert history_of(room) == [(1, "Aki removed Bea")]
    assert rejection(ws_event, "b2", roomId=room.room_id, key=BOS)[0] == 403


def test_nobody_is_removed_by_an_unknown_id_or_ones_own(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway
) -> None:
    for wrong in ("m" * 16, member_id("a"), "m" * 15, None, 5):
        act(owner, "removeMember", memberId=wrong)
        assert error_code(gateway, "a") == "invalid_message"
    assert members_of(room.room_id) == {"a", "b"}
    assert history_of(room) == []


def test_removal_ends_connections_that_the_index_shows_later(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, client: Client, queue: Any
) -> None:
    bos = member_id("b")
    act(owner, "removeMember", memberId=bos)
    # A connection that joined just before the ban, and that the index did not contain yet.
    rows = Connection(
        "late",
        joined_room_id=room.room_id,
        member_id=bos,
        name="Bo",
        message_times=[0] * settings.MESSAGES_PER_WINDOW,
        joined_at=NOON,
        expires_at=NOON + timedelta(hours=2),
    )
    rows.save()
    Room(room.room_id).update([Room.member_count.add(1)])
    complete(client, queue)
    assert "late" in gateway.closed
    assert (members_of(room.room_id), rooms.authorize(room.room_id).member_count) == ({"a"}, 1)


def test_removal_that_never_succeeds_is_dropped(
    room: Room, client: Client, queue: Any, caplog: pytest.LogCaptureFixture, gateway: Gateway
) -> None:
    Room(room.room_id).update([Room.member_count.set(1)])  # a connection that no row belongs to
    jobs.enqueue_removal(jobs.Removal(gateway.url, room.room_id, json.dumps({"pong": True}), None))
    assert complete(client, queue) == jobs.MAX_REMOVAL_ATTEMPTS + ERASURES
    assert "dropped the removal" in caplog.text


def test_several_members_are_removed_at_once(
    owner: Socket, socket: Sockets, ws_event: Any, room: Room, gateway: Gateway, client: Client, queue: Any
) -> None:
    keys = [f"{number:022}" for number in range(25)]
    for number, key in enumerate(keys):
        socket(f"m{number}").connect(roomId=room.room_id, name=f"M{number}", key=key)
    ids = [member_id(f"m{number}") for number in range(25)]
    gateway.reset()
    act(owner, "removeMember", memberIds=ids)
    events = [frame["message"] for frame in gateway.frames["a"] if frame["message"]["type"] == "removed"]
    assert [event["member"]["id"] for event in events] == ids
    assert history_of(room) == [(number + 1, f"Aki removed M{number}") for number in range(25)]
    assert members_of(room.room_id) == {"a"}
    assert len(set(gateway.closed)) == 25
    assert rejection(ws_event, "again", roomId=room.room_id, key=keys[24])[0] == 403
    complete(client, queue)
    assert len(gateway.closed) == 25


@pytest.mark.parametrize(
    "data", [{}, {"memberIds": []}, {"memberIds": ["x" * 16] * 26}, {"memberIds": ["x" * 16], "memberId": "x" * 16}]
)
def test_members_to_remove_must_be_named_in_one_way(owner: Socket, gateway: Gateway, data: dict[str, Any]) -> None:
    act(owner, "removeMember", **data)
    assert error_code(gateway, "a") == "invalid_message"


@pytest.mark.parametrize("other", ["nobody", "owner"])
def test_nobody_is_removed_if_one_of_several_cannot_be(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, other: str
) -> None:
    act(owner, "removeMember", memberIds=[member_id("b"), member_id("a") if other == "owner" else "x" * 16])
    assert error_code(gateway, "a") == "invalid_message"
    assert members_of(room.room_id) == {"a", "b"}
    assert history_of(room) == []


def test_member_who_is_named_twice_is_removed_once(owner: Socket, bo: Socket, room: Room, gateway: Gateway) -> None:
    act(owner, "removeMember", memberIds=[member_id("b")] * 2)
    assert history_of(room) == [(1, "Aki removed Bo")]


def test_removal_outlasts_a_connect_that_is_running() -> None:
    """Until `$connect` has returned, API Gateway returns 410 for the connection, which cannot be closed."""
    assert jobs.MAX_REMOVAL_ATTEMPTS * jobs.REMOVAL_DELAY_SECONDS > limits.MAX_CONNECT_SECONDS
