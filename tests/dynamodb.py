"""DynamoDB for the unit and contract tests: two emulators, and the faults that they do not show by themselves.

moto is the one that Python developers know. dynoxide is stricter: it rejects requests that moto accepts and AWS does
not, and runs in a process of its own. Each test that has tables runs on both.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import boto3
import pytest
import urllib3
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from tests.dynoxide import strict_emulator
from tests.tables import create_tables

__all__ = ["CONFLICTS", "WRITES", "Crash", "Fault", "conflict", "dynamodb", "empty_tables", "inject_faults", "tables"]

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}

CONFLICTS = {"PutItem": 0.2, "UpdateItem": 0.2, "DeleteItem": 0.2, "TransactWriteItems": 0.3}
"""The share of the writes that meet a transaction in progress, by operation, in the tests of many random events."""

Fault = Literal["throttling", "timeout", "conflict", "crash before", "crash after"]
"""A timeout means that DynamoDB handles the request, but its answer does not arrive."""

_process = BotocoreStubber.process_request


@pytest.fixture(scope="session")
def _strict_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with strict_emulator(tmp_path_factory.mktemp("dynamodb") / "files") as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=["moto", "dynoxide"])
def dynamodb(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the test on each emulator, and return its name."""
    if request.param == "dynoxide":
        _redirect(monkeypatch, request.getfixturevalue("_strict_emulator"))
    return str(request.param)


def _redirect(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """Send the requests to DynamoDB to an emulator at url. moto answers those to other services."""
    pool = urllib3.PoolManager(maxsize=32)

    def process(stubber: BotocoreStubber, request: Any) -> Any:
        if not _is_dynamodb(request):
            return _process(stubber, request)
        answer = pool.request(request.method, url, body=request.body, headers=dict(request.headers))
        return answer.status, dict(answer.headers), answer.data

    monkeypatch.setattr(BotocoreStubber, "process_request", process)


def _is_dynamodb(request: Any) -> bool:
    return bytes(request.headers.get("X-Amz-Target", b"")).startswith(b"DynamoDB_20120810.")


@contextmanager
def empty_tables() -> Iterator[None]:
    """Provide an AWS account of moto, with the empty tables of the stage dev in the emulator."""
    with mock_aws():
        for name in _client().list_tables()["TableNames"]:
            _client().delete_table(TableName=name)
        create_tables(_client(), "dev")
        yield


@pytest.fixture
def tables(dynamodb: str) -> Iterator[None]:
    """Provide empty tables."""
    with empty_tables():
        yield


@cache
def _client() -> Any:
    return boto3.client("dynamodb")


class Crash(BaseException):
    """The end of the process. No `except Exception` catches it."""


def inject_faults(monkeypatch: pytest.MonkeyPatch, select_fault: Callable[[str, str], Fault | None]) -> None:
    """Inject the fault that select_fault returns for the operation and the body of a request. Retries do not wait."""
    process, answers = BotocoreStubber.process_request, {}

    def process_with_fault(stubber: BotocoreStubber, request: Any) -> Any:
        if not _is_dynamodb(request):
            return process(stubber, request)
        operation, body = request.headers["X-Amz-Target"].decode().split(".")[1], request.body.decode()
        fault = select_fault(operation, body)
        if fault == "throttling":
            return _error("ProvisionedThroughputExceededException", message="slow down")
        if fault == "conflict":
            return conflict(operation, body)
        if fault == "crash before":
            raise Crash
        # DynamoDB runs a transaction once for each token ("TransactWriteItems"). moto ignores tokens.
        token = json.loads(body).get("ClientRequestToken")
        if token not in answers:
            answers[token] = process(stubber, request)
        answer = answers[token] if token else answers.pop(token)
        if fault == "timeout":
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == "crash after":
            raise Crash
        return answer

    monkeypatch.setattr(BotocoreStubber, "process_request", process_with_fault)
    monkeypatch.setattr(time, "sleep", lambda _: None)


def conflict(operation: str, body: str) -> tuple[int, dict[str, str], str]:
    """Return the error of a write that meets a transaction in progress ("DynamoDB Transactions: How it works")."""
    if operation != "TransactWriteItems":
        return _error("TransactionConflictException", message="Transaction is ongoing for the item")
    items = json.loads(body)["TransactItems"]
    return _error(
        "TransactionCanceledException",
        Message="Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        CancellationReasons=[{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]
        + [{"Code": "None"}] * (len(items) - 1),
    )


def _error(code: str, **content: Any) -> tuple[int, dict[str, str], str]:
    return 400, {}, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"} | content)
