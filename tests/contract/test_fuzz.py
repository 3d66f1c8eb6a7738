"""Any frame at all gets one answer: what it asked for, or one error that costs DynamoDB nothing.

`make fuzz` runs this with FRAMES of one's own.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from chalicelib import settings
from chalicelib.models import Room
from tests.conftest import Socket
from tests.gateway import Gateway

FRAMES = int(os.environ.get("FRAMES", "2000"))
"""How many frames are made, of all kinds together."""

KINDS = 4
CODES = {"invalid_json", "unknown_action", "invalid_message"}

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
texts = st.text(st.characters(), max_size=40)  # halves of surrogate pairs and control characters included
near_valid = st.fixed_dictionaries(
    {"action": st.sampled_from(["sendMessage", "onMessage", "ping", "sendmessage", "receive", "__class__"]) | anything},
    optional={
        "data": anything
        | st.fixed_dictionaries(
            {"message": texts | st.just("x" * 4_000) | st.just("x" * 4_001) | anything},
            optional={"clientId": texts | anything, "sequence": anything, "sender": anything},
        ),
        "message": anything,
    },
)


@pytest.fixture
def pair(socket: Any, room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> tuple[Socket, Socket]:
    """Two members of a room, a and b, of whom nobody is held back, and whose clientId may be any at any time."""
    monkeypatch.setattr(settings, "WINDOW_SECONDS", 0)
    monkeypatch.setattr(settings, "CLIENT_ID_SECONDS", 0)
    a, b = socket("a"), socket("b")
    assert (a.connect(roomId=room.room_id), b.connect(roomId=room.room_id)) == (200, 200)
    return a, b


def _generated(frames: st.SearchStrategy[Any]) -> Any:
    """Run a test with as many frames as are its share, the same ones in every run of the same number."""
    patience = effort(
        max_examples=-(-FRAMES // KINDS),
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    return lambda test: patience(given(frame=frames)(test))


@_generated(st.text(st.characters()))
@example("None")  # what Chalice makes of a frame without a body
@example("\ufeff{}")
@example("\ud800")
@example('{"action": "ping", "more": ' + "[" * 10_000 + "]" * 10_000 + "}")
@example('{"action": "ping", "more": ' + "9" * 5_000 + "}")
@example('{"action": "ping", "more": 1e999}')
@example('{"action": "ping", "more": NaN}')
@example('{"action": "ping", "action": "sendMessage"}')
@example('{"action": "ping", "more": "' + "é" * 17_000 + '"}')
@example("[" * 100_000)
def test_any_text_gets_one_answer(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: str
) -> None:
    _one_answer(pair, gateway, requests, frame)


@_generated(st.binary())
@example(b"\xff\xfe")
@example(b'{"action": "ping"}\x00')
def test_any_bytes_get_one_answer(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: bytes
) -> None:
    _one_answer(pair, gateway, requests, frame.decode("utf-8", "surrogateescape"))


@_generated(anything)
@example({"action": "ping", "data": []})
@example({"action": ["ping"]})
def test_any_json_gets_one_answer(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: Any
) -> None:
    _one_answer(pair, gateway, requests, json.dumps(frame))


@_generated(near_valid)
@example({"action": "sendMessage", "data": {"message": "a\x00"}})
@example({"action": "sendMessage", "data": {"message": "\ud800"}})
@example({"action": "sendMessage", "data": {"message": "hi", "clientId": "\udfff"}})
@example({"action": "sendMessage", "data": {"message": {"message": "hi"}}})
@example({"action": "sendMessage", "data": {"message": "hi", "clientId": None, "sender": {"id": "me"}}})
def test_a_frame_that_is_nearly_one_gets_one_answer(
    pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], frame: Any
) -> None:
    _one_answer(pair, gateway, requests, json.dumps(frame))


def _one_answer(pair: tuple[Socket, Socket], gateway: Gateway, requests: Counter[str], body: str) -> None:
    requests.clear()
    gateway.frames.clear()
    gateway.attempts.clear()
    pair[0].send(body)
    (answer,) = gateway.frames["a"]
    if "message" in answer:
        said = json.loads(body)["data"]["message"]
        assert answer["message"]["message"] == said
        assert gateway.frames["b"] == [answer]
    else:
        assert gateway.attempts == {"a": 1}
        assert not requests
        assert answer == {"pong": True} or answer["error"]["code"] in CODES
