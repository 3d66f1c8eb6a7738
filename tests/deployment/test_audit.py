"""The audit of the packages, with commands that print what pip-audit and npm print."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deployment.audit import audit

BUG = {"id": "PYSEC-2026-1", "fix_versions": ["3.0"]}
AUDITED = {"name": "six", "version": "1.17.0", "vulns": []}
VULNERABLE = {"name": "urllib3", "version": "2.8.0", "vulns": [BUG]}
SKIPPED = {"name": "six", "skip_reason": "Dependency not found on PyPI and could not be audited: six (1.17.0)"}

NPM = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 3}}}
NPM_LOW = NPM | {"vulnerabilities": {"debug": {"severity": "low"}}}
NPM_HIGH = NPM | {"vulnerabilities": {"ws": {"severity": "high"}}}
NPM_EMPTY = NPM | {"metadata": {"dependencies": {"total": 0}}}
NPM_WITHOUT_DATABASE = {"message": "405 Method Not Allowed", "statusCode": 405}

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return the audit of a project with one folder for npm, whose commands print the given outputs."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web/package-lock.json").touch()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))

    def write(name: str, output: str, code: int) -> None:
        (tmp_path / f"{name}.out").write_text(output)
        (tmp_path / name).write_text(f'#!/bin/sh\ncat "$0.out"\necho "{name} failed" >&2\nexit {code}\n')
        (tmp_path / name).chmod(0o755)

    def run(*dependencies: dict[str, Any], npm: Any = NPM, npm_code: int = 0, no_output: str = "") -> int:
        write("pip-audit", json.dumps({"dependencies": dependencies, "fixes": []}), 0)
        write("npm", json.dumps(npm), npm_code)
        if no_output:
            write(no_output, "", 1)
        return audit(tmp_path)

    return run


def test_audit_without_a_vulnerability_passes(run: Run) -> None:
    assert run(AUDITED) == 0
    assert run(AUDITED, npm=NPM_LOW) == 0


@pytest.mark.parametrize(
    ("dependencies", "npm", "npm_code", "named"),
    [
        ([AUDITED, VULNERABLE], NPM, 0, "urllib3 2.8.0: PYSEC-2026-1"),
        ([AUDITED], NPM_HIGH, 1, "ws: high"),
        ([SKIPPED], NPM_HIGH, 1, "ws: high"),
        ([VULNERABLE], NPM_WITHOUT_DATABASE, 1, "urllib3 2.8.0: PYSEC-2026-1"),
        ([AUDITED, SKIPPED], NPM, 0, "Dependency not found on PyPI"),
        ([], NPM, 0, "no requirement was found"),
        ([AUDITED], NPM_EMPTY, 0, "no package was found"),
    ],
)
def test_audit_fails_with_the_package_that_is_vulnerable_or_left_out(
    run: Run, capsys: pytest.CaptureFixture[str], dependencies: list[Any], npm: Any, npm_code: int, named: str
) -> None:
    assert run(*dependencies, npm=npm, npm_code=npm_code) == 1
    assert named in capsys.readouterr().out


@pytest.mark.parametrize(
    ("dependencies", "npm", "no_output", "reason"),
    [
        ([SKIPPED, SKIPPED], NPM, "", "Dependency not found on PyPI"),
        ([AUDITED], NPM_WITHOUT_DATABASE, "", "405 Method Not Allowed"),
        ([AUDITED], NPM, "pip-audit", "pip-audit failed"),
        ([AUDITED], NPM, "npm", "npm failed"),
    ],
)
def test_audit_that_reaches_no_database_has_an_exit_code_of_its_own(
    run: Run, capsys: pytest.CaptureFixture[str], dependencies: list[Any], npm: Any, no_output: str, reason: str
) -> None:
    assert run(*dependencies, npm=npm, no_output=no_output) == 2
    assert f"NOT AUDITED, {reason}" in capsys.readouterr().out
