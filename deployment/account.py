"""The AWS account and Region of the current credentials, and the report of errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from deployment.errors import DeployError, PackageError


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


@contextmanager
def errors_reported(*further: type[Exception]) -> Iterator[None]:
    """End the process with exit code 1 and one line on an expected error: of this program, AWS or the network."""
    try:
        yield
    except (DeployError, PackageError, BotoCoreError, ClientError, *further) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")
