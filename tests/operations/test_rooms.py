"""The operator's commands for rooms: list, close, export, and the deletion of a member's messages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits, settings
from chalicelib.auth.identity import Credentials
from chalicelib.chat import history, members, webhooks
from chalicelib.errors import RoomNotFound
from chalicelib.storage.models import Message, Room
from operations import rooms
from operations.errors import OperationError
from tests.support.gateway import Gateway
from tests.support.messages import take_sequence
from tests.support.moderation import act, complete, member_id
from tests.support.rooms import create_room, message_item
from tests.support.sockets import Socket, members_of

pytestmark = pytest.mark.usefixtures("clock")

CLOSED = "Operator closed the room"


@pytest.fixture
def visit(
    socket: Callable[[str], Socket], clock: time_machine.Traveller, connections_url: None, queue: Any
) -> Callable[..., Socket]:
    """Return a function that lets somebody join a room, and waits until their `$connect` has ended."""

    def join(id_: str, room: Room, **query: str) -> Socket:
        visitor = socket(id_)
        assert visitor.connect(roomId=room.room_id, name=id_, **query) == 200
        clock.shift(timedelta(minutes=1))
        return visitor

    return join


def store(room: Room, *texts: str) -> None:
    """Store messages of Bo, sent now."""
    for text in texts:
        message_item(room.room_id, take_sequence(room), text).save()


def names(sort: str) -> list[str]:
    return [line.split("  ")[-1].strip() for line in list(rooms.list_rooms(sort))[1:]]


def test_list_has_age_members_messages_and_rate_of_each_room(tables: None, clock: time_machine.Traveller) -> None:
    old = create_room("Tea", keep_days=5)
    store(old, "one", "two")
    clock.shift(timedelta(hours=30))
    new = create_room("Plans", private=True)
    for number in range(3):
        members.join(f"c-{number}", new.room_id, credentials=Credentials(token=new.join_token))
    Room(new.room_id).update([Room.locked.set(True)])
    store(new, *(f"message {number}" for number in range(130)))
    clock.shift(timedelta(minutes=2))
    lines = [re.split(r" {2,}", line) for line in rooms.list_rooms("age")]
    assert lines == [
        ["ROOM", "AGE", "MEMBERS", "MESSAGES", "PER MINUTE", "NAME"],
        [old.room_id, "1 d", "0", "2", "0.0", "Tea"],
        [new.room_id, "2 min", "3", "130", "50.0", "Plans", "(private, locked)"],
    ]


def test_rooms_are_sorted(tables: None, clock: time_machine.Traveller) -> None:
    created = []
    for name in ("quiet", "crowded", "loud"):
        created.append(create_room(name))
        clock.shift(timedelta(minutes=1))
    members.join("a", created[1].room_id)
    members.join("b", created[1].room_id)
    members.join("c", created[2].room_id)
    store(created[1], "hi")
    store(created[2], "one", "two", "three")
    assert names("age") == ["quiet", "crowded", "loud"]
    assert names("members") == ["crowded", "loud", "quiet"]
    assert names("traffic") == ["loud", "crowded", "quiet"]


def test_unknown_order_is_rejected(tables: None) -> None:
    with pytest.raises(OperationError, match="SORT must be age, members, traffic, not size"):
        list(rooms.list_rooms("size"))


def test_expired_and_closed_rooms_are_not_listed(tables: None, clock: time_machine.Traveller) -> None:
    create_room("Tea")
    clock.shift(timedelta(hours=2))
    closed = create_room("Coffee")
    rooms.rooms.close(closed.room_id)
    assert list(rooms.list_rooms("age")) == ["There are no rooms."]


def test_rate_is_that_of_the_messages_that_are_left(tables: None, clock: time_machine.Traveller) -> None:
    """The first of the newest messages were deleted, and one sequence was never used."""
    room = create_room("Tea", keep_days=5)
    store(room, "deleted", "expired long ago")
    Message(room.room_id, Message.sort_key_of(1)).update([Message.sent_at.remove(), Message.is_tombstone.set(True)])
    Message(room.room_id, Message.sort_key_of(2)).delete()
    take_sequence(room)
    store(room, "hi", "ho")
    clock.shift(timedelta(minutes=4))
    assert [line.split()[-2] for line in list(rooms.list_rooms("age"))[1:]] == ["0.5"]


@pytest.mark.parametrize(("stage", "shown"), [("local", ["    Aki", "    Bo"]), ("prod", [])])
def test_only_the_local_list_names_the_members(
    room: Room, monkeypatch: pytest.MonkeyPatch, stage: str, shown: list[str]
) -> None:
    monkeypatch.setattr(settings, "STAGE", stage)
    members.join("a", room.room_id, "Bo")
    members.join("b", room.room_id, "Aki")
    assert list(rooms.list_rooms("age"))[2:] == shown


def test_closed_room_is_erased_and_its_members_are_told(
    room: Room, visit: Callable[..., Socket], gateway: Gateway, client: Client, queue: Any
) -> None:
    aki = visit("a", room, key="k" * 22)
    aki.say("hi")
    webhooks.create(room.room_id, room.owner_token or "", "Builds")
    (said,) = rooms.close_room(room.room_id)
    assert said.startswith(f"Closed the room {room.room_id}.")
    assert client.http.get(f"/rooms/{room.room_id}").status_code == 404
    complete(client, queue)
    assert gateway.texts("a")[-1] == CLOSED
    assert gateway.closed == ["a"]
    assert members_of(room.room_id) == set()
    assert [row.sort_key for row in Message.query(room.room_id, consistent_read=True)] == ["sequence"]


def test_room_can_be_closed_again_if_a_job_was_lost(
    room: Room, visit: Callable[..., Socket], gateway: Gateway, client: Client, queue: Any
) -> None:
    visit("a", room)
    list(rooms.close_room(room.room_id))
    queue.purge()
    assert gateway.closed == []
    list(rooms.close_room(room.room_id))
    complete(client, queue)
    assert gateway.closed == ["a"]


def test_export_has_the_lines_of_the_history(room: Room, visit: Callable[..., Socket], client: Client) -> None:
    aki = visit("a", room, owner=room.owner_token or "")
    for text in ("one", "two", "three 🎉"):
        aki.say(text)
    act(aki, "deleteMessage", sequence=2)
    act(aki, "updateRoom", roomName="Coffee")
    act(aki, "react", sequence=1, reaction="👍")
    for sequence in (1, 3):
        act(aki, "editMessage", sequence=sequence, message=f"edited {sequence}")
    act(aki, "deleteMessage", sequence=3)
    exported = [json.loads(line) for line in rooms.export_room(room.room_id)]
    assert exported == client.http.get(f"/rooms/{room.room_id}/messages?after=0").json_body["messages"]
    assert [item["sequence"] for item in exported] == [1, 4, 5, 6, 7, 8]


def test_export_lacks_messages_that_are_being_erased(
    room: Room, visit: Callable[..., Socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ERASED_AT_ONCE", 1)
    aki, bo = visit("a", room, owner=room.owner_token or ""), visit("b", room)
    for text in ("one", "two"):
        bo.say(text)
    aki.say("three")
    act(aki, "removeMember", memberId=member_id("b"), deleteMessages=True)
    exported = [json.loads(line)["message"] for line in rooms.export_room(room.room_id)]
    assert exported == ["three", "a removed b"]


def test_export_lacks_expired_messages(room: Room, clock: time_machine.Traveller) -> None:
    store(room, "old")
    clock.shift(timedelta(seconds=settings.MESSAGE_RETENTION_SECONDS))
    store(room, "new")
    assert [json.loads(line)["message"] for line in rooms.export_room(room.room_id)] == ["new"]


def test_messages_of_a_member_are_deleted_and_the_room_is_told(
    room: Room, visit: Callable[..., Socket], gateway: Gateway, client: Client, queue: Any
) -> None:
    aki, bo = visit("a", room), visit("b", room)
    bo.say("bad")
    aki.say("good")
    bo.say("worse")
    (said,) = rooms.delete_messages(room.room_id, bo_id := member_id("b"))
    assert said == f"Deleted 2 messages of the member {bo_id} in the room {room.room_id}."
    complete(client, queue)
    deleted = [frame["message"] for frame in gateway.frames["a"] if frame["message"]["type"] == "deleted"]
    assert [(event["target"], event["message"]) for event in deleted] == [
        (1, "Operator deleted a message"),
        (3, "Operator deleted a message"),
    ]
    kept = [row.text for row in history.read(room.room_id, 0).messages if row.event is None]
    assert kept == ["good"]
    assert "worse" not in json.dumps([row.to_dynamodb_dict() for row in Message.scan(consistent_read=True)])
    assert next(rooms.delete_messages(room.room_id, bo_id)).startswith("Deleted 0 messages")


@pytest.mark.parametrize("room_id", ["nosuchroom", "not an id"])
@pytest.mark.parametrize(
    "command", [rooms.close_room, rooms.export_room, lambda room_id: rooms.delete_messages(room_id, "m" * 16)]
)
def test_missing_room_is_reported(tables: None, queue: Any, command: Callable[[str], Any], room_id: str) -> None:
    with pytest.raises(RoomNotFound):
        list(command(room_id))


def test_time_is_shown_in_its_largest_unit() -> None:
    shown = [rooms._duration(timedelta(seconds=seconds)) for seconds in (0, 59, 60, 3_599, 3_600, 86_399, 86_400 * 40)]
    assert shown == ["0 s", "59 s", "1 min", "59 min", "1 h", "23 h", "40 d"]
