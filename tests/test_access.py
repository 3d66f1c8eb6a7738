"""Access of somebody who is out of a room: only the name of a public room and the number of its members are left.

The tests call every declared route and action, so that a new one is covered without being named here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import time_machine
from chalice.test import Client

from chalicelib import settings
from chalicelib.storage.models import Room
from chalicelib.websocket.dispatch import ACTIONS
from docs.json_schema import example_of
from docs.openapi import operations
from tests.support.gateway import Gateway
from tests.support.moderation import act, complete, member_id
from tests.support.rooms import create_room
from tests.support.sockets import Socket
from tests.support.users import SECRET, own_token

SECRETS = ("Bosco", "confidential")
"""The name of a member, and the text of a message."""


class Outsider(NamedTuple):
    """Somebody who is out of a room. headers and query: how they show who they are."""

    room: Room
    owner: Socket
    socket: Socket
    headers: dict[str, str]
    query: dict[str, str]


def remove(owner: Socket, outsider: Socket, query: dict[str, str], clock: time_machine.Traveller) -> None:
    act(owner, "removeMember", memberId=member_id(outsider.id))


def lock(owner: Socket, outsider: Socket, query: dict[str, str], clock: time_machine.Traveller) -> None:
    outsider.disconnect()
    clock.shift(1)
    act(owner, "updateRoom", locked=True)


def lock_without_identity(
    owner: Socket, outsider: Socket, query: dict[str, str], clock: time_machine.Traveller
) -> None:
    query.clear()
    lock(owner, outsider, query, clock)


def renew_tokens(owner: Socket, outsider: Socket, query: dict[str, str], clock: time_machine.Traveller) -> None:
    act(owner, "updateRoom", newJoinToken=True)
    act(owner, "removeMember", memberId=member_id(outsider.id))
    query["key"] = "n" * 22  # another one of the same person


def close(owner: Socket, outsider: Socket, query: dict[str, str], clock: time_machine.Traveller) -> None:
    act(owner, "closeRoom")


Exclude = Callable[[Socket, Socket, dict[str, str], time_machine.Traveller], None]


@pytest.fixture(params=[remove, lock, lock_without_identity, renew_tokens, close])
def exclude(request: pytest.FixtureRequest) -> Exclude:
    found: Exclude = request.param
    return found


@pytest.fixture(params=["guest", "user"])
def outsider(
    client: Client,
    queue: Any,
    socket: Any,
    gateway: Gateway,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    exclude: Exclude,
) -> Outsider:
    """Let a guest or a user join, read and leave their room in one of several ways, and let others talk after that."""
    token = own_token(sub="mallory", name="Mallory", exp=int(time.time()) + 86_400)
    if request.param == "user":
        monkeypatch.setattr(settings, "AUTH_SECRET", SECRET)
    is_private = exclude in (renew_tokens, close)
    room = create_room("Tea", private=is_private, keep_days=1)
    owner, bo, mallory = socket("owner"), socket("bo"), socket("mallory")
    credentials = {"token": room.join_token} if room.join_token else {}
    query = credentials | ({"key": "m" * 22} if request.param == "guest" else {})
    headers = {"Authorization": f"Bearer {token}"} if request.param == "user" else {}
    assert owner.connect(roomId=room.room_id, owner=room.owner_token or "", **credentials) == 200
    assert bo.connect(roomId=room.room_id, name=SECRETS[0], key="b" * 22, **credentials) == 200
    clock.shift(timedelta(hours=1))
    access = {"access_token": token} if request.param == "user" else {}
    assert mallory.connect(roomId=room.room_id, **query, **access) == 200
    if exclude is lock_without_identity and request.param == "user":
        headers = {}
    exclude(owner, mallory, query, clock)
    complete(client, queue)
    bo.say(SECRETS[1])
    gateway.reset()
    return Outsider(room, owner, mallory, headers, query)


def test_no_route_tells_what_is_said_or_who_is_there(outsider: Outsider, client: Client) -> None:
    known = {"room_id": outsider.room.room_id}
    for method, path, endpoint in operations():
        parameters = {name: example_of(type_) for name, type_ in endpoint.path.items()} | known
        fields = () if endpoint.query is None else endpoint.query.__struct_fields__
        shown = {name: value for name, value in outsider.query.items() if name in fields}
        body = b"" if endpoint.body is None else json.dumps(example_of(endpoint.body)).encode()
        for page in [{}, {"limit": "100", "after": "0"}, {"before": "1"}] if method == "GET" else [{}]:
            url = f"{path.format(**parameters)}?{urlencode(page | shown)}"
            headers = {"Host": "localhost", "If-None-Match": "*" if page else ""} | outsider.headers
            response = client.http.request(method, url, headers, body)
            assert not any(secret in str(response.body) for secret in SECRETS), url
            if path.startswith("/rooms/{room_id}/"):
                assert response.status_code in (400, 401, 403, 404), url


def test_no_action_tells_or_says_anything(outsider: Outsider, gateway: Gateway) -> None:
    for name, action in ACTIONS.items():
        act(outsider.socket, name, **({} if action.data is None else example_of(action.data)))
    others = set(gateway.frames) - {outsider.socket.id}
    assert not others, "others have received something"
    assert {next(iter(frame)) for frame in gateway.frames[outsider.socket.id]} <= {"error", "pong"}
    assert not any(secret in str(gateway.frames) for secret in SECRETS)


def test_nobody_who_is_out_can_come_back(outsider: Outsider) -> None:
    bearer = outsider.headers.get("Authorization", "").removeprefix("Bearer ")
    access = {"access_token": bearer} if bearer else {}
    status = outsider.socket.connect(roomId=outsider.room.room_id, **outsider.query, **access)
    assert status in (403, 404)
