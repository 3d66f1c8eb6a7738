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
import requests
from playwright.sync_api import Locator, Page, Route, WebSocket, expect
from websockets.sync.client import ClientConnection, connect

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


def take_guest_name(page: Page, name: str) -> None:
    """Take a name in a room, with the list of members open afterwards."""
    expect_connected(page)
    open_members(page)
    take_name(page, name)


def members(page: Page) -> Locator:
    return page.get_by_role("list", name="Members").get_by_role("listitem")


def open_members(page: Page) -> None:
    page.get_by_text(re.compile("^[0-9]+ (person|people)$")).click()


def open_actions(page: Page, text: str) -> Locator:
    """Open the actions of a message, and return its entry."""
    entry = page.get_by_role("log").get_by_role("listitem").filter(has_text=text)
    entry.locator("summary").click()
    return entry


def enter(cloud: LocalCloud, room_id: str, name: str) -> ClientConnection:
    """Enter a room without a page."""
    return connect(f"{cloud.websocket_url}?roomId={room_id}&name={name}", proxy=None)


def send(connection: ClientConnection, action: str, **data: object) -> None:
    connection.send(json.dumps({"action": action, "data": data}))


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
    expect(members(aki)).to_contain_text(["Aki owner (you)", "Bo"])
    say(aki, "one\ntwo")
    expect_message(bo, "one two")
    say(bo, "three")
    expect_message(aki, "three")
    assert aki.locator(".log .text").all_inner_texts() == visitor.messages(bo) == ["one\ntwo", "three"]
    expect(aki.get_by_role("log").get_by_role("listitem")).to_contain_text(["Aki owner (you)", "Bo"])
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
    cy = open_page(aki.url.split("#")[0])
    expect(cy.get_by_role("alert").get_by_text("This room is private")).to_be_visible()
    expect(cy.get_by_label("Message", exact=True)).to_be_hidden()


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


def test_wrong_owner_token_of_a_link_does_not_replace_the_right_one(open_page: OpenPage, site: str) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Tea")
    expect(aki.get_by_text("Manage room")).to_be_visible()
    link = aki.url
    (owner,) = aki.evaluate("Object.entries(localStorage).filter(([key]) => key.includes('.owner.')).map((e) => e[1])")
    aki.goto("about:blank")
    aki.goto(f"{link}#owner=wrong")
    expect(aki.get_by_text("Manage room")).to_be_visible()
    assert aki.url == link
    aki.reload()
    expect(aki.get_by_text("Manage room")).to_be_visible()
    bo = open_page(f"{link}#owner=wrong")
    expect_connected(bo)
    bo.goto("about:blank")
    bo.goto(f"{link}#owner={owner}")
    expect(bo.get_by_text("Manage room")).to_be_visible()
    assert bo.url == link
    aki.goto(f"{site}/create/")
    create_room(aki, "Surprise", private=True)
    expect(aki.get_by_text("Manage room")).to_be_visible()
    path = aki.url.partition("#")[0]
    (room_id,) = re.findall(r"id=([\w-]+)", path)
    owner = aki.evaluate("(id) => localStorage.getItem(`chalice-chat.owner.${id}`)", room_id)
    bo.goto(f"{path}#owner=wrong")
    expect(bo.get_by_text("This room is private")).to_be_visible()
    bo.goto("about:blank")
    bo.goto(f"{path}#owner={owner}")
    expect(bo.get_by_text("Manage room")).to_be_visible()


def test_draft_outlasts_a_closed_room(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, ['early'])}")
    expect_connected(page)
    page.get_by_label("Message", exact=True).fill("A draft")
    page.get_by_role("button", name="Leave").click()
    page.get_by_role("button", name="Join again").click()
    expect(page.get_by_label("Message", exact=True)).to_have_value("A draft")


