"""Copying, pasting, printing and saving a conversation."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.browser.visitor import expect_message, room_of, say, write_history

WHEN = r"\[\w{3} \d{1,2}, \d{4}, \d{1,2}:\d\d\s[AP]M\]"
PHONE: ViewportSize = {"width": 390, "height": 700}


def copied(page: Page) -> str:
    page.keyboard.press("Control+C")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_copied_messages_say_who_and_when_and_a_pasted_text_is_cut(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    write_history(cloud, room.id, ["first\nof two lines"])
    page = open_page(room.link(), name="Aki", permissions=["clipboard-read", "clipboard-write"])
    expect_message(page, "first of two lines")
    expect(page.locator("#you")).to_be_visible()
    say(page, "see https://example.com")
    expect(page.locator("li.message:not(.pending) .body")).to_have_count(2)
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#log'))")
    first, second, third = copied(page).split("\n")
    assert re.fullmatch(rf"{WHEN} Bo: first", first)
    assert second == "of two lines"
    assert re.fullmatch(rf"{WHEN} Aki: see https://example.com", third)

    page.evaluate(
        "() => { const [one, other] = document.querySelectorAll('#log .body');"
        " getSelection().setBaseAndExtent(one.firstChild, 9, other.firstChild, 3); }"
    )
    assert re.fullmatch(rf"{WHEN} Bo: two lines\n{WHEN} Aki: see", copied(page))
    page.evaluate(
        "() => { const [one] = document.querySelectorAll('#log .body');"
        " getSelection().setBaseAndExtent(one.firstChild, 0, one.firstChild, 5); }"
    )
    assert copied(page) == "first"
    for part in (".head", "time", ".day"):
        found = page.locator(f".message {part}").first
        found.evaluate("(part) => getSelection().selectAllChildren(part)")
        assert copied(page).strip() == found.inner_text()

    page.evaluate("navigator.clipboard.writeText('x' + '\\n'.repeat(100_000) + 'x')")
    box = page.get_by_label("Message", exact=True)
    box.click()
    box.press("Control+V")
    expect(page.locator("#compose-note")).to_have_text("Only the beginning of that text is here.")
    assert box.input_value() == "x" + "\n" * 999


def test_message_that_waits_survives_its_tab(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    first = open_page(room.link(), name="Aki")
    context = first.context
    second = context.new_page()
    second.goto(room.link())
    for page in (first, second):
        expect(page.get_by_role("heading", name="Tea")).to_be_visible()
    context.set_offline(True)
    for page, text in ((first, "one"), (second, "two")):
        expect(page.get_by_role("status")).to_have_text("Connection lost. Trying again…")
        say(page, text)
        expect(page.locator("li.pending .body")).to_have_text([text])
        page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(f"{cloud.rest_url}/")
    expect(page.get_by_text("to Tea not sent yet.")).to_be_visible()
    page.get_by_role("link", name="Go there").click()
    expect(page.locator("li.message:not(.pending) .body")).to_have_text(["one", "two"])
    page.get_by_role("link", name="All rooms").click()
    expect(page.get_by_role("heading", name="Rooms", exact=True)).to_be_visible()
    expect(page.get_by_text("not sent yet")).to_be_hidden()


def test_saved_conversation_has_what_the_server_keeps(open_page: OpenPage, cloud: LocalCloud, tmp_path: Path) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(130)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", viewport=PHONE)
    expect_message(page, "message 129")
    expect(page.get_by_role("heading", name="Long")).to_be_visible()
    page.locator("#member-count").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Save conversation").click()
    assert downloading.value.suggested_filename == "Long.txt"
    downloading.value.save_as(tmp_path / "saved.txt")
    saved = (tmp_path / "saved.txt").read_text().splitlines()
    assert saved[0] == "Long"
    assert re.fullmatch(r"Saved on .+: 130 messages\.", saved[1])
    assert saved[2:4] == ["These are all that the chat still keeps.", ""]
    assert [re.sub(f"^{WHEN} Bo: ", "", line) for line in saved[4:]] == [f"message {number}" for number in range(130)]


def test_print_has_the_whole_conversation_without_controls(open_page: OpenPage, cloud: LocalCloud) -> None:
    room_id = room_of(cloud, [f"message {number}\n" + "line\n" * 30 + "end" for number in range(6)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}")
    expect(page.get_by_role("button", name="Show all")).to_have_count(6)
    bodies = page.locator("li.message .body")
    for scheme in ("light", "dark"):
        page.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
        for control in page.locator("button, input, textarea, summary").all():
            expect(control).to_be_hidden()
        expect(page.get_by_role("heading", name="Long")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollHeight > document.querySelector('#log').scrollHeight")
        for body in bodies.all():
            assert body.evaluate("(body) => body.scrollHeight <= body.clientHeight")
        assert bodies.first.evaluate("(body) => getComputedStyle(body).color") == "rgb(43, 32, 39)"


def test_print_has_what_a_message_answers_and_its_reactions(open_page: OpenPage, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url)
    page = open_page(room.link())
    expect(page.get_by_role("heading", name="Tea")).to_be_visible()
    with room.join("Bo") as bo:
        bo.say("Tea or coffee?")
        bo.act("sendMessage", message="Tea!", replyTo=1)
        bo.act("react", sequence=1, reaction=":tada:")
        expect(page.get_by_role("button", name=":tada: 1: Bo")).to_be_visible()
    page.get_by_role("button", name=":tada: 1: Bo").focus()
    page.emulate_media(media="print")
    printed = "\n".join(filter(None, page.locator("#log").inner_text().splitlines()))
    assert re.search(r"Bo\nTea or coffee\?\n.*\n:tada: 1\nBo\nBo Tea or coffee\?\nTea!\n", printed), printed
    assert page.locator(".chip").evaluate("(chip) => getComputedStyle(chip).outlineStyle") == "none"
