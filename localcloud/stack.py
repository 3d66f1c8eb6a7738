"""The app as a stack on the local cloud: made from its package, and changed while it runs."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError, WaiterError

from localcloud.errors import LocalCloudError
from localcloud.mends import enable_ttl, mend_preflight
from localcloud.template import mended

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
    """Make a boto3 client for the local cloud at port; its credentials mean nothing."""
    return boto3.client(
        service,
        endpoint_url=f"http://{HOST}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )


class Stack:
    """The app's tables, functions and APIs, on the local cloud at a port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._stacks, self._functions, self._storage = (
            client(service, port) for service in ("cloudformation", "lambda", "s3")
        )

    @property
    def rest_url(self) -> str:
        return f"http://{HOST}:{self._port}/_aws/execute-api/{self._rest_api_id()}/{STAGE}"

    def create(self, template: Path, archive: Path) -> None:
        """Make the stack from the template and the archive of code that Chalice packaged.

        Raises LocalCloudError with what CloudFormation says when it cannot.
        """
        self._storage.create_bucket(Bucket=BUCKET)
        self._storage.upload_file(str(archive), BUCKET, CODE)
        self._apply("create", self._mended(template))

    def update(self, template: Path) -> bool:
        """Make the stack as a new template has it, and return whether that is another one.

        Raises what `create` raises; the stack is then as it was.
        """
        new = self._mended(template)
        if new == self._stacks.get_template(StackName=STACK, TemplateStage="Original")["TemplateBody"]:
            return False
        self._apply("update", new)
        return True

    def update_code(self, archive: Path) -> None:
        """Let every function run an archive of code from its next invocation on. Connections stay open."""
        self._storage.upload_file(str(archive), BUCKET, CODE)
        for function in self._functions.list_functions()["Functions"]:
            self._functions.update_function_code(FunctionName=function["FunctionName"], S3Bucket=BUCKET, S3Key=CODE)

    def environment(self) -> dict[str, str]:
        """Return the variables of the functions, which are the same for each."""
        variables: dict[str, str] = self._functions.list_functions()["Functions"][0]["Environment"]["Variables"]
        return variables

    def _mended(self, template: Path) -> dict[str, Any]:
        return mended(template, f"http://{HOST}:{self._port}", BUCKET)

    def _apply(self, change: Literal["create", "update"], template: dict[str, Any]) -> None:
        token = secrets.token_hex()
        # Not in the request itself, in which CloudFormation takes 51,200 bytes: with some more routes it is longer.
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
        mend_preflight(client("apigateway", self._port), template, self._rest_api_id())
        enable_ttl(client("dynamodb", self._port), template, STAGE)

    def _first_failure(self, token: str) -> str:
        events = self._stacks.describe_stack_events(StackName=STACK)["StackEvents"]
        for event in reversed(events):
            if event.get("ClientRequestToken") == token and "FAILED" in event["ResourceStatus"]:
                return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason given')}"
        return "it is not complete in time"

    def _rest_api_id(self) -> str:
        outputs = self._stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Outputs"]
        return next(str(output["OutputValue"]) for output in outputs if output["OutputKey"] == "RestAPIId")
