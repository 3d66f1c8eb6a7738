"""What the functions ask of IAM: their requests, taken from the wire and read as IAM reads them."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib import settings
from chalicelib.delivery.http_connection import HTTPConnection

__all__ = ["Recorder", "Right", "queue"]

Right = tuple[str, str]
"""An action, and the resource that it is done to: as narrow as can be said before a deployment."""

TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
"""The action that an item of a transaction is ("Using IAM with DynamoDB transactions")."""


class Recorder:
    """What each function sends, to moto and to the stand-in for @connections, while it runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._running: list[str] = []
        self._sent: dict[str, list[_Request]] = defaultdict(list)
        process, exchange = BotocoreStubber.process_request, HTTPConnection.exchange

        def noted_process(stubber: BotocoreStubber, request: Any) -> Any:
            target = request.headers.get("X-Amz-Target", b"").decode()
            self._note(_Request(request.method, urlsplit(request.url).path, target, request.body))
            return process(stubber, request)

        def noted_exchange(channel: HTTPConnection, request: bytes) -> Any:
            method, path, _ = request.decode().split(" ", 2)
            self._note(_Request(method, path))
            return exchange(channel, request)

        monkeypatch.setattr(BotocoreStubber, "process_request", noted_process)
        monkeypatch.setattr(HTTPConnection, "exchange", noted_exchange)

    def watch(self, function: str, owner: object, name: str) -> None:
        """Record under a function's name what is sent while an attribute of owner, its handler, runs."""
        handler = getattr(owner, name)

        def watched(*arguments: Any, **options: Any) -> Any:
            self._running.append(function)
            try:
                return handler(*arguments, **options)
            finally:
                self._running.pop()

        self._monkeypatch.setattr(owner, name, watched)

    def rights(self, function: str) -> set[Right]:
        """Return the rights that a function needed for what it sent."""
        return set().union(*map(_rights, self._sent[function]))

    def _note(self, request: _Request) -> None:
        if self._running:
            self._sent[self._running[-1]].append(request)


class _Request(NamedTuple):
    method: str
    path: str
    target: str = ""
    """The operation, of a service that names it in a header."""
    body: str | bytes = ""


def _rights(request: _Request) -> set[Right]:
    """Read a request as IAM does ("Service Authorization Reference", which has a page for each service)."""
    arguments = json.loads(request.body) if request.target else {}
    match request.target.split("."):
        case ["DynamoDB_20120810", "TransactWriteItems"]:
            return {
                (f"dynamodb:{TRANSACTED[kind]}", _table(item["TableName"]))
                for write in arguments["TransactItems"]
                for kind, item in write.items()
            }
        case ["DynamoDB_20120810", "BatchGetItem"]:
            return {("dynamodb:BatchGetItem", _table(name)) for name in arguments["RequestItems"]}
        case ["DynamoDB_20120810", operation]:
            return {(f"dynamodb:{operation}", _table(arguments["TableName"], arguments.get("IndexName")))}
        case ["AmazonSQS", "GetQueueUrl"]:
            return {("sqs:GetQueueUrl", queue(arguments["QueueName"]))}
        case ["AmazonSQS", operation]:
            return {(f"sqs:{operation}", queue(arguments["QueueUrl"].split("/")[-1]))}
    match request.path.split("/"):
        case ["", "v2", *parts]:
            return {(f"apigateway:{request.method}", f"arn:aws:apigateway:*::/{'/'.join(parts)}")}
        # The stand-in's stage is test, whatever that of the functions.
        case ["", "test", "@connections", _]:
            connections = f"arn:aws:execute-api:*:*:*/{settings.STAGE}/{request.method}/@connections/*"
            return {("execute-api:ManageConnections", connections)}
    raise ValueError(f"what IAM makes of this is not known here: {request}")


def _table(name: str, index: str | None = None) -> str:
    return f"arn:aws:dynamodb:*:*:table/{name}" + (f"/index/{index}" if index else "")


def queue(name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:*:*:{name}"
