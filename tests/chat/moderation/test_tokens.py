"""New tokens of a room, which its owner requests."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from chalice.test import Client

from chalicelib.auth.identity import Credentials
from chalicelib.chat import rooms, webhooks
from chalicelib.storage.models import Connection, Room
from tests.support.dynamodb import inject_faults
from tests.support.gateway import Gateway
from tests.support.moderation import OWNERS, Sockets, act, error_code, history_of
from tests.support.rooms import create_room
from tests.support.sockets import Socket


@pytest.fixture
def private_room(tables: None) -> Room:
    """Create a private room."""
    return create_room("Tea", private=True)


def connect_owner(socket: Sockets, room: Room, connection_id: str, token: str | None = None) -> Socket:
    """Connect with the owner's token, by default the first one."""
    query = {"owner": token or room.owner_token or "", "token": room.join_token or ""}
    assert socket(connection_id).connect(roomId=room.room_id, **query) == 200
    return socket(connection_id)


def renewed(owner: Socket, gateway: Gateway, **data: object) -> dict[str, str]:
    """Request new tokens, and return them."""
    act(owner, "updateRoom", **data)
    tokens: dict[str, str] = gateway.frames[owner.id][-1]["tokens"]
    return tokens


def test_new_join_token_replaces_the_former_one(
    socket: Sockets, private_room: Room, client: Client, gateway: Gateway
) -> None:
    owner = connect_owner(socket, private_room, "a")
    assert socket("b").connect(roomId=private_room.room_id, token=private_room.join_token or "") == 200
    gateway.frames.clear()
    tokens = renewed(owner, gateway, newJoinToken=True)
    assert tokens.keys() == {"joinToken"}
    assert gateway.frames.keys() == {"a"}, "only the owner receives the token"
    assert rooms.authorize(private_room.room_id, Credentials(tokens["joinToken"])).room_id == private_room.room_id
    for path in ("", "/members", "/messages"):
        url = f"/rooms/{private_room.room_id}{path}?token="
        assert client.http.get(f"{url}{private_room.join_token}").status_code == 403
        assert client.http.get(f"{url}{tokens['joinToken']}").status_code == 200
    assert socket("c").connect(roomId=private_room.room_id, token=private_room.join_token or "") == 403
    assert socket("c").connect(roomId=private_room.room_id, token=tokens["joinToken"]) == 200


