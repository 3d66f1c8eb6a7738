"""Owners: rename, lock and close a room, remove members; and the deletion of messages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import limits, message_history, messages, room_list, rooms, settings
from chalicelib.delivery import fanout
from chalicelib.storage.models import Connection, Message, Room
from tests.conftest import Socket, members_of
from tests.dynamodb import Crash, inject_faults
from tests.gateway import GONE, Gateway
from tests.rooms import fill_room

Sockets = Callable[[str], Socket]

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OWNERS, BOS, CYS = "o" * 22, "b" * 22, "c" * 22


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Coordinates]:
    """Stop the time. Only the test moves it."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture(autouse=True)
def _queue(queue: Any) -> None:
    """Every test has a queue."""


@pytest.fixture
def owner(socket: Sockets, room: Room) -> Socket:
    """Connect Aki as the owner of the room."""
    socket("a").connect(roomId=room.room_id, name="Aki", key=OWNERS, owner=room.owner_token or "")
    return socket("a")


@pytest.fixture
def bo(owner: Socket, socket: Sockets, room: Room, gateway: Gateway) -> Socket:
    """Connect Bo after the owner, and forget the frames."""
    socket("b").connect(roomId=room.room_id, name="Bo", key=BOS)
    gateway.frames.clear()
    return socket("b")


def act(member: Socket, action: str, **data: object) -> None:
    member.send({"action": action, "data": data})


def member_id(connection_id: str) -> str:
    return str(Connection.get(connection_id, consistent_read=True).member_id)


def error_code(gateway: Gateway, connection_id: str) -> str:
    return str(gateway.frames[connection_id][-1]["error"]["code"])


def history(room: Room, after: int | None = None) -> list[tuple[int, str | None]]:
    return [(int(row.sequence), row.text) for row in message_history.read(room.room_id, after, token=None).messages]


def refusal(ws_event: Any, connection_id: str, **query: str) -> tuple[int, str]:
    answer = chat_app.connect(ws_event("$connect", connection_id, query=query), None)
    return answer["statusCode"], answer["body"]


# The owner's token


def test_welcome_tells_who_is_the_owner(owner: Socket, bo: Socket, gateway: Gateway) -> None:
    for member in (owner, bo):
        act(member, "hello")
    assert [gateway.frames[id_][-1]["welcome"]["owner"] for id_ in "ab"] == [True, False]


def test_every_wrong_owner_token_gets_the_same_error(ws_event: Any, room: Room) -> None:
    right = room.owner_token or ""
    bodies = {
        refusal(ws_event, "x", roomId=room.room_id, owner=token)
        for token in ("x", right[:-1], right + "x", room.owner_hash, rooms.create("Coffee").owner_token or "")
    }
    ((status, body),) = bodies
    assert status == 403
    assert "ownerToken" in body
    assert members_of(room.room_id) == set()


def test_owner_token_does_not_replace_the_join_token(socket: Sockets, tables: None) -> None:
    room = rooms.create("Party", private=True)
    assert socket("a").connect(roomId=room.room_id, owner=room.owner_token or "") == 403
    assert socket("a").connect(roomId=room.room_id, owner=room.owner_token or "", token=room.join_token or "") == 200


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("updateRoom", {"roomName": "Coffee"}),
        ("updateRoom", {}),
        ("removeMember", {"memberId": "m" * 16}),
        ("closeRoom", {}),
    ],
)
def test_action_of_the_owner_is_forbidden_to_others(
    bo: Socket, room: Room, gateway: Gateway, action: str, data: dict[str, object]
) -> None:
    act(bo, action, **data)
    assert error_code(gateway, "b") == "forbidden"
    assert gateway.frames["a"] == []
    assert (rooms.get(room.room_id).name, members_of(room.room_id)) == ("Tea", {"a", "b"})
    assert history(room) == []


# Deletion


def test_author_deletes_a_message(owner: Socket, bo: Socket, room: Room, gateway: Gateway) -> None:
    bo.say("secret words", clientId="c-1")
    owner.say("what?")
    gateway.frames.clear()
    act(bo, "deleteMessage", sequence=1)
    (frame,) = gateway.frames["a"]
    assert frame == {
        "message": {
            "type": "deleted",
            "message": "Bo deleted a message",
            "sender": {"id": member_id("b"), "name": "Bo"},
            "target": 1,
            "clientId": "c-1",
            "sequence": 3,
            "sentAt": "2026-11-23T12:00:00.000Z",
        }
    }
    assert gateway.frames["b"] == [frame]
    assert history(room) == [(2, "what?"), (3, "Bo deleted a message")]
    assert history(room, after=2) == [(3, "Bo deleted a message")]
    assert "secret words" not in str([row.attribute_values for row in Message.scan(consistent_read=True)])


