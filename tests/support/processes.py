"""New processes that import modules of the chat."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.support.projects import PROJECT


def import_modules(
    *modules: str, setting: str = "EMPTY_ROOM_GRACE_SECONDS", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Import modules in a new process, which prints a setting."""
    statements = [*(f"import {module}" for module in modules), "from chalicelib import settings"]
    return subprocess.run(
        [sys.executable, "-c", "; ".join([*statements, f"print(settings.{setting})"])],
        cwd=PROJECT,
        env=os.environ | environment,
        text=True,
        capture_output=True,
        check=False,
    )
