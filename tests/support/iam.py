"""IAM permissions that the functions need, derived from the requests that they send."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib import settings
from chalicelib.delivery.http_connection import HTTPConnection

Permission = tuple[str, str]
"""An action, and its resource, as narrow as it is known before a deployment."""

TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""The action of each kind of item in a transaction ("Using IAM with DynamoDB transactions")."""


class RequestRecorder:
    """Records the requests of each function to moto and to the fake of @connections."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._running: list[str] = []
        self._sent: dict[str, list[_Request]] = defaultdict(list)
        process, exchange = BotocoreStubber.process_request, HTTPConnection.exchange

        def recorded_process(stubber: BotocoreStubber, request: Any) -> Any:
            target = request.headers.get("X-Amz-Target", b"").decode()
            self._add(_Request(request.method, urlsplit(request.url).path, target, request.body))
            return process(stubber, request)

        def recorded_exchange(connection: HTTPConnection, request: bytes) -> Any:
            method, path, _ = request.decode().split(" ", 2)
            self._add(_Request(method, path))
            return exchange(connection, request)

        monkeypatch.setattr(BotocoreStubber, "process_request", recorded_process)
        monkeypatch.setattr(HTTPConnection, "exchange", recorded_exchange)

    def record(self, function: str, owner: object, name: str) -> None:
        """Record what the attribute of owner, the handler of a function, sends while it runs."""
        handler = getattr(owner, name)

        def recorded(*arguments: Any, **options: Any) -> Any:
            self._running.append(function)
            try:
                return handler(*arguments, **options)
            finally:
                self._running.pop()

        self._monkeypatch.setattr(owner, name, recorded)

    def permissions(self, function: str) -> set[Permission]:
        """Return the permissions that the requests of a function needed."""
        return set().union(*map(_permissions, self._sent[function]))

    def _add(self, request: _Request) -> None:
        if self._running:
            self._sent[self._running[-1]].append(request)


class _Request(NamedTuple):
    method: str
    path: str
    target: str = ""
    """The operation, for services that name it in a header."""
    body: str | bytes = ""


def _permissions(request: _Request) -> set[Permission]:
    """Return the permissions that IAM checks for a request ("Service Authorization Reference")."""
    arguments = json.loads(request.body) if request.target else {}
    match request.target.split("."):
        case ["DynamoDB_20120810", "TransactWriteItems"]:
            return {
                (f"dynamodb:{TRANSACTED[kind]}", _table(item["TableName"]))
                for write in arguments["TransactItems"]
                for kind, item in write.items()
            }
        case ["DynamoDB_20120810", "BatchGetItem" | "BatchWriteItem" as operation]:
            return {(f"dynamodb:{operation}", _table(name)) for name in arguments["RequestItems"]}
        case ["DynamoDB_20120810", operation] if "TableName" in arguments:
            return {(f"dynamodb:{operation}", _table(arguments["TableName"], arguments.get("IndexName")))}
        case ["AmazonSQS", "GetQueueUrl"]:
            return {("sqs:GetQueueUrl", queue(arguments["QueueName"]))}
        case ["AmazonSQS", operation] if "QueueUrl" in arguments:
            return {(f"sqs:{operation}", queue(arguments["QueueUrl"].split("/")[-1]))}
    match request.path.split("/"):
        case ["", "v2", *parts]:
            return {(f"apigateway:{request.method}", f"arn:aws:apigateway:*::/{'/'.join(parts)}")}
        # The fake's stage is always test.
        case ["", "test", "@connections", _]:
            connections = f"arn:aws:execute-api:*:*:*/{settings.STAGE}/{request.method}/@connections/*"
            return {("execute-api:ManageConnections", connections)}
    raise ValueError(f"expected a request whose permissions are known, not {request}")


def _table(name: str, index: str | None = None) -> str:
    return f"arn:aws:dynamodb:*:*:table/{name}" + (f"/index/{index}" if index else "")


def queue(name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:*:*:{name}"