def test_owner_deletes_any_message(owner: Socket, bo: Socket, room: Room) -> None:
    bo.say("hi")
    act(owner, "deleteMessage", sequence=1)
    assert history(room) == [(2, "Aki deleted a message")]


def test_author_deletes_a_message_of_an_earlier_connection(bo: Socket, socket: Sockets, room: Room) -> None:
    bo.say("hi")
    bo.disconnect()
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    act(socket("b2"), "deleteMessage", sequence=1)
    assert history(room) == [(2, "Bo deleted a message")]


def test_only_the_one_who_repeats_the_deletion_of_another_hears_of_it(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    bo.say("hi")
    act(bo, "deleteMessage", sequence=1)
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    gateway.frames.clear()
    act(socket("c"), "deleteMessage", sequence=1)
    assert gateway.frames.keys() == {"c"}
    assert gateway.frames["c"][0]["message"]["target"] == 1


def test_message_of_another_is_not_deleted(bo: Socket, socket: Sockets, room: Room, gateway: Gateway) -> None:
    bo.say("hi")
    socket("c").connect(roomId=room.room_id, name="Bo", key=CYS)
    act(socket("c"), "deleteMessage", sequence=1)
    assert error_code(gateway, "c") == "forbidden"
    assert history(room) == [(1, "hi")]


def test_repeated_deletion_sends_the_same_event(bo: Socket, room: Room, gateway: Gateway) -> None:
    bo.say("hi")
    gateway.frames.clear()
    for _ in range(2):
        act(bo, "deleteMessage", sequence=1)
    assert [frame["message"]["sequence"] for frame in gateway.frames["a"]] == [2, 2]
    assert history(room) == [(2, "Bo deleted a message")]


@pytest.mark.parametrize("kind", ["tombstone", "event", "nothing"])
def test_only_a_message_can_be_deleted(owner: Socket, bo: Socket, room: Room, gateway: Gateway, kind: str) -> None:
    message_history._write_tombstone(room, messages.take_sequence(room.room_id), [])
    act(owner, "updateRoom", locked=True)
    act(owner, "deleteMessage", sequence=["tombstone", "event", "nothing"].index(kind) + 1)
    assert error_code(gateway, "a") == "invalid_message"
    assert history(room) == [(2, "Aki locked the room")]


def test_expired_message_cannot_be_deleted(
    bo: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: Any
) -> None:
    bo.say("hi")
    for number in range(24):
        clock.shift(timedelta(hours=1))
        socket(f"b{number}").connect(roomId=room.room_id, key=BOS)
    act(socket("b23"), "deleteMessage", sequence=1)
    assert error_code(gateway, "b23") == "invalid_message"


@pytest.mark.parametrize("sequence", [None, 0, -1, 1.5, "1", True, 10**15, {}])
def test_invalid_sequence_is_rejected(bo: Socket, room: Room, gateway: Gateway, sequence: object) -> None:
    bo.say("hi")
    act(bo, "deleteMessage", sequence=sequence)
    assert error_code(gateway, "b") == "invalid_message"
    assert history(room) == [(1, "hi")]


def test_deleted_message_that_is_sent_again_is_not_stored_again(bo: Socket, room: Room, gateway: Gateway) -> None:
    bo.say("hi", clientId="c-1")
    act(bo, "deleteMessage", sequence=1)
    bo.say("hi", clientId="c-1")
    assert gateway.frames["b"][-1]["error"] | {"message": ""} == {
        "code": "forbidden",
        "message": "",
        "action": "sendMessage",
        "clientId": "c-1",
    }
    assert history(room) == [(2, "Bo deleted a message")]


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_deletion_that_crashes_happens_completely_or_not_at_all(
    bo: Socket, room: Room, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo.say("hi")
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: fault if operation == "TransactWriteItems" else None)
        with pytest.raises(Crash):
            act(bo, "deleteMessage", sequence=1)
    assert history(room) == ([(1, "hi")] if fault == "crash before" else [(2, "Bo deleted a message")])
    act(bo, "deleteMessage", sequence=1)
    assert [text for _, text in history(room)] == ["Bo deleted a message"]


# Rename and lock


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
        {"room_id": room.room_id, "name": name, "private": False, "locked": locked}
        for name, locked in (("Coffee", False), ("Coffee", True), ("Water", False))
    ]
    assert [frame["message"]["sequence"] for frame in gateway.frames["b"]] == [1, 2, 3]
    assert [text for _, text in history(room)] == gateway.texts("b")
    assert [listed.name for listed in room_list.list_public(10)[0]] == ["Water"]


