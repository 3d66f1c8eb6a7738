"""The tests of the scripts that need neither a browser nor a server: web/*/tests, in Node.js."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.projects import PROJECT


@pytest.mark.timeout(600)  # it bundles and runs 510 tests, beside other workers
def test_client_and_page_pass_their_unit_tests() -> None:
    run = subprocess.run(
        ["npm", "--prefix", "web", "--silent", "test"],  # noqa: S607
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
