"""Moderators: who makes them, and what they may do."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.test import Client

from chalicelib import limits
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import Gateway
from tests.support.messages import take_sequence
from tests.support.moderation import BOS, CYS, OWNERS, Sockets, act, error_code, history_of, member_id
from tests.support.sockets import Socket


def last_error(gateway: Gateway, connection_id: str) -> str | None:
    """Return the code of the last frame of a connection, None if it is no error."""
    code: str | None = gateway.frames[connection_id][-1].get("error", {}).get("code")
    return code


@pytest.fixture
def moderator(owner: Socket, bo: Socket, gateway: Gateway) -> Socket:
    """Make Bo a moderator, and forget the frames."""
    act(owner, "setRole", memberId=member_id("b"), role="moderator")
    gateway.frames.clear()
    return bo


@pytest.fixture
def cy(moderator: Socket, socket: Sockets, room: Room, gateway: Gateway) -> Socket:
    """Connect Cy, a plain member, and forget the frames."""
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    gateway.frames.clear()
    return socket("c")


def test_role_is_a_stored_event_and_a_mark(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway
) -> None:
    act(owner, "setRole", memberId=member_id("b"), role="moderator")
    event = gateway.frames["b"][-1]["message"]
    assert {name: event[name] for name in ("type", "message", "member", "role")} == {
        "type": "role",
        "message": "Aki made Bo a moderator",
        "member": {"id": member_id("b"), "name": "Bo"},
        "role": "moderator",
    }
    assert history_of(room) == [(1, "Aki made Bo a moderator")]
    assert client.http.get(f"/rooms/{room.room_id}/messages").json_body["messages"] == [event]
    bo.say("hi")
    assert gateway.frames["a"][-1]["message"]["sender"]["role"] == "moderator"
    members = client.http.get(f"/rooms/{room.room_id}/members").json_body["members"]
    assert {member["name"]: member.get("role") for member in members} == {"Aki": "owner", "Bo": "moderator"}
    act(owner, "setRole", memberId=member_id("b"), role="member")
    bo.say("ho")
    assert "role" not in gateway.frames["a"][-1]["message"]["sender"]


def test_moderator_keeps_the_role_in_later_connections(
    moderator: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    moderator.disconnect()
    assert socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    socket("b2").say("hi")
    assert gateway.frames["a"][-1]["message"]["sender"]["role"] == "moderator"


def test_every_connection_of_a_member_gets_the_role(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that the index does not contain yet."""
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    with monkeypatch.context() as patches:
        patches.setattr(Connection.by_room, "query", lambda *_: iter(()))
        act(owner, "setRole", memberId=member_id("b"), role="moderator")
    socket("b2").say("hi")
    assert gateway.frames["a"][-1]["message"]["sender"]["role"] == "moderator"


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("setRole", {"role": "moderator"}),
        ("setRole", {"role": "member"}),
        ("unbanMember", {}),
        ("updateRoom", {"roomName": "Coffee"}),
        ("updateRoom", {"locked": True}),
        ("updateRoom", {"keepDays": 1}),
        ("updateRoom", {"slowSeconds": 1}),
        ("updateRoom", {"newJoinToken": True}),
        ("updateRoom", {"newOwnerToken": True}),
        ("closeRoom", {}),
    ],
)
def test_moderator_may_not_do_what_only_the_owner_may(
    moderator: Socket, cy: Socket, room: Room, gateway: Gateway, action: str, data: dict[str, Any]
) -> None:
    act(moderator, action, **({} if action in ("updateRoom", "closeRoom") else {"memberId": member_id("c")}), **data)
    assert error_code(gateway, "b") == "forbidden"
    assert len(history_of(room)) == 1
    assert "c" not in gateway.frames