@pytest.mark.parametrize("data", [{}, {"roomName": ""}, {"roomName": 5}, {"locked": "yes"}, {"locked": None}])
def test_invalid_update_is_rejected(owner: Socket, room: Room, gateway: Gateway, data: dict[str, object]) -> None:
    act(owner, "updateRoom", **data)
    assert error_code(gateway, "a") == "invalid_message"
    assert history(room) == []


def test_locked_room_admits_those_who_were_in_it(
    owner: Socket, bo: Socket, socket: Sockets, ws_event: Any, room: Room, client: Client, clock: Any
) -> None:
    act(owner, "updateRoom", locked=True)
    for query in ({}, {"key": CYS}, {"name": "Bo"}):
        assert refusal(ws_event, "c", roomId=room.room_id, **query) == (
            403,
            "this room is locked: only those who have been in it can join",
        )
    answer = client.http.get(f"/rooms/{room.room_id}?key={CYS}")
    assert (answer.status_code, answer.json_body["Code"]) == (403, "RoomLockedError")
    bo.disconnect()
    clock.shift(timedelta(hours=1))
    assert client.http.get(f"/rooms/{room.room_id}?key={BOS}").status_code == 200
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200
    assert socket("c").connect(roomId=room.room_id, key=CYS, owner=room.owner_token or "") == 200
    assert client.http.get(f"/rooms/{room.room_id}?owner={room.owner_token}").status_code == 200
    act(owner, "updateRoom", locked=False)
    assert socket("d").connect(roomId=room.room_id) == 200


def test_member_comes_back_to_a_locked_room_that_was_in_use_for_hours(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: time_machine.Coordinates
) -> None:
    act(owner, "updateRoom", locked=True)
    bo.disconnect()
    for hour in range(3):
        clock.shift(timedelta(hours=1))
        query = {"key": OWNERS, "owner": room.owner_token or ""}
        assert socket(f"a{hour}").connect(roomId=room.room_id, **query) == 200
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200


