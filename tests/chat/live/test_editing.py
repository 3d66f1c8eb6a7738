"""Edits of messages by their authors."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import settings
from chalicelib.chat import editing
from chalicelib.storage.models import Connection, Room
from tests.support.dynamodb import Crash, Meanwhile, WriteUnits, inject_faults
from tests.support.gateway import Gateway
from tests.support.messages import before_next_event, fill_gap, items, stored_items
from tests.support.moderation import Sockets, act, error_code, member_id
from tests.support.sockets import Socket


def test_author_edits_a_message(bo: Socket, room: Room, gateway: Gateway, client: Client) -> None:
    act(bo, "editMessage", sequence=1, message="hi there")
    (frame,) = gateway.frames["a"]
    assert frame == {
        "message": {
            "type": "edited",
            "message": "Bo edited a message",
            "sender": {"id": member_id("b"), "name": "Bo"},
            "target": 1,
            "text": "hi there",
            "sequence": 2,
            "sentAt": "2026-11-23T12:00:00.000Z",
        }
    }
    assert gateway.frames["b"] == [frame]
    message, event = items(client, room)
    assert (message["message"], message["editedAt"], message["sequence"]) == ("hi there", "2026-11-23T12:00:00.000Z", 1)
    assert event == frame["message"]
    assert items(client, room, "after=1") == [event]


def test_message_that_was_never_edited_says_nothing_of_it(bo: Socket, room: Room, client: Client) -> None:
    assert "editedAt" not in items(client, room)[0]


def test_former_text_is_not_kept(bo: Socket, room: Room) -> None:
    act(bo, "editMessage", sequence=1, message="bye")
    assert "'hi'" not in stored_items()
    assert stored_items().count("bye") == 1


def test_deletion_erases_an_edited_message(bo: Socket, room: Room, client: Client) -> None:
    act(bo, "editMessage", sequence=1, message="secret words")
    act(bo, "deleteMessage", sequence=1)
    assert "secret words" not in stored_items()
    event, deleted = items(client, room)
    assert (event["type"], "text" in event, deleted["type"]) == ("edited", False, "deleted")


def test_every_event_of_an_edit_has_the_newest_text(bo: Socket, room: Room, client: Client) -> None:
    for text in ("one", "two"):
        act(bo, "editMessage", sequence=1, message=text)
    assert [event["text"] for event in items(client, room, "after=1")] == ["two", "two"]


def test_texts_of_edited_messages_cost_one_request(
    bo: Socket, room: Room, client: Client, requests: Counter[str]
) -> None:
    for number in range(2, 5):
        bo.say(f"message {number}")
    for sequence in range(1, 5):
        act(bo, "editMessage", sequence=sequence, message=f"edited {sequence}")
    requests.clear()
    assert [event["text"] for event in items(client, room, "after=4")] == [f"edited {n}" for n in range(1, 5)]
    assert requests == {"GetItem": 1, "Query": 2, "BatchGetItem": 1}


def test_edit_of_a_repeated_message_is_returned(bo: Socket, gateway: Gateway) -> None:
    act(bo, "editMessage", sequence=1, message="hi there")
    bo.say("hi", clientId="c-1")
    echo = gateway.frames["b"][-1]["message"]
    assert (echo["sequence"], echo["message"], echo["clientId"]) == (1, "hi there", "c-1")


def test_repeated_edit_stores_nothing(bo: Socket, room: Room, gateway: Gateway, client: Client) -> None:
    for _ in range(2):
        act(bo, "editMessage", sequence=1, message="hi there")
    assert [frame["message"]["sequence"] for frame in gateway.frames["b"]] == [2, 2]
    assert [item["sequence"] for item in items(client, room)] == [1, 2]


@pytest.mark.parametrize("member", ["a", "c"])
def test_only_the_author_edits_a_message(
    bo: Socket, socket: Sockets, room: Room, gateway: Gateway, client: Client, member: str
) -> None:
    """Not even the owner."""
    socket("c").connect(roomId=room.room_id)
    act(socket(member), "editMessage", sequence=1, message="other words")
    assert error_code(gateway, member) == "forbidden"
    assert [item["message"] for item in items(client, room)] == ["hi"]


@pytest.mark.parametrize(("seconds", "is_edited"), [(899, True), (900, False)])
def test_message_can_be_edited_for_15_minutes(
    bo: Socket, room: Room, client: Client, clock: time_machine.Traveller, seconds: int, is_edited: bool
) -> None:
    clock.shift(timedelta(seconds=seconds))
    act(bo, "editMessage", sequence=1, message="hi there")
    assert items(client, room)[0]["message"] == ("hi there" if is_edited else "hi")


def test_0_seconds_disable_edits(bo: Socket, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "EDIT_SECONDS", 0)
    act(bo, "editMessage", sequence=1, message="hi there")
    assert gateway.frames["b"][-1]["error"]["message"] == "messages cannot be edited in this chat"


@pytest.mark.parametrize("sequence", [2, 3, 99])
def test_only_messages_can_be_edited(bo: Socket, aki: Socket, gateway: Gateway, sequence: int) -> None:
    act(aki, "updateRoom", roomName="Coffee")
    bo.say("deleted")
    act(bo, "deleteMessage", sequence=3)
    act(bo, "editMessage", sequence=sequence, message="hi there")
    assert error_code(gateway, "b") == "invalid_message"


@pytest.mark.parametrize("text", ["", " ", "\u200b", "x" * 4_001, "a\x00b", 5, None])
def test_invalid_text_is_rejected(bo: Socket, room: Room, gateway: Gateway, client: Client, text: object) -> None:
    act(bo, "editMessage", sequence=1, message=text)
    assert error_code(gateway, "b") == "invalid_message"
    assert [item["message"] for item in items(client, room)] == ["hi"]


def test_muted_member_cannot_edit(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    act(aki, "muteMember", memberId=member_id("b"), seconds=60)
    act(bo, "editMessage", sequence=1, message="hi there")
    assert error_code(gateway, "b") == "muted"


def test_edit_counts_as_a_message(bo: Socket, gateway: Gateway) -> None:
    for number in range(settings.MESSAGES_PER_WINDOW):
        act(bo, "editMessage", sequence=1, message=f"edit {number}")
    assert error_code(gateway, "b") == "rate_limited"


def test_slow_mode_does_not_apply_to_edits(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    act(aki, "updateRoom", slowSeconds=60)
    bo.say("ho")
    act(bo, "editMessage", sequence=1, message="hi there")
    assert gateway.frames["b"][-1]["message"]["type"] == "edited"


def test_edit_that_loses_the_race_against_a_later_one_changes_nothing(
    bo: Socket, room: Room, client: Client, meanwhile: Meanwhile
) -> None:
    """The edit with the lower sequence is stored last. It gets a new sequence, so everyone ends with its text."""
    sender = Connection.get("b", consistent_read=True)
    meanwhile(lambda: editing.edit_message(sender, 1, "the other"))
    assert editing.edit_message(sender, 1, "last").sequence == 4
    assert [(item["sequence"], item.get("text", item["message"])) for item in items(client, room)] == [
        (1, "last"),
        (3, "last"),
        (4, "last"),
    ]


def test_edit_whose_sequence_was_closed_by_a_reader_gets_a_new_one(
    bo: Socket, room: Room, client: Client, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: fill_gap(room, 2))
    act(bo, "editMessage", sequence=1, message="hi there")
    assert [item["sequence"] for item in items(client, room)] == [1, 3]


def test_edit_of_a_message_that_is_deleted_meanwhile_leaves_nothing(
    bo: Socket, gateway: Gateway, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: act(bo, "deleteMessage", sequence=1))
    act(bo, "editMessage", sequence=1, message="secret words")
    assert error_code(gateway, "b") == "invalid_message"
    assert "secret words" not in stored_items()


def test_edit_that_is_not_stored_is_no_news(
    bo: Socket, room: Room, gateway: Gateway, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sequence is closed: otherwise the room would have a higher sequence than any that its members can read."""
    before_next_event(monkeypatch, lambda: act(bo, "deleteMessage", sequence=1))
    act(bo, "editMessage", sequence=1, message="hi there")
    body = json.dumps({"rooms": [{"roomId": room.room_id}]}).encode()
    (found,) = client.http.post("/rooms/unread", headers={"Host": "localhost"}, body=body).json_body["rooms"]
    act(bo, "hello")
    assert gateway.frames["b"][-1]["welcome"]["lastSequence"] == found["lastSequence"] == 3


@pytest.mark.parametrize("fault", ["crash before", "crash after"])
def test_edit_that_crashes_happens_completely_or_not_at_all(
    bo: Socket, room: Room, client: Client, fault: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: fault if operation == "TransactWriteItems" else None)
        with pytest.raises(Crash):
            act(bo, "editMessage", sequence=1, message="hi there")
    found = [(item["type"], item.get("text", item["message"])) for item in items(client, room)]
    assert found == (
        [("message", "hi")] if fault == "crash before" else [(t, "hi there") for t in ("message", "edited")]
    )


def test_edit_costs_at_most_7_write_units(bo: Socket, write_units: WriteUnits) -> None:
    for letter in "xy":
        write_units.clear()
        act(bo, "editMessage", sequence=1, message=letter * 760)
        assert 0 < write_units.total() <= 7
        assert 950 < write_units.largest <= 1_024
