"""Sign-in: users instead of guests, on the REST API and on the WebSocket API."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import string
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from chalice.test import Client, HTTPResponse
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

import app as chat_app
from chalicelib import access_tokens, authentication, hooks, rooms, secret_values, settings, signing_keys
from chalicelib.errors import Unauthorized
from chalicelib.storage.models import Connection, MemberRecord, Room
from docs.openapi import operations
from tests.conftest import Socket
from tests.gateway import Gateway
from tests.issuer import AUDIENCE, Issuer, Key

Sockets = Callable[[str], Socket]

SECRET = "a secret of a back end of one's own"
KEY = Key("first")
OTHER_KEY = Key("first")
"""A key of another issuer with the same id."""

EC_KEY = Key("ec", "ES256")


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """Run a provider, and configure sign-in with it."""
    issuer = Issuer(KEY)
    monkeypatch.setattr(settings, "AUTH_ISSUER", issuer.url)
    monkeypatch.setattr(settings, "AUTH_AUDIENCE", (AUDIENCE,))
    yield issuer
    issuer.close()
    signing_keys.key_set.cache_clear()


@pytest.fixture(autouse=True)
def _websocket_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "WEBSOCKET_URL", "wss://chat.example.org/dev")


@pytest.fixture
def own_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Configure sign-in with tokens of one's own back end."""
    monkeypatch.setattr(settings, "AUTH_SECRET", SECRET)


@pytest.fixture
def guests_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUTH_REQUIRED", False)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield clock


def own_token(**claims: Any) -> str:
    """Return a token as a back end of one's own makes it."""
    return jwt.encode({"sub": "aki", "exp": int(time.time()) + 600} | claims, SECRET, "HS256")


def get(client: Client, path: str, token: str | None = None) -> HTTPResponse:
    return client.http.get(path, headers={} if token is None else {"Authorization": f"Bearer {token}"})


def post_room(client: Client, token: str | None = None) -> HTTPResponse:
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    return client.http.post("/rooms", headers=headers, body=b'{"roomName": "Coffee"}')


def refusal(ws_event: Any, **query: str) -> tuple[int, str]:
    answer = chat_app.connect(ws_event("$connect", "refused", query=query), None)
    return answer["statusCode"], answer.get("body", "")


def connection(connection_id: str) -> Connection:
    found = Connection.find(connection_id)
    assert found is not None
    return found


def paths(room: Room) -> list[str]:
    """Return the paths that only users may read."""
    return ["/rooms", *(f"/rooms/{room.room_id}{path}" for path in ("", "/members", "/messages"))]


# Who gets in


def test_without_the_settings_everyone_is_a_guest(client: Client, socket: Sockets, room: Room) -> None:
    assert post_room(client, "not.a.token").status_code == 201
    assert socket("a").connect(roomId=room.room_id, access_token="not.a.token", name="Bo") == 200
    assert connection("a").name == "Bo"
    assert connection("a").authorized_until is None


def test_user_with_a_token_uses_every_route(issuer: Issuer, client: Client, socket: Sockets, room: Room) -> None:
    token = issuer.token()
    assert post_room(client, token).status_code == 201
    for path in paths(room):
        assert get(client, path, token).status_code == 200, path
    assert socket("a").connect(roomId=room.room_id, access_token=token) == 200


def test_guest_is_told_to_sign_in(issuer: Issuer, client: Client, ws_event: Any, room: Room) -> None:
    for path in paths(room):
        answer = get(client, path)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.json_body["Code"] == "UnauthorizedError"
        assert "expected an access token" in answer.json_body["Message"]
    assert post_room(client).status_code == 401
    assert refusal(ws_event, roomId=room.room_id)[0] == 401
    assert [one.room_id for one in Room.scan(consistent_read=True)] == [room.room_id]


def test_every_route_of_rooms_requires_a_token() -> None:
    routes = [(method, path, endpoint) for method, path, endpoint in operations() if path.startswith("/rooms")]
    assert routes
    assert [(method, path) for method, path, endpoint in routes if not endpoint.signed_in and not endpoint.bearer] == []


