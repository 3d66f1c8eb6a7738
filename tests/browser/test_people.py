"""Marks, colours and names of people, and what can be done about them: ignore, report, mute, remove."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.visitor import expect_message, messages, open_person, say

RELOADS = 10
CUTS = 5
COLOUR = "(element) => getComputedStyle(element).color"


def members(page: Page) -> Locator:
    return page.get_by_role("list", name="Members").get_by_role("listitem")


def expect_connected(page: Page) -> None:
    expect(page.locator("#connection-state")).to_have_text("Connected")


def colours(page: Page, name: str) -> set[str]:
    """Return the colours in which a page shows a name."""
    shown = page.locator("bdi[data-person]").filter(has_text=name)
    return {entry.evaluate(COLOUR) for entry in shown.all()}


@pytest.fixture
def guest(pair: tuple[Page, Page], open_page: OpenPage) -> Page:
    """Return the page of a guest without a name, in the room of Aki and Bo."""
    page = open_page(pair[0].url)
    expect_connected(page)
    expect(members(pair[0])).to_have_count(3)
    return page


def test_guest_is_one_member_with_one_name_and_one_colour_whatever_happens(
    pair: tuple[Page, Page], guest: Page, cloud: LocalCloud
) -> None:
    aki, bo = pair
    name = guest.locator("#you-are bdi").inner_text()
    say(guest, "first")
    expect_message(aki, "first")
    expect_message(bo, "first")
    (colour,) = colours(aki, name)
    for number in range(RELOADS):
        guest.reload()
        expect_connected(guest)
        say(guest, f"reload {number}")
        expect_message(aki, f"reload {number}")
    for number in range(CUTS):
        guest.context.set_offline(True)
        expect(guest.locator("#connection-state")).to_contain_text("Connection lost")
        guest.context.set_offline(False)
        expect_connected(guest)
        say(guest, f"cut {number}")
        expect_message(aki, f"cut {number}")
    second = guest.context.new_page()
    second.goto(guest.url)
    expect_connected(second)
    say(second, "from the second tab")
    for page in (aki, bo, guest, second):
        expect_message(page, "from the second tab")
        assert colours(page, name) == {colour}
        others = colours(page, "Aki") | colours(page, "Bo")
        assert len(others) == 2
        assert colour not in others
    room_id = aki.url.rsplit("/", 1)[-1]
    listed = requests.get(f"{cloud.rest_url}/rooms/{room_id}/members", timeout=20).json()["members"]
    assert [member["name"] for member in listed].count(name) == 1
    assert len(listed) == 3


def test_owner_is_marked_in_messages_and_in_the_list_also_for_later_visitors(
    pair: tuple[Page, Page], open_page: OpenPage
) -> None:
    aki, bo = pair
    imitator = open_page(aki.url, name="Aki")
    expect_connected(imitator)
    expect(members(bo)).to_have_count(3)
    say(aki, "the real one")
    expect_message(bo, "the real one")
    say(imitator, "The test is cancelled!")
    expect_message(bo, "The test is cancelled!")
    later = open_page(aki.url)
    for page in (bo, later):
        real = page.locator("li.message", has_text="the real one")
        false = page.locator("li.message", has_text="The test is cancelled!")
        expect(real.locator(".mark")).to_have_text("owner")
        expect(false.locator(".mark")).to_have_count(0)
        name = ".head [data-person]"
        assert real.locator(name).evaluate(COLOUR) != false.locator(name).evaluate(COLOUR)
        expect(members(page).filter(has=page.locator(".mark"))).to_have_count(1)


def test_ignored_member_is_hidden_until_the_visitor_changes_their_mind(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.emulate_media(reduced_motion="reduce")
    for text in ("one", "two"):
        say(bo, text)
        expect_message(aki, text)
    dialog = open_person(aki, "Bo")
    dialog.get_by_role("button", name="Ignore").click()
    expect(dialog.get_by_text("You no longer see their messages.")).to_be_visible()
    aki.keyboard.press("Escape")
    expect(aki.get_by_role("button", name="More about Bo")).to_be_focused()
    line = aki.get_by_role("log").get_by_text("2 messages of somebody you ignore.")
    expect(line).to_be_visible()
    assert messages(aki) == []
    expect_no_violations(aki)
    aki.reload()
    expect(line).to_be_visible()
    expect(members(aki).filter(has_text="ignored")).to_have_count(1)
    say(bo, "three")
    expect(aki.get_by_text("3 messages of somebody you ignore.")).to_be_visible()
    aki.get_by_role("button", name="Ignore no longer").click()
    assert messages(aki) == ["one", "two", "three"]
    aki.reload()
    expect_message(aki, "three")
    assert messages(bo) == ["one", "two", "three"]


def test_dialogue_about_a_member_is_usable_by_keyboard_and_has_no_accessibility_violation(
    pair: tuple[Page, Page],
) -> None:
    aki, bo = pair
    aki.emulate_media(reduced_motion="reduce")
    say(bo, "hello")
    expect_message(aki, "hello")
    more = aki.get_by_role("button", name="More about this message")
    aki.get_by_role("log").focus()
    aki.keyboard.press("Tab")
    expect(more).to_be_focused()
    aki.keyboard.press("Enter")
    dialog = aki.get_by_role("dialog", name="Bo")
    expect(dialog.get_by_role("heading", name="Bo")).to_be_focused()
    for label in ("Reason, if you like", "Report", "Ignore", "5 minutes"):
        expect(dialog.get_by_role("button", name=label).or_(dialog.get_by_placeholder(label))).to_be_visible()
    expect_no_violations(aki)
    aki.keyboard.press("Escape")
    expect(more).to_be_focused()
