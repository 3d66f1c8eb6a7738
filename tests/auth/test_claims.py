"""Claims of a token: identity, name, rooms and rights."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from chalice.test import Client

from chalicelib import settings
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import Gateway
from tests.support.issuer import Issuer
from tests.support.messages import stored_items
from tests.support.rooms import create_room
from tests.support.users import Sockets, connection, get, own_token, paths, post_room, rejection


def test_user_is_the_same_member_in_every_connection(issuer: Issuer, socket: Sockets, room: Room) -> None:
    socket("phone").connect(roomId=room.room_id, access_token=issuer.token(), key="k" * 22)
    socket("laptop").connect(roomId=room.room_id, access_token=issuer.token())
    digest = hmac.digest(room.salt.encode(), f"user:{issuer.url}|aki".encode(), "sha256")
    expected = base64.urlsafe_b64encode(digest)[:16].decode()
    assert {connection(id_).member_id for id_ in ("phone", "laptop")} == {expected}


def test_user_is_verified_in_messages_history_list_and_welcome(
    issuer: Issuer, socket: Sockets, room: Room, client: Client, gateway: Gateway
) -> None:
    assert socket("a").connect(roomId=room.room_id, access_token=issuer.token()) == 200
    mark = {"id": connection("a").member_id, "name": "Aki", "verified": True}
    socket("a").say("hi")
    assert gateway.frames["a"][-1]["message"]["sender"] == mark
    stored, listed = (get(client, f"/rooms/{room.room_id}/{path}", issuer.token()) for path in ("messages", "members"))
    assert stored.json_body["messages"][0]["sender"] == mark
    assert listed.json_body["members"] == [mark]
    socket("a").send({"action": "hello"})
    assert gateway.frames["a"][-1]["welcome"]["member"] == mark


def test_subjects_and_issuers_are_different_members(own_back_end: None, socket: Sockets, room: Room) -> None:
    ids = set()
    for number, claims in enumerate([{"sub": "a"}, {"sub": "b"}, {"sub": "a", "iss": "x"}, {"sub": "|a"}]):
        socket(str(number)).connect(roomId=room.room_id, access_token=own_token(**claims))
        ids.add(connection(str(number)).member_id)
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Aki Ito", "preferred_username": "aki"}, "Aki Ito"),
        ({"name": None, "preferred_username": "aki"}, "aki"),
        ({"name": "\u0007\u202e ", "preferred_username": "aki"}, "aki"),
        ({"name": " A\nki\t"}, "Aki"),
        ({"name": "x" * 50}, "x" * 40),
        ({"name": "x" * 39 + " yz"}, "x" * 39),
        ({"name": "x" * 39 + "👩\u200d👩\u200d👧"}, "x" * 39),
        ({"name": "A\u202eki", "preferred_username": "aki"}, "aki"),
        ({"name": "\u3164\u2800", "preferred_username": "aki"}, "aki"),
        ({"name": "A\ud800ki"}, "Aki"),
        ({"name": ["Aki"], "preferred_username": "aki"}, "aki"),
    ],
)
def test_name_comes_from_the_token(
    issuer: Issuer, socket: Sockets, room: Room, claims: dict[str, Any], name: str
) -> None:
    socket("a").connect(roomId=room.room_id, name="The boss", access_token=issuer.token(**claims))
    assert connection("a").name == name


def test_user_without_a_name_has_one_that_stays(issuer: Issuer, socket: Sockets, room: Room) -> None:
    for connection_id in ("a", "b"):
        socket(connection_id).connect(roomId=room.room_id, name="Bo", access_token=issuer.token(name=None))
    names = {connection(id_).name for id_ in ("a", "b")}
    assert names == {f"user-{connection('a').member_id[:4]}"}


def test_user_cannot_take_another_name(issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room) -> None:
    aki = socket("a")
    aki.connect(roomId=room.room_id, access_token=issuer.token())
    aki.send({"action": "rename", "data": {"name": "Bo"}})
    assert gateway.frames["a"][-1]["error"]["code"] == "forbidden"
    assert connection("a").name == "Aki"


def test_nothing_but_the_name_is_stored_of_a_user(issuer: Issuer, socket: Sockets, room: Room) -> None:
    socket("a").connect(roomId=room.room_id, access_token=issuer.token("subject-7", email="aki@example.org"))
    rows = [row.serialize() for model in (Room, Connection) for row in model.scan(consistent_read=True)]
    stored = json.dumps(rows) + stored_items()
    assert stored.count("Aki") >= 2
    assert not [text for text in ("subject-7", "example.org", issuer.url) if text in stored]


def test_token_limits_the_rooms(issuer: Issuer, client: Client, ws_event: Any, socket: Sockets, room: Room) -> None:
    other = create_room("Coffee")
    token = issuer.token(chat_rooms=[room.room_id, "no such room"])
    assert socket("a").connect(roomId=room.room_id, access_token=token) == 200
    status, body = rejection(ws_event, roomId=other.room_id, access_token=token)
    assert (status, "chat_rooms" in body) == (403, True)
    for path in ("", "/members", "/messages"):
        assert get(client, f"/rooms/{room.room_id}{path}", token).status_code == 200
        assert get(client, f"/rooms/{other.room_id}{path}", token).status_code == 403
    assert [one["room_id"] for one in get(client, "/rooms", token).json_body["rooms"]] == [room.room_id]
    assert post_room(client, token).status_code == 403
    assert post_room(client, issuer.token(chat_rooms="*")).status_code == 201


@pytest.mark.parametrize(
    ("is_required", "claims", "reaches"),
    [
        (False, {}, True),
        (False, {"chat_rooms": []}, False),
        (True, {}, False),
        (True, {"chat_owner": True}, False),
        (True, {"chat_rooms": []}, False),
        (True, {"chat_rooms": "*"}, True),
    ],
)
def test_token_without_rooms_reaches_nothing(
    issuer: Issuer,
    client: Client,
    ws_event: Any,
    socket: Sockets,
    room: Room,
    monkeypatch: pytest.MonkeyPatch,
    is_required: bool,
    claims: dict[str, Any],
    reaches: bool,
) -> None:
    monkeypatch.setattr(settings, "AUTH_ROOMS_REQUIRED", is_required)
    token = issuer.token(**claims)
    for path in paths(room)[1:]:
        assert get(client, path, token).status_code == (200 if reaches else 403), path
    assert len(get(client, "/rooms", token).json_body["rooms"]) == reaches
    assert post_room(client, token).status_code == (201 if reaches else 403)
    if reaches:
        assert socket("a").connect(roomId=room.room_id, access_token=token) == 200
    else:
        assert rejection(ws_event, roomId=room.room_id, access_token=token)[0] == 403


def test_private_room_still_needs_its_token(issuer: Issuer, tables: None, socket: Sockets, ws_event: Any) -> None:
    private = create_room("Secret", private=True)
    token = issuer.token()
    assert rejection(ws_event, roomId=private.room_id, access_token=token)[0] == 403
    assert socket("a").connect(roomId=private.room_id, access_token=token, token=private.join_token or "") == 200


@pytest.mark.parametrize(("claim", "is_owner"), [(True, True), ("true", False), (False, False), (None, False)])
def test_claim_gives_the_rights_of_an_owner(
    issuer: Issuer, socket: Sockets, room: Room, claim: Any, is_owner: bool
) -> None:
    Room(room.room_id).update([Room.locked.set(True)])
    status = socket("a").connect(roomId=room.room_id, access_token=issuer.token(chat_owner=claim))
    assert (status == 200) is is_owner
    if is_owner:
        assert connection("a").is_owner


def test_removed_user_stays_out_on_every_device(
    issuer: Issuer, client: Client, socket: Sockets, ws_event: Any, queue: Any, room: Room
) -> None:
    owner = socket("o")
    owner.connect(roomId=room.room_id, access_token=issuer.token("owner", chat_owner=True))
    socket("b").connect(roomId=room.room_id, access_token=issuer.token("bo"))
    owner.send({"action": "removeMember", "data": {"memberId": connection("b").member_id}})
    assert rejection(ws_event, roomId=room.room_id, access_token=issuer.token("bo"), key="k" * 22)[0] == 403
    response = get(client, f"/rooms/{room.room_id}", issuer.token("bo"))
    assert (response.status_code, response.json_body["Code"]) == (403, "MemberBannedError")
    assert get(client, f"/rooms/{room.room_id}?key={'k' * 22}", issuer.token("bo")).status_code == 403
    assert get(client, f"/rooms/{room.room_id}", issuer.token("other")).status_code == 200
