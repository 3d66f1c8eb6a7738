"""Package of a stage where users sign in."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from deployment.config import read_stages
from tests.support.packages import (
    MEBIBYTE,
    SECRET,
    SIGN_IN_STAGES,
    STAGES,
    THIS_ARCHITECTURE,
    Packages,
    resources_of,
    strings,
)

pytestmark = pytest.mark.deployment


def test_package_with_sign_in_verifies_tokens_and_is_small_enough(
    packages_with_sign_in: Packages, tmp_path: Path
) -> None:
    archive = packages_with_sign_in[SIGN_IN_STAGES[THIS_ARCHITECTURE]] / "deployment.zip"
    assert archive.stat().st_size <= 9 * MEBIBYTE
    zipfile.ZipFile(archive).extractall(tmp_path)
    verify = """
import sys
import app
assert {"jwt", "cryptography"} <= sys.modules.keys(), "imported with the app"
import jwt
from chalicelib.auth import authentication
print(authentication.authenticate(jwt.encode({"sub": "aki", "exp": 2**33}, "s" * 32, "HS256")).subject)
from botocore.session import get_session
for service in ("secretsmanager", "ssm"):
    get_session().create_client(service, "us-east-1")
"""
    environment = {"HOME": str(tmp_path), "AUTH_SECRET": "s" * 32, "AWS_DEFAULT_REGION": "us-east-1"}
    verified = subprocess.run(
        [sys.executable, "-S", "-c", verify], cwd=tmp_path, env=environment, text=True, capture_output=True
    )
    assert (verified.stdout, verified.returncode) == ("aki\n", 0), verified.stderr


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_functions_that_verify_tokens_have_the_settings_of_sign_in(
    packages_with_sign_in: Packages, stage: str
) -> None:
    resources = resources_of(packages_with_sign_in[stage])
    variables = {
        name: resource["Properties"]["Environment"]["Variables"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert len(variables) == len(read_stages()[stage]["lambda_functions"])
    for name, values in variables.items():
        verifies = name in ("APIHandler", "WebsocketConnect")
        assert ("AUTH_SECRET" in values, "SIGN_IN" in values) == (verifies, not verifies), name
        assert SECRET not in values.values() or verifies
        assert values["STAGE"] == stage


def test_package_without_sign_in_has_no_settings_of_it(packages: Packages) -> None:
    template = (packages["prod"] / "sam.json").read_text()
    assert ("AUTH_" in template, "SIGN_IN" in template) == (False, False)


def test_functions_that_have_the_settings_of_sign_in_may_read_the_secret(packages_with_sign_in: Packages) -> None:
    resources = resources_of(packages_with_sign_in["prod"])
    roles = {
        resource["Properties"]["Role"]["Fn::GetAtt"][0]
        for resource in resources.values()
        if resource["Type"] == "AWS::Serverless::Function"
        and "AUTH_SECRET" in resource["Properties"]["Environment"]["Variables"]
    }
    assert {
        name for name, one in resources.items() if one["Type"] == "AWS::IAM::Role" and SECRET in strings(one)
    } == roles
