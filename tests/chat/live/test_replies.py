"""Replies and mentions."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from chalice.test import Client

from chalicelib.storage.models import Message, Room
from tests.support.dynamodb import WriteUnits
from tests.support.gateway import Gateway
from tests.support.messages import items, stored_items
from tests.support.moderation import act, error_code, member_id
from tests.support.sockets import Socket


def say(member: Socket, text: str, **data: object) -> None:
    act(member, "sendMessage", message=text, **data)


def test_reply_and_mentions_arrive_and_are_stored(
    bo: Socket, aki: Socket, room: Room, gateway: Gateway, client: Client
) -> None:
    say(aki, "hello", replyTo=1, mentions=[member_id("b")])
    message = gateway.frames["b"][-1]["message"]
    assert (message["replyTo"], message["mentions"]) == (1, [member_id("b")])
    assert items(client, room)[-1] == message


def test_member_who_is_mentioned_twice_is_listed_once(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    ids = [member_id("b"), member_id("a"), member_id("b")]
    say(aki, "hello", mentions=ids)
    assert gateway.frames["b"][-1]["message"]["mentions"] == ids[:2]


def test_other_messages_have_neither(bo: Socket, room: Room, client: Client) -> None:
    for mentions in (None, []):
        say(bo, "ho", replyTo=None, mentions=mentions)
    assert not any({"replyTo", "mentions"} & item.keys() for item in items(client, room))


@pytest.mark.parametrize("target", [2, 3, 99])
def test_reply_to_a_later_message_is_rejected_and_leaves_no_gap(
    bo: Socket, room: Room, gateway: Gateway, client: Client, target: int
) -> None:
    say(bo, "ho", replyTo=target)
    assert gateway.frames["b"][-1]["error"]["message"] == "replyTo must be the sequence of an earlier message"
    assert [item["message"] for item in items(client, room)] == ["hi"]
    assert Message.get(room.room_id, Message.sort_key_of(2), consistent_read=True).is_tombstone


@pytest.mark.parametrize(
    "data",
    [
        {"replyTo": 0},
        {"replyTo": "1"},
        {"replyTo": True},
        {"mentions": "8hVt2mQwXz0sY4bN"},
        {"mentions": ["short"]},
        {"mentions": ["8hVt2mQwXz0sY4bN"] * 11},
        {"mentions": [None]},
    ],
)
def test_invalid_reply_or_mention_is_rejected(bo: Socket, gateway: Gateway, data: dict[str, Any]) -> None:
    say(bo, "ho", **data)
    assert error_code(gateway, "b") == "invalid_message"


def test_reply_to_a_deleted_message_keeps_only_its_number(bo: Socket, aki: Socket, room: Room, client: Client) -> None:
    say(aki, "hello", replyTo=1)
    act(bo, "deleteMessage", sequence=1)
    assert [item.get("replyTo") for item in items(client, room)] == [1, None]
    assert "'hi'" not in stored_items()


def test_deleted_reply_leaves_neither_target_nor_mentions(bo: Socket, aki: Socket, room: Room) -> None:
    say(aki, "hello", replyTo=1, mentions=[member_id("b")])
    act(aki, "deleteMessage", sequence=2)
    row = Message.get(room.room_id, Message.sort_key_of(2), consistent_read=True)
    assert (row.reply_to, row.mentions) == (None, None)


def test_reply_with_mentions_costs_as_much_as_another_message(
    bo: Socket, requests: Counter[str], write_units: WriteUnits
) -> None:
    mentions = [f"{number:016}" for number in range(10)]
    requests.clear()
    say(bo, "x" * 500, clientId="c-2")
    expected = (dict(requests), dict(write_units))
    requests.clear()
    write_units.clear()
    say(bo, "x" * 500, clientId="c-3", replyTo=1, mentions=mentions)
    assert (dict(requests), dict(write_units)) == expected
    assert write_units.total() == 6
    assert 900 < write_units.largest <= 1_024
