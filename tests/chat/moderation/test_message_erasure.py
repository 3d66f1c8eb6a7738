"""Removal of a member with all messages, and the list of who is out."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits
from chalicelib.chat import admission, history, messages
from chalicelib.delivery import jobs
from chalicelib.storage.models import Connection, Message, Room
from tests.support.dynamodb import WRITES, Crash, Fault, inject_faults
from tests.support.gateway import Gateway
from tests.support.messages import store_as
from tests.support.moderation import BOS, CYS, OWNERS, Sockets, act, complete, error_code, history_of, member_id
from tests.support.sockets import Socket


def texts_in_table(room: Room) -> list[str]:
    """Return the texts of all messages that are stored, also of hidden and expired ones."""
    rows = Message.query(room.room_id, Message.sort_key.startswith("message#"), consistent_read=True)
    return [row.text for row in rows if row.event is None and not row.is_tombstone]


def remove(owner: Socket, *names: str, **data: object) -> list[str]:
    """Remove members with their messages, and return their ids."""
    ids = [member_id(name) for name in names]
    act(owner, "removeMember", memberIds=ids, deleteMessages=True, **data)
    return ids


def test_messages_of_a_removed_member_go_in_one_step(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, client: Client, gateway: Gateway
) -> None:
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    for sender in ("a", "b", "c", "b"):
        socket(sender).say(f"by {sender}")
    gateway.frames.clear()
    (bos,) = remove(owner, "b")
    events = [frame["message"] for frame in gateway.frames["c"] if "sequence" in frame["message"]]
    assert [(event["type"], event["member"]["id"], event["messagesDeleted"]) for event in events] == [
        ("removed", bos, True)
    ]
    assert [text for _, text in history_of(room)] == ["by a", "by c", "Aki removed Bo"]
    assert texts_in_table(room) == ["by a", "by c"]
    stored = client.http.get(f"/rooms/{room.room_id}/messages?after=0").json_body["messages"]
    assert stored[-1] == events[0]


def test_several_members_lose_their_messages(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    for sender in ("a", "b", "c"):
        socket(sender).say(f"by {sender}")
    remove(owner, "b", "c")
    assert texts_in_table(room) == ["by a"]


def test_without_the_property_messages_stay(owner: Socket, bo: Socket, room: Room, gateway: Gateway) -> None:
    bo.say("hi")
    act(owner, "removeMember", memberId=member_id("b"))
    assert "messagesDeleted" not in gateway.frames["a"][-2]["message"]
    assert [text for _, text in history_of(room)] == ["hi", "Aki removed Bo"]


def test_older_messages_are_hidden_at_once_and_erased_by_the_queue(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ERASED_AT_ONCE", 3)
    store_as("b", *(f"b{number}" for number in range(8)))
    store_as("a", "mine")
    remove(owner, "b")
    assert len(texts_in_table(room)) == 6
    for after in (None, 0):
        found = history.read(room.room_id, after).messages
        assert [row.text for row in found] == ["mine", "Aki removed Bo"]
    complete(client, queue)
    assert texts_in_table(room) == ["mine"]
    assert not Room.get(room.room_id, consistent_read=True).hidden


def test_message_that_is_stored_during_the_removal_is_erased_too(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway, queue: Any
) -> None:
    late = messages.take_sequence(room.room_id)
    sender = Connection.get("b", consistent_read=True)
    remove(owner, "b")
    messages.store(sender, "late", None, late)
    assert [text for _, text in history_of(room)] == ["Aki removed Bo"]
    complete(client, queue)
    assert texts_in_table(room) == []


def test_member_who_comes_back_is_read_again(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, client: Client, gateway: Gateway, queue: Any
) -> None:
    bo.say("bad")
    (bos,) = remove(owner, "b")
    act(owner, "unbanMember", memberId=bos)
    assert socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    socket("b2").say("sorry")
    assert [text for _, text in history_of(room)] == ["Aki removed Bo", "sorry"]
    complete(client, queue)
    assert texts_in_table(room) == ["sorry"]


def test_erasure_that_comes_before_its_removal_is_repeated(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway, queue: Any
) -> None:
    """The queue may be faster than the transaction that stores the removal."""
    bo.say("hi")
    jobs.enqueue_message_erasure(jobs.MessageErasure(room.room_id, [member_id("b")]))
    assert complete(client, queue) == 4
    assert texts_in_table(room) == ["hi"]


def test_erasure_takes_several_jobs_if_there_is_much(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ERASED_AT_ONCE", 2)
    monkeypatch.setattr("chalicelib.chat.erasure.MAX_SECONDS", 0.0)
    monkeypatch.setattr("chalicelib.chat.erasure.PAGE_SIZE", 3)
    store_as("b", *(f"b{number}" for number in range(8)))
    remove(owner, "b")
    complete(client, queue)
    assert texts_in_table(room) == []


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
@pytest.mark.parametrize("write", range(5))
def test_removal_that_crashes_at_any_write_is_completed_or_has_not_begun(
    owner: Socket,
    bo: Socket,
    room: Room,
    client: Client,
    gateway: Gateway,
    queue: Any,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    write: int,
) -> None:
    bo.say("hi")
    bos, writes = member_id("b"), count()
    with monkeypatch.context() as patch, suppress(Crash):
        inject_faults(patch, lambda name, _: fault if name in WRITES and next(writes) == write else None)
        act(owner, "removeMember", memberId=bos, deleteMessages=True)
    complete(client, queue)
    is_removed = admission.is_banned(room.room_id, bos)
    assert [text for _, text in history_of(room)] == (["Aki removed Bo"] if is_removed else ["hi"])
    assert texts_in_table(room) == ([] if is_removed else ["hi"])
    assert not Room.get(room.room_id, consistent_read=True).hidden


# Bans


def bans(client: Client, room: Room, **query: str) -> Any:
    """Return the response to a request for the bans."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return client.http.get(f"/rooms/{room.room_id}/bans?{text}")


