"""examples/nextjs in Chromium: built as a static export, and served by another origin than the chat."""

from __future__ import annotations

import json
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
from playwright.sync_api import Page, WebSocket, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser import visitor
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.visitor import expect_message, room_of, say
from tests.support.projects import PROJECT

EXAMPLE = PROJECT / "examples/nextjs"
CLIENT = PROJECT / "web/client"
# The copy's packages are symbolic links, which Turbopack follows only below its root. `make lint` checks the types.
CONFIG = """
import config from "./example.config";

export default { ...config, turbopack: { root: "/" }, typescript: { ignoreBuildErrors: true } };
"""


class Files(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Log nothing."""


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
    expect(page.get_by_role("listitem").get_by_text(f"{name} (you)")).to_have_count(1)


def expect_connected(page: Page) -> None:
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()


def room_path(page: Page) -> str:
    """Return the path of a room on the page of the app."""
    (room_id,) = re.findall(r"/room/\?id=([\w-]+)", page.url)
    return f"#/rooms/{room_id}"


def fail_messages(page: Page, room_id: str, *texts: str) -> None:
    """Reload the page of a room with messages that were not sent."""
    pending = [{"clientId": text, "message": text, "sentAt": None, "failure": "too fast"} for text in texts]
    page.evaluate(
        "([key, value]) => sessionStorage.setItem(key, value)", [f"chalice-chat.outbox.{room_id}", json.dumps(pending)]
    )
    page.reload()
    expect(page.get_by_text("Not sent: too fast")).to_have_count(len(texts))


def test_front_end_and_page_of_the_app_share_a_room(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Tea")
    expect(aki).to_have_title(re.compile("^Tea "))
    aki.get_by_text("1 person").click()
    take_name(aki, "Aki")
    bo = open_page(f"{cloud.rest_url}/{room_path(aki)}")
    visitor.take_name(bo, "Bo")
    expect(bo.get_by_role("status")).to_have_text("Connected")
    expect(aki.get_by_role("list", name="Members").get_by_role("listitem")).to_have_text(["Aki (you)", "Bo"])
    say(aki, "one\ntwo")
    expect_message(bo, "one two")
    say(bo, "three")
    expect_message(aki, "three")
    assert aki.locator(".log .text").all_inner_texts() == visitor.messages(bo) == ["one\ntwo", "three"]
    expect(aki.get_by_role("log").get_by_role("listitem")).to_contain_text(["Aki (you)", "Bo"])
    cy = open_page(f"{site}/rooms/")
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


def test_private_room_requires_its_invite_link(open_page: OpenPage, site: str) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Surprise", private=True)
    bo = open_page(aki.url)
    expect_connected(bo)
    expect(bo.get_by_role("heading", name="Surprise")).to_be_visible()
    cy = open_page(aki.url.split("&token")[0])
    expect(cy.get_by_role("alert").get_by_text("This room is private")).to_be_visible()
    expect(cy.get_by_label("Message", exact=True)).to_be_hidden()


def test_page_says_that_the_room_is_gone(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/room/?id=nosuchroom")
    expect(page.get_by_role("alert").get_by_text("This room no longer exists")).to_be_visible()
    page.get_by_role("link", name="Choose another room").click()
    expect(page).to_have_url(f"{site}/rooms/")


def test_room_page_without_a_room_shows_the_list(open_page: OpenPage, site: str) -> None:
    expect(open_page(f"{site}/room/").get_by_role("heading", name="Rooms")).to_be_visible()


def test_earlier_messages_are_shown_on_request(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, [f'message {number}' for number in range(52)])}")
    expect(page.get_by_role("log").get_by_text("message 51")).to_be_in_viewport()
    expect(page.locator(".log .text")).to_have_count(50)
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.locator(".log .text")).to_have_count(52)
    expect(page.get_by_role("log")).to_be_focused()


def test_failed_messages_are_sent_again_or_discarded(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, [])
    page = open_page(f"{site}/room/?id={room_id}")
    expect_connected(page)
    fail_messages(page, room_id, "first", "second")
    page.get_by_role("button", name="Discard").first.click()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("listitem").filter(has=page.locator("time"))).to_contain_text(["second"])
    expect(page.locator(".log .text")).to_have_text(["second"])


def test_form_keeps_its_fields_when_the_room_is_not_created(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/create/")
    page.route("**/rooms", lambda route: route.abort())
    page.get_by_label("Room name").fill("Tea")
    page.get_by_label("Private").check()
    page.get_by_role("button", name="Create room").click()
    expect(page.get_by_role("alert").get_by_text("The room was not created")).to_be_visible()
    expect(page.get_by_label("Room name")).to_have_value("Tea")
    expect(page.get_by_label("Private")).to_be_checked()


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
    fail_messages(page, room_id, "Well")
    expect_connected(page)
    page.context.set_offline(True)
    say(page, "Anybody?")
    expect(page.get_by_text("Waiting for the connection")).to_be_visible()
    yield "room"
    page.context.set_offline(False)
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
