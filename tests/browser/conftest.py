"""Fixtures of the browser tests: one browser, and pages that share no storage."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Browser, Dialog, Page, expect, sync_playwright

from localcloud.cloud import LocalCloud
from tests.support.browser.certificate import Certificate
from tests.support.browser.new_account import NewAccount, stand_in

# Without these options Chromium sends requests to its vendor at every start.
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
NAMES = ["chromium-headless-shell", "chromium", "google-chrome"]
MILLISECONDS = 15_000
# Part of each violation that Chromium writes to the console.
POLICY = "Content Security Policy"
# Where web/page/src/store.ts keeps the visitor's name.
NAME = "chalice-chat.name"

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
    """Open the page, each time in a browser context of its own, for a visitor who may have taken a name before.

    The test fails if a page reports a problem.
    """
    contexts = []
    problems: list[str] = []

    def report(dialog: Dialog) -> None:
        """Report a dialogue of the browser, such as one of injected code: the page has dialogues of its own."""
        problems.append(f"dialogue: {dialog.message}")
        dialog.dismiss()

    def open_page(address: str = f"{cloud.rest_url}/", *, name: str = "", **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        if name:
            context.add_init_script(f"localStorage['{NAME}'] ??= '{name}'")
        context.set_default_timeout(MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if POLICY in message.text else None)
        context.on("dialog", report)
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
def pair(open_page: OpenPage, cloud: LocalCloud) -> tuple[Page, Page]:
    """Return the pages of Aki, the owner of the room Tea, and of Bo, who has followed its invite link."""
    created = requests.post(f"{cloud.rest_url}/rooms", json={"roomName": "Tea"}, timeout=20).json()
    link = f"{cloud.rest_url}/#/rooms/{created['roomId']}"
    aki = open_page(f"{link}?owner={created['ownerToken']}", name="Aki")
    expect(aki.get_by_role("status")).to_have_text("Connected")
    bo = open_page(link, name="Bo")
    expect(bo.get_by_role("status")).to_have_text("Connected")
    for page in (aki, bo):
        expect(page.get_by_role("list", name="Members").get_by_role("listitem")).to_have_count(2)
    return aki, bo
