"""The page in three engines: Chromium, Firefox and WebKitGTK. Each has one tab for all tests, which empty its storage.

An engine that is not installed is left out: the head of pytest's output says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.cloud import LocalCloud
from tests.support.browser.engines import TABS, chromium
from tests.support.browser.installed import CHROMIUM, installed
from tests.support.browser.room import Member, Room
from tests.support.browser.sign_in import cloud_with_sign_in
from tests.support.browser.tab import Tab
from tests.support.browser.visitor import write_history
from tests.support.localcloud.proxy import Outage, proxy
from tests.support.projects import PROJECT
from tests.support.provider import Provider

DASH = "\N{EN DASH}"
SIZE = (1280, 800)
LAYOUT = (PROJECT / "tests/support/browser/layout.js").read_text()
STATE, MESSAGES, STORED = "#connection-state", "li.message .body", "li.message:not(.pending, .failed) .body"
LOST = "Connection lost. Trying again…"
# Without HTTPS or without permission, browsers reject this.
NO_CLIPBOARD = """() => Object.defineProperty(navigator, "clipboard", {
    value: { writeText: () => Promise.reject(new Error("not allowed")) },
})"""
# What each engine dispatches when Enter confirms what an input method proposes. WebKit ends the composition first, and
# marks its Enter by the code alone (WebKit bug 165004).
CONFIRM = """(selector, order) => {
    const field = document.querySelector(selector);
    const composition = (type) => field.dispatchEvent(new CompositionEvent(type, { data: "田中", bubbles: true }));
    const enter = (isComposing, keyCode) => field.dispatchEvent(
        new KeyboardEvent("keydown", { key: "Enter", isComposing, keyCode, bubbles: true, cancelable: true }));
    field.focus();
    composition("compositionstart");
    field.value = "田中";
    field.dispatchEvent(new InputEvent("input", { isComposing: true, data: "田中", bubbles: true }));
    if (order === "webkit") {
        composition("compositionend");
        enter(false, 229);
    } else {
        enter(true, 229);
        composition("compositionend");
    }
}"""


@pytest.fixture(scope="module")
def _with_sign_in(tmp_path_factory: pytest.TempPathFactory, node_tools: Path) -> Iterator[tuple[LocalCloud, Provider]]:
    folder = tmp_path_factory.mktemp("sign-in")
    with cloud_with_sign_in(folder, node_tools, AUTH_REQUIRED="false") as running:
        yield running


@pytest.fixture(scope="module")
def cloud(_with_sign_in: tuple[LocalCloud, Provider]) -> LocalCloud:
    """Run a chat for guests and for users who sign in."""
    return _with_sign_in[0]


@pytest.fixture(scope="module", params=installed())
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Start an engine, and return its only tab."""
    if request.param == CHROMIUM:
        opened = chromium(request.getfixturevalue("browser"))
    else:
        opened = TABS[request.param](tmp_path_factory.mktemp(request.param))
    with opened as tab:
        yield tab


@pytest.fixture
def tab(engine: Tab, cloud: LocalCloud) -> Tab:
    """Return the tab of an engine as it is for a new visitor, called Aki."""
    engine.resize(*SIZE)
    empty(engine, cloud.rest_url)
    return engine


def empty(tab: Tab, rest_url: str) -> None:
    """Leave the page, and let the browser forget what it has stored for its address."""
    tab.open("about:blank")
    tab.open(f"{rest_url}/static/")  # of this origin, without the page
    tab.call("() => { localStorage.clear(); sessionStorage.clear(); localStorage['chalice-chat.name'] = 'Aki'; }")


@pytest.fixture
def room(cloud: LocalCloud) -> Room:
    """Create the room Tea."""
    return Room(cloud.rest_url, cloud.websocket_url)


@pytest.fixture
def bo(tab: Tab, room: Room) -> Iterator[Member]:
    """Let Aki open the room in the tab, as its owner, and then Bo join."""
    enter(tab, room.link(owner=True))
    with room.join("Bo") as bo:
        tab.expect_texts("#member-count", "2 here")
        yield bo


def enter(tab: Tab, link: str) -> None:
    tab.open(link)
    tab.expect_texts(STATE, "Connected")
    tab.expect("() => document.querySelector('#members li') !== null")


def say(tab: Tab, text: str) -> None:
    tab.fill("#message", text)
    tab.click("#send")


