"""Visible glyphs: the server, the client library in Node.js, and the browser agree."""

from __future__ import annotations

import json
import random
import subprocess
import unicodedata
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chalicelib.protocol.validation import is_valid
from chalicelib.protocol.values import DisplayName, MessageText
from tests.support.projects import PROJECT

# Half of the characters are from blocks with many that are invisible or change directions.
BLOCKS = [range(0x20), range(0x7F, 0xB0), range(0x2000, 0x2070), range(0x3160, 0x3168), range(0xFFA0, 0xFFA2)]
SPECIAL = [*"\u034f\u061c\u115f\u180e\u2800\u3000\ufe0f\ufeff\U00016fe4\U0001d159\U000e0020\U000e0100"]
ASSIGNED = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]

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


@pytest.fixture
def library() -> str:
    """Bundle what the client library checks."""
    bundle = ["node_modules/.bin/esbuild", "--bundle", "--format=iife", "--global-name=library", "--loader=ts"]
    return subprocess.run(bundle, cwd=PROJECT / "web", input=LIBRARY, capture_output=True, text=True, check=True).stdout


def random_texts(count: int) -> list[str]:
    """Return random strings of the characters of Unicode 14."""
    randomness = random.Random(14)
    special = [*SPECIAL, *(chr(code) for block in BLOCKS for code in block if chr(code).isascii() or code > 0x9F)]
    return [
        "".join(
            randomness.choice(randomness.choice([ASSIGNED, special, special])) for _ in range(randomness.randint(1, 4))
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
