"""Jobs: the queue that they are sent to."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.core.botocore_stubber import BotocoreStubber

from chalicelib import settings
from chalicelib.delivery import jobs


def test_delivery_is_sent_to_the_queue_in_the_account_of_the_function(
    queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, urls = BotocoreStubber.process_request, list[str]()

    def record(stubber: BotocoreStubber, request: Any) -> Any:
        urls.append(json.loads(request.body)["QueueUrl"])
        return process(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", record)
    function = "arn:aws:lambda:us-east-1:123456789012:function:chalice-chat-dev"
    jobs.enqueue_delivery(jobs.Delivery("https://example.org", "r", 1), function)
    assert urls == [f"https://sqs.us-east-1.amazonaws.com/123456789012/{settings.FANOUT_QUEUE}"]


def test_address_of_the_queue_is_looked_up_once(queue: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs._queue_url.cache_clear()
    process, operations = BotocoreStubber.process_request, list[str]()

    def record(stubber: BotocoreStubber, request: Any) -> Any:
        operations.append(request.headers["X-Amz-Target"].decode().rpartition(".")[2])
        return process(stubber, request)

    monkeypatch.setattr(BotocoreStubber, "process_request", record)
    for _ in range(2):
        jobs.enqueue_erasure(jobs.Erasure("r"))
    assert operations == ["GetQueueUrl", "SendMessage", "SendMessage"]