def test_people_talk(tab: Tab, bo: Member) -> None:
    say(tab, "Hello, Bo 👋")
    assert bo.hear("message")["message"] == "Hello, Bo 👋"
    bo.say("שלום, Aki!\nTea?")
    tab.expect_texts(STORED, "Hello, Bo 👋", "שלום, Aki!\nTea?")
    directions = (
        "() => [...document.querySelectorAll('li.message .body')].map((one) => getComputedStyle(one).direction)"
    )
    assert tab.call(directions) == ["ltr", "rtl"]


def test_enter_sends_and_shift_enter_breaks_the_line(tab: Tab, bo: Member) -> None:
    tab.click("#message")
    tab.type("one")
    tab.press("Shift", "Enter")
    tab.type("two")
    tab.press("Enter")
    assert bo.hear("message")["message"] == "one\ntwo"
    tab.expect_value("#message", "")
    tab.click("#enter-sends")
    tab.click("#message")
    tab.type("three")
    tab.press("Enter")
    tab.expect_value("#message", "three\n")


def test_visitor_takes_another_name(tab: Tab, bo: Member) -> None:
    tab.fill("#your-name", "Aki T")
    tab.press("Enter")
    assert bo.hear("rename")["sender"]["name"] == "Aki T"
    tab.expect_texts("#you", f"You are Aki T {DASH} change")
    assert tab.call("() => document.activeElement.id") == "message"


def test_reload_keeps_the_name_the_room_and_the_draft(tab: Tab, bo: Member) -> None:
    bo.say("hello")
    tab.fill("#message", "not finished")
    tab.reload()
    tab.expect_texts(STATE, "Connected")
    tab.expect_texts("#room-heading", "Tea")
    tab.expect_texts(STORED, "hello")
    tab.expect_value("#message", "not finished")
    assert tab.call("() => document.querySelector('#your-name').value") == "Aki"


def test_way_back_leads_to_the_list_and_again_to_the_room(tab: Tab, bo: Member) -> None:
    bo.say("hello")
    tab.click(".back")
    tab.expect("() => [...document.querySelectorAll('#room-list .name')].some(({ innerText }) => innerText === 'Tea')")
    assert bo.hear("leave")["sender"]["name"] == "Aki"
    tab.back()
    tab.expect_texts(STATE, "Connected")
    tab.expect_texts(STORED, "hello")


def test_visitor_creates_a_room_by_the_keyboard(tab: Tab, cloud: LocalCloud) -> None:
    tab.open(f"{cloud.rest_url}/")
    tab.fill("#room-name", "Coffee")
    tab.press("Enter")
    tab.expect_texts(STATE, "Connected")
    tab.expect_texts("#room-heading", "Coffee")
    tab.expect("() => document.activeElement.id", "message")
    tab.type("no mouse")
    tab.press("Enter")
    tab.expect_texts(STORED, "no mouse")


def test_messages_of_an_outage_arrive_after_it(tab: Tab, cloud: LocalCloud, room: Room) -> None:
    outage = Outage()
    with proxy(cloud, outage) as rest_url, room.join("Bo") as bo:
        empty(tab, rest_url)
        enter(tab, room.link(rest_url=rest_url))
        bo.say("before")
        tab.expect_texts(STORED, "before")
        outage.begin()
        tab.expect_texts(STATE, LOST)
        say(tab, "from Aki")
        tab.expect_texts("li.pending .fate", "Waiting for connection")
        bo.say("missed")
        outage.end()
        tab.click("#try-now")
        tab.expect_texts(STORED, "before", "missed", "from Aki")
        tab.expect_texts(".pending .body")
        assert bo.hear("message")["message"] == "from Aki"
        empty(tab, rest_url)


def test_message_that_waits_survives_a_reload_and_the_tab(tab: Tab, cloud: LocalCloud, room: Room) -> None:
    outage = Outage()
    with proxy(cloud, outage) as rest_url:
        empty(tab, rest_url)
        enter(tab, room.link(rest_url=rest_url))
        outage.begin()
        tab.expect_texts(STATE, LOST)
        say(tab, "patience")
        tab.expect_texts(MESSAGES, "patience")
        tab.call("() => sessionStorage.clear()")  # another tab has none of it
        tab.reload()
        tab.expect_texts("li.pending .body", "patience")
        outage.end()
        tab.expect_texts(STORED, "patience")
        empty(tab, rest_url)


@pytest.mark.parametrize("order", ["webkit", "others"])
def test_enter_of_an_input_method_sends_nothing(tab: Tab, bo: Member, order: str) -> None:
    tab.call(CONFIRM, "#message", order)
    tab.expect_value("#message", "田中")
    assert tab.texts(MESSAGES) == []
    tab.press("Enter")
    assert bo.hear("message")["message"] == "田中"


