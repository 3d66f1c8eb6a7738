"""Checks every frame of the contract tests against docs/asyncapi.yaml."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from chalice.local import LambdaContext, LocalGateway

from chalicelib import aws, settings
from chalicelib.delivery import jobs
from chalicelib.delivery.http_pool import BroadcastResult
from chalicelib.delivery.websocket_api import BroadcastWebsocketAPI
from chalicelib.protocol.validation import parse_object
from chalicelib.websocket import events
from tests import asyncapi
from tests.gateway import Gateway

INVALID_FRAME_CODES = {"invalid_json", "unknown_action", "invalid_message"}


@pytest.fixture(autouse=True)
def described_frames(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which the server sends or accepts a frame that the document does not describe."""
    broadcast, receive = BroadcastWebsocketAPI.broadcast, events.receive
    sent: list[tuple[Collection[str], str]] = []

    def recorded_broadcast(
        api: BroadcastWebsocketAPI, connection_ids: Collection[str], payload: str
    ) -> BroadcastResult:
        sent.append((connection_ids, payload))
        return broadcast(api, connection_ids, payload)

    def checked_receive(api: BroadcastWebsocketAPI, connection_id: str, body: str) -> None:
        earlier = len(sent)
        receive(api, connection_id, body)
        answers = [json.loads(payload) for ids, payload in sent[earlier:] if connection_id in ids]
        if not any(answer.get("error", {}).get("code") in INVALID_FRAME_CODES for answer in answers):
            asyncapi.kind_of(parse_object(body), asyncapi.RECEIVED)

    monkeypatch.setattr(BroadcastWebsocketAPI, "broadcast", recorded_broadcast)
    monkeypatch.setattr(events, "receive", checked_receive)
    yield
    for payload in {payload for _, payload in sent}:
        asyncapi.kind_of(json.loads(payload), asyncapi.SENT)


@pytest.fixture
def on_lambda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each REST request the ARN of the function, as Lambda does."""
    generate = LocalGateway._generate_lambda_context

    def generate_with_arn(gateway: LocalGateway) -> LambdaContext:
        context = generate(gateway)
        context.invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:chalice-chat-dev"
        return context

    monkeypatch.setattr(LocalGateway, "_generate_lambda_context", generate_with_arn)


@pytest.fixture
def connections_url(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Name the fake of @connections to the functions that no WebSocket event tells it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", gateway.url)
    aws.connections_url.cache_clear()
    yield
    aws.connections_url.cache_clear()


@pytest.fixture
def queue(tables: None) -> Iterator[Any]:
    """Create the fan-out queue in moto."""
    yield _sqs().create_queue(QueueName=settings.FANOUT_QUEUE)
    jobs._queue_url.cache_clear()


@cache
def _sqs() -> Any:
    return boto3.resource("sqs")
