"""The compiled requirements and the lock files of npm: complete, and valid for every registry."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.config import PROJECT

PACKAGED = ["requirements.txt", "requirements-sign-in.txt", "requirements-chalice.txt"]
COMPILED = ("cffi==", "cryptography==", "msgspec==")
NODE_FOLDERS = re.findall(r"^NODE_FOLDERS := (.*)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)[0].split()


def requirements(name: str) -> set[str]:
    """Return the requirements of a file, each with its hashes."""
    text = re.sub(r"^ *#.*\n", "", (PROJECT / name).read_text(), flags=re.MULTILINE)
    return set(re.split(r"\n(?=\w)", text.strip()))


@pytest.mark.parametrize("name", PACKAGED)
def test_development_installs_what_is_packaged(name: str) -> None:
    assert requirements(name) <= requirements("requirements-dev.txt")


@pytest.mark.deployment
@pytest.mark.parametrize("architecture", ["x86_64", "aarch64"])
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_each_runtime_and_architecture_has_a_wheel_with_its_hash(
    version: str, architecture: str, tmp_path: Path
) -> None:
    compiled = [one for name in PACKAGED for one in requirements(name) if one.startswith(COMPILED)]
    assert len(compiled) == len(COMPILED)
    (tmp_path / "compiled.txt").write_text("\n".join(compiled))
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--require-hashes", f"--dest={tmp_path}"]
    target = [f"--python-version={version}", f"--platform=manylinux2014_{architecture}"]
    downloaded = subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, *target, f"--requirement={tmp_path / 'compiled.txt'}"],
        text=True,
        capture_output=True,
    )
    assert downloaded.returncode == 0, downloaded.stderr


@pytest.mark.parametrize("folder", NODE_FOLDERS)
def test_lock_file_names_no_registry(folder: str) -> None:
    packages = json.loads((PROJECT / folder / "package-lock.json").read_text())["packages"].values()
    resolved = [package["resolved"] for package in packages if "resolved" in package]
    assert all(place.startswith("file:") for place in resolved)
