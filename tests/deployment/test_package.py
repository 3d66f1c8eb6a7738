"""Package of every stage for AWS: what it contains, and that it starts."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployment.config import LOCAL_STAGE
from deployment.errors import PackageError
from deployment.package import package
from tests.support.packages import MACHINES, MEBIBYTE, SIGN_IN_STAGES, STAGES, Packages, machines, resources_of
from tests.support.projects import PROJECT

pytestmark = pytest.mark.deployment


def test_every_stage_on_aws_runs_on_arm64(packages: Packages) -> None:
    for stage in set(STAGES) - {LOCAL_STAGE}:
        functions = [
            one for one in resources_of(packages[stage]).values() if one["Type"] == "AWS::Serverless::Function"
        ]
        assert [function["Properties"]["Architectures"] for function in functions] == [["arm64"]] * 5
        compiled = machines(zipfile.ZipFile(packages[stage] / "deployment.zip"))
        assert set(compiled.values()) == {MACHINES["arm64"]}


def test_every_stage_on_aws_ships_the_same_bytes(packages: Packages) -> None:
    assert len({(packages[stage] / "deployment.zip").read_bytes() for stage in STAGES if stage != LOCAL_STAGE}) == 1


def test_zip_contains_only_the_app_and_its_requirements(packages: Packages) -> None:
    zipped = packages["prod"] / "deployment.zip"
    assert zipped.stat().st_size <= 4 * MEBIBYTE
    required = re.findall(r"^([\w-]+)==", (PROJECT / "requirements.txt").read_text(), re.MULTILINE)
    modules = {"python-dateutil": "dateutil"}
    expected = {modules.get(name, name) for name in required} | {"app.py", "chalice", "chalicelib"}
    names = {name.split("/")[0].removesuffix(".py") for name in zipfile.ZipFile(zipped).namelist()}
    assert {name for name in names if not name.endswith((".dist-info", ".data", "__pycache__"))} == {
        name.removesuffix(".py") for name in expected
    }


def test_app_starts_from_the_zip_without_network_credentials_or_compilation(native: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(native).extractall(tmp_path)
    # -S excludes the packages of this environment. The audit hook sees every DNS query, connection and compilation.
    start = """
import sys
def reject(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo")):
        raise RuntimeError("the import used the network")
    if event == "compile" and str(arguments[1]).endswith(".py"):
        raise RuntimeError(f"{arguments[1]} was not compiled")
sys.addaudithook(reject)
import app
print(app.app.app_name)
"""
    started = subprocess.run(
        [sys.executable, "-S", "-c", start], cwd=tmp_path, env={"HOME": str(tmp_path)}, text=True, capture_output=True
    )
    assert (started.stdout, started.returncode) == ("chalice-chat\n", 0), started.stderr


@pytest.mark.parametrize("architecture", SIGN_IN_STAGES)
def test_package_contains_the_compiled_modules_of_its_architecture(
    packages_with_sign_in: Packages, architecture: str
) -> None:
    compiled = machines(zipfile.ZipFile(packages_with_sign_in[SIGN_IN_STAGES[architecture]] / "deployment.zip"))
    assert {name.split("/")[0].split(".")[0] for name in compiled} == {"_cffi_backend", "cryptography", "msgspec"}
    assert set(compiled.values()) == {MACHINES[architecture]}


def test_unknown_stage_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(PackageError, match=f"has no stage test, only {', '.join(STAGES)}"):
        package("test", tmp_path)


def test_failure_of_chalice_names_the_reason(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / ".chalice", tmp_path / ".chalice", ignore=shutil.ignore_patterns("deployments"))
    (tmp_path / "app.py").write_text("from chalice import Chalice(")
    with pytest.raises(PackageError, match=r"^chalice package failed: SyntaxError.*$"):
        package("dev", tmp_path / "out", tmp_path)
