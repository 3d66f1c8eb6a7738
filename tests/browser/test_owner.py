"""Identity across tabs and reloads, deleted messages, and what the owner of a room can do."""

from __future__ import annotations

import re

import pytest
import requests
from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import agree, create_room, expect_message, messages, open_person, say

RELOADS = 10


def members(page: Page) -> Locator:
    return page.get_by_role("list", name="Members").get_by_role("listitem")


def notices(page: Page) -> list[str]:
    return page.locator("[role=log] .notice").all_inner_texts()


@pytest.fixture
def tabs(pair: tuple[Page, Page]) -> tuple[Page, Page, Page]:
    """Return Aki's page, and two tabs of Bo."""
    aki, bo = pair
    second = bo.context.new_page()
    second.goto(bo.url)
    expect(second.get_by_role("status")).to_have_text("Connected")
    return aki, bo, second


def test_nobody_notices_reloads(tabs: tuple[Page, Page, Page], cloud: LocalCloud) -> None:
    aki, bo, second = tabs
    before = notices(aki)
    url = f"{cloud.rest_url}/rooms/{aki.url.rsplit('/', 1)[-1]}"
    for number in range(RELOADS):
        second.reload()
        expect(second.get_by_role("status")).to_have_text("Connected")
        say(second, f"reload {number}")
        expect_message(aki, f"reload {number}")
        listed = requests.get(f"{url}/members", timeout=20).json()["members"]
        assert [member["name"] for member in listed] == ["Aki", "Bo"]
    second.close()
    say(bo, "still here")
    expect_message(aki, "still here")
    expect(members(aki)).to_have_count(2)
    assert notices(aki) == before


def test_own_messages_are_recognized_in_both_tabs_and_after_a_reload(tabs: tuple[Page, Page, Page]) -> None:
    aki, bo, second = tabs
    say(bo, "from the first tab")
    for page in (aki, bo, second):
        expect_message(page, "from the first tab")
    for page in (bo, second):
        expect(page.locator("li.own .body")).to_have_text(["from the first tab"])
    assert aki.locator("li.own").count() == 0
    second.evaluate("sessionStorage.clear()")
    second.reload()
    expect(second.locator("li.own .body")).to_have_text(["from the first tab"])


def test_new_name_is_announced_without_a_leave(tabs: tuple[Page, Page, Page]) -> None:
    aki, bo, second = tabs
    bo.get_by_role("button", name="change").click()
    bo.get_by_label("Your name").fill("Bea")
    bo.get_by_label("Your name").press("Enter")
    expect(aki.get_by_text("Bo is now Bea")).to_be_visible()
    expect(second.get_by_text("You are Bea")).to_be_visible()
    expect(members(second)).to_have_text(["Aki owner⋯", "Bea (you)"])


def test_deleted_message_disappears_everywhere(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "oops")
    say(bo, "fine")
    expect_message(aki, "fine")
    bo.locator("li.own", has_text="oops").get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    for page in pair:
        expect(page.locator("li.message .body")).to_have_text(["fine"])
    aki.locator("li.message", has_text="fine").get_by_role("button", name="Delete").click()
    agree(aki, "Delete")
    for page in pair:
        expect(page.locator("li.message")).to_have_count(0)
        page.reload()
        expect(page.get_by_role("status")).to_have_text("Connected")
        assert messages(page) == []


