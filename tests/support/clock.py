"""The clock of the tests, as a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Stop the time at NOON. Only the test moves it."""
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock
