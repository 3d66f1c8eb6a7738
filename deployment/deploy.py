"""Deployment of a packaged stage: the code and the template to S3, then the stack.

python -m deployment.deploy STAGE FOLDER, after deployment.package. Optional environment variables: BUCKET, a bucket of
yours instead of the project's own one; the parameters of the stack, such as ALARM_TOPIC for AlarmTopic; and those of
the AWS SDKs, such as AWS_ENDPOINT_URL.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from deployment.account import Account, current_account
from deployment.bucket import Bucket
from deployment.config import stack_name
from deployment.errors import DeployError, errors_reported
from deployment.functions import locate_code
from deployment.stack import Stack, StackFailed

AWS = ".venv/bin/aws"


def deploy(stage: str, folder: Path, account: Account) -> None:
    """Deploy the package in folder, and print the page's address. Raises DeployError."""
    bucket = Bucket(account, os.environ.get("BUCKET", ""))
    stack = Stack(account.client("cloudformation"), stack_name(stage))
    print(f"Uploading the code to the bucket {bucket.name}", flush=True)
    bucket.create()
    code = bucket.upload((folder / "deployment.zip").read_bytes(), stack.name, ".zip")
    template = json.loads((folder / "sam.json").read_text())
    locate_code(template["Resources"], bucket.name, code)
    # Through S3: CloudFormation accepts at most 51,200 bytes in the request itself.
    template_key = bucket.upload(json.dumps(template).encode(), stack.name, ".json")
    print(f"Deploying the stack {stack.name} in {account.region}: the first time, this takes some minutes", flush=True)
    try:
        changed = stack.deploy(bucket.url(template_key), _parameters(template))
    except StackFailed as failure:
        raise DeployError(f"{failure}; {_advice(failure, stage)}") from failure
    print("Deployed." if changed else "Nothing has changed since the last deployment.")
    print(stack.output("EndpointURL"))


def _parameters(template: dict[str, Any]) -> dict[str, str]:
    """Return the values of the template's parameters in the environment, empty for those that are not there.

    The stage is not among them: the package is for one stage, which is the default.
    """
    names = template.get("Parameters", {}).keys() - {"Stage"}
    return {name: os.environ.get(re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper(), "") for name in sorted(names)}


def _advice(failure: StackFailed, stage: str) -> str:
    """Say what to do after a failure."""
    status, steps = failure.status, []
    if "already exists" in str(failure):
        steps.append(_advice_on_conflict(str(failure)))
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        steps.append(f"remove the stack with `make undeploy STAGE={stage}`, and deploy again")
    elif status == "UPDATE_ROLLBACK_FAILED":
        steps.append(f"run `{AWS} cloudformation continue-update-rollback --stack-name {stack_name(stage)}`")
    elif status == "REVIEW_IN_PROGRESS":
        steps.append("nothing was created")
    elif status.endswith("_IN_PROGRESS"):
        steps.append("wait until that change has ended, and deploy again")
    else:
        steps.append("the previous version keeps running")
    return "; ".join(steps)


def _advice_on_conflict(reason: str) -> str:
    """Say what to do when a resource of the same name exists outside the stack."""
    if other := re.search(r":stack/([\w-]+)/", reason):
        return f"delete the other stack with its data: `{AWS} cloudformation delete-stack --stack-name {other[1]}`"
    if table := re.search(r"chalice-chat-\w+-(?:rooms|connections|messages)\b", reason):
        return (
            "an earlier stack left this table, so delete it with its data: "
            f"`{AWS} dynamodb update-table --table-name {table[0]} --no-deletion-protection-enabled && "
            f"{AWS} dynamodb delete-table --table-name {table[0]}`"
        )
    return "delete the resource that has this name"


if __name__ == "__main__":
    with errors_reported():
        deploy(sys.argv[1], Path(sys.argv[2]), current_account())