def test_page_and_configuration_need_no_token(issuer: Issuer, client: Client) -> None:
    assert {get(client, path).status_code for path in ("/", "/config", "/static/index.html")} == {200}


def test_configuration_tells_how_to_sign_in(issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "signIn" not in get(client, "/config").json_body
    monkeypatch.setattr(settings, "AUTH_CLIENT_ID", "page")
    sign_in = {"issuer": issuer.url, "clientId": "page", "required": True}
    assert get(client, "/config").json_body["signIn"] == sign_in
    assert f" {issuer.url};" in get(client, "/").headers["Content-Security-Policy"]


def test_guests_get_in_beside_users_where_they_are_allowed(
    issuer: Issuer, guests_allowed: None, client: Client, socket: Sockets, ws_event: Any, room: Room
) -> None:
    assert socket("guest").connect(roomId=room.room_id, name="Bo") == 200
    assert socket("user").connect(roomId=room.room_id, access_token=issuer.token()) == 200
    assert get(client, "/rooms").status_code == 200
    # A token that is not valid does not make its bearer a guest.
    assert get(client, "/rooms", "x.y.z").status_code == 401
    assert refusal(ws_event, roomId=room.room_id, access_token="x.y.z")[0] == 401


def test_authorization_of_another_form_does_not_make_its_bearer_a_guest(
    issuer: Issuer, guests_allowed: None, client: Client, room: Room
) -> None:
    token = issuer.token(chat_rooms=["other"])
    for value in (token, f"Basic {token}", f"Bearer\t{token}", "Bearer", "Bearer "):
        answer = client.http.get(f"/rooms/{room.room_id}", headers={"Authorization": value})
        assert answer.status_code == 401, value
        assert "Authorization" in answer.json_body["Message"]
    assert client.http.get("/rooms", headers={"Authorization": f"bearer  {issuer.token()} "}).status_code == 200


# Forged tokens


def with_header(token: str, **changes: Any) -> str:
    header, payload, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(header + "==")) | changes
    return ".".join([base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode(), payload, signature])


def public_key_as_secret(issuer: Issuer) -> str:
    """Sign with HS256 and the public key as its secret, which PyJWT itself refuses to do."""
    pem = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = with_header(issuer.token(), alg="HS256").rpartition(".")[0]
    signature = hmac.digest(pem, unsigned.encode(), "sha256")
    return f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


FORGED: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "wrong audience": (lambda issuer: issuer.token(aud="other"), "Audience"),
    "no audience": (lambda issuer: issuer.token(aud=None), '"aud"'),
    "wrong issuer": (lambda issuer: issuer.token(iss="https://id.example.org"), "issuer"),
    "no issuer": (lambda issuer: issuer.token(iss=None), '"iss"'),
    "no subject": (lambda issuer: issuer.token(sub=None), '"sub"'),
    "empty subject": (lambda issuer: issuer.token(""), "sub must be"),
    "no signature": (lambda issuer: with_header(issuer.token(), alg="none").rpartition(".")[0] + ".", "algorithm"),
    "public key as secret": (public_key_as_secret, "algorithm"),
    "algorithm of another key": (lambda issuer: with_header(issuer.token(), alg="ES256"), "no such key"),
    "unknown key": (lambda issuer: issuer.token(key=Key("unknown")), "no such key"),
    "no key id": (lambda issuer: with_header(issuer.token(), kid=None), "Key ID"),
    "key of another issuer": (lambda issuer: issuer.token(key=OTHER_KEY), "Signature"),
    "expired": (lambda issuer: issuer.token(exp=int(time.time()) - 61), "has expired"),
    "not yet valid": (lambda issuer: issuer.token(nbf=int(time.time()) + 90), "not yet valid"),
    "no expiry": (lambda issuer: issuer.token(exp=None), '"exp"'),
    "expiry is a text": (lambda issuer: issuer.token(exp="soon"), "exp"),
    "expiry is digits in a text": (lambda issuer: issuer.token(exp="9999999999"), "exp must be a number"),
    "expiry in nanoseconds": (lambda issuer: issuer.token(exp=time.time_ns()), "exp must be a number of seconds"),
    "rooms are a text": (lambda issuer: issuer.token(chat_rooms="all"), "chat_rooms must be"),
    "too long": (lambda issuer: issuer.token(padding="x" * 20_000), "more than 16,384 characters"),
    "not a token": (lambda _: "token", "not valid"),
    "deep JSON": (lambda _: f"{base64.urlsafe_b64encode(b'[' * 9_000).decode()}.e30.e30", "not valid"),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_token_is_refused_everywhere_and_nothing_is_stored(
    issuer: Issuer, client: Client, ws_event: Any, gateway: Gateway, room: Room, forgery: str
) -> None:
    make, reason = FORGED[forgery]
    token = make(issuer)
    for answer in (post_room(client, token), get(client, f"/rooms/{room.room_id}", token)):
        assert answer.status_code == 401
        assert reason in answer.json_body["Message"]
    status, body = refusal(ws_event, roomId=room.room_id, access_token=token)
    assert status == 401
    assert reason in body
    assert [one.room_id for one in Room.scan(consistent_read=True)] == [room.room_id]
    assert [*Connection.scan(consistent_read=True)] == []
    assert [*MemberRecord.query(room.room_id, consistent_read=True)] == []


