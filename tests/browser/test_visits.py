"""Visits of the page in a new AWS account: ten executions at once, and cold starts."""

from __future__ import annotations

from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.executions import Execution
from tests.support.browser.new_account import NewAccount
from tests.support.browser.visitor import expect_message, expect_view, room_of


def page_requests(new_account: NewAccount) -> list[Execution]:
    """Return the requests for the files of the page."""
    page = urlsplit(new_account.url).path
    return [one for one in new_account.requests() if one.path == page or one.path.startswith(f"{page}static/")]


def wait_for_list(page: Page) -> None:
    """Wait until a room of the list can be followed."""
    expect(page.get_by_role("list", name="Rooms").get_by_role("link").first).to_be_visible()


def test_first_visit_of_the_list_takes_three_requests_and_the_next_one(
    new_account: NewAccount, open_page: OpenPage, cloud: LocalCloud
) -> None:
    room_of(cloud, [])
    new_account.reset()
    page = open_page(new_account.url)
    wait_for_list(page)
    assert [one.status for one in page_requests(new_account)] == [200, 200, 200]
    assert not any(one.is_rejected for one in new_account.executions())
    assert len(new_account.requests()) == 4  # the page, its style sheet together with its script, the list
    new_account.reset()
    page.goto("about:blank")
    page.goto(new_account.url)
    wait_for_list(page)
    assert [one.status for one in page_requests(new_account)] == [304]
    assert not any(one.is_rejected for one in new_account.executions())


def test_page_loads_its_style_sheet_and_its_script_at_once(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page("about:blank")
    held: list[Route] = []
    page.route("**/static/style-*.css", lambda route: held.append(route))
    with page.expect_response("**/static/page-*.js"), page.expect_request("**/static/style-*.css"):
        page.goto(f"{cloud.rest_url}/", wait_until="commit")
    held[0].continue_()
    expect(page.get_by_label("Room name")).to_be_visible()


def test_link_of_a_room_connects_with_few_requests(
    new_account: NewAccount, open_page: OpenPage, cloud: LocalCloud
) -> None:
    room_id = room_of(cloud, ["hello"])
    new_account.reset()
    page = open_page(f"{new_account.url}#/rooms/{room_id}")
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect_message(page, "hello")
    expect(page.locator("#members li")).to_have_count(1)
    assert len(new_account.requests()) <= 7
    assert not any(one.is_rejected for one in new_account.executions())


def test_link_of_a_room_loads_both_scripts_at_once(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, ["hello"])
    page = open_page("about:blank")
    held: list[Route] = []
    page.route("**/static/page-*.js", lambda route: held.append(route))
    with page.expect_response("**/static/visit-*.js"), page.expect_request("**/static/page-*.js"):
        page.goto(f"{cloud.rest_url}/#/rooms/{room_id}", wait_until="commit")
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    held[0].continue_()
    expect_message(page, "hello")
    assert [url for url in loaded if "/static/" in url] == []


def test_reload_shows_the_list_and_the_messages_before_the_server_responses(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    page = open_page()
    room_id = room_of(cloud, ["hello"])
    page.reload()
    wait_for_list(page)
    held: list[Route] = []
    page.route("**/rooms**", lambda route: held.append(route))
    page.reload()
    wait_for_list(page)
    page.evaluate(f"location.hash = '#/rooms/{room_id}'")
    expect_view(page)
    expect(page.get_by_text("Loading messages…")).to_be_visible()
    # Some requests may not have arrived here yet. A later handler comes first.
    page.route("**/rooms**", lambda route: route.continue_())
    while held:
        held.pop().continue_()
    expect_message(page, "hello")
    page.reload()
    expect_message(page, "hello")


def test_list_that_cannot_be_read_after_a_reload_leaves_the_last_one(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    wait_for_list(page)
    page.route("**/rooms**", lambda route: route.abort())
    for _ in range(2):
        page.reload()
        expect(page.get_by_text("The rooms could not be loaded.")).to_be_visible()
        wait_for_list(page)
