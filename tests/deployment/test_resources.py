"""Tables and queues in .chalice/resources.json, the limits that they depend on, and the stack for `chalice deploy`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chalicelib import limits
from chalicelib.delivery import jobs
from deployment.config import PROJECT, RESOURCES, read_configuration
from deployment.errors import PackageError
from deployment.resources import resources_template

TEMPLATE: dict[str, Any] = json.loads((PROJECT / RESOURCES).read_text())["Resources"]
FUNCTIONS: dict[str, Any] = read_configuration()["lambda_functions"]
KEEPS_DATA = ["AWS::DynamoDB::Table", "AWS::SQS::Queue"]


def test_job_is_not_received_again_while_its_function_runs() -> None:
    """AWS recommends six times the timeout of the function ("Configuring an SQS queue for Lambda")."""
    assert TEMPLATE["FanoutQueue"]["Properties"]["VisibilityTimeout"] >= 6 * FUNCTIONS["fan_out"]["lambda_timeout"]


def test_job_is_kept_until_its_last_attempt() -> None:
    queue = TEMPLATE["FanoutQueue"]["Properties"]
    redrive = queue["RedrivePolicy"]
    assert redrive["maxReceiveCount"] >= 2
    assert queue["MessageRetentionPeriod"] > redrive["maxReceiveCount"] * queue["VisibilityTimeout"]
    attempts = jobs.MAX_REMOVAL_ATTEMPTS * (jobs.REMOVAL_DELAY_SECONDS + FUNCTIONS["fan_out"]["lambda_timeout"])
    assert queue["MessageRetentionPeriod"] > attempts


def test_failed_job_can_be_read_for_two_weeks() -> None:
    redrive = TEMPLATE["FanoutQueue"]["Properties"]["RedrivePolicy"]
    assert redrive["deadLetterTargetArn"] == {"Fn::GetAtt": ["FanoutDeadLetters", "Arn"]}
    assert TEMPLATE["FanoutDeadLetters"]["Properties"]["MessageRetentionPeriod"] == 14 * 86_400


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"fan_out"}))
def test_function_ends_before_api_gateway_stops_waiting(name: str) -> None:
    assert FUNCTIONS[name]["lambda_timeout"] < limits.MAX_CONNECT_SECONDS - 1


def test_everything_that_keeps_data_is_encrypted_and_deleted_with_the_stack() -> None:
    keeping = {name: one for name, one in TEMPLATE.items() if one["Type"] in KEEPS_DATA}
    assert len(keeping) == 5
    for resource in keeping.values():
        assert resource["DeletionPolicy"] == "Delete"
        properties = resource["Properties"]
        assert properties.get("SqsManagedSseEnabled") or properties["SSESpecification"] == {"SSEEnabled": True}


def test_replaced_table_stays() -> None:
    tables = [one for one in TEMPLATE.values() if one["Type"] == "AWS::DynamoDB::Table"]
    assert {table["UpdateReplacePolicy"] for table in tables} == {"Retain"}


def test_queues_reject_requests_without_tls() -> None:
    queues = {name for name, resource in TEMPLATE.items() if resource["Type"] == "AWS::SQS::Queue"}
    policy = TEMPLATE["QueuePolicy"]["Properties"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert {queue["Ref"] for queue in policy["Queues"]} == queues
    assert {arn["Fn::GetAtt"][0] for arn in statement["Resource"]} == queues
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_unknown_stage_has_no_stack() -> None:
    with pytest.raises(PackageError, match="has no stage test"):
        resources_template("test")


@pytest.mark.deployment
def test_command_writes_a_stack_that_passes_cfn_lint(tmp_path: Path) -> None:
    file = tmp_path / "build/resources.json"
    subprocess.run([sys.executable, "-m", "deployment.resources", "prod", file], cwd=PROJECT, check=True)
    written = json.loads(file.read_text())
    assert written == resources_template("prod")
    assert written["Parameters"]["Stage"]["Default"] == "prod"
    linted = subprocess.run(
        [Path(sys.executable).with_name("cfn-lint"), file], text=True, capture_output=True, check=False
    )
    assert (linted.returncode, linted.stdout) == (0, "")
