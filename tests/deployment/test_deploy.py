"""Deployment of a package: its parameters, and a stack that cannot be changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from deployment.account import Account
from deployment.deploy import _parameters, deploy
from deployment.errors import errors_reported
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


def test_environment_sets_the_parameters_of_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ALARM_TOPIC": "arn:aws:sns:topic", "WEB_ACL_ARN": "none", "MAX_INVOCATIONS_PER_MINUTE": "90"}
    for name, value in (given | {"STAGE": "prod"}).items():
        monkeypatch.setenv(name, value)
    names = ("AlarmTopic", "LogRetentionDays", "MaxInvocationsPerMinute", "Stage", "WebAclArn")
    assert _parameters({"Parameters": {name: {} for name in names}}) == {
        "AlarmTopic": "arn:aws:sns:topic",
        "LogRetentionDays": "",
        "MaxInvocationsPerMinute": "90",
        "WebAclArn": "none",
    }
