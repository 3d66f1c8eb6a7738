"""Fixtures of the tests of webhooks."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from chalice.test import Client

from chalicelib.storage.models import Room
from tests.support.webhooks import Hooks


@pytest.fixture(autouse=True)
def _clock(clock: time_machine.Traveller) -> None:
    """Every test has a clock that only the test moves."""


@pytest.fixture(autouse=True)
def _function(on_lambda: None, connections_url: None) -> None:
    """Every request runs as on Lambda."""


@pytest.fixture(autouse=True)
def fanout_queue(queue: Any) -> Any:
    """Every test has a queue."""
    return queue


@pytest.fixture
def owner(client: Client, room: Room) -> Hooks:
    return Hooks(client, room)
