"""Accessibility of each view."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from localcloud.cloud import LocalCloud
from tests.browser.axe import SCREENS, expect_no_violations
from tests.browser.conftest import OpenPage
from tests.browser.visitor import create_room, expect_message, expire_room, room_of, say


def empty_list(page: Page, cloud: LocalCloud) -> None:
    page.route("**/rooms?*", lambda route: route.fulfill(json={"rooms": [], "nextCursor": None}))
    page.goto(f"{cloud.rest_url}/")
    expect(page.get_by_text("No rooms yet.")).to_be_visible()


def full_list(page: Page, cloud: LocalCloud) -> None:
    rooms = [
        {"room_id": f"r{number}", "name": name, "member_count": number, "created_at": "2026-11-23T10:00:00Z"}
        for number, name in enumerate(["Tea", "קפה", "x" * 80])
    ]
    page.route("**/rooms?*", lambda route: route.fulfill(json={"rooms": rooms, "nextCursor": "more"}))
    page.goto(f"{cloud.rest_url}/")
    expect(page.get_by_role("button", name="Show more")).to_be_visible()


def list_in_trouble(page: Page, cloud: LocalCloud) -> None:
    page.route("**/rooms?*", lambda route: route.abort())
    page.goto(f"{cloud.rest_url}/")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")


def room(page: Page, cloud: LocalCloud) -> None:
    page.goto(f"{cloud.rest_url}/#/rooms/{room_of(cloud, ['Read https://example.com first.', 'שלום', '👍'])}")
    expect_message(page, "👍")
    say(page, "Will do")
    expect(page.locator(".own:not(.pending)").get_by_text("Will do")).to_be_visible()


def room_without_connection(page: Page, cloud: LocalCloud) -> None:
    room(page, cloud)
    page.context.set_offline(True)
    say(page, "Anybody?")
    expect(page.get_by_text("Waiting for connection")).to_be_visible()


def room_with_a_failed_message(page: Page, cloud: LocalCloud) -> None:
    room(page, cloud)
    page.evaluate(
        """() => {
            const key = "chalice-chat.outbox." + location.hash.split("/").at(-1);
            sessionStorage.setItem(key, JSON.stringify([{ clientId: "c1", message: "Hello", failure: "too long" }]));
        }"""
    )
    page.reload()
    expect(page.get_by_text("Not sent. Too long.")).to_be_visible()


def private_room(page: Page, cloud: LocalCloud) -> None:
    page.goto(f"{cloud.rest_url}/")
    create_room(page, "Surprise party", private=True)
    page.goto(page.url.split("?")[0])
    expect(page.get_by_text("This room is private")).to_be_visible()


def gone_room(page: Page, cloud: LocalCloud) -> None:
    page.goto(f"{cloud.rest_url}/#/rooms/nosuchroom")
    expect(page.get_by_text("This room no longer exists")).to_be_visible()


def gone_room_with_messages(page: Page, cloud: LocalCloud) -> None:
    room(page, cloud)
    expire_room(cloud, page)
    page.context.set_offline(True)
    expect(page.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    say(page, "Too late")
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Open a new room of this name")).to_be_visible()


def list_with_a_message_that_waits(page: Page, cloud: LocalCloud) -> None:
    page.goto(f"{cloud.rest_url}/#/rooms/{room_of(cloud, ['hello'])}")
    expect(page.get_by_role("status")).to_have_text("Connected")
    page.context.set_offline(True)
    say(page, "Anybody?")
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_text("not sent yet")).to_be_visible()


def choosing_a_name(page: Page, cloud: LocalCloud) -> None:
    room(page, cloud)
    page.get_by_role("button", name="choose a name").click()
    expect(page.get_by_label("Your name")).to_be_focused()


def message_that_is_too_long(page: Page, cloud: LocalCloud) -> None:
    room(page, cloud)
    page.get_by_label("Message", exact=True).fill("x" * 4_001)
    expect(page.get_by_text("1 character too many")).to_be_visible()


def new_messages_below(page: Page, cloud: LocalCloud) -> None:
    page.set_viewport_size(SCREENS["phone"])
    page.goto(f"{cloud.rest_url}/#/rooms/{room_of(cloud, [f'message {number}' for number in range(30)])}")
    expect_message(page, "message 29")
    page.get_by_role("log").evaluate("(log) => { log.scrollTop = 0; }")
    expect(page.get_by_role("button", name="Jump to latest")).to_be_visible()
    page.locator("#member-count").click()
    expect(page.get_by_role("list", name="Members")).to_be_visible()


def managing_the_room(page: Page, cloud: LocalCloud) -> None:
    page.goto(f"{cloud.rest_url}/")
    create_room(page, "Tea")
    say(page, "hello")
    expect_message(page, "hello")
    page.get_by_role("button", name="Manage room").click()
    page.get_by_label("Locked").check()
    expect(page.get_by_text("Locked: nobody new can enter.")).to_be_visible()


@pytest.mark.parametrize(
    "view",
    [
        empty_list,
        full_list,
        list_in_trouble,
        room,
        room_without_connection,
        room_with_a_failed_message,
        private_room,
        gone_room,
        gone_room_with_messages,
        list_with_a_message_that_waits,
        choosing_a_name,
        message_that_is_too_long,
        new_messages_below,
        managing_the_room,
    ],
)
def test_view_has_no_accessibility_violation(
    open_page: OpenPage, cloud: LocalCloud, view: Callable[[Page, LocalCloud], None]
) -> None:
    page = open_page("about:blank", reduced_motion="reduce")
    view(page, cloud)
    expect_no_violations(page)
