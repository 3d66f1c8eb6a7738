"""Secrets that the functions read from AWS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib.auth import secret_values
from chalicelib.auth.secret_values import SecretUnavailable

SECRET = "a secret of a back end of one's own"


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def stored() -> str:
    """Store a secret in another Region than that of the functions, and return its ARN."""
    client = boto3.client("secretsmanager", "eu-central-1")
    return str(client.create_secret(Name="chat", SecretString=SECRET)["ARN"])


def pass_seconds(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + seconds)


def test_secret_is_read_from_secrets_manager(stored: str) -> None:
    assert secret_values.read(stored) == SECRET


def test_secret_is_read_from_the_parameter_store() -> None:
    client = boto3.client("ssm", "us-east-1")
    client.put_parameter(Name="/chat/secret", Value=SECRET, Type="SecureString")
    arn = client.get_parameter(Name="/chat/secret")["Parameter"]["ARN"]
    assert secret_values.read(arn) == SECRET


def test_text_that_is_no_arn_is_the_secret() -> None:
    assert secret_values.read(SECRET) == SECRET


def test_new_value_counts_after_five_minutes(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_values.read(stored)
    boto3.client("secretsmanager", "eu-central-1").put_secret_value(SecretId=stored, SecretString="another" * 5)
    assert secret_values.read(stored) == SECRET
    pass_seconds(monkeypatch, secret_values.MAX_AGE_SECONDS)
    assert secret_values.read(stored) == "another" * 5


def test_former_value_counts_while_aws_does_not_respond(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(stubber: BotocoreStubber, request: Any) -> Any:
        raise ConnectTimeoutError(endpoint_url=request.url)

    secret_values.read(stored)
    monkeypatch.setattr(BotocoreStubber, "process_request", fail)
    pass_seconds(monkeypatch, secret_values.MAX_AGE_SECONDS)
    assert secret_values.read(stored) == SECRET
    # There is no further request for RETRY_SECONDS: it would call None.
    monkeypatch.setattr(BotocoreStubber, "process_request", None)
    assert secret_values.read(stored) == SECRET


def test_secret_that_aws_has_never_returned_is_a_failure(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(stubber: BotocoreStubber, request: Any) -> Any:
        raise ConnectTimeoutError(endpoint_url=request.url)

    monkeypatch.setattr(BotocoreStubber, "process_request", fail)
    with pytest.raises(SecretUnavailable):
        secret_values.read(stored)


def test_former_value_does_not_count_after_its_secret_is_deleted(stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret_values.read(stored)
    boto3.client("secretsmanager", "eu-central-1").delete_secret(SecretId=stored, ForceDeleteWithoutRecovery=True)
    pass_seconds(monkeypatch, secret_values.MAX_AGE_SECONDS)
    with pytest.raises(SecretUnavailable):
        secret_values.read(stored)


@pytest.mark.parametrize("secret", ["s" * 32, "é" * 16])
def test_secret_of_32_bytes_is_long_enough(secret: str) -> None:
    arn = boto3.client("secretsmanager", "us-east-1").create_secret(Name="chat", SecretString=secret)["ARN"]
    assert secret_values.read(arn) == secret


@pytest.mark.parametrize("value", [{"SecretString": "s" * 31}, {"SecretBinary": SECRET.encode()}])
def test_secret_that_cannot_verify_tokens_is_a_failure(value: Any, caplog: Any) -> None:
    arn = boto3.client("secretsmanager", "us-east-1").create_secret(Name="chat", **value)["ARN"]
    for _ in range(3):
        with pytest.raises(SecretUnavailable):
            secret_values.read(arn)
    (record,) = caplog.records
    assert "at least 32 bytes" in record.getMessage()


def test_failure_is_logged_once_and_retried_later(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    client = boto3.client("secretsmanager", "us-east-1")
    arn = client.create_secret(Name="chat")["ARN"]
    for _ in range(3):
        with pytest.raises(SecretUnavailable):
            secret_values.read(arn)
    (record,) = caplog.records
    assert arn in record.getMessage()
    client.put_secret_value(SecretId=arn, SecretString=SECRET)
    with pytest.raises(SecretUnavailable):
        secret_values.read(arn)
    pass_seconds(monkeypatch, secret_values.RETRY_SECONDS)
    assert secret_values.read(arn) == SECRET
