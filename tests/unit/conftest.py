"""Fixtures of the unit tests."""

from __future__ import annotations

import pytest


@pytest.fixture(params=["moto", "dynoxide"])
def dynamodb(request: pytest.FixtureRequest) -> None:
    """Run the test on each emulator."""
    if request.param == "dynoxide":
        request.getfixturevalue("dynoxide")
