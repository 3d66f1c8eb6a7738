"""Reports of messages to the owner and the moderators."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits, settings
from chalicelib.storage.models import Connection, Report, Room
from tests.support.dynamodb import Crash, inject_faults
from tests.support.gateway import Gateway
from tests.support.moderation import CYS, Sockets, act, complete, error_code, history_of, member_id
from tests.support.sockets import Socket


def reports(client: Client, room: Room, **query: str) -> Any:
    """Return the response to a request for the reports."""
    text = "&".join(f"{name}={value}" for name, value in query.items())
    return client.http.get(f"/rooms/{room.room_id}/reports?{text}")


@pytest.fixture
def cy(owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway) -> Socket:
    """Connect Cy, a moderator, let Bo say something, and forget the frames."""
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    act(owner, "setRole", memberId=member_id("c"), role="moderator")
    bo.say("hi")
    gateway.frames.clear()
    return socket("c")


def test_report_reaches_the_owner_and_the_moderators_only(
    cy: Socket, bo: Socket, socket: Sockets, room: Room, client: Client, gateway: Gateway
) -> None:
    socket("d").connect(roomId=room.room_id, name="Di")
    gateway.frames.clear()
    act(socket("d"), "reportMessage", sequence=2, reason=" an insult ")
    frame = {
        "message": {
            "type": "reported",
            "message": "Di reported a message: an insult",
            "sender": {"id": member_id("d"), "name": "Di"},
            "target": 2,
            "reason": "an insult",
        }
    }
    assert gateway.frames == {"a": [frame], "c": [frame]}
    listed = reports(client, room, owner=room.owner_token or "").json_body["reports"]
    assert [(report["target"], report["reason"], report["sender"]["name"]) for report in listed] == [
        (2, "an insult", "Di")
    ]
    assert reports(client, room, key=CYS).json_body["reports"] == listed
    for query in ({}, {"key": "b" * 22}, {"owner": "x" * 43}):
        assert reports(client, room, **query).status_code == 403


def test_report_of_a_user_has_the_mark_of_one_who_has_signed_in(
    cy: Socket, bo: Socket, room: Room, client: Client
) -> None:
    Connection("b").update([Connection.authorized_until.set(4_000_000_000)])
    act(bo, "reportMessage", sequence=2)
    (listed,) = reports(client, room, owner=room.owner_token or "").json_body["reports"]
    assert listed["sender"] == {"id": member_id("b"), "name": "Bo", "verified": True}


def test_former_owner_whom_the_index_did_not_contain_receives_no_report(
    cy: Socket,
    bo: Socket,
    owner: Socket,
    socket: Sockets,
    room: Room,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    socket("a2").connect(roomId=room.room_id, owner=room.owner_token or "")
    with monkeypatch.context() as patch:
        patch.setattr(Connection.by_room, "query", lambda *_: iter(()))
        act(owner, "updateRoom", newOwnerToken=True)
    gateway.frames.clear()
    act(bo, "reportMessage", sequence=2)
    assert gateway.frames.keys() == {"a", "c"}


def test_report_needs_no_reason_and_counts_once_for_a_member(
    cy: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway
) -> None:
    for reason in ({}, {"reason": "two"}):
        act(bo, "reportMessage", sequence=2, **reason)
    assert [frame["message"]["message"] for frame in gateway.frames["a"]] == ["Bo reported a message"]
    (report,) = reports(client, room, owner=room.owner_token or "").json_body["reports"]
    assert "reason" not in report


def test_five_messages_can_be_reported_in_a_minute(
    cy: Socket, bo: Socket, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    for _ in range(5):
        act(bo, "reportMessage", sequence=2)
        clock.shift(2)
    assert "b" not in gateway.frames
    act(bo, "reportMessage", sequence=2)
    error = gateway.frames["b"][-1]["error"]
    assert (error["code"], error["retryAfter"]) == ("rate_limited", 50)
    clock.shift(50)
    gateway.frames.clear()
    act(bo, "reportMessage", sequence=2)
    assert "b" not in gateway.frames


@pytest.mark.parametrize("data", [{"sequence": 1}, {"sequence": 9}, {"sequence": 2, "reason": "x" * 201}, {}])
def test_only_a_message_can_be_reported(cy: Socket, bo: Socket, gateway: Gateway, data: dict[str, Any]) -> None:
    act(bo, "reportMessage", **data)
    assert error_code(gateway, "b") == "invalid_message"
    assert "a" not in gateway.frames


def test_report_is_stored_for_as_long_as_its_message(
    cy: Socket, bo: Socket, room: Room, client: Client, clock: time_machine.Traveller
) -> None:
    act(bo, "reportMessage", sequence=2)
    Room(room.room_id).update([Room.expires_at.set(room.created_at + timedelta(days=9))])
    clock.shift(settings.MESSAGE_RETENTION_SECONDS - 1)
    assert len(reports(client, room, owner=room.owner_token or "").json_body["reports"]) == 1
    clock.shift(1)
    assert reports(client, room, owner=room.owner_token or "").json_body == {"reports": []}


def stored_reports() -> list[str]:
    """Return the raw reports of all rooms."""
    rows = Report.scan(Report.sort_key.startswith(Report.PREFIX), consistent_read=True)
    return [str(row.attribute_values) for row in rows]


@pytest.fixture
def reported(cy: Socket, bo: Socket, socket: Sockets, room: Room) -> Socket:
    """Let Bo send a message, and Di report it with its words, and one of Cy with others."""
    bo.say("secret words")
    cy.say("quiet, please")
    di = socket("d")
    di.connect(roomId=room.room_id, name="Di")
    act(di, "reportMessage", sequence=3, reason="says secret words")
    act(di, "reportMessage", sequence=4, reason="too strict")
    return di


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_deletion_erases_the_reason_of_a_report_that_may_quote_the_message(
    reported: Socket, socket: Sockets, room: Room, client: Client, name: str
) -> None:
    act(socket(name), "deleteMessage", sequence=3)
    assert "secret words" not in str(stored_reports())
    listed = reports(client, room, owner=room.owner_token or "").json_body["reports"]
    assert {(report["target"], report.get("reason")) for report in listed} == {(3, None), (4, "too strict")}


def test_repeated_deletion_erases_the_reasons_that_a_crash_has_left(
    reported: Socket, bo: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda operation, _: "crash after" if operation == "TransactWriteItems" else None)
        with pytest.raises(Crash):
            act(bo, "deleteMessage", sequence=3)
    act(bo, "deleteMessage", sequence=3)
    assert "secret words" not in str(stored_reports())


@pytest.mark.parametrize("erased_at_once", [0, 100])
def test_deletion_of_the_messages_of_a_member_erases_the_reasons_of_reports(
    reported: Socket,
    owner: Socket,
    client: Client,
    queue: Any,
    monkeypatch: pytest.MonkeyPatch,
    erased_at_once: int,
) -> None:
    monkeypatch.setattr(limits, "ERASED_AT_ONCE", erased_at_once)
    act(owner, "removeMember", memberId=member_id("b"), deleteMessages=True)
    complete(client, queue)
    assert "secret words" not in str(stored_reports())
    assert "too strict" in str(stored_reports())


def test_report_that_meets_the_deletion_keeps_no_reason(
    reported: Socket, bo: Socket, cy: Socket, room: Room, gateway: Gateway
) -> None:
    save, patch = Report.save, pytest.MonkeyPatch()

    def save_after_the_deletion(row: Report, *conditions: Any) -> Any:
        patch.undo()
        act(bo, "deleteMessage", sequence=3)
        return save(row, *conditions)

    gateway.frames.clear()
    patch.setattr(Report, "save", save_after_the_deletion)
    act(cy, "reportMessage", sequence=3, reason="also secret words")
    assert history_of(room)[-1] == (5, "Bo deleted a message")
    assert error_code(gateway, "c") == "invalid_message"
    assert len(stored_reports()) == 3
    assert "secret words" not in str([stored_reports(), gateway.frames])


def test_reason_is_not_stored_again_after_its_room_was_erased(
    reported: Socket, bo: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = Report.update

    def update_after_the_erasure(row: Report, *arguments: Any) -> Any:
        Report(row.room_id, row.sort_key).delete()
        return update(row, *arguments)

    monkeypatch.setattr(Report, "update", update_after_the_erasure)
    act(bo, "deleteMessage", sequence=3)
    assert len(stored_reports()) == 1
