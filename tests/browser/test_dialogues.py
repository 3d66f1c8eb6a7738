"""The dialogues that the page loads when the first of them is opened."""

from __future__ import annotations

from playwright.sync_api import Page, Route, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.browser.visitor import agree, open_person

DIALOGUES = "**/static/dialogues-*.js"


def test_dialogues_are_loaded_once_also_after_another_version_has_replaced_them_and_after_an_outage(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    aki = open_page(room.link(owner=True), name="Aki")
    status, more = aki.get_by_role("status"), aki.get_by_role("button", name="More about Bo")
    with room.join("Bo"):
        aki.route(DIALOGUES, lambda route: route.fulfill(status=404))
        aki.get_by_label("Message", exact=True).fill("not finished")
        more.click()
        expect(aki.get_by_role("alertdialog")).to_contain_text("Reload the page? What you have written is kept.")
        aki.unroute(DIALOGUES)
        agree(aki, "Reload")
        expect(status).to_have_text("Connected")
        expect(aki.get_by_label("Message", exact=True)).to_have_value("not finished")
        expect(more).to_be_visible()

        aki.context.set_offline(True)
        expect(status).to_have_text("Connection lost. Trying again…")
        more.click()
        expect(aki.get_by_role("log").get_by_text("This needs a connection to the chat.")).to_be_visible()
        aki.context.set_offline(False)
        expect(status).to_have_text("Connected")

        loaded: list[str] = []
        aki.on("request", lambda request: loaded.append(request.url))
        with aki.expect_request(DIALOGUES):
            open_person(aki, "Bo").get_by_role("button", name="Done").click()
        aki.get_by_role("button", name="Manage room").click()
        expect(aki.get_by_role("button", name="Close this room")).to_be_visible()
        assert len([url for url in loaded if "/static/" in url]) == 1


def test_owner_dialogue_that_loads_slowly_does_not_open_in_a_room_that_was_closed(pair: tuple[Page, Page]) -> None:
    aki, _ = pair
    held: list[Route] = []
    aki.route(DIALOGUES, lambda route: held.append(route))
    with aki.expect_request(DIALOGUES):
        aki.get_by_role("button", name="Manage room").click()
    other = aki.context.new_page()
    other.goto(aki.url)
    other.get_by_role("button", name="Manage room").click()
    other.get_by_role("button", name="Close this room").click()
    agree(other, "Close the room")
    expect(aki.get_by_text("The owner has closed this room.")).to_be_visible()
    held[0].continue_()
    aki.evaluate("address => import(address).then(() => {})", held[0].request.url)  # the page has it by then, too
    expect(aki.locator("dialog[open]")).to_have_count(0)
