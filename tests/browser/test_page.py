"""The web page, as one or two visitors use it in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from playwright.sync_api import Page, Route, WebSocket, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import (
    agree,
    create_room,
    expect_greeting,
    expect_later,
    expect_message,
    expect_true,
    expect_view,
    messages,
    room_of,
    say,
    take_name,
)
from tests.support.cloud import connection_ids

LIST_REFRESH_MS = 5_000
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


def test_two_people_read_each_others_messages(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "Hello Bo")
    expect_message(bo, "Hello Bo")
    say(bo, "Hello Aki 👋")
    expect_message(aki, "Hello Aki 👋")
    assert messages(aki) == messages(bo) == ["Hello Bo", "Hello Aki 👋"]


def test_page_shows_members_and_who_left(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    expect(aki.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki owner (you)", "Bo⋯"])
    expect(bo.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki owner⋯", "Bo (you)"])
    aki.clock.install()
    bo.close()
    expect_later(aki.get_by_role("log").get_by_text("Bo left"))
    expect(aki.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki owner (you)"])


def test_room_list_refreshes_and_shows_the_member_count(open_page: OpenPage) -> None:
    aki, bo = open_page(), open_page("about:blank")
    bo.clock.install()
    bo.goto(aki.url)
    expect_view(bo)
    create_room(aki, "Coffee and cake")
    bo.clock.run_for(LIST_REFRESH_MS)
    entry = bo.get_by_role("list", name="Rooms").get_by_role("link", name="Coffee and cake")
    expect(entry).to_contain_text("1 here")
    entry.click()
    expect(bo.get_by_role("heading", name="Coffee and cake")).to_be_visible()
    expect(bo.get_by_role("status")).to_have_text("Connected")


def test_reload_keeps_name_and_room(open_page: OpenPage) -> None:
    page = open_page()
    take_name(page, "Aki")
    create_room(page, "Tea")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect(page.get_by_label("Your name")).to_have_value("Aki")
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()


def test_html_in_messages_and_names_is_shown_as_text(open_page: OpenPage) -> None:
    page = open_page()
    hostile = "<img src=x onerror=alert(1)><b>bold</b>"
    take_name(page, "<i>Aki</i>")
    create_room(page, hostile)
    say(page, hostile)
    expect_message(page, hostile)
    expect(page.get_by_role("heading", name=hostile)).to_be_visible()
    assert page.locator("main img, main b, main i").count() == 0


def test_links_open_in_a_new_tab_without_referrer(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "See https://example.com/tea_(drink). Not javascript:alert(1)")
    link = bo.get_by_role("log").get_by_role("link")
    expect(link).to_have_text("https://example.com/tea_(drink)")
    expect(link).to_have_attribute("href", "https://example.com/tea_(drink)")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")


def test_messages_show_time_day_and_sender(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    for page, message in [(bo, "Hi"), (bo, "Tea?"), (aki, "Yes"), (bo, "👍")]:
        say(page, message)
        expect(aki.locator("li.message:not(.pending)").get_by_text(message)).to_be_visible()
    log = aki.get_by_role("log")
    expect(log.locator(".day")).to_have_count(1)
    expect(log.locator("li.message:not(.continued) bdi")).to_have_text(["Bo", "Aki", "Bo"])
    times = log.locator("li.message time")
    expect(times).to_have_count(4)
    age = "(time) => Date.now() - Date.parse(time.dateTime)"
    assert all(0 <= time.evaluate(age) < 60_000 for time in times.all())
    assert str(aki.evaluate("new Date().getFullYear()")) in str(times.first.get_attribute("title"))
    assert log.locator(".emoji").all_inner_texts() == ["👍"]


def test_right_to_left_text_has_its_direction(open_page: OpenPage) -> None:
    page = open_page()
    take_name(page, "בועז")
    create_room(page, "תה")
    for message in ["שלום, Aki!", "Hello, בועז!"]:
        say(page, message)
        expect_message(page, message)
    # A pending message is replaced when the server confirms it, so look at the confirmed ones only.
    stored = page.locator("li.message:not(.pending)")
    for number, direction in enumerate(["rtl", "ltr"]):
        expect(stored.locator(".body").nth(number)).to_have_css("direction", direction)
    expect(page.get_by_role("heading", name="תה")).to_have_css("direction", "rtl")
    expect(stored.locator("bdi").first).to_have_css("direction", "rtl")


def test_title_counts_messages_while_the_tab_is_hidden(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    expect(aki).to_have_title("Tea · Chalice Chat")
    hide = """(isHidden) => {
        Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    aki.evaluate(hide, True)
    say(bo, "one")
    say(bo, "two")
    expect(aki).to_have_title("(2) Tea · Chalice Chat")
    aki.evaluate(hide, False)
    expect(aki).to_have_title("Tea · Chalice Chat")


def test_button_copies_the_invite_link(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    create_room(page, "Tea")
    page.get_by_role("button", name="Copy invite link").click()
    expect(page.get_by_role("button", name="Invite link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_page_whose_script_is_missing_says_to_reload(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page("about:blank")
    page.route("**/static/page-*.js", lambda route: route.fulfill(status=429))
    page.goto(f"{cloud.rest_url}/")
    page.evaluate(END_DELAY)
    expect(page.get_by_role("status")).to_have_text(STILL_LOADING)
    page.unroute("**/static/page-*.js")
    page.reload()
    create_room(page, "Tea")


def test_room_whose_script_is_missing_says_to_reload(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, ["hello"])
    page = open_page("about:blank")
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
    link = page.get_by_role("list", name="Rooms").get_by_role("link").first
    link.click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    expect_view(page)
    link.click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Reload the page?")
    page.unroute(ROOM_SCRIPT)
    agree(page, "Reload")
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_visitor_who_goes_back_while_the_room_is_loading_stays_in_the_list(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    held: list[Route] = []
    page.route(ROOM_SCRIPT, lambda route: held.append(route))
    with page.expect_request(ROOM_SCRIPT):
        page.get_by_role("list", name="Rooms").get_by_role("link").first.click()
    page.go_back()
    with page.expect_response(ROOM_SCRIPT):
        held[0].continue_()
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


def test_question_to_reload_ends_when_the_visitor_goes_back(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    page.route(ROOM_SCRIPT, lambda route: route.fulfill(status=404))
    page.get_by_role("list", name="Rooms").get_by_role("link").first.click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Reload the page?")
    address = page.url
    page.go_back()
    expect(page.get_by_role("alertdialog")).to_be_hidden()
    page.go_forward()
    expect(page.get_by_role("alertdialog")).to_contain_text("Reload the page?")
    page.unroute(ROOM_SCRIPT)
    agree(page, "Reload")
    expect(page.get_by_role("status")).to_have_text("Connected")
    assert page.url == address


def test_visitor_without_connection_tries_again_to_open_a_room(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    link = page.get_by_role("list", name="Rooms").get_by_role("link").first
    expect(link).to_be_visible()
    page.context.set_offline(True)
    link.click()
    expect(page.get_by_role("alertdialog")).to_contain_text("there is no connection.")
    page.context.set_offline(False)
    agree(page, "Try again")
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_room_that_loads_slowly_says_so(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_of(cloud, ["hello"])
    page = open_page()
    expect(page.get_by_role("list", name="Rooms").get_by_role("link").first).to_be_visible()
    page.clock.install()
    held: list[Route] = []
    page.route(ROOM_SCRIPT, lambda route: held.append(route))
    with page.expect_request(ROOM_SCRIPT):
        page.get_by_role("list", name="Rooms").get_by_role("link").first.click()
    assert not page.get_by_text(STILL_LOADING).is_visible()
    page.clock.run_for(3_000)
    expect(page.get_by_text(STILL_LOADING)).to_be_visible()
    held[0].continue_()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()
    expect(page.get_by_text(STILL_LOADING)).to_be_hidden()


def test_slow_script_is_not_an_error(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page("about:blank")
    held: list[Route] = []
    page.route("**/static/page-*.js", lambda route: held.append(route))
    with page.expect_request("**/static/page-*.js"):
        page.goto(f"{cloud.rest_url}/", wait_until="commit")
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


def test_page_without_scripts_says_what_it_needs(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.evaluate(END_DELAY)
    expect(page.locator("noscript .notice")).to_be_visible()
    expect(page.get_by_text(STILL_LOADING)).to_be_hidden()


def test_invalid_room_name_is_rejected_with_the_reason(open_page: OpenPage) -> None:
    page = open_page()
    expect_view(page)
    page.get_by_label("Room name").fill("   ")
    page.get_by_role("button", name="Create room").click()
    expect(page.get_by_role("alert")).to_have_text("Room name must not be blank.")


def test_lost_connection_is_shown_and_reconnects(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    bo.clock.install()
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    expect_later(bo.get_by_role("log").get_by_text("Aki left"))
    aki.context.set_offline(False)
    expect(aki.get_by_role("status")).to_have_text("Connected")
    expect(bo.get_by_role("log").get_by_text("Aki joined")).to_be_visible()


def test_both_pages_show_the_same_messages_after_a_lost_connection(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    for number in range(10):
        say(bo, f"from Bo, {number}")
        expect_message(bo, f"from Bo, {number}")
    expect(bo.locator("#pending li")).to_have_count(0)
    for number in range(2):
        say(aki, f"from Aki, {number}")
    assert [text for text in messages(aki) if "Aki" in text] == ["from Aki, 0", "from Aki, 1"]
    aki.context.set_offline(False)
    said = [f"from Bo, {number}" for number in range(10)] + ["from Aki, 0", "from Aki, 1"]
    for page in pair:
        expect(page.locator("[role=log] li.message:not(.pending) .body")).to_have_text(said, timeout=10_000)


def test_scrolling_up_loads_older_messages(open_page: OpenPage, cloud: LocalCloud) -> None:
    said = [f"message {number}" for number in range(1, 121)]
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, said)}")
    expect_message(page, "message 120")
    assert "message 1" not in messages(page)
    expect_true(
        page,
        """() => {
            document.querySelector("[role=log]").scrollTop = 0;
            return [...document.querySelectorAll(".message .body")].some((body) => body.innerText === "message 1");
        }""",
    )
    assert messages(page) == said


def test_pending_message_survives_a_reload(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.set_offline(True)
    say(aki, "before the reload")
    expect(aki.locator("li.pending .body")).to_have_text("before the reload")
    aki.context.set_offline(False)
    aki.reload()
    expect_message(bo, "before the reload")
    expect(aki.locator("li.message:not(.pending) .body")).to_have_text("before the reload")


def test_idle_page_sends_one_frame_before_the_idle_timeout(open_page: OpenPage) -> None:
    page = open_page()
    sockets: list[WebSocket] = []
    sent: list[str] = []
    received: list[str] = []
    requests: list[str] = []

    def listen(socket: WebSocket) -> None:
        sockets.append(socket)
        socket.on("framesent", lambda frame: sent.append(str(frame)))
        socket.on("framereceived", lambda frame: received.append(str(frame)))

    def wait_for_welcomes(count: int) -> None:
        while sum("welcome" in frame for frame in received) < count:
            sockets[-1].wait_for_event("framereceived")

    page.on("websocket", listen)
    page.add_init_script("Math.random = () => 1 - Number.EPSILON")  # a heartbeat after four minutes, not after three
    page.clock.install()
    page.reload()
    create_room(page, "Tea")
    expect_greeting(page)
    page.clock.run_for(3_000)
    wait_for_welcomes(2)  # a page says hello twice on each connection
    page.on("request", lambda request: requests.append(request.url))
    for beat in (1, 2):
        sent.clear()
        page.clock.run_for(240_000)  # not much more: the time-out of the response would pass, too
        wait_for_welcomes(2 + beat)
        assert sent == ['{"action":"hello"}']
    assert (requests, len(sockets)) == ([], 1)
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_connection_closed_by_api_gateway_is_replaced_without_a_warning(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page()
    page.clock.install()
    page.reload()
    take_name(page, "Aki")
    create_room(page, "Tea")
    expect_greeting(page)
    page.clock.run_for(60_000)
    page.evaluate(
        """() => {
            window.statuses = [];
            const status = document.querySelector("#connection-state");
            new MutationObserver(() => statuses.push(status.textContent))
                .observe(status, {childList: true, characterData: true, subtree: true});
        }"""
    )
    room_id = page.url.rsplit("/", 1)[-1]
    (connection_id,) = connection_ids(cloud, room_id)
    url = cloud.websocket_url.replace("ws", "http", 1)
    requests.delete(f"{url}/@connections/{connection_id}", timeout=20)
    expect_true(page, "() => statuses.includes('Connected')")
    assert page.evaluate("statuses") == ["Connecting…", "Connected"]
    say(page, "still here")
    expect_message(page, "still here")


def test_expired_room_is_reported(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page(f"{cloud.rest_url}/#/rooms/nosuchroom")
    expect(page.get_by_role("alert")).to_contain_text("This room no longer exists")
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()


def test_pending_message_for_an_expired_room_is_marked_as_not_sent(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page()
    page.evaluate(
        """() => sessionStorage.setItem(
            "chalice-chat.outbox.nosuchroom",
            JSON.stringify([{ clientId: "c1", message: "Anybody?", sentAt: null, failure: null }]),
        )"""
    )
    page.goto(f"{cloud.rest_url}/#/rooms/nosuchroom")
    expect(page.get_by_text("Not sent. This room no longer exists.")).to_be_visible()


def test_keyboard_alone_creates_a_room_and_sends_a_message(open_page: OpenPage) -> None:
    page = open_page()
    expect_view(page)
    page.get_by_label("Room name").focus()
    page.keyboard.type("Tea")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Connected")
    page.keyboard.type("no mouse")
    page.keyboard.press("Enter")
    expect_message(page, "no mouse")


def test_page_fits_the_width_of_the_screen(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "x" * 80)
    say(page, "y" * 400)
    expect_message(page, "y" * 400)
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 700})
        page.reload()
        expect_message(page, "y" * 400)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        expect(page.get_by_label("Message", exact=True)).to_be_in_viewport()


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
