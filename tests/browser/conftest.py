"""A real browser, and pages in it that remember nothing of one another."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from localcloud.cloud import LocalCloud

# Without these, Chromium asks its maker's hosts for this and that at every start.
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
MILLISECONDS = 15_000

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
        page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []
