"""Two people, two browsers, one page."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import requests
from playwright.sync_api import Page, Route, WebSocket, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.browser.visitor import create_room, expect_message, messages, room_of, say, take_name
from tests.cloud import connection_ids

INCOMPLETE = "The page could not be loaded completely"
# Lets pass in no time what the style sheet waits for.
WAIT = "document.getAnimations().forEach((animation) => animation.finish())"


def test_two_people_talk_in_a_room(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "Hello Bo")
    expect_message(bo, "Hello Bo")
    say(bo, "Hello Aki 👋")
    expect_message(aki, "Hello Aki 👋")
    assert messages(aki) == messages(bo) == ["Hello Bo", "Hello Aki 👋"]


def test_who_is_here_and_who_comes_and_goes_is_seen(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    expect(aki.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki", "Bo"])
    expect(bo.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki", "Bo"])
    bo.close()
    expect(aki.get_by_role("log").get_by_text("Bo left")).to_be_visible()
    expect(aki.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki"])


def test_a_room_is_found_in_the_list_with_its_members(open_page: OpenPage) -> None:
    aki, bo = open_page(), open_page()
    create_room(aki, "Coffee and cake")
    entry = bo.get_by_role("list", name="Rooms").get_by_role("link", name="Coffee and cake")
    expect(entry).to_contain_text("1 here")
    entry.click()
    expect(bo.get_by_role("heading", name="Coffee and cake")).to_be_visible()
    expect(bo.get_by_role("status")).to_have_text("Connected")


def test_a_name_is_kept_over_a_reload_and_the_room_too(open_page: OpenPage) -> None:
    page = open_page()
    take_name(page, "Aki")
    create_room(page, "Tea")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("Connected")
    expect(page.get_by_label("Your name")).to_have_value("Aki")
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()


def test_what_people_write_is_text_and_nothing_else(open_page: OpenPage) -> None:
    page = open_page()
    hostile = "<img src=x onerror=alert(1)><b>bold</b>"
    take_name(page, "<i>Aki</i>")
    create_room(page, hostile)
    say(page, hostile)
    expect_message(page, hostile)
    expect(page.get_by_role("heading", name=hostile)).to_be_visible()
    assert page.locator("main img, main b, main i").count() == 0


def test_links_lead_out_safely(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "See https://example.com/tea_(drink). Not javascript:alert(1)")
    link = bo.get_by_role("log").get_by_role("link")
    expect(link).to_have_text("https://example.com/tea_(drink)")
    expect(link).to_have_attribute("href", "https://example.com/tea_(drink)")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    expect(link).to_have_attribute("target", "_blank")


def test_each_message_has_its_time_and_each_talk_its_day_and_names(pair: tuple[Page, Page]) -> None:
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


def test_right_to_left_text_is_laid_out_by_itself(open_page: OpenPage) -> None:
    page = open_page()
    take_name(page, "בועז")
    create_room(page, "תה")
    for message in ["שלום, Aki!", "Hello, בועז!"]:
        say(page, message)
        expect_message(page, message)
    # Not while they are pending: each is then about to give way to the message as it is stored.
    stored = page.locator("li.message:not(.pending)")
    for number, direction in enumerate(["rtl", "ltr"]):
        expect(stored.locator(".body").nth(number)).to_have_css("direction", direction)
    expect(page.get_by_role("heading", name="תה")).to_have_css("direction", "rtl")
    expect(stored.locator("bdi").first).to_have_css("direction", "rtl")


def test_the_title_counts_what_is_said_while_the_tab_is_hidden(pair: tuple[Page, Page]) -> None:
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


def test_the_invite_link_is_copied(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    create_room(page, "Tea")
    page.get_by_role("button", name="Copy invite link").click()
    expect(page.get_by_role("button", name="Invite link copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


@pytest.mark.parametrize("script", ["text.js", "rooms.js"])
def test_a_page_that_cannot_be_loaded_completely_says_so(open_page: OpenPage, cloud: LocalCloud, script: str) -> None:
    page = open_page("about:blank")
    page.route(f"**/static/{script}", lambda route: route.fulfill(status=429))
    page.goto(f"{cloud.rest_url}/")
    expect(page.get_by_text(INCOMPLETE)).to_be_visible()
    page.unroute(f"**/static/{script}")
    page.reload()
    create_room(page, "Tea")


def test_a_view_that_cannot_be_loaded_is_told_at_once(open_page: OpenPage) -> None:
    page = open_page()
    page.route("**/static/room.js", lambda route: route.abort())
    page.evaluate("location.hash = '#/rooms/r1'")
    page.locator("#load-error:not([hidden])").wait_for(state="attached")
    assert page.get_by_text(INCOMPLETE).is_visible()


@pytest.mark.parametrize("script", ["main.js", "rooms.js"])
def test_a_page_that_is_still_loading_is_not_called_incomplete(
    open_page: OpenPage, cloud: LocalCloud, script: str
) -> None:
    page = open_page("about:blank")
    held: list[Route] = []
    page.route(f"**/static/{script}", lambda route: held.append(route))
    with page.expect_request(f"**/static/{script}"):
        page.goto(f"{cloud.rest_url}/", wait_until="commit")
    # Until it has its style, a browser shows nothing of a page, though it would tell what is hidden by now.
    expect(page.locator("body")).to_have_css("margin-top", "0px")
    expect(page.get_by_label("Your name")).to_be_visible()
    assert not page.get_by_text(INCOMPLETE).is_visible()
    held[0].continue_()
    expect(page.locator("main:not([hidden], [inert])")).to_be_visible()
    page.evaluate(WAIT)
    assert not page.get_by_text(INCOMPLETE).is_visible()


def test_without_scripts_the_page_says_what_it_needs(open_page: OpenPage) -> None:
    page = open_page(java_script_enabled=False)
    page.evaluate(WAIT)
    expect(page.locator("noscript .notice")).to_be_visible()
    expect(page.get_by_text(INCOMPLETE)).to_be_hidden()


def test_a_bad_room_name_is_refused_in_plain_words(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_label("Room name").fill("   ")
    page.get_by_role("button", name="Create room").click()
    expect(page.get_by_role("alert")).to_have_text("roomName must not be blank")


def test_a_lost_connection_is_told_and_comes_back_by_itself(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    expect(bo.get_by_role("log").get_by_text("Aki left")).to_be_visible()
    aki.context.set_offline(False)
    expect(aki.get_by_role("status")).to_have_text("Connected")
    expect(bo.get_by_role("log").get_by_text("Aki joined")).to_be_visible()


def test_what_is_said_on_both_sides_of_a_lost_connection_is_the_same_on_both_pages(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    for number in range(10):
        say(bo, f"from Bo, {number}")
        expect_message(bo, f"from Bo, {number}")
    for number in range(2):
        say(aki, f"from Aki, {number}")
    assert [text for text in messages(aki) if "Aki" in text] == ["from Aki, 0", "from Aki, 1"]
    aki.context.set_offline(False)
    said = [f"from Bo, {number}" for number in range(10)] + ["from Aki, 0", "from Aki, 1"]
    for page in pair:
        expect(page.locator("[role=log] li.message:not(.pending) .body")).to_have_text(said, timeout=10_000)


def test_history_is_there_on_entering_and_older_messages_on_scrolling_up(
    open_page: OpenPage, cloud: LocalCloud
) -> None:
    said = [f"message {number}" for number in range(1, 121)]
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, said)}")
    expect_message(page, "message 120")
    assert "message 1" not in messages(page)
    page.wait_for_function(
        """() => {
            document.querySelector("[role=log]").scrollTop = 0;
            return [...document.querySelectorAll(".message .body")].some((body) => body.innerText === "message 1");
        }"""
    )
    assert messages(page) == said


def test_a_message_that_was_waiting_survives_a_reload(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.set_offline(True)
    say(aki, "before the reload")
    expect(aki.locator("li.pending .body")).to_have_text("before the reload")
    aki.context.set_offline(False)
    aki.reload()
    expect_message(bo, "before the reload")
    expect(aki.locator("li.message:not(.pending) .body")).to_have_text("before the reload")


def test_an_idle_page_pings_before_api_gateway_ends_its_connection(open_page: OpenPage) -> None:
    page = open_page()
    sockets: list[WebSocket] = []
    frames: list[str] = []

    def listen(socket: WebSocket) -> None:
        sockets.append(socket)
        socket.on("framesent", lambda frame: frames.append(str(frame)))
        socket.on("framereceived", lambda frame: frames.append(str(frame)))

    page.on("websocket", listen)
    page.clock.install()
    page.reload()
    create_room(page, "Tea")
    for _ in range(2):
        frames.clear()
        with sockets[-1].expect_event("framereceived"):
            page.clock.run_for(245_000)
        assert frames == ['{"action":"ping"}', '{"pong":true}']
    expect(page.get_by_role("status")).to_have_text("Connected")


def test_a_connection_that_api_gateway_ends_is_replaced_quietly(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page()
    page.clock.install()
    page.reload()
    take_name(page, "Aki")
    create_room(page, "Tea")
    page.clock.run_for(60_000)
    page.evaluate(
        """() => {
            window.statuses = [];
            const status = document.querySelector("[role=status]");
            new MutationObserver(() => statuses.push(status.textContent))
                .observe(status, {childList: true, characterData: true, subtree: true});
        }"""
    )
    room_id = page.url.rsplit("/", 1)[-1]
    (connection_id,) = connection_ids(cloud, room_id)
    url = cloud.websocket_url.replace("ws", "http", 1)
    requests.delete(f"{url}/@connections/{connection_id}", timeout=20)
    page.wait_for_function("() => statuses.includes('Connected')")
    assert page.evaluate("statuses") == ["Connecting…", "Connected"]
    say(page, "still here")
    expect_message(page, "still here")


def test_a_room_that_no_longer_exists_is_told_plainly(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page(f"{cloud.rest_url}/#/rooms/nosuchroom")
    expect(page.get_by_role("alert")).to_contain_text("This room no longer exists")
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()


def test_what_waits_for_a_room_that_no_longer_exists_is_told_to_be_lost(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_page()
    page.evaluate(
        """() => sessionStorage.setItem(
            "chalice-chat.outbox.nosuchroom",
            JSON.stringify([{ clientId: "c1", message: "Anybody?", sentAt: null, failure: null }]),
        )"""
    )
    page.goto(f"{cloud.rest_url}/#/rooms/nosuchroom")
    expect(page.get_by_text("Not sent. This room no longer exists.")).to_be_visible()


def test_the_keyboard_is_enough(open_page: OpenPage) -> None:
    page = open_page()
    expect(page.locator("main[inert]")).to_have_count(0)
    page.get_by_label("Room name").focus()
    page.keyboard.type("Tea")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Message", exact=True)).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Connected")
    page.keyboard.type("no mouse")
    page.keyboard.press("Enter")
    expect_message(page, "no mouse")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_nothing_is_wider_than_the_screen(open_page: OpenPage, width: int, scheme: str) -> None:
    page = open_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
    create_room(page, "x" * 80)
    say(page, "y" * 400)
    expect_message(page, "y" * 400)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.get_by_label("Message", exact=True)).to_be_in_viewport()


class _OtherFrontEnd(SimpleHTTPRequestHandler):
    """A page of another origin, as a front end's own development server gives it."""

    def do_GET(self) -> None:
        page = b"<!doctype html><title>Another front end</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def other_origin() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _OtherFrontEnd)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_a_page_of_another_origin_creates_lists_joins_and_talks(
    open_page: OpenPage, cloud: LocalCloud, other_origin: str
) -> None:
    page = open_page(other_origin)
    told = page.evaluate(
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
    assert told == [True, "hi from abroad"]
    listed = requests.get(f"{cloud.rest_url}/rooms", headers={"Origin": other_origin}, timeout=20)
    assert listed.headers["Access-Control-Allow-Origin"] == "*"
