"""The S3 bucket for the code and the templates of the deployed versions."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

from botocore.exceptions import ClientError

from deployment.account import Account
from deployment.errors import DeployError

PRIVATE = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
ENCRYPTED = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


class Bucket:
    """The bucket of a given name, or the project's own one in an account and Region, which is created when needed."""

    def __init__(self, account: Account, given: str = "") -> None:
        self.name = given or f"chalice-chat-{account.id}-{account.region}"
        self._is_own, self._account = not given, account
        self._s3 = account.client("s3")
        # Bucket names are global, and anybody could have taken the name of the own one before.
        self._bucket = {"Bucket": self.name} | ({"ExpectedBucketOwner": account.id} if self._is_own else {})

    def create(self) -> None:
        """Create the project's own bucket if it does not exist yet, and make it private, encrypted and TLS only.

        Raises DeployError when the name is taken.
        """
        if not self._is_own:
            return
        if not self._exists():
            # us-east-1 is the default, and must not be named ("CreateBucket").
            region = self._account.region
            location = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != "us-east-1" else {}
            with suppress(self._s3.exceptions.BucketAlreadyOwnedByYou):  # another deployment has just created it
                self._s3.create_bucket(Bucket=self.name, ObjectOwnership="BucketOwnerEnforced", **location)
        # Also if it exists: an earlier deployment may have been interrupted here.
        self._s3.put_public_access_block(**self._bucket, PublicAccessBlockConfiguration=PRIVATE)
        self._s3.put_bucket_encryption(**self._bucket, ServerSideEncryptionConfiguration=ENCRYPTED)
        self._s3.put_bucket_policy(**self._bucket, Policy=json.dumps(self._tls_only()))

    def upload(self, content: bytes, folder: str, suffix: str) -> str:
        """Store content under its hash, unless it is there already, and return its key."""
        key = f"{folder}/{hashlib.sha256(content).hexdigest()}{suffix}"
        if key not in self.keys(key):
            self._s3.put_object(**self._bucket, Key=key, Body=content)
        return key

    def url(self, key: str) -> str:
        """Return the address of an object, as CloudFormation accepts it."""
        return f"{self._s3.meta.endpoint_url}/{self.name}/{key}"

    def keys(self, prefix: str) -> list[str]:
        """List the objects whose key begins with prefix: none if the bucket does not exist."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._bucket, Prefix=prefix)
        try:
            return [stored["Key"] for page in pages for stored in page.get("Contents", [])]
        except self._s3.exceptions.NoSuchBucket:
            return []

    def delete(self, keys: list[str]) -> None:
        """Delete objects, and the project's own bucket if it is empty then."""
        for key in keys:
            self._s3.delete_object(**self._bucket, Key=key)
        if self._is_own and self._exists() and not self.keys(""):
            self._s3.delete_bucket(**self._bucket)

    def _tls_only(self) -> dict[str, Any]:
        """Return a policy that rejects requests over plain HTTP."""
        arn = f"arn:{self._s3.meta.partition}:s3:::{self.name}"
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "OnlyTLS",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        }

    def _exists(self) -> bool:
        try:
            self._s3.head_bucket(**self._bucket)
        except ClientError as error:
            status: Any = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if status == 404:
                return False
            raise DeployError(
                f"the bucket {self.name} cannot be used (HTTP status {status}): it belongs to another account, or your "
                f"permissions do not allow it; name another bucket with BUCKET="
            ) from error
        return True
