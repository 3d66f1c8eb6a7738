"""Fixtures of the tests on the local cloud."""

from __future__ import annotations

import pytest

from localcloud.cloud import LocalCloud
from tests.support.localcloud.client import Chat


@pytest.fixture
def chat(cloud: LocalCloud) -> Chat:
    """Return a client of the chat on the local cloud."""
    return Chat(cloud)