@pytest.mark.parametrize(
    ("claims", "reason"),
    [({"exp": 1}, "expired"), ({"aud": "other"}, "udience"), ({"sub": 7}, "must be a string")],
)
def test_forged_token_of_ones_own_back_end_is_refused(
    own_back_end: None, client: Client, claims: dict[str, Any], reason: str
) -> None:
    answer = get(client, "/rooms", own_token(**claims))
    assert answer.status_code == 401
    assert reason in answer.json_body["Message"]
    for token in (issued := own_token()).replace(issued[-1], "!"), jwt.encode({"sub": "a", "exp": 2**33}, "x" * 32):
        assert get(client, "/rooms", token).status_code == 401


@given(data=st.data())
def test_no_changed_token_is_accepted(data: st.DataObject) -> None:
    """Change a byte of a valid token anywhere: header, payload or signature."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "AUTH_ISSUER", "https://id.example.org")
        patch.setattr(settings, "AUTH_AUDIENCE", (AUDIENCE,))
        patch.setattr(signing_keys, "key_set", lambda _: KEYS)
        key = data.draw(st.sampled_from([KEY, EC_KEY]))
        token = tokens()[key.key_id]
        assert authentication.authenticate(token) is not None
        parts = [bytearray(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")]
        part = data.draw(st.sampled_from(parts))
        index = data.draw(st.integers(0, len(part) - 1))
        part[index] ^= data.draw(st.integers(1, 255))
        changed = ".".join(base64.urlsafe_b64encode(bytes(part)).rstrip(b"=").decode() for part in parts)
        with pytest.raises(Unauthorized):
            authentication.authenticate(changed)


@pytest.mark.parametrize("key", [KEY, EC_KEY], ids=["RS256", "ES256"])
def test_no_other_spelling_of_a_token_is_accepted(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders of base64 ignore padding, and some bits of the last character."""
    monkeypatch.setattr(settings, "AUTH_ISSUER", "https://id.example.org")
    monkeypatch.setattr(settings, "AUTH_AUDIENCE", (AUDIENCE,))
    monkeypatch.setattr(signing_keys, "key_set", lambda _: KEYS)
    token = tokens()[key.key_id]
    assert authentication.authenticate(token) is not None
    padded = token + "=" * (-len(token.rpartition(".")[2]) % 4)
    others = {token[:-1] + character for character in string.ascii_letters + string.digits + "-_"} - {token}
    for changed in {padded, f"{token}\n", f" {token}"} | others:
        with pytest.raises(Unauthorized):
            authentication.authenticate(changed)


