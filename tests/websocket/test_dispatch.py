"""Declared actions: dispatch, validation, rate limit, and the context that handlers receive."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest

import app as chat_app
from chalicelib import settings
from chalicelib.errors import InvalidInput, NotInRoom, RateLimitExceeded, UnknownAction
from chalicelib.protocol.fields import Choice
from chalicelib.storage.models import Connection, Room
from chalicelib.websocket import dispatch as dispatcher
from chalicelib.websocket.dispatch import Context, action, dispatch
from tests.support.gateway import Gateway
from tests.support.rooms import fill_room

HAND = {"hand": Choice(["left", "right"])}
FRAME = '{"pong":true}'


@pytest.fixture(autouse=True)
def handled(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Declare wave, which counts against the rate limit, and look, which does not. List the data that they receive."""
    monkeypatch.setattr(dispatcher, "ACTIONS", {})
    monkeypatch.setattr(dispatcher, "_known_rooms", {})
    handled: list[dict[str, Any]] = []

    @action("wave", "greet", data=HAND)
    def wave(context: Context, data: dict[str, Any]) -> None:
        handled.append(data)

    @action("look", data=HAND, rate_limited=False)
    def look(context: Context, data: dict[str, Any]) -> None:
        handled.append(data)

    @action("whoami", rate_limited=False)
    def whoami(context: Context, data: dict[str, Any]) -> None:
        handled.append({"name": context.sender.name})

    return handled


@pytest.fixture
def context(room: Room, gateway: Gateway) -> Context:
    """Return the context of a, one of three members: a, b and c."""
    fill_room(room, ["a", "b", "c"])
    return Context(chat_app.websocket_api, "a")


@pytest.fixture
def unknown(tables: None, gateway: Gateway) -> Context:
    """Return the context of a connection that is in no room."""
    return Context(chat_app.websocket_api, "unknown")


# Dispatch


@pytest.mark.parametrize("name", ["wave", "greet", "look"])
def test_action_receives_the_declared_data(context: Context, handled: list[dict[str, Any]], name: str) -> None:
    dispatch(context, name, {"hand": "left", "more": 1})
    assert handled == [{"hand": "left"}]


def test_error_of_an_unknown_action_lists_the_declared_ones(context: Context, handled: list[dict[str, Any]]) -> None:
    with pytest.raises(
        UnknownAction, match=r"^expected an action that is one of wave, greet, look, whoami, not 'nick'$"
    ):
        dispatch(context, "nick", {})
    assert handled == []


@pytest.mark.parametrize("name", ["wave", "look"])
def test_invalid_data_is_rejected_without_a_request(
    context: Context, handled: list[dict[str, Any]], requests: Counter[str], name: str
) -> None:
    with pytest.raises(InvalidInput, match="hand"):
        dispatch(context, name, {"hand": "up"})
    assert handled == []
    assert not requests


# Rate limit


def test_rate_limited_action_counts_as_a_message(
    context: Context, handled: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW):
        dispatch(context, "wave", {"hand": "left"})
    with pytest.raises(RateLimitExceeded):
        dispatch(context, "greet", {"hand": "left"})
    assert len(handled) == settings.MESSAGES_PER_WINDOW


def test_other_action_does_not_count_as_a_message(
    context: Context, handled: list[dict[str, Any]], requests: Counter[str]
) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW + 1):
        dispatch(context, "look", {"hand": "left"})
    assert len(handled) == settings.MESSAGES_PER_WINDOW + 1
    assert not requests


@pytest.mark.parametrize(("name", "data"), [("wave", {"hand": "left"}), ("whoami", {})])
def test_action_of_an_unknown_connection_is_rejected(
    unknown: Context, handled: list[dict[str, Any]], name: str, data: dict[str, Any]
) -> None:
    with pytest.raises(NotInRoom):
        dispatch(unknown, name, data)
    assert handled == []


# Prefetch


