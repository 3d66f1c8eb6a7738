"""Declared actions: dispatch, validation, rate limit, and the context that handlers receive."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Literal

import pytest

import app as chat_app
from chalicelib import settings
from chalicelib.errors import InvalidInput, NotInRoom, RateLimitExceeded, UnknownAction
from chalicelib.protocol.frames import Pong
from chalicelib.protocol.requests import Request
from chalicelib.storage.models import Connection, Room
from chalicelib.websocket import dispatch as dispatcher
from chalicelib.websocket.dispatch import Context, Limit, action, dispatch
from tests.support.gateway import Gateway
from tests.support.rooms import fill_room


class Wave(Request):
    """The data of an action."""

    hand: Literal["left", "right"]


@pytest.fixture(autouse=True)
def handled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Declare wave, which counts against the rate limit, and look, which does not. List the data that they receive."""
    monkeypatch.setattr(dispatcher, "ACTIONS", {})
    handled: list[Any] = []

    @action("wave", "greet")
    def wave(context: Context, data: Wave) -> None:
        handled.append(data.hand)

    @action("look", limit=Limit.NONE)
    def look(context: Context, data: Wave) -> None:
        handled.append(data.hand)

    @action("whoami", limit=Limit.NONE)
    def whoami(context: Context) -> None:
        handled.append(context.sender.name)

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
def test_action_receives_the_declared_data(context: Context, handled: list[Any], name: str) -> None:
    dispatch(context, name, {"hand": "left", "more": 1})
    assert handled == ["left"]


def test_error_of_an_unknown_action_lists_the_declared_ones(context: Context, handled: list[Any]) -> None:
    with pytest.raises(
        UnknownAction, match=r"^expected an action that is one of wave, greet, look, whoami, not 'nick'$"
    ):
        dispatch(context, "nick", {})
    assert handled == []


@pytest.mark.parametrize("name", ["wave", "look"])
def test_invalid_data_is_rejected_without_a_request(
    context: Context, handled: list[Any], requests: Counter[str], name: str
) -> None:
    with pytest.raises(InvalidInput, match="hand"):
        dispatch(context, name, {"hand": "up"})
    assert handled == []
    assert not requests


def test_second_action_of_a_name_is_rejected() -> None:
    with pytest.raises(ValueError, match="two actions have the name greet"):

        @action("nod", "greet")
        def nod(context: Context) -> None:
            pass


# Rate limit


def test_rate_limited_action_counts_as_a_message(
    context: Context, handled: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW):
        dispatch(context, "wave", {"hand": "left"})
    with pytest.raises(RateLimitExceeded):
        dispatch(context, "greet", {"hand": "left"})
    assert len(handled) == settings.MESSAGES_PER_WINDOW


def test_other_action_does_not_count_as_a_message(context: Context, handled: list[Any], requests: Counter[str]) -> None:
    for _ in range(settings.MESSAGES_PER_WINDOW + 1):
        dispatch(context, "look", {"hand": "left"})
    assert len(handled) == settings.MESSAGES_PER_WINDOW + 1
    assert not requests


@pytest.mark.parametrize(("name", "data"), [("wave", {"hand": "left"}), ("whoami", {})])
def test_action_of_an_unknown_connection_is_rejected(
    unknown: Context, handled: list[Any], name: str, data: dict[str, Any]
) -> None:
    with pytest.raises(NotInRoom):
        dispatch(unknown, name, data)
    assert handled == []


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
    context.reply(Pong())
    assert gateway.frames == {"a": [{"pong": True}]}


@pytest.mark.parametrize(("include_sender", "recipients"), [(True, {"a", "b", "c"}), (False, {"b", "c"})])
def test_broadcast_reaches_the_room_with_or_without_the_sender(
    context: Context, gateway: Gateway, include_sender: bool, recipients: set[str]
) -> None:
    context.broadcast(Pong(), include_sender=include_sender)
    assert gateway.attempts == dict.fromkeys(recipients, 1)


def test_broadcast_uses_known_recipients_without_a_query(
    context: Context, gateway: Gateway, requests: Counter[str]
) -> None:
    recipients = {"b": context.sender.recipient}
    requests.clear()
    context.broadcast(Pong(), recipients)
    assert gateway.attempts == {"a": 1, "b": 1}
    assert recipients.keys() == {"b"}
    assert not requests


def test_broadcast_of_an_unknown_connection_is_rejected(unknown: Context, gateway: Gateway) -> None:
    with pytest.raises(NotInRoom):
        unknown.broadcast(Pong(), {"b": 2**40})
    assert not gateway.attempts
