"""docs/asyncapi.yaml describes the WebSocket API: its frames, its actions and its errors."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib import limits, settings
from chalicelib.auth import identity
from chalicelib.errors import InvalidInput
from chalicelib.protocol.frames import FRAME_ERRORS
from chalicelib.protocol.requests import RemoveMember, SendMessage
from chalicelib.protocol.validation import validate
from chalicelib.storage.models import Connection, Room
from chalicelib.websocket import actions
from chalicelib.websocket.dispatch import ACTIONS
from deployment.smoke import asyncapi
from deployment.smoke.asyncapi import DOCUMENT, RECEIVED, SENT
from docs.asyncapi import frame_name
from docs.json_schema import example_of
from tests.support.gateway import Gateway
from tests.support.sockets import Socket

MESSAGES = DOCUMENT["components"]["messages"]
QUERY = DOCUMENT["channels"]["room"]["bindings"]["ws"]["query"]["properties"]


@pytest.mark.node
def test_document_is_valid(node_tools: Path) -> None:
    parser = ["node", node_tools / "asyncapi.mjs", asyncapi.FILE]
    assert subprocess.run(parser, capture_output=True, text=True, check=True).stdout == ""


@pytest.mark.parametrize("name", MESSAGES)
def test_every_frame_has_a_valid_example(name: str) -> None:
    (example,) = MESSAGES[name]["examples"]
    assert asyncapi.kind_of(example["payload"], RECEIVED | SENT) == name


def test_connection_query_is_accepted_as_described(socket: Callable[[str], Socket], room: Room) -> None:
    query = {"roomId": room.room_id, "name": "Aki", "token": "any", "key": "k" * 22, "owner": room.owner_token or ""}
    query |= {"access_token": "ignored without sign-in", "batch": "1"}
    assert query.keys() == QUERY.keys()
    assert socket("a").connect(**query) == 200
    assert Connection.get("a", consistent_read=True).name == "Aki"


@pytest.mark.parametrize("name", ACTIONS)
def test_action_sends_the_frames_that_it_declares(
    socket: Callable[[str], Socket],
    room: Room,
    gateway: Gateway,
    queue: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for id_ in ("a", "c"):
        socket(id_).connect(roomId=room.room_id, owner=room.owner_token or "")
    with monkeypatch.context() as patch:
        patch.setattr(identity, "member_id", lambda *_: example_of(RemoveMember)["memberId"])
        socket("b").connect(roomId=room.room_id, key="k" * 22)
    socket("b").say("The examples may refer to this message.")
    gateway.frames.clear()
    sender = socket("b" if name == "editMessage" else "a")  # only its author edits a message
    sender.send({"action": name, "data": example_of(data) if (data := ACTIONS[name].data) else {}})
    sent = [frame for frames in gateway.frames.values() for frame in frames]
    assert {asyncapi.kind_of(frame, SENT).removesuffix("Frame") for frame in sent} == {
        frame_name(frame) for frame in ACTIONS[name].sends
    }


def test_every_error_code_occurs(
    socket: Callable[[str], Socket], room: Room, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = socket("a")
    member.connect(roomId=room.room_id)
    for frame in ("hello", {"action": "nick"}):
        member.send(frame)
    for text in ["", *["hi"] * (settings.MESSAGES_PER_WINDOW + 1)]:
        member.say(text)
    member.disconnect()
    member.say("hi")
    member.connect(roomId=room.room_id)
    Connection("a").update([Connection.authorized_until.set(0)])
    member.send({"action": "hello"})
    socket("muted").connect(roomId=room.room_id)
    Connection("muted").update([Connection.muted_until.set(datetime.now(UTC) + timedelta(hours=1))])
    socket("muted").say("hi")
    monkeypatch.setattr(actions.messages, "store", lambda *_: 1 / 0)
    other = socket("b")
    other.connect(roomId=room.room_id)
    other.say("hi")
    other.send({"action": "closeRoom"})
    monkeypatch.setattr(settings, "SIGNAL_LIMIT", 0)
    other.send({"action": "signal", "data": {"name": "typing"}})
    monkeypatch.setattr(limits, "MAX_CONNECTIONS_PER_MEMBER", 1)
    for id_ in ("c", "d"):
        socket(id_).connect(roomId=room.room_id, key="k" * 22)
    frames = [frame for sent in gateway.frames.values() for frame in sent]
    assert {frame["error"]["code"] for frame in frames if "error" in frame} == {error.code for error in FRAME_ERRORS}


@pytest.mark.parametrize(
    "frame",
    [
        {"pong": True, "more": 1},
        {"error": {"code": "unheard_of", "message": "what?"}},
        {"error": {"code": "rate_limited", "message": "without retryAfter"}},
        {"error": {"code": "invalid_json", "message": "expected a JSON object", "retryAfter": 1}},
        {"message": {"type": "join", "message": "Aki joined", "sender": {"id": "8hVt2mQwXz0sY4bN"}, "memberCount": 1}},
        {"action": "ping"},
    ],
)
def test_undescribed_frame_is_noticed(frame: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="described as nothing"):
        asyncapi.kind_of(frame, SENT)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"message": ""},
        {"message": " "},
        {"message": "\n\t\n"},
        {"message": "a\r\nb"},
        {"message": "hi", "clientId": "a\nb"},
        {"message": "x" * 4_001},
        {"message": "hi", "clientId": ""},
        {"message": "hi", "clientId": "c" * 65},
        {"message": "hi", "clientId": 5},
    ],
)
def test_invalid_message_is_invalid_in_the_document_too(data: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        validate(data, SendMessage)
    with pytest.raises(AssertionError):
        asyncapi.kind_of({"action": "sendMessage", "data": data}, RECEIVED)
