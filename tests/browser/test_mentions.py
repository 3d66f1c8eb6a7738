"""Mentions on a phone: what needs a browser. web/page/tests/ has the rest."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.support.browser.visitor import expect_true, look, say, take_name


def test_phone_notifies_by_the_service_worker_until_another_tab_has_read_the_message(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
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
    look(bo, is_visible=False)
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
    assert bo.evaluate("window.withdrawn === undefined")
    bo.context.new_page().goto(bo.url)  # reads the message
    expect_true(bo, "(tag) => window.withdrawn === tag", options["tag"])
    expect(bo).to_have_title("Tea · Chalice Chat")


def test_name_of_several_words_is_composed_and_taken_by_a_tap(pair: tuple[Page, Page], open_page: OpenPage) -> None:
    aki, bo = pair
    take_name(bo, "Élodie 田中")
    phone = open_page(aki.url, name="Cy", has_touch=True, is_mobile=True, viewport={"width": 320, "height": 640})
    expect(phone.locator("#members li")).to_have_count(3)
    field = phone.get_by_label("Message", exact=True)
    option = phone.get_by_role("option")
    field.press_sequentially("(@")
    expect(option).to_have_count(2)
    # Keyboards of phones compose every word.
    phone.context.new_cdp_session(phone).send(
        "Input.imeSetComposition", {"text": "elo", "selectionStart": 3, "selectionEnd": 3}
    )
    expect(option).to_have_text(["Élodie 田中"])
    option.tap()
    expect(field).to_have_value("(@Élodie 田中 ")
    expect(field).to_be_focused()
    expect(phone.get_by_role("listbox", name="Names")).to_be_hidden()
    phone.get_by_role("button", name="Send").tap()
    expect(bo.locator(".mentioned .at")).to_have_text("@Élodie 田中")
    phone.reload()
    expect(phone.locator(".message .at")).to_have_text("@Élodie 田中")