def test_owner_needs_no_join_token_after_it_was_replaced(
    socket: Sockets, private_room: Room, client: Client, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    """The frame with a new one may be lost."""
    owner = connect_owner(socket, private_room, "a")
    tokens = renewed(owner, gateway, newJoinToken=True, newOwnerToken=True)
    for token in (private_room.owner_token or "", tokens["ownerToken"]):
        assert socket("b").connect(roomId=private_room.room_id, token="outdated", owner=token) == 200
        socket("b").disconnect()
    for token, status in ((tokens["ownerToken"], 200), (private_room.owner_token, 403), ("x" * 43, 403)):
        for path in ("/members", "/messages"):
            url = f"/rooms/{private_room.room_id}{path}?owner={token}"
            assert client.http.get(url).status_code == status
    assert socket("c").connect(roomId=private_room.room_id, owner="x" * 43) == 403


def test_public_room_has_no_join_token(owner: Socket, room: Room, gateway: Gateway) -> None:
    act(owner, "updateRoom", newJoinToken=True)
    assert error_code(gateway, "a") == "invalid_message"
    assert Room.get(room.room_id, consistent_read=True).token_hash is None


def test_new_tokens_are_no_event(owner: Socket, room: Room, gateway: Gateway) -> None:
    renewed(owner, gateway, newOwnerToken=True)
    assert history_of(room) == []
    act(owner, "updateRoom", newOwnerToken=True, roomName="Coffee")
    assert [list(frame) for frame in gateway.frames["a"]] == [["tokens"], ["tokens"], ["message"]]
    assert history_of(room) == [(1, "Aki named the room Coffee")]


def test_new_owner_token_ends_the_rights_of_other_connections(
    owner: Socket, socket: Sockets, room: Room, client: Client, gateway: Gateway
) -> None:
    other = connect_owner(socket, room, "o")
    tokens = renewed(owner, gateway, newOwnerToken=True)
    for action, data in (("updateRoom", {"locked": True}), ("removeMember", {"memberId": "x" * 16}), ("closeRoom", {})):
        act(other, action, **data)
        assert error_code(gateway, "o") == "forbidden"
    other.send({"action": "hello"})
    owner.send({"action": "hello"})
    assert [gateway.frames[id_][-1]["welcome"]["owner"] for id_ in ("o", "a")] == [False, True]
    act(owner, "updateRoom", roomName="Coffee")
    act(connect_owner(socket, room, "n", tokens["ownerToken"]), "updateRoom", locked=True)
    updated = rooms.authorize(room.room_id)
    assert (updated.name, updated.locked) == ("Coffee", True)
    for token, status in ((room.owner_token, 403), (tokens["ownerToken"], 200)):
        for path in ("/members", "/messages"):
            assert client.http.get(f"/rooms/{room.room_id}{path}?owner={token}").status_code == status


def test_former_owner_token_can_only_request_another_one_for_ten_minutes(
    owner: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    renewed(owner, gateway, newOwnerToken=True)  # the frame is lost
    clock.shift(timedelta(seconds=599))
    former = connect_owner(socket, room, "f")
    for data in ({"locked": True}, {"newOwnerToken": True, "newJoinToken": True}):
        act(former, "updateRoom", **data)
        assert error_code(gateway, "f") == "forbidden"
    tokens = renewed(former, gateway, newOwnerToken=True)
    act(former, "updateRoom", locked=True)
    assert rooms.authorize(room.room_id).locked, "the connection now has the present token"
    act(owner, "updateRoom", locked=False)
    assert error_code(gateway, "a") == "forbidden"
    clock.shift(timedelta(seconds=601))
    assert socket("g").connect(roomId=room.room_id, owner=room.owner_token or "") == 403
    connect_owner(socket, room, "h", tokens["ownerToken"])
    act(owner, "updateRoom", newOwnerToken=True)
    assert error_code(gateway, "a") == "forbidden"


def test_former_owner_token_hears_and_says_nothing(
    owner: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    renewed(owner, gateway, newOwnerToken=True)
    act(owner, "updateRoom", locked=True)
    former = connect_owner(socket, room, "f")
    gateway.frames.clear()
    owner.say("secret")
    assert gateway.texts("f") == []
    former.say("hello")
    assert error_code(gateway, "f") == "forbidden"
    assert gateway.texts("a") == ["secret"]
    renewed(former, gateway, newOwnerToken=True)
    owner.say("to the new owner")
    assert gateway.texts("f") == ["to the new owner"]


def test_new_owner_token_deletes_the_webhooks_of_the_former_one(
    owner: Socket, room: Room, gateway: Gateway, client: Client
) -> None:
    hooks = [webhooks.create(room.room_id, room.owner_token or "", f"CI {number}")[1] for number in range(20)]
    tokens = renewed(owner, gateway, newOwnerToken=True)
    assert [client.http.post(f"/hooks/{hook}", body=b'{"text": "hi"}').status_code for hook in hooks] == [404] * 20
    assert webhooks.list_webhooks(room.room_id, tokens["ownerToken"]) == []
    for number in range(20):
        webhooks.create(room.room_id, tokens["ownerToken"], f"CI {number}")


def test_join_with_a_token_that_is_replaced_meanwhile_is_rejected(
    socket: Sockets, private_room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = connect_owner(socket, private_room, "a")
    stale = iter([rooms.authorize(private_room.room_id, Credentials(private_room.join_token))])
    renewed(owner, gateway, newJoinToken=True, newOwnerToken=True)
    get = rooms.authorize
    monkeypatch.setattr(rooms, "authorize", lambda *arguments: next(stale, None) or get(*arguments))
    assert socket("b").connect(roomId=private_room.room_id, token=private_room.join_token or "") == 403


def test_each_request_gets_other_tokens(owner: Socket, room: Room, gateway: Gateway) -> None:
    first = renewed(owner, gateway, newOwnerToken=True)["ownerToken"]
    second = renewed(owner, gateway, newOwnerToken=True)["ownerToken"]
    assert first != second
    rooms.check_owner_token(rooms.authorize(room.room_id), second)
    assert Connection.get("a", consistent_read=True).owner_version == 2


def test_others_may_not_request_tokens(owner: Socket, bo: Socket, room: Room, gateway: Gateway, client: Client) -> None:
    for data in ({"newJoinToken": True}, {"newOwnerToken": True}):
        act(bo, "updateRoom", **data)
        assert error_code(gateway, "b") == "forbidden"
    assert Room.get(room.room_id, consistent_read=True).owner_version == 0


def test_owner_with_a_key_keeps_the_rights_after_a_reconnect(
    owner: Socket, socket: Sockets, room: Room, gateway: Gateway
) -> None:
    tokens = renewed(owner, gateway, newOwnerToken=True)
    owner.disconnect()
    assert socket("a2").connect(roomId=room.room_id, key=OWNERS, owner=tokens["ownerToken"]) == 200
    act(socket("a2"), "updateRoom", locked=True)
    assert rooms.authorize(room.room_id).locked


def test_new_tokens_arrive_although_a_former_owner_is_just_leaving(
    owner: Socket, socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write that ends the role of the other connection meets a transaction."""
    connect_owner(socket, room, "c")
    with monkeypatch.context() as patch:
        inject_faults(patch, lambda name, body: "conflict" if name == "UpdateItem" and '"c"' in body else None)
        token = renewed(owner, gateway, newOwnerToken=True)["ownerToken"]
    stored = Room.get(room.room_id, consistent_read=True)
    assert stored.owner_version == 1
    assert rooms.is_owner_token(stored, token)


def test_former_owner_gets_no_right_to_come_back_to_a_locked_room(
    owner: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    act(owner, "updateRoom", locked=True)
    renewed(owner, gateway, newOwnerToken=True)
    clock.shift(1)
    stranger = {"roomId": room.room_id, "key": "s" * 22}
    assert socket("s").connect(**stranger, owner=room.owner_token or "") == 200
    socket("s").disconnect()
    assert socket("s2").connect(**stranger) == 403
