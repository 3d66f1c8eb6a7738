"""The engines of browsers that are installed. The head of pytest's output names those that are not."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

CHROMIUM, FIREFOX, WEBKITGTK = "chromium", "firefox", "webkitgtk"
MINI_BROWSERS = ["usr/lib/*/webkit2gtk-4.1/MiniBrowser", "usr/libexec/webkit2gtk-4.1/MiniBrowser"]
"""Paths of WebKitGTK's browser, by system."""


def firefox() -> str | None:
    """Return the path of Firefox, or None if it is not installed."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


def mini_browser() -> str | None:
    """Return the path of WebKitGTK's browser, or None if it, its driver or a display is missing."""
    if not shutil.which("WebKitWebDriver") or not (os.environ.get("DISPLAY") or shutil.which("Xvfb")):
        return None
    return next((str(path) for pattern in MINI_BROWSERS for path in Path("/").glob(pattern)), None)


OTHERS: dict[str, Callable[[], str | None]] = {FIREFOX: firefox, WEBKITGTK: mini_browser}
"""The engines that `make tools` does not install."""


def installed() -> list[str]:
    """Return the engines that are installed. The other browser tests need Chromium, too."""
    return [CHROMIUM, *(name for name, find in OTHERS.items() if find())]


def pytest_report_header() -> str:
    """Tell which engines tests/browser/test_engines.py runs in, and which are missing."""
    missing = [name for name in OTHERS if name not in installed()]
    left_out = f"; not installed, and left out: {', '.join(missing)} (`make browsers` installs them)" if missing else ""
    return f"engines: {', '.join(installed())}{left_out}"
