"""One structured log line per invocation of a function.

CloudWatch Logs indexes its fields, and CloudWatch extracts metrics from its numbers ("Embedded metric format
specification"). A field is present if it applies:

    function, stage, outcome, duration_ms     websocket_message, dev, sendMessage, 21.4
    room_id                                   id of the room
    delivered, gone, failed, queued           connections that received a frame, were closed, could not be reached,
                                              or were queued for fan-out
    ticks, tick_delay_ms                      number of ticks of large rooms that began, and the milliseconds since the
                                              oldest message of the tick was stored
    dynamodb_requests                         number of requests to DynamoDB
    faults                                    number of errors of the server, failed notifications,
                                              removals and closes included
    reference                                 reference of that error, as the client received it
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from chalice.app import Request, SQSEvent, WebsocketEvent

from chalicelib import settings

NAMESPACE = "ChaliceChat"
METRICS = dict.fromkeys(["delivered", "gone", "failed", "queued", "ticks", "dynamodb_requests", "faults"], "Count") | {
    "tick_delay_ms": "Milliseconds"
}
"""The units of the metrics by name."""

# Lambda runs one invocation at a time in a process, so one dictionary is enough.
_fields: dict[str, Any] = {}
_lock = threading.Lock()  # requests to DynamoDB run in several threads


def append_keys(**fields: Any) -> None:
    """Set fields of the current invocation's log line."""
    _fields.update(fields)


def add_metric(**values: int) -> None:
    """Add values to numeric fields of the current invocation's log line."""
    with _lock:
        for name, value in values.items():
            _fields[name] = _fields.get(name, 0) + value


def log_middleware(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Handle an event, and write its log line to standard output. Chalice middleware for all event types."""
    started = time.perf_counter()
    _fields.clear()
    append_keys(function=_function(event), stage=settings.STAGE, outcome="done", dynamodb_requests=0, faults=0)
    try:
        response = get_response(event)
        _append_response(event, response)
    except Exception:
        append_keys(outcome="fault", faults=1)
        raise
    finally:
        append_keys(duration_ms=round((time.perf_counter() - started) * 1000, 1))
        sys.stdout.write(json.dumps(_fields | {"_aws": _metric_directive()}, ensure_ascii=False) + "\n")
    return response


def _function(event: Any) -> str:
    match event:
        case Request():
            return "api_handler"
        case WebsocketEvent():
            return f"websocket_{event.to_dict()['requestContext']['eventType'].lower()}"
        case SQSEvent():
            return "fan_out"
    return f"unknown function for {type(event).__name__}"


def _append_response(event: Any, response: Any) -> None:
    if isinstance(event, Request):
        status = response.status_code
        append_keys(outcome=f"{event.method} {event.context['resourcePath']} {status}", faults=int(status >= 500))
    elif isinstance(event, WebsocketEvent) and response:
        append_keys(outcome=str(response["statusCode"]))


def _metric_directive() -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": METRICS[name]} for name in sorted(METRICS.keys() & _fields.keys())]
    return {
        "Timestamp": time.time_ns() // 1_000_000,
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["stage"]], "Metrics": metrics}],
    }
