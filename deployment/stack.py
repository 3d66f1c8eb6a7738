"""A CloudFormation stack: its creation, update and deletion, and the reason when one of them fails."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from deployment.errors import DeployError

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
UPDATABLE = (
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
)
NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class StackFailed(DeployError):
    """A change of a stack failed, or its state permits none. `status` is the stack's status."""

    def __init__(self, reason: str, status: str) -> None:
        super().__init__(reason)
        self.status = status


class Stack:
    """The stack of a name. It asks for the state of a change every `poll` seconds, for at most `limit` seconds."""

    def __init__(self, cloudformation: Any, name: str, poll: float = 1, limit: float = 3_600) -> None:
        self.name = name
        self._client = cloudformation
        self._wait = {"Delay": poll, "MaxAttempts": int(limit / poll)}

    def describe(self) -> dict[str, Any] | None:
        """Return CloudFormation's description of the stack, or None if it does not exist."""
        try:
            description: dict[str, Any] = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return None if description["StackStatus"] == "DELETE_COMPLETE" else description

    def resources(self) -> list[dict[str, Any]]:
        """Return the summaries of the resources that exist, and that a deletion of the stack deletes."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        listed = [resource for page in pages for resource in page["StackResourceSummaries"]]
        # A resource whose creation failed may be one of the same name that belongs to another stack.
        return [one for one in listed if one["ResourceStatus"] not in ("CREATE_FAILED", "DELETE_COMPLETE")]

    def output(self, key: str) -> str:
        """Return the value of an output."""
        outputs = (self.describe() or {}).get("Outputs", [])
        return next(str(output["OutputValue"]) for output in outputs if output["OutputKey"] == key)

    def deploy(self, template_url: str, parameters: Mapping[str, str]) -> bool:
        """Create or update the stack, and return whether anything changed.

        An empty parameter keeps its value. Raises StackFailed with the first failed resource and its reason.
        """
        description = self.describe() or {"StackStatus": "REVIEW_IN_PROGRESS"}
        status = description["StackStatus"]
        # REVIEW_IN_PROGRESS: a change set was made for the first version, and never executed.
        is_new = status == "REVIEW_IN_PROGRESS"
        if not is_new and status not in UPDATABLE:
            raise StackFailed(f"the stack {self.name} is in the state {status} and cannot be updated", status)
        known = {parameter["ParameterKey"] for parameter in description.get("Parameters", [])}
        token = f"chat-{secrets.token_hex(16)}"
        change_set = self._client.create_change_set(
            StackName=self.name,
            ChangeSetName=token,
            ChangeSetType="CREATE" if is_new else "UPDATE",
            TemplateURL=template_url,
            Capabilities=CAPABILITIES,
            Parameters=[
                {"ParameterKey": key} | ({"ParameterValue": value} if value else {"UsePreviousValue": True})
                for key, value in parameters.items()
                if value or key in known
            ],
        )
        if not self._has_changes(change_set["Id"], status):
            return False
        self._client.execute_change_set(ChangeSetName=change_set["Id"], ClientRequestToken=token)
        self._finish("create" if is_new else "update", change_set["StackId"], token)
        return True

    def delete(self) -> None:
        """Delete the stack with its resources. Raises StackFailed like `deploy`."""
        description = self.describe()
        if description:
            token = f"chat-{secrets.token_hex(16)}"
            self._client.delete_stack(StackName=description["StackId"], ClientRequestToken=token)
            self._finish("delete", description["StackId"], token)

    def _has_changes(self, change_set: str, status: str) -> bool:
        try:
            self._client.get_waiter("change_set_create_complete").wait(
                ChangeSetName=change_set, WaiterConfig=self._wait
            )
        except WaiterError as failure:
            reason = failure.last_response.get("StatusReason", str(failure))
            if any(text in reason for text in NO_CHANGES):
                self._client.delete_change_set(ChangeSetName=change_set)
                return False
            reason = self._first_invalid(change_set, reason)
            raise StackFailed(f"the stack {self.name} failed: {reason}", status) from failure
        return True

    def _first_invalid(self, change_set: str, reason: str) -> str:
        """Return the first resource that CloudFormation's early validation rejected, or else the given reason."""
        if "EarlyValidation" in reason:
            for event in self._client.describe_events(ChangeSetName=change_set)["OperationEvents"]:
                if event.get("ValidationStatus") == "FAILED":
                    return f"{event.get('LogicalResourceId')}: {event.get('ValidationStatusReason')}"
        return reason

    def _finish(self, change: str, stack_id: str, token: str) -> None:
        """Wait until a change has ended."""
        try:
            self._client.get_waiter(f"stack_{change}_complete").wait(StackName=stack_id, WaiterConfig=self._wait)
        except WaiterError as failure:
            status = failure.last_response.get("Stacks", [{}])[0].get("StackStatus", "")
            raise StackFailed(
                f"the stack {self.name} failed: {self._first_failure(stack_id, token)}", status
            ) from failure

    def _first_failure(self, stack_id: str, token: str) -> str:
        """Return the first failed resource of a change: the others were cancelled because of it."""
        pages = self._client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        failures = [
            event
            for page in pages
            for event in page["StackEvents"]
            if event.get("ClientRequestToken") == token and event["ResourceStatus"].endswith("FAILED")
        ]
        if not failures:
            return f"not complete after {self._wait['Delay'] * self._wait['MaxAttempts']:.0f} seconds"
        return f"{failures[-1]['LogicalResourceId']}: {failures[-1].get('ResourceStatusReason', 'no reason given')}"
