"""Changes of a CloudFormation stack that fail, with the responses that AWS gives."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import ANY, Stubber

from deployment import stack as stack_module
from deployment.deploy import _advice
from deployment.stack import Stack, StackFailed

NAME = "chalice-chat-dev"
ID = f"arn:aws:cloudformation:eu-central-1:123456789012:stack/{NAME}/1"
CHANGE_SET = f"arn:aws:cloudformation:eu-central-1:123456789012:changeSet/{NAME}/1"
URL = "https://s3.example.org/template.json"
TIME = "2026-11-23T10:00:00Z"


class Responses:
    """The responses of CloudFormation, in the order of the requests."""

    def __init__(self) -> None:
        client = boto3.client("cloudformation")
        self.stub = Stubber(client)
        self.stack = Stack(client, NAME, poll=0.001)

    def status(self, status: str, **more: Any) -> None:
        described = {"StackName": NAME, "StackId": ID, "StackStatus": status, "CreationTime": TIME, **more}
        self.stub.add_response("describe_stacks", {"Stacks": [described]})

    def no_stack(self) -> None:
        self.stub.add_client_error("describe_stacks", "ValidationError", f"Stack with id {NAME} does not exist")

    def change_set(self, kind: str, parameters: list[dict[str, Any]], reason: str = "") -> None:
        expected = {
            "StackName": NAME,
            "ChangeSetName": ANY,
            "ChangeSetType": kind,
            "TemplateURL": URL,
            "Capabilities": ANY,
            "Parameters": parameters,
        }
        self.stub.add_response("create_change_set", {"Id": CHANGE_SET, "StackId": ID}, expected)
        status = {"Status": "FAILED", "StatusReason": reason} if reason else {"Status": "CREATE_COMPLETE"}
        self.stub.add_response("describe_change_set", status)
        if not reason:
            self.stub.add_response("execute_change_set", {})

    def events(self, *events: tuple[str, str, str, str]) -> None:
        self.stub.add_response(
            "describe_stack_events",
            {
                "StackEvents": [
                    {
                        "StackId": ID,
                        "EventId": str(number),
                        "StackName": NAME,
                        "Timestamp": TIME,
                        "ClientRequestToken": token,
                        "LogicalResourceId": resource,
                        "ResourceStatus": status,
                        "ResourceStatusReason": reason,
                    }
                    for number, (token, resource, status, reason) in enumerate(events)
                ]
            },
        )


@pytest.fixture
def responses(monkeypatch: pytest.MonkeyPatch) -> Responses:
    """Return the responses, in which the token of each change is chat-now."""
    monkeypatch.setattr(stack_module.secrets, "token_hex", lambda length: "now")
    return Responses()


def test_failed_deployment_names_its_first_failed_resource(responses: Responses) -> None:
    responses.no_stack()
    responses.change_set("CREATE", [{"ParameterKey": "AlarmTopic", "ParameterValue": "arn:aws:sns:topic"}])
    responses.status("CREATE_IN_PROGRESS")
    responses.status("ROLLBACK_COMPLETE")
    responses.events(
        ("chat-now", NAME, "ROLLBACK_COMPLETE", ""),
        ("chat-now", "FanOut", "CREATE_FAILED", "Resource creation cancelled"),
        ("chat-now", "FanOutRole", "CREATE_FAILED", "API: iam:CreateRole is not authorized"),
        ("chat-before", "RoomsTable", "CREATE_FAILED", "an older failure"),
    )
    with responses.stub, pytest.raises(StackFailed) as failure:
        responses.stack.deploy(URL, {"AlarmTopic": "arn:aws:sns:topic", "LogRetentionDays": ""})
    assert str(failure.value) == f"the stack {NAME} failed: FanOutRole: API: iam:CreateRole is not authorized"
    assert failure.value.status == "ROLLBACK_COMPLETE"
    responses.stub.assert_no_pending_responses()


def test_parameter_that_is_not_given_keeps_its_value(responses: Responses) -> None:
    responses.status("UPDATE_COMPLETE", Parameters=[{"ParameterKey": "AlarmTopic", "ParameterValue": "arn"}])
    responses.change_set("UPDATE", [{"ParameterKey": "AlarmTopic", "UsePreviousValue": True}])
    responses.status("UPDATE_COMPLETE")
    with responses.stub:
        assert responses.stack.deploy(URL, {"AlarmTopic": "", "LogRetentionDays": ""})


def test_unchanged_template_deletes_its_change_set(responses: Responses) -> None:
    responses.status("CREATE_COMPLETE")
    responses.change_set("UPDATE", [], "The submitted information didn't contain changes.")
    responses.stub.add_response("delete_change_set", {}, {"ChangeSetName": CHANGE_SET})
    with responses.stub:
        assert not responses.stack.deploy(URL, {})
    responses.stub.assert_no_pending_responses()


def test_early_validation_names_the_resource_that_it_rejects(responses: Responses) -> None:
    responses.status("REVIEW_IN_PROGRESS")
    responses.change_set("CREATE", [], "validation failed: [AWS::EarlyValidation::ResourceExistenceCheck]")
    event = {"LogicalResourceId": "RoomsTable", "ValidationStatus": "FAILED"}
    responses.stub.add_response(
        "describe_events",
        {"OperationEvents": [event | {"ValidationStatusReason": "chalice-chat-dev-rooms already exists"}]},
    )
    with (
        responses.stub,
        pytest.raises(StackFailed, match=r"failed: RoomsTable: chalice-chat-dev-rooms already exists$"),
    ):
        responses.stack.deploy(URL, {})


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "DELETE_FAILED", "UPDATE_IN_PROGRESS"])
def test_stack_that_cannot_be_updated_is_left_alone(responses: Responses, status: str) -> None:
    responses.status(status)
    with responses.stub, pytest.raises(StackFailed, match=rf"the stack {NAME} is in the state {status}"):
        responses.stack.deploy(URL, {})


def test_failed_deletion_names_its_first_failed_resource(responses: Responses) -> None:
    responses.status("CREATE_COMPLETE")
    responses.stub.add_response("delete_stack", {}, {"StackName": ID, "ClientRequestToken": "chat-now"})
    responses.status("DELETE_FAILED")
    responses.events(("chat-now", "RoomsTable", "DELETE_FAILED", "the table is protected"))
    with responses.stub, pytest.raises(StackFailed, match="failed: RoomsTable: the table is protected"):
        responses.stack.delete()


def test_resource_that_belongs_to_another_stack_is_no_resource_of_this_one(responses: Responses) -> None:
    statuses = ("CREATE_FAILED", "DELETE_COMPLETE", "DELETE_FAILED")
    summaries = [
        {
            "LogicalResourceId": status,
            "ResourceType": "AWS::DynamoDB::Table",
            "LastUpdatedTimestamp": TIME,
            "ResourceStatus": status,
        }
        for status in statuses
    ]
    responses.stub.add_response("list_stack_resources", {"StackResourceSummaries": summaries})
    with responses.stub:
        assert [resource["LogicalResourceId"] for resource in responses.stack.resources()] == ["DELETE_FAILED"]


@pytest.mark.parametrize(
    ("status", "reason", "expected"),
    [
        ("ROLLBACK_COMPLETE", "any", ["make undeploy STAGE=dev"]),
        ("UPDATE_ROLLBACK_COMPLETE", "any", ["the previous version keeps running"]),
        ("UPDATE_ROLLBACK_FAILED", "any", ["continue-update-rollback --stack-name chalice-chat-dev"]),
        ("UPDATE_IN_PROGRESS", "any", ["wait until that change has ended"]),
        ("REVIEW_IN_PROGRESS", "any", ["nothing was created"]),
        (
            "ROLLBACK_COMPLETE",
            "RoomsTable: chalice-chat-dev-rooms already exists in stack arn:aws:cloudformation:x:1:stack/other/2",
            ["delete-stack --stack-name other`", "make undeploy STAGE=dev"],
        ),
        (
            "ROLLBACK_COMPLETE",
            "RoomsTable: Resource with identifier 'chalice-chat-dev-rooms' already exists",
            ["delete-table --table-name chalice-chat-dev-rooms`", "make undeploy STAGE=dev"],
        ),
        (
            "UPDATE_ROLLBACK_COMPLETE",
            "ApiHandlerLogs: /aws/lambda/x already exists",
            ["delete the resource that has this name", "the previous version keeps running"],
        ),
    ],
)
def test_failure_comes_with_what_to_do(status: str, reason: str, expected: list[str]) -> None:
    advice = _advice(StackFailed(reason, status), "dev")
    assert all(part in advice for part in expected)
    assert ("undeploy" in advice) == any("undeploy" in part for part in expected)
