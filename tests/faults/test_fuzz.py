"""Generated frames: a valid one is handled, and an invalid one gets one error without a request to DynamoDB.

`make fuzz` runs this with more frames: FRAMES sets their number.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chalicelib import limits, settings
from chalicelib.errors import ChatError
from chalicelib.protocol import frames
from chalicelib.protocol.validation import validate
from chalicelib.storage.models import Room
from chalicelib.websocket.dispatch import ACTIONS, Action
from docs.json_schema import example_of
from tests.support.gateway import Gateway
from tests.support.sockets import Socket

FRAMES = int(os.environ.get("FRAMES", "300"))
"""Number of generated frames of all kinds."""

KINDS = 4
CODES = {"invalid_json", "unknown_action", "invalid_message"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
texts = st.text(st.characters(), max_size=40)  # with lone surrogates and control characters


def _example(action: Action) -> Any:
    return example_of(action.data) if action.data else {}


def _data(action: Action) -> st.SearchStrategy[Any]:
    """Generate data of an action: each field is valid, invalid or absent."""
    values = {name: st.just(value) | texts | anything for name, value in _example(action).items()}
    return st.fixed_dictionaries({}, optional=values | {"more": anything})


valid = st.sampled_from(list(ACTIONS)).map(lambda name: {"action": name, "data": _example(ACTIONS[name])})
nearly_valid = st.sampled_from([*ACTIONS, "sendmessage", "receive", "__class__"]).flatmap(
    lambda name: st.fixed_dictionaries(
        {"action": st.just(name) | anything},
        optional={"data": anything | (_data(ACTIONS[name]) if name in ACTIONS else st.nothing()), "message": anything},
    )
)


@pytest.fixture
def pair(socket: Any, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> tuple[Socket, Socket]:
    """Connect two members, a and b, to a room without a rate limit, in which every clientId is new."""
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)
    monkeypatch.setattr(limits, "IDEMPOTENCY_TTL_SECONDS", 0)
    a, b = socket("a"), socket("b")
    assert (a.connect(roomId=room.room_id), b.connect(roomId=room.room_id)) == (200, 200)
    return a, b


def _generated(strategy: st.SearchStrategy[Any]) -> Any:
    """Return a decorator that runs a test with its share of the frames, the same ones in each run."""
    budget = hypothesis_settings(
        max_examples=-(-FRAMES // KINDS),
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: budget(given(frame=strategy)(test))


@_generated(st.text(st.characters()))
@example("None")  # a frame without a body, as Chalice passes it on
@example("\ufeff{}")
@example("\ud800")
@example('{"action": "ping", "more": ' + "[" * 10_000 + "]" * 10_000 + "}")
@example('{"action": "ping", "more": ' + "9" * 5_000 + "}")
@example('{"action": "ping", "more": 1e999}')
@example('{"action": "ping", "more": NaN}')
@example('{"action": "ping", "action": "sendMessage"}')
@example('{"action": "ping", "more": "' + "é" * 17_000 + '"}')
@example("[" * 100_000)
def test_text_gets_one_response(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: str
) -> None:
    _one_response(pair, gateway, requests, frame)


@_generated(st.binary())
@example(b"\xff\xfe")
@example(b'{"action": "ping"}\x00')
def test_bytes_get_one_response(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: bytes
) -> None:
    _one_response(pair, gateway, requests, frame.decode("utf-8", "surrogateescape"))


@_generated(anything)
@example({"action": "ping", "data": []})
@example({"action": "deleteMessage", "data": {"sequence": "\ud800"}})
@example({"action": "deleteMessage", "data": {"sequence": 1, "\ud800": 1}})
@example({"action": "sendMessage", "data": {"message": {"\ud800": 1}}})
@example({"action": ["ping"]})
def test_json_gets_one_response(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: Any
) -> None:
    _one_response(pair, gateway, requests, json.dumps(frame))


@_generated(valid | nearly_valid)
@example({"action": "sendMessage", "data": {"message": "a\x00"}})
@example({"action": "sendMessage", "data": {"message": "a\n\tb"}})
@example({"action": "sendMessage", "data": {"message": "a\r\nb"}})
@example({"action": "sendMessage", "data": {"message": "\n\t"}})
@example({"action": "sendMessage", "data": {"message": "\ud800"}})
@example({"action": "sendMessage", "data": {"message": "hi", "clientId": "\udfff"}})
@example({"action": "sendMessage", "data": {"message": {"message": "hi"}}})
@example({"action": "sendMessage", "data": {"message": "hi", "clientId": None, "sender": {"id": "me"}}})
def test_nearly_valid_frame_gets_one_response(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: Any
) -> None:
    _one_response(pair, gateway, requests, json.dumps(frame))


def _one_response(pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], body: str) -> None:
    requests.clear()
    gateway.frames.clear()
    gateway.attempts.clear()
    pair[0].send(body)
    assert set(gateway.attempts.values()) <= {1}
    if _is_valid(body):
        assert not any("error" in frame for frame in gateway.frames["a"]) or requests
    else:
        (response,) = gateway.frames["a"]
        assert response["error"]["code"] in CODES
        assert gateway.attempts == {"a": 1}
        assert not requests


def _is_valid(body: str) -> bool:
    try:
        name, data = frames.parse(body)
        if declared := ACTIONS[name].data:
            validate(data, declared)
    except (ChatError, KeyError):
        return False
    return True
