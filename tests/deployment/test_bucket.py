"""Bucket of the deployed versions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from deployment.account import Account
from deployment.bucket import Bucket
from deployment.errors import DeployError

ACCOUNT = Account("123456789012", "eu-central-1")  # the account of moto
NAME = "chalice-chat-123456789012-eu-central-1"


@pytest.fixture(autouse=True)
def s3() -> Iterator[None]:
    """Provide an account without buckets, in moto."""
    with mock_aws():
        yield


def names() -> list[str]:
    return [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]


def test_own_bucket_is_private_encrypted_and_in_the_region() -> None:
    Bucket(ACCOUNT).create()
    s3 = ACCOUNT.client("s3")
    assert s3.get_bucket_location(Bucket=NAME)["LocationConstraint"] == "eu-central-1"
    assert set(s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    (owned,) = s3.get_bucket_ownership_controls(Bucket=NAME)["OwnershipControls"]["Rules"]
    assert owned == {"ObjectOwnership": "BucketOwnerEnforced"}


def test_own_bucket_rejects_requests_without_tls() -> None:
    Bucket(ACCOUNT).create()
    (statement,) = json.loads(ACCOUNT.client("s3").get_bucket_policy(Bucket=NAME)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [f"arn:aws:s3:::{NAME}", f"arn:aws:s3:::{NAME}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_own_bucket_of_an_interrupted_deployment_is_completed() -> None:
    s3 = ACCOUNT.client("s3")
    s3.create_bucket(Bucket=NAME, CreateBucketConfiguration={"LocationConstraint": ACCOUNT.region})
    Bucket(ACCOUNT).create()
    assert s3.get_bucket_policy(Bucket=NAME)["Policy"]
    assert s3.get_bucket_encryption(Bucket=NAME)["ServerSideEncryptionConfiguration"]
    assert set(s3.get_public_access_block(Bucket=NAME)["PublicAccessBlockConfiguration"].values()) == {True}


def test_own_bucket_is_created_in_us_east_1_without_a_location() -> None:
    account = Account(ACCOUNT.id, "us-east-1")
    Bucket(account).create()
    assert account.client("s3").get_bucket_location(Bucket=names()[0]).get("LocationConstraint") is None


def test_own_bucket_is_reused_even_if_another_deployment_has_just_created_it(monkeypatch: pytest.MonkeyPatch) -> None:
    Bucket(ACCOUNT).create()
    Bucket(ACCOUNT).create()
    s3 = ACCOUNT.client("s3")

    def find_nothing(**_: object) -> None:
        raise ClientError({"ResponseMetadata": {"HTTPStatusCode": 404}}, "HeadBucket")

    monkeypatch.setattr(s3, "head_bucket", find_nothing)
    monkeypatch.setattr(Account, "client", lambda *_: s3)
    Bucket(ACCOUNT).create()
    assert names() == [NAME]


def test_bucket_of_another_account_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    s3 = ACCOUNT.client("s3")
    monkeypatch.setattr(Account, "client", lambda *_: s3)
    with Stubber(s3) as stub:
        expected = {"Bucket": NAME, "ExpectedBucketOwner": ACCOUNT.id}
        stub.add_client_error("head_bucket", "403", http_status_code=403, expected_params=expected)
        with pytest.raises(DeployError, match=rf"the bucket {NAME} cannot be used .*name another bucket with BUCKET="):
            Bucket(ACCOUNT).create()


def test_given_bucket_is_neither_created_nor_deleted() -> None:
    Bucket(ACCOUNT, "mine").create()
    assert names() == []
    ACCOUNT.client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": ACCOUNT.region})
    bucket = Bucket(ACCOUNT, "mine")
    bucket.delete([bucket.upload(b"code", "chalice-chat-dev", ".zip")])
    assert names() == ["mine"]
    assert bucket.keys("") == []


def test_key_depends_only_on_the_content() -> None:
    bucket = Bucket(ACCOUNT)
    bucket.create()
    keys = [bucket.upload(content, "chalice-chat-dev", ".zip") for content in (b"one", b"one", b"two")]
    assert keys[0] == keys[1] != keys[2]
    assert sorted(bucket.keys("")) == sorted(set(keys))
    assert bucket.url("key").endswith(f"/{NAME}/key")


def test_own_bucket_is_deleted_with_its_last_object() -> None:
    bucket = Bucket(ACCOUNT)
    assert bucket.keys("") == []
    bucket.delete([])
    bucket.create()
    dev, prod = (bucket.upload(b"code", f"chalice-chat-{stage}", ".zip") for stage in ("dev", "prod"))
    bucket.delete([dev])
    assert bucket.keys("") == [prod]
    bucket.delete([prod])
    assert names() == []
