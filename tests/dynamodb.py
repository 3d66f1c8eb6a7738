"""Fault injection for DynamoDB in moto: throttling, timeouts, and crashes of the calling process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

__all__ = ["WRITES", "Crash", "Fault", "inject_faults"]

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}

Fault = Literal["throttling", "timeout", "crash before", "crash after"]
"""A timeout means that DynamoDB handles the request, but its answer does not arrive."""


class Crash(BaseException):
    """The end of the process. No `except Exception` catches it."""


def inject_faults(monkeypatch: pytest.MonkeyPatch, select_fault: Callable[[str, str], Fault | None]) -> None:
    """Inject the fault that select_fault returns for the operation and the body of a request. Retries do not wait."""
    process, answers = BotocoreStubber.process_request, {}

    def process_with_fault(stubber: BotocoreStubber, request: Any) -> Any:
        if "X-Amz-Target" not in request.headers:
            return process(stubber, request)
        operation, body = request.headers["X-Amz-Target"].decode().split(".")[1], request.body.decode()
        fault = select_fault(operation, body)
        if fault == "throttling":
            error = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            return 400, {}, json.dumps({"__type": error, "message": "slow down"})
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
