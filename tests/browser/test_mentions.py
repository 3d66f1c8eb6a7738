"""Mentions, and who is typing."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_use import SET_HIDDEN
from tests.support.browser.visitor import agree, expect_later, expect_message, expect_true, say, take_name

# Headless Chromium shows none. It records them, and answers the question for the permission.
NOTIFICATION = """(answer) => {
    window.notified = [];
    window.Notification = class extends EventTarget {
        static permission = "default";
        static async requestPermission() { return (this.permission = answer); }
        constructor(title, options) {
            super();
            notified.push([title, options]);
            window.latest = this;
        }
        close() { this.isClosed = true; }
    };
}"""


def test_mention_notifies_who_has_turned_that_on(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    bo.evaluate(NOTIFICATION, "granted")
    bo.get_by_label("Notify me of mentions").check()
    field = aki.get_by_label("Message", exact=True)
    for text in ("@Bo seen", "@Bo come here"):
        field.fill(text)
        field.press("Enter")
        expect(bo.locator(".mentioned .body").last).to_have_text(text)
        bo.evaluate(SET_HIDDEN, True)
    assert bo.evaluate("notified.map(([title, { body }]) => [title, body])") == [["Aki", "@Bo come here"]]
    say(aki, "for nobody")
    expect(bo.locator(".message .body").last).to_have_text("for nobody")
    assert bo.evaluate("notified.length") == 1
    bo.evaluate(SET_HIDDEN, False)
    assert bo.evaluate("latest.isClosed")
    bo.evaluate("latest.dispatchEvent(new Event('click'))")
    expect(bo.locator("li.message", has_text="@Bo come here")).to_be_focused()


def test_phone_notifies_by_the_service_worker(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    bo.evaluate(NOTIFICATION, "granted")
    bo.evaluate("""() => {
        window.Notification = class {
            static permission = "granted";
            constructor() { throw new TypeError("Illegal constructor"); } // as Chromium on Android
        };
        ServiceWorkerRegistration.prototype.getNotifications = async ({ tag }) => [
            { close() { window.withdrawn = tag; } },
        ];
    }""")
    bo.get_by_label("Notify me of mentions").evaluate("(choice) => { choice.checked = true; }")
    bo.evaluate(SET_HIDDEN, True)
    # Headless Chromium shows none. The first one starts the worker, which then records the next.
    with bo.context.expect_event("serviceworker") as started:
        say(aki, "@Bo hello")
    worker = started.value
    worker.evaluate("""() => {
        self.notified = new Promise((resolve) => {
            registration.showNotification = async (title, options) => {
                if (options.body === "@Bo come here") resolve([title, options]);
            };
        });
    }""")
    say(aki, "@Bo come here")
    title, options = worker.evaluate("notified")
    assert (title, options["tag"]) == ("Aki", bo.url.rpartition("/")[2])
    worker.evaluate(
        """(data) => dispatchEvent(Object.assign(new Event("notificationclick"), {
            notification: { data, close() {} },
            waitUntil(task) { task.catch(() => {}); }, // only a real click may focus a tab
        }))""",
        options["data"],
    )
    expect(bo.locator("li.message", has_text="@Bo come here")).to_be_focused()
    bo.evaluate(SET_HIDDEN, False)
    expect_true(bo, "(tag) => window.withdrawn === tag", options["tag"])


def test_notification_ends_when_its_message_is_deleted_or_read_in_another_tab(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    bo.evaluate(NOTIFICATION, "granted")
    bo.get_by_label("Notify me of mentions").check()
    field = aki.get_by_label("Message", exact=True)
    bo.evaluate(SET_HIDDEN, True)
    field.fill("@Bo a slip")
    field.press("Enter")
    expect(bo.locator(".mentioned .body")).to_have_text("@Bo a slip")
    assert not bo.evaluate("latest.isClosed")
    aki.locator("li.message", has_text="a slip").get_by_role("button", name="Delete").click()
    agree(aki, "Delete")
    expect(bo.locator(".mentioned .body")).to_have_count(0)
    assert bo.evaluate("latest.isClosed")
    field.fill("@Bo come here")
    field.press("Enter")
    expect(bo.locator(".mentioned .body")).to_have_text("@Bo come here")
    assert not bo.evaluate("latest.isClosed")
    other = bo.context.new_page()
    other.goto(bo.url)
    expect(other.locator(".mentioned .body")).to_have_text("@Bo come here")
    expect(bo).to_have_title("Tea · Chalice Chat")
    assert bo.evaluate("latest.isClosed")


def test_browser_that_denies_notifications_is_told_of(pair: tuple[Page, Page]) -> None:
    _, bo = pair
    bo.evaluate(NOTIFICATION, "denied")
    choice = bo.get_by_label("Notify me of mentions")
    choice.click()
    expect(bo.get_by_text("Your browser does not allow this site to notify you")).to_be_visible()
    expect(choice).not_to_be_checked()


def test_name_is_completed_with_the_keyboard_and_its_bearer_is_told(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    field = aki.get_by_label("Message", exact=True)
    names = aki.get_by_role("listbox", name="Names")
    bo.evaluate(SET_HIDDEN, True)
    field.press_sequentially("hi @b")
    expect(names.get_by_role("option")).to_have_text(["Bo"])
    expect(names.get_by_role("option", selected=True)).to_have_attribute(
        "id", field.get_attribute("aria-activedescendant") or ""
    )
    field.press("Escape")
    expect(names).to_be_hidden()
    field.press("Backspace")
    expect(names.get_by_role("option")).to_have_text(["Bo"])  # nobody is offered their own name
    field.press("Enter")
    expect(field).to_have_value("hi @Bo ")
    expect(names).to_be_hidden()
    field.press_sequentially("look")
    field.press("Enter")
    expect_message(aki, "hi @Bo look")
    expect(bo).to_have_title(re.compile(r"^\(1 @1\) Tea"))
    bo.evaluate(SET_HIDDEN, False)
    expect(bo.locator(".mentioned .at")).to_have_text("@Bo")
    expect(bo.locator(".mentioned .aside .mark")).to_have_text("@you")
    expect(aki.locator(".message .at")).to_have_text("@Bo")
    expect(aki.locator(".mentioned")).to_have_count(0)


def test_name_of_several_words_is_completed_by_a_tap(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    take_name(bo, "Élodie 田中")
    phone = open_page(aki.url, name="Cy", has_touch=True, is_mobile=True, viewport={"width": 320, "height": 640})
    expect(phone.locator("#members li")).to_have_count(3)
    field = phone.get_by_label("Message", exact=True)
    field.press_sequentially("(@elo")
    option = phone.get_by_role("option", name="Élodie 田中")
    option.tap()
    expect(field).to_have_value("(@Élodie 田中 ")
    expect(field).to_be_focused()
    phone.get_by_role("button", name="Send").tap()
    expect(bo.locator(".mentioned .at")).to_have_text("@Élodie 田中")
    phone.reload()
    expect(phone.locator(".message .at")).to_have_text("@Élodie 田中")


def test_mention_that_was_deleted_from_the_text_reaches_nobody(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    field = aki.get_by_label("Message", exact=True)
    field.press_sequentially("@b")
    field.press("Tab")
    expect(field).to_be_focused()
    field.fill("nobody")
    field.press("Enter")
    expect_message(bo, "nobody")
    expect(bo.locator(".mentioned")).to_have_count(0)


def test_who_types_is_shown_until_the_message_is_there(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    log = aki.get_by_role("log").bounding_box()
    bo.get_by_label("Message", exact=True).press_sequentially("hel")
    expect(aki.get_by_text("Bo is typing…")).to_be_visible()
    assert aki.get_by_role("log").bounding_box() == log
    expect(bo.get_by_text("typing…")).to_have_count(0)
    say(bo, "hello")
    expect_message(aki, "hello")
    expect(aki.get_by_text("typing…")).to_have_count(0)


@pytest.mark.parametrize("key", ["Home", "ArrowLeft"])
def test_key_that_moves_the_cursor_away_ends_the_completion(pair: tuple[Page, Page], key: str) -> None:
    aki, _ = pair
    field = aki.get_by_label("Message", exact=True)
    field.press_sequentially("hi @b")
    expect(aki.get_by_role("option")).to_have_text(["Bo"])
    field.press(key)
    expect(aki.get_by_role("listbox", name="Names")).to_be_hidden()
    field.press("Enter")
    expect_message(aki, "hi @b")


def test_person_who_is_back_in_another_browser_is_mentioned_there(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    say(bo, "back soon")
    expect_message(aki, "back soon")
    aki.clock.install()
    bo.close()
    expect_later(aki.get_by_role("log").get_by_text("Bo left"))
    elsewhere = open_page(aki.url, name="Bo")
    expect(aki.locator("#members li")).to_have_count(2)
    field = aki.get_by_label("Message", exact=True)
    field.press_sequentially("@b")
    expect(aki.get_by_role("option")).to_have_text(["Bo"])
    field.press("Enter")
    field.press("Enter")
    expect(elsewhere.locator(".mentioned .at")).to_have_text("@Bo")


def test_tall_mention_stays_open_while_others_come(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    say(aki, "@Bo " + "and so on\n" * 60)
    bo.get_by_role("button", name="Show all").click()
    more = bo.get_by_role("log").get_by_role("button", name="More about this message")
    more.focus()
    open_page(aki.url, name="Cy")
    expect(bo.locator("#members li")).to_have_count(3)
    expect(bo.get_by_role("button", name="Show less")).to_be_visible()
    expect(more).to_be_focused()


def test_mention_stays_marked_when_its_member_takes_another_name(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    say(aki, "@Bo look")
    expect(aki.locator(".message .at")).to_have_text("@Bo")
    take_name(bo, "Robert")
    expect(aki.get_by_role("list", name="Members")).to_contain_text("Robert")
    expect(aki.locator(".message .at")).to_have_text("@Bo")


def test_code_mentions_nobody(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    field = aki.get_by_label("Message", exact=True)
    field.fill("```\n")
    field.press_sequentially("@B")
    expect(aki.get_by_role("listbox", name="Names")).to_be_hidden()
    field.press_sequentially("o")
    field.press("Enter")
    expect(bo.locator(".message pre code")).to_have_text("@Bo")
    expect(bo.locator(".mentioned")).to_have_count(0)


def test_name_is_completed_with_a_keyboard_that_composes_every_word(
    pair: tuple[Page, Page], open_page: OpenPage
) -> None:
    aki, _ = pair
    phone = open_page(aki.url, name="Cy", has_touch=True, is_mobile=True, viewport={"width": 320, "height": 640})
    expect(phone.locator("#members li")).to_have_count(3)
    field = phone.get_by_label("Message", exact=True)
    keyboard = phone.context.new_cdp_session(phone)
    field.press_sequentially("@")
    expect(phone.get_by_role("option")).to_have_count(2)
    keyboard.send("Input.imeSetComposition", {"text": "b", "selectionStart": 1, "selectionEnd": 1})
    expect(phone.get_by_role("option")).to_have_text(["Bo"])
    phone.get_by_role("option").tap()
    expect(field).to_have_value("@Bo ")
    expect(phone.get_by_role("listbox", name="Names")).to_be_hidden()
