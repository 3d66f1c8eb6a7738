"""Reading: where a visitor goes on after an absence, and messages that are larger than others."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Member, Room
from tests.support.browser.visitor import expect_message, expect_true, look, room_of, say

# Where the client library keeps the secret of a guest.
KEY = "chalice-chat.key"


def enter(open_page: OpenPage, room: Room) -> Page:
    page = open_page(room.link(), name="Aki")
    expect(page.locator("#you")).to_be_visible()  # from now on, what is read is noted
    return page


def say_tall(member: Member, count: int) -> None:
    for number in range(count):
        member.say(f"line {number}\nand\nmore\nof it")


def expect_start_at_new(page: Page, count: int) -> None:
    expect(page.get_by_role("button", name=f"{count} new messages")).to_be_visible()
    expect(page.locator(".new-line")).to_be_in_viewport()
    expect(page.locator(".new-line + li")).to_contain_text("line 0")
    expect(page.get_by_text("line 0")).to_be_in_viewport()
    expect(page.get_by_text(f"line {count - 1}\n")).not_to_be_in_viewport()


def expect_end_without_line(page: Page, text: str) -> None:
    expect(page.get_by_text(text)).to_be_in_viewport()
    expect(page.locator(".new-line")).to_have_count(0)


@pytest.mark.parametrize(("has_connection", "scrolls"), [(True, False), (False, False), (False, True)])
def test_visit_starts_at_the_first_new_message_until_the_end_was_seen(
    open_page: OpenPage, cloud: LocalCloud, has_connection: bool, scrolls: bool
) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    aki = enter(open_page, room)
    with room.join("Bo") as bo:
        bo.say("seen")
        expect_message(aki, "seen")
        aki.get_by_role("link", name="All rooms").click()
        say_tall(bo, 18)
    aki.go_back()
    expect_start_at_new(aki, 18)
    if not has_connection:
        aki.route_web_socket("**", lambda _: None)  # no response
    aki.reload()
    expect_start_at_new(aki, 18)
    if scrolls:  # in one step, as the key End does where nothing is animated
        expect_true(
            aki, "() => { log.scrollTop = log.scrollHeight; return document.querySelector('#to-latest').hidden; }"
        )
    else:
        aki.get_by_role("button", name="18 new messages").click()
    expect(aki.get_by_text("line 17\n")).to_be_in_viewport()
    aki.reload()
    expect_end_without_line(aki, "line 17\n")


def test_hidden_tab_stops_at_the_first_new_message(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    aki = enter(open_page, room)
    with room.join("Bo") as bo:
        bo.say("seen")
        expect_message(aki, "seen")
        look(aki, is_visible=False)
        say_tall(bo, 15)
        expect(aki.locator("li.message")).to_have_count(16)
    look(aki, is_visible=True)
    expect_start_at_new(aki, 15)
    say(aki, "read")
    expect_message(aki, "read")
    expect(aki.locator(".new-line")).to_have_count(0)
    expect(aki.get_by_text("read", exact=True)).to_be_in_viewport()


def test_what_was_read_on_one_device_is_not_new_on_another(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    desk = enter(open_page, room)
    with room.join("Bo") as bo:
        bo.say("seen")
        expect_message(desk, "seen")
        desk.get_by_role("link", name="All rooms").click()
        say_tall(bo, 9)
    (site,) = desk.context.storage_state()["origins"]
    key = [entry for entry in site["localStorage"] if entry["name"] == KEY]
    phone = open_page(room.link(), name="Aki", storage_state={"origins": [{**site, "localStorage": key}]})
    expect_start_at_new(phone, 9)
    phone.get_by_role("button", name="9 new messages").click()
    expect(phone.get_by_text("line 8\n")).to_be_in_viewport()
    phone.get_by_role("link", name="All rooms").click()
    desk.go_back()
    expect_end_without_line(desk, "line 8\n")


def test_tall_message_stays_in_its_box_until_all_of_it_is_shown(open_page: OpenPage, cloud: LocalCloud) -> None:
    tall = ["\n".join(map(str, range(1_000))), "tea " * 990, "\N{CJK UNIFIED IDEOGRAPH-8336}" * 3_900]
    texts = [*(f"begin {text} end" for text in tall), "tea " * 200]
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, texts)}")
    entries = page.locator("li.message")
    expect(entries).to_have_count(4)
    for entry in entries.all()[:3]:
        body = entry.locator(".body")
        expect(entry.get_by_role("button", name="Show all")).to_be_visible()
        whole, folded = body.evaluate("({ scrollHeight, offsetHeight }) => [scrollHeight, offsetHeight]")
        assert folded <= 400
        entry.get_by_role("button", name="Show all").click()
        assert body.evaluate("(body) => body.offsetHeight") >= whole
        entry.get_by_role("button", name="Show less").click()
        assert body.evaluate("(body) => body.offsetHeight") == folded
        expect(entry.get_by_role("button", name="Show all")).to_be_in_viewport()
    # The last one becomes tall on a narrow screen.
    expect(entries.last.get_by_role("button", name="Show all")).to_have_count(0)
    page.set_viewport_size({"width": 320, "height": 700})
    expect(entries.last.get_by_role("button", name="Show all")).to_be_visible()


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
