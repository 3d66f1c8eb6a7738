"""The client library, in Node.js, on the packaged app on the local cloud."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from localcloud.cloud import LocalCloud


def test_client_library_works_with_the_packaged_app(cloud: LocalCloud, client_tests: Path) -> None:
    run = subprocess.run(
        ["node", "--test", "--test-timeout=150000", "--no-warnings", client_tests / "room.mjs"],  # noqa: S607
        env=os.environ | {"CHAT_URL": cloud.rest_url},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