def test_edit_that_is_saved_leaves_another_one_alone(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, ['early'])}")
    expect_connected(page)
    for text in ("first", "second"):
        say(page, text)
        open_actions(page, text).get_by_role("button", name="Edit").click()
    fields = page.get_by_label("Text of your message")
    fields.first.fill("first, changed")
    fields.last.fill("second, half chang")
    fields.first.press("Enter")
    fields.last.focus()
    expect_message(page, "first, changed")
    expect(fields).to_have_count(1)
    expect(fields).to_have_value("second, half chang")
    expect(fields).to_be_focused()
    fields.press("Escape")
    expect(fields).to_have_count(0)
    expect(page.get_by_label("Message", exact=True)).to_be_focused()


def test_log_stays_readable_on_a_small_screen(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, ['early'])}")
    expect_connected(page)
    page.set_viewport_size({"width": 320, "height": 400})
    page.get_by_label("Message", exact=True).fill("x" * 4_001)
    log = page.get_by_role("log")
    log.scroll_into_view_if_needed()
    expect(log).to_be_in_viewport(ratio=1)
    box = log.bounding_box()
    assert box is not None
    assert box["height"] >= 100
    page.get_by_role("button", name="Send").scroll_into_view_if_needed()
    expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)


def test_owner_manages_the_room(open_page: OpenPage, site: str) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Tea", private=True)
    sockets: list[WebSocket] = []
    aki.on("websocket", lambda socket: sockets.append(socket))
    former_link = aki.url
    bo = open_page(former_link)
    take_guest_name(bo, "Bo")
    aki.get_by_text("Manage room").click()
    aki.get_by_label("Name", exact=True).fill("Coffee")
    owner_token = aki.evaluate("Object.entries(localStorage).find(([key]) => key.includes('.owner.'))[1]")
    desk = open_page(f"{former_link}&owner={owner_token}")  # the owner's other device
    desk.get_by_text("Manage room").click()
    desk.get_by_label("Days to keep").fill("2")
    desk.get_by_role("button", name="Save").click()
    expect(aki.get_by_label("Days to keep")).to_have_value("2")
    expect(aki.get_by_label("Name", exact=True)).to_have_value("Coffee")
    desk.close()
    aki.get_by_label("Seconds between").fill("5")
    aki.get_by_role("button", name="Save").click()
    expect(bo.get_by_role("heading", name="Coffee")).to_be_visible()
    aki.get_by_role("button", name="New invite link").click()
    expect(aki).not_to_have_url(former_link)
    expect(open_page(former_link).get_by_text("This room is private")).to_be_visible()
    expect_connected(open_page(aki.url))
    say(bo, "Buy my pills")
    expect_message(aki, "Buy my pills")
    open_actions(aki, "Buy my pills").get_by_role("button", name="Delete").click()
    expect(bo.get_by_text("Buy my pills")).to_be_hidden()
    open_members(aki)
    aki.get_by_role("button", name="Mute for 5 minutes: Bo").click()
    expect(bo.get_by_text("You are muted until")).to_be_visible()
    aki.get_by_role("button", name="Unmute: Bo").click()
    expect(bo.get_by_text("You are muted until")).to_be_hidden()
    aki.get_by_role("button", name="Remove: Bo").click()
    expect(bo.get_by_role("alert").get_by_text("has removed you")).to_be_visible()
    aki.get_by_role("button", name="Show removed people").click()
    aki.get_by_role("button", name="Let back in").click()
    expect(aki.get_by_text("Nobody is kept out.")).to_be_visible()
    aki.get_by_label("Locked").check()
    aki.get_by_role("button", name="Save").click()
    cy = open_page(aki.url)
    expect(cy.get_by_role("alert").get_by_text("This room is locked")).to_be_visible()
    expect(aki.get_by_text("Locked", exact=True)).to_be_visible()
    aki.get_by_label("Locked").uncheck()
    aki.get_by_role("button", name="Save").click()
    expect(aki.get_by_text("Locked", exact=True)).to_be_hidden()
    cy.get_by_role("button", name="Join again").click()
    expect_connected(cy)
    aki.get_by_role("button", name="Close room…").click()
    aki.get_by_role("button", name="Close it for everyone").click()
    expect(cy.get_by_role("alert").get_by_text("The owner has closed this room.")).to_be_visible()
    assert sockets == []  # neither another name nor a new link has replaced the connection


