"""Tokens that expire while their users are connected."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from chalice.test import Client

import app as chat_app
from chalicelib import settings
from chalicelib.auth import access_tokens
from chalicelib.chat import members, rooms
from chalicelib.storage.models import Connection, Room
from tests.support.gateway import Gateway
from tests.support.issuer import Issuer
from tests.support.sockets import Socket
from tests.support.users import Sockets, connection, get


@pytest.fixture
def short_visit(issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room, clock: time_machine.Traveller) -> Socket:
    """Connect with a token that expires in 60 seconds, and let those pass. Another user stays."""
    aki, bo = socket("a"), socket("b")
    aki.connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 60))
    bo.connect(roomId=room.room_id, access_token=issuer.token("bo", name="Bo"))
    clock.shift(timedelta(seconds=61))
    return aki


@pytest.mark.parametrize("action", ["sendMessage", "ping", "hello"])
def test_frame_after_the_expiry_is_handled_with_unauthorized_and_the_connection_is_closed(
    short_visit: Socket, gateway: Gateway, action: str
) -> None:
    short_visit.send({"action": action, "data": {"message": "hi"}})
    error = gateway.frames["a"][-1]["error"]
    assert error == {
        "code": "unauthorized",
        "message": "your access token has expired; connect again with a new one",
        "action": action,
    }
    assert gateway.closed == ["a"]


def test_ping_after_the_expiry_is_rejected_by_a_function_that_does_not_verify_tokens(
    short_visit: Socket, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "AUTH_ISSUER", "")
    monkeypatch.setattr(settings, "AUTH_REQUIRED", False)
    monkeypatch.setattr(settings, "SIGN_IN", True)
    short_visit.send({"action": "ping"})
    assert gateway.frames["a"][-1]["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]


def test_listener_whose_token_has_expired_hears_nothing_more_and_is_closed(
    short_visit: Socket, socket: Sockets, gateway: Gateway, room: Room
) -> None:
    before = len(gateway.frames["a"])
    socket("b").say("secret")
    (frame,) = gateway.frames["a"][before:]
    assert frame["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]
    assert Connection.find("a") is None
    assert int(rooms.authorize(room.room_id).member_count) == 1
    leave = gateway.frames["b"][-1]["message"]
    assert (leave["type"], leave["sender"]["name"]) == ("leave", "Aki")


def test_listener_whose_token_expires_while_a_frame_is_queued_does_not_hear_it(
    issuer: Issuer,
    socket: Sockets,
    gateway: Gateway,
    queue: Any,
    client: Client,
    room: Room,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 0)
    monkeypatch.setattr(settings, "FANOUT_BATCH", 1)
    socket("a").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 60))
    socket("b").connect(roomId=room.room_id, access_token=issuer.token("bo"))
    clock.shift(timedelta(seconds=59))
    socket("b").say("secret")
    clock.shift(timedelta(seconds=1))
    while found := queue.receive_messages():
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            message.delete()
    assert gateway.texts("b") == ["secret"]
    (frame,) = gateway.frames["a"]
    assert frame["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]


def test_message_is_delivered_before_users_whose_token_has_expired_are_removed(
    short_visit: Socket, socket: Sockets, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered: list[int] = []
    monkeypatch.setattr(members, "leave", lambda *_, **__: delivered.append(len(gateway.texts("b"))) or [])
    before = len(gateway.texts("b"))
    socket("b").say("hi")
    assert delivered[0] == before + 1


def test_user_whose_token_has_expired_is_not_listed(short_visit: Socket, issuer: Issuer, client: Client) -> None:
    path = f"/rooms/{connection('a').joined_room_id}/members"
    assert [member["name"] for member in get(client, path, issuer.token("bo")).json_body["members"]] == ["Bo"]


def test_rejected_frame_also_ends_a_connection_whose_token_has_expired(
    issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room, clock: time_machine.Traveller
) -> None:
    aki = socket("a")
    aki.connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 5))
    for _ in range(settings.MESSAGES_PER_WINDOW):
        aki.say("hi")
    clock.shift(timedelta(seconds=5))
    aki.say("one more")
    assert gateway.frames["a"][-1]["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]


def test_closed_room_also_ends_connections_whose_token_has_expired(
    issuer: Issuer, socket: Sockets, gateway: Gateway, queue: Any, room: Room, clock: time_machine.Traveller
) -> None:
    owner = socket("o")
    owner.connect(roomId=room.room_id, access_token=issuer.token("owner", chat_owner=True))
    socket("a").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 60))
    clock.shift(timedelta(seconds=61))
    owner.send({"action": "closeRoom"})
    assert sorted(gateway.closed) == ["a", "o"]
    assert not rooms.has_connections(room.room_id)


def test_row_of_an_open_connection_outlives_the_token(issuer: Issuer, socket: Sockets, room: Room) -> None:
    """DynamoDB may delete a row once its TTL has passed, and a disconnect would not find its room."""
    socket("a").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 5))
    assert connection("a").expires_at - connection("a").joined_at >= timedelta(hours=2)


def test_room_does_not_expire_with_a_token(
    issuer: Issuer, socket: Sockets, room: Room, clock: time_machine.Traveller
) -> None:
    socket("a").connect(roomId=room.room_id, access_token=issuer.token())
    before = rooms.authorize(room.room_id).expires_at
    socket("b").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 5))
    assert rooms.authorize(room.room_id).expires_at == before


def test_token_of_a_late_clock_lasts_for_the_tolerated_difference(
    issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room, clock: time_machine.Traveller
) -> None:
    aki = socket("a")
    assert aki.connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) - 30)) == 200
    aki.say("hi")
    clock.shift(timedelta(seconds=31))
    aki.send({"action": "ping"})
    assert gateway.closed == ["a"]


def test_clock_skew_is_a_minute() -> None:
    assert access_tokens.CLOCK_SKEW_SECONDS == 60
