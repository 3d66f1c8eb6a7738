"""The scenarios of the smoke test, on the local cloud."""

from __future__ import annotations

import asyncio

import pytest

from deployment.smoke.run import SCENARIOS
from deployment.smoke.scenario import Scenario
from tests.support.localcloud.client import Chat


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.run.__name__)
def test_scenario(chat: Chat, scenario: Scenario) -> None:
    async def run() -> None:
        try:
            await scenario.run(chat)
        finally:
            await chat.disconnect()

    asyncio.run(run())