def test_moderator_deletes_messages_removes_and_mutes(
    owner: Socket, moderator: Socket, cy: Socket, room: Room, gateway: Gateway
) -> None:
    cy.say("hi")
    target = take_sequence(room) - 1
    act(moderator, "deleteMessage", sequence=target)
    act(moderator, "muteMember", memberId=member_id("c"), seconds=60)
    act(moderator, "removeMember", memberId=member_id("c"))
    assert [frame["message"]["type"] for frame in gateway.frames["a"] if "message" in frame] == [
        "message",
        "deleted",
        "muted",
        "removed",
        "leave",
    ]
    assert gateway.closed == ["c"]


@pytest.mark.parametrize("action", ["deleteMessage", "muteMember", "removeMember"])
def test_moderator_may_not_act_on_the_owner_or_another_moderator(
    owner: Socket, moderator: Socket, cy: Socket, room: Room, gateway: Gateway, action: str
) -> None:
    act(owner, "setRole", memberId=member_id("c"), role="moderator")
    for target in (owner, cy):
        target.say("hi")
        data = {
            "deleteMessage": {"sequence": take_sequence(room) - 1},
            "muteMember": {"memberId": member_id(target.id), "seconds": 60},
            "removeMember": {"memberId": member_id(target.id)},
        }
        act(moderator, action, **data[action])
        assert error_code(gateway, "b") in ("forbidden", "invalid_message")
    assert gateway.closed == []
    assert [text for _, text in history_of(room)][2:] == ["hi", "hi"]


def test_moderator_may_not_act_on_an_owner_who_is_away_or_without_the_token(
    owner: Socket, moderator: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    owners = member_id("a")
    owner.disconnect()
    act(moderator, "removeMember", memberId=owners)
    assert error_code(gateway, "b") == "invalid_message"
    assert socket("a2").connect(roomId=room.room_id, name="Aki", key=OWNERS) == 200
    act(moderator, "removeMember", memberId=owners)
    assert error_code(gateway, "b") == "invalid_message"


def test_owner_removes_a_moderator_who_then_has_no_role(
    owner: Socket, moderator: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    act(owner, "removeMember", memberId=member_id("b"))
    act(owner, "unbanMember", memberId=gateway.frames["a"][-2]["message"]["member"]["id"])
    assert socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    act(socket("b2"), "muteMember", memberId="m" * 16, seconds=1)
    assert error_code(gateway, "b2") == "forbidden"


def test_role_that_has_ended_gives_no_right_although_a_connection_still_shows_it(
    owner: Socket, moderator: Socket, cy: Socket, room: Room, gateway: Gateway
) -> None:
    act(owner, "setRole", memberId=member_id("b"), role="member")
    Connection("b").update([Connection.role.set("moderator")])
    act(moderator, "removeMember", memberId=member_id("c"))
    assert error_code(gateway, "b") == "forbidden"


@pytest.mark.parametrize("target", ["a", "d", "nobody"])
def test_role_of_the_owner_a_guest_without_a_key_or_nobody_cannot_change(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, target: str
) -> None:
    socket("d").connect(roomId=room.room_id, name="Di")
    act(owner, "setRole", memberId="n" * 16 if target == "nobody" else member_id(target), role="moderator")
    assert error_code(gateway, "a") == "invalid_message"
    assert Room.get(room.room_id, consistent_read=True).role_of(member_id("a")) == "owner"


def test_number_of_moderators_is_limited(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_MODERATORS", 1)
    socket("c").connect(roomId=room.room_id, name="Cy", key=CYS)
    for name in ("b", "c"):
        act(owner, "setRole", memberId=member_id(name), role="moderator")
    assert error_code(gateway, "a") == "invalid_message"
    act(owner, "setRole", memberId=member_id("b"), role="member")
    act(owner, "setRole", memberId=member_id("c"), role="moderator")
    assert last_error(gateway, "a") is None


def test_ban_does_not_apply_to_the_token_of_the_owner(
    owner: Socket, bo: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    """Somebody is removed, and then gets the owner's link."""
    act(owner, "removeMember", memberId=member_id("b"))
    assert socket("b2").connect(roomId=room.room_id, key=BOS) == 403
    assert socket("b2").connect(roomId=room.room_id, key=BOS, owner=room.owner_token or "") == 200
