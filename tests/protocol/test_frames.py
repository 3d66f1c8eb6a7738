"""JSON frames: parsing of frames from clients, and serialization of frames to them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.errors import ChatError, InvalidInput, NotInRoom, RateLimitExceeded
from chalicelib.protocol import frames
from chalicelib.protocol.frames import Error, Joined, Left, Welcome
from chalicelib.protocol.responses import history_item
from chalicelib.storage.models import Connection, Message, Room

AKI = Connection("secret-id", member_id="m1", name="Aki")


def stored(text: str, client_id: str | None = None, name: str = "Aki") -> Message:
    sent_at = datetime(2026, 11, 22, 10, tzinfo=UTC)
    return Message(sequence=12, text=text, sender_id="m1", sender_name=name, sent_at=sent_at, client_id=client_id)


FRAME_LIMIT = 32 * 1024  # bytes, "Quotas for configuring and running a WebSocket API in API Gateway"


def test_frame_is_parsed_into_action_and_data() -> None:
    assert frames.parse('{"action": "sendMessage", "data": {"message": "hi"}}') == ("sendMessage", {"message": "hi"})


def test_frame_may_have_no_data_and_further_properties() -> None:
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
def test_invalid_frame_is_rejected_with_its_code(body: str, code: str) -> None:
    with pytest.raises(ChatError, match=r"expected|must be") as error:
        frames.parse(body)
    assert error.value.code == code


def test_frame_size_is_limited_in_bytes() -> None:
    longest = '{"action": "ping", "more": "%s"}' % ("é" * 16_369)
    assert len(longest.encode()) == FRAME_LIMIT
    assert frames.parse(longest) == ("ping", {})
    with pytest.raises(InvalidInput, match="expected a frame of at most 32,768 bytes, not 32,769"):
        frames.parse(longest + " ")


def test_message_frame_contains_sender_sequence_and_time() -> None:
    assert json.loads(frames.serialize(history_item(stored("hi", "c-1")))) == {
        "message": {
            "type": "message",
            "message": "hi",
            "sender": {"id": "m1", "name": "Aki"},
            "sequence": 12,
            "sentAt": "2026-11-22T10:00:00.000Z",
            "clientId": "c-1",
        }
    }
    assert "clientId" not in frames.serialize(history_item(stored("hi")))


@pytest.mark.parametrize(("event", "type_", "text"), [(Joined, "join", "Aki joined"), (Left, "leave", "Aki left")])
def test_presence_frame_contains_member_and_count(event: type[Joined] | type[Left], type_: str, text: str) -> None:
    assert json.loads(frames.serialize(event.of(AKI, 3))) == {
        "message": {"type": type_, "message": text, "sender": {"id": "m1", "name": "Aki"}, "memberCount": 3}
    }


SETTINGS = {"locked": False, "keepDays": 0, "slowSeconds": 0}


@pytest.mark.parametrize("token_hash", [None, "hash"])
def test_welcome_frame_contains_the_member_and_its_room(token_hash: str | None) -> None:
    room = Room("r1", name="Tea", member_count=2, token_hash=token_hash)
    assert json.loads(frames.serialize(Welcome.of(AKI, room, 12))) == {
        "welcome": {
            "member": {"id": "m1", "name": "Aki"},
            "room": {"room_id": "r1", "name": "Tea", "private": token_hash is not None} | SETTINGS,
            "memberCount": 2,
            "lastSequence": 12,
            "owner": False,
        }
    }


def error_of(error: ChatError, request: str) -> dict[str, Any]:
    return dict(json.loads(frames.serialize(Error.of(error, request)))["error"])


def test_error_frame_names_the_action_and_client_id_that_it_responses() -> None:
    error = error_of(NotInRoom(), '{"action": "sendMessage", "data": {"message": "hi", "clientId": "c-1"}}')
    assert error == {
        "code": "not_in_room",
        "message": "this connection is not in a room any more; connect again to rejoin",
        "action": "sendMessage",
        "clientId": "c-1",
    }


@pytest.mark.parametrize(
    ("request_", "references"),
    [
        ("hello", {}),
        ("[]", {}),
        ("{}", {}),
        ('{"action": "nick"}', {"action": "nick"}),
        ('{"action": 5, "data": {"clientId": "c-1"}}', {"clientId": "c-1"}),
        ('{"action": "ping", "data": "c-1"}', {"action": "ping"}),
        ('{"action": "ping", "data": {"clientId": 5}}', {"action": "ping"}),
        ('{"action": "ping", "data": {"clientId": null}}', {"action": "ping"}),
        (json.dumps({"action": "a" * 65, "data": {"clientId": "c" * 65}}), {}),
        ('{"action": "a\\u0000", "data": {"clientId": "\\ud800"}}', {}),
        (
            json.dumps({"action": "sendMessage", "data": {"clientId": "c-1", "message": "x" * 40_000}}),
            {"action": "sendMessage", "clientId": "c-1"},
        ),
    ],
)
def test_error_frame_contains_only_valid_references(request_: str, references: dict[str, str]) -> None:
    error = error_of(InvalidInput("no"), request_)
    assert error == {"code": "invalid_message", "message": "no"} | references


def test_rate_limit_error_frame_contains_the_delay() -> None:
    error = error_of(RateLimitExceeded(retry_after=7), "{}")
    assert (error["code"], error["retryAfter"]) == ("rate_limited", 7)


@pytest.mark.parametrize("character", ["a", '"', "\\", "\n", "\t", "日", "👍"])
def test_longest_message_fits_into_one_frame(character: str) -> None:
    longest = stored(character * 4_000, client_id="👍" * 64, name="👍" * 40)
    assert len(frames.serialize(history_item(longest)).encode()) < FRAME_LIMIT


def test_no_frame_contains_a_connection_id() -> None:
    assert "secret-id" not in frames.serialize(Joined.of(AKI, 1))
    assert "secret-id" not in frames.serialize(Welcome.of(AKI, Room("r1", name="Tea"), 0))