def test_bans_are_listed_for_the_owner_and_moderators_only(
    owner: Socket,
    bo: Socket,
    socket: Sockets,
    room: Room,
    client: Client,
    gateway: Gateway,
    clock: time_machine.Traveller,
) -> None:
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    socket("d").connect(roomId=room.room_id, name="Di", key="d" * 22)
    act(owner, "setRole", memberId=member_id("c"), role="moderator")
    ids = {name: member_id(name) for name in "bd"}
    for name in ids:
        act(owner, "removeMember", memberId=ids[name])
        clock.shift(60)
    listed = bans(client, room, owner=room.owner_token or "").json_body["bans"]
    assert [(ban["id"], ban["name"]) for ban in listed] == [(ids["d"], "Di"), (ids["b"], "Bo")]
    assert listed[0]["until"] > listed[1]["until"]
    assert bans(client, room, key=CYS).json_body["bans"] == listed
    for query in ({}, {"key": "e" * 22}, {"owner": "x" * 43}, {"key": BOS}):
        assert bans(client, room, **query).status_code == 403
    clock.shift(limits.BAN_SECONDS - 90)
    assert [ban["name"] for ban in bans(client, room, owner=room.owner_token or "").json_body["bans"]] == ["Di"]


def test_owner_lets_a_removed_member_come_back_also_to_a_locked_room(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, client: Client, gateway: Gateway
) -> None:
    act(owner, "updateRoom", locked=True)
    bos = member_id("b")
    act(owner, "removeMember", memberId=bos)
    assert socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS) == 403
    act(owner, "unbanMember", memberId=bos)
    assert bans(client, room, owner=room.owner_token or "").json_body == {"bans": []}
    assert socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS) == 200


def test_unknown_member_cannot_be_let_in(owner: Socket, gateway: Gateway) -> None:
    act(owner, "unbanMember", memberId="n" * 16)
    assert error_code(gateway, "a") == "invalid_message"


def test_owner_keeps_own_key(owner: Socket, socket: Sockets, room: Room, gateway: Gateway) -> None:
    """Another owner cannot remove the founder."""
    socket("a2").connect(roomId=room.room_id, name="Ai", key="p" * 22, owner=room.owner_token or "")
    for target in (member_id("a"), member_id("a2")):
        act(socket("a2"), "removeMember", memberId=target)
        assert error_code(gateway, "a2") == "invalid_message"
    owner.disconnect()
    assert socket("a3").connect(roomId=room.room_id, key=OWNERS) == 200


def test_ban_ends_after_an_hour(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, clock: time_machine.Traveller, gateway: Gateway
) -> None:
    act(owner, "removeMember", memberId=member_id("b"))
    clock.shift(timedelta(hours=1))
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 200
