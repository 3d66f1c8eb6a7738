"""One person in two tabs, and the dialogue about a member: by keyboard, and without accessibility violations."""

from __future__ import annotations

import re

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.visitor import expect_message, open_person, say

RELOADS = 5
CUTS = 3
COLOUR = "(element) => getComputedStyle(element).color"


def members(page: Page) -> Locator:
    return page.get_by_role("list", name="Members").get_by_role("listitem")


def expect_connected(page: Page) -> None:
    expect(page.locator("#connection-state")).to_have_text("Connected")


def notices(page: Page) -> list[str]:
    return page.locator("[role=log] .notice").all_inner_texts()


def colours(page: Page, name: str) -> set[str]:
    """Return the colours in which a page shows a name."""
    shown = page.locator("bdi[data-person]").filter(has_text=name)
    return {entry.evaluate(COLOUR) for entry in shown.all()}


@pytest.fixture
def tabs(pair: tuple[Page, Page], open_page: OpenPage) -> tuple[Page, Page]:
    """Return two tabs of a guest without a name, in the room of Aki and Bo."""
    first = open_page(pair[0].url)
    expect_connected(first)
    second = first.context.new_page()
    second.goto(first.url)
    expect_connected(second)
    expect(members(pair[0])).to_have_count(3)
    return first, second


def test_guest_is_one_member_with_one_name_and_one_colour_whatever_happens(
    pair: tuple[Page, Page], tabs: tuple[Page, Page], cloud: LocalCloud
) -> None:
    aki, bo = pair
    first, second = tabs
    name = first.locator("#you-are bdi").inner_text()
    url = f"{cloud.rest_url}/rooms/{aki.url.rsplit('/', 1)[-1]}/members"

    def expect_listed_once() -> None:
        listed = requests.get(url, timeout=20).json()["members"]
        assert [member["name"] for member in listed] == ["Aki", "Bo", name]

    say(first, "hello")
    for page in (aki, bo, first, second):
        expect_message(page, "hello")
    for tab in tabs:
        expect(tab.locator("li.own .body")).to_have_text(["hello"])
    assert aki.locator("li.own").count() == 0
    (colour,) = colours(aki, name)
    before = notices(aki)
    for number in range(RELOADS):
        second.reload()
        expect_connected(second)
        say(second, f"second {number}")
        expect_message(aki, f"second {number}")
        expect_listed_once()
    second.evaluate("sessionStorage.clear()")
    second.reload()
    expect(second.locator("li.own .body")).to_have_count(1 + RELOADS)
    expect_connected(second)
    for page in (aki, bo, *tabs):
        expect(members(page)).to_have_count(3)  # the colours of all depend on who is there
        assert colours(page, name) == {colour}
        others = colours(page, "Aki") | colours(page, "Bo")
        assert len(others) == 2
        assert colour not in others
    second.close()
    say(first, "still here")
    expect_message(aki, "still here")
    expect(members(aki)).to_have_count(3)
    assert notices(aki) == before
    for number in range(RELOADS):
        first.reload()
        expect_connected(first)
        say(first, f"first {number}")
        expect_message(aki, f"first {number}")
    for number in range(CUTS):
        first.context.set_offline(True)
        expect(first.locator("#connection-state")).to_contain_text("Connection lost")
        first.context.set_offline(False)
        expect_connected(first)
        say(first, f"cut {number}")
        expect_message(aki, f"cut {number}")
    for page in (aki, bo, first):
        assert colours(page, name) == {colour}
    expect_listed_once()


def test_member_is_muted_and_ignored_by_keyboard_and_without_accessibility_violations(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for page in pair:
        page.emulate_media(reduced_motion="reduce")
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
    dialog.get_by_role("button", name="5 minutes").press("Enter")
    expect(bo.get_by_text(re.compile("^You are muted until "))).to_be_visible()
    bo.get_by_label("Message", exact=True).fill("But")
    expect_no_violations(bo)
    bo.reload()
    expect(bo.get_by_role("button", name="Send")).to_be_disabled()
    expect(bo.get_by_label("Message", exact=True)).to_have_value("But")
    aki.keyboard.press("Escape")
    expect(more).to_be_focused()

    dialog = open_person(aki, "Bo")
    dialog.get_by_role("button", name="Ignore").press("Enter")
    aki.keyboard.press("Escape")
    expect(aki.get_by_role("button", name="More about Bo")).to_be_focused()
    line = aki.get_by_role("log").get_by_text("1 message of somebody you ignore.")
    expect(line).to_be_visible()
    expect_no_violations(aki)
    aki.reload()
    expect(line).to_be_visible()
    expect(members(aki).filter(has_text="ignored")).to_have_count(1)
