"""Forged and changed tokens are rejected."""

from __future__ import annotations

import base64
import hmac
import json
import string
import time
from collections.abc import Callable
from typing import Any

import hypothesis
import jwt
import pytest
from chalice.test import Client
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from chalicelib import settings
from chalicelib.auth import authentication, secret_values, signing_keys
from chalicelib.errors import Unauthorized
from chalicelib.storage.models import Connection, MemberRecord, Room
from tests.support.gateway import Gateway
from tests.support.issuer import AUDIENCE, Issuer, Key
from tests.support.users import EC_KEY, KEY, OTHER_KEY, get, own_token, post_room, rejection


def with_header(token: str, **changes: Any) -> str:
    header, payload, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(header + "==")) | changes
    return ".".join([encoded(json.dumps(changed).encode()), payload, signature])


def encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def public_key_as_secret(issuer: Issuer) -> str:
    """Sign with HS256 and the public key as its secret, which PyJWT itself rejects to do."""
    pem = KEY.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = with_header(issuer.token(), alg="HS256").rpartition(".")[0]
    signature = hmac.digest(pem, unsigned.encode(), "sha256")
    return f"{unsigned}.{encoded(signature)}"


def own_claims(issuer: Issuer, **changes: Any) -> str:
    """Return a token in which a change to None is null."""
    claims = jwt.decode(issuer.token(), options={"verify_signature": False}) | changes
    return jwt.encode(claims, KEY.private, KEY.algorithm, {"kid": KEY.key_id})


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
    "key id is null": (lambda issuer: with_header(issuer.token(), kid=None), "Key ID"),
    "no key id and another key": (lambda issuer: issuer.token(key=OTHER_KEY, header={"kid": None}), "Signature"),
    "rooms are null": (lambda issuer: own_claims(issuer, chat_rooms=None), "chat_rooms must be"),
    "rooms are numbers": (lambda issuer: issuer.token(chat_rooms=[5]), "chat_rooms must be"),
    "rooms are an object": (lambda issuer: issuer.token(chat_rooms={}), "chat_rooms must be"),
    "key of another issuer": (lambda issuer: issuer.token(key=OTHER_KEY), "Signature"),
    "expired": (lambda issuer: issuer.token(exp=int(time.time()) - 61), "has expired"),
    "not yet valid": (lambda issuer: issuer.token(nbf=int(time.time()) + 90), "not yet valid"),
    "no expiry": (lambda issuer: issuer.token(exp=None), '"exp"'),
    "expiry is a text": (lambda issuer: issuer.token(exp="soon"), "exp"),
    "expiry is digits in a text": (lambda issuer: issuer.token(exp="9999999999"), "exp must be a number"),
    "expiry in nanoseconds": (lambda issuer: issuer.token(exp=time.time_ns()), "exp must be a number of seconds"),
    "expiry is infinite": (lambda issuer: issuer.token(exp=float("inf")), "not valid"),
    "expiry is no number": (lambda issuer: issuer.token(exp=float("nan")), "exp"),
    "expiry after the year 9999": (lambda issuer: issuer.token(exp=253_402_300_800), "exp must be a number of seconds"),
    "subject is a number": (lambda issuer: issuer.token(sub=7), "must be a string"),
    "rooms are a text": (lambda issuer: issuer.token(chat_rooms="all"), "chat_rooms must be"),
    "too long": (lambda issuer: issuer.token(padding="x" * 20_000), "more than 16,384 characters"),
    "not a token": (lambda _: "token", "not valid"),
    "deep JSON": (lambda _: f"{base64.urlsafe_b64encode(b'[' * 9_000).decode()}.e30.e30", "not valid"),
}


