"""A real browser, and pages in it that remember nothing of one another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from localcloud.cloud import LocalCloud
from tests.browser.visitor import create_room, take_name

# Without these, Chromium asks its maker's hosts for this and that at every start.
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
MILLISECONDS = 15_000
# Chromium's word for it, in whatever it writes to the console about a violation.
POLICY = "Content Security Policy"

OpenPage = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium from PATH, else Playwright's own.

    Not for the whole session: Playwright keeps an event loop running, beside which tests elsewhere cannot run theirs.
    """
    found = shutil.which("chromium") or shutil.which("google-chrome")
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, cloud: LocalCloud) -> Iterator[OpenPage]:
    """Opens the page as another person would: nothing is shared between two of them."""
    contexts = []
    problems: list[str] = []

    def open_page(address: str = f"{cloud.rest_url}/", **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if POLICY in message.text else None)
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def pair(open_page: OpenPage) -> tuple[Page, Page]:
    """Aki, who made the room Tea, and Bo, who followed the link to it."""
    aki = open_page()
    take_name(aki, "Aki")
    create_room(aki, "Tea")
    bo = open_page(aki.url)
    take_name(bo, "Bo")
    expect(bo.get_by_role("status")).to_have_text("Connected")
    expect(aki.get_by_role("list", name="Members").get_by_text("Bo", exact=True)).to_be_visible()
    return aki, bo
