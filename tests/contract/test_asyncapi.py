"""docs/asyncapi.yaml describes the WebSocket as it is; conftest.py holds every frame of the other tests against it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from chalicelib import chat, checks, frames, settings
from chalicelib.models import Connection, Room
from tests import asyncapi
from tests.asyncapi import DOCUMENT, SENT, TAKEN
from tests.conftest import Socket
from tests.gateway import Gateway

QUERY = DOCUMENT["channels"]["room"]["bindings"]["ws"]["query"]["properties"]
MESSAGES = DOCUMENT["components"]["messages"]
SCHEMAS = DOCUMENT["components"]["schemas"]
CODES = [alternative["const"] for alternative in SCHEMAS["Error"]["properties"]["code"]["oneOf"]]


def _limit(schema: dict[str, Any]) -> int:
    (limit,) = (part["maxLength"] for part in schema["allOf"] if "maxLength" in part)
    return int(limit)


def test_the_description_is_valid(node_tools: Path) -> None:
    parser = ["node", node_tools / "asyncapi.mjs", asyncapi.FILE]
    assert subprocess.run(parser, capture_output=True, text=True, check=True).stdout == ""


def test_every_frame_is_in_use() -> None:
    assert TAKEN.keys() | SENT.keys() == MESSAGES.keys() == DOCUMENT["channels"]["room"]["messages"].keys()


@pytest.mark.parametrize("name", MESSAGES)
def test_every_example_is_as_described(name: str) -> None:
    examples = [example["payload"] for example in MESSAGES[name]["examples"]]
    assert examples
    for example in examples:
        assert asyncapi.kind_of(example, TAKEN | SENT) == name


def test_the_actions_described_are_those_of_the_program() -> None:
    described = [MESSAGES[name]["payload"]["properties"]["action"] for name in TAKEN]
    assert {name for action in described for name in action.get("enum", [action.get("const")])} == chat.ACTIONS.keys()


def test_the_error_codes_described_are_those_of_the_program() -> None:
    assert sorted(CODES) == sorted(get_args(frames.ErrorCode))


def test_the_limits_described_are_those_of_the_program() -> None:
    data = MESSAGES["sendMessage"]["payload"]["properties"]["data"]["properties"]
    assert _limit(QUERY["name"]) == checks.DISPLAY_NAME_LIMIT
    assert _limit(data["message"]) == checks.MESSAGE_LIMIT
    assert _limit(SCHEMAS["ClientId"]) == frames.CLIENT_ID_LIMIT
    operations = DOCUMENT["operations"]
    for limit, text in (
        (f"at most {frames.FRAME_LIMIT:,} bytes", DOCUMENT["info"]["description"]),
        (
            f"more than {settings.MESSAGES_PER_WINDOW} messages in {settings.WINDOW_SECONDS} seconds",
            operations["say"]["description"],
        ),
        (f"after {settings.FLOOD_WARNINGS} such answers", operations["say"]["description"]),
        (f"within {settings.CLIENT_ID_SECONDS // 60} minutes", operations["say"]["description"]),
        (f"more than {settings.PRESENCE_LIMIT} members", operations["announce"]["description"]),
    ):
        assert limit in text


def test_a_room_is_joined_with_the_query_described(socket: Callable[[str], Socket], room: Room) -> None:
    query = {"roomId": room.room_id, "name": "Aki", "token": "any"}
    assert query.keys() == QUERY.keys()
    assert socket("a").connect(**query) == 200
    assert Connection.get("a").name == "Aki"


def test_every_frame_and_every_error_described_is_met(
    socket: Callable[[str], Socket], room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = socket("a"), socket("b")
    for member in (a, b):
        member.connect(roomId=room.room_id)
    for frame in ("hello", {"action": "nick"}, {"action": "ping"}):
        a.send(frame)
    for text in ["", *["hi"] * (settings.MESSAGES_PER_WINDOW + 1)]:
        a.say(text)
    b.disconnect()
    b.say("hi")
    monkeypatch.setattr(chat.flood, "admit", lambda _: 1 / 0)
    a.say("hi")
    met = [frame for frames in gateway.frames.values() for frame in frames]
    assert {asyncapi.kind_of(frame, SENT) for frame in met} == SENT.keys()
    assert {frame["error"]["code"] for frame in met if "error" in frame} == set(CODES)


@pytest.mark.parametrize(
    "frame",
    [
        {"pong": True, "more": 1},
        {"error": {"code": "unheard_of", "message": "what?"}},
        {"error": {"code": "rate_limited", "message": "without when to send it again"}},
        {"error": {"code": "invalid_json", "message": "expected a JSON object", "retryAfter": 1}},
        {"message": {"type": "join", "message": "Aki joined", "sender": {"id": "8hVt2mQwXz0s"}, "memberCount": 1}},
        {"action": "ping"},
    ],
)
def test_a_frame_that_is_not_described_is_noticed(frame: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="described as nothing"):
        asyncapi.kind_of(frame, SENT)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"message": ""},
        {"message": " "},
        {"message": "a\nb"},
        {"message": "x" * 4_001},
        {"message": "hi", "clientId": ""},
        {"message": "hi", "clientId": "c" * 65},
        {"message": "hi", "clientId": 5},
    ],
)
def test_what_is_no_message_to_the_program_is_none_in_the_description(data: dict[str, Any]) -> None:
    frame = {"action": "sendMessage", "data": data}
    with pytest.raises(frames.FrameError):
        frames.read_message(frames.parse(json.dumps(frame))[1])
    with pytest.raises(AssertionError):
        asyncapi.kind_of(frame, TAKEN)
