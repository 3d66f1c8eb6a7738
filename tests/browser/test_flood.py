"""A visitor who sends more messages than the rate limit admits."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from chalicelib import settings
from tests.support.browser.visitor import say


def test_burst_over_the_rate_limit_arrives_complete_and_in_order(pair: tuple[Page, Page]) -> None:
    aki, _ = pair
    reconnections: list[str] = []
    aki.on("websocket", lambda socket: reconnections.append(socket.url))
    said = [f"message {number}" for number in range(settings.MESSAGES_PER_WINDOW + 5)]
    for message in said:
        say(aki, message)
    expect(aki.get_by_text("A lot at once: sent in a moment").first).to_be_visible()
    for page in pair:
        expect(page.locator("[role=log] li.message:not(.pending) .body")).to_have_text(said, timeout=60_000)
    assert aki.locator("li.pending, li.failed").count() == 0
    assert reconnections == []
