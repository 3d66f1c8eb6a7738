"""Deletion of messages by their authors and by the owner."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.chat import history
from chalicelib.storage.models import Message, Room
from tests.support.dynamodb import Crash, inject_faults
from tests.support.gateway import Gateway
from tests.support.messages import before_next_event, fill_gap, take_sequence
from tests.support.moderation import BOS, CYS, Sockets, act, error_code, history_of, member_id
from tests.support.sockets import Socket


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
    assert history_of(room) == [(2, "what?"), (3, "Bo deleted a message")]
    assert history_of(room, after=2) == [(3, "Bo deleted a message")]
    assert "secret words" not in str([row.attribute_values for row in Message.scan(consistent_read=True)])


def test_owner_deletes_any_message(owner: Socket, bo: Socket, room: Room) -> None:
    bo.say("hi")
    act(owner, "deleteMessage", sequence=1)
    assert history_of(room) == [(2, "Aki deleted a message")]


def test_author_deletes_a_message_of_an_earlier_connection(bo: Socket, socket: Sockets, room: Room) -> None:
    bo.say("hi")
    bo.disconnect()
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    act(socket("b2"), "deleteMessage", sequence=1)
    assert history_of(room) == [(2, "Bo deleted a message")]


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
    assert history_of(room) == [(1, "hi")]


def test_repeated_deletion_sends_the_same_event(bo: Socket, room: Room, gateway: Gateway) -> None:
    bo.say("hi")
    gateway.frames.clear()
    for _ in range(2):
        act(bo, "deleteMessage", sequence=1)
    assert [frame["message"]["sequence"] for frame in gateway.frames["a"]] == [2, 2]
    assert history_of(room) == [(2, "Bo deleted a message")]


def test_deletion_that_loses_the_race_against_another_is_no_news(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sequence is closed: otherwise the room would have a higher sequence than any that its members can read."""
    bo.say("hi")
    before_next_event(monkeypatch, lambda: act(owner, "deleteMessage", sequence=1))
    act(bo, "deleteMessage", sequence=1)
    assert gateway.frames["b"][-1]["message"]["message"] == "Aki deleted a message"
    body = json.dumps({"rooms": [{"roomId": room.room_id}]}).encode()
    (found,) = client.http.post("/rooms/unread", headers={"Host": "localhost"}, body=body).json_body["rooms"]
    act(bo, "hello")
    assert gateway.frames["b"][-1]["welcome"]["lastSequence"] == found["lastSequence"] == 3
    assert history_of(room) == [(2, "Aki deleted a message")]


@pytest.mark.parametrize("sequence", [1, 2])
def test_tombstone_or_nothing_cannot_be_deleted(owner: Socket, room: Room, gateway: Gateway, sequence: int) -> None:
    fill_gap(room, take_sequence(room))
    act(owner, "deleteMessage", sequence=sequence)
    assert error_code(gateway, "a") == "invalid_message"
    assert history_of(room) == []


def test_owner_may_delete_an_event_whose_text_contains_a_name(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway
) -> None:
    act(owner, "updateRoom", roomName="Rude")
    act(bo, "deleteMessage", sequence=1)
    assert error_code(gateway, "b") == "forbidden"
    act(owner, "deleteMessage", sequence=1)
    assert history_of(room) == [(2, "Aki deleted a message")]
    assert "Rude" not in str(Message.get(room.room_id, Message.sort_key_of(1), consistent_read=True).attribute_values)


def test_deleted_event_loses_its_names_and_keeps_its_target(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway
) -> None:
    bo.say("hi", clientId="c-1")
    act(bo, "deleteMessage", sequence=1)
    act(owner, "deleteMessage", sequence=2)
    assert history_of(room) == [(2, "somebody deleted a message"), (3, "Aki deleted a message")]
    redacted = history.read(room.room_id).messages[0]
    assert (redacted.details, redacted.sender_name) == ({"target": 1, "clientId": "c-1"}, "somebody")
    act(owner, "deleteMessage", sequence=2)
    assert gateway.frames["a"][-1]["message"]["sequence"] == 3


def test_deleted_event_of_an_edit_still_tells_of_the_new_text(owner: Socket, bo: Socket, room: Room) -> None:
    bo.say("hi")
    act(bo, "editMessage", sequence=1, message="hello")
    act(owner, "deleteMessage", sequence=2)
    _, edited, _ = history.read(room.room_id).messages
    assert (edited.text, edited.sender_name) == ("somebody edited a message", "somebody")
    assert (edited.details, edited.edited_text) == ({"target": 1}, "hello")


def test_deleted_event_of_a_removal_still_tells_which_messages_were_deleted(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway
) -> None:
    bo.say("hi")
    id_ = member_id("b")
    act(owner, "removeMember", memberId=id_, deleteMessages=True)
    act(owner, "deleteMessage", sequence=2)
    removed, _ = history.read(room.room_id).messages
    assert (removed.text, removed.sender_name) == ("somebody removed somebody", "somebody")
    assert removed.details == {"member": {"id": id_, "name": "somebody"}, "messagesDeleted": True}


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
    assert history_of(room) == [(1, "hi")]


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
    assert history_of(room) == [(2, "Bo deleted a message")]


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_deletion_that_crashes_happens_completely_or_not_at_all(
    bo: Socket, room: Room, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo.say("hi")
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: fault if operation == "TransactWriteItems" else None)
        with pytest.raises(Crash):
            act(bo, "deleteMessage", sequence=1)
    assert history_of(room) == ([(1, "hi")] if fault == "crash before" else [(2, "Bo deleted a message")])
    act(bo, "deleteMessage", sequence=1)
    assert [text for _, text in history_of(room)] == ["Bo deleted a message"]
