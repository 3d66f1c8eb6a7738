""" "Your rooms" in the lobby: what one tab visits, another one finds again."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import create_room, expect_message, say


def test_private_room_of_another_tab_is_found_again_when_that_tab_is_closed(open_page: OpenPage) -> None:
    owner = open_page()
    create_room(owner, "Support", private=True)
    link = owner.url
    lobby = open_page()
    tab = lobby.context.new_page()
    tab.goto(link.split("?")[0])
    expect(tab.get_by_role("alert")).to_contain_text("This room is private: you need its invite link")
    expect(tab.get_by_label("Message", exact=True)).to_be_hidden()
    tab.goto(link)
    say(tab, "until tomorrow")
    expect_message(owner, "until tomorrow")
    room = lobby.get_by_role("list", name="Your rooms").get_by_role("listitem")
    expect(room).to_contain_text("private · last visit")
    tab.close()
    lobby.reload()
    expect(room).to_have_count(1)
    expect(room.get_by_role("button", name="Copy owner's link")).to_have_count(0)
    room.get_by_role("link").click()
    expect_message(lobby, "until tomorrow")
    assert lobby.url == link
