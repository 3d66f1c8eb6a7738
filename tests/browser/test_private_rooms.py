"""Private rooms: only their invite link opens them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import create_room, expect_message, expect_view, messages, open_person, say

NAME = "Party for Cy"
INVITE_LINK = re.compile(r"#/rooms/[\w-]+\?token=[\w-]+$")


@pytest.fixture
def host(open_page: OpenPage) -> Page:
    """Return the page of the visitor who has created a private room and is in it."""
    page = open_page()
    create_room(page, NAME, private=True)
    return page


def expect_rejection(page: Page) -> None:
    expect(page.get_by_role("alert")).to_contain_text("This room is private: you need its invite link")
    expect(page.get_by_role("heading", name="Private room")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_be_hidden()
    assert NAME not in page.content()
    assert NAME not in page.title()


def test_invite_link_opens_a_private_room(host: Page, open_page: OpenPage) -> None:
    expect(host).to_have_url(INVITE_LINK)
    guest = open_page(host.url)
    expect(guest.get_by_role("status")).to_have_text("Connected")
    expect(guest.get_by_role("heading", name=NAME)).to_be_visible()
    say(host, "Who brings the cake?")
    expect_message(guest, "Who brings the cake?")
    say(guest, "I do")
    expect_message(host, "I do")
    assert messages(host) == messages(guest) == ["Who brings the cake?", "I do"]


def test_pasted_invite_link_opens_a_private_room(host: Page, open_page: OpenPage) -> None:
    guest = open_page()
    expect_view(guest)
    guest.get_by_label("Link you were given").fill(host.url)
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_role("heading", name=NAME)).to_be_visible()
    expect(guest.get_by_role("status")).to_have_text("Connected")


@pytest.mark.parametrize("token", ["", "?token=wrong"])
def test_private_room_without_its_token_stays_hidden(host: Page, open_page: OpenPage, token: str) -> None:
    say(host, "Nobody else reads this")
    expect_message(host, "Nobody else reads this")
    stranger = open_page(host.url.split("?")[0] + token)
    expect_rejection(stranger)
    assert messages(stranger) == []


def test_page_does_not_retry_after_a_rejection(host: Page, open_page: OpenPage) -> None:
    stranger = open_page("about:blank")
    stranger.clock.install()
    stranger.goto(host.url.split("?")[0])
    expect_rejection(stranger)
    stranger.wait_for_load_state("networkidle")
    asked: list[str] = []
    stranger.on("request", lambda request: asked.append(request.url))
    stranger.on("websocket", lambda socket: asked.append(socket.url))
    stranger.clock.run_for(120_000)
    assert asked == []


def test_invite_link_opens_the_room_after_a_wrong_link(host: Page, open_page: OpenPage) -> None:
    guest = open_page(host.url.split("?")[0])
    expect_rejection(guest)
    guest.goto(host.url)
    expect(guest.get_by_role("status")).to_have_text("Connected")
    expect(guest.get_by_role("heading", name=NAME)).to_be_visible()
    say(guest, "Found it")
    expect_message(host, "Found it")


def test_pending_message_is_sent_once_the_invite_link_is_opened(host: Page, open_page: OpenPage) -> None:
    guest = open_page(host.url)
    expect(guest.get_by_role("heading", name=NAME)).to_be_visible()
    guest.context.set_offline(True)
    say(guest, "I am late")
    expect(guest.locator("li.pending .body")).to_have_text("I am late")
    guest.goto("about:blank")
    guest.context.set_offline(False)
    guest.goto(host.url.split("?")[0])
    expect_rejection(guest)
    guest.goto(host.url)
    expect_message(host, "I am late")
    expect(guest.locator("li.message:not(.pending, .failed) .body")).to_have_text("I am late")


def test_private_room_is_not_listed(host: Page, open_page: OpenPage, cloud: LocalCloud) -> None:
    # Its visitor stays in the public room, which would otherwise leave the list.
    create_room(open_page(), "Open to all")
    rooms = open_page().get_by_role("list", name="Rooms")
    expect(rooms.get_by_text("Open to all").first).to_be_visible()
    expect(rooms.get_by_text(NAME)).to_have_count(0)


def test_page_keeps_the_token_in_the_address_and_among_your_rooms_only(host: Page) -> None:
    token = host.url.split("token=")[1]
    say(host, "hello")
    # While a message waits, the page remembers where it belongs.
    expect(host.locator("li.message:not(.pending) .body")).to_have_text("hello")
    kept = host.evaluate("({ ...localStorage, ...sessionStorage, cookie: document.cookie })")
    assert [key for key, value in kept.items() if token in value] == ["chalice-chat.visited"]
    assert token not in host.evaluate("document.documentElement.outerHTML")


def test_owners_link_opens_a_private_room_without_its_token(host: Page, open_page: OpenPage) -> None:
    host.get_by_role("button", name="Manage room").click()
    expect(host.get_by_label("Owner's link")).to_have_value(re.compile("owner="))
    link = host.get_by_label("Owner's link").input_value()
    room, owner = link.split("?")[0], link.split("owner=")[1]
    elsewhere = open_page(f"{room}?owner={owner}")
    expect(elsewhere.get_by_role("status")).to_have_text("Connected")
    expect(elsewhere.get_by_role("button", name="Manage room")).to_be_visible()
    expect(elsewhere.get_by_role("heading", name=NAME)).to_be_visible()
    say(elsewhere, "From my phone")
    expect_message(host, "From my phone")
    elsewhere.get_by_role("button", name="Copy invite link").click()
    offer = elsewhere.get_by_role("dialog", name="New invite link")
    expect(offer).to_contain_text("does not contain the invite link")
    offer.get_by_role("button", name="New link").click()
    expect(offer.get_by_label("The new link")).to_have_value(INVITE_LINK)


def test_owner_who_removes_a_member_makes_a_new_invite_link(host: Page, open_page: OpenPage) -> None:
    old_link = host.url
    guest, stays = open_page(old_link, name="Bo"), open_page(old_link, name="Cy")
    for page in (guest, stays):
        expect(page.get_by_role("status")).to_have_text("Connected")
    open_person(host, "Bo").get_by_role("button", name="Remove for an hour").click()
    offer = host.get_by_role("dialog", name="New invite link")
    expect(offer).to_contain_text("Bo may still have the invite link. Make a new one?")
    offer.get_by_role("button", name="New link").click()
    link = offer.get_by_label("The new link")
    expect(link).to_have_value(INVITE_LINK)
    new_link = link.input_value()
    assert new_link != old_link
    assert host.url == new_link
    offer.get_by_role("button", name="Done").click()
    expect_rejection(open_page(old_link))
    friend = open_page(new_link)
    say(host, "Now we are among ourselves")
    for page in (friend, stays):
        expect_message(page, "Now we are among ourselves")
    host.reload()
    expect(host.get_by_role("button", name="Manage room")).to_be_visible()
    assert messages(guest) == []
