"""The owner's tools: questions in dialogues of the page, links to copy, and the deletion of several messages."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import SCREENS
from tests.support.browser.visitor import create_room, expect_message, messages, open_person, say, write_history


def manage(page: Page) -> Locator:
    page.get_by_role("button", name="Manage room").click()
    return page.get_by_role("dialog", name="Manage this room")


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_escape_cancels_a_question_and_returns_the_focus(pair: tuple[Page, Page]) -> None:
    aki, _ = pair
    say(aki, "hello")
    delete = aki.locator("li.own:not(.pending)").get_by_role("button", name="Delete")
    delete.focus()
    aki.keyboard.press("Enter")
    question = aki.get_by_role("alertdialog", name="Delete this message for everyone?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    aki.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()
    expect_message(aki, "hello")


def test_question_above_the_dialogue_of_the_owner_leaves_it_open(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    dialog = manage(aki)
    close = dialog.get_by_role("button", name="Close this room")
    close.click()
    aki.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_visible()
    expect(close).to_be_focused()
    expect(bo.get_by_role("status")).to_have_text("Connected")


@pytest.mark.parametrize("screen", SCREENS)
def test_manage_is_reachable_without_scrolling_past_30_members(open_page: OpenPage, screen: str) -> None:
    page = open_page(viewport=SCREENS[screen])
    members = [{"id": f"m{number}", "name": f"Member {number}"} for number in range(30)]
    page.route("**/members*", lambda route: route.fulfill(json={"members": members}))
    create_room(page, "Class")
    expect(page.locator("#members li")).to_have_count(30)
    if screen == "phone":
        page.locator("#member-count").click()
    expect(page.get_by_role("button", name="Manage room")).to_be_in_viewport(ratio=1)


def test_links_of_the_owner_and_of_a_webhook_are_copied_and_said_to_be(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    create_room(page, "Tea")
    dialog = manage(page)
    dialog.get_by_role("button", name="Copy the link").click()
    expect(dialog.get_by_role("status").get_by_text("Copied.")).to_be_visible()
    assert clipboard(page) == dialog.get_by_label("Owner's link").input_value()
    dialog.get_by_label("Name of the program").fill("Build")
    dialog.get_by_role("button", name="Add").click()
    dialog.get_by_role("button", name="Copy the address").click()
    expect(dialog.get_by_role("status").get_by_text("Copied.")).to_have_count(2)
    assert clipboard(page) == dialog.get_by_label("Address to post to").input_value()
    assert "/hooks/" in clipboard(page)
    dialog.get_by_role("button", name="Done").click()
    manage(page)
    expect(dialog.get_by_role("status").get_by_text("Copied.")).to_have_count(0)


def test_link_that_cannot_be_copied_is_selected(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page("about:blank")
    page.add_init_script("navigator.clipboard.writeText = async () => { throw new Error('blocked'); }")
    page.goto(f"{cloud.rest_url}/")
    create_room(page, "Tea")
    dialog = manage(page)
    dialog.get_by_role("button", name="Copy the link").click()
    expect(dialog.get_by_text("Please copy the selected address.")).to_be_visible()
    expect(dialog.get_by_label("Owner's link")).to_be_focused()
    assert page.evaluate("getSelection().toString()") == dialog.get_by_label("Owner's link").input_value()


def test_owner_deletes_many_messages_in_one_step_at_the_rate_of_the_server(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    page = open_page()
    create_room(page, "Class")
    write_history(cloud, page.url.rsplit("/", 1)[-1], [f"troll {number}" for number in range(22)])
    page.reload()
    say(page, "Please stop")
    expect(page.locator("li.message:not(.pending)")).to_have_count(23)
    manage(page).get_by_role("button", name="Delete messages…").click()
    dialog = page.get_by_role("dialog", name="Delete messages")
    dialog.get_by_label("Messages of").select_option("Bo (22)")
    dialog.get_by_label("All of them").check()
    dialog.get_by_role("button", name="Delete 22 messages").click()
    expect(dialog.get_by_text("22 messages deleted.")).to_be_visible(timeout=60_000)
    assert messages(page) == ["Please stop"]
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert messages(page) == ["Please stop"]


def test_messages_are_chosen_and_deleted_by_keyboard(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for text in ("one", "two", "three"):
        say(bo, text)
        expect_message(aki, text)
    manage(aki).get_by_role("button", name="Delete messages…").focus()
    aki.keyboard.press("Enter")
    dialog = aki.get_by_role("dialog", name="Delete messages")
    boxes = dialog.get_by_role("list", name="Messages to delete").get_by_role("checkbox")
    expect(dialog.get_by_label("Messages of")).to_be_focused()
    for key in ("Tab", "Tab", "Space", "ArrowUp", "Space"):
        aki.keyboard.press(key)
    expect(boxes.nth(1)).to_be_focused()
    expect(boxes.nth(2)).to_be_checked()
    for key in ("Tab", "Tab"):
        aki.keyboard.press(key)
    expect(dialog.get_by_role("button", name="Delete 2 messages")).to_be_focused()
    aki.keyboard.press("Enter")
    expect(dialog.get_by_text("2 messages deleted.")).to_be_visible()
    for page in (aki, bo):
        expect(page.locator("li.message .body")).to_have_text(["three"])
    aki.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(aki.get_by_role("button", name="Delete messages…")).to_be_focused()


def test_owner_keeps_the_room_later_and_everyone_is_told(pair: tuple[Page, Page], cloud: LocalCloud) -> None:
    aki, bo = pair
    for page in pair:
        expect(page.get_by_text("This room ends when everyone has left.")).to_be_visible()
    dialog = manage(aki)
    dialog.get_by_label("Keep this room").select_option("7 more days")
    expect(dialog.get_by_text("The room is kept.")).to_be_visible()
    expect(bo.get_by_text("This room is kept for 7 days after everyone has left.")).to_be_visible()
    address = bo.url
    dialog.get_by_role("button", name="Done").click()
    for page in pair:
        page.get_by_role("link", name="All rooms").click()
    room_id = address.rsplit("/", 1)[-1]
    room = aki.get_by_role("list", name="Rooms", exact=True).locator(f"a[href*='{room_id}']")
    expect(room.get_by_text("0 here")).to_be_visible()
    assert requests.get(f"{cloud.rest_url}/rooms/{room_id}", timeout=20).status_code == 200
    bo.goto(address)
    expect(bo.get_by_role("status")).to_have_text("Connected")


def test_owner_slows_the_room_down(pair: tuple[Page, Page]) -> None:
    aki, _ = pair
    dialog = manage(aki)
    dialog.get_by_label("Slow mode").select_option("30 seconds")
    expect(dialog.get_by_text("Slow mode is on.")).to_be_visible()
    aki.reload()
    expect(manage(aki).get_by_label("Slow mode")).to_have_value("30")


def test_owner_lets_somebody_back_in_before_the_hour_is_over(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    dialog = manage(aki)
    expect(dialog.get_by_role("button", name="Done")).to_be_visible()
    assert not dialog.get_by_role("list", name="Removed people").is_visible()
    dialog.get_by_role("button", name="Done").click()
    open_person(aki, "Bo").get_by_role("button", name="Remove for an hour").click()
    expect(bo.get_by_text("The owner or a moderator has removed you.")).to_be_visible()
    manage(aki).get_by_role("button", name="Let Bo back in").click()
    expect(dialog.get_by_text("Bo can come back.")).to_be_visible()
    bo.reload()
    expect(bo.get_by_role("status")).to_have_text("Connected")