def test_room_that_is_locked_during_a_join_is_not_joined(
    owner: Socket, ws_event: Any, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = rooms.get(room.room_id)
    act(owner, "updateRoom", locked=True)
    answers = iter([stale])
    get = rooms.get
    monkeypatch.setattr(rooms, "get", lambda *arguments: next(answers, None) or get(*arguments))
    assert refusal(ws_event, "c", roomId=room.room_id)[0] == 403
    assert members_of(room.room_id) == {"a"}


# Removal


def test_removed_member_is_out_and_cannot_come_back_for_an_hour(
    owner: Socket, bo: Socket, socket: Sockets, ws_event: Any, room: Room, gateway: Gateway, client: Client, clock: Any
) -> None:
    for number in range(4):
        socket(f"b{number}").connect(roomId=room.room_id, name="Bo", key=BOS)
    gateway.frames.clear()
    bos = member_id("b")
    act(owner, "removeMember", memberId=bos)
    removed = {
        "type": "removed",
        "message": "Aki removed Bo",
        "sender": {"id": member_id("a"), "name": "Aki"},
        "member": {"id": bos, "name": "Bo"},
        "sequence": 1,
        "sentAt": "2026-11-23T12:00:00.000Z",
    }
    assert gateway.frames["a"][0] == {"message": removed}
    assert all({"message": removed} in gateway.frames[id_] for id_ in ("b", "b0", "b1", "b2", "b3"))
    assert sorted(gateway.closed) == ["b", "b0", "b1", "b2", "b3"]
    assert members_of(room.room_id) == {"a"}
    assert rooms.get(room.room_id).member_count == 1
    assert gateway.frames["a"][-1]["message"]["memberCount"] == 1
    assert history(room) == [(1, "Aki removed Bo")]
    bo.say("I am still here")
    assert error_code(gateway, "b") == "not_in_room"
    clock.shift(timedelta(seconds=limits.BAN_SECONDS - 1))
    status, body = refusal(ws_event, "again", roomId=room.room_id, name="Bob", key=BOS)
    assert (status, body.split(";")[0]) == (403, "the owner of this room has removed you")
    answer = client.http.get(f"/rooms/{room.room_id}?key={BOS}")
    assert (answer.status_code, answer.json_body["Code"]) == (403, "MemberBannedError")
    assert members_of(room.room_id) == {"a"}
    clock.shift(timedelta(seconds=1))
    assert socket("again").connect(roomId=room.room_id, key=BOS) == 200


def test_removed_member_does_not_come_back_to_a_locked_room(
    owner: Socket, bo: Socket, ws_event: Any, room: Room, clock: Any
) -> None:
    act(owner, "removeMember", memberId=member_id("b"))
    act(owner, "updateRoom", locked=True)
    clock.shift(timedelta(seconds=limits.BAN_SECONDS))
    assert refusal(ws_event, "b2", roomId=room.room_id, key=BOS)[1].startswith("this room is locked")


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
    assert len(history(room)) == is_removed
    assert complete(client, queue) == (1 if is_removed else fanout.MAX_REMOVAL_ATTEMPTS)
    assert members_of(room.room_id) == ({"a"} if is_removed else {"a", "b"})
    assert gateway.closed == (["b"] if is_removed else [])
    answer = chat_app.connect(ws_event("$connect", "b2", query={"roomId": room.room_id, "key": BOS}), None)
    assert answer["statusCode"] == (403 if is_removed else 200)


def test_removal_that_cannot_be_queued_is_not_stored(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(fanout, "enqueue_removal", lambda *_: 1 / 0)
        act(owner, "removeMember", memberId=member_id("b"))
    assert error_code(gateway, "a") == "internal"
    assert (history(room), members_of(room.room_id)) == ([], {"a", "b"})


@pytest.mark.parametrize("action", ["removeMember", "closeRoom"])
@pytest.mark.parametrize("failure", [500, GONE])
def test_connection_that_cannot_be_closed_at_first_is_closed_later(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, action: str, failure: int
) -> None:
    """API Gateway fails, or the connection's `$connect` is still running."""
    data = {"memberId": member_id("b")} if action == "removeMember" else {}
    others = 2 if action == "removeMember" else 1  # posts: the event for everyone, the one for the removed
    gateway.answer("b", *[200] * others, *[failure] * 3, 200)
    act(owner, action, **data)
    assert "b" in members_of(room.room_id)
    complete(client, queue)
    assert "b" not in members_of(room.room_id)
    assert gateway.closed[-1] == "b"
    assert rooms.has_connections(room.room_id) is (action == "removeMember")


def test_batches_whose_connections_cannot_be_closed_are_given_up(
    owner: Socket, room: Room, gateway: Gateway, client: Client, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "FANOUT_BATCH", 2)
    ids = ["a", "m1", "m2", "m3", "m4"]
    fill_room(room, ids[1:])
    for id_ in ids:
        gateway.answer(id_, 403)
    act(owner, "closeRoom")
    assert complete(client, queue) == fanout.MAX_REMOVAL_ATTEMPTS
    assert members_of(room.room_id) == set(ids)


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
    assert history(room) == [(1, "Aki removed Bea")]
    assert refusal(ws_event, "b2", roomId=room.room_id, key=BOS)[0] == 403


def test_nobody_is_removed_by_an_unknown_id_or_ones_own(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway
) -> None:
    for wrong in ("m" * 16, member_id("a"), "m" * 15, None, 5):
        act(owner, "removeMember", memberId=wrong)
        assert error_code(gateway, "a") == "invalid_message"
    assert members_of(room.room_id) == {"a", "b"}
    assert history(room) == []


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
    assert (members_of(room.room_id), rooms.get(room.room_id).member_count) == ({"a"}, 1)


def complete(client: Client, queue: Any) -> int:
    """Invoke the function for each message on the queue, without their delays. Returns how many there were."""
    count = 0
    while found := _receive(queue):
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            message.delete()
            count += 1
    return count


def _receive(queue: Any) -> Any:
    """Receive a message as if its delay had passed."""
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=2 * fanout.REMOVAL_DELAY_SECONDS)):
        return queue.receive_messages(MaxNumberOfMessages=1)


# Closing


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
    assert refusal(ws_event, "c", roomId=room.room_id, owner=room.owner_token or "")[0] == 404
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
        room = rooms.create("Tea")
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
        is_closed = not rooms.get_or_none(room.room_id)
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


def test_removal_that_never_succeeds_is_dropped(
    room: Room, client: Client, queue: Any, caplog: pytest.LogCaptureFixture, gateway: Gateway
) -> None:
    Room(room.room_id).update([Room.member_count.set(1)])  # a connection that no row belongs to
    fanout.enqueue_removal(fanout.Removal(gateway.url, room.room_id, json.dumps({"pong": True}), None))
    assert complete(client, queue) == fanout.MAX_REMOVAL_ATTEMPTS
    assert "dropped the removal" in caplog.text


def test_gone_connections_do_not_stop_the_closing(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, clock: time_machine.Coordinates
) -> None:
    clock.shift(timedelta(seconds=limits.MAX_CONNECT_SECONDS))
    gateway.answer("b", GONE)
    act(owner, "closeRoom")
    assert members_of(room.room_id) == set()
