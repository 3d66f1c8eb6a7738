"""The modules of the page that need neither a browser nor a server: tests/web/, run by Node.js."""

from __future__ import annotations

import subprocess
from pathlib import Path

FILES = sorted((Path(__file__).parent.parent / "web").glob("*.test.mjs"))


def test_modules_of_the_page_pass_their_tests() -> None:
    # Node.js below 22.7 takes a .js file for a module only when told to look.
    run = subprocess.run(
        ["node", "--experimental-detect-module", "--test", *FILES],  # noqa: S607
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout
