"""Deployment of a package whose stack cannot be changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from deployment.account import Account, errors_reported
from deployment.deploy import deploy
from deployment.stack import Stack

ACCOUNT = Account("123456789012", "eu-central-1")  # the account of moto


def test_failure_is_one_line_with_the_reason_and_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deployment.zip").write_bytes(b"code")
    (tmp_path / "sam.json").write_text(json.dumps({"Resources": {}}))
    described: dict[str, Any] = {"StackStatus": "ROLLBACK_COMPLETE"}
    monkeypatch.setattr(Stack, "describe", lambda stack: described)
    with mock_aws(), pytest.raises(SystemExit) as ended, errors_reported():
        deploy("dev", tmp_path, ACCOUNT)
    assert ended.value.code == (
        "error: the stack chalice-chat-dev is in the state ROLLBACK_COMPLETE and cannot be updated; "
        "remove the stack with `make undeploy STAGE=dev`, and deploy again"
    )
