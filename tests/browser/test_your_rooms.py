""" "Your rooms" in the lobby: the rooms that were visited in this browser."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import create_room, expect_message, expect_true, expire_room, say


def your_rooms(page: Page) -> Locator:
    return page.get_by_role("list", name="Your rooms").get_by_role("listitem")


def go_to_lobby(page: Page) -> None:
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_role("heading", name="Your rooms")).to_be_visible()


def test_private_room_is_found_again_after_the_tab_was_closed(open_page: OpenPage, cloud: LocalCloud) -> None:
    owner = open_page()
    create_room(owner, "Support", private=True)
    link = owner.url
    guest = open_page(link)
    say(guest, "until tomorrow")
    expect_message(owner, "until tomorrow")
    context = guest.context
    guest.close()
    again = context.new_page()
    again.goto(f"{cloud.rest_url}/")
    expect(your_rooms(again)).to_have_count(1)
    expect(your_rooms(again)).to_contain_text("private · last visit")
    expect(your_rooms(again).get_by_role("button", name="Copy owner's link")).to_have_count(0)
    your_rooms(again).get_by_role("link").click()
    expect_message(again, "until tomorrow")
    assert again.url == link


def test_owners_link_of_the_lobby_makes_another_browser_the_owner(open_page: OpenPage) -> None:
    owner = open_page(permissions=["clipboard-read", "clipboard-write"])
    create_room(owner, "Tea")
    go_to_lobby(owner)
    your_rooms(owner).get_by_role("button", name="Copy owner's link").click()
    expect(your_rooms(owner).get_by_role("button", name="Copied")).to_be_visible()
    your_rooms(owner).get_by_role("link").click()
    elsewhere = open_page(owner.evaluate("navigator.clipboard.readText()"))
    expect(elsewhere.get_by_role("button", name="Manage room")).to_be_visible()


def test_room_that_is_over_is_said_to_be_and_can_be_forgotten(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page()
    create_room(page, "Tea")
    room = page.url
    go_to_lobby(page)
    create_room(page, "Coffee")
    page.goto(room)
    expire_room(cloud, page)
    page.reload()
    expect(page.get_by_text("This room no longer exists")).to_be_visible()
    page.get_by_role("link", name="All rooms").click()
    tea = your_rooms(page).filter(has_text="Tea")
    expect(tea).to_contain_text("no longer exists")
    tea.get_by_role("button", name="Forget").click()
    expect(your_rooms(page).get_by_role("link")).to_have_count(1)
    expect(your_rooms(page).get_by_role("link")).to_be_focused()
    page.reload()
    expect(your_rooms(page)).to_have_count(1)


def test_room_that_another_tab_visits_appears(open_page: OpenPage, cloud: LocalCloud) -> None:
    lobby = open_page()
    tab = lobby.context.new_page()
    tab.goto(f"{cloud.rest_url}/")
    create_room(tab, "Tea")
    expect(your_rooms(lobby)).to_contain_text("Tea")


def test_rooms_with_something_unread_are_marked_by_one_request(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(bo, "seen")
    expect_message(aki, "seen")
    asked: list[str] = []
    aki.on("request", lambda request: asked.append(request.url) if request.url.endswith("/rooms/unread") else None)
    with aki.expect_response("**/rooms/unread"):
        go_to_lobby(aki)
    expect(your_rooms(aki).locator(".news")).to_have_count(0)
    say(bo, "unseen")
    expect_message(bo, "unseen")
    aki.reload()
    expect(your_rooms(aki).locator(".news")).to_have_text("new")
    assert len(asked) == 2
    your_rooms(aki).get_by_role("link").click()
    expect_message(aki, "unseen")
    read = "Object.entries(localStorage).some(([key, seen]) => key.startsWith('chalice-chat.read.') && seen === '2')"
    expect_true(aki, read)
    go_to_lobby(aki)
    expect(your_rooms(aki).locator(".count")).to_be_visible()
    expect(your_rooms(aki).locator(".news")).to_have_count(0)
