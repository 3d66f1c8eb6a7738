"""Helpers: the steps of a visitor on the page, and rooms that have a history."""

from __future__ import annotations

import requests
from playwright.sync_api import Locator, Page, expect
from tenacity import Retrying, retry_if_not_result, stop_after_delay, wait_fixed

from localcloud.cloud import LocalCloud
from localcloud.stack import client
from tests.support.rooms import history_items

MESSAGES_TABLE = "chalice-chat-local-messages"
BATCH_SIZE = 25  # DynamoDB's limit for BatchWriteItem
SECONDS = 15
POLL_SECONDS = 0.05
SETTLE = """async () => {
    // The log and the field notice their new sizes, the field takes another height, and the log notices that.
    for (let frame = 0; frame < 6; frame++) await new Promise(requestAnimationFrame);
}"""
_SET_HIDDEN = """(isHidden) => {
    Object.defineProperty(document, "hidden", {value: isHidden, configurable: true});
    document.dispatchEvent(new Event("visibilitychange", {bubbles: true}));
}"""


def expect_view(page: Page) -> None:
    """Wait until the script of the view has run: it moves the focus, and would take what is being typed elsewhere."""
    expect(page.locator("main:not([hidden], [inert])")).to_be_visible()


def create_room(page: Page, name: str, *, private: bool = False) -> None:
    expect_view(page)
    page.get_by_label("Room name").fill(name)
    page.get_by_label("Private").set_checked(private)
    page.get_by_role("button", name="Create room").click()
    expect(page.get_by_role("status")).to_have_text("Connected")


def take_name(page: Page, name: str) -> None:
    expect_view(page)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")


def say(page: Page, message: str) -> None:
    page.get_by_label("Message", exact=True).fill(message)
    page.get_by_role("button", name="Send").click()


def agree(page: Page, label: str) -> None:
    """Answer the question that the page asks by the button with this label."""
    page.get_by_role("alertdialog").get_by_role("button", name=label).click()
    expect(page.get_by_role("alertdialog")).to_be_hidden()


def open_person(page: Page, name: str) -> Locator:
    """Open the dialogue about a member from the list, and return it."""
    page.get_by_role("button", name=f"More about {name}", exact=True).click()
    return page.get_by_role("dialog").filter(has=page.get_by_role("heading", name=name))


def messages(page: Page) -> list[str]:
    return page.locator("[role=log] li.message .body").all_inner_texts()


def expect_message(page: Page, message: str) -> None:
    expect(page.get_by_role("log").get_by_text(message, exact=True)).to_be_visible()


def expect_true(page: Page, function: str, arg: object = None) -> None:
    """Wait until a JavaScript function or expression is true in a page.

    From the second time on, Playwright's `wait_for_function` lets the page evaluate it, which its Content Security
    Policy forbids.
    """
    attempts = Retrying(retry=retry_if_not_result(bool), stop=stop_after_delay(SECONDS), wait=wait_fixed(POLL_SECONDS))
    attempts(page.evaluate, function, arg)


def scroll_log(page: Page, place: str) -> None:
    """Scroll the log up to a place, an expression in JavaScript. While it is laid out anew, the page puts it back."""
    expect_true(page, f"() => {{ log.scrollTop = {place}; return !document.querySelector('#to-latest').hidden; }}")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the page has laid out what has changed, and has put the reading place back."""
    page.evaluate(SETTLE)


def look(page: Page, *, is_visible: bool) -> None:
    """Show or hide the tab of a page, as far as the page can tell."""
    page.evaluate(_SET_HIDDEN, not is_visible)


def expire_room(cloud: LocalCloud, page: Page) -> None:
    """Let the room of a page expire, as if everyone had left it long ago."""
    room_id = page.url.rsplit("/", 1)[-1]
    client("dynamodb", cloud.port).delete_item(TableName="chalice-chat-local-rooms", Key={"room_id": {"S": room_id}})


def room_of(cloud: LocalCloud, said: list[str]) -> str:
    """Create a room with messages from Bo, who has left. Return its id.

    The messages are written to the table: sending each takes longer than the test that reads it.
    """
    created = requests.post(f"{cloud.rest_url}/rooms", json={"roomName": "Long"}, timeout=20).json()
    room_id = str(created["roomId"])
    write_history(cloud, room_id, said)
    return room_id


def write_history(cloud: LocalCloud, room_id: str, said: list[str]) -> None:
    """Write messages from Bo to the table, in a room where nobody has spoken."""
    writes = [{"PutRequest": {"Item": item.serialize()}} for item in history_items(room_id, said)]
    database = client("dynamodb", cloud.port)
    for start in range(0, len(writes), BATCH_SIZE):
        database.batch_write_item(RequestItems={MESSAGES_TABLE: writes[start : start + BATCH_SIZE]})
