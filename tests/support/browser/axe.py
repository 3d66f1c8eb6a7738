"""Check of a page's accessibility with axe-core: in light and dark, on a phone and on a desktop."""

from __future__ import annotations

import json
from typing import Literal

from playwright.sync_api import Page, ViewportSize

from tests.support.projects import PROJECT

AXE = PROJECT / "tests/browser/node_modules/axe-core/axe.min.js"
SCREENS: dict[str, ViewportSize] = {"phone": {"width": 375, "height": 667}, "desktop": {"width": 1280, "height": 800}}
# The style sheet changes nothing but colours for the dark scheme.
RULES: dict[Literal["light", "dark"], list[str] | None] = {
    "light": None,
    "dark": ["color-contrast", "link-in-text-block"],
}
# Without the elements that pass, which are most.
RUN = """(rules) => axe.run({ resultTypes: ["violations"], ...(rules && { runOnly: rules }) })
    .then(({ violations }) => violations)"""


def expect_no_violations(page: Page) -> None:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    for screen, size in SCREENS.items():
        page.set_viewport_size(size)
        page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
        for scheme, rules in RULES.items():
            page.emulate_media(color_scheme=scheme)
            violations = page.evaluate(RUN, rules)
            assert violations == [], f"{screen}, {scheme}: {json.dumps(violations, indent=1)}"
