"""Screenshots of the page for the README, taken on a separate local cloud: python -m docs.screenshot."""

import shutil
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from localcloud.cloud import local_cloud

PORT = 8970
FOLDER = Path(__file__).parent
DESKTOP: ViewportSize = {"width": 1100, "height": 760}
PHONE: ViewportSize = {"width": 390, "height": 844}
SCREENSHOTS: list[tuple[str, ViewportSize, Literal["light", "dark"]]] = [
    ("page.png", DESKTOP, "light"),
    ("page-dark.png", DESKTOP, "dark"),
    ("page-phone.png", PHONE, "light"),
    ("page-phone-dark.png", PHONE, "dark"),
]
CONVERSATION = [
    (0, "Good morning! Is the changelog done?"),
    (1, "Almost. Two entries to go, then I tag it."),
    (1, "The draft is at https://example.com/changelog/2.4, have a look."),
    (2, "בוקר טוב!"),
    (2, "I tried the candidate on my phone and on the old tablet, and both were fine."),
    (0, "Thank you, Noa. Then let us ship it after lunch."),
    (1, "Tagged."),
]


def visit(browser: Browser, address: str, name: str) -> Page:
    """Open the page in a new tab, and enter a display name."""
    page = browser.new_page(viewport=DESKTOP, locale="en-GB")
    page.goto(address)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")
    return page


def join(browser: Browser, inviter: Page, name: str) -> Page:
    """Open the inviter's room in a new tab, and wait until the inviter sees the join."""
    page = visit(browser, inviter.url.split("#")[0], name)
    page.goto(inviter.url)
    inviter.get_by_text(f"{name} joined").wait_for()
    return page


def main() -> None:
    """Let three members exchange messages, and take the screenshots of one member's page."""
    with local_cloud(PORT, Path("build/screenshot"), print) as cloud, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        bea = visit(browser, f"{cloud.rest_url}/", "Bea")
        bea.get_by_label("Room name").fill("Release 2.4: what is left?")
        bea.get_by_role("button", name="Create room").click()
        bea.get_by_text("Connected", exact=True).wait_for()
        noa = join(browser, bea, "Noa")
        aki = join(browser, bea, "Aki")
        for speaker, message in CONVERSATION:
            page = (bea, aki, noa)[speaker]
            page.get_by_label("Message", exact=True).fill(message)
            page.get_by_role("button", name="Send").click()
            aki.locator(".message:not(.pending)", has_text=message).wait_for()
        for name, viewport, scheme in SCREENSHOTS:
            aki.set_viewport_size(viewport)
            aki.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            aki.mouse.move(0, 0)
            aki.screenshot(path=FOLDER / name)
        browser.close()


if __name__ == "__main__":
    main()
