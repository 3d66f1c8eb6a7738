"""Command of `make mutate`: make each mistake of edits.toml in a copy of the project, and run the module's tests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutation import PROJECT, Edit, read_edits

REQUIRED_SHARE = 0.95
IGNORED = shutil.ignore_patterns(".*", "__pycache__", "build", "node_modules", "benchmarks")
PACKAGES = Path("tests/node/node_modules")
FAILED = 1
"""The exit code of pytest if a test failed. Others mean that the tests could not run."""


def main(only: str) -> int:
    """Run the edits of the files whose name contains a text. Return the exit code: 1 if too many mistakes survive."""
    edits = [edit for edit in read_edits() if only in edit.file and edit.equivalent is None]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "project"
        shutil.copytree(PROJECT, copy, ignore=IGNORED)
        shutil.copytree(PROJECT / ".chalice", copy / ".chalice")
        (copy / PACKAGES).symlink_to(PROJECT / PACKAGES)
        caught = sum(_is_caught(edit, copy) for edit in edits)
    print(f"caught {caught} of {len(edits)}")
    return int(caught < REQUIRED_SHARE * len(edits))


def _is_caught(edit: Edit, copy: Path) -> bool:
    edit.apply(copy)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--timeout=60", *edit.tests]
    result = subprocess.run(command, cwd=copy, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    shutil.copyfile(PROJECT / edit.file, copy / edit.file)
    if result.returncode not in (0, FAILED):
        raise RuntimeError(
            f"expected the exit code 0 or 1 of pytest, not {result.returncode}, with {edit}: {result.stdout[-2000:]}"
        )
    test = re.search(r"^(?:FAILED|ERROR) (\S+)", result.stdout, re.MULTILINE)
    print(f"{edit.file}: {edit.old!r} -> {edit.new!r}")
    print(f"    caught by {test[1]}" if test else "    SURVIVED", flush=True)
    return result.returncode == FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if sys.argv[1:] else ""))
