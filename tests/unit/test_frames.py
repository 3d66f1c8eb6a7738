"""The JSON frames: what comes in, what goes out."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib import frames
from chalicelib.frames import FrameError
from chalicelib.models import Connection, Message

AKI = Connection("secret-id", member_id="m1", name="Aki")


def said(text: str, client_id: str | None = None, name: str = "Aki") -> Message:
    sent_at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    return Message(sequence=12, text=text, sender_id="m1", sender_name=name, sent_at=sent_at, client_id=client_id)


FRAME_LIMIT = 32 * 1024  # bytes, "Quotas for configuring and running a WebSocket API in API Gateway"


def test_a_frame_is_its_action_and_its_data() -> None:
    assert frames.parse('{"action": "sendMessage", "data": {"message": "hi"}}') == ("sendMessage", {"message": "hi"})


def test_a_frame_may_be_without_data_and_have_more_keys() -> None:
    assert frames.parse('{"action": "ping", "more": 1}') == ("ping", {})
    assert frames.parse('{"action": "ping", "data": null}') == ("ping", {})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("None", "invalid_json"),  # what Chalice makes of a frame without a body
        ("hello", "invalid_json"),
        ("[]", "invalid_json"),
        ("{}", "unknown_action"),
        ('{"action": null}', "unknown_action"),
        ('{"action": ["ping"]}', "unknown_action"),
        ('{"action": "sendMessage", "data": "hi"}', "invalid_message"),
        ('{"action": 5, "data": []}', "unknown_action"),
    ],
)
def test_a_frame_that_is_none_is_refused_with_its_code(body: str, code: str) -> None:
    with pytest.raises(FrameError) as refused:
        frames.parse(body)
    assert refused.value.code == code
    assert str(refused.value).startswith("expected")


def test_a_frame_longer_than_the_gateway_brings_is_refused_by_its_bytes() -> None:
    longest = '{"action": "ping", "more": "%s"}' % ("é" * 16_369)
    assert len(longest.encode()) == FRAME_LIMIT
    assert frames.parse(longest) == ("ping", {})
    with pytest.raises(FrameError, match="expected a frame of at most 32,768 bytes, not 32,769") as refused:
        frames.parse(longest + " ")
    assert refused.value.code == "invalid_message"


def test_numbers_of_any_length_are_numbers() -> None:
    assert frames.parse('{"action": "ping", "more": %s}' % ("9" * 5_000)) == ("ping", {})


def test_a_message_may_have_the_clients_own_id() -> None:
    assert frames.read_message({"message": "hi", "clientId": "c-1"}) == ("hi", "c-1")
    assert frames.read_message({"message": "hi"}) == ("hi", None)


@pytest.mark.parametrize(
    ("data", "client_id"),
    [
        ({}, None),
        ({"message": 1}, None),
        ({"message": " "}, None),
        ({"message": "x" * 4_001}, None),
        ({"message": "a\x07"}, None),
        ({"message": "hi", "clientId": 5}, None),
        ({"message": "hi", "clientId": "c" * 65}, None),
        ({"message": "", "clientId": "c-1"}, "c-1"),
    ],
)
def test_a_message_that_is_none_is_refused_with_its_clients_id(data: dict[str, Any], client_id: str | None) -> None:
    with pytest.raises(FrameError) as refused:
        frames.read_message(data)
    assert refused.value.code == "invalid_message"
    assert refused.value.client_id == client_id


def test_a_message_frame_says_who_what_and_when() -> None:
    assert json.loads(frames.message(said("hi", "c-1"))) == {
        "message": {
            "type": "message",
            "message": "hi",
            "sender": {"id": "m1", "name": "Aki"},
            "sequence": 12,
            "sentAt": "2026-11-22T10:00:00.000Z",
            "clientId": "c-1",
        }
    }
    assert "clientId" not in frames.message(said("hi"))


@pytest.mark.parametrize(("change", "text"), [("join", "Aki joined"), ("leave", "Aki left")])
def test_a_presence_frame_says_who_and_how_many(change: Any, text: str) -> None:
    assert json.loads(frames.presence(change, AKI, 3)) == {
        "message": {"type": change, "message": text, "sender": {"id": "m1", "name": "Aki"}, "memberCount": 3}
    }


def test_an_error_frame_has_a_code_a_sentence_and_the_clients_id() -> None:
    assert json.loads(frames.error(FrameError("not_in_room", "expected …", "c-1"))) == {
        "error": {"code": "not_in_room", "message": "expected …", "clientId": "c-1"}
    }
    assert "clientId" not in frames.error(FrameError("not_in_room", "expected …"))


@pytest.mark.parametrize("character", ["a", '"', "\\", "日", "👍"])
def test_the_longest_message_fits_one_frame_of_api_gateway(character: str) -> None:
    longest = said(character * 4_000, client_id="👍" * 64, name="👍" * 40)
    assert len(frames.message(longest).encode()) < FRAME_LIMIT


def test_no_frame_tells_a_connections_id() -> None:
    assert "secret-id" not in frames.presence("join", AKI, 1)
