"""Parts of the requirements that the package does not contain."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import botocore.session
import pytest

from chalicelib.aws import SERVICES
from deployment.config import LOCAL_STAGE
from deployment.errors import PackageError
from deployment.package import package
from deployment.unused_parts import remove_unused_parts
from tests.support.packages import SIX, Packages, contents, machines

pytestmark = pytest.mark.deployment


def test_package_of_the_local_stage_lacks_only_the_compiled_requirements(packages: Packages) -> None:
    local, prod = (zipfile.ZipFile(packages[stage] / "deployment.zip") for stage in (LOCAL_STAGE, "prod"))
    assert machines(local) == {}
    assert contents(local).items() <= contents(prod).items()
    removed = contents(prod).keys() - contents(local).keys()
    assert {re.split(r"[/-]", name)[0] for name in removed} == {"msgspec"}
    assert machines(prod).keys() <= removed


def test_package_of_the_local_stage_with_sign_in_contains_nothing_compiled(packages_with_sign_in: Packages) -> None:
    zipped = zipfile.ZipFile(packages_with_sign_in[LOCAL_STAGE] / "deployment.zip")
    assert machines(zipped) == {}
    names = {name.split("/")[0] for name in zipped.namelist()}
    assert names & {"jwt", "pynamodb", "cryptography", "cffi", "msgspec"} == {"jwt", "pynamodb"}


def test_zip_contains_botocores_data_of_the_used_services_only(packages: Packages, tmp_path: Path) -> None:
    names = zipfile.ZipFile(packages["prod"] / "deployment.zip").namelist()
    data = re.compile(r"botocore/data/(\w+)/")
    assert {match[1] for name in names if (match := data.match(name))} == set(SERVICES)


def test_every_client_that_the_zip_creates_has_the_endpoint_of_the_whole_botocore(
    packages: Packages, tmp_path: Path
) -> None:
    zipfile.ZipFile(packages["prod"] / "deployment.zip").extractall(tmp_path)
    regions = ["us-east-1", "eu-central-1", "cn-north-1"]
    create = f"""
from botocore.session import get_session
for service in {SERVICES}:
    for region in {regions}:
        print(get_session().create_client(service, region).meta.endpoint_url)
"""
    environment = {"HOME": str(tmp_path), "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    created = subprocess.run(
        [sys.executable, "-S", "-c", create], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    whole = [
        botocore.session.get_session().create_client(service, region).meta.endpoint_url
        for service in SERVICES
        for region in regions
    ]
    assert created.stdout.split() == whole, created.stderr


@pytest.mark.parametrize("environment", [{}, {"SIGN_IN": "true", "AWS_DEFAULT_REGION": "us-east-1"}])
def test_cold_start_imports_nothing_that_only_unused_parts_need(
    native: Path, tmp_path: Path, environment: dict[str, str]
) -> None:
    zipfile.ZipFile(native).extractall(tmp_path)
    unused = {"asyncio", "html.parser", "importlib.metadata", "jwt", "cryptography"}
    imported = f"import sys, app; print(*({unused} & sys.modules.keys()))"
    started = subprocess.run(
        [sys.executable, "-S", "-c", imported],
        cwd=tmp_path,
        env={"HOME": str(tmp_path)} | environment,
        text=True,
        capture_output=True,
    )
    assert (started.stdout, started.stderr) == ("\n", "")


def test_bytecode_that_chalice_packs_is_replaced(packages: Packages, tmp_path: Path) -> None:
    name = f"chalicelib/__pycache__/__init__.{sys.implementation.cache_tag}.pyc"
    archive = Path(shutil.copy(packages["prod"] / "deployment.zip", tmp_path))
    with zipfile.ZipFile(archive) as zipped:
        assert name in zipped.namelist()
    remove_unused_parts(archive)
    with zipfile.ZipFile(archive) as zipped:
        assert not [name for name in zipped.namelist() if "/__pycache__/" in name]


def test_service_that_botocore_does_not_know_is_reported(
    packages: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployment.unused_parts.SERVICES", ["dynamodb", "nosuchservice"])
    archive = shutil.copy(packages["prod"] / "deployment.zip", tmp_path)
    with pytest.raises(PackageError, match="no data of the service nosuchservice"):
        remove_unused_parts(Path(archive))


def test_every_file_can_be_read_by_the_user_of_the_functions(project: Path) -> None:
    """With the umask 077, a checkout has files that only their owner can read."""
    for path in [project / "app.py", *(project / "chalicelib").rglob("*.py")]:
        path.chmod(0o600)
    (project / "requirements.txt").write_text(SIX)
    package("prod", project / "package", project)
    entries = zipfile.ZipFile(project / "package/deployment.zip").infolist()
    assert {"app.py", "six.py"} <= {entry.filename for entry in entries}
    assert {oct(entry.external_attr >> 16) for entry in entries} == {"0o644"}
