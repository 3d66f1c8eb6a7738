"""Comfort of the page: scrolling, drafts, new messages, names, small screens, rooms that are gone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import (
    create_room,
    expect_message,
    expect_true,
    expect_view,
    expire_room,
    messages,
    room_of,
    say,
    take_name,
)

DASH = "\N{EN DASH}"
PHONE: ViewportSize = {"width": 390, "height": 700}
LANDSCAPE: ViewportSize = {"width": 740, "height": 300}
SET_HIDDEN = """(isHidden) => {
    Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
}"""


def message_box(page: Page) -> Any:
    return page.get_by_label("Message", exact=True)


def scroll_top(page: Page) -> int:
    return int(page.evaluate("Math.round(document.querySelector('[role=log]').scrollTop)"))


@pytest.mark.parametrize("viewport", [{"width": 1280, "height": 720}, PHONE])
def test_only_the_log_scrolls(open_page: OpenPage, cloud: LocalCloud, viewport: ViewportSize) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(18)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", viewport=viewport)
    expect_message(page, "message 17")
    page.get_by_role("log").hover()
    page.mouse.wheel(0, 2_000)
    page.mouse.wheel(0, -300)
    expect_true(page, "document.querySelector('[role=log]').scrollTop > 0")
    page.mouse.wheel(0, 5_000)
    expect_true(
        page,
        "() => { const log = document.querySelector('[role=log]');"
        " return log.scrollTop + log.clientHeight >= log.scrollHeight - 1; }",
    )
    page.mouse.wheel(0, 5_000)
    heights = page.evaluate("[document.documentElement.scrollHeight, innerHeight, scrollY]")
    assert heights == [viewport["height"], viewport["height"], 0]
    expect(message_box(page)).to_be_in_viewport(ratio=1)


def test_message_of_several_lines_keeps_them(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    box = message_box(aki)
    height = box.evaluate("(box) => box.offsetHeight")
    box.press_sequentially("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    assert box.evaluate("(box) => box.offsetHeight") > height
    box.press("Enter")
    expect(bo.locator("li.message .body")).to_have_text("one\ntwo")
    assert bo.locator("li.message .body").inner_text() == "one\ntwo"
    expect(bo.locator("li.message .body")).to_have_css("white-space-collapse", "preserve")
    expect(box).to_have_value("")


def test_pasted_lines_stay_lines(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "def tea():\n\treturn 'hot'")
    expect(bo.locator("li.message .body")).to_be_visible()
    assert bo.locator("li.message .body").evaluate("(body) => body.textContent") == "def tea():\n\treturn 'hot'"


def test_draft_survives_going_back_and_a_reload(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "Tea")
    message_box(page).fill("not finished")
    page.get_by_role("link", name="All rooms").click()
    create_room(page, "Coffee")
    expect(message_box(page)).to_have_value("")
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()
    expect(message_box(page)).to_have_value("not finished")
    page.reload()
    expect(message_box(page)).to_have_value("not finished")


def test_last_characters_are_counted_and_too_many_are_not_cut(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "Tea")
    box, note = message_box(page), page.locator("#compose-note")
    box.fill("x" * 3_799)
    expect(note).to_be_hidden()
    box.fill("x" * 3_850)
    expect(note).to_have_text("150 characters left")
    box.fill("👍" * 4_010)
    expect(note).to_have_text("10 characters too many: a message has at most 4,000.")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    box.press("Enter")
    expect(box).to_have_value("👍" * 4_010)
    assert messages(page) == []


def test_message_that_waits_in_another_room_is_mentioned(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "Tea")
    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    say(page, "still waiting")
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_role("status")).to_have_text("1 message to Tea not sent yet. Go there")
    page.context.set_offline(False)
    page.get_by_role("link", name="Go there").click()
    expect(page.locator("li.message:not(.pending) .body")).to_have_text("still waiting")
    page.get_by_role("link", name="All rooms").click()
    expect_view(page)
    expect(page.locator("#waiting")).to_be_hidden()


def test_line_marks_what_came_while_nobody_looked(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "seen")
    expect_message(aki, "seen")
    aki.evaluate(SET_HIDDEN, True)
    say(bo, "unseen")
    say(bo, "unseen, too")
    expect_message(aki, "unseen, too")
    aki.evaluate(SET_HIDDEN, False)
    expect(aki.locator("[role=log] li:is(.message, .new-line)")).to_contain_text(
        ["seen", "New", "unseen", "unseen, too"]
    )
    say(aki, "read")
    expect(aki.locator(".new-line")).to_have_count(0)


def test_line_marks_what_was_missed_without_a_connection(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "before")
    expect_message(aki, "before")
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    say(bo, "missed")
    expect_message(bo, "missed")
    aki.context.set_offline(False)
    expect(aki.locator("[role=log] li:is(.message, .new-line)")).to_contain_text(["before", "New", "missed"])


def test_lost_connection_that_missed_nothing_shows_no_line(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.clock.install()
    say(bo, "before")
    expect_message(aki, "before")
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    aki.context.set_offline(False)
    expect(aki.get_by_role("status")).to_have_text("Connected")
    aki.clock.run_for(6_000)
    say(bo, "live")
    expect_message(aki, "live")
    expect(aki.locator(".new-line")).to_have_count(0)


def test_button_jumps_to_the_latest_message(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for number in range(15):
        say(bo, f"line {number}\nand\nmore\nof it")
        expect(aki.locator("li.message").nth(number)).to_be_attached()
    log = aki.get_by_role("log")
    expect(aki.get_by_role("button", name="Jump to latest")).to_be_hidden()
    log.evaluate("(log) => { log.scrollTop = 0; }")
    expect(aki.get_by_role("button", name="Jump to latest")).to_be_visible()
    say(bo, "news")
    aki.get_by_role("button", name="1 new message").click()
    expect(aki.get_by_text("news")).to_be_in_viewport()
    expect(log).to_be_focused()
    expect(aki.locator("#to-latest")).to_be_hidden()


def test_page_keys_scroll_the_log_from_the_message_field(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(40)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}")
    expect_message(page, "message 39")
    expect(page.locator("#you")).to_be_visible()  # the log has its final height
    bottom = scroll_top(page)
    message_box(page).press("PageUp")
    expect_true(page, "(bottom) => document.querySelector('[role=log]').scrollTop < bottom - 100", arg=bottom)
    message_box(page).press("PageDown")
    expect_true(page, "(bottom) => document.querySelector('[role=log]').scrollTop >= bottom - 2", arg=bottom)
    expect(message_box(page)).to_be_focused()


def test_list_keeps_its_place_on_the_way_back(open_page: OpenPage) -> None:
    create_room(open_page(), "Tea")
    page = open_page(viewport={"width": 390, "height": 500})
    expect(page.get_by_role("list", name="Rooms").get_by_role("link", name="Tea").first).to_be_visible()
    page.evaluate("window.scrollTo(0, 100)")
    assert page.evaluate("scrollY") == 100
    page.evaluate("location.hash = '#/rooms/nosuchroom'")
    expect(page.get_by_role("alert")).to_contain_text("This room no longer exists")
    page.go_back()
    expect_view(page)
    expect_true(page, "scrollY === 100")


def test_guest_learns_their_name_and_chooses_another(open_page: OpenPage) -> None:
    page = open_page(viewport=PHONE)
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


def test_people_have_colours_that_stay(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "hello")
    name = aki.locator("li.message bdi")
    expect(name).to_have_text("Bo")
    colour = "(element) => getComputedStyle(element).color"
    member = aki.get_by_role("list", name="Members").get_by_text("Bo", exact=True)
    assert name.evaluate(colour) == member.evaluate(colour)
    assert name.evaluate(colour) != aki.get_by_role("list", name="Members").get_by_text("Aki").evaluate(colour)


def test_phone_shares_the_link(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page("about:blank", viewport=PHONE, has_touch=True, is_mobile=True)
    page.add_init_script("navigator.share = async (shared) => { window.shared = shared; };")
    page.goto(f"{cloud.rest_url}/")
    create_room(page, "Tea")
    page.get_by_role("button", name="Share").click()
    assert page.evaluate("window.shared") == {"title": "Tea", "url": page.url}


@pytest.mark.parametrize("viewport", [PHONE, LANDSCAPE])
def test_small_screen_shows_header_messages_and_field(
    open_page: OpenPage, cloud: LocalCloud, viewport: ViewportSize
) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(20)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", viewport=viewport)
    expect_message(page, "message 19")
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
    expect(page.get_by_text("message 19", exact=True)).to_be_in_viewport(ratio=1)
    expect(message_box(page)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.querySelector('[role=log]').clientHeight") > 100


def test_room_that_is_gone_is_opened_again_with_the_unsent_text(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    take_name(page, "Aki")
    create_room(page, "Tea")
    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    say(page, "not sent")
    message_box(page).fill("a draft")
    expire_room(cloud, page)
    page.context.set_offline(False)
    expect(page.get_by_role("alert").last).to_be_visible()
    old = page.url
    page.get_by_role("button", name="Open a new room of this name").click()
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert page.url != old
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()
    expect(message_box(page)).to_have_value("not sent\na draft")
    expect(page.get_by_role("alert")).to_contain_text("This is a new room with a new link")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    page.get_by_role("button", name="OK").click()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(message_box(page)).to_be_focused()


def test_private_room_shows_a_lock(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "Tea", private=True)
    expect(page.get_by_role("img", name="Private room")).to_be_visible()
    page.get_by_role("link", name="All rooms").click()
    create_room(page, "Coffee")
    expect(page.get_by_role("img", name="Private room")).to_be_hidden()
