"""Removal of a deployed stage: the stack with all its data, and the stage's objects in S3.

python -m deployment.undeploy STAGE. Optional environment variables: YES, to delete without asking; BUCKET, as for
deployment.deploy.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from typing import Any

from deployment.account import Account, current_account
from deployment.bucket import Bucket
from deployment.config import read_stage, stack_name
from deployment.errors import DeployError, errors_reported
from deployment.stack import Stack


def undeploy(stage: str, account: Account) -> None:
    """Delete everything that deployments of the stage have made, after a confirmation. Raises DeployError."""
    read_stage(stage)
    stack = Stack(account.client("cloudformation"), stack_name(stage))
    bucket = Bucket(account, os.environ.get("BUCKET", ""))
    is_deployed = stack.describe() is not None
    keys = bucket.keys(f"{stack.name}/")
    if is_deployed or keys:
        tables = _of_type("AWS::DynamoDB::Table", stack.resources()) if is_deployed else []
        _check_protection(tables, account, stage)
        _confirm(_describe(stack, tables, is_deployed, bucket, keys, account), stage)
        stack.delete()
    else:
        print(f"There is nothing to remove: no stack {stack.name} in {account.region}, account {account.id}.")
    bucket.delete(keys)
    if is_deployed or keys:
        print("Removed.")


def _of_type(type_: str, resources: Iterable[dict[str, str]]) -> list[str]:
    """Return the names of the resources of a type."""
    return [one["PhysicalResourceId"] for one in resources if one["ResourceType"] == type_]


def _check_protection(tables: list[str], account: Account, stage: str) -> None:
    """Raise DeployError if tables are protected from deletion."""
    dynamodb = account.client("dynamodb")
    if protected := [table for table in tables if _is_protected(dynamodb, table)]:
        raise DeployError(
            f"tables of the stage {stage} are protected from deletion, so nothing was deleted; turn the protection off "
            f"with `for table in {' '.join(protected)}; do .venv/bin/aws dynamodb update-table --table-name $table "
            "--no-deletion-protection-enabled; done`"
        )


def _is_protected(dynamodb: Any, table: str) -> bool:
    try:
        return bool(dynamodb.describe_table(TableName=table)["Table"].get("DeletionProtectionEnabled"))
    except dynamodb.exceptions.ResourceNotFoundException:  # it was deleted without CloudFormation
        return False


def _describe(
    stack: Stack, tables: list[str], is_deployed: bool, bucket: Bucket, keys: list[str], account: Account
) -> str:
    """Describe what will be deleted."""
    parts = [f"the stack {stack.name} with its functions, APIs, queues and logs"] if is_deployed else []
    parts += [f"the table {table} with its data" for table in tables]
    parts += [f"the objects of this stage in the bucket {bucket.name}: {len(keys)}"] if keys else []
    return f"This deletes from the account {account.id} in {account.region}:\n" + "".join(f"- {one}\n" for one in parts)


def _confirm(what: str, stage: str) -> None:
    """Ask whether to go on. Raises DeployError unless the reply is yes."""
    print(what, end="", flush=True)
    if os.environ.get("YES"):
        return
    if not sys.stdin.isatty():
        raise DeployError(
            "nothing was deleted: there is no terminal to ask for confirmation, "
            f"and only `make undeploy STAGE={stage} YES=1` deletes without asking"
        )
    if input("Delete all of it? Type yes: ").strip().lower() != "yes":
        raise DeployError("nothing was deleted: the reply was not yes")


if __name__ == "__main__":
    with errors_reported():
        undeploy(sys.argv[1], current_account())
