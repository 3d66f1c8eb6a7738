"""Removal of a stage, and the errors of both commands."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from deployment.account import Account, current_account
from deployment.bucket import Bucket
from deployment.config import PROJECT, RESOURCES
from deployment.errors import DeployError, errors_reported
from deployment.undeploy import _check_protection, undeploy

pytestmark = [
    pytest.mark.deployment,
    # moto's CloudFormation ignores the policy, which no test here needs.
    pytest.mark.filterwarnings("ignore:Tried to parse AWS..SQS..QueuePolicy"),
]

ACCOUNT = Account("123456789012", "us-east-1")  # the account of moto
TABLES = [f"chalice-chat-prod-{name}" for name in ("connections", "messages", "rooms")]


class Terminal(io.StringIO):
    """A terminal at which somebody has typed a response."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Provide an account in moto with tables and queues of prod in a stack, and one object in the bucket."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with mock_aws():
        boto3.client("cloudformation").create_stack(
            StackName="chalice-chat-prod",
            TemplateBody=(PROJECT / RESOURCES).read_text(),
            Parameters=[{"ParameterKey": "Stage", "ParameterValue": "prod"}],
        )
        Bucket(ACCOUNT).create()
        Bucket(ACCOUNT).upload(b"code", "chalice-chat-prod", ".zip")
        yield


def tables() -> list[str]:
    return sorted(boto3.client("dynamodb").list_tables()["TableNames"])


def unprotect() -> None:
    for table in TABLES:
        boto3.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)


def test_protected_tables_are_rejected_with_the_command_that_unprotects_them(
    account: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YES", "1")
    with pytest.raises(DeployError, match=r"protected from deletion.*update-table --table-name \$table") as rejection:
        undeploy("prod", ACCOUNT)
    assert all(table in str(rejection.value) for table in TABLES)
    assert tables() == TABLES


@pytest.mark.parametrize("stdin", [io.StringIO("yes\n"), Terminal("no\n"), Terminal("\n")])
def test_nothing_is_deleted_without_a_yes_at_a_terminal(
    account: None, monkeypatch: pytest.MonkeyPatch, stdin: io.StringIO
) -> None:
    unprotect()
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(DeployError, match=r"^nothing was deleted: "):
        undeploy("prod", ACCOUNT)
    assert tables() == TABLES


def test_yes_deletes_what_the_question_named(
    account: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unprotect()
    monkeypatch.setattr("sys.stdin", Terminal("yes\n"))
    undeploy("prod", ACCOUNT)
    printed = capsys.readouterr().out
    assert all(
        name in printed for name in (*TABLES, "the stack chalice-chat-prod", f"in the bucket {Bucket(ACCOUNT).name}: 1")
    )
    assert tables() == []
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    undeploy("prod", ACCOUNT)
    assert capsys.readouterr().out.startswith("There is nothing to remove")


def test_table_that_was_deleted_by_hand_is_not_protected(account: None) -> None:
    unprotect()
    boto3.client("dynamodb").delete_table(TableName=TABLES[0])
    _check_protection(TABLES, ACCOUNT, "prod")


def reported(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Any:
    """Return how a command ends in an environment without credentials, except for the given variables."""
    for name in os.environ.keys() & {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_REGION"}:
        monkeypatch.delenv(name)
    for name, value in ({"AWS_EC2_METADATA_DISABLED": "true"} | variables).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with pytest.raises(SystemExit) as ended, errors_reported():
        current_account()
    return ended.value.code


def test_missing_region_and_missing_credentials_are_reported_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reported(monkeypatch).startswith("error: no Region is set")
    assert reported(monkeypatch, AWS_DEFAULT_REGION="eu-central-1").startswith("error: no AWS credentials were found")


def test_error_of_aws_is_reported_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit) as ended, errors_reported(), mock_aws():
        boto3.client("s3").delete_bucket(Bucket="nosuch")
    assert str(ended.value.code).startswith("error: ")
    assert "\n" not in str(ended.value.code)