class _Keys:
    def find(self, key_id: str, algorithm: str) -> Any:
        known = {(key.key_id, key.algorithm): jwt.PyJWK(key.jwk) for key in (KEY, EC_KEY)}
        return known.get((key_id, algorithm))


KEYS = _Keys()
_tokens: dict[str, str] = {}


def tokens() -> dict[str, str]:
    """Return a token of each key, which stays the same: an ES256 signature contains random bits."""
    if not _tokens:
        claims = {"iss": "https://id.example.org", "aud": AUDIENCE, "sub": "aki", "exp": 2**33}
        for key in (KEY, EC_KEY):
            _tokens[key.key_id] = jwt.encode(claims, key.private, key.algorithm, {"kid": key.key_id})
    return _tokens


# Identity


def test_user_is_the_same_member_in_every_connection(issuer: Issuer, socket: Sockets, room: Room) -> None:
    socket("phone").connect(roomId=room.room_id, access_token=issuer.token(), key="k" * 22)
    socket("laptop").connect(roomId=room.room_id, access_token=issuer.token())
    digest = hmac.digest(room.salt.encode(), f"user:{issuer.url}|aki".encode(), "sha256")
    expected = base64.urlsafe_b64encode(digest)[:16].decode()
    assert {connection(id_).member_id for id_ in ("phone", "laptop")} == {expected}


def test_subjects_and_issuers_are_different_members(own_back_end: None, socket: Sockets, room: Room) -> None:
    ids = set()
    for number, claims in enumerate([{"sub": "a"}, {"sub": "b"}, {"sub": "a", "iss": "x"}, {"sub": "|a"}]):
        socket(str(number)).connect(roomId=room.room_id, access_token=own_token(**claims))
        ids.add(connection(str(number)).member_id)
    assert len(ids) == 4


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Aki Ito", "preferred_username": "aki"}, "Aki Ito"),
        ({"name": None, "preferred_username": "aki"}, "aki"),
        ({"name": "\u0007\u202e ", "preferred_username": "aki"}, "aki"),
        ({"name": " A\nki\t"}, "Aki"),
        ({"name": "x" * 50}, "x" * 40),
        ({"name": ["Aki"], "preferred_username": "aki"}, "aki"),
    ],
)
def test_name_comes_from_the_token(
    issuer: Issuer, socket: Sockets, room: Room, claims: dict[str, Any], name: str
) -> None:
    socket("a").connect(roomId=room.room_id, name="The boss", access_token=issuer.token(**claims))
    assert connection("a").name == name


def test_user_without_a_name_has_one_that_stays(issuer: Issuer, socket: Sockets, room: Room) -> None:
    for connection_id in ("a", "b"):
        socket(connection_id).connect(roomId=room.room_id, name="Bo", access_token=issuer.token(name=None))
    names = {connection(id_).name for id_ in ("a", "b")}
    assert names == {f"user-{connection('a').member_id[:4]}"}


def test_user_cannot_take_another_name(issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room) -> None:
    aki = socket("a")
    aki.connect(roomId=room.room_id, access_token=issuer.token())
    aki.send({"action": "rename", "data": {"name": "Bo"}})
    assert gateway.frames["a"][-1]["error"]["code"] == "forbidden"
    assert connection("a").name == "Aki"


def test_nothing_but_the_name_is_stored_of_a_user(issuer: Issuer, socket: Sockets, room: Room) -> None:
    socket("a").connect(roomId=room.room_id, access_token=issuer.token("subject-7", email="aki@example.org"))
    rows = [row.serialize() for model in (Room, Connection, MemberRecord) for row in model.scan(consistent_read=True)]
    stored = json.dumps(rows)
    assert "Aki" in stored
    assert not [text for text in ("subject-7", "example.org", issuer.url) if text in stored]


# Claims