def test_members_report_ignore_and_delete_messages(open_page: OpenPage, site: str) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Tea")
    bo = open_page(aki.url)
    take_guest_name(bo, "Bo")
    say(aki, "Nonsense")
    say(bo, "My mistake")
    open_actions(bo, "My mistake").get_by_role("button", name="Delete").click()
    expect(bo.get_by_text("My mistake")).to_be_hidden()
    expect(bo.get_by_role("log")).to_be_focused()
    entry = open_actions(bo, "Nonsense")
    entry.get_by_label("Reason of the report").fill("wrong")
    entry.get_by_role("button", name="Report").click()
    expect(entry.get_by_text("Reported to the owner and the moderators.")).to_be_visible()
    entry.get_by_role("button", name="Ignore this person").click()
    expect(bo.get_by_text("Nonsense")).to_be_hidden()
    bo.reload()
    expect(bo.get_by_text("A message of somebody whom you ignore")).to_be_visible()
    bo.get_by_role("button", name="Show").click()
    expect_message(bo, "Nonsense")
    aki.get_by_text("Manage room").click()
    aki.get_by_role("button", name="Show reported messages").click()
    expect(aki.get_by_role("list", name="Reported messages")).to_contain_text("Bo reported Nonsense: wrong")


def test_own_messages_are_edited(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, ["early"])
    aki, bo = open_page(f"{site}/room/?id={room_id}"), open_page(f"{site}/room/?id={room_id}")
    expect_connected(aki)
    expect_connected(bo)
    composer, field = aki.get_by_label("Message", exact=True), aki.get_by_label("Text of your message")
    say(aki, "Helo")
    expect_message(bo, "Helo")
    composer.dispatch_event("keydown", {"key": "ArrowUp", "keyCode": 229})  # an input method's list of words
    expect(field).to_have_count(0)
    composer.press("ArrowUp")
    expect(field).to_be_focused()
    expect(field).to_have_value("Helo")
    field.fill("Hello")
    field.dispatch_event("keydown", {"key": "Escape", "keyCode": 229})
    field.dispatch_event("keydown", {"key": "Enter", "keyCode": 229})
    expect(field).to_have_value("Hello")
    field.press("Enter")
    expect_message(bo, "Hello")
    expect(bo.get_by_text("(edited)")).to_be_visible()
    expect(composer).to_be_focused()
    composer.fill("A draft")
    entry = open_actions(aki, "Hello")
    entry.get_by_role("button", name="Edit").click()
    field.fill("Nonsense")
    field.press("Escape")
    expect_message(aki, "Hello")
    expect(composer).to_be_focused()
    expect(composer).to_have_value("A draft")
    entry.locator("summary").click()
    entry.get_by_role("button", name="Edit").click()
    field.fill("Hello!")
    aki.context.set_offline(True)
    expect(aki.get_by_text("Connection lost")).to_be_visible()
    field.press("Enter")
    expect(aki.get_by_role("alert").get_by_text("There is no connection.")).to_be_visible()
    expect(field).to_have_value("Hello!")
    aki.context.set_offline(False)
    expect_connected(aki)
    aki.get_by_role("button", name="Save").click()
    expect_message(bo, "Hello!")
    expect(field).to_have_count(0)
    bo.get_by_label("Actions: message of Bo").click()
    expect(bo.get_by_role("button", name="Edit")).to_have_count(0)


