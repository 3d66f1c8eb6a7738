"""Edits, reactions and replies on the page: what needs a browser. web/page/tests/ has the rest."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import expect_true, room_of, say, scroll_log, settle

# How far the actions are below the top of their message.
DISTANCE = """() => {
    const text = [...document.querySelectorAll(".body")].find((body) => body.innerText.startsWith("message 14"));
    const group = document.querySelector(".message-actions");
    return group.getBoundingClientRect().top - text.getBoundingClientRect().top;
}"""


def entry(page: Page, text: str) -> Locator:
    """Return the entry of the message with a text."""
    return page.locator("li.message[data-sequence]").filter(has=page.locator(".body", has_text=text))


def actions(page: Page, text: str) -> Locator:
    """Open the actions of a message by its button, and return them."""
    entry(page, text).get_by_role("button", name="React or reply").focus()
    page.keyboard.press("Enter")
    return page.get_by_role("group", name="React or reply")


def field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Message", exact=True)


def edit_last(page: Page) -> None:
    """Edit the last message, which has just been sent."""
    expect(page.locator(".message.pending")).to_have_count(0)
    field(page).press("ArrowUp")
    expect(page.get_by_text("Editing a message")).to_be_visible()


def test_edit_reaction_and_reply_are_there_after_a_reload(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "Hello wrold")
    entry(aki, "Hello wrold").locator(".body").hover()
    aki.get_by_role("group", name="React or reply").get_by_role("button", name="Reply").click()
    say(aki, "Hi")
    actions(bo, "Hi").get_by_role("button", name="React with 👍").click()
    edit_last(bo)
    field(bo).fill("Hello world")
    field(bo).press("Enter")
    expect(aki.get_by_text("(edited)")).to_be_visible()
    expect(entry(aki, "Hi").locator(".chip")).to_be_visible()
    for page, name in ((aki, "Bo"), (bo, "You")):
        page.reload()
        expect(page.locator(".message .body")).to_have_text(["Hello world", "Hi"])
        expect(entry(page, "Hello world").get_by_text("(edited)")).to_be_visible()
        expect(entry(page, "Hi").get_by_role("button", name=f"👍 1: {name}")).to_be_visible()
        entry(page, "Hi").get_by_role("button", name="Bo Hello world").click()
        expect(entry(page, "Hello world")).to_be_focused()


def test_emoji_of_an_input_method_is_taken_when_it_is_chosen(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "hello")
    bo.get_by_role("button", name="React or reply").click()
    bo.get_by_role("button", name="Another reaction").click()
    input_method = bo.context.new_cdp_session(bo)
    for candidate in ("😂", "🙌"):
        input_method.send("Input.imeSetComposition", {"text": candidate, "selectionStart": 2, "selectionEnd": 2})
        expect(bo.get_by_label("An emoji")).to_have_value(candidate)
    input_method.send("Input.insertText", {"text": "🙌"})
    expect(aki.locator(".chip")).to_have_text("🙌 1")


def test_what_is_read_stays_in_place_while_others_write_and_react(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = room_of(cloud, [f"message {number}\n\n\n\n." for number in range(15)])
    aki, bo = (open_page(f"{cloud.rest_url}/#/rooms/{room}", name=name) for name in ("Aki", "Bo"))
    log = aki.get_by_role("log")

    group = actions(aki, "message 14")
    settle(aki)
    distance = aki.evaluate(DISTANCE)
    for number in range(15, 18):
        say(bo, f"message {number}")
        expect(entry(aki, f"message {number}")).to_be_visible()
    expect(group).to_be_visible()
    expect_true(aki, f"(before) => Math.abs(({DISTANCE})() - before) < 2", arg=distance)
    aki.keyboard.press("Escape")
    expect(group).to_be_hidden()

    box = log.bounding_box()
    field(bo).press_sequentially("hel")
    expect(aki.get_by_text("Bo is typing…")).to_be_visible()
    assert log.bounding_box() == box

    scroll_log(aki, "log.scrollHeight / 2")
    before = entry(aki, "message 9").bounding_box()
    actions(bo, "message 2").get_by_role("button", name="React with 🎉").click()
    expect(entry(aki, "message 2").locator(".chip")).to_have_count(1)
    settle(aki)
    after = entry(aki, "message 9").bounding_box()
    assert before is not None
    assert after is not None
    assert abs(after["y"] - before["y"]) < 2


def test_failed_reaction_is_told_of_where_older_messages_are_read(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = room_of(cloud, [f"message {number}\n\n\n\n." for number in range(15)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room}")
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect(entry(page, "message 14")).to_be_visible()
    scroll_log(page, "0")
    page.context.set_offline(True)
    expect(page.locator("#connection-state")).to_have_text("Connection lost. Trying again…")
    actions(page, "message 0").get_by_role("button", name="React with 👍").click()
    expect(page.get_by_text("There is no connection.")).to_be_in_viewport()


def test_tall_message_that_was_opened_stays_open_where_it_is_read(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    say(bo, "@Aki " + "line\n" * 80 + "end")
    aki.get_by_role("button", name="Show all").click()
    expect(aki.locator(".mentioned")).to_have_count(1)
    log = aki.get_by_role("log")
    more = log.get_by_role("button", name="More about this message")
    more.focus()
    open_page(aki.url, name="Cy")
    expect(aki.locator("#members li")).to_have_count(3)
    expect(aki.get_by_role("button", name="Show less")).to_be_visible()
    expect(more).to_be_focused()
    scroll_log(aki, "700")
    edit_last(bo)
    field(bo).fill("@Aki " + "line\n" * 80 + "END")
    field(bo).press("Enter")
    expect(aki.get_by_text("(edited)")).to_have_count(1)
    expect(aki.get_by_role("button", name="Show less")).to_have_attribute("aria-expanded", "true")
    assert abs(log.evaluate("log => log.scrollTop") - 700) < 2
    aki.get_by_role("button", name="Show less").click()
    expect(aki.get_by_role("button", name="Show all")).to_be_in_viewport()
