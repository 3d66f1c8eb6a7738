"""DynamoDB as it is on a bad day: moto behind a wire that throttles, answers too late, or dies with the caller."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.core.botocore_stubber import BotocoreStubber

__all__ = ["WRITES", "Died", "Fault", "break_dynamodb"]

WRITES = {"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"}

Fault = Literal["throttled", "late", "died before", "died after"]


class Died(BaseException):
    """The process ended here: nothing in it can catch that."""


def break_dynamodb(monkeypatch: pytest.MonkeyPatch, choose: Callable[[str, str], Fault | None]) -> None:
    """Let choose, given a request's operation and its body, say what befalls it."""
    process, answered = BotocoreStubber.process_request, {}

    def faulty(stubber: BotocoreStubber, request: Any) -> Any:
        if "X-Amz-Target" not in request.headers:
            return process(stubber, request)
        operation, body = request.headers["X-Amz-Target"].decode().split(".")[1], request.body.decode()
        fault = choose(operation, body)
        if fault == "throttled":
            error = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
            return 400, {}, json.dumps({"__type": error, "message": "slow down"})
        if fault == "died before":
            raise Died
        # DynamoDB carries out a transaction once for its token ("TransactWriteItems"); moto knows no tokens.
        token = json.loads(body).get("ClientRequestToken")
        if token not in answered:
            answered[token] = process(stubber, request)
        answer = answered[token] if token else answered.pop(token)
        if fault == "late":
            raise ReadTimeoutError(endpoint_url=request.url)
        if fault == "died after":
            raise Died
        return answer

    monkeypatch.setattr(BotocoreStubber, "process_request", faulty)
