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

from chalicelib import settings
from chalicelib.auth import authentication, signing_keys
from chalicelib.errors import Unauthorized
from chalicelib.storage.models import Connection, MemberRecord, Room
from tests.support.gateway import Gateway
from tests.support.issuer import AUDIENCE, Issuer, Key
from tests.support.users import EC_KEY, KEY, OTHER_KEY, get, own_token, post_room, rejection


def with_header(token: str, **changes: Any) -> str:
    header, payload, signature = token.split(".")
    changed = json.loads(base64.urlsafe_b64decode(header + "==")) | changes
    return ".".join([base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode(), payload, signature])


def public_key_as_secret(issuer: Issuer) -> str:
    """Sign with HS256 and the public key as its secret, which PyJWT itself rejects to do."""
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
