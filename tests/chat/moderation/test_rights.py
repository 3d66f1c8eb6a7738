"""Rights of the owner of a room."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from chalice.test import Client

from chalicelib import settings
from chalicelib.chat import rooms
from chalicelib.storage.models import Room
from tests.support.gateway import Gateway
from tests.support.moderation import Sockets, act, error_code, history_of, member_id, rejection
from tests.support.rooms import create_room
from tests.support.sockets import Socket, members_of


def test_welcome_tells_who_is_the_owner(owner: Socket, bo: Socket, gateway: Gateway) -> None:
    for member in (owner, bo):
        act(member, "hello")
    assert [gateway.frames[id_][-1]["welcome"]["owner"] for id_ in "ab"] == [True, False]


def test_every_wrong_owner_token_gets_the_same_error(ws_event: Any, room: Room) -> None:
    right = room.owner_token or ""
    bodies = {
        rejection(ws_event, "x", roomId=room.room_id, owner=token)
        for token in ("x", right[:-1], right + "x", room.owner_hash, create_room("Coffee").owner_token or "")
    }
    ((status, body),) = bodies
    assert status == 403
    assert "ownerToken" in body
    assert members_of(room.room_id) == set()


def test_owner_needs_no_join_token(socket: Sockets, client: Client, tables: None) -> None:
    room, other = create_room("Party", private=True), create_room("Other", private=True)
    for owner, status in ((room.owner_token, 200), (other.owner_token, 403), ("", 403)):
        assert socket("a").connect(roomId=room.room_id, owner=owner or "") == status
        for path in ("", "/members", "/messages"):
            assert client.http.get(f"/rooms/{room.room_id}{path}?owner={owner}").status_code == status


def test_client_that_may_join_with_empty_credentials_may_read_with_them(
    socket: Sockets, client: Client, room: Room
) -> None:
    query = {"token": "", "key": "", "owner": ""}
    assert socket("a").connect(roomId=room.room_id, **query) == 200
    for path in ("", "/members", "/messages"):
        assert client.http.get(f"/rooms/{room.room_id}{path}?{urlencode(query)}").status_code == 200


@pytest.mark.parametrize("path", ["hooks", "bans", "reports"])
def test_owner_reads_with_the_token_in_the_query_or_in_the_header(client: Client, room: Room, path: str) -> None:
    url, right = f"/rooms/{room.room_id}/{path}", room.owner_token or ""
    for query, header, status in (
        (f"?owner={right}", "", 200),
        ("", f"Bearer {right}", 200),
        ("?owner=", f"Bearer {right}", 200),
        ("", f"Bearer {right}x", 403),
        ("?owner=x", f"Bearer {right}", 403),
        ("", "", 403),
    ):
        assert client.http.get(url + query, headers={"Authorization": header}).status_code == status


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("updateRoom", {"roomName": "Coffee"}),
        ("updateRoom", {}),
        ("removeMember", {"memberId": "m" * 16}),
        ("closeRoom", {}),
    ],
)
def test_action_of_the_owner_is_forbidden_to_others(
    bo: Socket, room: Room, gateway: Gateway, action: str, data: dict[str, object]
) -> None:
    act(bo, action, **data)
    assert error_code(gateway, "b") == "forbidden"
    assert gateway.frames["a"] == []
    assert (rooms.authorize(room.room_id).name, members_of(room.room_id)) == ("Tea", {"a", "b"})
    assert history_of(room) == []


def test_owner_who_has_sent_many_messages_can_still_act(
    owner: Socket, bo: Socket, room: Room, gateway: Gateway
) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW + 1):
        owner.say("hi")
    assert error_code(gateway, "a") == "rate_limited"
    bos = member_id("b")
    for action, data in (("updateRoom", {"locked": True}), ("removeMember", {"memberId": bos}), ("closeRoom", {})):
        gateway.frames.clear()
        act(owner, action, **data)
        assert not any("error" in frame for frame in gateway.frames["a"])
    assert gateway.closed[-1] == "a"


def test_actions_of_an_owner_have_a_limit_too(owner: Socket, room: Room, gateway: Gateway) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW + 1):
        act(owner, "updateRoom", locked=True)
    assert error_code(gateway, "a") == "rate_limited"
    owner.say("hi")
    assert gateway.frames["a"][-1]["message"]["message"] == "hi"


def test_owner_who_deletes_many_messages_learns_when_to_go_on(owner: Socket, gateway: Gateway) -> None:
    owner.say("hi")
    sequence = gateway.frames["a"][-1]["message"]["sequence"]
    for _ in range(settings.MESSAGES_PER_WINDOW - 1):
        act(owner, "deleteMessage", sequence=sequence)
    assert "error" not in gateway.frames["a"][-1]
    act(owner, "deleteMessage", sequence=sequence, clientId="c-1")
    error = gateway.frames["a"][-1]["error"]
    assert (error["code"], error["action"], error["clientId"]) == ("rate_limited", "deleteMessage", "c-1")
    assert 0 < error["retryAfter"] <= settings.WINDOW_SECONDS


def test_actions_of_an_owner_by_others_count_as_messages(bo: Socket, room: Room, gateway: Gateway) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW):
        act(bo, "updateRoom", locked=True)
        assert error_code(gateway, "b") == "forbidden"
    bo.say("hi")
    assert error_code(gateway, "b") == "rate_limited"
