"""Fixtures of the tests on the local cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localcloud.cloud import LocalCloud
from tests.support.localcloud.client import Chat


@pytest.fixture
def chat(cloud: LocalCloud) -> Iterator[Chat]:
    """Return a client of the chat on the local cloud."""
    chat = Chat(cloud)
    yield chat
    chat.close()