def test_deletion_does_not_move_the_messages_that_are_read(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for number in range(15):
        say(bo, "\n".join(f"message {number}" for _ in range(8)))
        expect(bo.locator("#pending li")).to_have_count(0)
    expect(aki.locator("li.message")).to_have_count(15)
    first, second = (aki.locator("li.message").nth(number) for number in (7, 8))
    first.evaluate("entry => { entry.closest('[role=log]').scrollTop = entry.offsetTop + 20; }")
    expect(aki.get_by_role("button", name="Jump to latest")).to_be_visible()
    top = second.bounding_box()
    bo.locator("li.own").nth(7).get_by_role("button", name="Delete").click()
    agree(bo, "Delete")
    expect(aki.locator("li.message")).to_have_count(14)
    moved = aki.locator("li.message").nth(7).bounding_box()
    assert top is not None
    assert moved is not None
    assert moved["y"] == pytest.approx(top["y"], abs=2)


def manage(page: Page) -> Locator:
    page.get_by_role("button", name="Manage room").click()
    return page.get_by_role("dialog", name="Manage this room")


def test_owner_renames_and_locks_the_room(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    dialog = manage(aki)
    dialog.get_by_label("New name").fill("Coffee")
    dialog.get_by_role("button", name="Rename").click()
    expect(dialog.get_by_text("Renamed.")).to_be_visible()
    dialog.get_by_label("Locked").check()
    expect(dialog.get_by_text("Locked: nobody new can enter.")).to_be_visible()
    aki.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(bo.get_by_role("heading", name="Coffee")).to_contain_text("locked")
    stranger = open_page(bo.url)
    expect(stranger.get_by_text("This room is locked")).to_be_visible()
    bo.reload()
    expect(bo.get_by_role("status")).to_have_text("Connected")


def test_owner_can_manage_a_room_whose_members_are_not_listed(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/members*", lambda route: route.fulfill(json={"members": []}))
    create_room(page, "Large")
    expect(page.get_by_role("button", name="Manage room")).to_be_visible()


def test_owner_removes_a_member_for_an_hour(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    open_person(aki, "Bo").get_by_role("button", name="Remove for an hour").click()
    expect(bo.get_by_text("The owner or a moderator has removed you.")).to_be_visible()
    expect(members(aki)).to_have_text(["Aki owner (you)"])
    assert "Bo left" not in notices(aki)
    bo.reload()
    expect(bo.get_by_text("The owner or a moderator has removed you.")).to_be_visible()


def test_owner_closes_the_room(pair: tuple[Page, Page], cloud: LocalCloud) -> None:
    aki, _ = pair
    manage(aki).get_by_role("button", name="Close this room").click()
    agree(aki, "Close the room")
    for page in pair:
        expect(page.get_by_text("The owner has closed this room.")).to_be_visible()
    room_id = aki.url.rsplit("/", 1)[-1]
    assert requests.get(f"{cloud.rest_url}/rooms/{room_id}", timeout=20).status_code == 404


def test_owners_link_works_in_another_browser_and_is_not_in_the_invite_link(
    pair: tuple[Page, Page], open_page: OpenPage
) -> None:
    aki, bo = pair
    link = manage(aki).get_by_label("Owner's link").input_value()
    assert "owner=" in link
    assert "owner=" not in aki.url
    elsewhere = open_page(link)
    expect(elsewhere.get_by_role("button", name="Manage room")).to_be_visible()
    assert elsewhere.url == aki.url
    expect(bo.get_by_role("status")).to_have_text("Connected")
    assert not bo.get_by_role("button", name="Manage room").is_visible()


def test_new_owners_link_replaces_the_old_one_everywhere(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, _ = pair
    dialog = manage(aki)
    link = dialog.get_by_label("Owner's link")
    old_link = link.input_value()
    phone = open_page(old_link)
    expect(phone.get_by_role("button", name="Manage room")).to_be_visible()
    dialog.get_by_role("button", name="New link for the owner").click()
    agree(aki, "Make a new link")
    expect(dialog.get_by_text("The old one no longer works.")).to_be_visible()
    new_link = link.input_value()
    assert new_link != old_link
    dialog.get_by_role("button", name="Done").click()
    stranger = open_page(old_link)
    expect(stranger.get_by_role("status")).to_have_text("Connected")
    expect(stranger.get_by_text("You are")).to_be_visible()
    assert not stranger.get_by_role("button", name="Manage room").is_visible()
    phone.goto("about:blank")
    phone.goto(new_link)
    expect(phone.get_by_role("button", name="Manage room")).to_be_visible()
    aki.reload()
    expect(aki.get_by_role("button", name="Manage room")).to_be_visible()


def test_kept_room_is_listed_after_everyone_has_left(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Room name").fill("Team")
    page.get_by_label("Keep it").select_option("7 more days")
    page.get_by_role("button", name="Create room").click()
    say(page, "for tomorrow")
    expect_message(page, "for tomorrow")
    page.get_by_role("link", name="All rooms").click()
    listed = page.get_by_role("list", name="Rooms", exact=True).get_by_role("link", name="Team")
    expect(listed).to_contain_text("0 here")
    listed.click()
    expect_message(page, "for tomorrow")


def test_owner_adds_a_webhook_whose_messages_are_marked(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    dialog = manage(aki)
    dialog.get_by_label("Name of the program").fill("Build")
    dialog.get_by_role("button", name="Add").click()
    address = dialog.get_by_label("Address to post to")
    expect(address).to_have_value(re.compile("/hooks/"))
    url = address.input_value()
    assert requests.post(url, json={"text": "Build 42 passed"}, timeout=20).status_code == 200
    expect_message(bo, "Build 42 passed")
    expect(bo.locator("li.message .head")).to_have_text("Build bot")
    dialog.get_by_role("button", name="Delete webhook Build").click()
    agree(aki, "Delete")
    expect(dialog.get_by_text("Deleted.")).to_be_visible()
    expect(dialog.get_by_role("list", name="Webhooks").get_by_role("listitem")).to_have_count(0)
    assert requests.post(url, json={"text": "Build 43 passed"}, timeout=20).status_code == 404
