"""examples/nextjs in Chromium: built as a static export, and served by another origin than the chat.

It has what needs a browser or the real server. web/nextjs/tests/ has the rest.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser import visitor
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.room import Room
from tests.support.browser.unsent import leave_rejected
from tests.support.browser.visitor import expect_message, room_of, say
from tests.support.projects import PROJECT

EXAMPLE = PROJECT / "examples/nextjs"
CLIENT = PROJECT / "web/client"
# The copy's packages are symbolic links, which Turbopack follows only below its root. `make lint` checks the types.
CONFIG = """
import config from "./example.config";

export default { ...config, turbopack: { root: "/" }, typescript: { ignoreBuildErrors: true } };
"""


requested: list[str] = []
"""The paths that the server of the pages was asked for, and the addresses of the pages that asked."""


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        requested.extend([self.path, self.headers["Referer"] or ""])


@pytest.fixture(scope="module")
def site(cloud: LocalCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build a copy of the front end for the local cloud, and return its address."""
    folder = tmp_path_factory.mktemp("site") / "nextjs"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("node_modules", ".next", "out", ".env*"))
    (folder / "next.config.ts").rename(folder / "example.config.ts")
    (folder / "next.config.ts").write_text(CONFIG)
    install_packages(folder / "node_modules")
    environment = os.environ | {"NEXT_PUBLIC_CHAT_URL": cloud.rest_url, "NEXT_TELEMETRY_DISABLED": "1"}
    run("npm", "run", "build", folder=folder, environment=environment)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder / "out"))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def install_packages(folder: Path) -> None:
    """Link the installed packages, and build the client library as it is now."""
    folder.mkdir()
    installed = EXAMPLE / "node_modules"
    assert installed.is_dir(), "the Node.js packages are missing: `make tools` installs them"
    for package in installed.iterdir():
        (folder / package.name).symlink_to(package.resolve())
    client = folder / "chalice-chat-client"
    client.unlink()
    client.mkdir()
    shutil.copy(CLIENT / "package.json", client)
    run(str(PROJECT / "web/node_modules/.bin/tsc"), "--outDir", str(client / "dist"), folder=CLIENT)


