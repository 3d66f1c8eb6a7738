"""`make run` as a process whose console output a test reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.projects import PROJECT, copy_project

SECONDS = 60
COMMAND = (sys.executable, "-m", "localcloud")


def copy_runnable_project(folder: Path) -> Path:
    """Copy what `make run` needs into folder, where a test may edit it, and return the folder."""
    copy_project(folder, "deployment", "localcloud", "web")
    (folder / "web/node_modules").symlink_to(PROJECT / "web/node_modules")
    return folder


@contextmanager
def running(
    port: int | str, project: Path = PROJECT, command: tuple[str, ...] = COMMAND
) -> Iterator[subprocess.Popen[str]]:
    """Run a project at port in a process group of its own, and kill the group at the end."""
    # Processes inherit ignored signals, and a shell starts background processes with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        command,
        cwd=project,
        env=os.environ | {"PORT": str(port)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):  # all of the group have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def lines_until(process: subprocess.Popen[str], part: str) -> list[str]:
    """Read console lines up to the first that contains part."""
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line.rstrip())
        if part in line:
            return lines
    raise AssertionError(f"no line contains {part!r}: {lines}")
