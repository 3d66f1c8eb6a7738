"""Bans of source addresses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from chalicelib import settings
from chalicelib.auth.secret_values import SecretUnavailable
from chalicelib.chat import sources
from operations.errors import OperationError

MAX_DAYS = 3_650


def ban_source(source: str, days: str) -> Iterator[str]:
    """Ban a source, an address or a pseudonym from the logs, for a number of days. Raises OperationError."""
    if not (days.isascii() and days.isdigit() and 0 < int(days) <= MAX_DAYS):
        raise OperationError(f"DAYS must be a number from 1 to {MAX_DAYS:,}, not {days}")
    until = datetime.now(UTC) + timedelta(days=int(days))
    sources.ban(_pseudonym(source), until)
    yield f"Banned {source} until {until:%Y-%m-%d %H:%M} UTC. Connections that it has stay open."


def unban_source(source: str) -> Iterator[str]:
    """End the ban of a source. Functions that have rejected it notice that within a minute. Raises OperationError."""
    sources.unban(_pseudonym(source))
    yield f"The ban of {source} ends within a minute."


def _pseudonym(source: str) -> str:
    """Return the pseudonym of a source."""
    if not settings.SOURCE_SECRET:
        raise OperationError(f"the stage {settings.STAGE} has no SOURCE_SECRET, so it does not know sources")
    try:
        return source if sources.is_pseudonym(source) else sources.pseudonym(source)
    except ValueError as cause:
        raise OperationError(
            f"SOURCE must be an IPv4 or IPv6 address, or the source in a log line, not {source}"
        ) from cause
    except SecretUnavailable as cause:  # the reason has been logged
        raise OperationError(f"the secret {settings.SOURCE_SECRET} could not be read") from cause
