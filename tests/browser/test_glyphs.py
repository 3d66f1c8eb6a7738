"""Visible glyphs: the server, the client library in Node.js, and the browser agree. Stacked marks cover nothing."""

from __future__ import annotations

import json
import random
import subprocess
import unicodedata
from base64 import b64encode
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import DisplayName, MessageText
from localcloud.cloud import LocalCloud
from tests.browser.conftest import OpenPage
from tests.support.browser.room import Room
from tests.support.projects import PROJECT

# Half of the characters are from blocks with many that are invisible or change directions.
BLOCKS = [range(0x20), range(0x7F, 0xB0), range(0x2000, 0x2070), range(0x3160, 0x3168), range(0xFFA0, 0xFFA2)]
SPECIAL = [*"\u034f\u061c\u115f\u180e\u2800\u3000\ufe0f\ufeff\U00016fe4\U0001d159\U000e0020\U000e0100"]

# Its source is that of the page, whose files export nothing.
LIBRARY = """
export { checkName } from "./client/src/identity.ts";
export { hasGlyph } from "./client/src/index.ts";
"""

VERDICTS = """texts => texts.map((text) => {
  try {
    library.checkName(text);
    return [library.hasGlyph(text), true];
  } catch {
    return [library.hasGlyph(text), false];
  }
})"""

# The fonts of every system stack them.
ABOVE, BELOW = "\N{COMBINING RING ABOVE}", "\N{COMBINING RING BELOW}"

# A quarter of a line more than the box: marks of real words may extend there.
COVER = """element => {
  const { x, y, width, height } = element.getBoundingClientRect();
  const cover = document.createElement("div");
  cover.style = `position: fixed; z-index: 9; background: black; left: ${x - 6}px; top: ${y - 6}px;
    width: ${width + 12}px; height: ${height + 12}px`;
  document.body.append(cover);
  return cover;
}"""

# Chromium rounds the colours of round corners anew each time.
COUNT_DIFFERENCES = """async (pictures) => {
  const [one, other] = await Promise.all(pictures.map(async (picture) => {
    const image = new Image();
    image.src = `data:image/png;base64,${picture}`;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    return context.getImageData(0, 0, image.width, image.height).data;
  }));
  return one.filter((value, index) => Math.abs(value - other[index]) > 16).length;
}"""


@pytest.fixture
def library() -> str:
    """Bundle what the client library checks."""
    bundle = ["node_modules/.bin/esbuild", "--bundle", "--format=iife", "--global-name=library", "--loader=ts"]
    return subprocess.run(bundle, cwd=PROJECT / "web", input=LIBRARY, capture_output=True, text=True, check=True).stdout


def random_texts(count: int) -> list[str]:
    """Return random strings of the characters of Unicode 14."""
    randomness = random.Random(14)
    assigned = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
    special = [*SPECIAL, *(chr(code) for block in BLOCKS for code in block if chr(code).isascii() or code > 0x9F)]
    return [
        "".join(
            randomness.choice(randomness.choice([assigned, special, special])) for _ in range(randomness.randint(1, 4))
        )
        for _ in range(count)
    ]


def test_server_library_and_browser_accept_the_same_texts(browser: Browser, library: str, tmp_path: Path) -> None:
    texts = random_texts(2_000)
    expected = [
        # Messages are cleaned of control characters before they are sent; only the library's check of names knows them.
        [
            is_valid("".join(" " if unicodedata.category(c) == "Cc" else c for c in text), MessageText),
            is_valid(text, DisplayName),
        ]
        for text in texts
    ]
    for verdicts in zip(*expected, strict=True):
        assert 200 < sum(verdicts) < 1_800

    script = tmp_path / "verdicts.cjs"
    script.write_text(f"{library}\nconsole.log(JSON.stringify(({VERDICTS})({json.dumps(texts)})));")
    in_node = subprocess.run(["node", script], capture_output=True, text=True, check=True)  # noqa: S607
    assert json.loads(in_node.stdout) == expected

    page = browser.new_page()
    page.evaluate(library.replace("var library =", "globalThis.library ="))
    assert page.evaluate(VERDICTS, texts) == expected
    page.close()


def test_stacked_marks_stay_in_the_box_of_their_text(open_page: OpenPage, cloud: LocalCloud) -> None:
    """In a message, the name of its sender, a notice, the list of members, and the list of rooms."""
    room = Room(cloud.rest_url, cloud.websocket_url, roomName=f".{ABOVE * 40}{BELOW * 39}")
    page = open_page(room.link())
    expect(page.locator("#members li")).to_have_count(1)  # those who join from now on are announced
    with room.join(f".{ABOVE * 20}{BELOW * 19}", key="b" * 22) as bo:
        bo.say(f".{ABOVE * 50}{BELOW * 49}" * 20)
        for place in (".message .body", ".message .head", ".notice", "#members li"):
            expect_no_ink_outside(page, page.locator(place).filter(has_text=BELOW))
    page.goto(f"{cloud.rest_url}/")
    expect_no_ink_outside(page, page.locator("#room-list .name").filter(has_text=BELOW).first)


def expect_no_ink_outside(page: Page, element: Locator) -> None:
    """Compare pictures with and without the element, in both of which its box is covered."""
    expect(element).to_be_visible()
    cover = element.evaluate_handle(COVER)
    pictures = []
    for visibility in ("hidden", "visible"):
        element.evaluate("(element, visibility) => { element.style.visibility = visibility; }", visibility)
        pictures.append(b64encode(page.screenshot(animations="disabled")).decode())
    cover.evaluate("(cover) => cover.remove()")
    # The security policy of the chat's page allows no images.
    blank = page.context.new_page()
    assert blank.evaluate(COUNT_DIFFERENCES, pictures) == 0, str(element)
    blank.close()
