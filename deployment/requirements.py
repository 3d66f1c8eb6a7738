"""The requirements in the package, as pip installs them for Lambda's system: each file is checked against its hash.

Chalice also installs requirements, but it downloads wheels for another system without checking their hashes, and only
warns if hashes are missing.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from deployment.archive import add_files
from deployment.errors import PackageError

REQUIREMENTS = "requirements.txt"
CHALICE = "requirements-chalice.txt"

INSTALLED = Path("build/requirements")
"""Requirements that were installed before, relative to the project, so that `make run` works without a network."""

PLATFORMS = {"x86_64": "manylinux2014_x86_64", "arm64": "manylinux2014_aarch64"}  # by Chalice's lambda_architecture


def install(names: Iterable[str], project: Path, architecture: str) -> None:
    """Install the requirements in the files of these names. Missing and empty files are skipped.

    Raises PackageError if pip fails.
    """
    for name in names:
        if _lists_any(project / name):
            _install(project / name, project, architecture)


def add_requirements(archive: Path, names: Iterable[str], project: Path, architecture: str) -> None:
    """Add the requirements in the files of these names to an archive. Missing and empty files are skipped.

    Raises PackageError if pip fails.
    """
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_DEFLATED) as package:
        for name in names:
            if _lists_any(project / name):
                add_files(package, _install(project / name, project, architecture))


def check_chalice(archive: Path, project: Path, architecture: str) -> None:
    """Raise PackageError if an archive contains other files of Chalice than those of requirements-chalice.txt.

    Chalice packs its files from the environment that runs it.
    """
    if not _lists_any(project / CHALICE):
        return
    pinned = _install(project / CHALICE, project, architecture)
    with zipfile.ZipFile(archive) as package:
        for name in package.namelist():
            if name.startswith("chalice/") and package.read(name) != (pinned / name).read_bytes():
                raise PackageError(
                    f"{name} of this environment differs from that of {CHALICE}: install requirements-dev.txt"
                )


def _install(requirements: Path, project: Path, architecture: str) -> Path:
    """Install requirements, unless it was done before, and return their folder."""
    content, version = requirements.read_bytes(), str(sys.implementation.cache_tag)
    key = hashlib.sha256(b"%b %b %b" % (content, architecture.encode(), version.encode())).hexdigest()
    folder = project / INSTALLED / key
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as name:
        target = Path(name) / "installed"
        options = ["--quiet", "--disable-pip-version-check", "--no-compile", "--no-deps", "--only-binary=:all:"]
        place = ["--require-hashes", "--platform", PLATFORMS[architecture], "--target", str(target)]
        installed = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, *place, "--requirement", str(requirements)],
            text=True,
            capture_output=True,
        )
        if installed.returncode != 0:
            raise PackageError(f"could not install {requirements.name}: {_reason(installed.stderr)}")
        shutil.rmtree(target / "bin", ignore_errors=True)  # commands
        try:
            target.rename(folder)
        except OSError:
            if not folder.exists():  # otherwise another run has just installed the same
                raise
    return folder


def _lists_any(requirements: Path) -> bool:
    lines = requirements.read_text().splitlines() if requirements.exists() else []
    return any(line.strip() and not line.startswith("#") for line in lines)


def _reason(errors: str) -> str:
    """Return the last of pip's errors."""
    lines = errors.strip().splitlines()
    return next((line for line in reversed(lines) if line.startswith("ERROR:")), lines[-1])
