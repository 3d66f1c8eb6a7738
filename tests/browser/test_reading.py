"""Reading: where a visitor goes on after an absence, and messages that are larger than others."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.browser.test_use import SET_HIDDEN
from tests.support.browser.visitor import expect_message, room_of, say

# Where the client library keeps the secret of a guest.
KEY = "chalice-chat.key"
TALL = "line {}\nand\nmore\nof it"


def say_tall(page: Page, count: int) -> None:
    for number in range(count):
        say(page, TALL.format(number))
        expect(page.locator("li.message:not(.pending) .body").last).to_contain_text(f"line {number}\n")


def expect_start_at_new(page: Page, count: int) -> None:
    expect(page.get_by_role("button", name=f"{count} new messages")).to_be_visible()
    expect(page.locator(".new-line")).to_be_in_viewport()
    expect(page.get_by_text("line 0")).to_be_in_viewport()
    expect(page.get_by_text(f"line {count - 1}\n")).not_to_be_in_viewport()


def test_visit_starts_at_the_first_new_message_until_the_end_was_seen(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "seen")
    expect_message(aki, "seen")
    aki.get_by_role("link", name="All rooms").click()
    say_tall(bo, 18)
    aki.go_back()
    expect_start_at_new(aki, 18)
    aki.reload()
    expect_start_at_new(aki, 18)
    aki.get_by_role("button", name="18 new messages").click()
    expect(aki.get_by_text("line 17\n")).to_be_in_viewport()
    aki.reload()
    expect(aki.get_by_text("line 17\n")).to_be_in_viewport()
    expect(aki.locator(".new-line")).to_have_count(0)


def test_what_was_read_on_one_device_is_not_new_on_another(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    say(aki, "seen")
    expect_message(bo, "seen")
    bo.get_by_role("link", name="All rooms").click()
    say_tall(aki, 9)
    (site,) = bo.context.storage_state()["origins"]
    key = [entry for entry in site["localStorage"] if entry["name"] == KEY]
    phone = open_page(aki.url, name="Bo", storage_state={"origins": [{**site, "localStorage": key}]})
    expect_start_at_new(phone, 9)
    expect(phone.locator(".new-line + li")).to_contain_text("line 0")
    phone.get_by_role("button", name="9 new messages").click()
    expect(phone.get_by_text("line 8\n")).to_be_in_viewport()
    phone.get_by_role("link", name="All rooms").click()
    bo.go_back()
    expect(bo.get_by_text("line 8\n")).to_be_in_viewport()
    expect(bo.locator(".new-line")).to_have_count(0)


def test_hidden_tab_stops_at_the_first_new_message(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "seen")
    expect_message(aki, "seen")
    aki.evaluate(SET_HIDDEN, True)
    say_tall(bo, 15)
    expect(aki.locator("li.message")).to_have_count(16)
    aki.evaluate(SET_HIDDEN, False)
    expect_start_at_new(aki, 15)
    say(aki, "read")
    expect_message(aki, "read")
    expect(aki.locator(".new-line")).to_have_count(0)
    expect(aki.get_by_text("read", exact=True)).to_be_in_viewport()


@pytest.mark.parametrize(
    "text", ["\n".join(map(str, range(1_000))), "tea " * 990, "\N{CJK UNIFIED IDEOGRAPH-8336}" * 3_900]
)
def test_tall_message_stays_in_its_box_until_all_of_it_is_shown(pair: tuple[Page, Page], text: str) -> None:
    aki, bo = pair
    say(bo, f"begin {text} end")
    body = aki.locator("li.message .body")
    expect(body).to_be_visible()
    whole = body.evaluate("(body) => body.scrollHeight")
    folded = body.bounding_box()
    assert folded
    assert folded["height"] <= 400
    aki.get_by_role("button", name="Show all").click()
    opened = body.bounding_box()
    assert opened
    assert opened["height"] >= whole
    aki.get_by_role("button", name="Show less").click()
    assert body.bounding_box() == folded


def test_message_that_becomes_tall_on_a_narrow_screen_can_be_shown_whole(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "tea " * 200)
    expect(aki.locator("li.message .body")).to_be_visible()
    expect(aki.get_by_role("button", name="Show all")).to_have_count(0)
    aki.set_viewport_size({"width": 320, "height": 700})
    expect(aki.get_by_role("button", name="Show all")).to_be_visible()


def test_dates_name_their_language(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, ['hello'])}", locale="de-DE")
    expect(page.locator(".message time")).to_have_attribute("lang", "de-DE")
    expect(page.locator(".message time")).to_have_attribute("title", re.compile("(tag|woch), "))
    expect(page.locator(".day")).to_have_attribute("lang", "de-DE")
    expect(page.locator(".day")).to_have_text(re.compile("(tag|woch), "))
    expect(page.locator("#you")).to_be_visible()  # the visit is remembered
    page.get_by_role("link", name="All rooms").click()
    expect(page.locator(".visited .count")).to_have_text(re.compile(r"last visit at \d\d:\d\d"))
    expect(page.locator(".visited time")).to_have_attribute("lang", "de-DE")