def test_token_limits_the_rooms(issuer: Issuer, client: Client, ws_event: Any, socket: Sockets, room: Room) -> None:
    other = rooms.create("Coffee")
    token = issuer.token(chat_rooms=[room.room_id, "no such room"])
    assert socket("a").connect(roomId=room.room_id, access_token=token) == 200
    status, body = refusal(ws_event, roomId=other.room_id, access_token=token)
    assert (status, "chat_rooms" in body) == (403, True)
    for path in ("", "/members", "/messages"):
        assert get(client, f"/rooms/{room.room_id}{path}", token).status_code == 200
        assert get(client, f"/rooms/{other.room_id}{path}", token).status_code == 403
    assert [one["room_id"] for one in get(client, "/rooms", token).json_body["rooms"]] == [room.room_id]
    assert post_room(client, token).status_code == 403
    assert post_room(client, issuer.token(chat_rooms="*")).status_code == 201


def test_private_room_still_needs_its_token(issuer: Issuer, tables: None, socket: Sockets, ws_event: Any) -> None:
    private = rooms.create("Secret", private=True)
    token = issuer.token()
    assert refusal(ws_event, roomId=private.room_id, access_token=token)[0] == 403
    assert socket("a").connect(roomId=private.room_id, access_token=token, token=private.join_token or "") == 200


@pytest.mark.parametrize(("claim", "is_owner"), [(True, True), ("true", False), (False, False), (None, False)])
def test_claim_gives_the_rights_of_an_owner(
    issuer: Issuer, socket: Sockets, room: Room, claim: Any, is_owner: bool
) -> None:
    Room(room.room_id).update([Room.locked.set(True)])
    status = socket("a").connect(roomId=room.room_id, access_token=issuer.token(chat_owner=claim))
    assert (status == 200) is is_owner
    if is_owner:
        assert connection("a").is_owner


def test_owner_by_claim_manages_webhooks(issuer: Issuer, client: Client, room: Room) -> None:
    path = f"/rooms/{room.room_id}/hooks"
    headers = {"Content-Type": "application/json", "Host": "chat.example.org"}

    def create(token: str) -> int:
        return client.http.post(
            path, headers=headers | {"Authorization": f"Bearer {token}"}, body=b'{"name": "Builds"}'
        ).status_code

    assert create(issuer.token(chat_owner=True)) == 201
    assert create(issuer.token()) == 403
    assert create(issuer.token(chat_owner=True, chat_rooms=["other"])) == 403
    assert create(issuer.token(chat_owner=True, aud="other")) == 401
    assert create(room.owner_token or "") == 201
    assert len(hooks.list_hooks(room.room_id, room.owner_token or "")) == 2


def test_removed_user_stays_out_on_every_device(
    issuer: Issuer, socket: Sockets, ws_event: Any, queue: Any, room: Room
) -> None:
    owner = socket("o")
    owner.connect(roomId=room.room_id, access_token=issuer.token("owner", chat_owner=True))
    socket("b").connect(roomId=room.room_id, access_token=issuer.token("bo"))
    owner.send({"action": "removeMember", "data": {"memberId": connection("b").member_id}})
    assert refusal(ws_event, roomId=room.room_id, access_token=issuer.token("bo"), key="k" * 22)[0] == 403


# Expiry


@pytest.fixture
def short_visit(
    issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room, clock: time_machine.Coordinates
) -> Socket:
    """Connect with a token that expires in 60 seconds, and let those pass. Another user stays."""
    aki, bo = socket("a"), socket("b")
    aki.connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 60))
    bo.connect(roomId=room.room_id, access_token=issuer.token("bo", name="Bo"))
    clock.shift(timedelta(seconds=61))
    return aki


@pytest.mark.parametrize("action", ["sendMessage", "ping", "hello"])
def test_frame_after_the_expiry_is_answered_with_unauthorized_and_the_connection_is_closed(
    short_visit: Socket, gateway: Gateway, action: str
) -> None:
    short_visit.send({"action": action, "data": {"message": "hi"}})
    error = gateway.frames["a"][-1]["error"]
    assert error == {
        "code": "unauthorized",
        "message": "your access token has expired; connect again with a new one",
        "action": action,
    }
    assert gateway.closed == ["a"]


