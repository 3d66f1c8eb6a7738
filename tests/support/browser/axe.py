"""Check of a page's accessibility with axe-core: in light and dark, on a phone and on a desktop."""

from __future__ import annotations

import json
from typing import Literal

from playwright.sync_api import Page, ViewportSize

from tests.support.projects import PROJECT

AXE = PROJECT / "tests/browser/node_modules/axe-core/axe.min.js"
SCREENS: dict[str, ViewportSize] = {"phone": {"width": 375, "height": 667}, "desktop": {"width": 1280, "height": 800}}
SCHEMES: list[Literal["light", "dark"]] = ["light", "dark"]


def expect_no_violations(page: Page) -> None:
    page.evaluate(AXE.read_text())
    for screen, size in SCREENS.items():
        page.set_viewport_size(size)
        page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            violations = page.evaluate("axe.run().then(({violations}) => violations)")
            assert violations == [], f"{screen}, {scheme}: {json.dumps(violations, indent=1)}"
