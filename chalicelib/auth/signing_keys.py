"""The keys with which an OpenID Connect provider signs its tokens, as "OpenID Connect Discovery 1.0" publishes them.

Few requests reach the provider, whatever tokens arrive: PyJWKClient caches the keys and limits the searches for unknown
key ids, and a provider that has failed is not asked again for RETRY_SECONDS.
"""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import Any

import urllib3
from jwt import PyJWK, PyJWKClient, PyJWKSet
from jwt.exceptions import PyJWKClientError, PyJWKSetError
from jwt.jwk_set_cache import JWKSetCache

from chalicelib import settings
from chalicelib.auth.configuration import is_secure_url
from chalicelib.errors import SignInUnavailable

ALGORITHMS = ("RS256", "ES256")
"""The algorithms that are accepted. All others are rejected, in tokens and in keys."""

MAX_AGE_SECONDS = 3_600
"""Time for which a key is accepted after the provider has last published it. Then the keys are read again."""

UNKNOWN_KEY_SECONDS = 30
"""Minimum time between two requests that are made because a key id is unknown."""

RETRY_SECONDS = 5
"""Minimum time between two requests to a provider that has failed."""

TIMEOUT_SECONDS = 2
"""Time for which a request waits for the provider, and the timeout of connecting and of each read."""

FETCH_SECONDS = 20
"""Timeout of the provider's two documents together. Keys that arrive late are used for later requests."""

MAX_DOCUMENT_BYTES = 1_000_000

PUBLIC_MEMBERS = ("kty", "kid", "alg", "n", "e", "crv", "x", "y")
"""The members of a JSON Web Key that are read. A private key is read as its public key."""

log = logging.getLogger(f"{settings.APP_NAME}.signing_keys")

_http = urllib3.PoolManager(timeout=TIMEOUT_SECONDS, retries=False)  # nor are redirects followed
_executor = ThreadPoolExecutor(1)


@cache
def key_set(issuer: str) -> KeySet:
    """Return the keys of an issuer, which all requests of this process share."""
    return KeySet(issuer)


