"""Messages of removed members that are hidden and not erased yet: for all actions, they are deleted."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib import limits
from chalicelib.storage.models import Message, Reactions, Report, Room
from tests.support.gateway import Gateway
from tests.support.moderation import BOS, Sockets, act, complete, error_code, history_of, member_id
from tests.support.sockets import Socket


@pytest.fixture
def bos(bo: Socket, aki: Socket, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """Remove Bo, whose message is hidden until the queue erases it. Return Bo's member id."""
    monkeypatch.setattr(limits, "ERASED_AT_ONCE", 0)
    bos = member_id("b")
    act(aki, "removeMember", memberId=bos, deleteMessages=True)
    assert Message.get(room.room_id, Message.sort_key_of(1), consistent_read=True).text == "hi"
    gateway.frames.clear()
    return bos


def items_of(room: Room, model: type[Reactions] | type[Report]) -> list[Any]:
    return list(model.query(room.room_id, model.sort_key.startswith(model.PREFIX), consistent_read=True))


@pytest.mark.parametrize("remove", [False, True])
def test_hidden_message_gets_no_reaction(bos: str, aki: Socket, room: Room, gateway: Gateway, remove: bool) -> None:
    act(aki, "react", sequence=1, reaction="👍", remove=remove)
    assert error_code(gateway, "a") == "invalid_message"
    assert items_of(room, Reactions) == []


def test_hidden_message_cannot_be_reported(bos: str, aki: Socket, room: Room, gateway: Gateway) -> None:
    act(aki, "reportMessage", sequence=1)
    assert error_code(gateway, "a") == "invalid_message"
    assert items_of(room, Report) == []


def test_author_who_comes_back_edits_only_later_messages(
    bos: str, aki: Socket, socket: Sockets, room: Room, gateway: Gateway, client: Client, queue: Any
) -> None:
    act(aki, "unbanMember", memberId=bos)
    bo = socket("b2")
    assert bo.connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    gateway.frames.clear()
    act(bo, "editMessage", sequence=1, message="hi again")
    assert error_code(gateway, "b2") == "invalid_message"
    assert "a" not in gateway.frames
    bo.say("sory")
    act(bo, "editMessage", sequence=3, message="sorry")
    complete(client, queue)
    assert [text for _, text in history_of(room)] == ["Aki removed Bo", "sorry", "Bo edited a message"]


def test_hidden_message_that_its_author_repeats_is_not_delivered_again(
    bos: str, aki: Socket, socket: Sockets, room: Room, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    clock.shift(1)
    act(aki, "unbanMember", memberId=bos)
    bo = socket("b2")
    assert bo.connect(roomId=room.room_id, name="Bo", key=BOS) == 200
    gateway.frames.clear()
    bo.say("hi", clientId="c-1")
    assert error_code(gateway, "b2") == "forbidden"
    assert "a" not in gateway.frames


def test_reply_to_a_hidden_message_does_not_quote_it(
    bos: str, aki: Socket, room: Room, client: Client, gateway: Gateway
) -> None:
    aki.say("why?", replyTo=1, mentions=[bos])
    (echo,) = (frame["message"] for frame in gateway.frames["a"])
    assert (echo["message"], echo["replyTo"], echo["mentions"]) == ("why?", 1, [bos])
    assert '"hi"' not in json.dumps(echo)
    quoted = client.http.get(f"/rooms/{room.room_id}/messages?before=2&limit=1").json_body
    assert quoted["messages"] == []


@pytest.mark.parametrize(
    ("action", "data", "expected"),
    [
        ("react", {"reaction": "👍"}, {"GetItem": 2, "UpdateItem": 2, "Query": 1}),
        ("editMessage", {"message": "ho"}, {"GetItem": 2, "UpdateItem": 2, "TransactWriteItems": 1, "Query": 1}),
    ],
)
def test_actions_on_a_message_read_the_room_once(
    bo: Socket, requests: Counter[str], action: str, data: dict[str, Any], expected: dict[str, int]
) -> None:
    bo.say("warm")  # the process knows the sender from then on
    requests.clear()
    act(bo, action, sequence=1, **data)
    assert requests == expected
