"""Settings whose value is the ARN of a secret, and the permission to read it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployment import policies
from deployment.config import LOCAL_STAGE
from deployment.errors import PackageError
from deployment.package import package
from deployment.secret_settings import SECRETS, SecretSetting
from tests.support.projects import set_variables


@pytest.mark.parametrize(
    ("arn", "action"),
    [
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:chat-AbCdEf", "secretsmanager:GetSecretValue"),
        ("arn:aws:ssm:us-east-1:123456789012:parameter/chat", "ssm:GetParameter"),
    ],
)
@pytest.mark.parametrize(("setting", "sid"), [("AUTH_SECRET", "SignIn"), ("SOURCE_SECRET", "Sources")])
def test_functions_that_use_a_secret_may_read_it_and_nothing_else(
    project: Path, arn: str, action: str, setting: str, sid: str
) -> None:
    plain = policies.policy_files(project)
    set_variables(project, "prod", **{setting: arn})
    files = policies.policy_files(project)
    changed = {path.relative_to(project / policies.POLICIES) for path in files if files[path] != plain[path]}
    assert changed == {Path("prod/api_handler.json"), Path("prod/websocket_connect.json")}
    for name in changed:
        path = project / policies.POLICIES / name
        added = [one for one in json.loads(files[path])["Statement"] if one not in json.loads(plain[path])["Statement"]]
        assert added == [{"Sid": sid, "Effect": "Allow", "Action": [action], "Resource": [arn]}]


@pytest.mark.parametrize("variables", [{"AUTH_SECRET": "s" * 32}, {"AUTH_ISSUER": "https://id.example.org"}])
def test_sign_in_without_a_stored_secret_needs_no_grant(project: Path, variables: dict[str, str]) -> None:
    plain = policies.policy_files(project)
    set_variables(project, "prod", **variables)
    assert policies.policy_files(project) == plain


@pytest.mark.parametrize(
    "arn", ["arn:aws:s3:::secrets", "arn:", "arn:aws:secretsmanager:us-east-1:123456789012:secret:*"]
)
@pytest.mark.parametrize("setting", ["AUTH_SECRET", "SOURCE_SECRET"])
def test_anything_but_the_arn_of_one_secret_is_rejected(project: Path, arn: str, setting: str) -> None:
    set_variables(project, "dev", **{setting: arn})
    with pytest.raises(PackageError, match=f"{setting} must be the ARN of one secret or parameter"):
        policies.policy_files(project)


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize("setting", ["AUTH_SECRET", "SOURCE_SECRET"])
def test_stage_on_aws_whose_secret_is_in_its_configuration_is_not_packaged(
    project: Path, setting: str, stage: str
) -> None:
    set_variables(project, stage, **{setting: "s" * 32})
    with pytest.raises(PackageError, match=f"{setting} of the stage {stage} must be an ARN, not the secret itself"):
        package(stage, project / "package", project)


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret.name)
def test_local_stage_may_have_its_secret_in_its_configuration(secret: SecretSetting) -> None:
    """Its package stays on the developer's machine."""
    secret.check(LOCAL_STAGE, {"environment_variables": {secret.name: "s" * 32}})


@pytest.mark.parametrize("place", ["top level", "function"])
@pytest.mark.parametrize("name", ["AUTH_ISSUER", "SOURCE_SECRET"])
def test_settings_with_a_grant_outside_of_a_stage_are_rejected(project: Path, place: str, name: str) -> None:
    """Chalice would deploy them, without the requirements and the grant."""
    file = project / ".chalice/config.json"
    configuration = json.loads(file.read_text())
    function = configuration["stages"]["dev"]["lambda_functions"]["websocket_connect"]
    target = configuration if place == "top level" else function
    target["environment_variables"] = {name: "https://id.example.org"}
    file.write_text(json.dumps(configuration))
    with pytest.raises(PackageError, match=f"{name} must be in the environment_variables of a stage"):
        package("dev", project / "package", project)
