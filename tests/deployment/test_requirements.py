"""Requirements in the package: pip installs them, and checks their hashes."""

from __future__ import annotations

import re
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deployment import requirements
from deployment.errors import PackageError
from deployment.package import package
from tests.support.packages import SIX
from tests.support.projects import PROJECT, set_variables

pytestmark = pytest.mark.deployment
WRONG_HASH = f"--hash=sha256:{'0' * 64}"


@pytest.mark.parametrize(
    ("name", "requirement", "reason"),
    [
        ("requirements.txt", f"chalice-chat-no-such-package==1.0 {WRONG_HASH}", "No matching distribution found"),
        ("requirements.txt", f"six==1.17.0 {WRONG_HASH}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("requirements.txt", "six==1.17.0", "Hashes are required in --require-hashes mode"),
        ("requirements-chalice.txt", f"chalice==1.34.0 {WRONG_HASH}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
        ("requirements-sign-in.txt", f"PyJWT==2.15.1 {WRONG_HASH}", "THESE PACKAGES DO NOT MATCH THE HASHES"),
    ],
    ids=["no such package", "other hash", "no hash", "other hash of Chalice", "other hash of PyJWT"],
)
def test_requirement_that_cannot_be_installed_fails_the_packaging(
    project: Path, name: str, requirement: str, reason: str
) -> None:
    set_variables(project, "prod", AUTH_ISSUER="https://id.example.org", AUTH_AUDIENCE="chat")
    (project / name).write_text(requirement)
    with pytest.raises(PackageError, match=rf"^could not install {re.escape(name)}: .*{reason}"):
        package("prod", project / "package", project)
    assert list((project / requirements.INSTALLED).iterdir()) == []  # or the next attempt would take it for installed


def test_chalice_of_the_environment_that_differs_from_the_pinned_one_is_not_packaged(project: Path) -> None:
    shutil.copy(PROJECT / "requirements-chalice.txt", project)
    requirements.install([requirements.CHALICE], project, "arm64")
    (installed,) = (project / requirements.INSTALLED).glob("*/chalice/app.py")
    installed.write_text("# another version\n")
    with pytest.raises(PackageError, match=r"^chalice/app\.py of this environment differs from that of requirements-"):
        package("prod", project / "package", project)


def test_two_runs_at_once_install_the_same_requirements(project: Path) -> None:
    (project / "requirements.txt").write_text(SIX)
    with ThreadPoolExecutor() as executor:
        runs = [executor.submit(package, "prod", project / name, project) for name in ("first", "second")]
        for run in runs:
            run.result()
    for name in ("first", "second"):
        assert "six.py" in zipfile.ZipFile(project / name / "deployment.zip").namelist()


def test_requirements_are_installed_once(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(PROJECT / "requirements-chalice.txt", project)
    (project / "requirements.txt").write_text(SIX)
    package("prod", project / "first", project)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    package("prod", project / "second", project)
    first, second = (project / folder / "deployment.zip" for folder in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
