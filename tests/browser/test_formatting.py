"""Formatting of messages: what needs a browser. web/page/tests/ has the rest."""

from __future__ import annotations

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
SELECT = """(body, [from, to]) => {
    const [start, end] = [from, to].map((selector) => selector ? body.querySelector(selector) : body);
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
# Of a message, what is selected from the beginning of one element to the end of another, "" for all of it, and copied.
SELECTED = [
    (0, "", "", MESSAGES[0]),
    (0, "strong", "strong", "*Bold*"),
    (0, "strong", "em", "*Bold*, _italic_"),
    (1, "", "", MESSAGES[1]),
    (2, "", "", MESSAGES[2]),
    (2, "blockquote blockquote", "blockquote blockquote", "> > twice"),
    (3, "", "", MESSAGES[3]),
    (3, "ul > li", "ul > li > ul", "- milk\n- *sugar*\n  - brown"),
]
EMPHASIS = "before *bold words* after `code here` end"
# The same from one word to another one.
WORDS = [
    ("words", "after", "words after"),
    ("before", "bold", "before bold"),
    ("bold words", "here", "*bold words* after `code here`"),
    ("words", "code", "words after code"),
]


def open_room(open_page: OpenPage, cloud: LocalCloud, said: list[str], **options: object) -> Page:
    page = open_page(f"{cloud.rest_url}/#/rooms/{room_of(cloud, said)}", **options)
    expect(page.locator("li.message .body")).to_have_count(len(said))
    return page


def test_script_is_loaded_when_a_message_needs_it_and_formats_those_before(pair: tuple[Page, Page]) -> None:
    aki, bo = pair
    requested: list[str] = []
    aki.on("request", lambda request: requested.append(request.url) if "markup-view" in request.url else None)
    say(bo, "plain")
    expect_message(aki, "plain")
    assert requested == []

    aki.route(SCRIPT, lambda route: route.abort())
    with aki.expect_event("requestfailed", lambda request: "markup-view" in request.url):
        say(bo, "*first*")
        expect_message(aki, "*first*")
    expect(aki.locator("li.message p.body")).to_have_text(["plain", "*first*"])
    aki.unroute(SCRIPT)

    waiting: list[Route] = []
    with aki.expect_request(SCRIPT):
        aki.route(SCRIPT, lambda route: waiting.append(route))
        say(bo, "*second*")
    expect(aki.locator("li.message p.body")).to_have_text(["plain", "*first*", "*second*"])
    waiting.pop().continue_()
    expect(aki.locator("li.message strong")).to_have_text(["*first*", "*second*"])

    say(bo, "*third*")
    expect(aki.locator("li.message strong")).to_have_count(3)
    assert len(requested) == 2
    # What is formatted late has been announced.
    live = aki.locator("li.message:has(strong) .line").evaluate_all("(lines) => lines.map((line) => line.ariaLive)")
    assert live == ["off", "off", None]


def test_selected_text_is_copied_as_it_was_typed(open_page: OpenPage, cloud: LocalCloud) -> None:
    said = [*MESSAGES, EMPHASIS, f"> {CODE}".replace("\n", "\n> ")]
    page = open_room(open_page, cloud, said)
    expect(page.locator("pre")).to_have_count(2)
    bodies = page.locator("li.message .body")
    for message, start, end, copied in SELECTED:
        bodies.nth(message).evaluate(SELECT, [start, end])
        assert page.evaluate(COPIED) == copied, (start, end)
    # Of emphasis that is selected in part, the markers are not copied.
    for start, end, copied in WORDS:
        bodies.nth(4).evaluate(SELECT_WORDS, [start, end])
        assert page.evaluate(COPIED) == copied, (start, end)
    page.evaluate("() => getSelection().selectAllChildren(document.querySelector('#log'))")
    text = page.evaluate(COPIED)
    for typed in said:
        assert f"Bo: {typed}" in text
    assert text.count("] Bo: ") == len(said)
    # The button that copies code selects it where it cannot.
    page.evaluate(
        "() => Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(Error()) } })"
    )
    page.get_by_role("button", name="Copy code").last.click()
    expect(page.locator("#copy-note")).to_have_text("Please copy the selected code.")
    assert page.evaluate("getSelection().toString()") == "def tea():\n\treturn '*hot*'  # https://example.com"


def test_wide_code_is_scrolled_in_its_box_and_a_tall_one_is_shown_whole(open_page: OpenPage, cloud: LocalCloud) -> None:
    tall = "\n".join(f"line {number}" for number in range(60))
    said = [f"```\n{'wide ' * 100}\n```", "```\nshort\n```", f"```\n{tall}\n```"]
    page = open_room(open_page, cloud, said, viewport={"width": 320, "height": 640})
    expect(page.locator("pre")).to_have_count(3)
    wide, short, _ = page.locator("pre").all()
    expect(wide).to_have_attribute("tabindex", "0")
    expect(short).not_to_have_attribute("tabindex", "0")
    assert wide.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")
    for selector in ("html", "#log", "li.message .body"):
        assert page.locator(selector).first.evaluate("({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth")
    wide.evaluate("(pre) => { window.scrolled = new Promise((resolve) => pre.addEventListener('scroll', resolve)); }")
    wide.press("ArrowRight")
    page.evaluate("() => scrolled.then(() => {})")
    assert wide.evaluate("(pre) => pre.scrollLeft") > 0
    page.get_by_role("button", name="Show all").click()
    whole = page.locator(".body").last.bounding_box()
    assert whole
    assert whole["height"] > 600


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
