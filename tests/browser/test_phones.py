"""Phones: narrow screens with large text, touch keyboards, rotation, and the keyboard that covers the page."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, ViewportSize, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.browser.visitor import (
    SETTLE,
    expect_message,
    expect_view,
    open_person,
    room_of,
    say,
    settle,
    write_history,
)
from tests.support.projects import PROJECT

# Return the problems of the layout with each size of text that has any.
CHECK_TEXTS = f"""async (texts) => {{
    const settle = {SETTLE};
    const check = {(PROJECT / "tests/support/browser/layout.js").read_text()};
    const found = {{}};
    for (const [text, style] of Object.entries(texts)) {{
        document.documentElement.style.cssText = style;
        await settle();
        const problems = check();
        if (problems.length) found[text] = problems;
    }}
    document.documentElement.style.cssText = "";
    return found;
}}"""
PHONE: ViewportSize = {"width": 390, "height": 700}
TURNED: ViewportSize = {"width": 700, "height": 390}
SIZES: list[ViewportSize] = [TURNED, {"width": 390, "height": 420}, {"width": 1280, "height": 800}]
TOUCH: dict[str, Any] = {"viewport": PHONE, "has_touch": True, "is_mobile": True}

WIDTHS = [320, 360, 390]
TEXTS = {
    "text of 100 %": "",
    "text of 130 %": "font-size: 130%",
    "text of 200 %": "font-size: 200%",
    "text alone at 130 %": "text-size-adjust: 130%",
    "text alone at 200 %": "text-size-adjust: 200%",
}
NAME = "Film night with Carolina"


def problems_of_layout(page: Page, view: str = "") -> dict[str, Any]:
    """Return what is wrong with the layout of a view, at all widths, with all sizes of text."""
    problems = {}
    before = page.viewport_size
    assert before
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        for text, found in page.evaluate(CHECK_TEXTS, TEXTS).items():
            problems[f"{view}, {width} px, {text}"] = found
    page.set_viewport_size(before)
    return problems


def expect_none(problems: dict[str, Any]) -> None:
    assert problems == {}, json.dumps(problems, indent=1, ensure_ascii=False)


def expect_member(page: Page) -> None:
    expect(page.locator("#connection-state")).to_have_text("Connected")
    expect(page.locator("#you")).to_be_visible()


def show_people(page: Page) -> None:
    page.locator("#member-count").click()
    expect(page.get_by_role("button", name="Manage room")).to_be_visible()


def show_manage(page: Page) -> None:
    page.get_by_role("button", name="Manage room").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Name of the program").fill("Build server of the cinema")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("button", name="Copy the address")).to_be_visible()


def close_dialogues(page: Page) -> None:
    dialogues = page.get_by_role("dialog")
    for left in reversed(range(dialogues.count())):
        page.keyboard.press("Escape")
        expect(dialogues).to_have_count(left)


def test_views_of_a_room_fit_phones_with_large_text(open_page: OpenPage, cloud: LocalCloud) -> None:
    """Its messages, the people, somebody else, what the owner manages and deletes, an outage, and its end."""
    room = Room(cloud.rest_url, cloud.websocket_url, roomName=NAME)
    page = open_page(room.link(owner=True), name="Alexandra", **TOUCH)
    expect_member(page)
    for message in ["Who brings the popcorn on Saturday?", "ok", "See https://example.com/a/long/path?of=1234567890"]:
        say(page, message)
    expect(page.locator("li.message:not(.pending)")).to_have_count(3)
    problems = problems_of_layout(page, "the room")

    with room.join("Bo"):
        show_people(page)
        expect(page.get_by_role("button", name="More about Bo", exact=True)).to_be_visible()
        problems |= problems_of_layout(page, "the people")
        expect(open_person(page, "Bo")).to_be_visible()
        problems |= problems_of_layout(page, "the dialogue about Bo")
        close_dialogues(page)
        show_manage(page)
        problems |= problems_of_layout(page, "the dialogue of the owner")
        page.get_by_role("button", name="Delete messages").click()
        expect(page.get_by_role("list", name="Messages to delete").get_by_role("listitem")).to_have_count(3)
        problems |= problems_of_layout(page, "the messages to delete")
        close_dialogues(page)

    page.reload()  # closes the people
    expect_member(page)
    page.context.set_offline(True)
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    say(page, "not sent yet")
    problems |= problems_of_layout(page, "the room without a connection")
    page.context.set_offline(False)
    expect(page.locator("li.message:not(.pending)")).to_have_count(4)

    show_people(page)
    page.get_by_role("button", name="Manage room").click()
    page.get_by_role("button", name="Close this room").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Close the room").click()
    expect(page.get_by_role("alert").filter(has_text="closed this room")).to_be_visible()
    expect_none(problems | problems_of_layout(page, "the closed room"))


def test_new_invite_link_and_the_lobby_fit_phones_with_large_text(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url, roomName=NAME, private=True)
    page = open_page(room.link(owner=True), name="Alexandra", **TOUCH)
    expect_member(page)
    show_people(page)
    show_manage(page)
    page.get_by_role("button", name="New invite link").click()
    page.get_by_role("dialog").get_by_role("button", name="New link", exact=True).click()
    expect(page.get_by_role("dialog").get_by_label("The new link")).to_be_visible()
    problems = problems_of_layout(page, "the new invite link")
    close_dialogues(page)

    public = Room(cloud.rest_url, cloud.websocket_url, roomName=NAME)
    with public.join("Bo"):  # without anybody, it would leave the list
        page.goto(public.link(owner=True))
        expect(page.locator("#lock")).to_be_hidden()
        expect_member(page)
        page.get_by_role("link", name="All rooms").click()
        expect(page.get_by_role("list", name="Your rooms").get_by_role("link")).to_have_count(2)
        expect(page.get_by_role("list", name="Rooms", exact=True).get_by_role("link", name=NAME).first).to_be_visible()
        expect_none(problems | problems_of_layout(page, "the lobby"))


def test_reply_to_a_long_message_fits_the_screen(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, ["See https://example.com/" + "x" * 200])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", **TOUCH)
    expect(page.locator("#connection-state")).to_have_text("Connected")
    page.get_by_role("button", name="React or reply").tap()
    page.get_by_role("button", name="Reply", exact=True).tap()
    expect(page.get_by_text("Answering Bo")).to_be_visible()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 700})
        settle(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for button in (page.get_by_role("button", name="Send"), page.get_by_role("button", name="Cancel")):
            expect(button).to_be_in_viewport(ratio=1)


def test_actions_of_a_message_keep_away_from_the_edges(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, ["Tea?"])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", **TOUCH | {"viewport": {"width": 320, "height": 700}})
    say(page, "Yes")
    buttons = page.locator("li:not(.pending)").get_by_role("button", name="React or reply")
    expect(buttons).to_have_count(2)
    for style in TEXTS.values():
        page.evaluate("(style) => { document.documentElement.style.cssText = style; }", style)
        for button in buttons.all():
            button.tap()
            box = page.get_by_role("group", name="React or reply").bounding_box()
            assert box is not None
            assert box["x"] >= 8, style
            assert round(box["x"] + box["width"]) <= 320 - 8, style
            page.keyboard.press("Escape")


def test_long_name_leaves_space_to_what_is_quoted(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    with room.join("Bartholomew Featherstonehaugh-Cholmondel", key="bartholomew-1234567890") as bo:
        bo.say("Tea?")
    phone = open_page(room.link(), **TOUCH | {"viewport": {"width": 320, "height": 700}})
    phone.get_by_role("button", name="React or reply").tap()
    phone.get_by_role("button", name="Reply", exact=True).tap()
    expect(phone.locator("#context-text bdi").last).to_have_text("Tea?")
    say(phone, "Yes")
    expect(phone.locator("li:not(.pending) .quote")).to_be_visible()
    phone.get_by_role("button", name="React or reply").first.tap()
    phone.get_by_role("button", name="Reply", exact=True).tap()
    for line in (phone.locator("#context-text"), phone.locator(".quote")):
        end = line.evaluate("(line) => line.getBoundingClientRect().right")
        assert line.locator("bdi").last.evaluate("(text) => text.getBoundingClientRect().right") <= end


@pytest.mark.parametrize("session", [None, {"name": "Alexandra Carolina Montgomery", "idToken": "", "subject": "a"}])
def test_sign_in_fits_phones_with_large_text(open_page: OpenPage, cloud: LocalCloud, session: Any) -> None:
    """The page of a server with sign-in, before and after it."""
    page = open_page("about:blank", **TOUCH)
    sign_in = json.dumps({"issuer": "https://issuer.example", "clientId": "page", "required": session is None})

    def offer(route: Route) -> None:
        response = route.fetch()
        escaped = sign_in.replace('"', "&quot;")
        body = response.text().replace('name="sign-in" content=""', f'name="sign-in" content="{escaped}"')
        assert escaped in body
        route.fulfill(response=response, body=body)

    page.route(f"{cloud.rest_url}/", offer)
    page.add_init_script(f"sessionStorage['chalice-chat.session'] = {json.dumps(json.dumps(session))}")
    page.goto(f"{cloud.rest_url}/")
    expect_view(page)
    name = "Sign out" if session else "Sign in"
    expect(page.get_by_role("button", name=name).first).to_be_visible()
    expect_none(problems_of_layout(page))


def message_box(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def in_sight(page: Page, text: str) -> Locator:
    return page.get_by_role("log").get_by_text(text, exact=True)


def scroll_to(page: Page, text: str) -> None:
    """Scroll a message to the upper edge of the log, and wait until the page has noticed."""
    in_sight(page, text).evaluate(
        """(body) => new Promise((resolve) => {
            const log = document.querySelector("#log");
            log.addEventListener("scroll", () => requestAnimationFrame(resolve), { once: true });
            log.scrollTop += body.closest("li").getBoundingClientRect().top - log.getBoundingClientRect().top;
        })"""
    )


def offset(page: Page, text: str) -> float:
    """Return how far below the upper edge of the log a message begins."""
    return float(
        in_sight(page, text).evaluate(
            """(body) => body.closest("li").getBoundingClientRect().top
                - document.querySelector("#log").getBoundingClientRect().top"""
        )
    )


def is_at_end(page: Page) -> bool:
    return bool(
        page.evaluate("(({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight < 2)(log)")
    )


def open_history(open_page: OpenPage, cloud: LocalCloud, **options: Any) -> Page:
    """Open a room with 40 messages of different lengths."""
    said = [f"message {number} " + "and more of it " * (number % 7) for number in range(40)]
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, [text.strip() for text in said])}", **options)
    expect(page.locator("#you")).to_be_visible()
    expect(page.locator("li.message")).to_have_count(40)
    return page


def test_enter_of_a_touch_keyboard_breaks_the_line_unless_the_visitor_chooses_otherwise(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    page = open_page(Room(cloud.rest_url, cloud.websocket_url).link(), **TOUCH)
    expect_member(page)
    box, sent = message_box(page), page.locator("li.message:not(.pending) .body")
    expect(box).to_have_attribute("enterkeyhint", "enter")
    box.press_sequentially("one")
    box.press("Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    page.get_by_role("button", name="Send").click()
    expect(sent).to_have_text("one\ntwo")
    box.press_sequentially("three")
    box.press("Control+Enter")
    expect(sent).to_have_text(["one\ntwo", "three"])

    page.locator("#member-count").click()
    page.get_by_label("Enter sends").check()
    expect(box).to_have_attribute("enterkeyhint", "send")
    box.press_sequentially("four")
    box.press("Enter")
    expect(sent).to_have_text(["one\ntwo", "three", "four"])
    page.reload()
    expect(box).to_have_attribute("enterkeyhint", "send")
    page.locator("#member-count").click()
    page.get_by_label("Enter sends").uncheck()
    box.press_sequentially("five")
    box.press("Enter")
    expect(box).to_have_value("five\n")


def test_resizing_keeps_the_reading_place(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_history(open_page, cloud, **TOUCH)
    first = "message 14"
    scroll_to(page, first)
    assert abs(offset(page, first)) < 2
    for size in SIZES:
        for resized in (size, PHONE):
            page.set_viewport_size(resized)
            settle(page)
            assert abs(offset(page, first)) < 2, f"{resized}, after {size}"


def test_resizing_and_larger_text_keep_the_end(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_history(open_page, cloud, **TOUCH)
    for size in (TURNED, {"width": 390, "height": 420}, PHONE):
        page.set_viewport_size(size)
        settle(page)
        assert is_at_end(page)
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    for line in ("one", "two", "three"):
        message_box(page).press_sequentially(line)
        message_box(page).press("Enter")
        settle(page)
        assert is_at_end(page)


def test_composer_stays_above_a_keyboard_that_covers_the_page(open_page: OpenPage, cloud: LocalCloud) -> None:
    """Safari on phones: only the visual viewport gets smaller, and moves to the field."""
    page = open_page("about:blank", **TOUCH)
    page.add_init_script(
        """Object.defineProperty(window, "visualViewport", {
            value: Object.assign(new EventTarget(), { width: 390, height: 700, offsetTop: 0, scale: 1 }),
        });
        window.cover = (height, offsetTop, scale = 1) => {
            Object.assign(visualViewport, { height, offsetTop, scale });
            visualViewport.dispatchEvent(new Event("resize"));
            visualViewport.dispatchEvent(new Event("scroll"));
        };"""
    )
    room = Room(cloud.rest_url, cloud.websocket_url)
    write_history(cloud, room.id, [f"message {number}" for number in range(40)])
    page.goto(room.link())
    expect_message(page, "message 39")
    expect(page.locator("#you")).to_be_visible()

    def edges() -> list[int]:
        return page.evaluate(
            """[document.querySelector(".top").getBoundingClientRect().top,
                document.querySelector("#compose").getBoundingClientRect().bottom].map(Math.round)"""
        )

    assert edges() == [0, 700]
    page.evaluate("cover(380, 120)")
    settle(page)
    assert edges() == [120, 500]
    assert is_at_end(page)
    page.evaluate("cover(190, 300, 2)")  # enlarged by two fingers: they move around in the same page
    assert edges() == [120, 500]
    page.evaluate("cover(700, 0)")
    settle(page)
    assert edges() == [0, 700]
    assert is_at_end(page)
    with room.join("Bo"):
        page.locator("#member-count").click()
        expect(open_person(page, "Bo")).to_be_visible()
        page.evaluate("cover(380, 120)")
        box = page.get_by_role("dialog").bounding_box()
        assert box
        assert box["y"] >= 120
        assert box["y"] + box["height"] <= 500
