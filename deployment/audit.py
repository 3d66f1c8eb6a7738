"""Audit of the packaged requirements and of all npm packages for known vulnerabilities.

python -m deployment.audit. The exit code is 0 if all packages were audited without a finding, 1 if one is vulnerable or
was skipped, and 2 if no database of advisories can be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from deployment import requirements, sign_in
from deployment.config import PROJECT

REQUIREMENTS = (requirements.REQUIREMENTS, sign_in.REQUIREMENTS, requirements.CHALICE)
LEVEL = "high"
"""npm packages build and test: less severe advisories, such as slow regular expressions, are only printed."""

PASSED, FAILED, NOT_AUDITED = range(3)


def audit(project: Path = PROJECT) -> int:
    """Audit all packages, print the results, and return the exit code."""
    # At most two folders deep: deeper lock files belong to installed packages.
    locks = sorted([*project.glob("*/package-lock.json"), *project.glob("*/*/package-lock.json")])
    results = [_audit_python(project), *(_audit_npm(lock.parent, project) for lock in locks)]
    for _, text in results:
        print(text)
    codes = {code for code, _ in results}
    return FAILED if FAILED in codes else max(codes)


def _audit_python(project: Path) -> tuple[int, str]:
    files = [option for name in REQUIREMENTS for option in ("--requirement", str(project / name))]
    options = ["--disable-pip", "--progress-spinner", "off", "--timeout", "5", "--format", "json"]
    command = [str(Path(sys.executable).with_name("pip-audit")), *files, *options]
    run = subprocess.run(command, text=True, capture_output=True)
    name = " ".join(REQUIREMENTS)
    try:
        dependencies: list[dict[str, Any]] = json.loads(run.stdout)["dependencies"]
    except ValueError:
        return NOT_AUDITED, f"{name}: NOT AUDITED, {_last_line(run.stderr)}"
    audited = [one for one in dependencies if "skip_reason" not in one]
    if dependencies and not audited:
        return NOT_AUDITED, f"{name}: NOT AUDITED, {dependencies[0]['skip_reason']}, and so for all others"
    left_out = [one["skip_reason"] for one in dependencies if "skip_reason" in one]
    found = [f"{one['name']} {one['version']}: {bug['id']}" for one in audited for bug in one["vulns"]]
    if not audited or left_out or found:
        return FAILED, "\n".join([f"{name}: FAILED", *(left_out + found or ["no requirement was found"])])
    return PASSED, f"{name}: no known vulnerability in {len(audited)} packages"


def _audit_npm(folder: Path, project: Path) -> tuple[int, str]:
    name = folder.relative_to(project)
    command = ["npm", "audit", "--package-lock-only", f"--audit-level={LEVEL}", "--json"]
    run = subprocess.run(command, cwd=folder, text=True, capture_output=True)
    try:
        report: dict[str, Any] = json.loads(run.stdout)
    except ValueError:
        return NOT_AUDITED, f"{name}: NOT AUDITED, {_last_line(run.stderr)}"
    if "vulnerabilities" not in report:
        return NOT_AUDITED, f"{name}: NOT AUDITED, {report.get('message', 'npm gave no reason')}"
    found = [f"{package}: {one['severity']}" for package, one in report["vulnerabilities"].items()]
    count = report["metadata"]["dependencies"]["total"]
    if run.returncode != 0 or not count:
        return FAILED, "\n".join([f"{name}: FAILED", *(found or ["no package was found"])])
    return PASSED, "\n".join([f"{name}: no known vulnerability of level {LEVEL} in {count} packages", *found])


def _last_line(errors: str) -> str:
    return (errors.strip().splitlines() or ["no output"])[-1]


if __name__ == "__main__":
    sys.exit(audit())