class KeySet(PyJWKClient):
    """The cached signing keys of an issuer: a key of one issuer never verifies a token of another."""

    def __init__(self, issuer: str) -> None:
        super().__init__(issuer, cooldown_duration=UNKNOWN_KEY_SECONDS)
        self._cache = self.jwk_set_cache = JWKSetCache(MAX_AGE_SECONDS)
        self._fetching: Future[PyJWKSet] | None = None
        self._deadline = self._retry_at = 0.0
        self._accepted: dict[str, tuple[float, PyJWK]] = {}
        """The keys by their names, former ones too, and the time until which each is accepted."""

    def find(self, key_id: str, algorithm: str) -> PyJWK | None:
        """Return the key of an id and algorithm, None if the provider has none.

        Raises SignInUnavailable if the provider does not return its keys within TIMEOUT_SECONDS.
        """
        name = f"{algorithm} {key_id}"
        accepted = self._accepted.get(name)
        if accepted is not None and time.monotonic() < accepted[0]:
            return accepted[1]
        self._deadline = time.monotonic() + TIMEOUT_SECONDS
        try:
            return self.get_signing_key(name)
        except PyJWKClientError:
            return None

    def find_only(self, algorithm: str) -> PyJWK | None:
        """Return the key of an algorithm, None if the provider publishes none or several.

        Raises SignInUnavailable like `find`.
        """
        self._deadline = time.monotonic() + TIMEOUT_SECONDS
        keys = [key for key in self.get_signing_keys() if key.algorithm_name == algorithm]
        return keys[0] if len(keys) == 1 else None

    def search(self) -> None:
        """Read the keys again, unless a search has done so in the last UNKNOWN_KEY_SECONDS.

        Raises SignInUnavailable like `find`.
        """
        self.find(key_id="", algorithm="")  # PyJWKClient searches for a key that it does not know

    @staticmethod
    def match_kid(signing_keys: list[PyJWK], kid: str) -> PyJWK | None:
        """Return the key of a name, which is what `find` searches for."""
        return next((key for key in signing_keys if _name(key) == kid), None)

    def get_signing_keys(self, refresh: bool = False) -> list[PyJWK]:
        """Return all keys. There may be none, unlike in PyJWKClient, which would then not search for new ones."""
        return self.get_jwk_set(refresh).keys

    def fetch_data(self) -> PyJWKSet:
        """Return the provider's keys. PyJWKClient calls this if they are not in its cache.

        It does not start the cooldown, so that a key that is new since the first request is found at once.
        """
        if time.monotonic() < self._retry_at:
            raise SignInUnavailable
        if self._fetching is None or self._fetching.done():
            self._fetching = _executor.submit(self._fetch)
        try:
            return self._fetching.result(self._deadline - time.monotonic())
        except (urllib3.exceptions.HTTPError, ValueError, OSError, RecursionError) as error:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            log.warning("could not read the keys of %s: %s", self.uri, str(error) or type(error).__name__)
            raise SignInUnavailable from error

    def _fetch(self) -> PyJWKSet:
        deadline = time.monotonic() + FETCH_SECONDS
        configuration = _get_json(f"{self.uri.rstrip('/')}/.well-known/openid-configuration", deadline)
        if configuration.get("issuer") != self.uri:
            raise ValueError(f"its configuration names the issuer {configuration.get('issuer')!r}")
        address = configuration.get("jwks_uri")
        if not isinstance(address, str) or not is_secure_url(address):
            raise ValueError(f"jwks_uri must be an https address, not {address!r}")
        published = _get_json(address, deadline).get("keys")
        if not isinstance(published, list) or not published:
            raise ValueError(f"{address} has no keys")
        keys = _SigningKeys(published)
        self._cache.put(keys)  # also if the request has given up
        self._accept(keys)
        return keys

    def _accept(self, keys: PyJWKSet) -> None:
        # Tokens that the provider has signed with a former key are still valid: it rotates its keys at any time.
        now = time.monotonic()
        current = {_name(key): (now + MAX_AGE_SECONDS, key) for key in keys.keys}
        self._accepted = {name: entry for name, entry in self._accepted.items() if entry[0] > now} | current


class _SigningKeys(PyJWKSet):
    """The published keys that verify signatures with ALGORITHMS. Unlike a PyJWKSet, it may be empty."""

    def __init__(self, published: list[Any]) -> None:
        with suppress(PyJWKSetError):
            super().__init__([key for key in map(_public_key, published) if key is not None])


def _name(key: PyJWK) -> str:
    """Return the algorithm and id of a key: keys of different types may have the same id (RFC 7517, 4.5)."""
    return f"{key.algorithm_name} {key.key_id}"


def _public_key(published: Any) -> dict[str, str] | None:
    """Return the public members of a published key, None if it is not a key that signs with one of ALGORITHMS."""
    if not isinstance(published, dict) or published.get("use") not in (None, "sig"):
        return None
    operations = published.get("key_ops", ["verify"])
    if not isinstance(operations, list) or not ("verify" in operations or "sign" in operations):
        return None
    key = {name: published[name] for name in PUBLIC_MEMBERS if isinstance(published.get(name), str)}
    return key if key.get("kty") in ("RSA", "EC") and key.get("alg", ALGORITHMS[0]) in ALGORITHMS else None


def _get_json(address: str, deadline: float) -> dict[str, Any]:
    """Return a JSON object from the provider. Raises TimeoutError after the deadline."""
    with _http.request("GET", address, preload_content=False) as response:
        if response.status != 200:
            raise ValueError(f"{address} returned status {response.status}")
        body = b""
        # The timeout of a socket starts again with each byte.
        while part := response.read1(MAX_DOCUMENT_BYTES - len(body), decode_content=True):
            body += part
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} did not respond within {FETCH_SECONDS} seconds")
    document = json.loads(body)
    if not isinstance(document, dict):
        raise ValueError(f"{address} is not a JSON object")
    return document
