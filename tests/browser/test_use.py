"""The page in a browser: scrolling, keys that scroll, the height of the field, and small screens."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import Page, ViewportSize, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.browser.visitor import (
    create_room,
    expect_true,
    expect_view,
    room_of,
    scroll_log,
    settle,
    write_history,
)

DASH = "\N{EN DASH}"
DESKTOP: ViewportSize = {"width": 1280, "height": 720}
PHONE: ViewportSize = {"width": 390, "height": 700}
LANDSCAPE: ViewportSize = {"width": 740, "height": 300}
AT_END = "() => log.scrollTop + log.clientHeight >= log.scrollHeight - 1"


def message_box(page: Page) -> Any:
    return page.get_by_label("Message", exact=True)


def expect_log_alone_to_scroll(page: Page, viewport: ViewportSize) -> None:
    page.get_by_role("log").hover()
    page.mouse.wheel(0, 5_000)
    page.mouse.wheel(0, -300)
    expect_true(page, "() => log.scrollTop > 0 && log.scrollTop + log.clientHeight < log.scrollHeight - 1")
    page.mouse.wheel(0, 5_000)
    expect_true(page, AT_END)
    page.mouse.wheel(0, 5_000)
    heights = page.evaluate("[document.documentElement.scrollHeight, innerHeight, scrollY]")
    assert heights == [viewport["height"], viewport["height"], 0]
    expect(message_box(page)).to_be_in_viewport(ratio=1)


def expect_header_in_one_row(page: Page) -> None:
    row = [
        page.get_by_role("link", name="All rooms"),
        page.get_by_role("heading", name="Long"),
        page.locator("#member-count"),
        page.get_by_role("button", name=re.compile("[Ii]nvite")),
    ]
    boxes = [one.bounding_box() for one in row]
    middles = [box["y"] + box["height"] / 2 for box in boxes if box]
    assert len(middles) == len(row)
    assert max(middles) - min(middles) < 12


def test_room_fits_each_screen_and_its_log_alone_scrolls(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(20)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", viewport=DESKTOP)
    expect(page.locator("#you")).to_be_visible()  # the log has its final height
    for viewport in (DESKTOP, PHONE, LANDSCAPE):
        page.set_viewport_size(viewport)
        expect(page.get_by_text("message 19", exact=True)).to_be_in_viewport(ratio=1)
        expect_log_alone_to_scroll(page, viewport)
        if viewport is DESKTOP:
            continue
        expect_header_in_one_row(page)
        assert page.evaluate("log.clientHeight") > 100


def test_log_scrolls_by_keys_and_by_the_button_for_new_messages(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    write_history(cloud, room.id, [f"message {number}" for number in range(40)])
    page = open_page(room.link())
    expect(page.locator("#you")).to_be_visible()  # the log has its final height
    settle(page)
    box, to_latest = message_box(page), page.locator("#to-latest")
    expect(to_latest).to_be_hidden()
    bottom = page.evaluate("log.scrollTop")
    box.press("PageUp")
    expect_true(page, "(bottom) => log.scrollTop < bottom - 100", arg=bottom)
    expect(to_latest).to_have_text("Jump to latest")
    expect(to_latest).to_be_visible()
    box.press("PageDown")
    expect_true(page, "(bottom) => log.scrollTop >= bottom - 2", arg=bottom)
    expect(box).to_be_focused()
    expect(to_latest).to_be_hidden()

    scroll_log(page, "0")
    with room.join("Bo") as bo:
        bo.say("news")
    page.get_by_role("button", name="1 new message").click()
    expect(page.get_by_text("news")).to_be_in_viewport()
    expect(page.get_by_role("log")).to_be_focused()
    expect(to_latest).to_be_hidden()

    height = box.evaluate("(box) => box.offsetHeight")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    assert box.evaluate("(box) => box.offsetHeight") > height


def test_list_keeps_its_place_on_the_way_back(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_of(cloud, [])
    page = open_page(viewport={"width": 390, "height": 500})
    expect(page.get_by_role("list", name="Rooms").get_by_role("link", name="Long 0 here").first).to_be_visible()
    page.evaluate("window.scrollTo(0, 100)")
    assert page.evaluate("scrollY") == 100
    page.evaluate("location.hash = '#/rooms/nosuchroom'")
    expect(page.get_by_role("alert")).to_contain_text("This room no longer exists")
    page.go_back()
    expect_view(page)
    expect_true(page, "scrollY === 100")


def test_guest_on_a_phone_chooses_a_name_and_shares_the_link(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page("about:blank", viewport=PHONE, has_touch=True, is_mobile=True)
    page.add_init_script("navigator.share = async (shared) => { window.shared = shared; };")
    page.goto(f"{cloud.rest_url}/")
    create_room(page, "Tea")
    expect(page.locator("#you")).to_have_text(re.compile(f"^You are guest-[\\w-]{{4}} {DASH} choose a name$"))
    page.locator("#member-count").click()
    expect(page.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(
        re.compile(r"^guest-[\w-]{4} owner \(you\)$")
    )
    expect(page.get_by_label("Your name")).to_be_hidden()
    page.get_by_role("button", name="choose a name").click()
    page.get_by_label("Your name").fill("Aki")
    page.get_by_label("Your name").press("Enter")
    expect(page.locator("#you")).to_have_text(f"You are Aki {DASH} change")
    expect(page.get_by_label("Your name")).to_be_hidden()
    expect(message_box(page)).to_be_focused()
    page.locator("#member-count").click()
    page.get_by_role("button", name="Share").click()
    assert page.evaluate("window.shared") == {"title": "Tea", "url": page.url}
