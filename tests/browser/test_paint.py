"""The size of the first paint, and the stability of the layout."""

from __future__ import annotations

import pytest
from playwright.sync_api import ViewportSize, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.browser.visitor import expect_message, expect_true, room_of, scroll_log, settle

BYTES_BEFORE_FIRST_PAINT = 60_000
# The first paint of an element inside the view. The head of the page is painted earlier.
NOTE_FIRST_PAINT = """
    new PerformanceObserver((list) => {
        for (const { element, startTime } of list.getEntries()) {
            if (element?.closest("main")) window.firstPaint ??= startTime;
        }
    }).observe({ type: "largest-contentful-paint", buffered: true });
"""
BYTES_LOADED = """
    ["navigation", "resource"].flatMap((type) => performance.getEntriesByType(type))
        .filter(({ responseEnd }) => responseEnd <= window.firstPaint)
        .reduce((sum, { transferSize }) => sum + transferSize, 0)
"""
NOTE_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value)))
        .observe({ type: "layout-shift" });
"""


@pytest.mark.parametrize("view", ["rooms", "room"])
def test_first_paint_loads_at_most_60_kilobytes(open_page: OpenPage, cloud: LocalCloud, view: str) -> None:
    fragment = f"#/rooms/{room_of(cloud, ['hello'])}" if view == "room" else ""
    page = open_page("about:blank")
    page.add_init_script(NOTE_FIRST_PAINT)
    page.goto(f"{cloud.rest_url}/{fragment}")
    expect_true(page, "() => window.firstPaint")
    assert 10_000 < page.evaluate(BYTES_LOADED) <= BYTES_BEFORE_FIRST_PAINT


@pytest.mark.parametrize("viewport", [{"width": 390, "height": 700}, {"width": 1280, "height": 720}])
@pytest.mark.parametrize("view", ["rooms", "room"])
def test_loading_causes_no_layout_shift(
    open_page: OpenPage, cloud: LocalCloud, view: str, viewport: ViewportSize
) -> None:
    page = open_page("about:blank", viewport=viewport)
    page.add_init_script(NOTE_SHIFTS)
    if view == "room":
        page.goto(f"{cloud.rest_url}/#/rooms/{room_of(cloud, [f'message {number}' for number in range(20)])}")
        expect_message(page, "message 19")
        expect(page.locator("#you")).to_be_visible()
    else:
        page.goto(f"{cloud.rest_url}/")
        expect(page.get_by_text("Looking for rooms…")).to_be_hidden()
    assert page.evaluate("shifts") == []


def test_new_messages_cause_no_layout_shift(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    page = open_page(room.link())
    expect(page.locator("#you")).to_be_visible()
    with room.join("Bo") as bo:
        for number in range(8):
            bo.say(f"message {number}, {'and more, ' * 40} all of it")
        expect(page.get_by_text("message 7")).to_be_visible()
        page.evaluate(NOTE_SHIFTS)
        bo.say("at the bottom")
        expect_message(page, "at the bottom")
        scroll_log(page, "log.scrollHeight / 3")
        reading = page.locator("li.message").nth(3)
        place = reading.bounding_box()
        for number in range(3):
            bo.say(f"further down {number}")
        expect(page.get_by_role("button", name="3 new messages")).to_be_visible()
    settle(page)
    assert reading.bounding_box() == place
    assert page.evaluate("shifts") == []
    page.get_by_role("button", name="3 new messages").click()
    expect(page.get_by_text("further down 2")).to_be_in_viewport()
    expect(page.get_by_role("button", name="new message")).to_be_hidden()
