"""The steps of docs/extending.md, applied to a copy of the project, have the results that it states."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

pytestmark = pytest.mark.node

STEP = re.compile(r"^(?P<line>[^\n]*)\n\n?```(?P<kind>\w+)\n(?P<content>.*?)^```$", re.DOTALL | re.MULTILINE)
"""Changes (diff), a file (python), or commands (sh)."""

NOT_COPIED = (".git", ".venv", ".next", "*_cache", ".hypothesis", "build", "node_modules", "*.png")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project that uses the same virtual environment and Node.js packages."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    (folder / ".venv").symlink_to(sys.prefix)
    for packages in ("web/node_modules", "tests/node/node_modules"):
        (folder / packages).symlink_to(PROJECT / packages)
    return folder


def _apply(folder: Path, changes: str) -> None:
    """Apply a diff without line numbers. Fails unless each file has the lines around a change exactly once."""
    _, *files = re.split(r"^\+\+\+ (.+)\n", changes, flags=re.MULTILINE)
    for name, hunks in zip(files[::2], files[1::2], strict=True):
        text = (folder / name).read_text()
        for hunk in hunks.split("@@\n"):
            lines = hunk.splitlines(keepends=True)
            before = "".join(line[1:] for line in lines if line[0] in " -")
            after = "".join(line[1:] for line in lines if line[0] in " +")
            assert f"\n{text}".count(f"\n{before}") == 1, f"{name}: not exactly once: {before}"
            text = f"\n{text}".replace(f"\n{before}", f"\n{after}").removeprefix("\n")
        (folder / name).write_text(text)


def _run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder. make does not install the requirements again."""
    return subprocess.run(
        ["bash", "-ec", command.replace("make ", "make --old-file=.venv/installed ")],  # noqa: S607
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_every_step_of_the_tutorial_succeeds(copy: Path) -> None:
    steps = [match.groupdict() for match in STEP.finditer((PROJECT / "docs/extending.md").read_text())]
    assert {"diff", "python", "sh"} == {step["kind"] for step in steps}
    for step in steps:
        match step["kind"]:
            case "diff":
                _apply(copy, step["content"])
            case "python":
                (name,) = re.findall(r"^Create `(.+)`:$", step["line"])
                (copy / name).write_text(step["content"])
            case "sh":
                finished = _run(copy, step["content"])
                assert finished.returncode == 0, finished.stdout
