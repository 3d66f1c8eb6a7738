"""The page in a browser: how its scripts are loaded, what it does without them, and its use by another origin."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from playwright.sync_api import Page, Route, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.browser.visitor import agree, create_room, expect_message, expect_view, room_of, say

PAGE_SCRIPT = "**/static/page-*.js"
ROOM_SCRIPT = "**/static/visit-*.js"
STILL_LOADING = "Still loading. If nothing appears, reload the page."
# Ends the delay after which the style sheet shows the text.
END_DELAY = "document.getAnimations().forEach((animation) => animation.finish())"
# Starts that delay again, and stops it after a number of milliseconds.
PAUSE_DELAY = """(text, milliseconds) => {
    text.style.animation = "none";
    text.getAnimations();
    text.style.animation = "";
    const [delay] = text.getAnimations();
    delay.pause();
    delay.currentTime = milliseconds;
}"""


def open_first_room(page: Page) -> None:
    page.get_by_role("list", name="Rooms").get_by_role("link").first.click()


def expect_connected(page: Page) -> None:
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_page_whose_script_is_missing_says_to_reload_and_a_slow_one_is_no_error(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    page = open_page("about:blank")
    page.route(PAGE_SCRIPT, lambda route: route.fulfill(status=429))
    page.goto(f"{cloud.rest_url}/")
    page.evaluate(END_DELAY)
    expect(page.get_by_role("status")).to_have_text(STILL_LOADING)
    page.unroute(PAGE_SCRIPT)

    held: list[Route] = []
    page.route(PAGE_SCRIPT, lambda route: held.append(route))
    with page.expect_request(PAGE_SCRIPT):
        page.reload(wait_until="commit")
    expect(page.get_by_label("Your name")).to_be_visible()
    still_loading = page.get_by_text(STILL_LOADING)
    expect(still_loading).to_have_css("animation-delay", "5s")  # the style sheet has been loaded
    still_loading.evaluate(PAUSE_DELAY, 4_900)
    assert not still_loading.is_visible()
    still_loading.evaluate(PAUSE_DELAY, 5_000)
    assert still_loading.is_visible()
    assert page.get_by_role("alert").count() == 0
    held[0].continue_()
    expect_view(page)
    assert not still_loading.is_visible()


def test_room_whose_script_is_missing_says_to_reload_and_without_a_connection_to_try_again(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    room_id = room_of(cloud, ["hello"])
    page = open_page()
    expect(page.get_by_role("list", name="Rooms").get_by_role("link").first).to_be_visible()
    page.context.set_offline(True)
    open_first_room(page)
    expect(page.get_by_role("alertdialog")).to_contain_text("there is no connection.")
    page.context.set_offline(False)
    agree(page, "Try again")
    expect_connected(page)

    page.goto("about:blank")
    page.route(ROOM_SCRIPT, lambda route: route.fulfill(status=429))
    page.goto(f"{cloud.rest_url}/#/rooms/{room_id}")
    page.evaluate(END_DELAY)
    expect(page.get_by_role("status")).to_have_text(STILL_LOADING)
    page.unroute(ROOM_SCRIPT)
    page.reload()
    expect_message(page, "hello")


def test_room_that_another_version_has_replaced_is_there_after_a_reload(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    page.route(ROOM_SCRIPT, lambda route: route.fulfill(status=404))
    question = page.get_by_role("alertdialog")
    open_first_room(page)
    question.get_by_role("button", name="Cancel").click()
    expect_view(page)
    open_first_room(page)
    expect(question).to_contain_text("Reload the page?")
    address = page.url
    page.go_back()
    expect(question).to_be_hidden()
    page.go_forward()
    expect(question).to_contain_text("Reload the page?")
    page.unroute(ROOM_SCRIPT)
    agree(page, "Reload")
    expect_connected(page)
    assert page.url == address


def test_room_that_loads_slowly_says_so_and_is_not_opened_for_a_visitor_who_has_gone_back(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    for _ in range(2):  # the first one ends when the page leaves it
        room_of(cloud, ["hello"])
    page = open_page("about:blank")
    page.clock.install()
    held: list[Route] = []
    page.route(ROOM_SCRIPT, lambda route: held.append(route))
    still_loading = page.get_by_text(STILL_LOADING)

    def begin() -> None:
        page.goto(f"{cloud.rest_url}/")
        expect_view(page)
        with page.expect_request(ROOM_SCRIPT):
            open_first_room(page)

    begin()
    assert not still_loading.is_visible()
    page.clock.run_for(3_000)
    expect(still_loading).to_be_visible()
    held.pop().continue_()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    expect(still_loading).to_be_hidden()

    page.goto("about:blank")
    begin()
    page.go_back()
    with page.expect_response(ROOM_SCRIPT):
        held.pop().continue_()
    create_room(page, "Tea")
    expect(page).to_have_title("Tea · Chalice Chat")


def test_visitor_who_comes_to_a_room_that_loads_slowly_can_go_to_the_list(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    room_id = room_of(cloud, ["hello"])
    page = open_page()
    held: list[Route] = []
    page.route(ROOM_SCRIPT, lambda route: held.append(route))
    with page.expect_request(ROOM_SCRIPT):
        page.evaluate(f"() => {{ location.hash = '#/rooms/{room_id}'; location.reload(); }}")
    expect(page.locator("body")).to_have_attribute("data-view", "loading")
    page.go_back()
    expect(page.get_by_role("list", name="Rooms").get_by_role("link").first).to_be_visible()
    with page.expect_response(ROOM_SCRIPT):
        held[-1].continue_()
    create_room(page, "Tea")
    expect(page).to_have_title("Tea · Chalice Chat")


def test_room_that_another_version_replaces_while_the_visitor_goes_to_and_fro_is_there_after_a_reload(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    held: list[Route] = []
    page.route(ROOM_SCRIPT, lambda route: held.append(route))
    with page.expect_request(ROOM_SCRIPT):
        page.get_by_role("list", name="Rooms").get_by_role("link").first.click()
    address = page.url
    page.go_back()
    page.go_forward()
    held[0].fulfill(status=404)
    expect(page.get_by_role("alertdialog")).to_contain_text("Reload the page?")
    page.unroute(ROOM_SCRIPT)
    agree(page, "Reload")
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert page.url == address


def test_page_without_scripts_says_what_it_needs(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.evaluate(END_DELAY)
    expect(page.locator("noscript .notice")).to_be_visible()
    expect(page.get_by_text(STILL_LOADING)).to_be_hidden()


def test_long_words_fit_the_screen_and_right_to_left_text_has_its_direction(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url, roomName="ת" * 80)
    page = open_page(room.link(), name="בועז")
    expect_connected(page)
    for message in ["y" * 400, "שלום, Aki!", "Hello, בועז!"]:
        say(page, message)
        expect_message(page, message)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        page.reload()
        expect_message(page, "y" * 400)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        expect(page.get_by_label("Message", exact=True)).to_be_in_viewport()
    # A pending message is replaced when the server confirms it, so look at the confirmed ones only.
    stored = page.locator("li.message:not(.pending)")
    for number, direction in enumerate(["ltr", "rtl", "ltr"]):
        expect(stored.locator(".body").nth(number)).to_have_css("direction", direction)
    expect(page.get_by_role("heading", name="ת" * 80)).to_have_css("direction", "rtl")
    expect(stored.locator("bdi").first).to_have_css("direction", "rtl")


class _OtherFrontEnd(SimpleHTTPRequestHandler):
    """Server of a page of another origin, as a development server of another front end."""

    def do_GET(self) -> None:
        page = b"<!doctype html><title>Another front end</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def other_origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OtherFrontEnd)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_page_of_another_origin_uses_the_api(open_page: OpenPage, cloud: LocalCloud, other_origin: str) -> None:
    page = open_page(other_origin)
    responses = page.evaluate(
        """async (rest) => {
            const headers = {"Content-Type": "application/json"};
            const created = await fetch(`${rest}/rooms`, {method: "POST", headers, body: '{"roomName": "Abroad"}'});
            const { roomId } = await created.json();
            const { rooms } = await (await fetch(`${rest}/rooms?limit=100`)).json();
            const { webSocketUrl } = await (await fetch(`${rest}/config`)).json();
            const socket = new WebSocket(`${webSocketUrl}?roomId=${roomId}`);
            const heard = new Promise((resolve) => { socket.onmessage = ({data}) => resolve(JSON.parse(data)); });
            await new Promise((resolve, reject) => { socket.onopen = resolve; socket.onerror = reject; });
            socket.send(JSON.stringify({action: "onMessage", data: {message: "hi from abroad"}}));
            const frame = await heard;
            socket.close();
            return [rooms.some((room) => room.room_id === roomId), frame.message.message];
        }""",
        cloud.rest_url,
    )
    assert responses == [True, "hi from abroad"]
    listed = requests.get(f"{cloud.rest_url}/rooms", headers={"Origin": other_origin}, timeout=20)
    assert listed.headers["Access-Control-Allow-Origin"] == "*"
