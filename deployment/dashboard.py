"""The CloudWatch dashboard of a stage."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from deployment.functions import Functions
from deployment.metrics import Metric, chat, lambda_functions, messages_in, throttles

COLUMNS = 24  # of a dashboard
HALF, QUARTER = 12, 6
HEIGHT = 6


def dashboard(functions: Functions, tables: Iterable[str]) -> dict[str, Any]:
    """Return the dashboard as a CloudFormation resource; tables are logical IDs."""
    deliveries = [chat(name) for name in ("delivered", "gone", "failed", "queued")]
    queues = [messages_in("FanoutQueue"), messages_in("FanoutDeadLetters")]
    widgets = [
        _widget("Deliveries", HALF, deliveries),
        _widget("Errors", HALF, [chat("faults"), *lambda_functions("Errors", functions)]),
        _widget("Duration, 95th percentile, ms", HALF, lambda_functions("Duration", functions), "p95"),
        _widget("Invocations", HALF, lambda_functions("Invocations", functions)),
        _widget("Throttles", HALF, throttles(functions, tables)),
        _widget("DynamoDB requests", QUARTER, [chat("dynamodb_requests")]),
        _widget("Fan-out batches waiting", QUARTER, queues, "Maximum"),
        _widget("Ticks of large rooms", QUARTER, [chat("ticks")]),
        _widget("Delay of messages in large rooms, ms", QUARTER, [chat("tick_delay_ms")], "Maximum"),
    ]
    _place(widgets)
    body = {"Fn::Sub": json.dumps({"widgets": widgets})}
    # With the Region, because the name is unique in the account, across all Regions ("PutDashboard").
    properties = {"DashboardName": {"Fn::Sub": "chalice-chat-${Stage}-${AWS::Region}"}, "DashboardBody": body}
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}


def _widget(title: str, width: int, metrics: list[Metric], stat: str = "Sum") -> dict[str, Any]:
    return {
        "type": "metric",
        "width": width,
        "height": HEIGHT,
        "properties": {
            "title": title,
            "region": "${AWS::Region}",
            "stat": stat,
            "period": 60,
            "metrics": [metric.for_dashboard() for metric in metrics],
        },
    }


def _place(widgets: list[dict[str, Any]]) -> None:
    """Fill row after row."""
    x = y = 0
    for widget in widgets:
        if x + widget["width"] > COLUMNS:
            x, y = 0, y + HEIGHT
        widget |= {"x": x, "y": y}
        x += widget["width"]
