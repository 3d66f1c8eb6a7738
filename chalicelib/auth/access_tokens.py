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
from chalicelib.errors import SignInUnavailable, Unauthorized
from chalicelib.graphemes import cut
from chalicelib.limits import MAX_DISPLAY_NAME_LENGTH

CLOCK_SKEW_SECONDS = 60
"""Tolerated difference between the clocks of the issuer and of the functions."""

MAX_TOKEN_LENGTH = 16_384

NAME_CLAIMS = ("name", "preferred_username")

HEADER_TYPES = ("jwt", "at+jwt")
"""Accepted media types in the header `typ`, without `application/`: an ID token, and an access token (RFC 9068)."""

CLAIM_TYPES = ("bearer", "id", "access", *HEADER_TYPES)
"""Accepted values of the claim `typ`, in lower case. Keycloak sets it, to `Refresh` in a refresh token."""

TOKEN_USES = ("id", "access")
"""Accepted values of the claim `token_use`, which Amazon Cognito sets."""

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
    """Return the claims of a token whose signature, type, times, issuer and audience are valid."""
    header = jwt.get_unverified_header(token)
    _check_header_type(header)
    try:
        claims = _verify(token, _key(header))
    except jwt.InvalidSignatureError:
        if not settings.AUTH_ISSUER or "kid" in header:
            raise
        # Without the id of a key, only the signature shows that the issuer has a new key.
        signing_keys.key_set(settings.AUTH_ISSUER).search()
        claims = _verify(token, _key(header))
    _check_type(claims)
    _check_authorized_party(claims)
    return claims


def _verify(token: str, key: PyJWK | bytes) -> dict[str, Any]:
    expected: dict[str, Any] = {"leeway": CLOCK_SKEW_SECONDS}
    if settings.AUTH_ISSUER:
        expected["issuer"] = settings.AUTH_ISSUER
    if settings.AUTH_AUDIENCE:
        expected["audience"] = settings.AUTH_AUDIENCE
    algorithms = [*signing_keys.ALGORITHMS] if settings.AUTH_ISSUER else ["HS256"]
    # PyJWT also requires the claims of which a value is expected.
    options: Any = {"require": ["exp", "sub"], "enforce_minimum_key_length": True}
    return jwt.decode(token, key, algorithms, options, **expected)


def _key(header: dict[str, Any]) -> PyJWK | bytes:
    """Return the key for a token: the secret, or a public key of the issuer.

    Raises InvalidTokenError if the issuer has no such key, and SignInUnavailable if the key cannot be read.
    """
    if not settings.AUTH_ISSUER:
        try:
            return secret_values.read(settings.AUTH_SECRET).encode()
        except secret_values.SecretUnavailable as error:
            raise SignInUnavailable from error
    algorithm, keys = header.get("alg"), signing_keys.key_set(settings.AUTH_ISSUER)
    if algorithm not in signing_keys.ALGORITHMS:
        raise jwt.InvalidAlgorithmError(f"expected an algorithm that is one of {', '.join(signing_keys.ALGORITHMS)}")
    if "kid" not in header:
        key = keys.find_only(algorithm)
        if key is None:
            raise jwt.InvalidTokenError(
                f"expected the id of a key (kid) in its header: the issuer has not exactly one key for {algorithm}"
            )
        return key
    key = keys.find(header["kid"], algorithm)
    if key is None:
        raise jwt.InvalidTokenError("the issuer has no such key (kid)")
    return key


def _check_header_type(header: dict[str, Any]) -> None:
    """Raise InvalidTokenError if the header says that a token is another one than an access token or ID token.

    The issuer also signs others with its keys, such as logout tokens (RFC 8725, "Use Explicit Typing").
    """
    media_type = str(header.get("typ", "JWT")).lower().removeprefix("application/")  # optional: RFC 7515, 4.1.9
    if media_type not in HEADER_TYPES:
        raise jwt.InvalidTokenError("expected an access token or ID token, not another type (typ)")


def _check_type(claims: dict[str, Any]) -> None:
    """Raise InvalidTokenError if the claims say that a token is another one than an access token or ID token."""
    for name, accepted in (("typ", CLAIM_TYPES), ("token_use", TOKEN_USES)):
        if name in claims and str(claims[name]).lower() not in accepted:
            raise jwt.InvalidTokenError(
                f"expected an access token or ID token, but the claim {name} names another type"
            )
    if "events" in claims:  # a security event, such as a logout token without a type (RFC 8417)
        raise jwt.InvalidTokenError("expected an access token or ID token, not a security event (events)")


def _check_authorized_party(claims: dict[str, Any]) -> None:
    """Raise InvalidTokenError if a token for several audiences was issued to an application that is not configured.

    One of the other audiences could otherwise use the tokens that it receives ("OpenID Connect Core 1.0", "ID Token
    Validation"). Access tokens may name the application in `client_id` (RFC 9068).
    """
    audiences = claims.get("aud")
    if isinstance(audiences, list) and len(set(audiences)) > 1:
        party = claims.get("azp", claims.get("client_id"))
        if not party or party not in (*settings.AUTH_AUDIENCE, settings.AUTH_CLIENT_ID):
            raise jwt.InvalidTokenError(
                "expected azp to be one of AUTH_AUDIENCE, or AUTH_CLIENT_ID, because aud has several values"
            )


def _user(claims: dict[str, Any]) -> User:
    subject, now = claims["sub"], datetime.now(UTC)
    room_ids = claims.get("chat_rooms", [] if settings.AUTH_ROOMS_REQUIRED else "*")
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
    return cut("".join(characters).strip(), MAX_DISPLAY_NAME_LENGTH).strip()