def test_listener_whose_token_has_expired_hears_nothing_more_and_is_closed(
    short_visit: Socket, socket: Sockets, gateway: Gateway, room: Room
) -> None:
    before = len(gateway.frames["a"])
    socket("b").say("secret")
    (frame,) = gateway.frames["a"][before:]
    assert frame["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]
    assert Connection.find("a") is None
    assert int(rooms.get(room.room_id).member_count) == 1
    leave = gateway.frames["b"][-1]["message"]
    assert (leave["type"], leave["sender"]["name"]) == ("leave", "Aki")


def test_listener_whose_token_expires_while_a_frame_is_queued_does_not_hear_it(
    issuer: Issuer,
    socket: Sockets,
    gateway: Gateway,
    queue: Any,
    client: Client,
    room: Room,
    clock: time_machine.Coordinates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(settings, "PRESENCE_LIMIT", 0)
    monkeypatch.setattr(settings, "FANOUT_BATCH", 1)
    socket("a").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 60))
    socket("b").connect(roomId=room.room_id, access_token=issuer.token("bo"))
    clock.shift(timedelta(seconds=59))
    socket("b").say("secret")
    clock.shift(timedelta(seconds=1))
    while found := queue.receive_messages():
        for message in found:
            chat_app.fan_out(client.events.generate_sqs_event([message.body], settings.FANOUT_QUEUE), None)
            message.delete()
    assert gateway.texts("b") == ["secret"]
    (frame,) = gateway.frames["a"]
    assert frame["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]


def test_message_is_delivered_before_users_whose_token_has_expired_are_removed(
    short_visit: Socket, socket: Sockets, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered: list[int] = []
    monkeypatch.setattr(rooms, "leave", lambda *_, **__: delivered.append(len(gateway.texts("b"))) or [])
    before = len(gateway.texts("b"))
    socket("b").say("hi")
    assert delivered[0] == before + 1


def test_user_whose_token_has_expired_is_not_listed(short_visit: Socket, issuer: Issuer, client: Client) -> None:
    path = f"/rooms/{connection('a').joined_room_id}/members"
    assert [member["name"] for member in get(client, path, issuer.token("bo")).json_body["members"]] == ["Bo"]


def test_rejected_frame_also_ends_a_connection_whose_token_has_expired(
    issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room, clock: time_machine.Coordinates
) -> None:
    aki = socket("a")
    aki.connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 5))
    for _ in range(settings.MESSAGES_PER_WINDOW):
        aki.say("hi")
    clock.shift(timedelta(seconds=5))
    aki.say("one more")
    assert gateway.frames["a"][-1]["error"]["code"] == "unauthorized"
    assert gateway.closed == ["a"]


def test_closed_room_also_ends_connections_whose_token_has_expired(
    issuer: Issuer, socket: Sockets, gateway: Gateway, queue: Any, room: Room, clock: time_machine.Coordinates
) -> None:
    owner = socket("o")
    owner.connect(roomId=room.room_id, access_token=issuer.token("owner", chat_owner=True))
    socket("a").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 60))
    clock.shift(timedelta(seconds=61))
    owner.send({"action": "closeRoom"})
    assert sorted(gateway.closed) == ["a", "o"]
    assert not rooms.has_connections(room.room_id)


def test_row_of_an_open_connection_outlives_the_token(issuer: Issuer, socket: Sockets, room: Room) -> None:
    """DynamoDB may delete a row once its TTL has passed, and a disconnect would not find its room."""
    socket("a").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 5))
    assert connection("a").expires_at - connection("a").joined_at >= timedelta(hours=2)


def test_room_does_not_expire_with_a_token(
    issuer: Issuer, socket: Sockets, room: Room, clock: time_machine.Coordinates
) -> None:
    socket("a").connect(roomId=room.room_id, access_token=issuer.token())
    before = rooms.get(room.room_id).expires_at
    socket("b").connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) + 5))
    assert rooms.get(room.room_id).expires_at == before


