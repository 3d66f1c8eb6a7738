"""The owner's tools: questions in dialogues of the page, links to copy, webhooks, and the deletion of messages."""

from __future__ import annotations

import re

import pytest
import requests
from playwright.sync_api import Locator, Page, expect
from websockets.sync.client import connect

from deployment.smoke.client import act
from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import SCREENS
from tests.support.browser.visitor import (
    agree,
    create_room,
    expect_message,
    messages,
    say,
    scroll_log,
    settle,
    write_history,
)


def manage(page: Page) -> Locator:
    page.get_by_role("button", name="Manage room").click()
    return page.get_by_role("dialog", name="Manage this room")


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_cancelled_questions_return_the_focus(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "Tea")
    say(page, "hello")
    delete = page.locator("li.own:not(.pending)").get_by_role("button", name="Delete")
    delete.focus()
    page.keyboard.press("Enter")
    question = page.get_by_role("alertdialog", name="Delete this message for everyone?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    expect(delete).to_be_focused()
    dialog = manage(page)
    close = dialog.get_by_role("button", name="Close this room")
    close.click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_visible()
    expect(close).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect_message(page, "hello")


def test_manage_is_reachable_without_scrolling_past_30_members(open_page: OpenPage) -> None:
    page = open_page(viewport=SCREENS["desktop"])
    members = [{"id": f"m{number}", "name": f"Member {number}"} for number in range(30)]
    page.route("**/members*", lambda route: route.fulfill(json={"members": members}))
    create_room(page, "Class")
    expect(page.locator("#members li")).to_have_count(30)
    expect(page.get_by_role("button", name="Manage room")).to_be_in_viewport(ratio=1)
    page.set_viewport_size(SCREENS["phone"])
    page.locator("#member-count").click()
    expect(page.get_by_role("button", name="Manage room")).to_be_in_viewport(ratio=1)


def test_owner_copies_a_link_and_adds_a_webhook_whose_messages_are_marked(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    create_room(page, "Tea")
    dialog = manage(page)
    dialog.get_by_role("button", name="Copy the link").click()
    expect(dialog.get_by_role("status").get_by_text("Copied.")).to_be_visible()
    assert clipboard(page) == dialog.get_by_label("Owner's link").input_value()
    dialog.get_by_label("Name of the program").fill("Build")
    dialog.get_by_role("button", name="Add").click()
    expect(dialog.get_by_label("Address to post to")).to_have_value(re.compile("/hooks/"))
    dialog.get_by_role("button", name="Copy the address").click()
    expect(dialog.get_by_role("status").get_by_text("Copied.")).to_have_count(2)
    url = clipboard(page)
    assert url == dialog.get_by_label("Address to post to").input_value()
    assert requests.post(url, json={"text": "Build 42 passed"}, timeout=20).status_code == 200
    expect(page.locator("li.message .body")).to_have_text("Build 42 passed")
    expect(page.locator("li.message .head")).to_have_text("Build bot")
    dialog.get_by_role("button", name="Delete webhook Build").click()
    agree(page, "Delete")
    expect(dialog.get_by_text("Deleted.")).to_be_visible()
    expect(dialog.get_by_role("list", name="Webhooks").get_by_role("listitem")).to_have_count(0)
    assert requests.post(url, json={"text": "Build 43 passed"}, timeout=20).status_code == 404


def test_messages_are_chosen_and_deleted_by_keyboard(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page()
    create_room(page, "Class")
    write_history(cloud, page.url.rsplit("/", 1)[-1], ["one", "two", "three"])
    page.reload()
    expect(page.locator("li.message")).to_have_count(3)
    manage(page).get_by_role("button", name="Delete messages…").focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Delete messages")
    boxes = dialog.get_by_role("list", name="Messages to delete").get_by_role("checkbox")
    expect(dialog.get_by_label("Messages of")).to_be_focused()
    for key in ("Tab", "Tab", "Space", "ArrowUp", "Space"):
        page.keyboard.press(key)
    expect(boxes.nth(1)).to_be_focused()
    expect(boxes.nth(2)).to_be_checked()
    for key in ("Tab", "Tab"):
        page.keyboard.press(key)
    expect(dialog.get_by_role("button", name="Delete 2 messages")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("2 messages deleted.")).to_be_visible()
    page.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Delete messages…")).to_be_focused()
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert messages(page) == ["three"]


def test_deletion_does_not_move_the_messages_that_are_read(open_page: OpenPage, cloud: LocalCloud) -> None:
    created = requests.post(f"{cloud.rest_url}/rooms", json={"roomName": "Tea"}, timeout=20).json()
    room_id, token = created["roomId"], created["ownerToken"]
    write_history(cloud, room_id, ["\n".join(f"message {number}" for _ in range(8)) for number in range(15)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}")
    expect(page.locator("li.message")).to_have_count(15)
    first, second = (page.locator("li.message").nth(number) for number in (7, 8))
    scroll_log(page, "document.querySelectorAll('li.message')[7].offsetTop + 20")
    top = second.bounding_box()
    sequence = int(first.get_attribute("data-sequence") or "")
    with connect(f"{cloud.websocket_url}?roomId={room_id}&owner={token}", ping_interval=None, proxy=None) as owner:
        owner.send(act("deleteMessage", sequence=sequence))
        expect(page.locator("li.message")).to_have_count(14)
    settle(page)
    moved = page.locator("li.message").nth(7).bounding_box()
    assert top is not None
    assert moved is not None
    assert moved["y"] == pytest.approx(top["y"], abs=2)
