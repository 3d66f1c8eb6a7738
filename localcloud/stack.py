"""The CloudFormation stack of the app on the local cloud."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError, WaiterError

from localcloud.errors import LocalCloudError
from localcloud.workarounds import REST_API_ID, adapt_template, enable_ttl, repair_preflight

__all__ = ["HOST", "STACK", "STAGE", "Stack", "client"]

HOST = "127.0.0.1"
STAGE = "local"
STACK = "chalice-chat-local"
BUCKET = "chalice-chat-local-code"
CODE = "deployment.zip"
TEMPLATE = "sam.json"
CHANGE_SECONDS = 30
POLL_SECONDS = 0.2


def client(service: str, port: int) -> Any:
    """Return a boto3 client for the local cloud at a port; MiniStack ignores the credentials."""
    return boto3.client(
        service,
        endpoint_url=f"http://{HOST}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )


class Stack:
    """The app's tables, functions and APIs on the local cloud at a port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stacks, self._functions, self._storage = (
            client(service, port) for service in ("cloudformation", "lambda", "s3")
        )

    def create(self, template: Path, archive: Path) -> None:
        """Create the stack from a packaged template and code archive.

        Raises LocalCloudError with CloudFormation's reason when that fails.
        """
        self._storage.create_bucket(Bucket=BUCKET)
        self._storage.upload_file(str(archive), BUCKET, CODE)
        self._apply("create", self._adapted(template))

    def update(self, template: Path) -> bool:
        """Update the stack to a packaged template, and return whether anything changed.

        Raises LocalCloudError like `create`; the stack then stays as it was.
        """
        new = self._adapted(template)
        if new == self._stacks.get_template(StackName=STACK, TemplateStage="Original")["TemplateBody"]:
            return False
        self._apply("update", new)
        return True

    def update_code(self, archive: Path) -> None:
        """Replace the code of every function from its next invocation on. Connections stay open."""
        self._storage.upload_file(str(archive), BUCKET, CODE)
        for function in self._functions.list_functions()["Functions"]:
            self._functions.update_function_code(FunctionName=function["FunctionName"], S3Bucket=BUCKET, S3Key=CODE)

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the functions, which all have the same."""
        variables: dict[str, str] = self._functions.list_functions()["Functions"][0]["Environment"]["Variables"]
        return variables

    def _adapted(self, template: Path) -> dict[str, Any]:
        return adapt_template(template, f"http://{HOST}:{self._port}", BUCKET)

    def _apply(self, change: Literal["create", "update"], template: dict[str, Any]) -> None:
        token = secrets.token_hex()
        # By URL: CloudFormation takes at most 51,200 bytes in the request itself, and a few more routes exceed that.
        self._storage.put_object(Bucket=BUCKET, Key=TEMPLATE, Body=json.dumps(template))
        try:
            getattr(self._stacks, f"{change}_stack")(
                StackName=STACK,
                TemplateURL=f"http://{HOST}:{self._port}/{BUCKET}/{TEMPLATE}",
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                ClientRequestToken=token,
            )
            self._stacks.get_waiter(f"stack_{change}_complete").wait(
                StackName=STACK, WaiterConfig={"Delay": POLL_SECONDS, "MaxAttempts": int(CHANGE_SECONDS / POLL_SECONDS)}
            )
        except ClientError as cause:
            raise LocalCloudError(f"the stack {STACK} failed: {cause}") from cause
        except WaiterError as cause:
            raise LocalCloudError(f"the stack {STACK} failed: {self._first_failure(token)}") from cause
        repair_preflight(client("apigateway", self._port), template, REST_API_ID)
        enable_ttl(client("dynamodb", self._port), template, STAGE)

    def _first_failure(self, token: str) -> str:
        events = self._stacks.describe_stack_events(StackName=STACK)["StackEvents"]
        for event in reversed(events):
            if event.get("ClientRequestToken") == token and "FAILED" in event["ResourceStatus"]:
                return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        return f"not complete after {CHANGE_SECONDS} seconds"