@pytest.mark.parametrize("order", ["webkit", "others"])
def test_enter_of_an_input_method_does_not_take_the_name(tab: Tab, bo: Member, order: str) -> None:
    tab.call("() => { document.querySelector('#your-name').value = ''; }")
    tab.call(CONFIRM, "#your-name", order)
    assert tab.call("() => document.activeElement.id") == "your-name"
    tab.press("Enter")
    assert bo.hear("rename")["sender"]["name"] == "田中"


def test_addresses_in_messages_are_links(tab: Tab, bo: Member) -> None:
    bo.say("See https://example.com/tea_(drink). Not javascript:alert(1)")
    tab.expect_texts("#log a", "https://example.com/tea_(drink)")
    assert tab.call(
        "() => { const { href, target, rel } = document.querySelector('#log a'); return [href, target, rel]; }"
    ) == ["https://example.com/tea_(drink)", "_blank", "noopener noreferrer nofollow"]


def test_messages_are_formatted(tab: Tab, bo: Member) -> None:
    code = "def tea():\n\treturn '*hot*'"
    bo.say(f"*Bold*, _italic_, `code_of_*tea*`:\n```python\n{code}\n```\n> quoted\n\n- milk\n- sugar")
    for selector, *texts in (
        ("strong", "Bold"),
        ("em", "italic"),
        ("code", "code_of_*tea*", code),
        ("blockquote", "quoted"),
        ("li", "milk", "sugar"),
    ):
        tab.expect_texts(f"li.message .body {selector}", *texts)
    say(tab, "*mine*")
    assert bo.hear("message")["message"] == "*mine*"
    tab.expect_texts("li.own .body strong", "mine")


def test_visitor_reacts_and_sees_who_else_does(tab: Tab, bo: Member) -> None:
    said = bo.say("Tea?")
    tab.click("li.message .act")
    tab.click(".message-actions button", "React with 👍")
    tab.expect_texts(".chip", "👍 1")
    bo.act("react", sequence=said["sequence"], reaction="👍")
    bo.act("react", sequence=said["sequence"], reaction="🦄")
    tab.expect_texts(".chip", "👍 2", "🦄 1")
    tab.expect("() => document.querySelector('.chip').ariaLabel", "👍 2: You and Bo")
    tab.click(".chip", "👍 2: You and Bo")
    tab.expect("() => document.querySelector('.chip').ariaPressed", "false")
    tab.expect("() => [...document.querySelectorAll('.chip')].map((chip) => chip.ariaLabel)", ["👍 1: Bo", "🦄 1: Bo"])


def test_name_is_completed_and_a_mention_is_marked(tab: Tab, bo: Member) -> None:
    tab.click("#message")
    tab.type("hi @b")
    tab.expect_texts("#names [role=option]", "Bo")
    tab.press("Enter")
    tab.expect_value("#message", "hi @Bo ")
    tab.type("look")
    tab.press("Enter")
    mention = bo.hear("message")
    assert (mention["message"], len(mention["mentions"])) == ("hi @Bo look", 1)
    tab.expect_texts(".own .at", "@Bo")
    sender = bo.say("where?")["sender"]
    assert mention["mentions"] == [sender["id"]]
    bo.act("sendMessage", message="@Aki here", mentions=[mention["sender"]["id"]])
    tab.expect_texts(".mentioned .at", "@Aki")


def test_link_that_cannot_be_copied_is_shown(tab: Tab, bo: Member, room: Room) -> None:
    tab.call(NO_CLIPBOARD)
    tab.click("#copy-link")
    tab.expect_value("#room-link", room.link())
    selected = "() => document.activeElement.selectionEnd - document.activeElement.selectionStart"
    assert tab.call(selected) == len(room.link())


def test_private_room_needs_its_invite_link(tab: Tab, cloud: LocalCloud) -> None:
    room = Room(cloud.rest_url, cloud.websocket_url, private=True)
    tab.open(room.link().split("?")[0])
    tab.expect_texts("#room-heading", "Private room")
    tab.open(f"{cloud.rest_url}/")
    tab.fill("#invitation", room.link())
    tab.press("Enter")
    tab.expect_texts(STATE, "Connected")
    tab.expect_texts("#room-heading", "Tea")