@pytest.mark.parametrize("forgery", FORGED)
def test_forged_token_is_rejected_everywhere_and_nothing_is_stored(
    issuer: Issuer, client: Client, ws_event: Any, gateway: Gateway, room: Room, forgery: str
) -> None:
    make, reason = FORGED[forgery]
    token = make(issuer)
    for response in (post_room(client, token), get(client, f"/rooms/{room.room_id}", token)):
        assert response.status_code == 401
        assert reason in response.json_body["Message"]
    status, body = rejection(ws_event, roomId=room.room_id, access_token=token)
    assert status == 401
    assert reason in body
    assert [one.room_id for one in Room.scan(consistent_read=True)] == [room.room_id]
    assert [*Connection.scan(consistent_read=True)] == []
    assert [*MemberRecord.query(room.room_id, consistent_read=True)] == []


@pytest.mark.parametrize(
    ("claims", "reason"),
    [({"exp": 1}, "expired"), ({"aud": "other"}, "udience"), ({"sub": 7}, "must be a string")],
)
def test_forged_token_of_ones_own_back_end_is_rejected(
    own_back_end: None, client: Client, claims: dict[str, Any], reason: str
) -> None:
    response = get(client, "/rooms", own_token(**claims))
    assert response.status_code == 401
    assert reason in response.json_body["Message"]
    for token in (issued := own_token()).replace(issued[-1], "!"), jwt.encode({"sub": "a", "exp": 2**33}, "x" * 32):
        assert get(client, "/rooms", token).status_code == 401


# Kinds of tokens


@pytest.mark.parametrize("type_", [None, "JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", "application/jwt"])
def test_types_of_access_and_id_tokens_are_accepted(issuer: Issuer, client: Client, type_: str | None) -> None:
    assert get(client, "/rooms", issuer.token(header={"typ": type_})).status_code == 200


@pytest.mark.parametrize(
    "type_", ["logout+jwt", "application/logout+jwt", "dpop+jwt", "secevent+jwt", "rt+jwt", "JWE", "text/jwt"]
)
def test_types_of_other_tokens_are_rejected(issuer: Issuer, client: Client, type_: str) -> None:
    response = get(client, "/rooms", issuer.token(header={"typ": type_}))
    assert response.status_code == 401
    assert "expected an access token or ID token" in response.json_body["Message"]


@pytest.mark.parametrize("type_", [None, [], 5, ""])
def test_type_that_is_no_media_type_is_rejected(issuer: Issuer, client: Client, type_: Any) -> None:
    header = {"alg": KEY.algorithm, "kid": KEY.key_id, "typ": type_}
    unsigned = f"{encoded(json.dumps(header).encode())}.{issuer.token().split('.')[1]}"
    signature = RSAAlgorithm(RSAAlgorithm.SHA256).sign(unsigned.encode(), KEY.private)
    assert get(client, "/rooms", f"{unsigned}.{encoded(signature)}").status_code == 401


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"typ": "Bearer"}, 200),
        ({"typ": "ID"}, 200),
        ({"typ": "access"}, 200),
        ({"typ": "Refresh"}, 401),
        ({"typ": "Offline"}, 401),
        ({"typ": "Logout"}, 401),
        ({"typ": "DPoP"}, 401),
        ({"typ": ["ID"]}, 401),
        ({"token_use": "id"}, 200),
        ({"token_use": "access"}, 200),
        ({"token_use": "refresh"}, 401),
        ({"token_use": ""}, 401),
        ({"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}, 401),
    ],
)
@pytest.mark.parametrize("provider", ["OpenID Connect", "own back end"])
def test_claims_of_other_tokens_are_rejected(
    request: pytest.FixtureRequest, client: Client, provider: str, claims: dict[str, Any], status: int
) -> None:
    if provider == "own back end":
        request.getfixturevalue("own_back_end")
        token = own_token(**claims)
    else:
        token = request.getfixturevalue("issuer").token(**claims)
    response = get(client, "/rooms", token)
    assert response.status_code == status
    if status == 401:
        assert "expected an access token or ID token" in response.json_body["Message"]


