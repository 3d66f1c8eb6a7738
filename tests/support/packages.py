"""Stages, and the templates and archives of their packages."""

from __future__ import annotations

import json
import platform
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from deployment.config import read_stages
from deployment.package import package
from tests.support.projects import PROJECT
from tests.support.shared_folders import SharedFolder

Packages = dict[str, Path]
"""The folders of the packages, by stage."""

STAGES = list(read_stages())
MEBIBYTE = 2**20
MACHINES = {"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}
"""Values of e_machine in the header of an ELF file, by Chalice's lambda_architecture."""

THIS_ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chat-AbCdEf"
SOURCE_SECRET = "arn:aws:ssm:us-east-1:123456789012:parameter/chat"
SIGN_IN_STAGES = {"x86_64": "dev", "arm64": "prod"}
"""The stages of packages_with_sign_in, by architecture."""

SIX = re.findall(r"^six==.*\n(?: +--hash.*\n)+", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)[0]
"""A small requirement, with its hashes."""


def packaged_stage(stage: str, shared_folder: SharedFolder) -> Path:
    """Package a stage of this project, unless another test has done so, and return the folder."""
    return shared_folder(f"package-{stage}", lambda folder: package(stage, folder))


def resources_of(folder: Path) -> dict[str, Any]:
    """Return the resources of the template in a folder."""
    resources: dict[str, Any] = json.loads((folder / "sam.json").read_text())["Resources"]
    return resources


def machines(zipped: zipfile.ZipFile) -> dict[str, bytes]:
    """Return the machines that the compiled modules are for, by name."""
    return {name: zipped.read(name)[18:20] for name in zipped.namelist() if ".so" in PurePosixPath(name).suffixes}


def contents(zipped: zipfile.ZipFile) -> dict[str, int]:
    """Return the checksums of the files, by name."""
    return {entry.filename: entry.CRC for entry in zipped.infolist()}


def strings(value: Any) -> Iterator[str]:
    """Yield all strings in JSON."""
    if isinstance(value, dict):
        yield from strings(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all dictionaries in JSON, the outer before the inner ones."""
    if isinstance(value, dict):
        yield value
        yield from dictionaries(list(value.values()))
    elif isinstance(value, list):
        for inner in value:
            yield from dictionaries(inner)
