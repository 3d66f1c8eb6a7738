"""Fixtures of the tests of sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

from chalicelib import settings
from chalicelib.auth import signing_keys
from tests.support.issuer import AUDIENCE, Issuer
from tests.support.users import KEY, SECRET


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    """Run a provider, and configure sign-in with it."""
    issuer = Issuer(KEY)
    monkeypatch.setattr(settings, "AUTH_ISSUER", issuer.url)
    monkeypatch.setattr(settings, "AUTH_AUDIENCE", (AUDIENCE,))
    monkeypatch.setattr(settings, "AUTH_REQUIRED", True)
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
    monkeypatch.setattr(settings, "AUTH_REQUIRED", True)


@pytest.fixture
def guests_allowed(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "AUTH_REQUIRED", False)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(datetime.now(UTC), tick=False) as clock:
        yield clock
