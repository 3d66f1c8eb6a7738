"""Fixtures of the browser tests: one browser, and pages that share no storage."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from localcloud.cloud import LocalCloud
from tests.browser.certificate import Certificate
from tests.browser.new_account import NewAccount, stand_in
from tests.browser.visitor import create_room, take_name

# Without these options Chromium sends requests to its vendor at every start.
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
NAMES = ["chromium-headless-shell", "chromium", "google-chrome"]
MILLISECONDS = 15_000
# Part of each violation that Chromium writes to the console.
POLICY = "Content Security Policy"

OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """Create the certificate of `new_account`."""
    return Certificate.create(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="package")
def browser(certificate: Certificate) -> Iterator[Browser]:
    """Start Chromium from PATH, otherwise Playwright's own.

    The scope is the package: Playwright keeps an event loop running, and tests of other packages start their own.
    """
    # Playwright's option `ignore_https_errors` would turn off the cache of the browser.
    trust = f"--ignore-certificate-errors-spki-list={certificate.key_hash}"
    found = next(filter(None, map(shutil.which, NAMES)), None)
    expect.set_options(timeout=MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, trust], chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, cloud: LocalCloud) -> Iterator[OpenPage]:
    """Open the page, each time in a browser context of its own. The test fails if a page reports a problem."""
    contexts = []
    problems: list[str] = []

    def answer(dialog: Dialog) -> None:
        """Accept a question of the page. Any other dialogue is a problem, such as one of injected code."""
        if dialog.type == "confirm":
            dialog.accept()
        else:
            problems.append(f"dialogue: {dialog.message}")
            dialog.dismiss()

    def open_page(address: str = f"{cloud.rest_url}/", **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        context.set_default_timeout(MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if POLICY in message.text else None)
        context.on("dialog", answer)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def new_account(cloud: LocalCloud, certificate: Certificate) -> Iterator[NewAccount]:
    """Serve the local cloud as a new AWS account would: `open_page(new_account.url)` opens the page."""
    with stand_in(cloud, certificate) as account:
        yield account


@pytest.fixture
def pair(open_page: OpenPage) -> tuple[Page, Page]:
    """Return the pages of Aki, who has created the room Tea, and of Bo, who has followed its link."""
    aki = open_page()
    take_name(aki, "Aki")
    create_room(aki, "Tea")
    bo = open_page(aki.url)
    take_name(bo, "Bo")
    expect(bo.get_by_role("status")).to_have_text("Connected")
    expect(aki.get_by_role("list", name="Members").get_by_text("Bo", exact=True)).to_be_visible()
    return aki, bo