def test_scrolling_up_loads_older_messages_in_place(tab: Tab, cloud: LocalCloud, room: Room) -> None:
    write_history(cloud, room.id, [f"message {number}" for number in range(1, 121)])
    enter(tab, room.link())
    tab.expect("() => [...document.querySelectorAll('.message .body')].at(-1)?.innerText", "message 120")
    scroll_to_first = """() => {
        const first = document.querySelector(".message .body")?.innerText;
        document.querySelector("#log").scrollTop = 0;
        return first;
    }"""
    tab.expect(scroll_to_first, "message 1")
    assert tab.texts(MESSAGES) == [f"message {number}" for number in range(1, 121)]


@pytest.mark.parametrize("text_size", ["100%", "200%"])
def test_page_fits_a_phone(tab: Tab, bo: Member, text_size: str) -> None:
    bo.say("Who brings the popcorn on Saturday? See https://example.com/a/long/path?of=1234567890")
    tab.resize(360, 700)
    tab.call("(size) => { document.documentElement.style.fontSize = size; }", text_size)
    tab.expect("() => document.querySelectorAll('.message').length", 1)
    tab.expect(LAYOUT, [])
    tab.click("#member-count")
    tab.click("#manage")
    tab.expect("() => document.querySelector('#owner').open")
    tab.expect(LAYOUT, [])


def test_turned_phone_keeps_the_reading_place(tab: Tab, cloud: LocalCloud, room: Room) -> None:
    write_history(cloud, room.id, [f"message {number}" + " and more" * (number % 30) for number in range(1, 41)])
    tab.resize(460, 700)
    enter(tab, room.link())
    # In the frame after the next one, when the page has restored the place: a shorter log is at its end before that.
    at_end = """async () => {
        for (let frame = 0; frame < 2; frame += 1) await new Promise(requestAnimationFrame);
        return Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) < 2;
    }"""
    tab.expect("() => document.querySelectorAll('.message').length", 40)
    tab.expect(at_end)
    tab.resize(700, 460)
    tab.expect(at_end)
    offset = """() => document.querySelectorAll(".message")[14].getBoundingClientRect().top
        - document.querySelector("#log").getBoundingClientRect().top"""
    tab.call(f"""() => new Promise((resolve) => {{
        const log = document.querySelector("#log");
        log.addEventListener("scroll", () => requestAnimationFrame(resolve), {{ once: true }});
        log.scrollTop += ({offset})();
    }})""")
    tab.resize(460, 700)
    tab.expect(f"() => Math.abs(({offset})()) < 2")


def test_user_signs_in_talks_and_signs_out(tab: Tab, room: Room) -> None:
    tab.open(room.link())
    tab.click("button.sign-in", "Sign in")
    tab.fill("input[name=user]", "Mika")
    tab.click("button", "Continue")
    tab.expect_texts("#user-name", "Mika")
    tab.expect_texts("#room-heading", "Tea")
    tab.expect_texts(STATE, "Connected")
    with room.join("Bo") as bo:
        say(tab, "signed in")
        assert bo.hear("message")["sender"]["verified"] is True
    tab.expect_texts(STORED, "signed in")
    tab.click("#sign-out")
    tab.click("button", "Yes")
    tab.expect("() => document.querySelector('#guest')?.checkVisibility()")


def test_owner_manages_the_room(tab: Tab, bo: Member) -> None:
    tab.click("#manage")
    tab.fill("#new-room-name", "Coffee")
    tab.click("#rename-room button")
    assert bo.hear("updated")["room"]["name"] == "Coffee"
    tab.click("#room-locked")
    assert bo.hear("updated")["room"]["locked"] is True
    tab.click("#owner-done")
    tab.expect_texts("#room-heading", "Coffee")
    tab.expect_texts("#locked-mark", "locked")


def test_owner_deletes_a_message_and_removes_its_sender(tab: Tab, bo: Member) -> None:
    bo.say("spam")
    tab.click(".message .delete")
    tab.click("#ask-agree")
    tab.expect_texts(STORED)
    bo.hear("deleted")
    tab.click("#members .more")
    tab.click("#person-remove .danger")
    bo.hear("removed")
    tab.expect_texts("#member-count", "1 here")


def test_room_that_is_closed_says_so(tab: Tab, room: Room) -> None:
    enter(tab, room.link())
    with room.join("Cy", owner=room.owner_token) as owner:
        owner.act("closeRoom")
        tab.expect_texts("#ending-text", "The owner has closed this room.")
        tab.expect_texts(STATE, "Disconnected")
