"""Drafts, and copying, printing and saving a conversation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import create_room, expect_message, expect_view, room_of, say

WHEN = r"\[\w{3} \d{1,2}, \d{4}, \d{1,2}:\d\d\s[AP]M\]"
PHONE: ViewportSize = {"width": 390, "height": 700}


def message_box(page: Page) -> Locator:
    return page.get_by_label("Message", exact=True)


def copied(page: Page) -> str:
    page.keyboard.press("Control+C")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_draft_outlasts_its_tab_until_it_is_sent(open_page: OpenPage) -> None:
    page = open_page()
    create_room(page, "Tea")
    message_box(page).fill("not finished")
    address, context = page.url, page.context
    page.close()
    page = context.new_page()
    page.goto(address)
    expect(message_box(page)).to_have_value("not finished")
    expect(page.get_by_role("status")).to_have_text("Connected")
    page.get_by_role("button", name="Send").click()
    expect_message(page, "not finished")
    page.close()
    page = context.new_page()
    page.goto(address)
    expect_message(page, "not finished")
    expect(message_box(page)).to_have_value("")


def test_pasted_text_of_100000_lines_is_cut(open_page: OpenPage) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    create_room(page, "Tea")
    page.evaluate("navigator.clipboard.writeText('x' + '\\n'.repeat(100_000) + 'x')")
    message_box(page).press("Control+V")
    expect(page.locator("#compose-note")).to_have_text("Only the beginning of that text is here.")
    assert message_box(page).input_value() == "x" + "\n" * 999


def test_copied_messages_say_who_and_when_and_have_no_buttons(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.grant_permissions(["clipboard-read", "clipboard-write"])
    say(bo, "first\nof two lines")
    expect(aki.locator("li.message .body")).to_have_count(1)
    say(aki, "see https://example.com")
    expect(aki.locator("li.message:not(.pending) .body")).to_have_count(2)
    aki.evaluate("getSelection().selectAllChildren(document.querySelector('#log'))")
    lines = copied(aki).split("\n")
    first, second, third = lines[-3:]
    assert re.fullmatch(rf"{WHEN} Bo: first", first)
    assert second == "of two lines"
    assert re.fullmatch(rf"{WHEN} Aki: see https://example.com", third)
    assert re.fullmatch(r"(Bo joined)?", "\n".join(lines[:-3]))

    aki.evaluate(
        "() => { const [one, other] = document.querySelectorAll('#log .body');"
        " getSelection().setBaseAndExtent(one.firstChild, 9, other.firstChild, 3); }"
    )
    assert re.fullmatch(rf"{WHEN} Bo: two lines\n{WHEN} Aki: see", copied(aki))
    aki.evaluate(
        "() => { const [one] = document.querySelectorAll('#log .body');"
        " getSelection().setBaseAndExtent(one.firstChild, 0, one.firstChild, 5); }"
    )
    assert copied(aki) == "first"


def test_name_time_and_date_can_be_copied(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.context.grant_permissions(["clipboard-read", "clipboard-write"])
    say(bo, "hello")
    expect_message(aki, "hello")
    for part in (".head", "time", ".day"):
        aki.locator(f".message {part}").evaluate("(part) => getSelection().selectAllChildren(part)")
        selected = aki.locator(f".message {part}").inner_text()
        assert copied(aki).strip() == selected


def test_saved_conversation_has_what_the_server_keeps(open_page: OpenPage, cloud: LocalCloud, tmp_path: Path) -> None:
    room_id = room_of(cloud, [f"message {number}" for number in range(130)])
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_id}", viewport=PHONE)
    expect_message(page, "message 129")
    expect(page.get_by_role("status")).to_have_text("Connected")
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_has_the_whole_conversation_without_controls(pair: tuple[Page, Page], scheme: str) -> None:
    aki, bo = pair
    for number in range(6):
        say(bo, f"message {number}\n" + "line\n" * 30 + "end")
        expect(aki.locator("li.message .body")).to_have_count(number + 1)
    aki.emulate_media(media="print", color_scheme=scheme)  # type: ignore[arg-type]
    for control in aki.locator("button, input, textarea, summary").all():
        expect(control).to_be_hidden()
    expect(aki.get_by_role("heading", name="Tea")).to_be_visible()
    assert aki.evaluate("document.documentElement.scrollHeight > document.querySelector('#log').scrollHeight")
    for body in aki.locator("li.message .body").all():
        assert body.evaluate("(body) => body.scrollHeight <= body.clientHeight")
    assert aki.locator("li.message .body").first.evaluate("(body) => getComputedStyle(body).color") == "rgb(43, 32, 39)"


def test_file_that_is_dropped_on_the_page_does_not_replace_it(open_page: OpenPage) -> None:
    page = open_page()
    expect_view(page)
    drop = """() => {
        const dataTransfer = new DataTransfer();
        dataTransfer.items.add(new File(["picture"], "picture.png", { type: "image/png" }));
        return ["dragover", "drop"].map((type) => document.querySelector("main:not([hidden])").dispatchEvent(
            new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })));
    }"""
    assert page.evaluate(drop) == [False, False]
    create_room(page, "Tea")
    assert page.evaluate(drop) == [False, False]
    expect(page.get_by_text("Only text can be sent here")).to_be_visible()
