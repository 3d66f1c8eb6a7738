"""The AWS account and Region of the current credentials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import NoCredentialsError

from deployment.errors import DeployError


@dataclass(frozen=True)
class Account:
    """An account and a Region."""

    id: str
    region: str

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region)


def current_account() -> Account:
    """Return the account of the credentials. Raises DeployError when there are none, or no Region is chosen."""
    region = boto3.Session().region_name
    if not region:
        raise DeployError("no Region is set: choose one, for example export AWS_DEFAULT_REGION=eu-central-1")
    try:
        identity = boto3.client("sts", region_name=region).get_caller_identity()
    except NoCredentialsError as cause:
        raise DeployError(
            "no AWS credentials were found: store them with `.venv/bin/aws configure`, "
            "or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        ) from cause
    return Account(identity["Account"], region)
