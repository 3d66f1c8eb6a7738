"""Pinned dependencies: the compiled requirements, the lock files of npm, and the actions of the CI."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployment.audit import REQUIREMENTS as PACKAGED
from deployment.config import PROJECT

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


@pytest.mark.parametrize("folder", NODE_FOLDERS)
def test_every_package_of_npm_is_locked_with_its_hash(folder: str) -> None:
    declared = json.loads((PROJECT / folder / "package.json").read_text())
    packages = json.loads((PROJECT / folder / "package-lock.json").read_text())["packages"]
    for name in declared.get("dependencies", {}) | declared.get("devDependencies", {}):
        assert f"node_modules/{name}" in packages
    # The client library is in this repository, and packages that another one contains have its hash.
    own = ("link", "inBundle")
    installed = {name: one for name, one in packages.items() if "node_modules/" in name and not any(map(one.get, own))}
    assert installed
    published = {name: one for name, one in installed.items() if not one.get("resolved", "").startswith("file:")}
    assert {name for name, one in published.items() if not one.get("integrity")} == set()


def test_actions_are_pinned_by_commit() -> None:
    workflows = list((PROJECT / ".github/workflows").glob("*.y*ml"))
    used = [one for path in workflows for one in re.findall(r"uses: *(\S+)", path.read_text())]
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", one)] == []
