"""Signals, which are delivered to the others and never stored."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from chalicelib import settings
from chalicelib.storage.models import Room
from tests.support.dynamodb import WriteUnits
from tests.support.gateway import Gateway
from tests.support.moderation import Sockets, act, error_code, member_id
from tests.support.sockets import Socket


def test_signal_reaches_the_others_only(bo: Socket, gateway: Gateway) -> None:
    act(bo, "signal", name="typing", data={"seconds": 10, "in": ["thread", None]})
    sender = {"id": member_id("b"), "name": "Bo"}
    frame = {"signal": {"name": "typing", "data": {"seconds": 10, "in": ["thread", None]}, "sender": sender}}
    assert gateway.frames == {"a": [frame]}


@pytest.mark.parametrize("data", [{}, {"data": None}])
def test_signal_without_data_has_none(bo: Socket, gateway: Gateway, data: dict[str, None]) -> None:
    act(bo, "signal", name="typing", **data)
    assert gateway.frames["a"][-1]["signal"].keys() == {"name", "sender"}


@pytest.mark.parametrize("data", [0, False, "", [], {}, {"id": 1_234_567_890_123_456_789}, 2**64 - 1, -(2**63)])
def test_data_is_delivered_as_it_is(bo: Socket, gateway: Gateway, data: object) -> None:
    act(bo, "signal", name="typing", data=data)
    assert gateway.frames["a"][-1]["signal"]["data"] == data


def test_signal_costs_no_write(bo: Socket, write_units: WriteUnits) -> None:
    act(bo, "signal", name="typing", data="x" * 1_022)
    assert write_units.total() == 0


@pytest.mark.parametrize("size", [1_024, 1_025])
def test_data_has_at_most_1_kb(bo: Socket, gateway: Gateway, size: int) -> None:
    act(bo, "signal", name="typing", data="é" * ((size - 2) // 2) + "x" * (size % 2))
    if size == 1_024:
        assert "signal" in gateway.frames["a"][-1]
    else:
        assert gateway.frames["b"][-1]["error"]["message"] == "data must be JSON of at most 1,024 bytes, not 1,025"


@pytest.mark.parametrize("data", ["\ud83d", ["\ud83d"], {"\ud83d": 1}])
def test_data_with_a_lone_surrogate_is_rejected(bo: Socket, gateway: Gateway, data: object) -> None:
    act(bo, "signal", name="typing", data=data)
    assert gateway.frames["b"][-1]["error"]["code"] == "invalid_message"


def test_deeply_nested_data_is_rejected(bo: Socket, gateway: Gateway) -> None:
    bo.send('{"action": "signal", "data": {"name": "typing", "data": ' + "[" * 15_000 + "]" * 15_000 + "}}")
    assert error_code(gateway, "b") in ("invalid_json", "invalid_message")


@pytest.mark.parametrize("name", ["", " ", "x" * 33, "\u200b", "a\nb", 5, None])
def test_invalid_name_is_rejected(bo: Socket, gateway: Gateway, name: object) -> None:
    act(bo, "signal", name=name)
    assert error_code(gateway, "b") == "invalid_message"


def test_11th_signal_in_10_seconds_is_rejected_once(
    bo: Socket, gateway: Gateway, clock: time_machine.Traveller
) -> None:
    for _ in range(13):
        act(bo, "signal", name="typing")
    assert len(gateway.frames["a"]) == 10
    assert [frame["error"]["code"] for frame in gateway.frames["b"]] == ["rate_limited"]
    bo.say("Signals do not count as messages.")
    clock.shift(settings.WINDOW_SECONDS)
    act(bo, "signal", name="typing")
    assert "signal" in gateway.frames["a"][-1]


def test_room_of_more_than_25_connections_gets_no_signals(
    bo: Socket, socket: Sockets, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SIGNAL_LIMIT", 2)
    act(bo, "signal", name="typing")
    socket("c").connect(roomId=room.room_id)
    gateway.reset()
    act(bo, "signal", name="typing")
    assert list(gateway.frames) == ["b"]
    assert error_code(gateway, "b") == "too_large"


@pytest.mark.parametrize(("action", "data"), [("signal", {"name": "typing"}), ("markRead", {"sequence": 1})])
def test_former_owner_can_neither_send_signals_nor_mark_messages_as_read(
    bo: Socket, aki: Socket, socket: Sockets, room: Room, gateway: Gateway, action: str, data: dict[str, Any]
) -> None:
    act(aki, "updateRoom", newOwnerToken=True)
    socket("f").connect(roomId=room.room_id, owner=room.owner_token or "")
    gateway.reset()
    act(socket("f"), action, **data)
    assert list(gateway.frames) == ["f"]
    assert error_code(gateway, "f") == "forbidden"


def test_muted_member_cannot_send_signals(bo: Socket, aki: Socket, gateway: Gateway) -> None:
    act(aki, "muteMember", memberId=member_id("b"), seconds=60)
    act(bo, "signal", name="typing")
    assert error_code(gateway, "b") == "muted"
