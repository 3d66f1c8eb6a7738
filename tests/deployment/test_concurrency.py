"""Limits of concurrency, and the chain of invocations through the queue."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.deployment


def test_concurrency_of_functions_and_queue_can_be_limited(expanded: dict[str, Any]) -> None:
    nothing = {"Ref": "AWS::NoValue"}
    functions = {name: one["Properties"] for name, one in expanded.items() if one["Type"] == "AWS::Lambda::Function"}
    parameters = {
        "APIHandler": "ApiHandlerConcurrency",
        "WebsocketConnect": "WebsocketConnectConcurrency",
        "WebsocketMessage": "WebsocketMessageConcurrency",
        "WebsocketDisconnect": "WebsocketDisconnectConcurrency",
        "FanOut": "FanOutConcurrency",
    }
    assert {name: function["ReservedConcurrentExecutions"] for name, function in functions.items()} == {
        name: {"Fn::If": [f"Has{parameter}", {"Ref": parameter}, nothing]} for name, parameter in parameters.items()
    }
    (source,) = (one["Properties"] for one in expanded.values() if one["Type"] == "AWS::Lambda::EventSourceMapping")
    maximum = {"MaximumConcurrency": {"Ref": "FanOutMaxJobs"}}
    assert source["ScalingConfig"] == {"Fn::If": ["HasFanOutMaxJobs", maximum, nothing]}


def test_lambda_does_not_stop_long_chains_of_jobs(expanded: dict[str, Any]) -> None:
    functions = [one for one in expanded.items() if one[1]["Type"] == "AWS::Lambda::Function"]
    allowed = {name for name, one in functions if one["Properties"].get("RecursiveLoop") == "Allow"}
    assert allowed == {"FanOut"}
