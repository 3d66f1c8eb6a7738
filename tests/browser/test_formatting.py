"""Formatting of messages: code, emphasis, quotes and lists, as developers type them."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, expect

from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.axe import expect_no_violations
from tests.support.browser.visitor import expect_message, room_of, say

SCRIPT = "**/static/markup-view-*.js"
CODE = "```python\ndef tea():\n\treturn '*hot*'  # https://example.com\n```"
MESSAGES = [
    "*Bold*, _italic_ and `code_of_*tea*`",
    f"See:\n{CODE}\nand https://example.com/a_b_c",
    "> quoted\n> > twice\nanswer",
    "- milk\n- *sugar*\n  - brown\n\n7. seven\n8. eight",
]
COPIED = """() => new Promise((resolve) => {
    document.addEventListener("copy", (event) => resolve(event.clipboardData.getData("text/plain")), { once: true });
    document.execCommand("copy");
})"""
SELECT = """([body, from, to]) => {
    const [start, end] = [from, to].map((selector) => body.querySelector(selector) ?? body);
    const texts = (element) => {
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        const found = [];
        while (walker.nextNode()) found.push(walker.currentNode);
        return found.filter(({ parentElement }) => !parentElement.closest("[hidden]"));
    };
    const [first, last] = [texts(start)[0], texts(end).at(-1)];
    document.getSelection().setBaseAndExtent(first, 0, last, last.length);
}"""

SELECT_WORDS = """(body, words) => {
    const walker = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    const [start, end] = words.map((word) => {
        for (walker.currentNode = body; walker.nextNode(); ) {
            const at = walker.currentNode.data.indexOf(word);
            if (at >= 0) return { node: walker.currentNode, at };
        }
    });
    document.getSelection().setBaseAndExtent(start.node, start.at, end.node, end.at + words[1].length);
}"""


def open_room(open_page: OpenPage, cloud: LocalCloud, said: list[str], **options: object) -> Page:
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, said)}", **options)
    expect(page.locator("li.message .body")).to_have_count(len(said))
    return page


def test_formatted_messages_contain_what_was_typed(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_room(open_page, cloud, MESSAGES)
    bodies = page.locator("li.message .body")
    inline, block, quote, lists = bodies.all()
    expect(inline.locator("strong")).to_have_text("*Bold*")
    assert inline.inner_text() == "Bold, italic and code_of_*tea*"
    expect(block.locator("pre")).to_be_visible()
    assert block.locator("pre").inner_text() == "def tea():\n\treturn '*hot*'  # https://example.com"
    expect(block.get_by_role("link")).to_have_count(1)
    expect(quote.get_by_role("blockquote")).to_have_count(2)
    expect(lists.get_by_role("listitem")).to_have_count(5)
    expect(lists.locator("ol > li").first).to_have_js_property("value", 7)
    assert bodies.evaluate_all("(bodies) => bodies.map((body) => body.textContent)") == MESSAGES


@pytest.mark.parametrize("text", ["hello there", "2*3*4 snake_case_names", "https://example.com/a_b_c*d*", "* no list"])
def test_plain_message_has_the_elements_that_it_had(open_page: OpenPage, cloud: LocalCloud, text: str) -> None:
    page = open_room(open_page, cloud, [*MESSAGES, text])
    expect(page.locator("pre")).to_be_visible()  # the script is there
    plain = page.locator("li.message .body").last
    assert plain.evaluate("(body) => body.tagName + [...body.children].map(({ tagName }) => tagName)") == (
        "PA" if text.startswith("https") else "P"
    )
    assert plain.inner_text() == text


def test_script_is_loaded_when_a_message_needs_it(pair: tuple[Page, Page]) -> None:
    aki, _ = pair
    loaded: list[str] = []
    aki.on("request", lambda request: loaded.append(request.url) if "markup-view" in request.url else None)
    say(aki, "plain")
    expect_message(aki, "plain")
    assert loaded == []
    for number in range(3):
        say(aki, f"*bold* {number}")
        expect(aki.locator("li:not(.pending) .body strong")).to_have_count(number + 1)
    assert len(loaded) == 1


def test_messages_stay_as_typed_until_the_script_can_be_loaded(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    aki.route(SCRIPT, lambda route: route.abort())
    with aki.expect_event("requestfailed", lambda request: "markup-view" in request.url):
        say(bo, "*first*")
        expect_message(aki, "*first*")
    expect(aki.locator("li.message p.body")).to_have_text("*first*")
    assert aki.locator("li.message .body").inner_text() == "*first*"
    aki.unroute(SCRIPT)
    say(bo, "*second*")
    expect(aki.locator("li.message strong")).to_have_text(["*first*", "*second*"])


def test_message_that_is_formatted_late_is_announced_once(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    waiting: list[Route] = []
    with aki.expect_request(SCRIPT):
        aki.route(SCRIPT, lambda route: waiting.append(route))
        say(bo, "*early*")
    expect(aki.locator("li.message p.body")).to_have_text("*early*")
    waiting.pop().continue_()
    expect(aki.locator("li.message strong")).to_be_visible()
    expect(aki.locator("li.message .line")).to_have_attribute("aria-live", "off")
    say(bo, "*later*")
    expect(aki.locator("li.message strong")).to_have_count(2)
    assert aki.locator("li.message .line").last.get_attribute("aria-live") is None


def test_code_is_copied_by_its_button(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_room(open_page, cloud, [f"> {CODE}".replace("\n", "\n> ")])
    page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard', { configurable: true,"
        " value: { writeText: async (text) => { window.copied = text; } } })"
    )
    page.get_by_role("button", name="Copy code").click()
    expect(page.locator("#copy-note")).to_have_text("Code copied")
    assert page.evaluate("copied") == "def tea():\n\treturn '*hot*'  # https://example.com"
    page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(Error()) } })"
    )
    page.get_by_role("button", name="Copy code").click()
    expect(page.locator("#copy-note")).to_have_text("Please copy the selected code.")
    assert page.evaluate("getSelection().toString()") == "def tea():\n\treturn '*hot*'  # https://example.com"


@pytest.mark.parametrize(
    ("message", "start", "end", "copied"),
    [
        (0, "", "", MESSAGES[0]),
        (0, "strong", "strong", "*Bold*"),
        (0, "strong", "em", "*Bold*, _italic_"),
        (1, "", "", MESSAGES[1]),
        (2, "", "", MESSAGES[2]),
        (2, "blockquote blockquote", "blockquote blockquote", "> > twice"),
        (3, "", "", MESSAGES[3]),
        (3, "ul > li", "ul > li > ul", "- milk\n- *sugar*\n  - brown"),
    ],
)
def test_selected_text_is_copied_as_it_was_typed(
    open_page: OpenPage, cloud: LocalCloud, message: int, start: str, end: str, copied: str
) -> None:
    page = open_room(open_page, cloud, MESSAGES)
    body = page.locator("li.message .body").nth(message)
    expect(body.locator("strong, pre, blockquote").first).to_be_visible()
    body.evaluate(f"(body, [from, to]) => ({SELECT})([body, from || null, to || null])", [start, end])
    assert page.evaluate(COPIED) == copied


@pytest.mark.parametrize(
    ("start", "end", "copied"),
    [
        ("words", "after", "words after"),
        ("before", "bold", "before bold"),
        ("bold words", "here", "*bold words* after `code here`"),
        ("words", "code", "words after code"),
    ],
)
def test_part_of_emphasis_is_copied_without_its_markers(
    open_page: OpenPage, cloud: LocalCloud, start: str, end: str, copied: str
) -> None:
    page = open_room(open_page, cloud, ["before *bold words* after `code here` end"])
    body = page.locator("li.message .body")
    expect(body.locator("strong")).to_be_visible()
    body.evaluate(SELECT_WORDS, [start, end])
    assert page.evaluate(COPIED) == copied


def test_several_messages_are_copied_as_they_were_typed(open_page: OpenPage, cloud: LocalCloud) -> None:
    page = open_room(open_page, cloud, MESSAGES)
    expect(page.locator("pre")).to_be_visible()
    page.evaluate("() => getSelection().selectAllChildren(document.querySelector('#log'))")
    text = page.evaluate(COPIED)
    for message in MESSAGES:
        assert f"Bo: {message}" in text
    assert text.count("] Bo: ") == len(MESSAGES)


def test_wide_code_is_scrolled_in_its_box(open_page: OpenPage, cloud: LocalCloud) -> None:
    said = [f"```\n{'wide ' * 100}\n```", "```\nshort\n```"]
    page = open_room(open_page, cloud, said, viewport={"width": 320, "height": 640})
    expect(page.locator("pre")).to_have_count(2)
    wide, short = page.locator("pre").all()
    expect(wide).to_have_attribute("tabindex", "0")
    expect(short).not_to_have_attribute("tabindex", "0")
    assert wide.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")
    for selector in ("html", "#log", "li.message .body"):
        assert page.locator(selector).first.evaluate("({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth")
    wide.evaluate("(pre) => { window.scrolled = new Promise((resolve) => pre.addEventListener('scroll', resolve)); }")
    wide.press("ArrowRight")
    page.evaluate("() => scrolled.then(() => {})")
    assert wide.evaluate("(pre) => pre.scrollLeft") > 0


def test_tall_formatted_message_can_be_shown_whole(open_page: OpenPage, cloud: LocalCloud) -> None:
    lines = "\n".join(f"line {number}" for number in range(60))
    page = open_room(open_page, cloud, [f"```\n{lines}\n```"])
    expect(page.locator("pre")).to_be_visible()
    expect(page.get_by_role("button", name="Show all")).to_have_count(1)
    page.get_by_role("button", name="Show all").click()
    last = page.locator(".body").bounding_box()
    assert last
    assert last["height"] > 600


def test_messages_that_wait_are_formatted(pair: tuple[Page, Page]) -> None:
    aki, _ = pair
    say(aki, "*sent*")
    expect(aki.locator("li.message:not(.pending) strong")).to_be_visible()
    aki.context.set_offline(True)
    expect(aki.get_by_role("status")).to_have_text("Connection lost. Trying again…")
    say(aki, "*waiting*")
    expect(aki.locator("li.pending strong")).to_have_text("*waiting*")


def test_formatted_messages_are_accessible(open_page: OpenPage, cloud: LocalCloud) -> None:
    said = [*MESSAGES, f"```\n{'wide ' * 100}\n```", "`קוד` שלום *עולם*\n> ציטוט"]
    page = open_room(open_page, cloud, said, reduced_motion="reduce")
    say(page, MESSAGES[1])
    expect(page.locator(".own:not(.pending) pre")).to_be_visible()
    expect_no_violations(page)
    page.emulate_media(forced_colors="active")
    expect(page.locator("pre").first).to_have_css("border-top-style", "solid")
    page.emulate_media(forced_colors="none", media="print")
    expect(page.locator("pre").first).to_have_css("white-space", "pre-wrap")
    expect(page.get_by_role("button", name="Copy code")).to_have_count(0)
