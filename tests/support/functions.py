"""Environment of a Lambda function: its ARN, the URL of @connections and the queue, as fixtures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import boto3
import pytest
from chalice.local import LambdaContext, LocalGateway

import app as chat_app
from chalicelib import aws, settings
from chalicelib.delivery import addresses
from tests.support.gateway import Gateway


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
    addresses.connections_url.cache_clear()
    yield
    addresses.connections_url.cache_clear()


@pytest.fixture
def queue(tables: None) -> Any:
    """Create the fan-out queue in moto."""
    return _sqs().create_queue(QueueName=settings.FANOUT_QUEUE)


@pytest.fixture
def no_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the endpoint that Chalice has taken from a WebSocket event: other functions receive none."""
    monkeypatch.setattr(chat_app.websocket_api, "_endpoint", None)


@pytest.fixture
def new_process() -> Iterator[None]:
    """Clear the caches of chalicelib, as in a new process."""
    _clear_caches()
    yield
    _clear_caches()


@cache
def _sqs() -> Any:
    return boto3.resource("sqs")


def _clear_caches() -> None:
    for name, module in sys.modules.items():
        if name.startswith("chalicelib."):
            for value in vars(module).values():
                if hasattr(value, "cache_clear") and value is not aws.session:
                    value.cache_clear()
