"""One JSON line for each invocation of a function: what it did, for whom, how long it took, and what it cost.

CloudWatch finds the line by any of its fields, and makes metrics of its numbers ("Embedded metric format
specification"). A field is there where it applies:

    function, stage, outcome, milliseconds    websocket_message, dev, sendMessage, 21.4
    room                                      the room's id
    delivered, gone, failed, handed_over      connections that were posted to, were found closed, could not be reached,
                                              and were handed to the queue
    requests                                  requests to DynamoDB
    faults                                    1 when it failed through our own fault, else 0
    reference                                 of such a fault, as the member was told it
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

__all__ = ["count", "log_each", "note"]

NAMESPACE = "ChaliceChat"
METRICS = {"delivered", "gone", "failed", "handed_over", "requests", "faults"}

# Of the invocation under way: Lambda gives a process one at a time.
_facts: dict[str, Any] = {}
_counting = threading.Lock()  # it reads side by side


def note(**facts: Any) -> None:
    """Put facts into the line of the invocation under way."""
    _facts.update(facts)


def count(**numbers: int) -> None:
    """Add to the numbers in the line of the invocation under way."""
    with _counting:
        for name, number in numbers.items():
            _facts[name] = _facts.get(name, 0) + number


def log_each(event: Any, get_response: Callable[[Any], Any]) -> Any:
    """Handle an event, as middleware of Chalice, and log one line about it."""
    started = time.perf_counter()
    _facts.clear()
    note(function=_function(event), stage=settings.STAGE, outcome="done", requests=0, faults=0)
    try:
        response = get_response(event)
        _note_response(event, response)
    except Exception:
        note(outcome="fault", faults=1)
        raise
    finally:
        note(milliseconds=round((time.perf_counter() - started) * 1000, 1))
        sys.stdout.write(json.dumps(_facts | {"_aws": _metrics()}, ensure_ascii=False) + "\n")
    return response


def _function(event: Any) -> str:
    if isinstance(event, WebsocketEvent):
        return f"websocket_{event.to_dict()['requestContext']['eventType'].lower()}"
    return "fan_out" if isinstance(event, SQSEvent) else "api_handler"


def _note_response(event: Any, response: Any) -> None:
    if isinstance(event, Request):
        status = response.status_code
        note(outcome=f"{event.method} {event.context['resourcePath']} {status}", faults=int(status >= 500))
    elif response:
        note(outcome=str(response["statusCode"]))


def _metrics() -> dict[str, Any]:
    metrics = [{"Name": name, "Unit": "Count"} for name in sorted(METRICS & _facts.keys())]
    return {
        "Timestamp": time.time_ns() // 1_000_000,
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [["stage"]], "Metrics": metrics}],
    }
