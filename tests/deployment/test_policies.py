"""The committed IAM policies are the generated ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment import policies
from deployment.config import read_stages
from deployment.errors import PackageError
from deployment.package import package
from tests.support.projects import PROJECT, set_variables


def test_committed_policies_are_up_to_date() -> None:
    committed = {path: path.read_text() for path in (PROJECT / policies.POLICIES).rglob("*.json")}
    assert committed == policies.policy_files(), "run `make generate`"


def test_every_policy_that_the_stages_name_is_generated() -> None:
    named = {
        PROJECT / policies.POLICIES.parent / function["iam_policy_file"]
        for stage in read_stages().values()
        for function in stage["lambda_functions"].values()
    }
    assert named == policies.policy_files().keys()


def test_write_repairs_changed_missing_and_superfluous_files(project: Path) -> None:
    policies.write(project)
    folder = project / policies.POLICIES
    (folder / "dev/api_handler.json").write_text("{}")
    (folder / "prod/api_handler.json").unlink()
    (folder / "removed").mkdir()
    (folder / "removed/api_handler.json").write_text("{}")
    policies.write(project)
    assert {path: path.read_text() for path in folder.rglob("*.json")} == policies.policy_files(project)


def test_stage_whose_policies_are_outdated_is_not_packaged(project: Path, tmp_path: Path) -> None:
    policies.write(project)
    set_variables(project, "dev", AUTH_SECRET="arn:aws:ssm:us-east-1:123456789012:parameter/chat")
    with pytest.raises(
        PackageError, match=r"policies/dev/api_handler\.json does not fit the settings: run `make generate`"
    ):
        package("dev", tmp_path / "package", project)
