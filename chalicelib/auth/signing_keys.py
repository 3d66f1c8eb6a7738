"""The keys with which an OpenID Connect provider signs its tokens, as "OpenID Connect Discovery 1.0" publishes them.

Keys are cached for each issuer, by key id and algorithm: a key of one issuer never verifies a token of another. Few
requests reach the provider, whatever tokens arrive: unknown key ids cause one per UNKNOWN_KEY_SECONDS, and a provider
that has failed is left alone for RETRY_SECONDS.
"""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import Any

import urllib3
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from chalicelib import settings
from chalicelib.auth.configuration import is_secure_url
from chalicelib.errors import SignInUnavailable

ALGORITHMS = ("RS256", "ES256")
"""The algorithms that are accepted. All others are refused, in tokens and in keys."""

MAX_AGE_SECONDS = 3_600
"""Time for which keys are cached. A key that the provider has withdrawn is accepted for that long."""

UNKNOWN_KEY_SECONDS = 30
"""Minimum time between two requests that are made because a key id is unknown."""

RETRY_SECONDS = 5
"""Minimum time between two requests to a provider that has failed."""

TIMEOUT_SECONDS = 2
"""Time for which a request waits for the provider, and the time-out of connecting and of each read."""

FETCH_SECONDS = 20
"""Time-out for the provider's two documents together. Keys that arrive late count for later requests."""

MAX_DOCUMENT_BYTES = 1_000_000

PUBLIC_MEMBERS = ("kty", "kid", "alg", "n", "e", "crv", "x", "y")
"""The members of a JSON Web Key that are read. A private key is read as its public key."""

log = logging.getLogger(f"{settings.APP_NAME}.signing_keys")

_http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)
_executor = ThreadPoolExecutor(1)


@cache
def key_set(issuer: str) -> KeySet:
    """Return the keys of an issuer, which all requests of this process share."""
    return KeySet(issuer)


class KeySet:
    """The cached signing keys of an issuer."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self._keys: dict[tuple[str | None, str], PyJWK] = {}
        self._fetching: Future[dict[tuple[str | None, str], PyJWK]] | None = None
        self._expires_at = self._retry_at = self._search_at = 0.0
        self._lock = Lock()

    def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """Return the key of an id and algorithm, None if the provider has none.

        Raises SignInUnavailable if the provider does not answer within TIMEOUT_SECONDS, or with something else.
        """
        with self._lock:
            now = time.monotonic()
            is_current = now < self._expires_at
            key = self._keys.get((key_id, algorithm)) if is_current else None
            if key is not None or (is_current and now < self._search_at):
                return key
            self._refresh(now)
            if is_current:  # not after the first request: the provider may change its keys at any time after it
                self._search_at = now + UNKNOWN_KEY_SECONDS
            return self._keys.get((key_id, algorithm))

    def _refresh(self, now: float) -> None:
        """Read the keys, or take those of a fetch that has not been in time for an earlier request."""
        fetching = self._fetching
        if fetching is not None and fetching.done() and fetching.exception() is not None:
            self._fetching = None  # it was reported when it was late
        is_ready = self._fetching is not None and self._fetching.done()
        if now < self._retry_at and not is_ready:
            raise SignInUnavailable
        if self._fetching is None:
            self._fetching = _executor.submit(self._fetch)
        try:
            self._keys = self._fetching.result(TIMEOUT_SECONDS)
        except (urllib3.exceptions.HTTPError, ValueError, OSError, RecursionError) as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            log.warning("could not read the keys of %s: %s", self.issuer, str(error) or type(error).__name__)
            raise SignInUnavailable from error
        finally:
            if self._fetching.done():
                self._fetching = None
        self._expires_at = now + MAX_AGE_SECONDS

    def _fetch(self) -> dict[tuple[str | None, str], PyJWK]:
        deadline = time.monotonic() + FETCH_SECONDS
        configuration = _get_json(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration", deadline)
        if configuration.get("issuer") != self.issuer:
            raise ValueError(f"its configuration names the issuer {configuration.get('issuer')!r}")
        address = configuration.get("jwks_uri")
        if not isinstance(address, str) or not is_secure_url(address):
            raise ValueError(f"jwks_uri must be an https address, not {address!r}")
        published = _get_json(address, deadline).get("keys")
        if not isinstance(published, list) or not published:
            raise ValueError(f"{address} has no keys")
        keys = [key for key in map(_signing_key, published) if key is not None]
        return {(key.key_id, key.algorithm_name): key for key in keys}


def _signing_key(published: Any) -> PyJWK | None:
    """Return a published key, None if it is not a key that signs with one of ALGORITHMS."""
    if not isinstance(published, dict) or published.get("use") not in (None, "sig"):
        return None
    operations = published.get("key_ops", ["verify"])
    # A private key, which signs, is read as its public key.
    if not isinstance(operations, list) or not ("verify" in operations or "sign" in operations):
        return None
    members = {name: published[name] for name in PUBLIC_MEMBERS if isinstance(published.get(name), str)}
    if members.get("kty") not in ("RSA", "EC") or members.get("alg", ALGORITHMS[0]) not in ALGORITHMS:
        return None
    try:
        key = PyJWK(members)
    except PyJWTError:
        return None
    return key if key.algorithm_name in ALGORITHMS else None


def _get_json(address: str, deadline: float) -> dict[str, Any]:
    """Return a JSON object from the provider. Redirects are not followed. Raises TimeoutError after the deadline."""
    with _http.request("GET", address, redirect=False, preload_content=False) as response:
        if response.status != 200:
            raise ValueError(f"{address} answered {response.status}")
        body = b""
        # The time-out of a socket starts again with each byte.
        while part := response.read1(MAX_DOCUMENT_BYTES - len(body), decode_content=True):
            body += part
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} did not answer within {FETCH_SECONDS} seconds")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{address} is not a JSON object")
    return document