def test_messages_get_reactions(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, [])
    aki, bo = open_page(f"{site}/room/?id={room_id}"), open_page(f"{site}/room/?id={room_id}")
    take_guest_name(aki, "Aki")
    take_guest_name(bo, "Bo")
    expect(members(aki)).to_contain_text(["Bo"])
    expect(members(bo)).to_contain_text(["Aki"])
    say(aki, "Tea?")
    quick = open_actions(bo, "Tea?").get_by_role("button", name="React with 👍")
    quick.click()
    expect(quick).to_have_attribute("aria-pressed", "true")
    chip = aki.get_by_role("button", name="👍 1: Bo", exact=True)
    expect(chip).to_have_attribute("title", "Bo")
    expect(chip).to_have_attribute("aria-pressed", "false")
    chip.click()
    both = aki.get_by_role("button", name="👍 2: You and Bo", exact=True)
    expect(both).to_have_attribute("aria-pressed", "true")
    expect(bo.get_by_role("button", name="👍 2: You and Aki", exact=True)).to_be_visible()
    both.click()
    expect(chip).to_be_visible()
    bo.get_by_role("button", name="👍 1: You", exact=True).click()
    expect(aki.locator(".reactions")).to_have_count(0)
    expect(bo.locator(".reactions")).to_have_count(0)
    expect(bo.get_by_role("log")).to_be_focused()


def test_messages_are_answered(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    aki = open_page(f"{site}/create/")
    create_room(aki, "Tea")
    aki_name = aki.get_by_label("Your name")
    aki_name.fill("Aki")
    aki_name.press("Enter")
    bo = open_page(aki.url)
    expect_connected(bo)
    say(aki, "Tea?\nOr coffee?")
    expect_message(bo, "Tea? Or coffee?")
    composer, line = bo.get_by_label("Message", exact=True), bo.locator(".reply")
    reply = open_actions(bo, "Tea?").get_by_role("button", name="Reply")
    reply.click()
    expect(composer).to_be_focused()
    expect(line).to_contain_text("Aki: Tea?…")
    composer.dispatch_event("keydown", {"key": "Escape", "keyCode": 229})
    expect(line).to_be_visible()
    composer.press("Escape")
    expect(line).to_be_hidden()
    open_actions(bo, "Tea?")
    reply.click()
    bo.get_by_role("button", name="Cancel reply").click()
    expect(line).to_be_hidden()
    expect(composer).to_be_focused()
    open_actions(bo, "Tea?")
    reply.click()
    say(bo, "Coffee, please")
    expect(line).to_be_hidden()
    answer = aki.get_by_role("log").get_by_role("listitem").filter(has_text="Coffee, please")
    expect(answer.locator(".quote")).to_have_text("Aki: Tea?…")
    open_actions(bo, "Coffee, please").get_by_role("button", name="Reply").click()
    question = aki.get_by_role("log").get_by_role("listitem").filter(has_text="Or coffee?")
    question.locator("summary").click()
    question.get_by_role("button", name="Delete").click()
    expect(answer.locator(".quote")).to_have_text("A deleted message")
    answer_of_bo = bo.get_by_role("log").get_by_role("listitem").filter(has_text="Coffee, please")
    expect(answer_of_bo.locator(".quote")).to_have_text("A deleted message")
    answer_of_bo.locator("summary").click()
    answer_of_bo.get_by_role("button", name="Delete").click()
    expect(line).to_contain_text("A deleted message")


def test_quotes_are_loaded_and_mentions_and_typing_are_shown(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(60)])
    page = open_page(f"{site}/room/?id={room_id}")
    expect_connected(page)
    (aki,) = requests.get(f"{cloud.rest_url}/rooms/{room_id}/members", timeout=20).json()["members"]
    with enter(cloud, room_id, "Cy") as cy:
        send(cy, "signal", name="typing")
        expect(page.get_by_text("Cy is typing…")).to_be_visible()
        send(cy, "sendMessage", message="Look", replyTo=1, mentions=[aki["id"]])
        entry = page.get_by_role("log").get_by_role("listitem").filter(has_text="Look")
        expect(entry.locator(".quote")).to_have_text("Bo: message 0")
        expect(entry.get_by_text("mentions you")).to_be_visible()
        expect(page.get_by_text("Cy is typing…")).to_be_hidden()
        page.get_by_label("Message", exact=True).press_sequentially("Hm")
        while "signal" not in (frame := json.loads(cy.recv(timeout=20))):
            pass
        assert frame["signal"]["sender"]["id"] == aki["id"]
    expect(page.locator(".log .text")).to_have_count(51)


