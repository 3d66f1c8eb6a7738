"""The committed IAM policies are the generated ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from deployment import policies
from deployment.config import read_stages


def test_committed_policies_are_up_to_date() -> None:
    committed = {path: path.read_text() for path in policies.POLICIES.rglob("*") if path.is_file()}
    assert committed == policies.policy_files(), "run `make generate`"


def test_every_policy_that_the_stages_name_is_generated() -> None:
    named = {
        policies.POLICIES.parent / function["iam_policy_file"]
        for stage in read_stages().values()
        for function in stage["lambda_functions"].values()
    }
    assert named == policies.policy_files().keys()


def test_write_repairs_changed_missing_and_superfluous_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(policies, "POLICIES", tmp_path)
    policies.write()
    (tmp_path / "dev/api.json").write_text("{}")
    (tmp_path / "prod/api.json").unlink()
    (tmp_path / "removed").mkdir()
    (tmp_path / "removed/api.json").write_text("{}")
    policies.write()
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == policies.policy_files()
