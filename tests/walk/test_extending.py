"""What docs/extending.md adds to the project works: its diffs apply, and its commands end as it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import PROJECT

BLOCK = re.compile(r"^```(diff|sh|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
"""A change, a command, or what the command above says when it fails."""

NOT_NEEDED = (".git", ".venv", "*_cache", ".hypothesis", "build", "deployments", "benchmarks", "browser")


@pytest.fixture
def copy(tmp_path: Path, node_tools: Path) -> Path:
    """A copy of the project, with what is installed for it."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*NOT_NEEDED))
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def _run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-ec", command],  # noqa: S607
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_what_is_added_works(copy: Path) -> None:
    steps = BLOCK.findall((PROJECT / "docs/extending.md").read_text())
    assert {kind for kind, _ in steps} == {"diff", "sh", "text"}
    for (kind, content), (next_kind, next_content) in pairwise([*steps, ("end", "")]):
        if kind == "diff":
            subprocess.run(["git", "apply"], cwd=copy, input=content, text=True, check=True)  # noqa: S607
        elif kind == "sh":
            complaint = next_content.strip() if next_kind == "text" else ""
            ended = _run(content, copy)
            assert (ended.returncode != 0) == (complaint != ""), ended.stdout
            assert complaint in ended.stdout