def test_input_methods_choose_words_with_enter(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, [])}")
    expect_connected(page)
    open_members(page)
    take_name(page, "Tanaka")
    message, name = page.get_by_label("Message", exact=True), page.get_by_label("Your name")
    for field, text in ((message, "こんにちは"), (name, "たなか")):
        field.fill(text)
        for choice in ({"isComposing": True}, {"keyCode": 229}):  # the second one is that of Safari
            field.dispatch_event("keydown", {"key": "Enter", **choice})
        expect(field).to_have_value(text)
    expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(0)
    name.fill("田中")
    name.press("Enter")
    expect(members(page)).to_contain_text(["田中"])
    message.press("Enter")
    expect(page.get_by_role("log").get_by_role("listitem")).to_contain_text(["田中"])
    assert page.locator(".log .text").all_inner_texts() == ["こんにちは"]


def test_nothing_is_cut_without_a_word(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, [])}")
    expect_connected(page)
    say(page, "👍" * 4_001)
    expect(page.get_by_role("alert").get_by_text("Please shorten this one by 1.")).to_be_visible()
    expect(page.get_by_label("Message", exact=True)).to_have_value("👍" * 4_001)
    say(page, "👍" * 4_000)
    expect_message(page, "👍" * 4_000)
    name = page.get_by_label("Your name")
    name.fill("x" * 41)
    name.press("Enter")
    expect(page.get_by_role("alert").get_by_text("This one has 41.")).to_be_visible()
    expect(name).to_have_value("x" * 41)
    name.fill("x" * 40)
    name.press("Enter")
    open_members(page)
    expect(members(page)).to_contain_text(["x" * 40])


def test_browser_that_blocks_storage_is_enough(open_page: OpenPage, site: str) -> None:
    page = open_page("about:blank")
    for storage in ("localStorage", "sessionStorage"):
        blocked = "{ get() { throw new DOMException('blocked', 'SecurityError') } }"
        page.context.add_init_script(f"Object.defineProperty(window, '{storage}', {blocked})")
    page.goto(f"{site}/create/")
    create_room(page, "Tea")
    expect(page.get_by_text("Manage room")).to_be_visible()
    open_members(page)
    take_name(page, "Aki")
    say(page, "Hello")
    expect_message(page, "Hello")


def test_new_messages_are_announced_to_those_who_read_earlier_ones(
    open_page: OpenPage, site: str, cloud: LocalCloud
) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(50)])
    page, other = open_page(f"{site}/room/?id={room_id}"), open_page(f"{site}/room/?id={room_id}")
    expect_connected(other)
    log = page.get_by_role("log")
    log.get_by_text("message 20", exact=True).scroll_into_view_if_needed()
    say(other, "one")
    expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    say(other, "two")
    expect(log.get_by_text("message 20", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("button", name="2 new messages")).to_be_visible()
    open_actions(other, "one").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="1 new message").click()
    expect(log.get_by_text("two", exact=True)).to_be_in_viewport()
    expect(page.get_by_role("button", name="new message")).to_have_count(0)
    log.get_by_text("message 20", exact=True).scroll_into_view_if_needed()
    say(page, "three")
    expect(log.get_by_text("three", exact=True)).to_be_in_viewport()