def test_token_of_a_late_clock_lasts_for_the_tolerated_difference(
    issuer: Issuer, socket: Sockets, gateway: Gateway, room: Room, clock: time_machine.Coordinates
) -> None:
    aki = socket("a")
    assert aki.connect(roomId=room.room_id, access_token=issuer.token(exp=int(time.time()) - 30)) == 200
    aki.say("hi")
    clock.shift(timedelta(seconds=31))
    aki.send({"action": "ping"})
    assert gateway.closed == ["a"]


# The provider


def count(issuer: Issuer) -> int:
    return issuer.requests.total()


def test_keys_are_read_once_and_a_new_key_is_found(issuer: Issuer, client: Client) -> None:
    for _ in range(20):
        assert get(client, "/rooms", issuer.token()).status_code == 200
    assert count(issuer) == 2
    issuer.keys.insert(0, Key("second", "ES256"))
    assert get(client, "/rooms", issuer.token()).status_code == 200
    assert count(issuer) == 4


def test_unknown_keys_cause_no_storm_of_requests(issuer: Issuer, client: Client) -> None:
    unknown = Key("unknown")
    for number in range(50):
        unknown.key_id = f"unknown{number}"
        assert get(client, "/rooms", issuer.token(key=unknown)).status_code == 401
    assert count(issuer) <= 4
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_withdrawn_key_is_forgotten_after_an_hour(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = issuer.token(exp=2**33)
    assert get(client, "/rooms", token).status_code == 200
    issuer.keys = [EC_KEY]
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + signing_keys.MAX_AGE_SECONDS + 1)
    assert get(client, "/rooms", token).status_code == 401


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda issuer: setattr(issuer, "status", 500), "answered 500"),
        (lambda issuer: issuer.answers_at_all.clear(), "imeout"),
        (lambda issuer: setattr(issuer, "trickles", True), "Timeout"),
        (lambda issuer: issuer.configuration.update(issuer="https://id.example.org"), "names the issuer"),
        (lambda issuer: issuer.configuration.update(jwks_uri="http://id.example.org/jwks"), "https address"),
        (lambda issuer: issuer.keys.clear(), "has no keys"),
        (lambda issuer: setattr(issuer, "body", b"["), "Expecting value"),
        (lambda issuer: setattr(issuer, "body", b"[]"), "not a JSON object"),
        (lambda issuer: setattr(issuer, "body", b"[" * 400_000), "recursion"),
    ],
)
def test_provider_that_fails_is_reported_once_and_left_alone(
    issuer: Issuer,
    client: Client,
    ws_event: Any,
    room: Room,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    fault: Any,
    reason: str,
) -> None:
    monkeypatch.setattr(signing_keys, "TIMEOUT_SECONDS", 0.2)
    fault(issuer)
    token = issuer.token(key=KEY)
    answers = [get(client, "/rooms", token) for _ in range(5)]
    status, body = refusal(ws_event, roomId=room.room_id, access_token=token)
    assert {answer.status_code for answer in answers} | {status} == {503}
    assert "access tokens cannot be verified at present" in answers[0].json_body["Message"]
    assert "access tokens cannot be verified at present" in body
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert reason in record.getMessage()
    assert issuer.requests.total() <= 2


RSA_KEY = KEY.jwk | {"kid": "other"}


