"""Member ids and tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.auth import identity

KEY = "k" * 22
keys = st.text(string.ascii_letters + string.digits + "_-", min_size=22, max_size=64)


def test_member_id_is_the_start_of_an_hmac_of_the_key() -> None:
    digest = hmac.new(b"salt", b"guest:" + KEY.encode(), hashlib.sha256).digest()
    assert identity.member_id("salt", KEY) == base64.urlsafe_b64encode(digest).decode()[:16]


@settings(deadline=None)
@given(key=keys, other=keys)
def test_only_the_same_key_and_salt_give_the_same_id(key: str, other: str) -> None:
    member_id = identity.member_id("salt", key)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", member_id)
    assert identity.member_id("salt", key) == member_id
    assert identity.member_id("other", key) != member_id
    assert (identity.member_id("salt", other) == member_id) == (key == other)


def test_id_without_a_key_is_random() -> None:
    ids = {identity.member_id("salt", None) for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{16}", member_id) for member_id in ids)


def test_salts_and_tokens_are_random() -> None:
    assert len({identity.new_salt() for _ in range(100)} | {identity.new_token() for _ in range(100)}) == 200
    assert len(base64.urlsafe_b64decode(identity.new_token() + "=")) == 32
    assert len(base64.urlsafe_b64decode(identity.new_salt() + "==")) == 16


def test_token_is_compared_by_its_hash() -> None:
    token = identity.new_token()
    assert identity.is_token(token, identity.hash_token(token))
    for wrong in (None, "", token[:-1], token + "x", identity.hash_token(token), "\ud800"):
        assert not identity.is_token(wrong, identity.hash_token(token))
