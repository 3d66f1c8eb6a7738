"""The process of the Python contenders.

`python -m benchmarks.python_runner program` runs the program. `boto3` runs the program with one change: boto3 sends the
posts, in threads. The process reads one event per line from standard input, and prints one line of measurements for
each. node/runner.mjs does the same for Node.js.
"""

from __future__ import annotations

import json
import sys
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

THREADS = 32

# Chalice logs to standard output, which carries the measurements here.
measurements, sys.stdout = sys.stdout, sys.stderr


def _load_handler(contender: str) -> Any:
    import app

    if contender == "boto3":
        app.websocket_api.broadcast = _boto3_broadcast()
    return app.message


def _boto3_broadcast() -> Any:
    import os
    from concurrent.futures import ThreadPoolExecutor

    import boto3
    from botocore.config import Config

    from chalicelib.delivery.http_pool import BroadcastResult

    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=os.environ["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"],
        config=Config(max_pool_connections=THREADS),
    )
    executor = ThreadPoolExecutor(THREADS)

    def broadcast(connection_ids: Any, payload: str) -> BroadcastResult:
        data, ids = payload.encode(), list(connection_ids)
        for _ in executor.map(lambda id_: client.post_to_connection(ConnectionId=id_, Data=data), ids):
            pass
        return BroadcastResult(ids, [], [])

    return broadcast


def _record_operations() -> list[str]:
    """Return a list to which every request to DynamoDB adds its operation."""
    from pynamodb.connection import Connection

    operations, dispatch = [], Connection.dispatch

    def record(connection: Connection, operation: str, arguments: dict[str, Any]) -> Any:
        operations.append(operation)
        return dispatch(connection, operation, arguments)

    Connection.dispatch = record
    return operations


def _cpu_ms() -> float:
    used = getrusage(RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def _run(contender: str) -> None:
    handle, operations = _load_handler(contender), _record_operations()
    for line in sys.stdin:
        event = json.loads(line)
        operations.clear()
        cpu, started = _cpu_ms(), perf_counter()
        handle(event, None)
        wall = (perf_counter() - started) * 1000
        sample = {"wall_ms": wall, "cpu_ms": _cpu_ms() - cpu, "dynamodb_requests": len(operations)}
        print(json.dumps(sample), file=measurements, flush=True)


if __name__ == "__main__":
    _run(sys.argv[1])
