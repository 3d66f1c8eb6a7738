"""Verification of access tokens: JSON Web Tokens of an OpenID Connect provider, or of your own back end.

It imports PyJWT, and with it cryptography. authentication.py imports this module only if sign-in is configured.
"""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
from jwt import PyJWK

from chalicelib import settings
from chalicelib.auth import secret_values, signing_keys
from chalicelib.auth.identity import User
from chalicelib.errors import Unauthorized
from chalicelib.limits import MAX_DISPLAY_NAME_LENGTH

CLOCK_SKEW_SECONDS = 60
"""Tolerated difference between the clocks of the issuer and of the functions."""

MAX_TOKEN_LENGTH = 16_384

NAME_CLAIMS = ("name", "preferred_username")

MAX_EXPIRY = 253_402_300_799
"""The end of the year 9999, in Unix seconds."""


def verify(token: str) -> User:
    """Verify an access token, and return its user.

    Raises Unauthorized with the reason if the token is not valid, and SignInUnavailable if the keys or the secret
    cannot be read.
    """
    if len(token) > MAX_TOKEN_LENGTH:
        raise Unauthorized(f"the access token has more than {MAX_TOKEN_LENGTH:,} characters")
    if "=" in token:  # RFC 7515 allows no padding, but PyJWT ignores it
        raise Unauthorized("the access token is not valid: expected base64url without padding")
    try:
        return _user(_decode(token))
    except jwt.ExpiredSignatureError as error:
        raise Unauthorized("the access token has expired") from error
    except (jwt.PyJWTError, ValueError, OverflowError) as error:
        raise Unauthorized(f"the access token is not valid: {error}") from error


def _decode(token: str) -> dict[str, Any]:
    expected: dict[str, Any] = {"leeway": CLOCK_SKEW_SECONDS}
    key: PyJWK | bytes
    if settings.AUTH_ISSUER:
        key = _public_key(jwt.get_unverified_header(token))
        algorithms = [*signing_keys.ALGORITHMS]
        expected["issuer"] = settings.AUTH_ISSUER
    else:
        key = secret_values.read(settings.AUTH_SECRET).encode()
        algorithms = ["HS256"]
    if settings.AUTH_AUDIENCE:
        expected["audience"] = settings.AUTH_AUDIENCE
    # PyJWT also requires the claims of which a value is expected.
    options: Any = {"require": ["exp", "sub"], "enforce_minimum_key_length": True}
    return jwt.decode(token, key, algorithms, options, **expected)


def _public_key(header: dict[str, Any]) -> PyJWK:
    """Return the issuer's key that a token names. Raises InvalidTokenError if the issuer has none."""
    algorithm, key_id = header.get("alg"), header.get("kid")
    if algorithm not in signing_keys.ALGORITHMS:
        raise jwt.InvalidAlgorithmError(f"expected an algorithm that is one of {', '.join(signing_keys.ALGORITHMS)}")
    if not isinstance(key_id, str):
        raise jwt.InvalidTokenError("expected the id of a key (kid) in its header")
    key = signing_keys.key_set(settings.AUTH_ISSUER).find(key_id, algorithm)
    if key is None:
        raise jwt.InvalidTokenError("the issuer has no such key (kid)")
    return key


def _user(claims: dict[str, Any]) -> User:
    subject, room_ids, now = claims["sub"], claims.get("chat_rooms", "*"), datetime.now(UTC)
    if not isinstance(subject, str) or not subject:
        raise ValueError("sub must be a string that is not empty")
    if room_ids != "*" and not (isinstance(room_ids, list) and all(isinstance(room_id, str) for room_id in room_ids)):
        raise ValueError('chat_rooms must be a list of room ids, or "*"')
    if not isinstance(claims["exp"], int | float) or claims["exp"] > MAX_EXPIRY:  # PyJWT also accepts a string
        raise ValueError("exp must be a number of seconds")
    expires_at = datetime.fromtimestamp(math.floor(claims["exp"]), UTC)
    if expires_at <= now:  # accepted: the issuer's clock may be behind
        expires_at += timedelta(seconds=CLOCK_SKEW_SECONDS)
    return User(
        issuer=claims.get("iss", ""),
        subject=subject,
        names=tuple(_clean(claims[claim]) for claim in NAME_CLAIMS if isinstance(claims.get(claim), str)),
        room_ids=None if room_ids == "*" else frozenset(room_ids),
        is_owner=claims.get("chat_owner") is True,
        expires_at=expires_at,
    )


def _clean(name: str) -> str:
    """Return a name without control characters, cut to the length of a display name. It may be blank."""
    characters = [character for character in name if unicodedata.category(character) not in ("Cc", "Cs")]
    return "".join(characters).strip()[:MAX_DISPLAY_NAME_LENGTH].strip()