@pytest.mark.parametrize(
    "published",
    [
        "text",
        None,
        {},
        {"kty": ["RSA"]},
        {"kty": "oct", "kid": "other"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA"},
        {"kty": "EC", "crv": "P-256", "x": None, "y": None},
        EC_KEY.jwk | {"x": "A" * 43},
        RSA_KEY | {"kid": ["other"]},
        RSA_KEY | {"kid": {}},
        RSA_KEY | {"alg": ["RS256"]},
        RSA_KEY | {"alg": {}},
        RSA_KEY | {"alg": "none"},
        RSA_KEY | {"alg": "ES256"},
        RSA_KEY | {"use": ["sig"]},
        RSA_KEY | {"n": 5},
        RSA_KEY | {"n": ""},
        RSA_KEY | {"e": "AA"},
        RSA_KEY | {"d": "AA", "p": "AA"},
    ],
)
def test_key_that_cannot_be_used_does_not_prevent_the_others(issuer: Issuer, client: Client, published: Any) -> None:
    issuer.published = [published]
    assert get(client, "/rooms", issuer.token()).status_code == 200
    assert count(issuer) == 2


def test_private_key_that_a_provider_publishes_verifies_like_its_public_key(issuer: Issuer, client: Client) -> None:
    issuer.published, issuer.keys = [RSAAlgorithm.to_jwk(KEY.private, as_dict=True) | {"kid": "first"}], []
    assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 200


@pytest.mark.parametrize("change", [{"use": "enc"}, {"alg": "RS512"}, {"key_ops": ["encrypt"]}, {"key_ops": None}])
def test_key_for_another_use_or_algorithm_verifies_nothing(issuer: Issuer, client: Client, change: Any) -> None:
    issuer.published, issuer.keys = [KEY.jwk | change], []
    assert get(client, "/rooms", issuer.token(key=KEY)).status_code == 401


def test_keys_that_arrive_late_count_for_the_next_request(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing_keys, "TIMEOUT_SECONDS", 0.1)
    issuer.answers_at_all.clear()
    assert get(client, "/rooms", issuer.token()).status_code == 503
    monkeypatch.setattr(signing_keys, "RETRY_SECONDS", 0)
    assert get(client, "/rooms", issuer.token()).status_code == 503
    issuer.answers_at_all.set()
    wait([fetching for fetching in [signing_keys.key_set(issuer.url)._fetching] if fetching])
    assert get(client, "/rooms", issuer.token()).status_code == 200
    assert issuer.requests.total() == 2


def test_provider_that_fails_after_the_request_has_given_up_is_reported_once(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(signing_keys, "TIMEOUT_SECONDS", 0.1)
    issuer.answers_at_all.clear()
    assert get(client, "/rooms", issuer.token()).status_code == 503
    issuer.status = 500
    issuer.answers_at_all.set()
    wait([fetching for fetching in [signing_keys.key_set(issuer.url)._fetching] if fetching])
    assert get(client, "/rooms", issuer.token()).status_code == 503
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert "Timeout" in record.getMessage()
    assert issuer.requests.total() == 1
    issuer.status = 200
    later = time.monotonic() + signing_keys.RETRY_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert get(client, "/rooms", issuer.token()).status_code == 200


def test_provider_that_trickles_is_given_up(
    issuer: Issuer, client: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(signing_keys, "FETCH_SECONDS", 0.1)
    issuer.trickles = True
    assert get(client, "/rooms", issuer.token()).status_code == 503
    assert "did not answer within" in caplog.text


def test_members_go_on_while_the_provider_is_down(
    issuer: Issuer, guests_allowed: None, socket: Sockets, gateway: Gateway, room: Room
) -> None:
    aki = socket("a")
    aki.connect(roomId=room.room_id, access_token=issuer.token())
    issuer.status = 500
    signing_keys.key_set.cache_clear()
    assert socket("guest").connect(roomId=room.room_id) == 200
    aki.say("still here")
    assert gateway.frames["guest"][-1]["message"]["message"] == "still here"


# A secret in AWS


def test_secret_is_read_from_aws_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat-AbCdEf"
    reads = []
    monkeypatch.setattr(settings, "AUTH_SECRET", arn)
    monkeypatch.setattr(secret_values, "_fetch", lambda name: reads.append(name) or SECRET)
    secret_values._cache.clear()
    assert [get(client, "/rooms", own_token()).status_code for _ in range(3)] == [200] * 3
    assert get(client, "/rooms", "x.y.z").status_code == 401
    assert reads == [arn]


def test_request_waits_two_seconds_for_the_provider() -> None:
    assert signing_keys.TIMEOUT_SECONDS == 2


def test_clock_skew_is_a_minute() -> None:
    assert access_tokens.CLOCK_SKEW_SECONDS == 60
