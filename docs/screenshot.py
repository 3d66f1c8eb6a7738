"""Take the README's picture of the page, on a local cloud of its own: python -m docs.screenshot."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from localcloud.cloud import local_cloud

PORT = 8970
PICTURE = Path(__file__).with_name("page.png")
TALK = [
    (0, "Good morning! Is the changelog done?"),
    (1, "Almost. Two entries to go, then I tag it."),
    (0, "I tried the candidate on my phone and on the old tablet, and both were fine."),
    (1, "Then let us ship it after lunch."),
]


def visit(browser: Browser, address: str, name: str) -> Page:
    """Open the page as somebody of that name."""
    page = browser.new_page(viewport={"width": 1100, "height": 640}, color_scheme="light")
    page.goto(address)
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Your name").press("Enter")
    return page


def main() -> None:
    """Let two people talk, and take the picture."""
    with local_cloud(PORT, Path("build/screenshot"), print) as cloud, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), chromium_sandbox=False)
        bea = visit(browser, f"{cloud.rest_url}/", "Bea")
        bea.get_by_label("Room name").fill("Release 2.4: what is left?")
        bea.get_by_role("button", name="Create room").click()
        bea.get_by_text("Connected", exact=True).wait_for()
        aki = visit(browser, f"{cloud.rest_url}/", "Aki")
        aki.goto(bea.url)
        bea.get_by_text("Aki joined").wait_for()
        for speaker, message in TALK:
            page = (bea, aki)[speaker]
            page.get_by_label("Message", exact=True).fill(message)
            page.get_by_role("button", name="Send").click()
            aki.get_by_role("log").get_by_text(message).wait_for()
        aki.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    main()
