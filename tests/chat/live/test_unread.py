"""Read positions, and the last sequences of several rooms."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import settings
from chalicelib.storage.models import MemberRecord, Room
from tests.support.dynamodb import WriteUnits
from tests.support.gateway import Gateway
from tests.support.moderation import BOS, OWNERS, Sockets, act, error_code, member_id
from tests.support.rooms import create_room
from tests.support.sockets import Socket
from tests.support.users import SECRET, own_token


def welcome(member: Socket, gateway: Gateway) -> Any:
    act(member, "hello")
    return gateway.frames[member.id][-1]["welcome"]


def positions(
    client: Client, *rooms: dict[str, Any], headers: dict[str, str] | None = None, **body: object
) -> list[dict[str, Any]]:
    asked = json.dumps({"rooms": rooms} | body).encode()
    response = client.http.post("/rooms/unread", headers={"Host": "localhost"} | (headers or {}), body=asked)
    assert response.status_code == 200, response.body
    found: list[dict[str, Any]] = response.json_body["rooms"]
    return found


def unread(client: Client, *rooms: dict[str, Any], headers: dict[str, str] | None = None, **body: object) -> Any:
    return {room["roomId"]: room["lastSequence"] for room in positions(client, *rooms, headers=headers, **body)}


def test_read_position_is_the_same_in_each_connection_and_later(
    bo: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    assert "readSequence" not in welcome(bo, gateway)
    act(bo, "markRead", sequence=1)
    assert len(gateway.frames["b"]) == 1
    assert welcome(bo, gateway)["readSequence"] == 1
    clock.shift(timedelta(hours=1))
    bo.disconnect()
    socket("b2").connect(roomId=room.room_id, name="Bo", key=BOS)
    assert welcome(socket("b2"), gateway)["readSequence"] == 1


def test_read_position_is_private(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    act(bo, "markRead", sequence=1)
    assert "readSequence" not in welcome(aki, gateway)
    assert len(gateway.frames["a"]) == 1


def test_read_position_never_goes_back(bo: Socket, gateway: Gateway) -> None:
    bo.say("ho")
    gateway.reset()
    for sequence in (2, 1):
        act(bo, "markRead", sequence=sequence)
    assert gateway.frames == {}
    assert welcome(bo, gateway)["readSequence"] == 2


@pytest.mark.parametrize("sequence", [2, 0, -1, "1", None, 1.5])
def test_position_that_the_room_does_not_have_is_rejected(bo: Socket, gateway: Gateway, sequence: object) -> None:
    act(bo, "markRead", sequence=sequence)
    assert error_code(gateway, "b") == "invalid_message"
    assert "readSequence" not in welcome(bo, gateway)


def test_member_without_an_identity_has_no_position(bo: Socket, socket: Sockets, room: Room, gateway: Gateway) -> None:
    socket("c").connect(roomId=room.room_id)
    gateway.reset()
    act(socket("c"), "markRead", sequence=1)
    assert gateway.frames == {}
    assert "readSequence" not in welcome(socket("c"), gateway)


def test_read_mark_creates_no_member(bo: Socket, room: Room) -> None:
    key = MemberRecord.sort_key_of(member_id("b"))
    MemberRecord(room.room_id, key).delete()
    act(bo, "markRead", sequence=1)
    assert MemberRecord.find(room.room_id, key) is None


def test_read_mark_costs_1_write_unit(bo: Socket, room: Room, write_units: WriteUnits) -> None:
    connections = {f"{number:016}" for number in range(40)}  # more than a member may have
    record = MemberRecord(room.room_id, MemberRecord.sort_key_of(member_id("b")))
    record.update([MemberRecord.connection_ids.add(connections), MemberRecord.name.set("👍" * 40)])
    write_units.clear()
    act(bo, "markRead", sequence=1)
    assert write_units.total() == 1
    assert 900 < write_units.largest <= 1_024


def test_read_marks_have_a_limit_of_their_own(bo: Socket, gateway: Gateway) -> None:
    for _ in range(12):
        act(bo, "markRead", sequence=1)
    assert [frame["error"]["code"] for frame in gateway.frames["b"]] == ["rate_limited"]
    bo.say("ho")
    assert gateway.frames["b"][-1]["message"]["message"] == "ho"


def test_last_sequences_of_rooms_cost_three_requests(
    bo: Socket, room: Room, client: Client, requests: Counter[str]
) -> None:
    others = [create_room(f"Room {number}").room_id for number in range(3)]
    requests.clear()
    found = unread(client, *({"roomId": id_} for id_ in (room.room_id, *others, "unknown-room", "?")), key=BOS)
    assert found == {room.room_id: 1} | dict.fromkeys(others, 0)
    assert requests == {"BatchGetItem": 3}


def test_rooms_have_the_order_of_the_request(client: Client, tables: None) -> None:
    ids = sorted(create_room(f"Room {number}").room_id for number in range(8))
    for wanted in (ids, ids[::-1]):
        assert [room["roomId"] for room in positions(client, *({"roomId": id_} for id_ in wanted))] == wanted


def test_empty_credentials_are_absent(client: Client, tables: None) -> None:
    room = create_room("Tea", private=True)
    for given in ({"token": room.join_token, "owner": ""}, {"token": "", "owner": room.owner_token}):
        (found,) = positions(client, {"roomId": room.room_id} | given)
        assert found["roomId"] == room.room_id


def test_rooms_have_the_read_position_of_the_member_alone(
    bo: Socket, aki: Socket, room: Room, client: Client, requests: Counter[str]
) -> None:
    own = {"roomId": room.room_id}
    bo.say("ho")
    assert positions(client, own, key=BOS) == [own | {"lastSequence": 2}]
    act(bo, "markRead", sequence=1)
    requests.clear()
    assert positions(client, own, key=BOS) == [own | {"lastSequence": 2, "readSequence": 1}]
    assert requests == {"BatchGetItem": 3}
    for other in ({"key": OWNERS}, {"key": "z" * 22}, {}):
        assert positions(client, own, **other) == [own | {"lastSequence": 2}]


def test_user_learns_their_read_position(
    socket: Sockets, room: Room, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "AUTH_SECRET", SECRET)
    token = own_token(sub="mia", exp=int(time.time()) + 600)
    socket("m").connect(roomId=room.room_id, access_token=token)
    socket("m").say("hi")
    act(socket("m"), "markRead", sequence=1)
    (found,) = positions(client, {"roomId": room.room_id}, headers={"Authorization": f"Bearer {token}"})
    assert found == {"roomId": room.room_id, "lastSequence": 1, "readSequence": 1}


def test_room_that_is_named_twice_is_listed_once(bo: Socket, room: Room, client: Client) -> None:
    assert unread(client, {"roomId": room.room_id}, {"roomId": room.room_id, "after": 1}) == {room.room_id: 1}


def test_private_room_requires_its_token_or_the_owners(client: Client) -> None:
    room = create_room("Secret", private=True)
    own = {"roomId": room.room_id}
    assert unread(client, own) == unread(client, own | {"token": "wrong"}) == unread(client, own | {"owner": "x"}) == {}
    assert unread(client, own | {"token": room.join_token}) == {room.room_id: 0}
    assert unread(client, own | {"owner": room.owner_token}) == {room.room_id: 0}


def test_removed_member_and_strangers_of_a_locked_room_learn_nothing(
    bo: Socket, aki: Socket, room: Room, client: Client, clock: time_machine.Traveller
) -> None:
    own = {"roomId": room.room_id}
    act(aki, "removeMember", memberId=member_id("b"))
    assert unread(client, own, key=BOS) == {}
    act(aki, "updateRoom", locked=True)
    assert unread(client, own) == unread(client, own, key="z" * 22) == {}
    assert unread(client, own, key=OWNERS) == {room.room_id: 3}


def test_closed_and_expired_rooms_are_absent(
    bo: Socket, aki: Socket, room: Room, client: Client, clock: time_machine.Traveller
) -> None:
    unused = create_room("Unused")
    act(aki, "closeRoom")
    assert unread(client, {"roomId": room.room_id, "owner": room.owner_token}, key=OWNERS) == {}
    assert unread(client, {"roomId": room.room_id}, {"roomId": unused.room_id}) == {unused.room_id: 0}
    clock.shift(timedelta(seconds=settings.UNUSED_ROOM_SECONDS))
    assert unread(client, {"roomId": unused.room_id}) == {}


def test_user_learns_of_the_rooms_that_the_token_allows(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUTH_SECRET", SECRET)
    allowed, other = create_room("Tea"), create_room("Coffee")
    token = own_token(sub="mia", exp=int(time.time()) + 600, chat_rooms=[allowed.room_id])
    headers = {"Authorization": f"Bearer {token}"}
    found = unread(client, {"roomId": allowed.room_id}, {"roomId": other.room_id}, headers=headers)
    assert found == {allowed.room_id: 0}


def test_more_than_50_rooms_are_rejected(client: Client, tables: None) -> None:
    body = json.dumps({"rooms": [{"roomId": "x"}] * 51}).encode()
    response = client.http.post("/rooms/unread", headers={"Host": "localhost"}, body=body)
    assert (response.status_code, "rooms" in response.json_body["Message"]) == (400, True)


def test_room_cannot_have_the_id_of_the_route(client: Client, tables: None) -> None:
    assert client.http.get("/rooms/unread").status_code in (404, 405)
