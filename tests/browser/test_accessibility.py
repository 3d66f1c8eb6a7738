"""Accessibility of the states of the page, in a few visits."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import SCREENS, expect_no_violations
from tests.support.browser.unsent import leave_rejected
from tests.support.browser.visitor import create_room, expect_message, expire_room, room_of, say, scroll_log, take_name

States = Iterator[str]
"""Brings the page into one state after the other, and yields the name of each."""


def room_list(page: Page, cloud: LocalCloud) -> States:
    page.route("**/rooms?*", lambda route: route.fulfill(json={"rooms": [], "nextCursor": None}))
    page.goto(f"{cloud.rest_url}/")
    expect(page.get_by_text("No rooms yet.")).to_be_visible()
    yield "empty"
    rooms = [
        {"room_id": f"r{number}", "name": name, "member_count": number, "created_at": "2026-11-23T10:00:00Z"}
        for number, name in enumerate(["Tea", "קפה", "x" * 80])
    ]
    page.route("**/rooms?*", lambda route: route.fulfill(json={"rooms": rooms, "nextCursor": "more"}))
    page.reload()
    expect(page.get_by_role("button", name="Show more")).to_be_visible()
    yield "full"
    page.route("**/rooms?*", lambda route: route.abort())
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    yield "not loaded"


def room(page: Page, cloud: LocalCloud) -> States:
    said = [
        *(f"message {number}" for number in range(30)),
        "line\n" * 40,
        "Read https://example.com first.",
        "שלום",
        "👍",
    ]
    page.goto(f"{cloud.rest_url}/#/rooms/{room_of(cloud, said)}")
    expect_message(page, "👍")
    say(page, "Will do")
    expect(page.locator(".own:not(.pending)").get_by_text("Will do")).to_be_visible()
    yield "with messages"
    page.get_by_label("Message", exact=True).fill("x" * 4_001)
    expect(page.get_by_text("1 character too many")).to_be_visible()
    yield "with a message that is too long"
    page.get_by_label("Message", exact=True).fill("")
    more = page.get_by_role("button", name="More about this message")
    more.and_(page.locator("li:has(.fold) button")).click()
    quote = page.locator("#person-message")
    expect(quote).to_be_visible()
    assert quote.evaluate("(quote) => quote.scrollHeight > quote.clientHeight")
    yield "with a dialogue about a long message"
    page.keyboard.press("Escape")
    page.set_viewport_size(SCREENS["phone"])
    scroll_log(page, "0")
    page.locator("#member-count").click()
    expect(page.get_by_role("list", name="Members")).to_be_visible()
    yield "on a phone, with new messages below, and the members"
    page.get_by_role("button", name="choose a name").click()
    expect(page.get_by_label("Your name")).to_be_focused()
    yield "choosing a name"
    take_name(page, "Aki")
    page.context.set_offline(True)
    say(page, "Anybody?")
    expect(page.get_by_text("Waiting for connection")).to_be_visible()
    yield "without connection"
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_text("not sent yet")).to_be_visible()
    yield "left with a message that waits"
    page.context.set_offline(False)
    page.get_by_role("link", name="Go there").click()
    expect(page.locator("li.message:not(.pending)").get_by_text("Anybody?")).to_be_visible()
    leave_rejected(page, page.url.rpartition("/")[2], "Hello", failure="too long")
    expect(page.get_by_text("Not sent. Too long.")).to_be_visible()
    yield "with a rejected message"
    expect(page.get_by_role("status")).to_have_text("Connected")
    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    expire_room(cloud, page)
    say(page, "Too late")
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Open a new room of this name")).to_be_visible()
    yield "too late"
    page.get_by_role("button", name="Open a new room of this name").click()
    expect(page.get_by_text("This is a new room with a new link")).to_be_visible()
    yield "opened again"


def room_of_an_owner_and_rooms_that_cannot_be_entered(page: Page, cloud: LocalCloud) -> States:
    page.goto(f"{cloud.rest_url}/")
    create_room(page, "Tea", private=True)
    say(page, "hello")
    expect_message(page, "hello")
    page.get_by_role("button", name="Manage room").click()
    page.get_by_role("button", name="Close this room").click()
    expect(page.get_by_role("alertdialog")).to_be_visible()
    yield "asked a question"
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Delete messages…").click()
    page.get_by_label("All of them").check()
    yield "about to delete messages"
    page.keyboard.press("Escape")
    page.get_by_label("Locked").check()
    expect(page.get_by_text("Locked: nobody new can enter.")).to_be_visible()
    yield "managing"
    page.get_by_role("button", name="New invite link").click()
    expect(page.get_by_role("button", name="New link", exact=True)).to_be_focused()
    yield "about to make a new invite link"
    page.keyboard.press("Escape")
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_role("button", name="Copy owner's link of Tea")).to_be_visible()
    yield "in the list of visited rooms"
    address = page.get_by_role("list", name="Your rooms").get_by_role("link").get_attribute("href")
    assert address
    page.evaluate("localStorage.clear()")  # the rights of the owner
    page.goto(f"{cloud.rest_url}/{address.split('?')[0]}")
    expect(page.get_by_text("This room is private")).to_be_visible()
    yield "private"
    page.goto(f"{cloud.rest_url}/#/rooms/nosuchroom")
    expect(page.get_by_text("This room no longer exists")).to_be_visible()
    yield "gone"


@pytest.mark.parametrize("view", [room_list, room, room_of_an_owner_and_rooms_that_cannot_be_entered])
def test_no_state_has_an_accessibility_violation(
    open_page: OpenPage, cloud: LocalCloud, view: Callable[[Page, LocalCloud], States], subtests: pytest.Subtests
) -> None:
    page = open_page("about:blank", reduced_motion="reduce")
    for state in view(page, cloud):
        with subtests.test(state):
            expect_no_violations(page)