@pytest.fixture
def prefetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Declare hum, which prefetches, and list the rooms that it prefetches for."""
    rooms: list[str] = []

    def prefetch(room_id: str) -> list[Future[int]]:
        rooms.append(room_id)
        future: Future[int] = Future()
        future.set_result(len(rooms))
        return [future]

    @action("hum", prefetch=prefetch)
    def hum(context: Context, data: dict[str, Any]) -> None:
        pass

    return rooms


def _hum(connection_id: str) -> None:
    dispatch(Context(chat_app.websocket_api, connection_id), "hum", {})


def test_action_prefetches_once_the_room_is_known(context: Context, room: Room, prefetched: list[str]) -> None:
    _hum("a")
    assert prefetched == []
    _hum("a")
    _hum("b")
    assert prefetched == [room.room_id]


def test_only_the_first_of_many_rejected_frames_prefetches(
    context: Context, room: Room, prefetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW):
        _hum("a")
    for _ in range(5):
        with pytest.raises(RateLimitExceeded):
            _hum("a")
    assert prefetched == [room.room_id] * settings.MESSAGES_PER_WINDOW


def test_rejected_frame_waits_for_its_prefetch(
    context: Context, prefetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MESSAGES_PER_WINDOW", 1)
    for _ in range(2):
        Connection("a").update([Connection.message_times.set([0])])
        _hum("a")
    waited_for: list[Sequence[Future[Any]]] = []
    monkeypatch.setattr(dispatcher, "wait", waited_for.append)
    with pytest.raises(RateLimitExceeded):
        dispatch(context, "hum", {})
    assert waited_for == [context.prefetched]
    assert context.prefetched


def test_action_that_fails_waits_for_its_prefetch(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    future: Future[int] = Future()
    waited_for: list[Sequence[Future[Any]]] = []
    monkeypatch.setattr(dispatcher, "wait", waited_for.append)

    @action("fail")
    def fail(context: Context, data: dict[str, Any]) -> None:
        context.prefetched = [future]
        raise InvalidInput

    with pytest.raises(InvalidInput):
        dispatch(context, "fail", {})
    assert waited_for[-1] == [future]


def test_prefetch_for_another_room_is_not_used(context: Context, prefetched: list[str]) -> None:
    dispatcher._known_rooms["a"] = "another"
    dispatch(context, "hum", {})
    assert prefetched == ["another"]
    assert context.prefetched == ()


def test_known_rooms_are_limited(context: Context, prefetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "MAX_KNOWN_ROOMS", 2)
    for connection_id in ("a", "b", "c"):
        _hum(connection_id)
    assert list(dispatcher._known_rooms) == ["c"]


# Sender


def test_sender_is_read_once(context: Context, requests: Counter[str]) -> None:
    assert not requests
    assert (context.sender.name, context.sender.connection_id) == ("a", "a")
    assert requests == {"GetItem": 1}


def test_sender_of_a_rate_limited_action_is_not_read_again(context: Context, requests: Counter[str]) -> None:
    dispatch(context, "wave", {"hand": "left"})
    assert context.sender.name == "a"
    assert requests == {"UpdateItem": 1}


def test_expired_sender_is_in_no_room(context: Context) -> None:
    Connection("a").update([Connection.expires_at.set(timedelta(seconds=-1))])
    with pytest.raises(NotInRoom):
        _ = context.sender


# Frames


def test_reply_reaches_the_sender_only(context: Context, gateway: Gateway) -> None:
    context.reply(FRAME)
    assert gateway.frames == {"a": [json.loads(FRAME)]}


@pytest.mark.parametrize(("include_sender", "recipients"), [(True, {"a", "b", "c"}), (False, {"b", "c"})])
def test_broadcast_reaches_the_room_with_or_without_the_sender(
    context: Context, gateway: Gateway, include_sender: bool, recipients: set[str]
) -> None:
    context.broadcast(FRAME, include_sender=include_sender)
    assert gateway.attempts == dict.fromkeys(recipients, 1)


def test_broadcast_uses_known_recipients_without_a_query(
    context: Context, gateway: Gateway, requests: Counter[str]
) -> None:
    recipients = {"b": int(context.sender.expires_at.timestamp())}
    requests.clear()
    context.broadcast(FRAME, recipients)
    assert gateway.attempts == {"a": 1, "b": 1}
    assert recipients.keys() == {"b"}
    assert not requests


def test_broadcast_of_an_unknown_connection_is_rejected(unknown: Context, gateway: Gateway) -> None:
    with pytest.raises(NotInRoom):
        unknown.broadcast(FRAME, {"b": 2**40})
    assert not gateway.attempts