# Audiences


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"aud": [AUDIENCE]}, 200),
        ({"aud": [AUDIENCE], "azp": "other"}, 200),
        ({"aud": AUDIENCE, "azp": "other"}, 200),
        ({"aud": [AUDIENCE, AUDIENCE]}, 200),
        ({"aud": [AUDIENCE, "other"], "azp": AUDIENCE}, 200),
        ({"aud": ["other", AUDIENCE], "azp": "app"}, 200),
        ({"aud": [AUDIENCE, "other"], "azp": "page"}, 200),
        ({"aud": [AUDIENCE, "other"], "client_id": "page"}, 200),
        ({"aud": [AUDIENCE, "other"]}, 401),
        ({"aud": [AUDIENCE, "app"]}, 401),
        ({"aud": [AUDIENCE, "other"], "azp": "other"}, 401),
        ({"aud": [AUDIENCE, "other"], "azp": "other", "client_id": "page"}, 401),
        ({"aud": [AUDIENCE, "other"], "azp": [AUDIENCE]}, 401),
        ({"aud": [AUDIENCE, "other"], "azp": ""}, 401),
        ({"aud": ["other", "another"], "azp": AUDIENCE}, 401),
        ({"aud": []}, 401),
    ],
)
@pytest.mark.parametrize("client_id", ["page", ""])
def test_token_for_several_audiences_names_an_application_that_is_configured(
    issuer: Issuer,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    client_id: str,
    claims: dict[str, Any],
    status: int,
) -> None:
    monkeypatch.setattr(settings, "AUTH_AUDIENCE", (AUDIENCE, "app"))
    monkeypatch.setattr(settings, "AUTH_CLIENT_ID", client_id)
    if not client_id and "page" in claims.values():
        status = 401
    assert get(client, "/rooms", issuer.token(**claims)).status_code == status


@pytest.mark.parametrize(("audience", "status"), [(AUDIENCE, 200), ("other", 401), (None, 401)])
def test_own_back_end_with_an_audience_requires_it(
    own_back_end: None, client: Client, monkeypatch: pytest.MonkeyPatch, audience: str | None, status: int
) -> None:
    monkeypatch.setattr(settings, "AUTH_AUDIENCE", (AUDIENCE,))
    claims = {} if audience is None else {"aud": audience}
    assert get(client, "/rooms", own_token(**claims)).status_code == status


def test_own_back_end_without_an_audience_rejects_tokens_for_others(own_back_end: None, client: Client) -> None:
    assert get(client, "/rooms", own_token(aud="other")).status_code == 401


def test_token_of_ones_own_back_end_is_rejected_beside_an_issuer(issuer: Issuer, client: Client) -> None:
    claims = {"iss": issuer.url, "aud": AUDIENCE, "kid": KEY.key_id}
    response = get(client, "/rooms", own_token(**claims))
    assert response.status_code == 401
    assert "expected an algorithm" in response.json_body["Message"]


@hypothesis.given(data=st.data())
@hypothesis.settings(deadline=None)
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
        changed = ".".join(encoded(bytes(part)) for part in parts)
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
    """The keys KEY and EC_KEY, which never change."""

    def find(self, key_id: str, algorithm: str) -> Any:
        key = self.find_only(algorithm)
        return key if key and key.key_id == key_id else None

    def find_only(self, algorithm: str) -> Any:
        return {key.algorithm: jwt.PyJWK(key.jwk) for key in (KEY, EC_KEY)}.get(algorithm)

    def search(self) -> None:
        """Find nothing new."""


KEYS = _Keys()
_tokens: dict[str, str] = {}


def tokens() -> dict[str, str]:
    """Return a token of each key, which stays the same: an ES256 signature contains random bits."""
    if not _tokens:
        claims = {"iss": "https://id.example.org", "aud": AUDIENCE, "sub": "aki", "exp": 2**33}
        for key in (KEY, EC_KEY):
            _tokens[key.key_id] = jwt.encode(claims, key.private, key.algorithm, {"kid": key.key_id})
    return _tokens


def test_token_cannot_be_verified_while_the_secret_cannot_be_read(
    own_back_end: None, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: str) -> str:
        raise secret_values.SecretUnavailable

    monkeypatch.setattr(secret_values, "read", fail)
    response = get(client, "/rooms", own_token())
    assert (response.status_code, response.json_body["Code"]) == (503, "ServiceUnavailableError")