def run(*command: str, folder: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def create_room(page: Page, name: str, *, private: bool = False) -> None:
    page.get_by_label("Room name").fill(name)
    page.get_by_label("Private").set_checked(private)
    page.get_by_role("button", name="Create room").click()
    expect_connected(page)


def take_name(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")
    expect(members(page).filter(has_text="(you)")).to_contain_text(name)


def members(page: Page) -> Locator:
    return page.get_by_role("list", name="Members").get_by_role("listitem")


def open_members(page: Page) -> None:
    page.get_by_text(re.compile("^[0-9]+ (person|people)$")).click()


def open_actions(page: Page, text: str) -> Locator:
    """Open the actions of a message, and return its entry."""
    entry = page.get_by_role("log").get_by_role("listitem").filter(has_text=text)
    entry.locator("summary").click()
    return entry


def expect_connected(page: Page) -> None:
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


def expect_stored(page: Page, text: str) -> None:
    expect(page.get_by_role("log").get_by_role("listitem").filter(has_text=text).locator("summary")).to_be_visible()


def room_path(page: Page) -> str:
    """Return the path of a room on the page of the app."""
    (room_id,) = re.findall(r"/room/\?id=([\w-]+)", page.url)
    return f"#/rooms/{room_id}"


def test_front_end_and_page_of_the_app_share_a_room(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Tea")
    expect(aki).to_have_title(re.compile("^Tea "))
    aki.get_by_text("1 person").click()
    take_name(aki, "Aki")
    bo = open_page(f"{cloud.rest_url}/{room_path(aki)}")
    visitor.take_name(bo, "Bo")
    expect(bo.get_by_role("status")).to_have_text("Connected")
    expect(members(aki)).to_contain_text(["Aki owner (you)", "Bo"])
    say(aki, "one\ntwo")
    expect_message(bo, "one two")
    say(bo, "three")
    expect_message(aki, "three")
    assert aki.locator(".log .text").all_inner_texts() == visitor.messages(bo) == ["one\ntwo", "three"]
    expect(aki.get_by_role("log").get_by_role("listitem")).to_contain_text(["Aki owner (you)", "Bo"])
    cy = open_page(f"{site}/room/")  # without a room, it leads to the list
    expect(cy.get_by_role("listitem").filter(has_text="Tea").first).to_have_text("Tea 2 people")
    cy.get_by_role("link", name="Tea").first.click()
    expect_message(cy, "three")
    expect(aki.get_by_text("3 people")).to_be_visible()
    second_tab = aki.context.new_page()
    second_tab.goto(aki.url)
    expect_connected(second_tab)
    expect(second_tab.get_by_text("3 people")).to_be_visible()


def test_visit_opens_one_web_socket(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, [])}")
    expect_connected(page)
    page.get_by_text("1 person").click()
    take_name(page, "Aki")
    opened: list[WebSocket] = []
    page.on("websocket", lambda socket: opened.append(socket))
    page.reload()
    expect_connected(page)
    say(page, "Hello")
    expect_message(page, "Hello")
    assert len(opened) == 1
    assert "&name=Aki&" in opened[0].url
    with opened[0].expect_event("close"):  # who is back at once keeps the connection
        page.get_by_role("link", name="Rooms").click()
    expect(page.get_by_role("heading", name="Rooms")).to_be_visible()
    page.go_back()
    expect_message(page, "Hello")
    expect_connected(page)
    assert [socket.is_closed() for socket in opened] == [True, False]


def test_tokens_reach_no_server_of_pages(open_page: OpenPage, site: str) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Surprise", private=True)
    (token,) = re.findall(r"#token=([\w-]+)$", aki.url)
    owner = aki.evaluate("Object.entries(localStorage).find(([key]) => key.startsWith('chalice-chat.owner.'))[1]")
    aki.reload()
    expect(aki.get_by_text("Manage room")).to_be_visible()
    bo = open_page(f"{aki.url}&owner={owner}")  # the owner's link, on another device
    expect(bo.get_by_text("Manage room")).to_be_visible()
    assert bo.url == aki.url
    bo.get_by_role("link", name="Rooms").click()
    expect(bo.get_by_role("heading", name="Rooms")).to_be_visible()
    assert requested
    assert [text for text in requested if token in text or owner in text] == []


def test_what_the_owner_does_reaches_the_others(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url, private=True)
    former_link = f"{site}/room/?id={room.id}#token={room.token}"
    aki = open_page(f"{former_link}&owner={room.owner_token}")
    expect_connected(aki)
    aki.get_by_text("Manage room").click()
    with room.join("Bo") as bo:
        say(aki, "Tea")
        expect_stored(aki, "Tea")
        aki.get_by_label("Message", exact=True).press("ArrowUp")
        aki.get_by_label("Text of your message").fill("Tea?")
        aki.get_by_label("Text of your message").press("Enter")
        edited = bo.hear("edited")
        assert edited["text"] == "Tea?"
        open_actions(aki, "Tea?").get_by_role("button", name="React with 👍").click()
        expect(aki.get_by_role("button", name="👍 1: You")).to_be_visible()
        bo.act("reportMessage", sequence=edited["target"], reason="wrong")
        question = bo.say("Sugar?")
        open_actions(aki, "Sugar?").get_by_role("button", name="Reply").click()
        say(aki, "No")
        assert bo.hear("message")["replyTo"] == question["sequence"]
        nonsense = bo.say("Buy my pills")
        open_actions(aki, "Buy my pills").get_by_role("button", name="Delete").click()
        assert bo.hear("deleted")["target"] == nonsense["sequence"]
        aki.get_by_role("button", name="Show reported messages").click()
        expect(aki.get_by_role("list", name="Reported messages")).to_contain_text("Bo reported Tea?: wrong")
        aki.get_by_label("Name", exact=True).fill("Coffee")
        aki.get_by_label("Seconds between").fill("5")
        aki.get_by_role("button", name="Save").click()
        updated = bo.hear("updated")["room"]
        assert (updated["name"], updated["slowSeconds"]) == ("Coffee", 5)
        aki.get_by_role("button", name="New invite link").click()
        expect(aki).not_to_have_url(former_link)
        expect(open_page(former_link).get_by_text("This room is private")).to_be_visible()
        open_members(aki)
        mute = aki.get_by_role("button", name="Mute for 5 minutes: Bo")
        mute.click()
        assert bo.hear("muted")["member"]["name"] == "Bo"
        aki.get_by_role("button", name="Unmute: Bo").click()
        expect(mute).to_be_visible()
        aki.get_by_role("button", name="Remove: Bo").click()
        assert bo.hear("removed")["member"]["name"] == "Bo"
    aki.get_by_role("button", name="Show removed people").click()
    aki.get_by_role("button", name="Let back in").click()
    expect(aki.get_by_text("Nobody is kept out.")).to_be_visible()
    aki.get_by_label("Locked").check()
    aki.get_by_role("button", name="Save").click()
    expect(aki.get_by_text("Locked", exact=True)).to_be_visible()
    cy = open_page(aki.url)
    expect(cy.get_by_role("alert").get_by_text("This room is locked")).to_be_visible()
    aki.get_by_label("Locked").uncheck()
    aki.get_by_role("button", name="Save").click()
    expect(aki.get_by_text("Locked", exact=True)).to_be_hidden()
    cy.get_by_role("button", name="Join again").click()
    expect_connected(cy)
    aki.get_by_role("button", name="Close room…").click()
    aki.get_by_role("button", name="Close it for everyone").click()
    expect(cy.get_by_role("alert").get_by_text("The owner has closed this room.")).to_be_visible()


def test_visitor_reads_earlier_messages_while_others_arrive(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    visitor.write_history(cloud, room.id, [f"message {number}" for number in range(110)])
    page = open_page(f"{site}/room/?id={room.id}")
    log, texts = page.get_by_role("log"), page.locator(".log .text")
    expect(log.get_by_text("message 109")).to_be_in_viewport()
    expect(texts).to_have_count(50)
    expect(page.get_by_text("1 person")).to_be_visible()  # this line makes the log smaller
    log.evaluate("(log) => log.scrollTo(0, -log.scrollHeight)")
    page.get_by_role("button", name="Show earlier messages").click()
    expect(texts).to_have_count(100)
    expect(log).to_be_focused()
    earlier = log.get_by_text("message 60", exact=True)
    expect(earlier).to_be_in_viewport()  # the visitor reads on there
    with room.join("Bo") as bo:
        one = bo.say("one")
        expect(page.get_by_role("button", name="1 new message")).to_be_visible()
        bo.say("two")
        expect(page.get_by_role("button", name="2 new messages")).to_be_visible()
        expect(earlier).to_be_in_viewport()
        bo.act("deleteMessage", sequence=one["sequence"])
        page.get_by_role("button", name="1 new message").click()
        expect(log.get_by_text("two", exact=True)).to_be_in_viewport()
        expect(page.get_by_role("button", name="new message")).to_have_count(0)
        earlier.scroll_into_view_if_needed()
        say(page, "three")
        expect(log.get_by_text("three", exact=True)).to_be_in_viewport()
        bo.act("sendMessage", message="Look", replyTo=1)
    expect(log.get_by_role("listitem").filter(has_text="Look").locator(".quote")).to_have_text("Bo: message 0")
    expect(texts).to_have_count(103)  # the quoted one is not among them
    page.set_viewport_size({"width": 320, "height": 400})
    page.get_by_label("Message", exact=True).fill("x" * 4_001)
    log.scroll_into_view_if_needed()
    expect(log).to_be_in_viewport(ratio=1)
    box = log.bounding_box()
    assert box is not None
    assert box["height"] >= 100
    page.get_by_role("button", name="Send").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)


def states(page: Page, site: str, cloud: LocalCloud) -> Iterator[str]:
    """Bring the page into one state after the other, and yield the name of each."""
    page.goto(site)
    yield "start"
    page.goto(f"{site}/create/")
    yield "form"
    room_id = room_of(cloud, ["Hello", "שלום"])
    page.goto(f"{site}/rooms/")
    expect(page.get_by_role("listitem").first).to_be_visible()
    yield "rooms"
    page.goto(f"{site}/room/?id={room_id}")
    page.get_by_text("1 person").click()
    leave_rejected(page, room_id, "Well", failure="too fast")
    expect(page.get_by_text("Not sent: too fast")).to_be_visible()
    expect_connected(page)
    page.context.set_offline(True)
    say(page, "Anybody?")
    expect(page.get_by_text("Waiting for the connection")).to_be_visible()
    yield "room"
    page.context.set_offline(False)
    page.goto(f"{site}/create/")
    create_room(page, "Tea", private=True)
    say(page, "Tea?")
    open_actions(page, "Tea?").get_by_role("button", name="React with 👍").click()
    expect(page.get_by_role("button", name="👍 1: You")).to_be_visible()
    page.get_by_role("log").get_by_role("button", name="Reply").click()
    say(page, "https://bank.example\u2044login.evil.example/")
    open_actions(page, "evil").get_by_role("button", name="Reply").click()
    open_actions(page, "evil")
    page.get_by_role("log").locator("summary").first.click()
    page.get_by_role("log").get_by_role("button", name="Edit").first.click()
    page.get_by_text("Manage room").click()
    page.get_by_role("button", name="Show reported messages").click()
    page.get_by_role("button", name="Show removed people").click()
    expect(page.get_by_text("Nobody is kept out.")).to_be_visible()
    page.get_by_role("button", name="Close room…").click()
    say(page, "x" * 4_001)
    yield "owner's room"
    page.goto(f"{site}/room/?id=nosuchroom")
    expect(page.get_by_text("This room no longer exists")).to_be_visible()
    yield "room that is gone"


def test_no_state_has_an_accessibility_violation(
    open_page: OpenPage, site: str, cloud: LocalCloud, subtests: pytest.Subtests
) -> None:
    page = open_page("about:blank")
    for state in states(page, site, cloud):
        with subtests.test(state):
            expect_no_violations(page)
