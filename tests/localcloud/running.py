"""`make run`, as a process with a console to read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import PROJECT

__all__ = ["SECONDS", "copy_project", "lines_until", "running"]

SECONDS = 60


def copy_project(folder: Path) -> Path:
    """Copy what `make run` needs of the project into folder, where a test may edit it.

    The copy includes the requirements that Chalice has packaged before: they need not be fetched again.
    """
    for name in ("chalicelib", "localcloud", ".chalice"):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("app.py", "requirements.txt"):
        shutil.copy(PROJECT / name, folder)
    return folder


@contextmanager
def running(port: int | str, project: Path = PROJECT) -> Iterator[subprocess.Popen[str]]:
    """Run a project at port, and kill it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "localcloud"],
        cwd=project,
        env=os.environ | {"PORT": str(port)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lines_until(process: subprocess.Popen[str], part: str) -> list[str]:
    """Read the lines of the console up to one with this part."""
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.rstrip())
        if part in line:
            return lines
    raise AssertionError(f"no line has {part}: {lines}")
