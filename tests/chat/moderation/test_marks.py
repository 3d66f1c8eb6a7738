"""Roles and verified users, as everyone in the room sees them."""

from __future__ import annotations

from typing import Any

import pytest
from chalice.test import Client

from chalicelib.storage.models import Connection, Room
from tests.support.gateway import Gateway
from tests.support.moderation import OWNERS, Sockets, act, member_id
from tests.support.sockets import Socket


def sender_of(gateway: Gateway, connection_id: str) -> dict[str, Any]:
    """Return the sender of the last frame that a connection has received."""
    sender: dict[str, Any] = gateway.frames[connection_id][-1]["message"]["sender"]
    return sender


def listed(client: Client, room: Room) -> dict[str, dict[str, Any]]:
    """Return the listed members by name."""
    members = client.http.get(f"/rooms/{room.room_id}/members?owner={room.owner_token}").json_body["members"]
    return {member["name"]: member for member in members}


def test_owner_has_a_mark_in_messages_history_list_and_welcome(
    owner: Socket, bo: Socket, room: Room, client: Client, gateway: Gateway
) -> None:
    mark = {"id": member_id("a"), "name": "Aki", "role": "owner"}
    owner.say("hi")
    assert sender_of(gateway, "b") == mark
    bo.say("ho")
    assert sender_of(gateway, "b") == {"id": member_id("b"), "name": "Bo"}
    stored = client.http.get(f"/rooms/{room.room_id}/messages").json_body["messages"]
    assert [message["sender"].get("role") for message in stored] == ["owner", None]
    assert {name: member.get("role") for name, member in listed(client, room).items()} == {"Aki": "owner", "Bo": None}
    owner.send({"action": "hello"})
    assert gateway.frames["a"][-1]["welcome"]["member"] == mark
    act(owner, "rename", name="Aki B.")
    assert sender_of(gateway, "b") == mark | {"name": "Aki B."}


def test_owner_with_two_connections_is_listed_as_the_owner(
    owner: Socket, socket: Sockets, room: Room, client: Client
) -> None:
    """The newer one has connected without the owner's token."""
    assert socket("c").connect(roomId=room.room_id, name="Aki", key=OWNERS) == 200
    assert listed(client, room)["Aki"] == {
        "id": member_id("a"),
        "name": "Aki",
        "role": "owner",
        "connections": 2,
    }


def test_name_of_the_owner_gives_no_mark(owner: Socket, socket: Sockets, room: Room, gateway: Gateway) -> None:
    socket("c").connect(roomId=room.room_id, name="Aki")
    socket("c").say("hi")
    assert "role" not in sender_of(gateway, "a")


@pytest.mark.parametrize("is_in_index", [True, False])
def test_new_owner_token_ends_the_mark_of_others(
    owner: Socket,
    socket: Sockets,
    room: Room,
    client: Client,
    gateway: Gateway,
    monkeypatch: pytest.MonkeyPatch,
    is_in_index: bool,
) -> None:
    socket("c").connect(roomId=room.room_id, name="Cy", owner=room.owner_token or "")
    with monkeypatch.context() as patches:
        if not is_in_index:
            patches.setattr(Connection.by_room, "query", lambda *_: iter(()))
        act(owner, "updateRoom", newOwnerToken=True)
    token = gateway.frames["a"][-1]["tokens"]["ownerToken"]
    socket("c").say("hi")
    assert "role" not in sender_of(gateway, "a")
    owner.say("ho")
    assert sender_of(gateway, "c")["role"] == "owner"
    if is_in_index:
        room.owner_token = token
        assert "role" not in listed(client, room)["Cy"]
