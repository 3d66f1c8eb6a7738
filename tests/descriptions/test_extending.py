"""The steps of docs/extending.md, applied to a copy of the project, have the results that it states.

A step is a sentence that names a file and a place in it, followed by a block of code. Places have names instead of line
numbers, so the tutorial stays valid when the project grows.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

pytestmark = pytest.mark.node

STEP = re.compile(
    r"^(?P<place>[^\n]*)\n\n?```(?P<kind>\w+)\n(?P<content>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
"""Code to add, a command (sh), or the output of the command above it, which fails (text)."""

NOT_COPIED = (".git", ".venv", ".next", "*_cache", ".hypothesis", "build", "node_modules", "benchmarks", "*.png")

PYTEST_OPTIONS = "-p no:schemathesis -p no:hypothesispytest -p no:cacheprovider"
"""Plugins that none of the commands needs, and that take seconds to start."""


def _last_line(text: str, is_sought: Callable[[ast.stmt], bool]) -> int:
    """Return the number of the last line of the last top-level statement that is_sought accepts."""
    return max(node.end_lineno or 0 for node in ast.parse(text).body if is_sought(node))


def _insert(text: str, line: int, addition: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:line], addition, *lines[line:]])


def _defines(node: ast.stmt, name: str) -> bool:
    if isinstance(node, ast.Assign):
        return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)
    return isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name


def _add_to_imports(text: str, addition: str) -> str:
    return _insert(text, _last_line(text, lambda node: isinstance(node, ast.Import | ast.ImportFrom)), addition)


def _add_after(text: str, addition: str, name: str) -> str:
    return _insert(text, _last_line(text, lambda node: _defines(node, name)), addition)


def _add_to_end(text: str, addition: str) -> str:
    return f"{text}\n\n{addition}"


def _add_above(text: str, addition: str, heading: str) -> str:
    assert text.count(f"\n{heading}\n") == 1
    return text.replace(f"\n{heading}\n", f"\n{addition}\n{heading}\n")


def _add_to_actions(text: str, addition: str, sid: str) -> str:
    policy = json.loads(text)
    (statement,) = (statement for statement in policy["Statement"] if statement["Sid"] == sid)
    statement["Action"] = sorted({*statement["Action"], json.loads(addition)})
    return json.dumps(policy, indent=2) + "\n"


PLACES: dict[str, Callable[..., str]] = {
    r"Create `(?P<file>[^`]+)`:": lambda text, addition: addition,
    r"Add to the imports of `(?P<file>[^`]+)`:": _add_to_imports,
    r"Add to the end of `(?P<file>[^`]+)`:": _add_to_end,
    r"Add after `(?P<name>\w+)` in `(?P<file>[^`]+)`:": _add_after,
    r"Add above the heading `(?P<heading>[^`]+)` in `(?P<file>[^`]+)`:": _add_above,
    r"Add to the actions of `(?P<sid>\w+)` in `(?P<file>[^`]+)`:": _add_to_actions,
}
"""Functions that add code to the text of a file, by the sentence that names the place."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the project that uses the same virtual environment and Node.js packages."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
    (folder / ".venv").symlink_to(sys.prefix)
    for packages in ("web/node_modules", "tests/node/node_modules"):
        (folder / packages).symlink_to(PROJECT / packages)
    return folder


def _edit(folder: Path, place: str, addition: str) -> None:
    """Add code at a place. Fails if no form of PLACES fits the sentence, or the file does not have the place."""
    found = [(match.groupdict(), edit) for form, edit in PLACES.items() if (match := re.fullmatch(form, place))]
    assert len(found) == 1, f"no place: {place}"
    ((names, edit),) = found
    path = folder / names.pop("file")
    path.write_text(edit(path.read_text() if path.exists() else "", addition, **names))


def _run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder. make does not install the requirements again."""
    return subprocess.run(
        ["bash", "-ec", command.replace("make ", "make --old-file=.venv/installed ")],  # noqa: S607
        cwd=folder,
        env=os.environ | {"PYTEST_ADDOPTS": PYTEST_OPTIONS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_every_step_of_the_tutorial_has_its_stated_result(copy: Path) -> None:
    steps = [match.groupdict() for match in STEP.finditer((PROJECT / "docs/extending.md").read_text())]
    assert {"python", "sh", "text"} <= {step["kind"] for step in steps}
    for step, following in pairwise([*steps, {"kind": "end"}]):
        if step["kind"] == "sh":
            expected = following["content"].strip() if following["kind"] == "text" else ""
            finished = _run(copy, step["content"])
            assert (finished.returncode != 0) == (expected != ""), finished.stdout
            assert expected in finished.stdout
        elif step["kind"] != "text":
            _edit(copy, step["place"], step["content"])
