"""The CloudFormation stack of the app on the local cloud."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from deployment import stack
from deployment.config import LOCAL_STAGE, stack_name
from deployment.errors import DeployError
from deployment.functions import locate_code
from localcloud.errors import LocalCloudError
from localcloud.workarounds import REST_API_ID, adapt_template, enable_ttl, repair_preflight

HOST = "127.0.0.1"
STAGE = LOCAL_STAGE
STACK = stack_name(STAGE)
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
        self._functions, self._storage = client("lambda", port), client("s3", port)
        self._stack = stack.Stack(client("cloudformation", port), STACK, POLL_SECONDS, CHANGE_SECONDS)

    def create(self, template: Path, archive: Path) -> None:
        """Create the stack from a packaged template and code archive.

        Raises LocalCloudError with CloudFormation's reason when that fails.
        """
        self._storage.create_bucket(Bucket=BUCKET)
        self._storage.upload_file(str(archive), BUCKET, CODE)
        self.update(template)

    def update(self, path: Path) -> bool:
        """Update the stack to a packaged template, and return whether anything changed.

        Raises LocalCloudError like `create`; the stack then stays as it was.
        """
        template = adapt_template(path, f"http://{HOST}:{self._port}")
        locate_code(template["Resources"], BUCKET, CODE)
        # By URL: CloudFormation takes at most 51,200 bytes in the request itself, and a few more routes exceed that.
        self._storage.put_object(Bucket=BUCKET, Key=TEMPLATE, Body=json.dumps(template))
        try:
            changed = self._stack.deploy(f"http://{HOST}:{self._port}/{BUCKET}/{TEMPLATE}", {})
        except DeployError as cause:
            raise LocalCloudError(str(cause)) from cause
        except ClientError as cause:
            raise LocalCloudError(f"the stack {STACK} failed: {cause}") from cause
        if changed:
            repair_preflight(client("apigateway", self._port), template, REST_API_ID)
            enable_ttl(client("dynamodb", self._port), template, STAGE)
        return changed

    def update_code(self, archive: Path) -> None:
        """Replace the code of every function from its next invocation on. Connections stay open."""
        self._storage.upload_file(str(archive), BUCKET, CODE)
        for function in self._functions.list_functions()["Functions"]:
            self._functions.update_function_code(FunctionName=function["FunctionName"], S3Bucket=BUCKET, S3Key=CODE)

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the functions, which all have the same."""
        variables: dict[str, str] = self._functions.list_functions()["Functions"][0]["Environment"]["Variables"]
        return variables