def test_days_times_and_links_are_shown(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    texts = ["请看https://example.com。中国", "https://bank.example\u2044login.evil.example/"]
    page = open_page("about:blank", locale="de-DE", timezone_id="Europe/Berlin")

    def date(route: Route) -> None:
        """Date the messages: two seconds, of which the first is the last one of a day in Berlin."""
        response = route.fetch()
        page_of_messages = response.json()
        for message, time in zip(page_of_messages["messages"], ("22:59:59", "23:00:00"), strict=True):
            message["sentAt"] = f"2026-11-22T{time}.000Z"
        route.fulfill(response=response, json=page_of_messages)

    page.route("**/messages?*", date)
    page.goto(f"{site}/room/?id={room_of(cloud, texts)}")
    days = page.locator(".separator time")
    expect(days).to_have_text(["Sonntag, 22. November 2026", "Montag, 23. November 2026"])
    expect(page.locator(".note time")).to_have_text(["23:59", "00:00"])
    assert set(page.locator("time").evaluate_all("times => times.map((time) => time.lang)")) == {"de-DE"}
    links = page.locator(".log .text a")
    assert links.nth(0).get_attribute("href") == "https://example.com/"
    for link in links.all():  # it shows where it leads to
        assert link.evaluate("link => link.textContent.includes(link.hostname)")
        assert link.get_attribute("rel") == "noopener noreferrer nofollow"


def test_losses_and_failed_actions_are_told(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, ["early"])
    page, other = open_page(f"{site}/room/?id={room_id}"), open_page(f"{site}/room/?id={room_id}")
    expect_connected(other)
    say(page, "mine")
    expect_message(other, "mine")

    def lose(route: Route) -> None:
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"complete": False})

    page.route("**/messages?*after=*", lose)
    page.context.set_offline(True)
    expect(page.get_by_text("Connection lost")).to_be_visible()
    open_actions(page, "mine").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert").get_by_text("There is no connection.")).to_be_visible()
    page.get_by_role("alert").get_by_role("button", name="Close").click()
    expect(page.get_by_text("There is no connection.")).to_be_hidden()
    say(other, "late")
    page.context.set_offline(False)
    late = page.get_by_role("log").get_by_role("listitem").filter(has_text="late")
    expect(late).to_contain_text("Some messages that you have missed are no longer stored.")
    page.get_by_role("button", name="Leave").click()
    expect(page.get_by_role("alert").get_by_text("You have left this room.")).to_be_visible()
    page.get_by_role("button", name="Join again").click()
    expect_connected(page)
    expect_message(page, "late")


def test_page_says_that_the_room_is_gone(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/room/?id=nosuchroom")
    expect(page.get_by_role("alert").get_by_text("This room no longer exists")).to_be_visible()
    page.get_by_role("link", name="Choose another room").click()
    expect(page).to_have_url(f"{site}/rooms/")


def test_room_page_without_a_room_shows_the_list(open_page: OpenPage, site: str) -> None:
    expect(open_page(f"{site}/room/").get_by_role("heading", name="Rooms")).to_be_visible()


def test_earlier_messages_are_shown_on_request(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(f"{site}/room/?id={room_of(cloud, [f'message {number}' for number in range(110)])}")
    log = page.get_by_role("log")
    expect(log.get_by_text("message 109")).to_be_in_viewport()
    expect(page.locator(".log .text")).to_have_count(50)
    expect(page.get_by_text("1 person")).to_be_visible()  # this line makes the log smaller
    log.evaluate("(log) => log.scrollTo(0, -log.scrollHeight)")
    page.get_by_role("button", name="Show earlier messages").click()
    expect(page.locator(".log .text")).to_have_count(100)
    expect(log).to_be_focused()
    expect(log.get_by_text("message 60")).to_be_in_viewport()  # the visitor reads on there


def test_error_of_a_request_that_is_repeated_does_not_stay(open_page: OpenPage, site: str, cloud: LocalCloud) -> None:
    page = open_page(site)
    page.route("**/messages?*", lambda route: route.fulfill(status=500, body=""))
    page.goto(f"{site}/room/?id={room_of(cloud, ['early'])}")
    expect(page.get_by_text("The messages could not be loaded. Trying again…")).to_be_visible()
    page.unroute("**/messages?*")
    expect_message(page, "early")
    expect(page.locator("main").get_by_role("alert")).to_have_count(0)


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
