"""The operator's commands for sources."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from chalicelib import settings
from chalicelib.auth import secret_values
from chalicelib.chat import sources as limits_of_sources
from chalicelib.errors import SourceBanned
from operations import sources
from operations.errors import OperationError
from tests.support.clock import NOON

ADDRESS = "203.0.113.7"


@pytest.fixture(autouse=True)
def _secret(tables: None, clock: time_machine.Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test has a secret and a clock."""
    monkeypatch.setattr(settings, "SOURCE_SECRET", "s" * 32)


@pytest.mark.parametrize("form", ["address", "pseudonym"])
def test_source_is_banned_for_days_or_until_the_ban_is_ended(form: str, clock: time_machine.Traveller) -> None:
    source = ADDRESS if form == "address" else limits_of_sources.pseudonym(ADDRESS)
    for _ in range(2):
        (said,) = sources.ban_source(source, "2")
        assert said.startswith(f"Banned {source} until 2026-11-25 12:00 UTC.")
        with pytest.raises(SourceBanned):
            limits_of_sources.check_ban(ADDRESS)
        list(sources.unban_source(source))
        limits_of_sources.check_ban(ADDRESS)
    list(sources.ban_source(source, "2"))
    clock.move_to(NOON + timedelta(days=2))
    limits_of_sources.check_ban(ADDRESS)


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "many", "3651", "²"])
def test_invalid_number_of_days_is_rejected(days: str) -> None:
    with pytest.raises(OperationError, match=f"DAYS must be a number from 1 to 3,650, not {days}"):
        list(sources.ban_source(ADDRESS, days))


@pytest.mark.parametrize("source", ["nobody", "203.0.113", "A" * 32, "2001:db8::/64"])
def test_anything_but_an_address_or_a_pseudonym_is_rejected(source: str) -> None:
    with pytest.raises(OperationError, match=f"SOURCE must be an IPv4 or IPv6 address, .* not {source}"):
        list(sources.ban_source(source, "1"))


def test_missing_secret_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SOURCE_SECRET", "")
    with pytest.raises(OperationError, match="the stage dev has no SOURCE_SECRET"):
        list(sources.ban_source(ADDRESS, "1"))


def test_secret_that_cannot_be_read_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_values, "_fetch", lambda _: int("no number"))
    monkeypatch.setattr(secret_values, "_cache", {})
    monkeypatch.setattr(settings, "SOURCE_SECRET", "arn:aws:ssm:us-east-1:123456789012:parameter/chat")
    with pytest.raises(OperationError, match=r"the secret arn:aws:ssm:.* could not be read"):
        list(sources.ban_source(ADDRESS, "1"))
