"""Closing of a large room on the local cloud."""

from __future__ import annotations

import asyncio
import os

from deployment.smoke.scenarios.owner import close_with_members
from tests.support.localcloud.client import Chat

CROWD = int(
    os.environ.get("CROWD", "45")
)  # more than two batches of removals; the FANOUT_BATCH of the stage local is 20


def test_closing_a_room_ends_all_connections(chat: Chat) -> None:
    asyncio.run(close_with_members(chat, CROWD))
